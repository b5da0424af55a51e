/* expect: data-race tsan in refill_row|steps_next <-> refill_row;
           use-after-free tsan,asan in refill_row|steps_next;
           segv plain,tsan,asan in refill_row|steps_next */
/*
 * K10, reuse when Py_REFCNT(x) == 1. The iterator keeps its last row and fills it again when nobody else holds it.
 * With two threads "nobody else" includes the other one inside next(): both refill the same row and release its old
 * items twice.
 */
#include "canary.h"

#include <stdatomic.h>

typedef struct {
    PyObject_HEAD
    atomic_llong index;
    long long count;
#ifndef FIXED
    PyObject *row; /* (number, square), handed out last */
#endif
} Steps;

static PyObject *steps_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"count", NULL};
    long long count = 1000;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|L:Steps", names, &count)) {
        return NULL;
    }
    if (count < 0 || count > 1000) {
        PyErr_SetString(PyExc_ValueError, "count must be between 0 and 1000");
        return NULL;
    }
    Steps *self = (Steps *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    atomic_init(&self->index, 0);
    self->count = count;
#ifndef FIXED
    self->row = PyTuple_Pack(2, Py_None, Py_None);
    if (self->row == NULL) {
        Py_DECREF(self);
        return NULL;
    }
#endif
    return (PyObject *)self;
}

static void steps_dealloc(PyObject *op) {
#ifndef FIXED
    Py_XDECREF(((Steps *)op)->row);
#endif
    CANARY_FREE(op);
}

#ifndef FIXED
/* Puts new items, whose references it takes over, into a row that only its caller holds. */
static NOINLINE void refill_row(PyObject *row, PyObject *number, PyObject *square) {
    PyObject *old_number = PyTuple_GET_ITEM(row, 0);
    PyObject *old_square = PyTuple_GET_ITEM(row, 1);
    PyTuple_SET_ITEM(row, 0, number);
    PyTuple_SET_ITEM(row, 1, square);
    Py_DECREF(old_number);
    Py_DECREF(old_square);
}
#endif

static PyObject *steps_next(PyObject *op) {
    Steps *self = (Steps *)op;
    if (atomic_load(&self->index) >= self->count) {
        return NULL;
    }
    long long n = 1000 + atomic_fetch_add(&self->index, 1);
#ifndef FIXED
    if (Py_REFCNT(self->row) == 1) {
        PyObject *row = Py_NewRef(self->row);
        PyObject *number = PyLong_FromLongLong(n);
        PyObject *square = PyLong_FromLongLong(n * n);
        if (number == NULL || square == NULL) {
            Py_XDECREF(number);
            Py_XDECREF(square);
            Py_DECREF(row);
            return NULL;
        }
        refill_row(row, number, square);
        return row;
    }
#endif
    return Py_BuildValue("(LL)", n, n * n);
}

static PyObject *steps_length_hint(PyObject *op, PyObject *Py_UNUSED(args)) {
    Steps *self = (Steps *)op;
    long long left = self->count - atomic_load(&self->index);
    return PyLong_FromLongLong(left > 0 ? left : 0);
}

static PyMethodDef steps_methods[] = {
    {"__length_hint__", steps_length_hint, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot steps_slots[] = {
    {Py_tp_new, steps_new},
    {Py_tp_dealloc, steps_dealloc},
    {Py_tp_methods, steps_methods},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, steps_next},
    {Py_tp_doc, "Steps(count=1000): an iterator over numbers and their squares"},
    {0, NULL},
};

static PyType_Spec steps_spec = {
    .name = CANARY_NAME(ck10_refcount_reuse) ".Steps",
    .basicsize = sizeof(Steps),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = steps_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &steps_spec); }

CANARY_MODULE(ck10_refcount_reuse, NULL, exec)
