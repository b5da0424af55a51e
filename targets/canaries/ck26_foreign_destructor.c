/* expect: data-race tsan in cursor_unlink|cursor_dealloc <-> store_open|store_count|store_rewind|cursor_advance;
           data-race tsan in cursor_unlink <-> cursor_unlink|cursor_dealloc;
           use-after-free tsan,asan in cursor_unlink|cursor_dealloc|store_open|store_count|store_rewind;
           segv plain,tsan,asan in cursor_unlink|cursor_dealloc|store_open|store_count|store_rewind */
/*
 * K26, destructor on a foreign thread. A store keeps its cursors in a list without owning them, and every method
 * locks it. A cursor leaves the list when it dies, which happens without the lock and on whatever thread drops it
 * last.
 */
#include "canary.h"

typedef struct Cursor Cursor;

typedef struct {
    PyObject_HEAD
    Cursor *first; /* of all cursors alive; protected by the critical section of the store, like all that is in them */
} Store;

struct Cursor {
    PyObject_HEAD
    Store *store; /* strong */
    Cursor *previous, *next;
    long position;
};

static PyTypeObject *cursor_type; /* set when the module is imported */

static PyObject *store_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void store_dealloc(PyObject *op) { CANARY_FREE(op); }

static PyObject *store_open(PyObject *op, PyObject *Py_UNUSED(args)) {
    Store *self = (Store *)op;
    Cursor *cursor = PyObject_New(Cursor, cursor_type);
    if (cursor == NULL) {
        return NULL;
    }
    cursor->store = (Store *)Py_NewRef(self);
    cursor->previous = NULL;
    cursor->position = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    cursor->next = self->first;
    if (self->first != NULL) {
        self->first->previous = cursor;
    }
    self->first = cursor;
    Py_END_CRITICAL_SECTION();
    return (PyObject *)cursor;
}

static PyObject *store_count(PyObject *op, PyObject *Py_UNUSED(args)) {
    long count = 0;
    Py_BEGIN_CRITICAL_SECTION(op);
    for (Cursor *cursor = ((Store *)op)->first; cursor != NULL; cursor = cursor->next) {
        count++;
    }
    Py_END_CRITICAL_SECTION();
    return PyLong_FromLong(count);
}

static PyObject *store_rewind(PyObject *op, PyObject *Py_UNUSED(args)) {
    Py_BEGIN_CRITICAL_SECTION(op);
    for (Cursor *cursor = ((Store *)op)->first; cursor != NULL; cursor = cursor->next) {
        cursor->position = 0;
    }
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

static NOINLINE void cursor_unlink(Cursor *self) {
    LOCK_IF_FIXED(self->store);
    if (self->previous != NULL) {
        self->previous->next = self->next;
    } else {
        self->store->first = self->next;
    }
    if (self->next != NULL) {
        self->next->previous = self->previous;
    }
    UNLOCK_IF_FIXED();
}

static void cursor_dealloc(PyObject *op) {
    Store *store = ((Cursor *)op)->store;
    cursor_unlink((Cursor *)op);
    CANARY_FREE(op);
    Py_DECREF(store);
}

static PyObject *cursor_advance(PyObject *op, PyObject *Py_UNUSED(args)) {
    Cursor *self = (Cursor *)op;
    long position;
    Py_BEGIN_CRITICAL_SECTION(self->store);
    position = ++self->position;
    Py_END_CRITICAL_SECTION();
    return PyLong_FromLong(position);
}

static PyMethodDef store_methods[] = {
    {"open", store_open, METH_NOARGS, "open(): a new cursor"},
    {"count", store_count, METH_NOARGS, "count(): cursors alive"},
    {"rewind", store_rewind, METH_NOARGS, "rewind(): all cursors to the start"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot store_slots[] = {
    {Py_tp_new, store_new},
    {Py_tp_dealloc, store_dealloc},
    {Py_tp_methods, store_methods},
    {Py_tp_doc, "Store(): something with cursors"},
    {0, NULL},
};

static PyType_Spec store_spec = {
    .name = CANARY_NAME(ck26_foreign_destructor) ".Store",
    .basicsize = sizeof(Store),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = store_slots,
};

static PyMethodDef cursor_methods[] = {
    {"advance", cursor_advance, METH_NOARGS, "advance(): the new position"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot cursor_slots[] = {
    {Py_tp_dealloc, cursor_dealloc},
    {Py_tp_methods, cursor_methods},
    {Py_tp_doc, "A position in a Store; made by Store.open()"},
    {0, NULL},
};

static PyType_Spec cursor_spec = {
    .name = CANARY_NAME(ck26_foreign_destructor) ".Cursor",
    .basicsize = sizeof(Cursor),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = cursor_slots,
};

static int exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &cursor_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    cursor_type = (PyTypeObject *)type;
    return PyModule_AddType(module, cursor_type) < 0 ? -1 : canary_add_type(module, &store_spec);
}

CANARY_MODULE(ck26_foreign_destructor, NULL, exec)
