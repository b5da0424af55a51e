/*
 * What ThreadSanitizer sees of calls that a lane makes without blocking: the edges of the primitive, and none of ours. This file
 * alone is instrumented. Each case says how many races there are; two lanes touch `data`, with or without something
 * that orders them.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "sim/toyvm.h"

/* What a C++ compiler calls around a static of a function. */
int __cxa_guard_acquire(uint64_t *guard);
void __cxa_guard_release(uint64_t *guard);
void __cxa_guard_abort(uint64_t *guard);

void __tsan_on_report(void *report);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
const char *__tsan_default_options(void);

static int reports;

void __tsan_on_report(void *report) {
    (void)report;
    reports++;
}

const char *__tsan_default_options(void) {
    return "halt_on_error=0:exitcode=0:symbolize=0:suppress_equal_stacks=0:suppress_equal_addresses=0";
}

static pthread_mutex_t mutex;
static pthread_cond_t cond;
static pthread_rwlock_t rwlock;
static pthread_once_t once;
static pthread_barrier_t barrier;
static uint64_t guard;
static int ends[2], ready;
static long *data; /* new memory for each run: a report disarms the cell for good */

static void reset(void) {
    data = calloc(1, sizeof *data); /* left alone at the end: it would be given out again */
    ready = 0;
    guard = 0;
    once = (pthread_once_t)PTHREAD_ONCE_INIT;
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&cond, NULL);
    pthread_rwlock_init(&rwlock, NULL);
    pthread_barrier_init(&barrier, NULL, 2);
    if (ends[0] == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        abort();
    }
}

static void await_condition(int lane) {
    (void)lane;
    pthread_mutex_lock(&mutex);
    while (!ready) {
        pthread_cond_wait(&cond, &mutex);
    }
    *data += 1;
    pthread_mutex_unlock(&mutex);
    *data += 1;
}

static void signal_under_mutex(int lane) {
    (void)lane;
    *data += 1;
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
}

static void await_time(int lane) {
    (void)lane;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&mutex);
    pthread_cond_timedwait(&cond, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    *data += 1;
}

static void touch_at_once(int lane) {
    (void)lane;
    *data += 1;
}

static void sleep_and_touch(int lane) {
    (void)lane;
    sleep(3);
    *data += 1;
}

static void write_under_write_lock(int lane) {
    (void)lane;
    pthread_rwlock_wrlock(&rwlock);
    sched_yield();
    *data += 1;
    pthread_rwlock_unlock(&rwlock);
}

static void write_under_read_lock(int lane) {
    (void)lane;
    pthread_rwlock_rdlock(&rwlock);
    sched_yield();
    *data += 1;
    pthread_rwlock_unlock(&rwlock);
}

static void initialize(void) {
    sched_yield();
    *data += 1;
}

static void read_after_once(int lane) {
    (void)lane;
    pthread_once(&once, initialize);
    if (*data == 0) {
        abort();
    }
}

static void send_after(int lane) {
    *data += 1;
    if (write(ends[lane], "x", 1) != 1) {
        abort();
    }
}

static void receive_before(int lane) {
    char byte;
    if (read(ends[lane], &byte, 1) != 1) {
        abort();
    }
    *data += 1;
}

static void *touch_in_thread(void *unused) {
    *data += 1;
    return unused;
}

static void join_before(int lane) {
    (void)lane;
    pthread_t thread;
    if (pthread_create(&thread, NULL, touch_in_thread, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        abort();
    }
    *data += 1;
}

static void make_static(int lane) {
    (void)lane;
    if (__cxa_guard_acquire(&guard)) {
        sched_yield();
        *data += 1;
        __cxa_guard_release(&guard);
    }
    if (*data == 0) {
        abort();
    }
}

/* To be the next to try is to be behind nobody, as TSan has it. */
static void fail_to_make_static(int lane) {
    (void)lane;
    if (!__cxa_guard_acquire(&guard)) {
        abort();
    }
    *data += 1;
    __cxa_guard_abort(&guard);
}

static void write_and_wait(int lane) {
    (void)lane;
    *data += 1;
    pthread_barrier_wait(&barrier);
}

static void wait_and_write(int lane) {
    (void)lane;
    pthread_barrier_wait(&barrier);
    *data += 1;
}

static void nothing(int lane) { (void)lane; }

static const struct {
    const char *name;
    toy_op first, second;
    bool races;
} cases[] = {
    {"a signal under the mutex orders", await_condition, signal_under_mutex, false},
    {"time that is over does not", await_time, touch_at_once, true},
    {"nor does a sleep", sleep_and_touch, touch_at_once, true},
    {"a write lock orders", write_under_write_lock, write_under_write_lock, false},
    {"two read locks do not", write_under_read_lock, write_under_read_lock, true},
    {"a read lock and a write lock do", write_under_read_lock, write_under_write_lock, false},
    {"a byte through a socket orders", receive_before, send_after, false},
    {"an initializer orders", read_after_once, read_after_once, false},
    {"a C++ static orders", make_static, make_static, false},
    {"an attempt at one that failed does not", fail_to_make_static, fail_to_make_static, true},
    {"a barrier orders those behind it after those before it", write_and_wait, wait_and_write, false},
    {"it does not order those behind it", wait_and_write, wait_and_write, true},
    {"nor those before it", write_and_wait, write_and_wait, true},
    {"a join orders", join_before, nothing, false},
};

/* A worker's main thread is ignored by TSan, which must not turn a bug of ours into something else. */
static bool a_bug_keeps_its_exit_code(void) {
    pid_t child = fork();
    if (child == 0) {
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
        ftf_bug(__FILE__, __LINE__, "a test's own");
    }
    return toy_exit_code(child) == FTF_WORKER_EXIT_BUG;
}

/* Some ten delays a lane in a free run (sched/delay.c). */
static void tarry_and_touch(int lane) {
    static volatile long own[2];
    for (int i = 0; i < 500; i++) {
        toy_load(&own[lane]);
    }
    *data += 1;
    for (int i = 0; i < 500; i++) {
        toy_load(&own[lane]);
    }
}

/* Failures. */
static int check_free_runs(void) {
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, tarry_and_touch);
    toy_add(toy, 1, tarry_and_touch);
    int failed = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ftf_run_plan plan = {.mode = FTF_RUN_FREE, .lanes = 2, .seed = seed};
        ftf_tally tally;
        reports = 0;
        toy_run(toy, &plan, &tally);
        failed += reports == 0;
    }
    printf("%s  delays of free lanes order nothing: %d of 20 races missed\n", failed == 0 ? "ok  " : "FAIL", failed);
    toy_destroy(toy);
    return failed;
}

int main(void) {
    bool kept = a_bug_keeps_its_exit_code();
    printf("%s  a bug keeps its exit code\n", kept ? "ok  " : "FAIL");
    int failed = !kept + check_free_runs();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        toy *toy = toy_create(2, reset, NULL);
        toy_add(toy, 0, cases[i].first);
        toy_add(toy, 1, cases[i].second);
        for (uint8_t first = 0; first < 2; first++) {
            ftf_run_plan plan = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {first, (uint8_t)(1 - first)}};
            ftf_tally tally;
            reports = 0;
            toy_run(toy, &plan, &tally);
            bool good = (reports > 0) == cases[i].races && tally.run.steals == 0;
            failed += !good;
            printf("%s  %s: %d reports, %u steals\n", good ? "ok  " : "FAIL", cases[i].name, reports, tally.run.steals);
        }
        toy_destroy(toy);
    }
    return failed;
}
