/* expect: data-race tsan in ledger_post|ledger_grow <-> ledger_settle;
           use-after-free tsan,asan in ledger_post|ledger_grow|ledger_settle;
           double-free asan in ledger_settle|ledger_grow;
           heap-overflow asan in ledger_post|ledger_settle;
           segv plain,tsan,asan in ledger_post|ledger_settle */
/*
 * K14, two paths, two different locks. post() holds the critical section of the object, settle() a mutex of its own;
 * each is exclusive with itself and neither with the other.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    long *entries;
    Py_ssize_t used;
    Py_ssize_t room;
    PyMutex settling;
} Ledger;

static PyObject *ledger_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void ledger_dealloc(PyObject *op) {
    PyMem_Free(((Ledger *)op)->entries);
    CANARY_FREE(op);
}

static NOINLINE int ledger_grow(Ledger *self) {
    Py_ssize_t room = self->room + 8;
    long *entries = PyMem_Realloc(self->entries, (size_t)room * sizeof(long));
    if (entries == NULL) {
        return -1;
    }
    self->entries = entries;
    self->room = room;
    return 0;
}

static PyObject *ledger_post(PyObject *op, PyObject *arg) {
    Ledger *self = (Ledger *)op;
    long amount = PyLong_AsLong(arg);
    if (amount == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (amount < -1000000 || amount > 1000000) {
        PyErr_SetString(PyExc_ValueError, "amount out of range");
        return NULL;
    }
    int status = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    if (self->used == self->room) {
        status = ledger_grow(self);
    }
    if (status == 0) {
        self->entries[self->used++] = amount;
    }
    Py_END_CRITICAL_SECTION();
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

/* The sum of all entries, which are gone then. */
static PyObject *ledger_settle(PyObject *op, PyObject *Py_UNUSED(args)) {
    Ledger *self = (Ledger *)op;
    long sum = 0;
#ifdef FIXED
    Py_BEGIN_CRITICAL_SECTION(op);
#else
    PyMutex_Lock(&self->settling);
#endif
    for (Py_ssize_t i = 0; i < self->used; i++) {
        sum += self->entries[i];
    }
    PyMem_Free(self->entries);
    self->entries = NULL;
    self->used = self->room = 0;
#ifdef FIXED
    Py_END_CRITICAL_SECTION();
#else
    PyMutex_Unlock(&self->settling);
#endif
    return PyLong_FromLong(sum);
}

static PyMethodDef ledger_methods[] = {
    {"post", ledger_post, METH_O, "post(amount): adds an entry"},
    {"settle", ledger_settle, METH_NOARGS, "settle(): the sum of all entries, which are gone then"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot ledger_slots[] = {
    {Py_tp_new, ledger_new},
    {Py_tp_dealloc, ledger_dealloc},
    {Py_tp_methods, ledger_methods},
    {Py_tp_doc, "Ledger(): amounts to be settled"},
    {0, NULL},
};

static PyType_Spec ledger_spec = {
    .name = CANARY_NAME(ck14_two_locks) ".Ledger",
    .basicsize = sizeof(Ledger),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = ledger_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &ledger_spec); }

CANARY_MODULE(ck14_two_locks, NULL, exec)
