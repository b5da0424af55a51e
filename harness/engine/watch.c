#include "engine/watch.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "engine/alone.h"
#include "engine/verdict.h"
#include "oracle/dying.h"

enum {
    POLL_MS = 100,
    LOOKS = 20,
    LOOK_MS = 5,
    THREADS_MAX = 64,
    MAIN_MS = 2000, /* of CPU time that one setup or one finish may take */
};

static struct {
    ftf_watch_options of;
    int main_tid, own_tid;
    int others[THREADS_MAX]; /* that were there before us, of the sanitizer's runtime: what they do says nothing */
    int other_count;
} watch;

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
}

static int64_t now_ms(void) {
    struct timespec t = {0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* CPU time of a thread of this process (the kernel's encoding of a thread's clock, see pthread_getcpuclockid). */
static int64_t cpu_ms(int tid) {
    struct timespec t = {0};
    syscall(SYS_clock_gettime, (clockid_t)((~(unsigned)tid << 3) | 6u), &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void wait_for_the_end(void) {
    for (;;) {
        pause_ms(1000);
    }
}

void ftf_watch_deadlock(void) {
    static atomic_flag once = ATOMIC_FLAG_INIT;
    if (ftf_is_dying() || atomic_flag_test_and_set(&once)) {
        wait_for_the_end(); /* a report or another lane ends the process */
    }
    ftf_verdict_end("deadlock", true, FTF_WORKER_EXIT_STUCK);
}

/* A call that returned in both serial runs, and now does not, has been made to: a list that two lanes have changed and that goes round
   in a circle, say. Of any other nobody knows whether it ever returns. */
void ftf_watch_endless(void) {
    if (ftf_is_dying()) {
        wait_for_the_end();
    }
    bool is_hang = watch.of.replays || watch.of.box->round >= 2;
    ftf_verdict_end(is_hang ? "hang" : "slow", true, is_hang ? FTF_WORKER_EXIT_STUCK : FTF_WORKER_EXIT_SLOW);
}

/* ---- does anybody compute? --------------------------------------------------------------------------------------------------- */

static bool is_lane(int tid) {
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        if (ftf_pool_tid(watch.of.pool, i) == tid) {
            return true;
        }
    }
    return false;
}

static bool is_other(int tid) {
    for (int i = 0; i < watch.other_count; i++) {
        if (watch.others[i] == tid) {
            return true;
        }
    }
    return false;
}

/* Who only looks now and then whether something has come does not count, because on a busy machine it is seen running for
   as long as it waits for its turn: the lanes of a run in which nobody can have the token, and the main thread while
   lanes run. A thread that the target made counts: a lane may wait for it. */
static bool counts(int tid) {
    if (is_lane(tid)) {
        return !ftf_sched_is_idle();
    }
    if (tid == watch.main_tid) {
        return watch.of.box->phase != FTF_PHASE_RUNNING;
    }
    return tid != watch.own_tid && !is_other(tid);
}

/* One entry of getdents64, whose type no header of libc's has. */
typedef struct directory_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
} directory_entry;

/* The threads of this process. By raw system calls, because whoever hangs may hold the lock of malloc. */
static int list_threads(int *tids) {
    _Alignas(8) char entries[4096];
    int count = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    for (long n; (n = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0;) {
        for (long at = 0; at < n;) {
            const directory_entry *entry = (const directory_entry *)(const void *)(entries + at);
            int tid = (int)strtol(entry->name, NULL, 10);
            if (tid > 0 && count < THREADS_MAX) {
                tids[count++] = tid;
            }
            at += entry->length;
        }
    }
    syscall(SYS_close, fd);
    return count;
}

static bool anybody_runs_now(void) {
    int tids[THREADS_MAX];
    int count = list_threads(tids);
    for (int i = 0; i < count; i++) {
        if (counts(tids[i]) && ftf_sched_thread_state(tids[i]) == 'R') {
            return true;
        }
    }
    return false;
}

/* Looked at several times: a thread that polls sleeps most of the time. */
static bool anybody_runs(void) {
    for (int look = 0; look < LOOKS; look++) {
        if (anybody_runs_now()) {
            return true;
        }
        pause_ms(LOOK_MS);
    }
    return false;
}

/* ---- the thread -------------------------------------------------------------------------------------------------------------- */

static bool is_busy(const ftf_blackbox *box) {
    return box->phase == FTF_PHASE_BUILDING || box->phase == FTF_PHASE_RUNNING || box->phase == FTF_PHASE_FINISHING;
}

/* Three clocks. The scenario's says when it is slow: its rounds may each be in time, and all of them together
   take minutes. The one of the step that it is in (a phase of a round) says when it hangs: a scenario that
   sleeps just now was computing before. The main thread's CPU time in the step ends what goes round in circles
   there: lanes count points, and it does not. */
static void *watch_main(void *unused) {
    (void)unused;
    const ftf_blackbox *box = watch.of.box;
    uint64_t sequence = 0;
    uint32_t round = 0, phase = 0;
    int64_t scenario_ms = 0, step_ms = 0, step_cpu_ms = 0; /* when they began */
    watch.own_tid = (int)syscall(SYS_gettid);
    for (;;) {
        pause_ms(POLL_MS);
        if (FTF_IS_ALONE && ftf_is_dying()) {
            continue; /* symbols may take long, and -timeout has an eye on it */
        }
        int64_t now = now_ms();
        bool same = is_busy(box) && box->sequence == sequence;
        scenario_ms = same ? scenario_ms : now;
        bool same_step = same && box->round == round && box->phase == phase;
        step_ms = same_step ? step_ms : now;
        step_cpu_ms = same_step ? step_cpu_ms : cpu_ms(watch.main_tid);
        sequence = box->sequence;
        round = box->round;
        phase = box->phase;
        if (same_step && phase != FTF_PHASE_RUNNING && cpu_ms(watch.main_tid) - step_cpu_ms >= MAIN_MS) {
            ftf_verdict_end("slow", false, FTF_WORKER_EXIT_SLOW);
        }
        bool late = now - scenario_ms >= watch.of.deadline_ms;
        if (late && anybody_runs()) {
            ftf_verdict_end("slow", false, FTF_WORKER_EXIT_SLOW);
        }
        if (late && now - step_ms >= watch.of.deadline_ms && box->sequence == sequence && box->phase == phase) {
            ftf_verdict_end("hang", true, FTF_WORKER_EXIT_STUCK);
        }
    }
    return NULL;
}

void ftf_watch_start(const ftf_watch_options *options) {
    watch.of = *options;
    watch.main_tid = (int)syscall(SYS_gettid);
    watch.other_count = list_threads(watch.others);
    ftf_verdict_init(&(const ftf_verdict_options){.box = options->box, .pool = options->pool, .vm = options->vm});
    pthread_t thread;
    FTF_ASSERT(pthread_create(&thread, NULL, watch_main, NULL) == 0);
    pthread_detach(thread);
}
