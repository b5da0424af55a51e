#include "python/interp.h"

#include <Python.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sched/sched.h"

/* ---- allocators ------------------------------------------------------------------------------------------------------ */

static PyMemAllocatorEx object_allocator;

static size_t block_max(void) { return ftf_sched_runs_away() ? FTF_BLOCK_MAX_RUNAWAY : FTF_BLOCK_MAX; }

static bool too_large(size_t size) { return size > block_max(); }

static void *raw_malloc(void *context, size_t size) {
    (void)context;
    return too_large(size) ? NULL : malloc(size != 0 ? size : 1);
}

static void *raw_calloc(void *context, size_t count, size_t size) {
    (void)context;
    if (size != 0 && count > block_max() / size) {
        return NULL;
    }
    return calloc(count != 0 ? count : 1, size != 0 ? size : 1);
}

static void *raw_realloc(void *context, void *block, size_t size) {
    (void)context;
    bool grows = block == NULL || size > malloc_usable_size(block);
    return too_large(size) && grows ? NULL : realloc(block, size != 0 ? size : 1);
}

static void raw_free(void *context, void *block) {
    (void)context;
    free(block);
}

static void *object_malloc(void *context, size_t size) {
    return too_large(size) ? NULL : object_allocator.malloc(context, size);
}

static void *object_calloc(void *context, size_t count, size_t size) {
    if (size != 0 && count > block_max() / size) {
        return NULL;
    }
    return object_allocator.calloc(context, count, size);
}

static void *object_realloc(void *context, void *block, size_t size) {
    return size > FTF_BLOCK_MAX ? NULL : object_allocator.realloc(context, block, size); /* it may shrink: that must not fail */
}

/* Before the interpreter exists: a block of one allocator must never be freed by the other. */
static void set_allocators(void) {
    PyMemAllocatorEx raw = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free};
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &raw);
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &object_allocator);
    PyMemAllocatorEx object = object_allocator;
    object.malloc = object_malloc;
    object.calloc = object_calloc;
    object.realloc = object_realloc;
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &object);
}

/* ---- start ------------------------------------------------------------------------------------------------------------- */

static PyStatus configure(PyConfig *config, const ftf_interp_options *options) {
    config->install_signal_handlers = 0;
    config->use_hash_seed = 1;
    config->hash_seed = 0;
    config->site_import = 0;
    config->write_bytecode = 0;
    config->enable_gil = options->gil ? 1 : 0;
    PyStatus status = PyConfig_SetBytesString(config, &config->program_name, "python3");
    if (!PyStatus_Exception(status) && options->home != NULL) {
        status = PyConfig_SetBytesString(config, &config->home, options->home);
    }
    return status;
}

static ftf_status extend_path(const char *const *paths, ftf_error *err) {
    PyObject *list = PySys_GetObject("path");
    for (Py_ssize_t i = 0; paths != NULL && paths[i] != NULL; i++) {
        PyObject *path = PyUnicode_DecodeFSDefault(paths[i]);
        if (path == NULL || PyList_Insert(list, i, path) < 0) {
            Py_XDECREF(path);
            PyErr_Clear();
            return ftf_fail(err, FTF_SETUP, "cannot put %s on sys.path", paths[i]);
        }
        Py_DECREF(path);
    }
    return FTF_OK;
}

ftf_status ftf_interp_start(const ftf_interp_options *options, ftf_error *err) {
    set_allocators();
    PyPreConfig preconfig;
    PyPreConfig_InitIsolatedConfig(&preconfig);
    preconfig.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&preconfig);
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    if (!PyStatus_Exception(status)) {
        status = configure(&config, options);
    }
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        return ftf_fail(err, FTF_SETUP, "the interpreter did not start: %s",
                        status.err_msg != NULL ? status.err_msg : "no reason given");
    }
    PyGC_Disable();
    /* As the python executable does: a closed socket and a full file are OSErrors, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return extend_path(options->paths, err);
}

/* ---- import -------------------------------------------------------------------------------------------------------------- */

/* On 3.13 the first further thread state makes all deferred objects immortal: it writes to most of the heap. Here that is done
   once for all processes that a zygote forks; in each of them it would cost as much as the fork. */
static void immortalize(void) {
    PyThreadState *other = PyThreadState_New(PyInterpreterState_Get());
    if (other != NULL) {
        PyThreadState_Clear(other);
        PyThreadState_Delete(other);
    }
}

ftf_status ftf_interp_import(const char *module, ftf_error *err) {
    PyObject *imported = PyImport_ImportModule(module);
    if (imported != NULL) {
        Py_DECREF(imported);
        immortalize();
        return FTF_OK;
    }
    PyObject *exception = PyErr_GetRaisedException();
    PyObject *text = PyObject_Str(exception);
    const char *reason = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    ftf_status status = ftf_fail(err, FTF_SETUP, "cannot import %s: %s: %s", module, Py_TYPE(exception)->tp_name,
                                 reason != NULL ? reason : "?");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_DECREF(exception);
    return status;
}
