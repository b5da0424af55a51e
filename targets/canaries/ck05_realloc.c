/* expect: data-race tsan in samples_append <-> samples_append|samples_mean|samples_item|samples_length;
           data-race tsan in samples_grow <-> samples_append|samples_mean|samples_item|samples_grow;
           use-after-free tsan,asan in samples_append|samples_mean|samples_item;
           heap-overflow asan in samples_append|samples_mean|samples_item;
           double-free asan in samples_grow */
/*
 * K5, realloc of an owned buffer while it is read. append() moves the array when it is full; mean() and indexing go on
 * reading where it was.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    double *data;
    Py_ssize_t used;
    Py_ssize_t room;
} Samples;

static PyObject *samples_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void samples_dealloc(PyObject *op) {
    PyMem_Free(((Samples *)op)->data);
    CANARY_FREE(op);
}

/* Room for one more; 0, or -1 with an exception. */
static NOINLINE int samples_grow(Samples *self) {
    Py_ssize_t room = self->room + self->room / 2 + 4;
    double *data = PyMem_Realloc(self->data, (size_t)room * sizeof(double));
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->data = data;
    self->room = room;
    return 0;
}

static PyObject *samples_append(PyObject *op, PyObject *arg) {
    Samples *self = (Samples *)op;
    double value = PyFloat_AsDouble(arg);
    if (value == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    int status = 0;
    LOCK_IF_FIXED(op);
    if (self->used == self->room) {
        status = samples_grow(self);
    }
    if (status == 0) {
        self->data[self->used++] = value;
    }
    UNLOCK_IF_FIXED();
    if (status < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *samples_mean(PyObject *op, PyObject *Py_UNUSED(args)) {
    Samples *self = (Samples *)op;
    double sum = 0.0;
    Py_ssize_t count;
    LOCK_IF_FIXED(op);
    count = self->used;
    for (Py_ssize_t i = 0; i < count; i++) {
        sum += self->data[i];
    }
    UNLOCK_IF_FIXED();
    return PyFloat_FromDouble(count == 0 ? 0.0 : sum / (double)count);
}

static Py_ssize_t samples_length(PyObject *op) {
    Py_ssize_t count;
    LOCK_IF_FIXED(op);
    count = ((Samples *)op)->used;
    UNLOCK_IF_FIXED();
    return count;
}

static PyObject *samples_item(PyObject *op, PyObject *key) {
    Samples *self = (Samples *)op;
    Py_ssize_t index = PyLong_AsSsize_t(key);
    if (index == -1 && PyErr_Occurred()) {
        return NULL;
    }
    double value = 0.0;
    int found = 0;
    LOCK_IF_FIXED(op);
    if (index >= 0 && index < self->used) {
        value = self->data[index];
        found = 1;
    }
    UNLOCK_IF_FIXED();
    if (!found) {
        PyErr_SetString(PyExc_IndexError, "no such sample");
        return NULL;
    }
    return PyFloat_FromDouble(value);
}

static PyMethodDef samples_methods[] = {
    {"append", samples_append, METH_O, "append(x): adds a sample"},
    {"mean", samples_mean, METH_NOARGS, "mean(): of all samples"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot samples_slots[] = {
    {Py_tp_new, samples_new},
    {Py_tp_dealloc, samples_dealloc},
    {Py_tp_methods, samples_methods},
    {Py_mp_length, samples_length},
    {Py_mp_subscript, samples_item},
    {Py_tp_doc, "Samples(): a growing array of float"},
    {0, NULL},
};

static PyType_Spec samples_spec = {
    .name = CANARY_NAME(ck05_realloc) ".Samples",
    .basicsize = sizeof(Samples),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = samples_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &samples_spec); }

CANARY_MODULE(ck05_realloc, NULL, exec)
