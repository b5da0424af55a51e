#include <Python.h>

static PyObject *last; /* planted: whoever calls first and whoever calls next let go of the same object */

static PyObject *swap(PyObject *Py_UNUSED(module), PyObject *value) {
    PyObject *before = last != NULL ? last : Py_NewRef(Py_None);
    last = Py_NewRef(value);
    return before;
}

static PyMethodDef methods[] = {
    {"swap", swap, METH_O, "swap(value): the value of the call before"},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "with_meson", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_with_meson(void) { return PyModuleDef_Init(&module); }
