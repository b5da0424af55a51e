/*
 * Signals that reach a lane while it waits. If one of these fails, the bug is in await or ftf_sched_lock of
 * harness/sched/sched.c.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sched/state.h"
#include "sim/same.h"

static sem_t semaphore;
static int ends[2];
static pthread_t waiting;
static volatile sig_atomic_t handled, points_counted;

/* In the middle of a wait of lane 0; it does not have the token. */
static void on_signal(int number) {
    (void)number;
    uint32_t points = ftf_sched_points(0);
    touch(0);
    usleep(1); /* would hand the token over that the lane does not have */
    points_counted |= ftf_sched_points(0) != points;
    handled = 1;
}

static void reset(void) {
    memset(&done, 0, sizeof done);
    handled = points_counted = 0;
    sem_init(&semaphore, 0, 0);
    if (ends[0] != 0) {
        close(ends[0]);
        close(ends[1]);
    }
    assert_int_equal(pipe(ends), 0);
    const struct sigaction action = {.sa_handler = on_signal}; /* not SA_RESTART: calls may end with EINTR */
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void wait_for_semaphore(int lane) {
    waiting = pthread_self();
    touch(lane);
    note(lane, sem_wait(&semaphore) == 0);
}

static void wait_for_byte(int lane) {
    char byte;
    waiting = pthread_self();
    touch(lane);
    note(lane, read(ends[0], &byte, 1) == 1);
}

static void sleep_long(int lane) {
    struct timespec left = {0}, time = {.tv_sec = 100};
    waiting = pthread_self();
    touch(lane);
    note(lane, nanosleep(&time, &left) == 0);
}

/* The first sleep lets the other lane begin its wait, in whatever order they run. */
static void disturb(int lane) {
    sleep(1);
    pthread_kill(waiting, SIGUSR1);
    while (!handled) {
        syscall(SYS_sched_yield); /* no point: how often it is called depends on time */
    }
    note(lane, 2);
    sem_post(&semaphore);
    assert_int_equal(write(ends[1], "x", 1), 1);
}

static void went_on(void) {
    assert_int_equal(done.length, 2);
    assert_true(when(1, 2) == 0 && when(0, 1) == 1);
    assert_false(points_counted);
}

static void signal__a_wait_goes_on_after_the_handler(void **state) {
    (void)state;
    always(wait_for_semaphore, disturb, reset, went_on);
    always(wait_for_byte, disturb, reset, went_on);
    always(sleep_long, disturb, reset, went_on);
}

/* ---- while it waits for the scheduler's lock ------------------------------------------------------------------- */

static _Atomic bool lane_runs, helper_locked, lane_posts, in_handler;
static bool still_a_lane;
static sem_t other_semaphore;

static void post_other(int number) {
    (void)number;
    in_handler = true;
    sem_post(&other_semaphore);
}

static void pause_ms(long ms) {
    const struct timespec time = {.tv_nsec = ms * 1000000L};
    syscall(SYS_nanosleep, &time, NULL);
}

static void *hold_lock(void *unused) {
    (void)unused;
    while (!lane_runs) {
        syscall(SYS_sched_yield);
    }
    ftf_sched_lock();
    helper_locked = true;
    while (!lane_posts) {
        syscall(SYS_sched_yield);
    }
    pause_ms(20); /* it is in there by now */
    pthread_kill(waiting, SIGUSR1);
    while (!in_handler) {
        syscall(SYS_sched_yield);
    }
    pause_ms(20);
    ftf_sched_unlock();
    return NULL;
}

static void post_while_locked(int lane) {
    (void)lane;
    waiting = pthread_self();
    lane_runs = true;
    while (!helper_locked) {
        syscall(SYS_sched_yield);
    }
    lane_posts = true;
    sem_post(&semaphore);
    still_a_lane = ftf_self != NULL;
    ftf_self = &ftf_sched.lane[lane]; /* or the run would not end */
}

static void reset_lock(void) {
    sem_init(&semaphore, 0, 0);
    sem_init(&other_semaphore, 0, 0);
    const struct sigaction action = {.sa_handler = post_other};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void signal__a_handler_that_takes_the_lock_leaves_the_lane_one(void **state) {
    (void)state;
    toy *toy = toy_create(1, reset_lock, NULL);
    toy_add(toy, 0, post_while_locked);
    pthread_t helper;
    assert_int_equal(pthread_create(&helper, NULL, hold_lock, NULL), 0);
    const ftf_run_plan plan = {.mode = FTF_RUN_AT, .lanes = 1};
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(pthread_join(helper, NULL), 0);
    assert_true(in_handler && still_a_lane);
    toy_destroy(toy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal__a_wait_goes_on_after_the_handler),
        cmocka_unit_test(signal__a_handler_that_takes_the_lock_leaves_the_lane_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
