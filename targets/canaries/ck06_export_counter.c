/* expect: data-race tsan in blob_getbuffer|blob_releasebuffer <-> blob_getbuffer|blob_releasebuffer|blob_resize|blob_fill;
           data-race tsan in blob_fill <-> blob_fill|blob_resize|blob_length|blob_checksum|blob_getbuffer;
           use-after-free tsan,asan in blob_fill|blob_resize|blob_checksum;
           double-free asan in blob_fill;
           heap-overflow asan in blob_checksum|blob_fill */
/*
 * K6, buffer-export counter. resize() refuses while a buffer is exported, but the counter is neither read nor changed under
 * a lock: a memoryview made between the check and the realloc points to freed memory, and a lost increment makes
 * the next resize believe that nobody looks.
 */
#include "canary.h"

enum { BLOB_MAX = 1 << 16 };

typedef struct {
    PyObject_HEAD
    unsigned char *data;
    Py_ssize_t size;
    Py_ssize_t exports;
} Blob;

/* Sets size and contents; 0, or -1 without an exception when there is no memory. */
static NOINLINE int blob_fill(Blob *self, Py_ssize_t size) {
    unsigned char *data = PyMem_Realloc(self->data, size > 0 ? (size_t)size : 1);
    if (data == NULL) {
        return -1;
    }
    for (Py_ssize_t i = self->size; i < size; i++) {
        data[i] = (unsigned char)i;
    }
    self->data = data;
    self->size = size;
    return 0;
}

static int parse_size(PyObject *arg, Py_ssize_t *size) {
    *size = PyLong_AsSsize_t(arg);
    if (*size == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (*size < 0 || *size > BLOB_MAX) {
        PyErr_Format(PyExc_ValueError, "size must be between 0 and %d", BLOB_MAX);
        return -1;
    }
    return 0;
}

static PyObject *blob_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"size", NULL};
    PyObject *arg;
    Py_ssize_t size;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!:Blob", names, &PyLong_Type, &arg) || parse_size(arg, &size) < 0) {
        return NULL;
    }
    Blob *self = (Blob *)type->tp_alloc(type, 0);
    if (self != NULL && blob_fill(self, size) < 0) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void blob_dealloc(PyObject *op) {
    PyMem_Free(((Blob *)op)->data);
    CANARY_FREE(op);
}

static PyObject *blob_resize(PyObject *op, PyObject *arg) {
    Blob *self = (Blob *)op;
    Py_ssize_t size;
    if (parse_size(arg, &size) < 0) {
        return NULL;
    }
    int exported, status = 0;
    LOCK_IF_FIXED(op);
    exported = self->exports > 0;
    if (!exported) {
        status = blob_fill(self, size);
    }
    UNLOCK_IF_FIXED();
    if (exported) {
        PyErr_SetString(PyExc_BufferError, "cannot resize while a buffer is exported");
        return NULL;
    }
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *blob_checksum(PyObject *op, PyObject *Py_UNUSED(args)) {
    Blob *self = (Blob *)op;
    unsigned long sum = 0;
    LOCK_IF_FIXED(op);
    for (Py_ssize_t i = 0; i < self->size; i++) {
        sum = sum * 31 + self->data[i];
    }
    UNLOCK_IF_FIXED();
    return PyLong_FromUnsignedLong(sum);
}

static Py_ssize_t blob_length(PyObject *op) {
    Py_ssize_t size;
    LOCK_IF_FIXED(op);
    size = ((Blob *)op)->size;
    UNLOCK_IF_FIXED();
    return size;
}

static int blob_getbuffer(PyObject *op, Py_buffer *view, int flags) {
    Blob *self = (Blob *)op;
    int status;
    LOCK_IF_FIXED(op);
    status = PyBuffer_FillInfo(view, op, self->data, self->size, 1, flags);
    if (status == 0) {
        self->exports++;
    }
    UNLOCK_IF_FIXED();
    return status;
}

static void blob_releasebuffer(PyObject *op, Py_buffer *Py_UNUSED(view)) {
    LOCK_IF_FIXED(op);
    ((Blob *)op)->exports--;
    UNLOCK_IF_FIXED();
}

static PyMethodDef blob_methods[] = {
    {"resize", blob_resize, METH_O, "resize(size): BufferError while a buffer is exported"},
    {"checksum", blob_checksum, METH_NOARGS, "checksum(): of all bytes"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot blob_slots[] = {
    {Py_tp_new, blob_new},
    {Py_tp_dealloc, blob_dealloc},
    {Py_tp_methods, blob_methods},
    {Py_mp_length, blob_length},
    {Py_bf_getbuffer, blob_getbuffer},
    {Py_bf_releasebuffer, blob_releasebuffer},
    {Py_tp_doc, "Blob(size): read-only bytes that can be resized"},
    {0, NULL},
};

static PyType_Spec blob_spec = {
    .name = CANARY_NAME(ck06_export_counter) ".Blob",
    .basicsize = sizeof(Blob),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = blob_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &blob_spec); }

CANARY_MODULE(ck06_export_counter, NULL, exec)
