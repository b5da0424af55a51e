/*
 * AddressSanitizer's options, and UBSan's hook. An ASan error ends the process: what it prints is read by the supervisor. A
 * UBSan error does not; its hook runs on the lane's thread before the line is printed.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oracle/raw.h"
#include "oracle/unwind.h"

#ifdef FTF_ASAN

void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file, unsigned *line,
                                     unsigned *column, char **address);

void __ubsan_on_report(void);
void __ubsan_on_report(void) {
    if (!ftf_raw_capturing()) {
        return;
    }
    ftf_raw_report *raw = ftf_raw_begin();
    if (raw == NULL) {
        return;
    }
    const char *kind = "", *message = "", *file = "";
    unsigned line = 0, column = 0;
    char *address = NULL;
    __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    raw->kind = "undefined-behaviour";
    snprintf(raw->detail, sizeof raw->detail, "%s: %s", kind, message);
    ftf_raw_stack *stack = &raw->stacks[0];
    *stack = (ftf_raw_stack){.role = "access", .os_thread = (uint64_t)syscall(SYS_gettid)};
    stack->frame_count = ftf_unwind_here(stack->frames, FTF_RAW_FRAMES);
    raw->stack_count = 1;
    ftf_raw_commit(raw);
}

/* Without a supervisor the report is for people, and libFuzzer must not look for leaks: the interpreter keeps what it has. Whoever sets
   ASAN_OPTIONS, as ClusterFuzz does, would turn that on again. */
#ifdef FTF_ALONE
#define SYMBOLS "symbolize=1:"
#define STACKS "print_stacktrace=1:"

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return 1; }
#else
#define SYMBOLS "symbolize=0:"
#define STACKS "print_stacktrace=0:"
#endif

/* max_allocation_size_mb is above FTF_BLOCK_MAX (interp.h): Python's allocators refuse first, with a MemoryError. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0:" SYMBOLS "allocator_may_return_null=1:max_allocation_size_mb=1024:handle_abort=1:"
           "handle_segv=1:handle_sigill=1:handle_sigfpe=1:detect_odr_violation=0:detect_stack_use_after_return=0:"
           "quarantine_size_mb=64:malloc_context_size=20:alloc_dealloc_mismatch=0:print_suppressions=0:exitcode=77";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return STACKS SYMBOLS "silence_unsigned_overflow=1"; }

#endif
