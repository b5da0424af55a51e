/* expect: data-race tsan in pairs_next <-> pairs_next|pairs_length_hint;
           use-after-free tsan,asan in pairs_next|pairs_length_hint;
           segv plain,tsan,asan in pairs_next|pairs_length_hint */
/*
 * K8, iterator exhaustion. The cursor is atomic, but at its end the iterator lets go of what it walks over: two threads
 * that reach the end together both release the one reference.
 */
#include "canary.h"

#include <stdatomic.h>

typedef struct {
    PyObject_HEAD
    PyObject *items; /* a list that nobody else can reach */
    atomic_llong index;
} Pairs;

static PyObject *pairs_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"sequence", NULL};
    PyObject *sequence;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Pairs", names, &sequence)) {
        return NULL;
    }
    if (!PyList_CheckExact(sequence) && !PyTuple_CheckExact(sequence) && !PyUnicode_CheckExact(sequence)) {
        PyErr_SetString(PyExc_TypeError, "Pairs(sequence): must be a list, a tuple or a str");
        return NULL;
    }
    PyObject *items = PySequence_List(sequence);
    if (items == NULL) {
        return NULL;
    }
    Pairs *self = (Pairs *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(items);
        return NULL;
    }
    self->items = items;
    atomic_init(&self->index, 0);
    return (PyObject *)self;
}

static int pairs_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((Pairs *)op)->items);
    return 0;
}

static int pairs_clear(PyObject *op) {
    Py_CLEAR(((Pairs *)op)->items);
    return 0;
}

static void pairs_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    (void)pairs_clear(op);
    CANARY_FREE(op);
}

static PyObject *pairs_next(PyObject *op) {
    Pairs *self = (Pairs *)op;
    PyObject *items = self->items;
    if (items == NULL) {
        return NULL;
    }
    Py_ssize_t index = (Py_ssize_t)atomic_load_explicit(&self->index, memory_order_relaxed);
    if (index + 1 < PyList_GET_SIZE(items)) {
        atomic_store_explicit(&self->index, index + 1, memory_order_relaxed);
        return PyTuple_Pack(2, PyList_GET_ITEM(items, index), PyList_GET_ITEM(items, index + 1));
    }
#ifndef FIXED
    self->items = NULL;
    Py_DECREF(items);
#endif
    return NULL;
}

static PyObject *pairs_length_hint(PyObject *op, PyObject *Py_UNUSED(args)) {
    Pairs *self = (Pairs *)op;
    if (self->items == NULL) {
        return PyLong_FromLong(0);
    }
    Py_ssize_t left = PyList_GET_SIZE(self->items) - 1 - (Py_ssize_t)atomic_load(&self->index);
    return PyLong_FromSsize_t(left > 0 ? left : 0);
}

static PyMethodDef pairs_methods[] = {
    {"__length_hint__", pairs_length_hint, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pairs_slots[] = {
    {Py_tp_new, pairs_new},
    {Py_tp_dealloc, pairs_dealloc},
    {Py_tp_traverse, pairs_traverse},
    {Py_tp_clear, pairs_clear},
    {Py_tp_methods, pairs_methods},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, pairs_next},
    {Py_tp_doc, "Pairs(sequence): an iterator over neighbours"},
    {0, NULL},
};

static PyType_Spec pairs_spec = {
    .name = CANARY_NAME(ck08_iterator_exhaustion) ".Pairs",
    .basicsize = sizeof(Pairs),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = pairs_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &pairs_spec); }

CANARY_MODULE(ck08_iterator_exhaustion, NULL, exec)
