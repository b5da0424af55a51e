/* expect: data-race tsan in varints_next|varints_rewind <-> varints_next|varints_rewind|varints_tell;
           heap-overflow asan in varints_next */
/*
 * K9, shared iterator cursor. The decoder checks for the end once per number and then trusts that each number ends
 * inside the data, which the constructor made sure of; with two threads moving the one cursor it runs past the end.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    unsigned char *data; /* the last byte has its high bit clear */
    Py_ssize_t size;
    Py_ssize_t cursor;
} Varints;

static PyObject *varints_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"data", NULL};
    PyObject *bytes;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "S:Varints", names, &bytes)) {
        return NULL;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    const char *data = PyBytes_AS_STRING(bytes);
    if (size > 0 && ((unsigned char)data[size - 1] & 0x80)) {
        PyErr_SetString(PyExc_ValueError, "the last number is cut off");
        return NULL;
    }
    Varints *self = (Varints *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->data = PyMem_RawMalloc(size > 0 ? (size_t)size : 1);
    if (self->data == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    memcpy(self->data, data, (size_t)size);
    self->size = size;
    return (PyObject *)self;
}

static void varints_dealloc(PyObject *op) {
    PyMem_RawFree(((Varints *)op)->data);
    CANARY_FREE(op);
}

static PyObject *varints_next(PyObject *op) {
    Varints *self = (Varints *)op;
    unsigned long value = 0;
    int found = 0;
    LOCK_IF_FIXED(op);
    if (self->cursor < self->size) {
        while (self->data[self->cursor] & 0x80) {
            value = value << 7 | (self->data[self->cursor] & 0x7f);
            self->cursor++;
        }
        value = value << 7 | self->data[self->cursor];
        self->cursor++;
        found = 1;
    }
    UNLOCK_IF_FIXED();
    return found ? PyLong_FromUnsignedLong(value) : NULL;
}

static PyObject *varints_rewind(PyObject *op, PyObject *Py_UNUSED(args)) {
    LOCK_IF_FIXED(op);
    ((Varints *)op)->cursor = 0;
    UNLOCK_IF_FIXED();
    Py_RETURN_NONE;
}

static PyObject *varints_tell(PyObject *op, PyObject *Py_UNUSED(args)) {
    Py_ssize_t cursor;
    LOCK_IF_FIXED(op);
    cursor = ((Varints *)op)->cursor;
    UNLOCK_IF_FIXED();
    return PyLong_FromSsize_t(cursor);
}

static PyMethodDef varints_methods[] = {
    {"rewind", varints_rewind, METH_NOARGS, "rewind(): back to the first number"},
    {"tell", varints_tell, METH_NOARGS, "tell(): bytes consumed so far"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot varints_slots[] = {
    {Py_tp_new, varints_new},
    {Py_tp_dealloc, varints_dealloc},
    {Py_tp_methods, varints_methods},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, varints_next},
    {Py_tp_doc, "Varints(data): an iterator over the variable-length numbers in bytes"},
    {0, NULL},
};

static PyType_Spec varints_spec = {
    .name = CANARY_NAME(ck09_shared_cursor) ".Varints",
    .basicsize = sizeof(Varints),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = varints_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &varints_spec); }

CANARY_MODULE(ck09_shared_cursor, NULL, exec)
