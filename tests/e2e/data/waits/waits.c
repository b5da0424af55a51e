/*
 * What waits in the kernel where nobody steps in: a lane that comes to a C++ static while another one makes it. In C, with the calls
 * that a C++ compiler makes. Nothing in here is wrong.
 */
#include <Python.h>
#include <stdint.h>

/* Weak: there is no C++ in the interpreter in which the module is learnt. */
int __cxa_guard_acquire(uint64_t *guard) __attribute__((weak));
void __cxa_guard_release(uint64_t *guard) __attribute__((weak));

typedef struct {
    PyObject_HEAD
    uint64_t guard;
    long made;
} Slow;

/* slow.get(): made by whoever comes first, in many small steps. */
static PyObject *get(Slow *self, PyObject *unused) {
    (void)unused;
    if (__cxa_guard_acquire == NULL) {
        Py_RETURN_NONE;
    }
    if (__atomic_load_n((unsigned char *)&self->guard, __ATOMIC_ACQUIRE) == 0 && __cxa_guard_acquire(&self->guard)) {
        for (volatile int i = 0; i < 20; i++) {
            self->made += i;
        }
        __cxa_guard_release(&self->guard);
    }
    return PyLong_FromLong(self->made);
}

static PyMethodDef methods[] = {{"get", (PyCFunction)get, METH_NOARGS, "get()"}, {NULL, NULL, 0, NULL}};
static PyType_Slot type_slots[] = {{Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {
    .name = "waits.Slow", .basicsize = sizeof(Slow), .flags = Py_TPFLAGS_DEFAULT, .slots = type_slots,
};

static int execute(PyObject *module) {
    PyObject *type = PyType_FromSpec(&spec);
    int rc = PyModule_AddObjectRef(module, "Slow", type);
    Py_XDECREF(type);
    return rc;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "waits", NULL, 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_waits(void) { return PyModuleDef_Init(&definition); }
