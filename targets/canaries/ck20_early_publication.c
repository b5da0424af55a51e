/* expect: data-race tsan in session_new <-> session_describe;
           segv plain,tsan,asan in session_describe */
/*
 * K20, object visible before it is complete. The constructor registers the new session and fills in its fields
 * afterwards; who looks the newest session up in between finds NULL where a name should be.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    PyObject *name;
    long number;
} Session;

static PyMutex newest_mutex;
static PyObject *newest; /* the session registered last, or NULL; protected by the mutex */

static NOINLINE void session_register(PyObject *op) {
    PyMutex_Lock(&newest_mutex);
    PyObject *old = newest;
    newest = Py_NewRef(op);
    PyMutex_Unlock(&newest_mutex);
    Py_XDECREF(old);
}

static PyObject *session_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"name", NULL};
    PyObject *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:Session", names, &name)) {
        return NULL;
    }
    Session *self = (Session *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
#ifndef FIXED
    session_register((PyObject *)self);
#endif
    self->number = (long)PyUnicode_GET_LENGTH(name);
    self->name = PyUnicode_FromFormat("session %U", name);
    if (self->name == NULL) {
        Py_DECREF(self);
        return NULL;
    }
#ifdef FIXED
    session_register((PyObject *)self);
#endif
    return (PyObject *)self;
}

static void session_dealloc(PyObject *op) {
    Py_XDECREF(((Session *)op)->name);
    CANARY_FREE(op);
}

static PyObject *session_describe(PyObject *op, PyObject *Py_UNUSED(args)) {
    Session *self = (Session *)op;
    return PyUnicode_FromFormat("%U, number %ld", self->name, self->number);
}

/* What the newest session says of itself; None when there is none. */
static PyObject *describe_newest(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args)) {
    PyMutex_Lock(&newest_mutex);
    PyObject *session = Py_XNewRef(newest);
    PyMutex_Unlock(&newest_mutex);
    if (session == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *text = session_describe(session, NULL);
    Py_DECREF(session);
    return text;
}

static PyMethodDef functions[] = {
    {"describe_newest", describe_newest, METH_NOARGS, "describe_newest(): of the session made last"},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef session_methods[] = {
    {"describe", session_describe, METH_NOARGS, "describe(): name and number"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot session_slots[] = {
    {Py_tp_new, session_new},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_methods, session_methods},
    {Py_tp_doc, "Session(name): registers itself"},
    {0, NULL},
};

static PyType_Spec session_spec = {
    .name = CANARY_NAME(ck20_early_publication) ".Session",
    .basicsize = sizeof(Session),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = session_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &session_spec); }

CANARY_MODULE(ck20_early_publication, functions, exec)
