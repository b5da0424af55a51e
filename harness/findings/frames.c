#include "findings/frames.h"

#include <stdio.h>
#include <string.h>

/*
 * Reading order: the tables, then whose binary a frame is in, then its sort, then which frame stands for a stack.
 *
 * Two questions are asked of a frame, in this order: whose is it (by the binary it is in and its source file), and is
 * it a helper or plumbing (by function and file)? The second is asked of the extension, too: what it inlined from
 * Python's headers must not stand for it.
 */

typedef struct rule {
    const char *text;
    const char *why;
} rule;

/* Source files of CPython (shortened, prefix match) that never are the place of a bug in somebody else's code. */
static const rule HELPER_FILES[] = {
    {"Include/", "inline reference counts, atomics, list and tuple accessors"},
    {"Objects/obmalloc.c", "allocator"},
    {"Objects/mimalloc/", "allocator"},
    {"Python/lock.c", "PyMutex: a race in it is a race of who should have held it"},
    {"Python/parking_lot.c", "where locks sleep"},
    {"Python/critical_section.c", "per-object locks"},
    {"Python/brc.c", "biased reference counts: decrements sent to the owning thread"},
    {"Python/qsbr.c", "delayed freeing"},
    {"Python/object_stack.c", "delayed freeing"},
    {"Python/thread_pthread.h", "thread and lock wrappers"},
    {"Python/thread.c", "thread and lock wrappers"},
};

/* Functions (exact, or a prefix when it ends in '*') that stand between a mistake and where it shows. */
static const rule HELPER_FUNCTIONS[] = {
    {"_Py_Dealloc", "calls tp_dealloc for everybody"},
    {"_Py_DecRef*", "reference counting"},
    {"_Py_IncRef*", "reference counting"},
    {"Py_DecRef", "reference counting"},
    {"Py_IncRef", "reference counting"},
    {"_Py_MergeZeroLocalRefcount", "reference counting"},
    {"_Py_ExplicitMergeRefcount", "reference counting"},
    {"_Py_TryIncRef*", "reference counting"},
    {"_Py_NewReference*", "reference counting"},
    {"new_reference", "reference counting"},
    {"_Py_ForgetReference", "reference counting"},
    {"_Py_ResurrectReference", "reference counting"},
    {"PyObject_CallFinalizer*", "calls tp_finalize for everybody"},
    {"_Py_FatalError*", "says why, and aborts"},
    {"Py_FatalError", "says why, and aborts"},
    {"fatal_error*", "says why, and aborts"},
    {"_PyObject_AssertFailed", "says why, and aborts"},
    {"_Py_NegativeRefcount", "says why, and aborts"},
    {"PyObject_ClearWeakRefs", "calls weakref callbacks for everybody"},
    {"PyType_GenericAlloc", "allocation"},
    {"_PyType_AllocNoTrack", "allocation"},
    {"_PyObject_GC_New*", "allocation"},
    {"PyObject_GC_New*", "allocation"},
    {"_PyObject_GC_Resize", "allocation"},
    {"PyObject_GC_Del", "allocation"},
    {"PyObject_GC_Track", "allocation"},
    {"PyObject_GC_UnTrack", "allocation"},
    {"gc_alloc", "allocation"},
    {"_PyObject_New*", "allocation"},
    {"PyObject_Init*", "allocation"},
    {"_PyObject_Init*", "allocation"},
    {"init_object", "allocation"},
    {"_Py_atomic_*", "atomics"},
    {"_PyFreeList_*", "allocation"},
    {"__Pyx_*", "Cython's utility code"},
    {"pybind11::detail::*", "binding generator"},
    {"pybind11::cpp_function::*", "binding generator"},
    {"nanobind::detail::*", "binding generator"},
    {"std::*", "the C++ library, inlined"},
    {"__gnu_cxx::*", "the C++ library, inlined"},
};

/* Functions that hand out memory from a list: a crash in one of them is a late sign of somebody else's mistake. */
static const rule ALLOCATION_FUNCTIONS[] = {
    {"maybe_freelist_*", "the tuple free list of 3.13"},
    {"_PyFreeList_Pop*", "free lists of 3.14"},
    {"mi_malloc*", "mimalloc"},
    {"mi_heap_malloc*", "mimalloc"},
    {"_mi_malloc*", "mimalloc"},
    {"_mi_heap_malloc*", "mimalloc"},
    {"_mi_page_malloc*", "mimalloc"},
    {"mi_page_*", "mimalloc"},
    {"_mi_page_*", "mimalloc"},
};

static const rule PLUMBING_FILES[] = {
    {"Objects/call.c", "calls"},
    {"Objects/descrobject.c", "method descriptors"},
    {"Objects/methodobject.c", "built-in functions"},
    {"Objects/clinic/", "argument parsing"},
    {"Python/clinic/", "argument parsing"},
    {"Python/ceval.c", "bytecode"},
    {"Python/ceval_macros.h", "bytecode"},
    {"Python/generated_cases.c.h", "bytecode"},
    {"Python/bytecodes.c", "bytecode"},
    {"Python/getargs.c", "argument parsing"},
};

static const rule PLUMBING_FUNCTIONS[] = {
    {"slot_*", "a slot that looks up a Python method"},
    {"wrap_*", "a slot seen as a method"},
    {"wrapper_call", "a slot seen as a method"},
    {"vectorcall_method", "calls"},
    {"vectorcall_maybe", "calls"},
    {"type_call", "calls"},
    {"tp_new_wrapper", "calls"},
    {"method_vectorcall", "calls"},
    {"method_get*", "attribute access"},
    {"PyObject_GetIter", "a slot called for everybody"},
    {"PyIter_Next", "a slot called for everybody"},
    {"iternext", "a slot called for everybody"},
    {"PyObject_GetItem", "a slot called for everybody"},
    {"PyObject_SetItem", "a slot called for everybody"},
    {"PyObject_DelItem", "a slot called for everybody"},
    {"PyObject_Repr", "a slot called for everybody"},
    {"PyObject_Str", "a slot called for everybody"},
    {"PyObject_Hash", "a slot called for everybody"},
    {"PyObject_RichCompare*", "a slot called for everybody"},
    {"do_richcompare", "a slot called for everybody"},
    {"PyObject_Size", "a slot called for everybody"},
    {"PyObject_IsTrue", "a slot called for everybody"},
    {"PyObject_GetAttr", "a slot called for everybody"},
    {"PyObject_SetAttr", "a slot called for everybody"},
    {"PySequence_Contains", "a slot called for everybody"},
    {"_PySequence_IterSearch", "a slot called for everybody"},
    {"PyNumber_*", "a slot called for everybody"},
    {"binary_op*", "a slot called for everybody"},
    {"builtin_*", "a function of builtins that calls a slot"},
};

/* Files in Objects/ that implement types which stdlib modules hand out: ci/coverage-allowlist.txt lists the same. */
static const char *const EXTENSION_OBJECTS[] = {
    "Objects/odictobject.c", "Objects/bytearrayobject.c", "Objects/memoryobject.c",    "Objects/setobject.c",
    "Objects/enumobject.c",  "Objects/iterobject.c",      "Objects/namespaceobject.c",
};

/* Libraries of the system whose frames never name a bug. */
static const char *const SYSTEM_LIBRARIES[] = {
    "libc.so",     "libc-",     "libpthread", "ld-linux",   "libm.so", "libm-",       "libdl.so", "librt.so",
    "libgcc_s.so", "libstdc++", "libc++.so",  "linux-vdso", "[vdso]",  "libclang_rt", "libasan",  "libtsan",
};

/* ---- text -------------------------------------------------------------------------------------------------------- */

static bool starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool in_files(const char *file, const rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (starts(file, rules[i].text)) {
            return true;
        }
    }
    return false;
}

static bool in_functions(const char *function, const rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rules[i].text);
        bool prefix = rules[i].text[len - 1] == '*';
        if (prefix ? strncmp(function, rules[i].text, len - 1) == 0 : strcmp(function, rules[i].text) == 0) {
            return true;
        }
    }
    return false;
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* From the last of CPython's top folders on: "Objects/odictobject.c". NULL when the path has none. */
static const char *after_cpython_root(const char *file) {
    static const char *const TOPS[] = {"/Objects/", "/Modules/", "/Python/", "/Include/", "/Parser/", "/Programs/"};
    const char *found = NULL;
    for (size_t i = 0; i < COUNT(TOPS); i++) {
        for (const char *at = strstr(file, TOPS[i]); at; at = strstr(at + 1, TOPS[i])) {
            found = !found || at + 1 > found ? at + 1 : found;
        }
    }
    return found;
}

/* ---- whose binary ------------------------------------------------------------------------------------------------ */

/* Our executable, `ftfuzz-worker-<flavour>` or `ftfuzz_<target>`: interpreter, harness, sanitizer runtime in one. Or a stock
   interpreter, `python3.13t`, which runs reproducers: the same without the harness. */
static bool in_executable(const char *module) {
    const char *name = base_name(module);
    return (starts(name, "ftfuzz-worker") || starts(name, "ftfuzz_") || starts(name, "python3")) &&
           !strstr(name, ".so");
}

static bool in_stdlib(const char *module) {
    return strstr(module, "/lib-dynload/") != NULL || starts(base_name(module), "libpython3");
}

static bool in_system_library(const char *module) {
    const char *name = base_name(module);
    for (size_t i = 0; i < COUNT(SYSTEM_LIBRARIES); i++) {
        if (starts(name, SYSTEM_LIBRARIES[i])) {
            return true;
        }
    }
    return false;
}

static bool is_blamed_library(const ftf_catalog *catalog, const char *module) {
    for (uint32_t i = 0; catalog && i < catalog->blame_library_count; i++) {
        const char *library = catalog->blame_libraries[i];
        /* By name when the path differs: the same package may be installed once for each flavour. */
        if (strcmp(library, module) == 0 || strcmp(base_name(library), base_name(module)) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a file of CPython, shortened, is the target's. */
static bool is_blamed_file(const ftf_catalog *catalog, const char *file) {
    if (!catalog) {
        return false;
    }
    for (uint32_t i = 0; i < catalog->blame_file_count; i++) {
        if (starts(file, catalog->blame_files[i])) {
            return true;
        }
    }
    if (catalog->blame_file_count > 0 || catalog->blame_library_count > 0) {
        return false;
    }
    for (size_t i = 0; i < COUNT(EXTENSION_OBJECTS); i++) {
        if (strcmp(file, EXTENSION_OBJECTS[i]) == 0) {
            return true;
        }
    }
    return starts(file, "Modules/");
}

/* Our own sources: <root>/harness/<folder>/x.c. */
static bool is_harness_file(const char *file) {
    static const char *const FOLDERS[] = {"base/",   "scenario/", "sched/",  "lanes/",
                                          "python/", "oracle/",   "engine/", "findings/"};
    const char *at = strstr(file, "harness/");
    for (size_t i = 0; at && i < COUNT(FOLDERS); i++) {
        if (starts(at + strlen("harness/"), FOLDERS[i])) {
            return true;
        }
    }
    return false;
}

/* ---- the sort ---------------------------------------------------------------------------------------------------- */

static bool is_helper(const ftf_named_frame *frame) {
    return in_files(frame->file, HELPER_FILES, COUNT(HELPER_FILES)) ||
           in_functions(frame->function, HELPER_FUNCTIONS, COUNT(HELPER_FUNCTIONS)) ||
           strstr(frame->file, "include/python3.") != NULL || starts(frame->file, "/usr/include/");
}

static bool is_plumbing(const ftf_named_frame *frame) {
    return in_files(frame->file, PLUMBING_FILES, COUNT(PLUMBING_FILES)) ||
           in_functions(frame->function, PLUMBING_FUNCTIONS, COUNT(PLUMBING_FUNCTIONS));
}

static ftf_frame_sort sort_of_cpython(const ftf_catalog *catalog, const ftf_named_frame *frame) {
    if (is_helper(frame)) {
        return FTF_SORT_HELPER;
    }
    if (is_blamed_file(catalog, frame->file)) {
        return FTF_SORT_EXTENSION;
    }
    return is_plumbing(frame) ? FTF_SORT_PLUMBING : FTF_SORT_INTERPRETER;
}

static ftf_frame_sort sort_in_executable(const ftf_catalog *catalog, ftf_named_frame *frame) {
    /* The interpreter and the harness are built with line tables; what has none came ready-made. */
    if (frame->file[0] == '\0') {
        return FTF_SORT_RUNTIME;
    }
    const char *file = after_cpython_root(frame->file);
    if (!file && strstr(frame->file, "include/python3.")) { /* an installed header, inlined into the harness */
        return FTF_SORT_HELPER;
    }
    if (!file && is_harness_file(frame->file)) {
        frame->file = strstr(frame->file, "harness/");
        return FTF_SORT_HARNESS;
    }
    if (!file) {
        return FTF_SORT_RUNTIME;
    }
    frame->file = file;
    return sort_of_cpython(catalog, frame);
}

void ftf_frame_classify(const ftf_catalog *catalog, ftf_named_frame *frame) {
    if (is_blamed_library(catalog, frame->module)) {
        const char *cpython = in_stdlib(frame->module) ? after_cpython_root(frame->file) : NULL;
        frame->file = cpython ? cpython : frame->file;
        frame->sort = is_helper(frame) ? FTF_SORT_HELPER : FTF_SORT_EXTENSION;
        frame->file = cpython ? cpython : base_name(frame->file);
    } else if (in_executable(frame->module)) {
        frame->sort = sort_in_executable(catalog, frame);
    } else if (in_stdlib(frame->module)) {
        const char *cpython = after_cpython_root(frame->file);
        frame->file = cpython ? cpython : base_name(frame->file);
        frame->sort = sort_of_cpython(catalog, frame);
    } else if (in_system_library(frame->module)) {
        frame->sort = FTF_SORT_RUNTIME;
    } else {
        frame->sort = is_helper(frame) ? FTF_SORT_HELPER : FTF_SORT_FOREIGN;
        frame->file = base_name(frame->file);
    }
}

/* ---- the frame that stands for a stack --------------------------------------------------------------------------- */

static int innermost(const ftf_named_stack *stack, ftf_frame_sort a, ftf_frame_sort b) {
    for (uint32_t i = 0; i < stack->count; i++) {
        if (stack->frames[i].sort == a || stack->frames[i].sort == b) {
            return (int)i;
        }
    }
    return -1;
}

/* Where the code of one caller ends and that of another begins. */
static bool is_boundary(const ftf_named_frame *frame, bool race) {
    if (frame->sort != FTF_SORT_PLUMBING) {
        return false;
    }
    return race || starts(frame->file, "Python/ceval") || starts(frame->file, "Python/generated_cases") ||
           starts(frame->file, "Python/bytecodes");
}

/* The interpreter's or a foreign frame inside of the first boundary, when the extension has none there; else -1. */
static int top_of_callee(const ftf_named_stack *stack, bool race) {
    int own = -1;
    for (uint32_t i = 0; i < stack->count; i++) {
        ftf_frame_sort sort = stack->frames[i].sort;
        if (sort == FTF_SORT_EXTENSION) {
            return -1;
        }
        if (own >= 0 && is_boundary(&stack->frames[i], race)) {
            return own;
        }
        if (own < 0 && (sort == FTF_SORT_INTERPRETER || sort == FTF_SORT_FOREIGN)) {
            own = (int)i;
        }
    }
    return -1;
}

void ftf_stack_choose_top(ftf_named_stack *stack, bool race) {
    static const ftf_frame_sort WANTED[][2] = {
        {FTF_SORT_EXTENSION, FTF_SORT_EXTENSION}, {FTF_SORT_INTERPRETER, FTF_SORT_FOREIGN},
        {FTF_SORT_PLUMBING, FTF_SORT_PLUMBING},   {FTF_SORT_HELPER, FTF_SORT_HELPER},
        {FTF_SORT_HARNESS, FTF_SORT_HARNESS},     {FTF_SORT_RUNTIME, FTF_SORT_RUNTIME},
    };
    stack->top = top_of_callee(stack, race);
    for (size_t i = 0; i < COUNT(WANTED) && stack->top < 0; i++) {
        stack->top = innermost(stack, WANTED[i][0], WANTED[i][1]);
    }
}

bool ftf_stack_in_allocation(const ftf_named_stack *stack) {
    for (uint32_t i = 0; i < stack->count; i++) {
        const ftf_named_frame *frame = &stack->frames[i];
        if (frame->sort != FTF_SORT_RUNTIME && !starts(frame->file, "Include/")) {
            return in_functions(frame->function, ALLOCATION_FUNCTIONS, COUNT(ALLOCATION_FUNCTIONS));
        }
    }
    return false;
}

bool ftf_stack_has(const ftf_named_stack *stack, ftf_frame_sort sort) { return innermost(stack, sort, sort) >= 0; }

void ftf_frame_name(const ftf_named_frame *frame, char name[FTF_FRAME_NAME_MAX]) {
    const char *file = base_name(frame->file[0] ? frame->file : frame->module);
    /* A library is called by its name before the ABI tag: _box.cpython-313t-x86_64-linux-gnu.so is _box. */
    int len = frame->file[0] ? (int)strlen(file) : (int)strcspn(file, ".");
    (void)snprintf(name, FTF_FRAME_NAME_MAX, "%.*s:%s", len, file, frame->function[0] ? frame->function : "?");
}
