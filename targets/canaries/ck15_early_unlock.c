/* expect: data-race tsan in cache_get <-> cache_put|cache_evict|find_entry;
           use-after-free tsan,asan in cache_get <-> cache_evict */
/*
 * K15, lock released before the value is used. get() looks the entry up under the lock, releases it, and only then
 * reads the value out of an entry that another thread may have evicted.
 */
#include "canary.h"

typedef struct Entry {
    struct Entry *next;
    long key;
    double value;
} Entry;

typedef struct {
    PyObject_HEAD
    Entry *first;
    PyMutex mutex; /* protects the list and its entries */
} Cache;

static PyObject *cache_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void cache_dealloc(PyObject *op) {
    Entry *entry = ((Cache *)op)->first;
    while (entry != NULL) {
        Entry *next = entry->next;
        PyMem_RawFree(entry);
        entry = next;
    }
    CANARY_FREE(op);
}

static NOINLINE Entry *find_entry(Cache *self, long key) {
    Entry *entry = self->first;
    while (entry != NULL && entry->key != key) {
        entry = entry->next;
    }
    return entry;
}

static PyObject *cache_put(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    Cache *self = (Cache *)op;
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "put(key, value) takes two arguments");
        return NULL;
    }
    long key = PyLong_AsLong(args[0]);
    double value = PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    PyMutex_Lock(&self->mutex);
    Entry *entry = find_entry(self, key);
    if (entry == NULL && (entry = PyMem_RawMalloc(sizeof(Entry))) != NULL) {
        entry->next = self->first;
        entry->key = key;
        self->first = entry;
    }
    if (entry != NULL) {
        entry->value = value;
    }
    PyMutex_Unlock(&self->mutex);
    if (entry == NULL) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

static PyObject *cache_get(PyObject *op, PyObject *arg) {
    Cache *self = (Cache *)op;
    long key = PyLong_AsLong(arg);
    if (key == -1 && PyErr_Occurred()) {
        return NULL;
    }
    PyMutex_Lock(&self->mutex);
    Entry *entry = find_entry(self, key);
#ifdef FIXED
    double value = entry != NULL ? entry->value : 0.0;
    PyMutex_Unlock(&self->mutex);
#else
    PyMutex_Unlock(&self->mutex);
    double value = entry != NULL ? entry->value : 0.0;
#endif
    if (entry == NULL) {
        PyErr_SetObject(PyExc_KeyError, arg);
        return NULL;
    }
    return PyFloat_FromDouble(value);
}

static PyObject *cache_evict(PyObject *op, PyObject *Py_UNUSED(args)) {
    Cache *self = (Cache *)op;
    PyMutex_Lock(&self->mutex);
    Entry *newest = self->first;
    if (newest != NULL) {
        self->first = newest->next;
        PyMem_RawFree(newest);
    }
    PyMutex_Unlock(&self->mutex);
    return PyBool_FromLong(newest != NULL);
}

static PyMethodDef cache_methods[] = {
    {"put", _PyCFunction_CAST(cache_put), METH_FASTCALL, "put(key, value): key an int, value a float"},
    {"get", cache_get, METH_O, "get(key): its value, or KeyError"},
    {"evict", cache_evict, METH_NOARGS, "evict(): forgets the newest entry; False when there was none"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot cache_slots[] = {
    {Py_tp_new, cache_new},
    {Py_tp_dealloc, cache_dealloc},
    {Py_tp_methods, cache_methods},
    {Py_tp_doc, "Cache(): float by int"},
    {0, NULL},
};

static PyType_Spec cache_spec = {
    .name = CANARY_NAME(ck15_early_unlock) ".Cache",
    .basicsize = sizeof(Cache),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = cache_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &cache_spec); }

CANARY_MODULE(ck15_early_unlock, NULL, exec)
