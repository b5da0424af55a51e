/* expect: data-race tsan in log_write|log_getvalue|log_close|log_closed <-> log_write|log_close;
           use-after-free tsan,asan in log_write|log_getvalue;
           double-free asan in log_close|log_write;
           heap-overflow asan in log_write|log_getvalue;
           segv plain,tsan,asan in log_write|log_getvalue */
/*
 * K19, close against use. write() and getvalue() make sure that the log is open and then use its buffer, which close()
 * frees in between.
 */
#include "canary.h"

enum { LOG_MAX = 1 << 16 };

typedef struct {
    PyObject_HEAD
    char *buffer; /* NULL when closed */
    size_t used;
} Log;

static PyObject *log_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Log *self = canary_alloc(type, args, kwargs);
    if (self == NULL) {
        return NULL;
    }
    self->buffer = PyMem_Malloc(1);
    if (self->buffer == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void log_dealloc(PyObject *op) {
    PyMem_Free(((Log *)op)->buffer);
    CANARY_FREE(op);
}

static PyObject *log_write(PyObject *op, PyObject *arg) {
    Log *self = (Log *)op;
    if (!PyBytes_Check(arg)) {
        PyErr_SetString(PyExc_TypeError, "write(data): data must be bytes");
        return NULL;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(arg);
    const char *problem = NULL;
    LOCK_IF_FIXED(op);
    if (self->buffer == NULL) {
        problem = "write to a closed log";
    } else if (self->used + size > LOG_MAX) {
        problem = "the log is full";
    } else {
        char *buffer = PyMem_Realloc(self->buffer, self->used + size + 1);
        if (buffer == NULL) {
            problem = "no memory for the log";
        } else {
            memcpy(buffer + self->used, PyBytes_AS_STRING(arg), size);
            self->buffer = buffer;
            self->used += size;
        }
    }
    UNLOCK_IF_FIXED();
    if (problem != NULL) {
        PyErr_SetString(PyExc_ValueError, problem);
        return NULL;
    }
    return PyLong_FromSize_t(size);
}

static PyObject *log_getvalue(PyObject *op, PyObject *Py_UNUSED(args)) {
    Log *self = (Log *)op;
    PyObject *value = NULL;
    LOCK_IF_FIXED(op);
    if (self->buffer == NULL) {
        PyErr_SetString(PyExc_ValueError, "read from a closed log");
    } else {
        value = PyBytes_FromStringAndSize(self->buffer, (Py_ssize_t)self->used);
    }
    UNLOCK_IF_FIXED();
    return value;
}

static PyObject *log_close(PyObject *op, PyObject *Py_UNUSED(args)) {
    Log *self = (Log *)op;
    LOCK_IF_FIXED(op);
    if (self->buffer != NULL) {
        PyMem_Free(self->buffer);
        self->buffer = NULL;
        self->used = 0;
    }
    UNLOCK_IF_FIXED();
    Py_RETURN_NONE;
}

static PyObject *log_closed(PyObject *op, void *Py_UNUSED(closure)) {
    int closed;
    LOCK_IF_FIXED(op);
    closed = ((Log *)op)->buffer == NULL;
    UNLOCK_IF_FIXED();
    return PyBool_FromLong(closed);
}

static PyMethodDef log_methods[] = {
    {"write", log_write, METH_O, "write(data): appends bytes"},
    {"getvalue", log_getvalue, METH_NOARGS, "getvalue(): all that was written"},
    {"close", log_close, METH_NOARGS, "close(): frees the contents"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef log_getset[] = {
    {"closed", log_closed, NULL, "whether close() was called", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot log_slots[] = {
    {Py_tp_new, log_new},
    {Py_tp_dealloc, log_dealloc},
    {Py_tp_methods, log_methods},
    {Py_tp_getset, log_getset},
    {Py_tp_doc, "Log(): bytes in memory, until closed"},
    {0, NULL},
};

static PyType_Spec log_spec = {
    .name = CANARY_NAME(ck19_close_vs_use) ".Log",
    .basicsize = sizeof(Log),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = log_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &log_spec); }

CANARY_MODULE(ck19_close_vs_use, NULL, exec)
