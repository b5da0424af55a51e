/* expect: abort plain,tsan,asan in tickets_check;
           not-linearizable plain,tsan,asan in tickets_take|tickets_give_back */
/*
 * K24, check-then-act without a memory error. Each access to the counter is atomic, so that no race is reported, but whether
 * a ticket is left and taking it are two accesses: the last ticket is taken twice. The module notices by its own check.
 */
#include "canary.h"

#include <stdatomic.h>

typedef struct {
    PyObject_HEAD
    atomic_long left;
    long total;
} Tickets;

static PyObject *tickets_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"total", NULL};
    int total = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|i:Tickets", names, &total)) {
        return NULL;
    }
    if (total < 0) {
        PyErr_SetString(PyExc_ValueError, "total must not be negative");
        return NULL;
    }
    Tickets *self = (Tickets *)type->tp_alloc(type, 0);
    if (self != NULL) {
        atomic_init(&self->left, total);
        self->total = total;
    }
    return (PyObject *)self;
}

static void tickets_dealloc(PyObject *op) { CANARY_FREE(op); }

static NOINLINE void tickets_check(const Tickets *self, long left) {
    if (left < 0 || left > self->total) {
        fputs("tickets: the number left is not between none and all\n", stderr);
        abort();
    }
}

/* Changes the number left by one unless it is at the limit already; whether it was changed. */
static NOINLINE int tickets_move(Tickets *self, long limit, long by) {
    long left = atomic_load(&self->left);
#ifdef FIXED
    do {
        if (left == limit) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(&self->left, &left, left + by));
#else
    if (left == limit) {
        return 0;
    }
    left = atomic_fetch_add(&self->left, by);
#endif
    tickets_check(self, left + by);
    return 1;
}

static PyObject *tickets_take(PyObject *op, PyObject *Py_UNUSED(args)) {
    return PyBool_FromLong(tickets_move((Tickets *)op, 0, -1));
}

static PyObject *tickets_give_back(PyObject *op, PyObject *Py_UNUSED(args)) {
    Tickets *self = (Tickets *)op;
    return PyBool_FromLong(tickets_move(self, self->total, 1));
}

static PyObject *tickets_left(PyObject *op, void *Py_UNUSED(closure)) {
    return PyLong_FromLong(atomic_load(&((Tickets *)op)->left));
}

static PyMethodDef tickets_methods[] = {
    {"take", tickets_take, METH_NOARGS, "take(): False when none is left"},
    {"give_back", tickets_give_back, METH_NOARGS, "give_back(): False when none is out"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef tickets_getset[] = {
    {"left", tickets_left, NULL, "how many can be taken", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot tickets_slots[] = {
    {Py_tp_new, tickets_new},
    {Py_tp_dealloc, tickets_dealloc},
    {Py_tp_methods, tickets_methods},
    {Py_tp_getset, tickets_getset},
    {Py_tp_doc, "Tickets(total=1): a counted resource"},
    {0, NULL},
};

static PyType_Spec tickets_spec = {
    .name = CANARY_NAME(ck24_check_then_act) ".Tickets",
    .basicsize = sizeof(Tickets),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = tickets_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &tickets_spec); }

CANARY_MODULE(ck24_check_then_act, NULL, exec)
