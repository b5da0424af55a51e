/* expect: data-race tsan in set_style */
/*
 * K25, type state changed after creation. set_style() exchanges a slot of the type, which the interpreter reads
 * without any lock whenever it prints an object.
 */
#include "canary.h"

#ifdef FIXED
#include <stdatomic.h>

static atomic_int verbose;
#endif

typedef struct {
    PyObject_HEAD
    double degrees;
} Celsius;

static PyTypeObject *celsius_type; /* set when the module is imported */

static PyObject *celsius_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"degrees", NULL};
    double degrees = 0.0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|d:Celsius", names, &degrees)) {
        return NULL;
    }
    Celsius *self = (Celsius *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->degrees = degrees;
    }
    return (PyObject *)self;
}

static void celsius_dealloc(PyObject *op) { CANARY_FREE(op); }

static PyObject *repr_degrees(PyObject *op, const char *format) {
    PyObject *number = PyFloat_FromDouble(((Celsius *)op)->degrees);
    if (number == NULL) {
        return NULL;
    }
    PyObject *text = PyUnicode_FromFormat(format, number);
    Py_DECREF(number);
    return text;
}

static PyObject *repr_short(PyObject *op) { return repr_degrees(op, "%R C"); }

static PyObject *repr_long(PyObject *op) { return repr_degrees(op, "%R degrees Celsius"); }

#ifdef FIXED
static PyObject *repr_styled(PyObject *op) {
    return atomic_load_explicit(&verbose, memory_order_relaxed) ? repr_long(op) : repr_short(op);
}
#endif

static PyObject *set_style(PyObject *Py_UNUSED(module), PyObject *arg) {
    if (!PyBool_Check(arg)) {
        PyErr_SetString(PyExc_TypeError, "set_style(verbose): must be True or False");
        return NULL;
    }
    int on = arg == Py_True;
#ifdef FIXED
    atomic_store_explicit(&verbose, on, memory_order_relaxed);
#else
    celsius_type->tp_repr = on ? repr_long : repr_short;
#endif
    Py_RETURN_NONE;
}

static PyObject *celsius_float(PyObject *op) { return PyFloat_FromDouble(((Celsius *)op)->degrees); }

static PyMethodDef functions[] = {
    {"set_style", set_style, METH_O, "set_style(verbose): how temperatures are printed"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot celsius_slots[] = {
    {Py_tp_new, celsius_new},
    {Py_tp_dealloc, celsius_dealloc},
    {Py_nb_float, celsius_float},
#ifdef FIXED
    {Py_tp_repr, repr_styled},
#else
    {Py_tp_repr, repr_short},
#endif
    {Py_tp_doc, "Celsius(degrees=0.0): a temperature"},
    {0, NULL},
};

static PyType_Spec celsius_spec = {
    .name = CANARY_NAME(ck25_type_state) ".Celsius",
    .basicsize = sizeof(Celsius),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = celsius_slots,
};

static int exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &celsius_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    celsius_type = (PyTypeObject *)type;
    return PyModule_AddType(module, celsius_type);
}

CANARY_MODULE(ck25_type_state, functions, exec)
