/* expect: data-race tsan in get_words|split_text|document_longest|document_length <-> get_words|split_text */
/*
 * K2, lazy object field. A document splits its text into words when they are first asked for and keeps the tuple. Two
 * first readers of one document both split, and one tuple is lost.
 */
#include "canary.h"

typedef struct {
    PyObject_HEAD
    PyObject *text;
    PyObject *words; /* tuple, NULL until asked for */
} Document;

static NOINLINE PyObject *split_text(PyObject *text) {
    PyObject *list = PyUnicode_Split(text, NULL, -1);
    if (list == NULL) {
        return NULL;
    }
    PyObject *words = PyList_AsTuple(list);
    Py_DECREF(list);
    return words;
}

/* The words as a new reference, or NULL with an exception. */
static NOINLINE PyObject *get_words(Document *self) {
    PyObject *words;
#ifdef FIXED
    Py_BEGIN_CRITICAL_SECTION(self);
#endif
    if (self->words == NULL) {
        self->words = split_text(self->text);
    }
    words = Py_XNewRef(self->words);
#ifdef FIXED
    Py_END_CRITICAL_SECTION();
#endif
    return words;
}

static PyObject *document_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"text", NULL};
    PyObject *text;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:Document", names, &text)) {
        return NULL;
    }
    Document *self = (Document *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->text = Py_NewRef(text);
    }
    return (PyObject *)self;
}

static void document_dealloc(PyObject *op) {
    Document *self = (Document *)op;
    Py_XDECREF(self->text);
    Py_XDECREF(self->words);
    CANARY_FREE(op);
}

static PyObject *document_get_words(PyObject *op, void *Py_UNUSED(closure)) { return get_words((Document *)op); }

static PyObject *document_longest(PyObject *op, PyObject *Py_UNUSED(args)) {
    PyObject *words = get_words((Document *)op);
    if (words == NULL) {
        return NULL;
    }
    Py_ssize_t longest = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(words); i++) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(words, i));
        longest = length > longest ? length : longest;
    }
    Py_DECREF(words);
    return PyLong_FromSsize_t(longest);
}

static Py_ssize_t document_length(PyObject *op) {
    PyObject *words = get_words((Document *)op);
    if (words == NULL) {
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(words);
    Py_DECREF(words);
    return count;
}

static PyMethodDef document_methods[] = {
    {"longest", document_longest, METH_NOARGS, "longest(): the length of the longest word"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef document_getset[] = {
    {"words", document_get_words, NULL, "the words of the text", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot document_slots[] = {
    {Py_tp_new, document_new},
    {Py_tp_dealloc, document_dealloc},
    {Py_tp_methods, document_methods},
    {Py_tp_getset, document_getset},
    {Py_sq_length, document_length},
    {Py_tp_doc, "Document(text): a text and its words"},
    {0, NULL},
};

static PyType_Spec document_spec = {
    .name = CANARY_NAME(ck02_lazy_field) ".Document",
    .basicsize = sizeof(Document),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = document_slots,
};

static int exec(PyObject *module) { return canary_add_type(module, &document_spec); }

CANARY_MODULE(ck02_lazy_field, NULL, exec)
