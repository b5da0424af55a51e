/* expect: data-race tsan in node_new|node_free <-> node_new|node_free|queue_push|queue_pop|queue_dealloc;
           data-race tsan in queue_push|queue_pop <-> queue_push|queue_pop;
           use-after-free tsan,asan in node_new|node_free|queue_push|queue_pop|queue_dealloc;
           double-free asan in node_free */
/*
 * K16, global freelist. Each queue is locked, but all of them take their nodes from one unlocked freelist: two
 * threads with a queue of their own each get the same node.
 */
#include "canary.h"

enum { FREE_MAX = 4 };

typedef struct Node {
    struct Node *next;
    long value;
} Node;

static Node *free_nodes;
static int free_count;

#ifdef FIXED
static PyMutex free_mutex;
#define LOCK_FREE_NODES() PyMutex_Lock(&free_mutex)
#define UNLOCK_FREE_NODES() PyMutex_Unlock(&free_mutex)
#else
#define LOCK_FREE_NODES()
#define UNLOCK_FREE_NODES()
#endif

static NOINLINE Node *node_new(void) {
    LOCK_FREE_NODES();
    Node *node = free_nodes;
    if (node != NULL) {
        free_nodes = node->next;
        free_count--;
    }
    UNLOCK_FREE_NODES();
    return node != NULL ? node : PyMem_RawMalloc(sizeof(Node));
}

static NOINLINE void node_free(Node *node) {
    LOCK_FREE_NODES();
    int keep = free_count < FREE_MAX;
    if (keep) {
        node->next = free_nodes;
        free_nodes = node;
        free_count++;
    }
    UNLOCK_FREE_NODES();
    if (!keep) {
        PyMem_RawFree(node);
    }
}

typedef struct {
    PyObject_HEAD
    Node *first;
    Node **end; /* where the next node is hung */
} Queue;

static PyObject *queue_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Queue *self = canary_alloc(type, args, kwargs);
    if (self != NULL) {
        self->end = &self->first;
    }
    return (PyObject *)self;
}

static void queue_dealloc(PyObject *op) {
    Node *node = ((Queue *)op)->first;
    while (node != NULL) {
        Node *next = node->next;
        node_free(node);
        node = next;
    }
    CANARY_FREE(op);
}

static PyObject *queue_push(PyObject *op, PyObject *arg) {
    Queue *self = (Queue *)op;
    long value = PyLong_AsLong(arg);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Node *node = node_new();
    if (node == NULL) {
        return PyErr_NoMemory();
    }
    node->value = value;
    node->next = NULL;
    Py_BEGIN_CRITICAL_SECTION(op);
    *self->end = node;
    self->end = &node->next;
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

static PyObject *queue_pop(PyObject *op, PyObject *Py_UNUSED(args)) {
    Queue *self = (Queue *)op;
    Node *node;
    Py_BEGIN_CRITICAL_SECTION(op);
    node = self->first;
    if (node != NULL) {
        self->first = node->next;
        if (self->first == NULL) {
            self->end = &self->first;
        }
    }
    Py_END_CRITICAL_SECTION();
    if (node == NULL) {
        PyErr_SetString(PyExc_IndexError, "pop from an empty queue");
        return NULL;
    }
    long value = node->value;
    node_free(node);
    return PyLong_FromLong(value);
}

static PyMethodDef queue_methods[] = {
    {"push", queue_push, METH_O, "push(x): appends an int"},
    {"pop", queue_pop, METH_NOARGS, "pop(): the oldest one"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot queue_slots[] = {
    {Py_tp_new, queue_new},
    {Py_tp_dealloc, queue_dealloc},
    {Py_tp_methods, queue_methods},
    {Py_tp_doc, "Queue(): of int"},
    {0, NULL},
};

static PyType_Spec queue_spec = {
    .name = CANARY_NAME(ck16_freelist) ".Queue",
    .basicsize = sizeof(Queue),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = queue_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &queue_spec); }

CANARY_MODULE(ck16_freelist, NULL, exec)
