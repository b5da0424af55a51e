/* An extension whose import fails with an exception, for the tests of bad input. */
#include <Python.h>

PyMODINIT_FUNC PyInit_raises(void) {
    PyErr_SetString(PyExc_ImportError, "the licence server is on holiday");
    return NULL;
}
