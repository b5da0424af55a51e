/* expect: data-race tsan in get_window <-> get_window;
           data-race tsan in make_window <-> window_gain|window_weight */
/*
 * K1, lazy module static. The weights of a triangular window are computed when a size is first asked for and kept in a
 * static. Two first callers both compute them, one result is lost, and a reader may follow a pointer whose
 * weights another thread has not finished writing.
 */
#include "canary.h"

enum { WINDOW_MAX = 256 };

static double *windows[WINDOW_MAX + 1]; /* windows[n] has n weights */

#ifdef FIXED
static PyMutex windows_mutex;
#endif

static NOINLINE double *make_window(long size) {
    double *weights = PyMem_RawMalloc((size_t)size * sizeof(double));
    if (weights == NULL) {
        return NULL;
    }
    for (long i = 0; i < size; i++) {
        long from_end = i < size / 2 ? i : size - 1 - i;
        weights[i] = 2.0 * (double)(from_end + 1) / (double)(size + 1);
    }
    return weights;
}

static NOINLINE const double *get_window(long size) {
#ifdef FIXED
    PyMutex_Lock(&windows_mutex);
#endif
    if (windows[size] == NULL) {
        windows[size] = make_window(size);
    }
    const double *weights = windows[size];
#ifdef FIXED
    PyMutex_Unlock(&windows_mutex);
#endif
    return weights;
}

/* The size in arg, 0 to WINDOW_MAX, or -1 with an exception. */
static long parse_size(PyObject *arg) {
    long size = PyLong_AsLong(arg);
    if (size == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (size < 0 || size > WINDOW_MAX) {
        PyErr_Format(PyExc_ValueError, "size must be between 0 and %d", WINDOW_MAX);
        return -1;
    }
    return size;
}

static PyObject *window_gain(PyObject *Py_UNUSED(module), PyObject *arg) {
    long size = parse_size(arg);
    if (size < 0) {
        return NULL;
    }
    const double *weights = get_window(size);
    if (weights == NULL) {
        return PyErr_NoMemory();
    }
    double sum = 0.0;
    for (long i = 0; i < size; i++) {
        sum += weights[i];
    }
    return PyFloat_FromDouble(sum);
}

static PyObject *window_weight(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "weight(size, index) takes two arguments");
        return NULL;
    }
    long size = parse_size(args[0]);
    if (size < 0) {
        return NULL;
    }
    long index = PyLong_AsLong(args[1]);
    if (index == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (index < 0 || index >= size) {
        PyErr_SetString(PyExc_IndexError, "index beyond the window");
        return NULL;
    }
    const double *weights = get_window(size);
    return weights == NULL ? PyErr_NoMemory() : PyFloat_FromDouble(weights[index]);
}

static PyMethodDef functions[] = {
    {"gain", window_gain, METH_O, "gain(size): the sum of all weights of a window"},
    {"weight", _PyCFunction_CAST(window_weight), METH_FASTCALL, "weight(size, index): one weight of a window"},
    {NULL, NULL, 0, NULL},
};

CANARY_MODULE(ck01_lazy_static, functions, canary_no_types)
