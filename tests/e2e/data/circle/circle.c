/* An extension with a list that two threads can bend into a circle: whoever walks it then does not return. With one thread, or
   one after the other, each walk ends. */
#include <Python.h>

typedef struct node {
    struct node *next;
} node;

typedef struct {
    PyObject_HEAD
    node only;
    long inside;
} Ring;

/* Not inlined, and its accesses are accesses: this is what a report has to name. */
static __attribute__((noinline)) long walk(const node *volatile at) {
    long steps = 0;
    while (at != NULL) {
        at = at->next;
        steps++;
    }
    return steps;
}

static PyObject *ring_visit(PyObject *op, PyObject *Py_UNUSED(args)) {
    Ring *self = (Ring *)op;
    self->inside++;
    if (self->inside > 1) {
        self->only.next = &self->only;
    }
    long steps = walk(&self->only);
    self->inside--;
    return PyLong_FromLong(steps);
}

static PyMethodDef ring_methods[] = {
    {"visit", ring_visit, METH_NOARGS, "visit(): how long the list is"},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject ring_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "circle.Ring",
    .tp_basicsize = sizeof(Ring),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_methods = ring_methods,
};

static int exec(PyObject *module) { return PyModule_AddType(module, &ring_type); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "circle", .m_slots = slots};

PyMODINIT_FUNC PyInit_circle(void) { return PyModuleDef_Init(&definition); }
