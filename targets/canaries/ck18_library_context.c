/* expect: data-race tsan in rle_put|rle_feed|rle_finish <-> rle_put|rle_feed|rle_finish|encoder_flush;
           use-after-free tsan,asan in rle_put;
           heap-overflow asan in rle_put;
           double-free asan in rle_put */
/*
 * K18, context of a C library shared while detached. Each encoder owns a context of a library that may be used by one
 * thread at a time; the methods detach from the interpreter around its calls and nothing stops a second thread.
 */
#include "canary.h"

#include <stdlib.h>

/* ---- the library, which knows nothing of Python: run-length coding -------------------------------------------- */

typedef struct {
    unsigned char *out;
    size_t used, room;
    unsigned char last; /* the byte of the current run, and how often it was seen */
    unsigned char run;
} rle;

static NOINLINE int rle_put(rle *context, unsigned char byte) {
    if (context->used == context->room) {
        size_t room = context->room * 2 + 8;
        unsigned char *out = realloc(context->out, room);
        if (out == NULL) {
            return -1;
        }
        context->out = out;
        context->room = room;
    }
    context->out[context->used++] = byte;
    return 0;
}

/* Ends the current run. */
static NOINLINE int rle_finish(rle *context) {
    if (context->run == 0) {
        return 0;
    }
    int status = rle_put(context, context->run) | rle_put(context, context->last);
    context->run = 0;
    return status;
}

static NOINLINE int rle_feed(rle *context, const unsigned char *data, size_t size) {
    int status = 0;
    for (size_t i = 0; i < size; i++) {
        if (context->run == 255 || (context->run > 0 && data[i] != context->last)) {
            status |= rle_finish(context);
        }
        context->last = data[i];
        context->run++;
    }
    return status;
}

/* ---- the extension -------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    rle context;
#ifdef FIXED
    PyMutex mutex; /* held by the thread that uses the context, also while it is detached */
#endif
} Encoder;

#ifdef FIXED
#define LOCK_CONTEXT(self) PyMutex_Lock(&(self)->mutex)
#define UNLOCK_CONTEXT(self) PyMutex_Unlock(&(self)->mutex)
#else
#define LOCK_CONTEXT(self)
#define UNLOCK_CONTEXT(self)
#endif

static PyObject *encoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void encoder_dealloc(PyObject *op) {
    free(((Encoder *)op)->context.out);
    CANARY_FREE(op);
}

static PyObject *encoder_feed(PyObject *op, PyObject *arg) {
    Encoder *self = (Encoder *)op;
    if (!PyBytes_Check(arg)) {
        PyErr_SetString(PyExc_TypeError, "feed(data): data must be bytes");
        return NULL;
    }
    const unsigned char *data = (const unsigned char *)PyBytes_AS_STRING(arg);
    size_t size = (size_t)PyBytes_GET_SIZE(arg);
    int status;
    LOCK_CONTEXT(self);
    Py_BEGIN_ALLOW_THREADS
    status = rle_feed(&self->context, data, size);
    Py_END_ALLOW_THREADS
    UNLOCK_CONTEXT(self);
    if (status < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *encoder_flush(PyObject *op, PyObject *Py_UNUSED(args)) {
    Encoder *self = (Encoder *)op;
    int status;
    PyObject *result = NULL;
    LOCK_CONTEXT(self);
    Py_BEGIN_ALLOW_THREADS
    status = rle_finish(&self->context);
    Py_END_ALLOW_THREADS
    if (status == 0) {
        result = PyBytes_FromStringAndSize((const char *)self->context.out, (Py_ssize_t)self->context.used);
        self->context.used = 0;
    }
    UNLOCK_CONTEXT(self);
    return status < 0 ? PyErr_NoMemory() : result;
}

static PyMethodDef encoder_methods[] = {
    {"feed", encoder_feed, METH_O, "feed(data): encodes bytes"},
    {"flush", encoder_flush, METH_NOARGS, "flush(): all encoded so far"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot encoder_slots[] = {
    {Py_tp_new, encoder_new},
    {Py_tp_dealloc, encoder_dealloc},
    {Py_tp_methods, encoder_methods},
    {Py_tp_doc, "Encoder(): run-length coding"},
    {0, NULL},
};

static PyType_Spec encoder_spec = {
    .name = CANARY_NAME(ck18_library_context) ".Encoder",
    .basicsize = sizeof(Encoder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = encoder_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &encoder_spec); }

CANARY_MODULE(ck18_library_context, NULL, exec)
