/* expect: abort plain,tsan,asan in tickets_check;
           not-linearizable plain,tsan,asan in tickets_take|tickets_give_back */
/*
 * K24, check-then-act without a memory error. Each access to a counter is atomic, so that no race is reported, but
 * looking at it and changing it are two accesses: the last ticket is taken twice. The module's own check of its books
 * notices.
 */
#include "canary.h"

#include <stdatomic.h>

typedef struct {
    PyObject_HEAD
    atomic_long left;
    atomic_long out; /* left + out never exceeds total */
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
        atomic_init(&self->out, 0);
        self->total = total;
    }
    return (PyObject *)self;
}

static void tickets_dealloc(PyObject *op) { CANARY_FREE(op); }

static NOINLINE void tickets_check(const Tickets *self, long tickets) {
    if (tickets > self->total) {
        fputs("tickets: there are more than were ever issued\n", stderr);
        abort();
    }
}

/* Takes one from a counter unless it is zero; whether it did. */
static NOINLINE int counter_take(atomic_long *counter) {
    long count = atomic_load(counter);
#ifdef FIXED
    while (count > 0) {
        if (atomic_compare_exchange_weak(counter, &count, count - 1)) {
            return 1;
        }
    }
    return 0;
#else
    if (count == 0) {
        return 0;
    }
    atomic_store(counter, count - 1);
    return 1;
#endif
}

static PyObject *tickets_take(PyObject *op, PyObject *Py_UNUSED(args)) {
    Tickets *self = (Tickets *)op;
    if (!counter_take(&self->left)) {
        Py_RETURN_FALSE;
    }
    tickets_check(self, atomic_fetch_add(&self->out, 1) + 1);
    Py_RETURN_TRUE;
}

static PyObject *tickets_give_back(PyObject *op, PyObject *Py_UNUSED(args)) {
    Tickets *self = (Tickets *)op;
    if (!counter_take(&self->out)) {
        Py_RETURN_FALSE;
    }
    tickets_check(self, atomic_fetch_add(&self->left, 1) + 1);
    Py_RETURN_TRUE;
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
