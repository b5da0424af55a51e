/*
 * The raw limit that scheduled calls are measured against: PyObject_Vectorcall in a loop on one thread, with nothing around it.
 *
 *     rawloop.run(callable, args, n) -> CPU seconds of n calls
 *
 * bench.py builds it against the headers of a flavour's interpreter, without instrumentation, and runs it there: what is called is
 * instrumented as it always is in that flavour, the loop is not.
 */
#include <Python.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static PyObject *run(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *callable, *arguments;
    long n;
    if (!PyArg_ParseTuple(args, "OO!l", &callable, &PyTuple_Type, &arguments, &n)) {
        return NULL;
    }
    PyObject *const *items = PySequence_Fast_ITEMS(arguments);
    size_t count = (size_t)PyTuple_GET_SIZE(arguments);
    double began = now();
    for (long i = 0; i < n; i++) {
        PyObject *result = PyObject_Vectorcall(callable, items, count, NULL);
        if (result == NULL) {
            return NULL;
        }
        Py_DECREF(result);
    }
    return PyFloat_FromDouble(now() - began);
}

static PyMethodDef methods[] = {{"run", run, METH_VARARGS, NULL}, {0}};
static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0}};
static PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "rawloop", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_rawloop(void);
PyMODINIT_FUNC PyInit_rawloop(void) { return PyModuleDef_Init(&module); }
