/*
 * A class that is of no use until several calls were made with arguments that nobody guesses, for the tests of `ftfuzz harvest`:
 *
 *     meter = Meter("rate=48000")      ValueError for a text without a rate
 *     meter.configure("hann", 4)       TypeError for a window that is none; before it, feed() raises
 *     meter.feed(b"....")
 *     window = meter.window()          the only way to a Window; TypeError until four bytes were fed
 *     window.mean()
 */
#include <Python.h>
#include <string.h>

enum { ROOM = 64 };

typedef struct meter {
    PyObject ob_base;
    long rate;
    int size; /* of a window; 0: not configured */
    int used;
    unsigned char bytes[ROOM];
} meter;

typedef struct window {
    PyObject ob_base;
    long sum;
    int size;
} window;

static PyTypeObject window_type;

static PyObject *meter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"spec", NULL};
    const char *spec;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s", names, &spec)) {
        return NULL;
    }
    if (strncmp(spec, "rate=", 5) != 0) {
        PyErr_SetString(PyExc_ValueError, "no rate");
        return NULL;
    }
    meter *self = (meter *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->rate = strtol(spec + 5, NULL, 10);
    }
    return (PyObject *)self;
}

static PyObject *meter_configure(PyObject *object, PyObject *args) {
    const char *name;
    int size;
    if (!PyArg_ParseTuple(args, "si", &name, &size)) {
        return NULL;
    }
    if (strcmp(name, "hann") != 0 || size < 1 || size > ROOM) {
        PyErr_SetString(PyExc_TypeError, "no such window");
        return NULL;
    }
    ((meter *)object)->size = size;
    Py_RETURN_NONE;
}

static PyObject *meter_feed(PyObject *object, PyObject *data) {
    meter *self = (meter *)object;
    if (self->size == 0 || !PyBytes_Check(data)) {
        PyErr_SetString(PyExc_TypeError, self->size == 0 ? "not configured" : "bytes wanted");
        return NULL;
    }
    Py_ssize_t len = PyBytes_GET_SIZE(data);
    if (len > ROOM - self->used) {
        len = ROOM - self->used;
    }
    memcpy(self->bytes + self->used, PyBytes_AS_STRING(data), (size_t)len);
    self->used += (int)len;
    return PyLong_FromLong(self->used);
}

static PyObject *meter_window(PyObject *object, PyObject *Py_UNUSED(ignored)) {
    meter *self = (meter *)object;
    if (self->size == 0 || self->used < self->size) {
        PyErr_SetString(PyExc_TypeError, "not enough");
        return NULL;
    }
    window *made = (window *)window_type.tp_alloc(&window_type, 0);
    for (int i = 0; made != NULL && i < self->size; i++) {
        made->sum += self->bytes[i];
    }
    if (made != NULL) {
        made->size = self->size;
    }
    return (PyObject *)made;
}

static PyObject *window_mean(PyObject *object, PyObject *Py_UNUSED(ignored)) {
    const window *self = (const window *)object;
    return PyFloat_FromDouble((double)self->sum / self->size);
}

static PyMethodDef meter_methods[] = {{"configure", meter_configure, METH_VARARGS, NULL},
                                      {"feed", meter_feed, METH_O, NULL},
                                      {"window", meter_window, METH_NOARGS, NULL},
                                      {NULL, NULL, 0, NULL}};
static PyMethodDef window_methods[] = {{"mean", window_mean, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyTypeObject meter_type = {.ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name = "steps.Meter",
                                  .tp_basicsize = sizeof(meter),
                                  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                  .tp_methods = meter_methods,
                                  .tp_new = meter_new};
static PyTypeObject window_type = {.ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name = "steps.Window",
                                   .tp_basicsize = sizeof(window),
                                   .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                   .tp_methods = window_methods};

static int fill(PyObject *module) {
    return PyType_Ready(&window_type) < 0 ? -1 : PyModule_AddType(module, &meter_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT, .m_name = "steps", .m_slots = slots};

PyMODINIT_FUNC PyInit_steps(void) { return PyModuleDef_Init(&definition); }
