/* expect: data-race tsan in tally_merge <-> tally_add|tally_reserve|tally_merge;
           use-after-free tsan,asan in tally_merge|tally_reserve;
           heap-overflow asan in tally_merge;
           segv plain,tsan,asan in tally_merge */
/*
 * K22, critical section misused. merge() reads another tally while it holds the critical section of its own only; the
 * other one may be growing.
 */
#include "canary.h"

enum { TALLY_MAX = 4096 };

typedef struct {
    PyObject_HEAD
    long *counts;
    Py_ssize_t size;
} Tally;

static PyObject *tally_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void tally_dealloc(PyObject *op) {
    PyMem_Free(((Tally *)op)->counts);
    CANARY_FREE(op);
}

/* Makes size at least as large as asked for; 0, or -1 when there is no memory. */
static NOINLINE int tally_reserve(Tally *self, Py_ssize_t size) {
    if (size <= self->size) {
        return 0;
    }
    long *counts = PyMem_Realloc(self->counts, (size_t)size * sizeof(long));
    if (counts == NULL) {
        return -1;
    }
    memset(counts + self->size, 0, (size_t)(size - self->size) * sizeof(long));
    self->counts = counts;
    self->size = size;
    return 0;
}

static PyObject *tally_add(PyObject *op, PyObject *arg) {
    Tally *self = (Tally *)op;
    Py_ssize_t index = PyLong_AsSsize_t(arg);
    if (index == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (index < 0 || index >= TALLY_MAX) {
        PyErr_Format(PyExc_IndexError, "index must be between 0 and %d", TALLY_MAX - 1);
        return NULL;
    }
    int status;
    Py_BEGIN_CRITICAL_SECTION(op);
    status = tally_reserve(self, index + 1);
    if (status == 0) {
        self->counts[index] = (self->counts[index] + 1) & 0xffffff;
    }
    Py_END_CRITICAL_SECTION();
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *tally_merge(PyObject *op, PyObject *other_op) {
    if (!Py_IS_TYPE(other_op, Py_TYPE(op))) {
        PyErr_SetString(PyExc_TypeError, "merge(other): other must be a Tally");
        return NULL;
    }
    Tally *self = (Tally *)op, *other = (Tally *)other_op;
    int status;
#ifdef FIXED
    Py_BEGIN_CRITICAL_SECTION2(op, other_op);
#else
    Py_BEGIN_CRITICAL_SECTION(op);
#endif
    status = tally_reserve(self, other->size);
    for (Py_ssize_t i = 0; status == 0 && i < other->size; i++) {
        self->counts[i] = (self->counts[i] + other->counts[i]) & 0xffffff;
    }
#ifdef FIXED
    Py_END_CRITICAL_SECTION2();
#else
    Py_END_CRITICAL_SECTION();
#endif
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *tally_total(PyObject *op, PyObject *Py_UNUSED(args)) {
    Tally *self = (Tally *)op;
    long sum = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    for (Py_ssize_t i = 0; i < self->size; i++) {
        sum += self->counts[i];
    }
    Py_END_CRITICAL_SECTION();
    return PyLong_FromLong(sum);
}

static PyMethodDef tally_methods[] = {
    {"add", tally_add, METH_O, "add(index): counts one more"},
    {"merge", tally_merge, METH_O, "merge(other): adds all counts of another tally"},
    {"total", tally_total, METH_NOARGS, "total(): of all counts"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot tally_slots[] = {
    {Py_tp_new, tally_new},
    {Py_tp_dealloc, tally_dealloc},
    {Py_tp_methods, tally_methods},
    {Py_tp_doc, "Tally(): counts by index"},
    {0, NULL},
};

static PyType_Spec tally_spec = {
    .name = CANARY_NAME(ck22_one_of_two) ".Tally",
    .basicsize = sizeof(Tally),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = tally_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &tally_spec); }

CANARY_MODULE(ck22_one_of_two, NULL, exec)
