/* An extension whose import ends the process, for the tests of bad input. */
#include <Python.h>
#include <stdlib.h>

PyMODINIT_FUNC PyInit_crashes(void) { abort(); }
