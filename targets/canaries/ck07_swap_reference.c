/* expect: data-race tsan in latest_publish|latest_forget <-> latest_publish|latest_forget|latest_get;
           use-after-free tsan,asan in latest_publish|latest_forget|latest_get|latest_clear;
           segv plain,tsan,asan in latest_publish|latest_forget|latest_get */
/*
 * K7, non-atomic swap of an owned reference. Py_XSETREF reads the old reference, stores the new one and lets go of
 * the old: two publishers let go of the same record, and a reader takes a record that is being freed.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    PyObject *record; /* str, or NULL */
} Latest;

static PyObject *latest_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static int latest_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((Latest *)op)->record);
    return 0;
}

static int latest_clear(PyObject *op) {
    Py_CLEAR(((Latest *)op)->record);
    return 0;
}

static void latest_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    (void)latest_clear(op);
    CANARY_FREE(op);
}

static PyObject *latest_publish(PyObject *op, PyObject *message) {
    Latest *self = (Latest *)op;
    if (!PyUnicode_CheckExact(message)) {
        PyErr_SetString(PyExc_TypeError, "publish(message): message must be a str");
        return NULL;
    }
    PyObject *record = PyUnicode_FromFormat("<%U>", message);
    if (record == NULL) {
        return NULL;
    }
    LOCK_IF_FIXED(op);
    Py_XSETREF(self->record, record);
    UNLOCK_IF_FIXED();
    Py_RETURN_NONE;
}

static PyObject *latest_forget(PyObject *op, PyObject *Py_UNUSED(args)) {
    LOCK_IF_FIXED(op);
    Py_CLEAR(((Latest *)op)->record);
    UNLOCK_IF_FIXED();
    Py_RETURN_NONE;
}

static PyObject *latest_get(PyObject *op, PyObject *Py_UNUSED(args)) {
    PyObject *record;
    LOCK_IF_FIXED(op);
    record = Py_XNewRef(((Latest *)op)->record);
    UNLOCK_IF_FIXED();
    return record == NULL ? Py_NewRef(Py_None) : record;
}

static PyMethodDef latest_methods[] = {
    {"publish", latest_publish, METH_O, "publish(message): replaces the record"},
    {"forget", latest_forget, METH_NOARGS, "forget(): there is no record then"},
    {"get", latest_get, METH_NOARGS, "get(): the record, or None"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot latest_slots[] = {
    {Py_tp_new, latest_new},
    {Py_tp_dealloc, latest_dealloc},
    {Py_tp_traverse, latest_traverse},
    {Py_tp_clear, latest_clear},
    {Py_tp_methods, latest_methods},
    {Py_tp_doc, "Latest(): a mailbox for one record"},
    {0, NULL},
};

static PyType_Spec latest_spec = {
    .name = CANARY_NAME(ck07_swap_reference) ".Latest",
    .basicsize = sizeof(Latest),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = latest_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &latest_spec); }

CANARY_MODULE(ck07_swap_reference, NULL, exec)
