/*
 * One function for each kind of memory that a Python extension can hold on to too long: each frees a block and then reads
 * it. Under asan every one of them must end as use-after-free in the function's own name (tests/e2e/freed_memory.py).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    long value[8];
} Instance;

static PyTypeObject Instance_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "freed.Instance",
    .tp_basicsize = sizeof(Instance),
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static volatile long sink;

__attribute__((noinline)) static PyObject *read_instance(PyObject *self, PyObject *unused) {
    Instance *instance = PyObject_New(Instance, &Instance_Type);
    if (instance == NULL) {
        return NULL;
    }
    Py_DECREF(instance);
    sink = instance->value[3];
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *read_bytes(PyObject *self, PyObject *unused) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, 200);
    if (bytes == NULL) {
        return NULL;
    }
    const char *data = PyBytes_AS_STRING(bytes);
    Py_DECREF(bytes);
    sink = data[100];
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *read_bytearray_buffer(PyObject *self, PyObject *unused) {
    PyObject *array = PyByteArray_FromStringAndSize("0123456789abcdef0123456789abcdef", 32);
    if (array == NULL) {
        return NULL;
    }
    const char *data = PyByteArray_AS_STRING(array);
    if (PyByteArray_Resize(array, 100000) < 0) {
        Py_DECREF(array);
        return NULL;
    }
    sink = data[10];
    Py_DECREF(array);
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *read_mem(PyObject *self, PyObject *unused) {
    char *block = PyMem_Malloc(64);
    PyMem_Free(block);
    sink = block[10];
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *read_raw_mem(PyObject *self, PyObject *unused) {
    char *block = PyMem_RawMalloc(64);
    PyMem_RawFree(block);
    sink = block[10];
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *read_malloc(PyObject *self, PyObject *unused) {
    char *volatile block = malloc(64);
    free(block);
    sink = block[10];
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"read_instance", read_instance, METH_NOARGS, NULL},
    {"read_bytes", read_bytes, METH_NOARGS, NULL},
    {"read_bytearray_buffer", read_bytearray_buffer, METH_NOARGS, NULL},
    {"read_mem", read_mem, METH_NOARGS, NULL},
    {"read_raw_mem", read_raw_mem, METH_NOARGS, NULL},
    {"read_malloc", read_malloc, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int exec(PyObject *module) { return PyType_Ready(&Instance_Type); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "freed", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_freed(void) { return PyModuleDef_Init(&module); }
