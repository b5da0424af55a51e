/* expect: use-after-free tsan,asan in vector_each|vector_count;
           segv plain,tsan,asan in vector_each|vector_count */
/*
 * K21, re-entrancy. Every method is locked, but each() and count() call Python code in the middle of the loop with
 * pointers taken before it; when that code clears the vector they go on in freed memory. One thread is enough.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    PyObject **items;
    Py_ssize_t used;
    Py_ssize_t room;
} Vector;

static PyObject *vector_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static NOINLINE void vector_free(Vector *self) {
    PyObject **items = self->items;
    Py_ssize_t used = self->used;
    self->items = NULL;
    self->used = self->room = 0;
    while (used > 0) {
        Py_DECREF(items[--used]);
    }
    PyMem_Free(items);
}

static void vector_dealloc(PyObject *op) {
    vector_free((Vector *)op);
    CANARY_FREE(op);
}

static PyObject *vector_append(PyObject *op, PyObject *item) {
    Vector *self = (Vector *)op;
    if (!PyLong_CheckExact(item) && !PyUnicode_CheckExact(item)) {
        PyErr_SetString(PyExc_TypeError, "append(item): item must be an int or a str");
        return NULL;
    }
    int status = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    if (self->used == self->room) {
        Py_ssize_t room = self->room * 2 + 4;
        PyObject **items = PyMem_Realloc(self->items, (size_t)room * sizeof(PyObject *));
        if (items == NULL) {
            status = -1;
        } else {
            self->items = items;
            self->room = room;
        }
    }
    if (status == 0) {
        self->items[self->used++] = Py_NewRef(item);
    }
    Py_END_CRITICAL_SECTION();
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *vector_clear(PyObject *op, PyObject *Py_UNUSED(args)) {
    Py_BEGIN_CRITICAL_SECTION(op);
    vector_free((Vector *)op);
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

/* function(item) for each item. */
static PyObject *vector_each(PyObject *op, PyObject *function) {
    Vector *self = (Vector *)op;
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "each(function): function must be callable");
        return NULL;
    }
    PyObject *result = Py_None;
    Py_BEGIN_CRITICAL_SECTION(op);
#ifdef FIXED
    for (Py_ssize_t i = 0; i < self->used && result != NULL; i++) {
        PyObject *item = Py_NewRef(self->items[i]);
        result = PyObject_CallOneArg(function, item);
        Py_DECREF(item);
        Py_XDECREF(result);
    }
#else
    PyObject **items = self->items;
    Py_ssize_t used = self->used;
    for (Py_ssize_t i = 0; i < used && result != NULL; i++) {
        result = PyObject_CallOneArg(function, items[i]);
        Py_XDECREF(result);
    }
#endif
    Py_END_CRITICAL_SECTION();
    if (result == NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *vector_count(PyObject *op, PyObject *value) {
    Vector *self = (Vector *)op;
    long count = 0;
    int equal = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
#ifdef FIXED
    for (Py_ssize_t i = 0; i < self->used && equal >= 0; i++) {
        PyObject *item = Py_NewRef(self->items[i]);
        equal = PyObject_RichCompareBool(item, value, Py_EQ);
        Py_DECREF(item);
        count += equal > 0;
    }
#else
    PyObject **items = self->items;
    Py_ssize_t used = self->used;
    for (Py_ssize_t i = 0; i < used && equal >= 0; i++) {
        equal = PyObject_RichCompareBool(items[i], value, Py_EQ);
        count += equal > 0;
    }
#endif
    Py_END_CRITICAL_SECTION();
    return equal < 0 ? NULL : PyLong_FromLong(count);
}

static Py_ssize_t vector_length(PyObject *op) {
    Py_ssize_t used;
    Py_BEGIN_CRITICAL_SECTION(op);
    used = ((Vector *)op)->used;
    Py_END_CRITICAL_SECTION();
    return used;
}

static PyMethodDef vector_methods[] = {
    {"append", vector_append, METH_O, "append(item): an int or a str"},
    {"clear", vector_clear, METH_NOARGS, "clear()"},
    {"each", vector_each, METH_O, "each(function): function(item) for each item"},
    {"count", vector_count, METH_O, "count(value): how many items are equal to it"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot vector_slots[] = {
    {Py_tp_new, vector_new},
    {Py_tp_dealloc, vector_dealloc},
    {Py_tp_methods, vector_methods},
    {Py_sq_length, vector_length},
    {Py_tp_doc, "Vector(): of int and str"},
    {0, NULL},
};

static PyType_Spec vector_spec = {
    .name = CANARY_NAME(ck21_reentrancy) ".Vector",
    .basicsize = sizeof(Vector),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = vector_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &vector_spec); }

CANARY_MODULE(ck21_reentrancy, NULL, exec)
