/*
 * Stacks of other threads come by signal. The handler is installed with libc's own sigaction, past TSan, which would
 * hold the signal back until the lane makes a blocking call that it knows.
 *
 * Reading order: take_stack (C), add_wait and add_python (what a lane waits for, and where it is in Python), ftf_verdict_end.
 */
#include "engine/verdict.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/check.h"
#include "engine/alone.h"
#include "engine/modules.h"
#include "engine/watch.h"
#include "oracle/unwind.h"
#include "python/stacks.h"

enum {
    FRAMES = 48,
    MAIN = FTF_LANES_MAX,
    PYTHON_BYTES = 1200, /* of one lane's Python stack: eight lanes must fit into the black box */
};

static struct {
    ftf_verdict_options of;
    pid_t main_tid;
    uintptr_t syscall_start;
    _Atomic bool held;    /* threads whose stack was taken stand still from then on */
    _Atomic pid_t writer; /* but for the one that writes the verdict */
} verdict;

/* One thread's stack, filled in by the signal handler on that thread. */
static struct {
    uintptr_t frames[FRAMES];
    uint32_t count;
    _Atomic bool done;
} stacks[FTF_LANES_MAX + 1];

/* ---- the text ---------------------------------------------------------------------------------------------------------------- */

/* A part of the verdict that does not grow beyond its end. */
typedef struct page {
    char *at, *end;
} page;

static void say(page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(page *page, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(page->at, (size_t)(page->end - page->at), format, list);
    va_end(list);
    page->at = n < page->end - page->at ? page->at + n : page->end - 1;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------------------ */

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
}

static int stack_signal(void) { return SIGRTMIN + 5; }

/* libc's syscall() keeps no frame: its caller is what the stack pointer points at. A waiting lane is always there. */
static uint32_t take_leaf(const ftf_registers *at, uintptr_t *frames) {
    enum { SYSCALL_BYTES = 64 };
    if (at->pc < verdict.syscall_start || at->pc >= verdict.syscall_start + SYSCALL_BYTES) {
        return 0;
    }
    frames[0] = at->pc;
    frames[1] = *(const uintptr_t *)at->stack_pointer - 1;
    return 2;
}

static void on_stack_signal(int number, siginfo_t *info, void *context) {
    (void)number;
    int index = info->si_value.sival_int;
    const ucontext_t *at = context;
    const ftf_registers registers = {.pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP],
                                     .stack_pointer = (uintptr_t)at->uc_mcontext.gregs[REG_RSP],
                                     .frame_pointer = (uintptr_t)at->uc_mcontext.gregs[REG_RBP]};
    uint32_t leaf = take_leaf(&registers, stacks[index].frames);
    const ftf_registers rest = {leaf != 0 ? 0 : registers.pc, registers.stack_pointer, registers.frame_pointer};
    stacks[index].count = leaf + ftf_unwind_from(&rest, stacks[index].frames + leaf, FRAMES - leaf);
    atomic_store(&stacks[index].done, true);
    while (atomic_load(&verdict.held) && syscall(SYS_gettid) != atomic_load(&verdict.writer)) {
        pause_ms(1000); /* what it waits for may come yet, and its Python stack must not change while it is read */
    }
}

static void install(void) {
    typedef int (*sigaction_call)(int, const struct sigaction *, struct sigaction *);
    sigaction_call real = (sigaction_call)(uintptr_t)dlsym(RTLD_NEXT, "sigaction");
    FTF_ASSERT(real != NULL);
    struct sigaction action = {.sa_sigaction = on_stack_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    FTF_ASSERT(real(stack_signal(), &action, NULL) == 0);
}

static void take_stack(int index, pid_t tid) {
    siginfo_t info = {.si_signo = stack_signal(), .si_code = SI_QUEUE, .si_pid = getpid()};
    info.si_value.sival_int = index;
    atomic_store(&stacks[index].done, false);
    stacks[index].count = 0;
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, stack_signal(), &info) != 0) {
        return;
    }
    for (int i = 0; i < 100 && !atomic_load(&stacks[index].done); i++) {
        pause_ms(1);
    }
}

static void add_stack(page *page, int index) {
    for (uint32_t i = 0; i < stacks[index].count; i++) {
        uint64_t offset = 0;
        const char *module = ftf_modules_find(stacks[index].frames[i], &offset);
        say(page, "    #%u 0x%lx (%s+0x%lx)\n", i, stacks[index].frames[i], module != NULL ? module : "?",
            (unsigned long)offset);
    }
}

static void add_python(page *page, int lane) {
    size_t room = (size_t)(page->end - page->at - 1);
    page->at += ftf_stacks_python(verdict.of.vm, lane, page->at, room < PYTHON_BYTES ? room : PYTHON_BYTES);
    *page->at = 0;
}

/* ---- lanes ------------------------------------------------------------------------------------------------------------------- */

static void add_holder(page *page, int lane, const ftf_waiting *wait) {
    if (wait->holder == lane) {
        say(page, ", which it has itself");
    } else if (wait->holder >= 0) {
        say(page, ", which lane %d has", wait->holder);
    } else if (wait->holder_tid != 0) {
        say(page, ", which thread %d has", wait->holder_tid);
    }
}

static void add_wait(page *page, int lane) {
    ftf_waiting wait;
    if (!ftf_sched_waiting(lane, &wait)) {
        return;
    }
    bool parked = wait.kind == FTF_WAIT_SEMAPHORE && wait.own;
    if (parked) {
        say(page, "  waits for PyMutex, event or other CPython lock 0x%lx", ftf_stacks_parked(wait.object));
    } else {
        say(page, "  waits for %s", ftf_wait_name(wait.kind));
    }
    if (wait.fd >= 0) {
        say(page, " %d", wait.fd);
    } else if (wait.object != NULL && !parked) {
        say(page, " 0x%lx", (uintptr_t)wait.object);
    }
    add_holder(page, lane, &wait);
    if (wait.left_ns > 0) {
        say(page, ", for %lu ms at most", wait.left_ns / 1000000);
    }
    say(page, "\n");
}

static const char *state_of(int lane) {
    ftf_waiting wait;
    if (ftf_sched_is_done(lane)) {
        return "done";
    }
    bool blocked = ftf_sched_waiting(lane, &wait) || ftf_sched_thread_state(ftf_pool_tid(verdict.of.pool, lane)) != 'R';
    return blocked ? "blocked" : "running";
}

static void add_lane(page *page, int lane) {
    const char *state = state_of(lane);
    if (strcmp(state, "done") == 0) {
        say(page, "lane %d op -1 (done):\n", lane);
        return;
    }
    take_stack(lane, ftf_pool_tid(verdict.of.pool, lane));
    say(page, "lane %d op %d (%s):\n", lane, (int)verdict.of.box->lane_op[lane], state);
    add_wait(page, lane);
    if (atomic_load(&verdict.held)) {
        add_python(page, lane);
    }
    add_stack(page, lane);
}

static void add_main(page *page) {
    take_stack(MAIN, verdict.main_tid);
    say(page, "lane -1 op -1 (main thread):\n");
    if (atomic_load(&verdict.held)) {
        add_python(page, -1);
    }
    add_stack(page, MAIN);
}

_Noreturn void ftf_verdict_end(const char *kind, bool held, int code) {
    ftf_blackbox *box = verdict.of.box;
    int lanes = (int)box->lane_count < FTF_LANES_MAX ? (int)box->lane_count : FTF_LANES_MAX;
    size_t share = sizeof box->verdict_text / (size_t)(lanes + 1);
    page page = {.at = box->verdict_text, .end = box->verdict_text};
    atomic_store(&verdict.writer, (pid_t)syscall(SYS_gettid));
    atomic_store(&verdict.held, held);
    for (int i = 0; i < lanes; i++) {
        page.end += share; /* a lane with a long stack must not cost the next one its own */
        add_lane(&page, i);
    }
    if (box->phase != FTF_PHASE_RUNNING) {
        page.end += share;
        add_main(&page);
    }
    if (FTF_IS_ALONE && code == FTF_WORKER_EXIT_SLOW) {
        ftf_alone_slow();
    } else if (FTF_IS_ALONE) {
        ftf_alone_stuck(kind, box->verdict_text);
    }
    memcpy(box->verdict_kind, kind, strlen(kind) + 1);
    ftf_exit(code);
}

_Noreturn void ftf_verdict_destroyed(const char *why) {
    ftf_blackbox *box = verdict.of.box;
    page page = {.at = box->verdict_text, .end = box->verdict_text + sizeof box->verdict_text};
    say(&page, "%s\n", why);
    memcpy(box->verdict_kind, "heap-corruption", sizeof "heap-corruption");
    ftf_exit(FTF_WORKER_EXIT_STUCK);
}

void ftf_verdict_init(const ftf_verdict_options *options) {
    verdict.of = *options;
    verdict.main_tid = (pid_t)syscall(SYS_gettid);
    verdict.syscall_start = (uintptr_t)dlsym(RTLD_NEXT, "syscall");
    install();
}
