/*
 * Makes the golden reports in the folder above (regenerate.py): one bug a process, chosen by number, inside libFuzzer as the
 * worker is. It claims to be a file of CPython, and its executable is called like a worker, so that whose
 * frames are whose is decided as in a campaign.
 */
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#line 100 "/src/Python-3.13.5/Modules/boxmodule.c"
#define NOINLINE __attribute__((noinline))
#define HAVE_ASAN __has_feature(address_sanitizer)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static volatile int sink;
static char *shared;

NOINLINE static void box_init(void) { shared = malloc(24); }
NOINLINE static void box_clear(void) { free(shared); }
NOINLINE static void box_get(void) { sink = shared[3]; }
NOINLINE static void box_overrun(void) { sink = shared[24]; }
NOINLINE static void box_bad_free(void) { free(shared + 8); }

NOINLINE static void stack_overrun(int n) {
    char local[8];
    memset(local, 1, sizeof local);
    sink = ((volatile char *)local)[n];
}

NOINLINE static void null_deref(void) { *(volatile int *)(shared ? (char *)0 + 8 : 0) = 1; }

NOINLINE static int recurse(int n) {
    volatile char big[4096];
    big[0] = (char)n;
    return recurse(n + 1) + big[0];
}

NOINLINE static void fails_an_assertion(void) {
    fprintf(stderr, "bugs: ../Modules/boxmodule.c:42: box_clear: Assertion `self->exports == 0' failed.\n");
    abort();
}

NOINLINE static void _Py_FatalErrorFunc(void) {
    fprintf(stderr, "Fatal Python error: _PyObject_AssertFailed: _PyObject_AssertFailed\n"
                    "Python runtime state: initialized\n\nCurrent thread 0x00007f0000000000 (most recent call first):\n"
                    "  <no Python frame>\n\n");
    abort();
}

NOINLINE static void box_dealloc(void) { _Py_FatalErrorFunc(); }
NOINLINE static void of_ours(void) {
    fprintf(stderr, "FTF-BUG harness/lanes/gate.c:12: gate->open == 0\n");
    _exit(83);
}

static void raise_again(int signal_number) {
    (void)signal_number;
    null_deref();
}
/* A crash while the handler of another signal runs. */
NOINLINE static void nested(void) {
    signal(SIGUSR1, raise_again);
    raise(SIGUSR1);
}

NOINLINE static void heap_message(void) {
    fprintf(stderr, "free(): invalid pointer\n");
    abort();
}

NOINLINE static int ub_shift(int n) { return 1 << n; }
NOINLINE static int ub_add(int n) { return n + 0x7fffffff; }

NOINLINE static void absurd_allocation(void) { shared = malloc((size_t)1 << 46); }

NOINLINE static void poisoned(void) {
#if HAVE_ASAN
    shared = malloc(4096);
    __asan_poison_memory_region(shared, 64);
    box_get();
#endif
}

static void *other_thread(void *unused) {
    box_clear();
    return unused;
}
NOINLINE static void freed_by_thread(void) {
    pthread_t thread;
    box_init();
    pthread_create(&thread, NULL, other_thread, NULL);
    pthread_join(thread, NULL);
    box_get();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    (void)data;
    (void)size;
    switch (atoi(getenv("BUG"))) {
    case 1: box_init(); box_clear(); box_get(); break;
    case 2: poisoned(); break;
    case 3: box_init(); box_overrun(); break;
    case 4: box_init(); box_clear(); box_clear(); break;
    case 5: null_deref(); break;
    case 6: fails_an_assertion(); break;
    case 7: box_dealloc(); break;
    case 8: of_ours(); break;
    case 9: sink = recurse(0); break;
    case 10: stack_overrun(12); break;
    case 11: absurd_allocation(); break;
    case 12: sink = ub_shift(40); sink = ub_add(5); break;
    case 13: freed_by_thread(); break;
    case 14: box_init(); box_bad_free(); break;
    case 15:
        nested();
        break;
    case 16: heap_message(); break;
    }
    return 0;
}
