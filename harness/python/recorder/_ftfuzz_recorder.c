/*
 * Lets `ftfuzz harvest` see the arguments with which a test suite calls an extension, without the suite noticing.
 *
 *     watch(callable, label) -> bool      from now on its calls are told to `before` and `after`
 *     start(before, after)                before(label, args, kwnames) -> token; None: `after` is not wanted
 *                                         after(token, failed, value): the result, or the class of the exception
 *     stop()
 *
 * CPython calls a type, a method descriptor and a built-in function through a pointer in that very object, with the object as first
 * argument. So the pointer is replaced and nothing else: identity, isinstance, pickling, signatures and the stack are what they
 * were, and calls from C (map(f, ...)) are seen as well. Only public structs are touched. What has no such pointer cannot be watched:
 * slot wrappers (`__init__`, `a[k]`), class methods, and a method that was bound first and called later.
 *
 * This is an extension module for the plain interpreter, built like any other (ci/build-target); no part of a worker.
 *
 * Threads: all calls at any time, from any thread. The table grows only; a key is published last. before and after are not
 * told about calls that they make themselves.
 */
#include <Python.h>
#include <stdatomic.h>
#include <stdint.h>

enum { WATCHED_MAX = 1 << 14 }; /* callables; a package has hundreds */

typedef struct watched {
    _Atomic(PyObject *) callable; /* NULL: free */
    vectorcallfunc original;      /* NULL: through tp_call */
    PyObject *label;
} watched;

static watched table[2 * WATCHED_MAX];
static int watched_count; /* recording.py calls watch() from one thread at a time */
static _Atomic(PyObject *) before_hook, after_hook;
static _Thread_local int inside; /* this thread runs one of the hooks */

/* Where a callable is, or where it would go. Whoever gets here through its own pointer is alive and was entered last. */
static watched *find(PyObject *callable) {
    size_t mask = sizeof table / sizeof *table - 1;
    for (size_t i = (uintptr_t)callable / sizeof(void *) * 0x9E3779B97F4A7C15u >> 20;; i++) {
        PyObject *there = atomic_load(&table[i & mask].callable);
        if (there == callable || there == NULL) {
            return &table[i & mask];
        }
    }
}

/* Calls a hook; no tracer, profiler or sys.monitoring of the tests sees it. NULL without an exception when it raises: a hook
   that fails says nothing, the tests come first. */
static PyObject *call_hook(PyObject *hook, PyObject *a, PyObject *b, PyObject *c) {
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState_EnterTracing(thread);
    inside = 1;
    PyObject *result = PyObject_CallFunctionObjArgs(hook, a, b, c, NULL);
    inside = 0;
    PyThreadState_LeaveTracing(thread);
    if (result == NULL) {
        PyErr_Clear();
    }
    return result;
}

static PyObject *pack(PyObject *const *args, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    }
    return tuple;
}

static PyObject *call_slowly(PyObject *callable, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    PyObject *result = NULL, *named = NULL, *tuple = pack(args, count);
    int failed = tuple == NULL;
    if (!failed && kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0) {
        named = PyDict_New();
        failed = named == NULL;
        for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(kwnames); i++) {
            failed = PyDict_SetItem(named, PyTuple_GET_ITEM(kwnames, i), args[count + i]) < 0;
        }
    }
    if (!failed && Py_EnterRecursiveCall(" while calling a Python object") == 0) {
        result = Py_TYPE(callable)->tp_call(callable, tuple, named);
        Py_LeaveRecursiveCall();
    }
    Py_XDECREF(named);
    Py_XDECREF(tuple);
    return result;
}

static PyObject *call_original(const watched *entry, PyObject *callable, PyObject *const *args, size_t nargsf,
                               PyObject *kwnames) {
    return entry->original != NULL ? entry->original(callable, args, nargsf, kwnames)
                                   : call_slowly(callable, args, PyVectorcall_NARGS(nargsf), kwnames);
}

/* The token, or NULL. */
static PyObject *tell_before(const watched *entry, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    PyObject *hook = atomic_load(&before_hook), *token = NULL;
    PyObject *tuple = pack(args, count + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0));
    if (tuple == NULL) {
        PyErr_Clear();
    } else if (hook != NULL) {
        token = call_hook(hook, entry->label, tuple, kwnames != NULL ? kwnames : Py_None);
    }
    Py_XDECREF(tuple);
    return token;
}

static void tell_after(PyObject *token, PyObject *result) {
    PyObject *hook = atomic_load(&after_hook), *raised = result == NULL ? PyErr_GetRaisedException() : NULL;
    if (hook != NULL && (result != NULL || raised != NULL)) {
        Py_XDECREF(call_hook(hook, token, raised != NULL ? Py_True : Py_False,
                             raised != NULL ? (PyObject *)Py_TYPE(raised) : result));
    }
    if (raised != NULL) {
        PyErr_SetRaisedException(raised);
    }
}

static PyObject *recorded(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    const watched *entry = find(callable);
    if (inside || atomic_load(&before_hook) == NULL) {
        return call_original(entry, callable, args, nargsf, kwnames);
    }
    PyObject *token = tell_before(entry, args, PyVectorcall_NARGS(nargsf), kwnames);
    PyObject *result = call_original(entry, callable, args, nargsf, kwnames);
    if (token != NULL && token != Py_None) {
        tell_after(token, result);
    }
    Py_XDECREF(token);
    return result;
}

/* The pointer through which a callable is called; NULL when it has none of its own. */
static vectorcallfunc *pointer_of(PyObject *callable) {
    if (PyType_Check(callable)) {
        return &((PyTypeObject *)callable)->tp_vectorcall;
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        return &((PyMethodDescrObject *)callable)->vectorcall;
    }
    return PyCFunction_Check(callable) ? &((PyCFunctionObject *)callable)->vectorcall : NULL;
}

static PyObject *watch(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *callable, *label;
    if (!PyArg_ParseTuple(args, "OO", &callable, &label)) {
        return NULL;
    }
    vectorcallfunc *pointer = pointer_of(callable);
    if (pointer == NULL || watched_count >= WATCHED_MAX) {
        Py_RETURN_FALSE;
    }
    /* The table holds no reference, for the tests to see modules go away. What has the address of one that is gone takes its entry. */
    if (*pointer != recorded) {
        watched *entry = find(callable);
        entry->original = *pointer;
        entry->label = Py_NewRef(label);
        watched_count += atomic_load(&entry->callable) == NULL;
        atomic_store(&entry->callable, callable);
        *pointer = recorded;
    }
    Py_RETURN_TRUE;
}

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *before, *after;
    if (!PyArg_ParseTuple(args, "OO", &before, &after)) {
        return NULL;
    }
    atomic_store(&after_hook, Py_NewRef(after));
    atomic_store(&before_hook, Py_NewRef(before));
    Py_RETURN_NONE;
}

/* The hooks are not released: another thread may be about to call one. */
static PyObject *stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    atomic_store(&before_hook, NULL);
    atomic_store(&after_hook, NULL);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"watch", watch, METH_VARARGS, NULL},
    {"start", start, METH_VARARGS, NULL},
    {"stop", stop, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "_ftfuzz_recorder", .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__ftfuzz_recorder(void) { return PyModuleDef_Init(&definition); }
