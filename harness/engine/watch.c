/*
 * Stacks of other threads come by signal. The handler is installed with libc's own sigaction, past TSan, which would
 * hold the signal back until the lane makes a blocking call that it knows.
 */
#include "engine/watch.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/check.h"
#include "engine/modules.h"
#include "oracle/unwind.h"

enum { FRAMES = 48, POLL_MS = 100, MAIN = FTF_LANES_MAX };

static struct {
    ftf_blackbox *box;
    const ftf_pool *pool;
    int deadline_ms;
    pid_t main_tid;
    uintptr_t syscall_start;
} watch;

/* One thread's stack, filled in by the signal handler on that thread. */
static struct {
    uintptr_t frames[FRAMES];
    uint32_t count;
    _Atomic bool done;
} stacks[FTF_LANES_MAX + 1];

static int stack_signal(void) { return SIGRTMIN + 5; }

/* libc's syscall() keeps no frame: its caller is what the stack pointer points at. A waiting lane is always there. */
static uint32_t take_leaf(const ftf_registers *at, uintptr_t *frames) {
    enum { SYSCALL_BYTES = 64 };
    if (at->pc < watch.syscall_start || at->pc >= watch.syscall_start + SYSCALL_BYTES) {
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
}

static void install(void) {
    typedef int (*sigaction_call)(int, const struct sigaction *, struct sigaction *);
    sigaction_call real = (sigaction_call)(uintptr_t)dlsym(RTLD_NEXT, "sigaction");
    FTF_ASSERT(real != NULL);
    struct sigaction action = {.sa_sigaction = on_stack_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    FTF_ASSERT(real(stack_signal(), &action, NULL) == 0);
}

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
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

static size_t add_stack(char *text, size_t used, size_t room, int index) {
    for (uint32_t i = 0; i < stacks[index].count && used < room; i++) {
        uint64_t offset = 0;
        const char *module = ftf_modules_find(stacks[index].frames[i], &offset);
        used += (size_t)snprintf(text + used, room - used, "    #%u 0x%lx (%s+0x%lx)\n", i, stacks[index].frames[i],
                                 module != NULL ? module : "?", (unsigned long)offset);
    }
    return used < room ? used : room - 1;
}

/* Writes the verdict and ends the process. */
static _Noreturn void end(const char *kind, int code) {
    ftf_blackbox *box = watch.box;
    char *text = box->verdict_text;
    size_t used = 0, room = sizeof box->verdict_text;
    for (int i = 0; i < (int)box->lane_count && i < FTF_LANES_MAX; i++) {
        take_stack(i, ftf_pool_tid(watch.pool, i));
        used += (size_t)snprintf(text + used, room - used, "lane %d op %d (%s):\n", i, (int)box->lane_op[i],
                                 ftf_sched_thread_state(ftf_pool_tid(watch.pool, i)) == 'R' ? "running" : "blocked");
        used = add_stack(text, used, room, i);
    }
    if (box->phase != FTF_PHASE_RUNNING) {
        take_stack(MAIN, watch.main_tid);
        used += (size_t)snprintf(text + used, room - used, "lane -1 op -1 (main thread):\n");
        used = add_stack(text, used, room, MAIN);
    }
    memcpy(box->verdict_kind, kind, strlen(kind) + 1);
    _exit(code);
}

void ftf_watch_deadlock(void) {
    static atomic_flag once = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&once)) {
        for (;;) {
            pause_ms(1000); /* another lane has noticed first, and ends the process */
        }
    }
    end("deadlock", FTF_WORKER_EXIT_STUCK);
}

/* True while any thread that matters computes. Looked at several times: a thread that polls sleeps most of the time. */
static bool anybody_runs(void) {
    for (int look = 0; look < 20; look++) {
        if (ftf_sched_thread_state(watch.main_tid) == 'R') {
            return true;
        }
        for (int i = 0; i < (int)watch.box->lane_count && i < FTF_LANES_MAX; i++) {
            if (ftf_sched_thread_state(ftf_pool_tid(watch.pool, i)) == 'R') {
                return true;
            }
        }
        pause_ms(5);
    }
    return false;
}

static void *watch_main(void *unused) {
    (void)unused;
    uint64_t seen_sequence = 0;
    uint32_t seen_round = 0, seen_phase = 0;
    int same_ms = 0;
    for (;;) {
        pause_ms(POLL_MS);
        const ftf_blackbox *box = watch.box;
        bool same = box->sequence == seen_sequence && box->round == seen_round && box->phase == seen_phase;
        bool busy = box->phase == FTF_PHASE_BUILDING || box->phase == FTF_PHASE_RUNNING ||
                    box->phase == FTF_PHASE_FINISHING;
        same_ms = same && busy ? same_ms + POLL_MS : 0;
        seen_sequence = box->sequence;
        seen_round = box->round;
        seen_phase = box->phase;
        if (same_ms >= watch.deadline_ms) {
            if (anybody_runs()) {
                end("slow", FTF_WORKER_EXIT_SLOW);
            }
            end("hang", FTF_WORKER_EXIT_STUCK);
        }
    }
    return NULL;
}

void ftf_watch_start(ftf_blackbox *box, const ftf_pool *pool, int deadline_ms) {
    watch.box = box;
    watch.pool = pool;
    watch.deadline_ms = deadline_ms;
    watch.main_tid = (pid_t)syscall(SYS_gettid);
    watch.syscall_start = (uintptr_t)dlsym(RTLD_NEXT, "syscall");
    install();
    pthread_t thread;
    FTF_ASSERT(pthread_create(&thread, NULL, watch_main, NULL) == 0);
    pthread_detach(thread);
}
