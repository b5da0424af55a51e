/* expect: data-race tsan in stack_item|stack_length <-> stack_push|stack_pop|stack_shrink|stack_grow;
           use-after-free tsan,asan in stack_item;
           heap-overflow asan in stack_item */
/*
 * K13, half-converted locking. The methods were given critical sections; the slots for len() and indexing, which
 * nobody thinks of as methods, were not.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    long *items;
    Py_ssize_t used;
    Py_ssize_t room;
} Stack;

static PyObject *stack_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void stack_dealloc(PyObject *op) {
    PyMem_Free(((Stack *)op)->items);
    CANARY_FREE(op);
}

static NOINLINE int stack_grow(Stack *self) {
    Py_ssize_t room = self->room * 2 + 2;
    long *items = PyMem_Realloc(self->items, (size_t)room * sizeof(long));
    if (items == NULL) {
        return -1;
    }
    self->items = items;
    self->room = room;
    return 0;
}

/* Gives memory back when less than a quarter of it is used. */
static NOINLINE void stack_shrink(Stack *self) {
    Py_ssize_t room = self->room / 2;
    long *items = PyMem_Realloc(self->items, (size_t)room * sizeof(long));
    if (items != NULL) {
        self->items = items;
        self->room = room;
    }
}

static PyObject *stack_push(PyObject *op, PyObject *arg) {
    Stack *self = (Stack *)op;
    long value = PyLong_AsLong(arg);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    int status = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    if (self->used == self->room) {
        status = stack_grow(self);
    }
    if (status == 0) {
        self->items[self->used++] = value;
    }
    Py_END_CRITICAL_SECTION();
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *stack_pop(PyObject *op, PyObject *Py_UNUSED(args)) {
    Stack *self = (Stack *)op;
    long value = 0;
    int found = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    if (self->used > 0) {
        value = self->items[--self->used];
        found = 1;
        if (self->room > 4 && self->used < self->room / 4) {
            stack_shrink(self);
        }
    }
    Py_END_CRITICAL_SECTION();
    if (!found) {
        PyErr_SetString(PyExc_IndexError, "pop from an empty stack");
        return NULL;
    }
    return PyLong_FromLong(value);
}

static Py_ssize_t stack_length(PyObject *op) {
    Py_ssize_t used;
    LOCK_IF_FIXED(op);
    used = ((Stack *)op)->used;
    UNLOCK_IF_FIXED();
    return used;
}

static PyObject *stack_item(PyObject *op, PyObject *key) {
    Stack *self = (Stack *)op;
    Py_ssize_t index = PyLong_AsSsize_t(key);
    if (index == -1 && PyErr_Occurred()) {
        return NULL;
    }
    long value = 0;
    int found = 0;
    LOCK_IF_FIXED(op);
    if (index >= 0 && index < self->used) {
        value = self->items[index];
        found = 1;
    }
    UNLOCK_IF_FIXED();
    if (!found) {
        PyErr_SetString(PyExc_IndexError, "no such item");
        return NULL;
    }
    return PyLong_FromLong(value);
}

static PyMethodDef stack_methods[] = {
    {"push", stack_push, METH_O, "push(x): puts an int on top"},
    {"pop", stack_pop, METH_NOARGS, "pop(): takes it off"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stack_slots[] = {
    {Py_tp_new, stack_new},
    {Py_tp_dealloc, stack_dealloc},
    {Py_tp_methods, stack_methods},
    {Py_mp_length, stack_length},
    {Py_mp_subscript, stack_item},
    {Py_tp_doc, "Stack(): of int"},
    {0, NULL},
};

static PyType_Spec stack_spec = {
    .name = CANARY_NAME(ck13_half_locked) ".Stack",
    .basicsize = sizeof(Stack),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = stack_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &stack_spec); }

CANARY_MODULE(ck13_half_locked, NULL, exec)
