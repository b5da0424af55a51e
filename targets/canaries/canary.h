#ifndef CANARY_H
#define CANARY_H
/*
 * What every canary's module has apart from its bug. One source is compiled twice: as ck05_realloc with the bug and,
 * with -DFIXED, as ck05_realloc_fixed without it. Both say that they run without the GIL, as a wheel for cp313t
 * would.
 *
 *     static int exec(PyObject *module) { return canary_add_type(module, &samples_spec); }
 *     CANARY_MODULE(ck05_realloc, NULL, exec)
 *
 * Functions of a canary keep their names in every build: a signature is made of them. Those that are called directly
 * are NOINLINE; those in a method table cannot be inlined anyway.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NOINLINE __attribute__((noinline))

#ifdef FIXED
#define CANARY_NAME(base) #base "_fixed"
#define CANARY_MODULE(base, methods, exec) CANARY_MODULE_(base##_fixed, methods, exec)
#else
#define CANARY_NAME(base) #base
#define CANARY_MODULE(base, methods, exec) CANARY_MODULE_(base, methods, exec)
#endif

/* Where the twin takes the critical section of op that the bug forgets. They make a block in both versions. */
#ifdef FIXED
#define LOCK_IF_FIXED(op) Py_BEGIN_CRITICAL_SECTION(op)
#define UNLOCK_IF_FIXED() Py_END_CRITICAL_SECTION()
#else
#define LOCK_IF_FIXED(op) {
#define UNLOCK_IF_FIXED() }
#endif

#define CANARY_MODULE_(module, methods, exec)                                                \
    static PyModuleDef_Slot module_slots[] = {                                               \
        {Py_mod_exec, (void *)(exec)},                                                       \
        {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},          \
        {Py_mod_gil, Py_MOD_GIL_NOT_USED},                                                   \
        {0, NULL},                                                                           \
    };                                                                                       \
    static struct PyModuleDef module_def = {                                                 \
        PyModuleDef_HEAD_INIT,                                                               \
        .m_name = #module,                                                                   \
        .m_methods = (methods),                                                              \
        .m_slots = module_slots,                                                             \
    };                                                                                       \
    PyMODINIT_FUNC PyInit_##module(void) { return PyModuleDef_Init(&module_def); }

/* Makes the type of a spec and puts it into the module under its name. For Py_mod_exec; 0, or -1 with an exception. */
static inline int canary_add_type(PyObject *module, PyType_Spec *spec) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}

/* The exec of a module that has functions only. */
static inline int canary_no_types(PyObject *Py_UNUSED(module)) { return 0; }

/* An object of a type whose constructor takes no arguments. */
static inline void *canary_alloc(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) > 0 || (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0)) {
        PyErr_Format(PyExc_TypeError, "%s() takes no arguments", type->tp_name);
        return NULL;
    }
    return type->tp_alloc(type, 0);
}

/* The end of a tp_dealloc of an object that owns nothing any more: frees it and lets go of its heap type. A macro, so
   that the dealloc function itself is the innermost frame of the extension when another thread still uses it. */
#define CANARY_FREE(op)                      \
    do {                                     \
        PyTypeObject *type_ = Py_TYPE(op);   \
        type_->tp_free(op);                  \
        Py_DECREF(type_);                    \
    } while (0)

#endif
