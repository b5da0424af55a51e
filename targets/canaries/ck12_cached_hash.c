/* expect: data-race tsan in key_hash <-> key_hash|key_equal */
/*
 * K12, cached hash. The hash is computed when it is first asked for and kept in the object with plain loads and stores;
 * comparison looks at it too, to tell different keys apart quickly.
 */
#include "canary.h"

#ifdef FIXED
#include <stdatomic.h>
typedef _Atomic(Py_hash_t) cached_hash;
#define LOAD_HASH(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE_HASH(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#else
typedef Py_hash_t cached_hash;
#define LOAD_HASH(field) (field)
#define STORE_HASH(field, value) ((field) = (value))
#endif

typedef struct {
    PyObject_HEAD
    PyObject *text;
    cached_hash hash; /* -1 until asked for */
} Key;

static PyTypeObject *key_type; /* set when the module is imported */

static PyObject *key_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"text", NULL};
    PyObject *text;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:Key", names, &text)) {
        return NULL;
    }
    Key *self = (Key *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->text = Py_NewRef(text);
    STORE_HASH(self->hash, -1);
    return (PyObject *)self;
}

static void key_dealloc(PyObject *op) {
    Py_XDECREF(((Key *)op)->text);
    CANARY_FREE(op);
}

/* FNV-1a over the code points, never -1. */
static NOINLINE Py_hash_t hash_text(PyObject *text) {
    size_t hash = 0xcbf29ce484222325u;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        hash = (hash ^ PyUnicode_READ_CHAR(text, i)) * 0x100000001b3u;
    }
    return hash == (size_t)-1 ? -2 : (Py_hash_t)hash;
}

static Py_hash_t key_hash(PyObject *op) {
    Key *self = (Key *)op;
    Py_hash_t hash = LOAD_HASH(self->hash);
    if (hash == -1) {
        hash = hash_text(self->text);
        STORE_HASH(self->hash, hash);
    }
    return hash;
}

static NOINLINE int key_equal(Key *a, Key *b) {
    Py_hash_t left = LOAD_HASH(a->hash), right = LOAD_HASH(b->hash);
    if (left != -1 && right != -1 && left != right) {
        return 0;
    }
    return PyUnicode_Compare(a->text, b->text) == 0;
}

static PyObject *key_richcompare(PyObject *a, PyObject *b, int op) {
    if ((op != Py_EQ && op != Py_NE) || !Py_IS_TYPE(a, key_type) || !Py_IS_TYPE(b, key_type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyBool_FromLong(key_equal((Key *)a, (Key *)b) == (op == Py_EQ));
}

static PyObject *key_repr(PyObject *op) { return PyUnicode_FromFormat("Key(%R)", ((Key *)op)->text); }

static PyType_Slot key_slots[] = {
    {Py_tp_new, key_new},
    {Py_tp_dealloc, key_dealloc},
    {Py_tp_hash, key_hash},
    {Py_tp_richcompare, key_richcompare},
    {Py_tp_repr, key_repr},
    {Py_tp_doc, "Key(text): a text that remembers its hash"},
    {0, NULL},
};

static PyType_Spec key_spec = {
    .name = CANARY_NAME(ck12_cached_hash) ".Key",
    .basicsize = sizeof(Key),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = key_slots,
};

static int exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &key_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    key_type = (PyTypeObject *)type;
    return PyModule_AddType(module, key_type);
}

CANARY_MODULE(ck12_cached_hash, NULL, exec)
