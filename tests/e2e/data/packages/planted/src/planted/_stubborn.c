#include <Python.h>

static PyObject *twice(PyObject *Py_UNUSED(module), PyObject *number) { return PyNumber_Add(number, number); }

static PyMethodDef methods[] = {{"twice", twice, METH_O, "twice(number): number + number"}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_stubborn", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit__stubborn(void) { return PyModuleDef_Init(&module); }
