#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *record; /* NULL: none yet */
} Latest;

static void latest_dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    Py_CLEAR(((Latest *)op)->record);
    type->tp_free(op);
    Py_DECREF(type);
}

/* The planted bugs: two threads that are here at once let go of the same record, and so does a comparison that publishes. */
static PyObject *latest_publish(PyObject *op, PyObject *message) {
    PyObject *record = ((Latest *)op)->record;
    int same = record != NULL ? PyObject_RichCompareBool(message, record, Py_EQ) : 0;
    if (same != 0) {
        return same < 0 ? NULL : PyUnicode_FromFormat("%R again", record);
    }
    Py_XSETREF(((Latest *)op)->record, Py_NewRef(message));
    Py_RETURN_NONE;
}

static PyObject *latest_get(PyObject *op, PyObject *Py_UNUSED(args)) {
    PyObject *record = ((Latest *)op)->record;
    return Py_NewRef(record != NULL ? record : Py_None);
}

static PyMethodDef latest_methods[] = {
    {"publish", latest_publish, METH_O, "publish(message): replaces the record"},
    {"get", latest_get, METH_NOARGS, "get(): the record, or None"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot latest_slots[] = {
    {Py_tp_dealloc, latest_dealloc},
    {Py_tp_methods, latest_methods},
    {0, NULL},
};

static PyType_Spec latest_spec = {
    .name = "planted.Latest", .basicsize = sizeof(Latest), .flags = Py_TPFLAGS_DEFAULT, .slots = latest_slots};

static int exec(PyObject *module) {
    PyObject *type = PyType_FromSpec(&latest_spec);
    int added = type != NULL ? PyModule_AddObjectRef(module, "Latest", type) : -1;
    Py_XDECREF(type);
    return added;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_latest", .m_slots = slots};

PyMODINIT_FUNC PyInit__latest(void) { return PyModuleDef_Init(&module); }
