/* expect: data-race tsan in blob_view|view_end <-> blob_view|view_end|view_tobytes|blob_resize|blob_fill;
           data-race tsan in blob_fill <-> blob_fill|blob_resize|blob_view|view_tobytes|blob_length;
           use-after-free tsan,asan in blob_fill|view_tobytes;
           heap-overflow asan in blob_fill|view_tobytes;
           double-free asan in blob_fill */
/*
 * K6, buffer-export counter. resize() refuses while a view is exported, but the counter is neither read nor changed
 * under a lock: a view made between the check and the realloc points to freed memory, and a lost increment makes the
 * next resize believe that nobody looks.
 *
 * Views are a type of the module and not memoryviews, because a memoryview that is shared between threads has bugs of
 * its own in this interpreter, which would be heard in the twin.
 */
#include "canary.h"

enum { BLOB_MAX = 1 << 16 };

typedef struct {
    PyObject_HEAD
    unsigned char *data;
    Py_ssize_t size;
    Py_ssize_t exports;
} Blob;

typedef struct {
    PyObject_HEAD
    Blob *blob; /* strong; its critical section protects the view as well */
    const unsigned char *data;
    Py_ssize_t size;
    int released;
} View;

static PyTypeObject *view_type; /* set when the module is imported */

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
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Blob", names, &arg) || parse_size(arg, &size) < 0) {
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
        PyErr_SetString(PyExc_BufferError, "cannot resize while there is a view");
        return NULL;
    }
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static Py_ssize_t blob_length(PyObject *op) {
    Py_ssize_t size;
    LOCK_IF_FIXED(op);
    size = ((Blob *)op)->size;
    UNLOCK_IF_FIXED();
    return size;
}

static PyObject *blob_view(PyObject *op, PyObject *Py_UNUSED(args)) {
    Blob *self = (Blob *)op;
    View *view = PyObject_New(View, view_type);
    if (view == NULL) {
        return NULL;
    }
    view->blob = (Blob *)Py_NewRef(op);
    view->released = 0;
    LOCK_IF_FIXED(op);
    view->data = self->data;
    view->size = self->size;
    self->exports++;
    UNLOCK_IF_FIXED();
    return (PyObject *)view;
}

/* From here on the blob may be resized again, as far as this view is concerned. */
static NOINLINE void view_end(View *self) {
    LOCK_IF_FIXED(self->blob);
    if (!self->released) {
        self->released = 1;
        self->blob->exports--;
    }
    UNLOCK_IF_FIXED();
}

static void view_dealloc(PyObject *op) {
    Blob *blob = ((View *)op)->blob;
    view_end((View *)op);
    CANARY_FREE(op);
    Py_DECREF(blob);
}

static PyObject *view_release(PyObject *op, PyObject *Py_UNUSED(args)) {
    view_end((View *)op);
    Py_RETURN_NONE;
}

static PyObject *view_tobytes(PyObject *op, PyObject *Py_UNUSED(args)) {
    View *self = (View *)op;
    PyObject *bytes = NULL;
    LOCK_IF_FIXED(self->blob);
    if (self->released) {
        PyErr_SetString(PyExc_ValueError, "the view was released");
    } else {
        bytes = PyBytes_FromStringAndSize((const char *)self->data, self->size);
    }
    UNLOCK_IF_FIXED();
    return bytes;
}

static PyMethodDef blob_methods[] = {
    {"resize", blob_resize, METH_O, "resize(size): BufferError while there is a view"},
    {"view", blob_view, METH_NOARGS, "view(): sees the bytes without a copy"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot blob_slots[] = {
    {Py_tp_new, blob_new},
    {Py_tp_dealloc, blob_dealloc},
    {Py_tp_methods, blob_methods},
    {Py_mp_length, blob_length},
    {Py_tp_doc, "Blob(size): bytes that can be resized"},
    {0, NULL},
};

static PyType_Spec blob_spec = {
    .name = CANARY_NAME(ck06_export_counter) ".Blob",
    .basicsize = sizeof(Blob),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = blob_slots,
};

static PyMethodDef view_methods[] = {
    {"tobytes", view_tobytes, METH_NOARGS, "tobytes(): a copy"},
    {"release", view_release, METH_NOARGS, "release(): lets the blob be resized"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot view_slots[] = {
    {Py_tp_dealloc, view_dealloc},
    {Py_tp_methods, view_methods},
    {Py_tp_doc, "The bytes of a Blob; made by Blob.view()"},
    {0, NULL},
};

static PyType_Spec view_spec = {
    .name = CANARY_NAME(ck06_export_counter) ".View",
    .basicsize = sizeof(View),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = view_slots,
};

static int exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &view_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    view_type = (PyTypeObject *)type;
    return PyModule_AddType(module, view_type) < 0 ? -1 : canary_add_type(module, &blob_spec);
}

CANARY_MODULE(ck06_export_counter, NULL, exec)
