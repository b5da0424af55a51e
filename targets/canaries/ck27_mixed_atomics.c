/* expect: data-race tsan in stats_hit|stats_miss <-> stats_reset|stats_snapshot;
           data-race tsan in stats_reset <-> stats_reset|stats_snapshot */
/*
 * K27, mixed atomic and plain access. The counters are incremented atomically, because that is the hot path; reset()
 * and snapshot() use them as ordinary fields.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    Py_ssize_t hits;
    Py_ssize_t misses;
} Stats;

#ifdef FIXED
#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#else
#define LOAD(field) (field)
#define STORE(field, value) ((field) = (value))
#endif

static PyObject *stats_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return canary_alloc(type, args, kwargs);
}

static void stats_dealloc(PyObject *op) { CANARY_FREE(op); }

static PyObject *stats_hit(PyObject *op, PyObject *Py_UNUSED(args)) {
    __atomic_fetch_add(&((Stats *)op)->hits, 1, __ATOMIC_RELAXED);
    Py_RETURN_NONE;
}

static PyObject *stats_miss(PyObject *op, PyObject *Py_UNUSED(args)) {
    __atomic_fetch_add(&((Stats *)op)->misses, 1, __ATOMIC_RELAXED);
    Py_RETURN_NONE;
}

static PyObject *stats_snapshot(PyObject *op, PyObject *Py_UNUSED(args)) {
    Stats *self = (Stats *)op;
    Py_ssize_t hits = LOAD(self->hits);
    Py_ssize_t misses = LOAD(self->misses);
    return Py_BuildValue("(nn)", hits, misses);
}

static PyObject *stats_reset(PyObject *op, PyObject *Py_UNUSED(args)) {
    Stats *self = (Stats *)op;
    STORE(self->hits, 0);
    STORE(self->misses, 0);
    Py_RETURN_NONE;
}

static PyMethodDef stats_methods[] = {
    {"hit", stats_hit, METH_NOARGS, "hit(): counts a hit"},
    {"miss", stats_miss, METH_NOARGS, "miss(): counts a miss"},
    {"snapshot", stats_snapshot, METH_NOARGS, "snapshot(): hits and misses"},
    {"reset", stats_reset, METH_NOARGS, "reset(): both to zero"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stats_slots[] = {
    {Py_tp_new, stats_new},
    {Py_tp_dealloc, stats_dealloc},
    {Py_tp_methods, stats_methods},
    {Py_tp_doc, "Stats(): hits and misses"},
    {0, NULL},
};

static PyType_Spec stats_spec = {
    .name = CANARY_NAME(ck27_mixed_atomics) ".Stats",
    .basicsize = sizeof(Stats),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = stats_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &stats_spec); }

CANARY_MODULE(ck27_mixed_atomics, NULL, exec)
