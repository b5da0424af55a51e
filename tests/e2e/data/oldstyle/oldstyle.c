/* An extension that does not say that it works without the GIL, as most do not: importing it switches the GIL back on. */
#include <Python.h>

static PyObject *twice(PyObject *self, PyObject *arg) {
    (void)self;
    return PyNumber_Add(arg, arg);
}

static PyMethodDef methods[] = {{"twice", twice, METH_O, "twice(x)"}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "oldstyle", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_oldstyle(void) { return PyModule_Create(&definition); }
