/* expect: data-race tsan in get_window <-> get_window;
           data-race tsan in make_window <-> window_gain|window_weight */
/*
 * K1, lazy module static. The weights of a triangular window are computed when an order is first asked for and kept in a
 * static. Two first callers both compute them, one result is lost, and a reader may follow a pointer whose
 * weights another thread has not finished writing.
 */
#include "canary.h"

enum { ORDERS = 8 };

static double *windows[ORDERS]; /* windows[k] has 2 << k weights */

#ifdef FIXED
static PyMutex windows_mutex;
#endif

static NOINLINE double *make_window(long order) {
    long points = 2L << order;
    double *weights = PyMem_RawMalloc((size_t)points * sizeof(double));
    if (weights == NULL) {
        return NULL;
    }
    for (long i = 0; i < points; i++) {
        long from_end = i < points / 2 ? i : points - 1 - i;
        weights[i] = 2.0 * (double)(from_end + 1) / (double)points;
    }
    return weights;
}

static NOINLINE const double *get_window(long order) {
#ifdef FIXED
    PyMutex_Lock(&windows_mutex);
#endif
    if (windows[order] == NULL) {
        windows[order] = make_window(order);
    }
    const double *weights = windows[order];
#ifdef FIXED
    PyMutex_Unlock(&windows_mutex);
#endif
    return weights;
}

/* The order in arg, 0 to ORDERS - 1, or -1 with an exception. */
static long parse_order(PyObject *arg) {
    long order = PyLong_AsLong(arg);
    if (order == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (order < 0 || order >= ORDERS) {
        PyErr_Format(PyExc_ValueError, "order must be between 0 and %d", ORDERS - 1);
        return -1;
    }
    return order;
}

static PyObject *window_gain(PyObject *Py_UNUSED(module), PyObject *arg) {
    long order = parse_order(arg);
    if (order < 0) {
        return NULL;
    }
    const double *weights = get_window(order);
    if (weights == NULL) {
        return PyErr_NoMemory();
    }
    double sum = 0.0;
    for (long i = 0; i < 2L << order; i++) {
        sum += weights[i];
    }
    return PyFloat_FromDouble(sum);
}

static PyObject *window_weight(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "weight(order, index) takes two arguments");
        return NULL;
    }
    long order = parse_order(args[0]);
    if (order < 0) {
        return NULL;
    }
    long index = PyLong_AsLong(args[1]);
    if (index == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (index < 0 || index >= 2L << order) {
        PyErr_SetString(PyExc_IndexError, "index beyond the window");
        return NULL;
    }
    const double *weights = get_window(order);
    return weights == NULL ? PyErr_NoMemory() : PyFloat_FromDouble(weights[index]);
}

static PyMethodDef functions[] = {
    {"gain", window_gain, METH_O, "gain(order): the sum of all weights of a window"},
    {"weight", _PyCFunction_CAST(window_weight), METH_FASTCALL, "weight(order, index): one weight of a window"},
    {NULL, NULL, 0, NULL},
};

CANARY_MODULE(ck01_lazy_static, functions, canary_no_types)
