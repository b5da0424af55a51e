/* An extension that gives up the GIL around an access to memory that others change: a bug in every CPython, with and without the
   GIL. The fixed one has a lock of its own there. */
#include <Python.h>
#include <pthread.h>

#ifdef FIXED
#define MODULE released_fixed
#else
#define MODULE released
#endif
#define TEXT(x) #x
#define NAME(x) TEXT(x)
#define PASTE(a, b) a##b
#define INIT(x) PASTE(PyInit_, x)

typedef struct {
    PyObject_HEAD
    long total;
    pthread_mutex_t lock;
} Meter;

/* Not inlined, and its accesses are accesses: this is what a report has to name. */
static __attribute__((noinline)) void count(Meter *self) {
    *(volatile long *)&self->total += 1;
}

static PyObject *meter_tick(PyObject *op, PyObject *Py_UNUSED(args)) {
    Meter *self = (Meter *)op;
    Py_BEGIN_ALLOW_THREADS
#ifdef FIXED
    pthread_mutex_lock(&self->lock);
#endif
    count(self);
#ifdef FIXED
    pthread_mutex_unlock(&self->lock);
#endif
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *meter_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs)) {
    Meter *self = (Meter *)type->tp_alloc(type, 0);
    if (self != NULL) {
        pthread_mutex_init(&self->lock, NULL);
    }
    return (PyObject *)self;
}

static PyMethodDef meter_methods[] = {
    {"tick", meter_tick, METH_NOARGS, "tick(): counts one more"},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject meter_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = NAME(MODULE) ".Meter",
    .tp_basicsize = sizeof(Meter),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = meter_new,
    .tp_methods = meter_methods,
};

static int exec(PyObject *module) { return PyModule_AddType(module, &meter_type); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = NAME(MODULE), .m_slots = slots};

PyMODINIT_FUNC INIT(MODULE)(void);
PyMODINIT_FUNC INIT(MODULE)(void) { return PyModuleDef_Init(&definition); }
