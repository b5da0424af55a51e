#include "python/stacks.h"

#include <Python.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "python/pyvm.h"

/* CPython internals (Include/internal/pycore_traceback.h), reachable because libpython is linked statically. Weak: a version
   that renames it costs us Python stacks, and nothing else. */
extern void _Py_DumpTraceback(int fd, PyThreadState *state) __attribute__((weak));

/* It writes to a descriptor only, so a file in memory it is. */
static size_t dump(PyThreadState *state, char *out, size_t room) {
    int fd = memfd_create("stack", MFD_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    _Py_DumpTraceback(fd, state);
    ssize_t n = pread(fd, out, room, 0);
    close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* Without the heading, and without a line that was cut off. */
static size_t keep_frames(char *text, size_t len) {
    static const char FRAME[] = "  File ";
    size_t kept = 0;
    for (char *at = text, *end; (end = memchr(at, '\n', (size_t)(text + len - at))) != NULL; at = end + 1) {
        size_t line = (size_t)(end + 1 - at);
        if (line > sizeof FRAME && memcmp(at, FRAME, sizeof FRAME - 1) == 0) {
            memmove(text + kept, at, line);
            kept += line;
        }
    }
    return kept;
}

size_t ftf_stacks_python(const ftf_vm *vm, int lane, char *out, size_t room) {
    PyThreadState *state = ftf_pyvm_thread(vm, lane);
    if (_Py_DumpTraceback == NULL || state == NULL) {
        return 0;
    }
    return keep_frames(out, dump(state, out, room));
}

/*
 * Python/parking_lot.c: struct wait_entry { void *park_arg; uintptr_t addr; _PySemaphore sema; ... } in the waiting thread's stack,
 * the same since 3.13. The entry of a raw mutex (lock.c) has a link to another entry in its place, or NULL.
 */
uintptr_t ftf_stacks_parked(const void *semaphore) { return ((const uintptr_t *)semaphore)[-1]; }
