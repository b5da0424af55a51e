/*
 * What a target can do to the process that has to write a record about it: after destroy() the JSON library in it gets no
 * memory, as if its heap were gone. The violation of the error protocol is there so that a record is due.
 */
#include <Python.h>
#include <dlfcn.h>

typedef void (*set_alloc_funcs)(void *(*allocate)(size_t), void (*release)(void *));

static void *allocate_nothing(size_t size) {
    (void)size;
    return NULL;
}

static void release_nothing(void *memory) { (void)memory; }

/* Harmless where there is no worker: while the module is being learnt. */
static PyObject *destroy(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    set_alloc_funcs set = (set_alloc_funcs)(uintptr_t)dlsym(RTLD_DEFAULT, "json_set_alloc_funcs");
    if (set == NULL) {
        Py_RETURN_NONE;
    }
    set(allocate_nothing, release_nothing);
    return NULL;
}

static PyMethodDef methods[] = {{"destroy", destroy, METH_NOARGS, "destroy()"}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "destroyed", NULL, 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_destroyed(void) { return PyModuleDef_Init(&definition); }
