/* expect: data-race tsan in journal_last <-> journal_add|journal_drop;
           use-after-free tsan,asan in journal_last */
/*
 * K3, borrowed item of a shared list. The newest entry is read through the borrowed reference that PyList_GetItem
 * gives; another thread drops the entry from the list, and with it the only reference, while it is in use.
 */
#include "canary.h"

enum { PREVIEW = 30 };

typedef struct {
    PyObject_HEAD
    PyObject *entries; /* list of str that nobody else can reach */
} Journal;

static PyObject *journal_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Journal *self = canary_alloc(type, args, kwargs);
    if (self == NULL) {
        return NULL;
    }
    self->entries = PyList_New(0);
    if (self->entries == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int journal_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((Journal *)op)->entries);
    return 0;
}

static int journal_clear(PyObject *op) {
    Py_CLEAR(((Journal *)op)->entries);
    return 0;
}

static void journal_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    (void)journal_clear(op);
    CANARY_FREE(op);
}

static PyObject *journal_add(PyObject *op, PyObject *text) {
    if (!PyUnicode_CheckExact(text)) {
        PyErr_SetString(PyExc_TypeError, "add(text): text must be a str");
        return NULL;
    }
    PyObject *entries = ((Journal *)op)->entries;
    PyObject *entry = PyUnicode_FromFormat("%zd: %U", PyList_Size(entries), text);
    if (entry == NULL) {
        return NULL;
    }
    int status = PyList_Append(entries, entry);
    Py_DECREF(entry);
    if (status < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *journal_drop(PyObject *op, PyObject *Py_UNUSED(args)) {
    PyObject *entries = ((Journal *)op)->entries;
    Py_ssize_t count = PyList_Size(entries);
    if (PyList_SetSlice(entries, count > 0 ? count - 1 : 0, count, NULL) < 0) {
        return NULL;
    }
    return PyBool_FromLong(count > 0);
}

/* The newest entry, shortened. */
static PyObject *journal_last(PyObject *op, PyObject *Py_UNUSED(args)) {
    PyObject *entries = ((Journal *)op)->entries;
#ifdef FIXED
    PyObject *entry = PyList_GetItemRef(entries, PyList_Size(entries) - 1);
#else
    PyObject *entry = PyList_GetItem(entries, PyList_Size(entries) - 1);
#endif
    if (entry == NULL) {
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(entry);
    PyObject *preview = PyUnicode_Substring(entry, 0, length < PREVIEW ? length : PREVIEW);
#ifdef FIXED
    Py_DECREF(entry);
#endif
    return preview;
}

static Py_ssize_t journal_length(PyObject *op) { return PyList_Size(((Journal *)op)->entries); }

static PyMethodDef journal_methods[] = {
    {"add", journal_add, METH_O, "add(text): appends an entry"},
    {"drop", journal_drop, METH_NOARGS, "drop(): removes the newest entry; False when there was none"},
    {"last", journal_last, METH_NOARGS, "last(): the beginning of the newest entry"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot journal_slots[] = {
    {Py_tp_new, journal_new},
    {Py_tp_dealloc, journal_dealloc},
    {Py_tp_traverse, journal_traverse},
    {Py_tp_clear, journal_clear},
    {Py_tp_methods, journal_methods},
    {Py_sq_length, journal_length},
    {Py_tp_doc, "Journal(): numbered entries, newest last"},
    {0, NULL},
};

static PyType_Spec journal_spec = {
    .name = CANARY_NAME(ck03_borrowed_item) ".Journal",
    .basicsize = sizeof(Journal),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = journal_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &journal_spec); }

CANARY_MODULE(ck03_borrowed_item, NULL, exec)
