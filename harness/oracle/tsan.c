/*
 * ThreadSanitizer's hooks and options. OnReport is called before a report is printed and may swallow it; the report is
 * read through the C functions __tsan_get_report_*. It runs with the runtime's locks held.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "oracle/raw.h"

#ifdef FTF_TSAN

int __tsan_get_report_data(void *report, const char **description, int *count, int *stack_count, int *mop_count,
                           int *loc_count, int *mutex_count, int *thread_count, int *unique_tid_count,
                           void **sleep_trace, unsigned long trace_size);
int __tsan_get_report_mop(void *report, unsigned long index, int *tid, void **address, int *size, int *write,
                          int *atomic, void **trace, unsigned long trace_size);
int __tsan_get_report_stack(void *report, unsigned long index, void **trace, unsigned long trace_size);
int __tsan_get_report_thread(void *report, unsigned long index, int *tid, unsigned long long *os_id, int *running,
                             const char **name, int *parent_tid, void **trace, unsigned long trace_size);

static const struct {
    const char *description, *kind;
} kinds[] = {
    {"data-race", "data-race"},
    {"data-race-vptr", "data-race"},
    {"heap-use-after-free", "use-after-free"},
    {"heap-use-after-free-vptr", "use-after-free"},
    {"lock-order-inversion", "lock-order"},
    {"mutex-destroy-locked", "lock-misuse"},
    {"mutex-double-lock", "lock-misuse"},
    {"mutex-invalid-access", "lock-misuse"},
    {"mutex-bad-unlock", "lock-misuse"},
    {"mutex-bad-read-lock", "lock-misuse"},
    {"mutex-bad-read-unlock", "lock-misuse"},
};

static const char *kind_of(const char *description) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].description, description) == 0) {
            return kinds[i].kind;
        }
    }
    return NULL; /* thread leaks, signal safety: not about the extension */
}

/* TSan gives return addresses; the call lies before them. */
static void take_frames(ftf_raw_stack *stack, void *const *trace) {
    stack->frame_count = 0;
    while (stack->frame_count < FTF_RAW_FRAMES && trace[stack->frame_count] != NULL) {
        stack->frames[stack->frame_count] = (uintptr_t)trace[stack->frame_count] - 1;
        stack->frame_count++;
    }
}

static uint64_t os_thread(void *report, int tid, int thread_count) {
    for (int i = 0; i < thread_count; i++) {
        void *trace[1] = {NULL};
        unsigned long long os_id = 0;
        const char *name = NULL;
        int other = 0, running = 0, parent = 0;
        __tsan_get_report_thread(report, (unsigned long)i, &other, &os_id, &running, &name, &parent, trace, 1);
        if (other == tid) {
            return os_id;
        }
    }
    return 0;
}

static void take_access(void *report, int index, int thread_count, ftf_raw_stack *stack) {
    static const char *const roles[2][2] = {{"read", "atomic-read"}, {"write", "atomic-write"}};
    void *trace[FTF_RAW_FRAMES + 1] = {NULL};
    void *address = NULL;
    int tid = 0, size = 0, write = 0, atomic = 0;
    __tsan_get_report_mop(report, (unsigned long)index, &tid, &address, &size, &write, &atomic, trace, FTF_RAW_FRAMES);
    stack->role = roles[write != 0][atomic != 0];
    stack->os_thread = os_thread(report, tid, thread_count);
    stack->address = (uint64_t)(uintptr_t)address;
    stack->size = (uint32_t)size;
    take_frames(stack, trace);
}

static void take_stack(void *report, int index, ftf_raw_stack *stack) {
    void *trace[FTF_RAW_FRAMES + 1] = {NULL};
    __tsan_get_report_stack(report, (unsigned long)index, trace, FTF_RAW_FRAMES);
    *stack = (ftf_raw_stack){.role = "mutex"};
    take_frames(stack, trace);
}

/* bool __tsan::OnReport(const ReportDesc *, bool suppressed) */
bool _ZN6__tsan8OnReportEPKNS_10ReportDescEb(void *report, bool suppressed);
bool _ZN6__tsan8OnReportEPKNS_10ReportDescEb(void *report, bool suppressed) {
    if (suppressed || !ftf_raw_capturing()) {
        return suppressed;
    }
    const char *description = "";
    void *sleep_trace[1] = {NULL};
    int count = 0, stacks = 0, mops = 0, locations = 0, mutexes = 0, threads = 0, tids = 0;
    __tsan_get_report_data(report, &description, &count, &stacks, &mops, &locations, &mutexes, &threads, &tids,
                           sleep_trace, 1);
    const char *kind = kind_of(description);
    ftf_raw_report *raw = kind != NULL ? ftf_raw_begin() : NULL;
    if (raw == NULL) {
        return true;
    }
    raw->kind = kind;
    strncpy(raw->detail, description, sizeof raw->detail - 1);
    for (int i = 0; i < mops && raw->stack_count < FTF_RAW_STACKS; i++) {
        take_access(report, i, threads, &raw->stacks[raw->stack_count++]);
    }
    if (strcmp(kind, "use-after-free") == 0 && raw->stack_count == 2) {
        raw->stacks[1].role = "freed"; /* TSan shows a free as a write */
    }
    for (int i = 0; mops == 0 && i < stacks && raw->stack_count < FTF_RAW_STACKS; i++) {
        take_stack(report, i, &raw->stacks[raw->stack_count++]);
    }
    ftf_raw_commit(raw);
    return true;
}

/* With symbolize=1 a call that was inlined would be a frame of its own in what OnReport gets, and its address there several times. */
#ifdef FTF_ALONE
#define ENDING "exitcode=66:"
#else
#define ENDING "exitcode=0:"
#endif

/*
 * FACTS.md says what each of these is for. history_size differs: a race whose older access the thread's history no longer
 * holds is dropped without a word, but each report walks the history. Both accesses lie in one run here, and only the
 * older lane's own later events count, so a small multiple of the default does. Measured, 400 executions of a scenario that
 * races all the time: 5.0 s with 0, 5.4 s with 1, 7.0 s with 4, 11 s with 16, 26 s with 64.
 *
 * Deadly signals are TSan's, not libFuzzer's: a process that replays ends before libFuzzer installs its handlers, and the
 * same abort would have a stack in the campaign and none in the replay.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "halt_on_error=0:" ENDING "symbolize=0:stack_trace_format='    #%n %p (%m+%o)':suppress_equal_stacks=0:"
           "suppress_equal_addresses=0:history_size=4:report_thread_leaks=0:report_signal_unsafe=0:"
           "report_destroy_locked=1:atexit_sleep_ms=0:handle_segv=2:handle_sigbus=2:handle_abort=2:handle_sigfpe=2:"
           "handle_sigill=2:detect_deadlocks=1:"
           "second_deadlock_stack=1:allocator_may_return_null=1:print_suppressions=0";
}

#endif
