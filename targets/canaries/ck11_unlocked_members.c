/* expect: data-race tsan in gauge_set_unit <-> gauge_set_unit|gauge_get_unit|gauge_describe;
           data-race tsan in gauge_add;
           use-after-free tsan,asan in gauge_set_unit|gauge_get_unit|gauge_describe;
           segv plain,tsan,asan in gauge_set_unit|gauge_get_unit|gauge_describe */
/*
 * K11, unlocked members behind attributes. The methods lock the object; its attributes, one with getter and setter,
 * one a PyMemberDef, go around the lock.
 */
#include "canary.h"

#include <stddef.h>

typedef struct {
    PyObject_HEAD
    PyObject *unit; /* "[kg]" */
    int total;
    int limit;
} Gauge;

static PyObject *gauge_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Gauge *self = canary_alloc(type, args, kwargs);
    if (self == NULL) {
        return NULL;
    }
    self->limit = 100;
    self->unit = PyUnicode_FromString("[]");
    if (self->unit == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void gauge_dealloc(PyObject *op) {
    Py_XDECREF(((Gauge *)op)->unit);
    CANARY_FREE(op);
}

/* Adds amount, but never beyond the limit. */
static PyObject *gauge_add(PyObject *op, PyObject *arg) {
    Gauge *self = (Gauge *)op;
    int amount = PyLong_AsInt(arg);
    if (amount == -1 && PyErr_Occurred()) {
        return NULL;
    }
    int total;
    Py_BEGIN_CRITICAL_SECTION(op);
    if (amount > (long)self->limit - self->total) {
        self->total = self->limit;
    } else if (amount > 0) {
        self->total += amount;
    }
    total = self->total;
    Py_END_CRITICAL_SECTION();
    return PyLong_FromLong(total);
}

static PyObject *gauge_describe(PyObject *op, PyObject *Py_UNUSED(args)) {
    Gauge *self = (Gauge *)op;
    PyObject *text;
    Py_BEGIN_CRITICAL_SECTION(op);
    text = PyUnicode_FromFormat("%d %U", self->total, self->unit);
    Py_END_CRITICAL_SECTION();
    return text;
}

static PyObject *gauge_get_unit(PyObject *op, void *Py_UNUSED(closure)) {
    PyObject *unit;
    LOCK_IF_FIXED(op);
    unit = Py_NewRef(((Gauge *)op)->unit);
    UNLOCK_IF_FIXED();
    return unit;
}

static int gauge_set_unit(PyObject *op, PyObject *value, void *Py_UNUSED(closure)) {
    if (value == NULL || !PyUnicode_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "unit must be a str");
        return -1;
    }
    PyObject *unit = PyUnicode_FromFormat("[%U]", value);
    if (unit == NULL) {
        return -1;
    }
    LOCK_IF_FIXED(op);
    Py_SETREF(((Gauge *)op)->unit, unit);
    UNLOCK_IF_FIXED();
    return 0;
}

#ifdef FIXED
static PyObject *gauge_get_limit(PyObject *op, void *Py_UNUSED(closure)) {
    int limit;
    Py_BEGIN_CRITICAL_SECTION(op);
    limit = ((Gauge *)op)->limit;
    Py_END_CRITICAL_SECTION();
    return PyLong_FromLong(limit);
}

static int gauge_set_limit(PyObject *op, PyObject *value, void *Py_UNUSED(closure)) {
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "can't delete numeric/char attribute");
        return -1;
    }
    int limit = PyLong_AsInt(value);
    if (limit == -1 && PyErr_Occurred()) {
        return -1;
    }
    Py_BEGIN_CRITICAL_SECTION(op);
    ((Gauge *)op)->limit = limit;
    Py_END_CRITICAL_SECTION();
    return 0;
}
#else
static PyMemberDef gauge_members[] = {
    {"limit", Py_T_INT, offsetof(Gauge, limit), 0, "where the total stops"},
    {NULL, 0, 0, 0, NULL},
};
#endif

static PyGetSetDef gauge_getset[] = {
    {"unit", gauge_get_unit, gauge_set_unit, "what is counted", NULL},
#ifdef FIXED
    {"limit", gauge_get_limit, gauge_set_limit, "where the total stops", NULL},
#endif
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef gauge_methods[] = {
    {"add", gauge_add, METH_O, "add(amount): the new total"},
    {"describe", gauge_describe, METH_NOARGS, "describe(): total and unit"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot gauge_slots[] = {
    {Py_tp_new, gauge_new},
    {Py_tp_dealloc, gauge_dealloc},
    {Py_tp_methods, gauge_methods},
    {Py_tp_getset, gauge_getset},
#ifndef FIXED
    {Py_tp_members, gauge_members},
#endif
    {Py_tp_doc, "Gauge(): a total with a limit"},
    {0, NULL},
};

static PyType_Spec gauge_spec = {
    .name = CANARY_NAME(ck11_unlocked_members) ".Gauge",
    .basicsize = sizeof(Gauge),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = gauge_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &gauge_spec); }

CANARY_MODULE(ck11_unlocked_members, NULL, exec)
