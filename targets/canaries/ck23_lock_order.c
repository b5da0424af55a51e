/* expect: lock-order tsan in account_transfer|lock_both;
           deadlock plain,tsan,asan in account_transfer|lock_both */
/*
 * K23, lock order. A transfer locks the account it takes from and then the one it gives to; a transfer in the other
 * direction locks the same two the other way round, and both wait for ever.
 */
#include "canary.h"

#include <pthread.h>

typedef struct {
    PyObject_HEAD
    pthread_mutex_t mutex;
    long balance;
} Account;

static PyObject *account_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"balance", NULL};
    int balance = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|i:Account", names, &balance)) {
        return NULL;
    }
    Account *self = (Account *)type->tp_alloc(type, 0);
    if (self != NULL) {
        pthread_mutex_init(&self->mutex, NULL);
        self->balance = balance;
    }
    return (PyObject *)self;
}

static void account_dealloc(PyObject *op) {
    pthread_mutex_destroy(&((Account *)op)->mutex);
    CANARY_FREE(op);
}

static NOINLINE void lock_both(Account *from, Account *to) {
#ifdef FIXED
    Account *first = from < to ? from : to;
    Account *second = from < to ? to : from;
#else
    Account *first = from;
    Account *second = to;
#endif
    pthread_mutex_lock(&first->mutex);
    pthread_mutex_lock(&second->mutex);
}

static PyObject *account_transfer(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2 || !Py_IS_TYPE(args[0], Py_TYPE(op))) {
        PyErr_SetString(PyExc_TypeError, "transfer(to, amount): to must be an Account");
        return NULL;
    }
    int amount = PyLong_AsInt(args[1]);
    if (amount == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Account *from = (Account *)op, *to = (Account *)args[0];
    if (from == to) {
        Py_RETURN_FALSE;
    }
    lock_both(from, to);
    int covered = amount >= 0 && from->balance >= amount;
    if (covered) {
        from->balance -= amount;
        to->balance += amount;
    }
    pthread_mutex_unlock(&to->mutex);
    pthread_mutex_unlock(&from->mutex);
    return PyBool_FromLong(covered);
}

static PyObject *account_balance(PyObject *op, void *Py_UNUSED(closure)) {
    Account *self = (Account *)op;
    pthread_mutex_lock(&self->mutex);
    long balance = self->balance;
    pthread_mutex_unlock(&self->mutex);
    return PyLong_FromLong(balance);
}

static PyMethodDef account_methods[] = {
    {"transfer", _PyCFunction_CAST(account_transfer), METH_FASTCALL, "transfer(to, amount): False when not covered"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef account_getset[] = {
    {"balance", account_balance, NULL, "what is left", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot account_slots[] = {
    {Py_tp_new, account_new},
    {Py_tp_dealloc, account_dealloc},
    {Py_tp_methods, account_methods},
    {Py_tp_getset, account_getset},
    {Py_tp_doc, "Account(balance=0)"},
    {0, NULL},
};

static PyType_Spec account_spec = {
    .name = CANARY_NAME(ck23_lock_order) ".Account",
    .basicsize = sizeof(Account),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = account_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &account_spec); }

CANARY_MODULE(ck23_lock_order, NULL, exec)
