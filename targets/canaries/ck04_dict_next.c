/* expect: data-race tsan in registry_dump <-> registry_register|registry_unregister;
           use-after-free tsan,asan in registry_dump;
           segv plain,tsan,asan in registry_dump */
/*
 * K4, PyDict_Next on a shared dict. PyDict_Next takes no lock and gives borrowed references; a thread that adds or
 * removes a name while another one dumps the registry resizes the table under it and frees the values.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    PyObject *entries; /* dict: name -> "name = value"; nobody else can reach it */
} Registry;

static PyObject *registry_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Registry *self = canary_alloc(type, args, kwargs);
    if (self == NULL) {
        return NULL;
    }
    self->entries = PyDict_New();
    if (self->entries == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int registry_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((Registry *)op)->entries);
    return 0;
}

static int registry_clear(PyObject *op) {
    Py_CLEAR(((Registry *)op)->entries);
    return 0;
}

static void registry_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    (void)registry_clear(op);
    CANARY_FREE(op);
}

static PyObject *registry_register(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2 || !PyUnicode_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "register(name, value): both must be str");
        return NULL;
    }
    PyObject *entries = ((Registry *)op)->entries;
    PyObject *entry = PyUnicode_FromFormat("%U = %U", args[0], args[1]);
    if (entry == NULL) {
        return NULL;
    }
    int status = PyDict_SetItem(entries, args[0], entry);
    Py_DECREF(entry);
    if (status < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *registry_unregister(PyObject *op, PyObject *name) {
    if (!PyUnicode_CheckExact(name)) {
        PyErr_SetString(PyExc_TypeError, "unregister(name): name must be a str");
        return NULL;
    }
    int found = PyDict_Pop(((Registry *)op)->entries, name, NULL);
    return found < 0 ? NULL : PyBool_FromLong(found);
}

/* The list of all entries that say something. */
static PyObject *registry_dump(PyObject *op, PyObject *Py_UNUSED(args)) {
    PyObject *entries = ((Registry *)op)->entries;
    PyObject *list = PyList_New(0);
    if (list == NULL) {
        return NULL;
    }
    int status = 0;
    LOCK_IF_FIXED(entries);
    PyObject *name, *entry;
    Py_ssize_t position = 0;
    while (status == 0 && PyDict_Next(entries, &position, &name, &entry)) {
        if (PyUnicode_GET_LENGTH(entry) > PyUnicode_GET_LENGTH(name) + 3) {
            status = PyList_Append(list, entry);
        }
    }
    UNLOCK_IF_FIXED();
    if (status < 0) {
        Py_DECREF(list);
        return NULL;
    }
    return list;
}

static Py_ssize_t registry_length(PyObject *op) { return PyDict_Size(((Registry *)op)->entries); }

static PyMethodDef registry_methods[] = {
    {"register", _PyCFunction_CAST(registry_register), METH_FASTCALL, "register(name, value): both str"},
    {"unregister", registry_unregister, METH_O, "unregister(name): False when there was none"},
    {"dump", registry_dump, METH_NOARGS, "dump(): a list of all entries that are not empty"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot registry_slots[] = {
    {Py_tp_new, registry_new},
    {Py_tp_dealloc, registry_dealloc},
    {Py_tp_traverse, registry_traverse},
    {Py_tp_clear, registry_clear},
    {Py_tp_methods, registry_methods},
    {Py_mp_length, registry_length},
    {Py_tp_doc, "Registry(): values by name, as text"},
    {0, NULL},
};

static PyType_Spec registry_spec = {
    .name = CANARY_NAME(ck04_dict_next) ".Registry",
    .basicsize = sizeof(Registry),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = registry_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &registry_spec); }

CANARY_MODULE(ck04_dict_next, NULL, exec)
