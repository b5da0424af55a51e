/*
 * Lanes that wait for locks, condition variables, threads and time. If one of these fails, the bug is in
 * harness/sched/interpose_{mutex,cond,thread,time}.c or in what sched.c does with a blocked lane.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/same.h"

static pthread_mutex_t mutex;
static pthread_cond_t cond;
static pthread_rwlock_t rwlock;
static int count;
static pthread_t helper;

static void reset(void) {
    memset(&done, 0, sizeof done);
    count = 0;
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&cond, NULL);
    pthread_rwlock_init(&rwlock, NULL);
}

/* ---- condition variables ---------------------------------------------------------------------------------------------------- */

static void consume(int lane) {
    pthread_mutex_lock(&mutex);
    while (count == 0) {
        touch(lane);
        pthread_cond_wait(&cond, &mutex);
    }
    count--;
    note(lane, 1);
    pthread_mutex_unlock(&mutex);
}

static void produce(int lane) {
    touch(lane);
    pthread_mutex_lock(&mutex);
    count++;
    note(lane, 2);
    pthread_cond_signal(&cond);
    touch(lane);
    pthread_mutex_unlock(&mutex);
}

static void produced_first(void) {
    assert_int_equal(done.length, 2);
    assert_true(when(1, 2) < when(0, 1));
}

static void cond__a_signal_of_another_lane_ends_a_wait(void **state) {
    (void)state;
    always(consume, produce, reset, produced_first);
}

static void open_the_gate(int lane) {
    touch(lane);
    pthread_mutex_lock(&mutex);
    count = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    note(lane, 2);
}

static void pass_the_gate(int lane) {
    pthread_mutex_lock(&mutex);
    while (count == 0) {
        pthread_cond_wait(&cond, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    note(lane, 1);
}

static void all_passed(void) { assert_int_equal(done.length, 3); }

static void cond__a_broadcast_wakes_all(void **state) {
    (void)state;
    toy *toy = toy_create(3, reset, NULL);
    toy_add(toy, 0, pass_the_gate);
    toy_add(toy, 1, pass_the_gate);
    toy_add(toy, 2, open_the_gate);
    always_the_same(toy, all_passed);
    toy_destroy(toy);
}

static void wait_an_hour(int lane) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 3600;
    pthread_mutex_lock(&mutex);
    int rc = pthread_cond_timedwait(&cond, &mutex, &until);
    note(lane, rc);
    note(lane, pthread_mutex_trylock(&mutex)); /* it is ours again */
    pthread_mutex_unlock(&mutex);
}

static void hour_is_over(void) {
    assert_int_equal(done.step[0].what, ETIMEDOUT);
    assert_int_equal(done.step[1].what, EBUSY);
}

static void cond__time_is_virtual_and_the_mutex_comes_back(void **state) {
    (void)state;
    always(wait_an_hour, touch, reset, hour_is_over);
}

static void *signal_from_outside(void *unused) {
    usleep(30000);
    pthread_mutex_lock(&mutex);
    count++;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void start_and_consume(int lane) {
    assert_int_equal(pthread_create(&helper, NULL, signal_from_outside, NULL), 0);
    consume(lane);
    pthread_join(helper, NULL);
    note(lane, 3);
}

static void consumed(void) { assert_true(when(0, 1) == 0 && when(0, 3) == 1); }

static void cond__a_thread_that_is_no_lane_ends_a_wait(void **state) {
    (void)state;
    always(start_and_consume, touch, reset, consumed);
}

static void wait_unowned(int lane) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attr);
    note(lane, pthread_cond_wait(&cond, &mutex));
    pthread_mutex_lock(&mutex);
    note(lane, pthread_mutex_lock(&mutex));
    pthread_mutex_unlock(&mutex);
}

static void refused(void) {
    assert_int_equal(done.step[0].what, EPERM);
    assert_int_equal(done.step[1].what, EDEADLK);
}

static void mutex__an_error_checking_one_refuses_as_ever(void **state) {
    (void)state;
    always(wait_unowned, touch, reset, refused);
}

/* ---- locks ------------------------------------------------------------------------------------------------------------------- */

static void write_locked(int lane) {
    pthread_rwlock_wrlock(&rwlock);
    assert_int_equal(count, 0);
    count = 100;
    touch(lane);
    count = 0;
    pthread_rwlock_unlock(&rwlock);
    note(lane, 1);
}

static void read_locked(int lane) {
    pthread_rwlock_rdlock(&rwlock);
    assert_true(count < 100);
    count++;
    touch(lane);
    count--;
    pthread_rwlock_unlock(&rwlock);
    note(lane, 2);
}

static void nothing_left(void) {
    assert_int_equal(done.length, 3);
    assert_int_equal(count, 0);
}

static void rwlock__readers_share_and_writers_do_not(void **state) {
    (void)state;
    toy *toy = toy_create(3, reset, NULL);
    toy_add(toy, 0, write_locked);
    toy_add(toy, 1, read_locked);
    toy_add(toy, 2, read_locked);
    always_the_same(toy, nothing_left);
    toy_destroy(toy);
}

/* Both hold it while the other waits for a second: whoever is first waits in vain, the other one does not. */
static void lock_for_a_second(int lane) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    int rc = pthread_mutex_timedlock(&mutex, &until);
    note(lane, rc);
    if (rc == 0) {
        sleep(10);
        pthread_mutex_unlock(&mutex);
    }
}

static void one_in_vain(void) {
    assert_int_equal(done.step[0].what, 0);
    assert_int_equal(done.step[1].what, ETIMEDOUT);
}

static void mutex__a_timed_lock_gives_up_in_virtual_time(void **state) {
    (void)state;
    always(lock_for_a_second, lock_for_a_second, reset, one_in_vain);
}

static pthread_spinlock_t spin;

static void reset_spin(void) {
    reset();
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
}

static void spin_locked(int lane) {
    pthread_spin_lock(&spin);
    assert_int_equal(count++, 0);
    touch(lane);
    count--;
    pthread_spin_unlock(&spin);
    note(lane, 1);
}

static void both_done(void) { assert_int_equal(done.length, 2); }

static void spin__a_lane_does_not_spin_for_ever(void **state) {
    (void)state;
    always(spin_locked, spin_locked, reset_spin, both_done);
}

static pthread_once_t once;

static void initialize(void) {
    count = 1;
    touch(ftf_sched_self());
    count = 2;
}

static void initialize_once(int lane) {
    pthread_once(&once, initialize);
    assert_int_equal(count, 2);
    note(lane, 1);
}

static void reset_once(void) {
    reset();
    once = (pthread_once_t)PTHREAD_ONCE_INIT;
}

static void once__a_lane_waits_for_the_initializer_of_another(void **state) {
    (void)state;
    always(initialize_once, initialize_once, reset_once, both_done);
}

/* ---- C++ statics --------------------------------------------------------------------------------------------------------------- */

/* What a compiler makes of `static T x = ...;` in a function, the first attempt at which throws. */
int __cxa_guard_acquire(uint64_t *guard);
void __cxa_guard_release(uint64_t *guard);
void __cxa_guard_abort(uint64_t *guard);

static uint64_t guard;
static int attempts;

static void reset_guard(void) {
    reset();
    guard = 0;
    attempts = 0;
}

static bool is_made(void) { return *(const unsigned char *)&guard != 0; }

static void make_at_second_attempt(int lane) {
    while (!is_made() && __cxa_guard_acquire(&guard)) {
        assert_int_equal(count++, 0);
        touch(lane);
        count--;
        if (++attempts == 1) {
            __cxa_guard_abort(&guard);
        } else {
            __cxa_guard_release(&guard);
        }
    }
    assert_true(is_made());
    note(lane, 1);
}

static void made_once(void) {
    assert_int_equal(done.length, 2);
    assert_int_equal(attempts, 2);
}

static void static__one_lane_makes_it_and_the_other_waits(void **state) {
    (void)state;
    always(make_at_second_attempt, make_at_second_attempt, reset_guard, made_once);
}

static sem_t begun;

static void *find_made(void *unused) {
    note(5, __cxa_guard_acquire(&guard));
    return unused;
}

/* Another thread sleeps for it meanwhile. */
static void *make_slowly(void *unused) {
    pthread_t second;
    assert_int_equal(__cxa_guard_acquire(&guard), 1);
    assert_int_equal(pthread_create(&second, NULL, find_made, NULL), 0);
    sem_post(&begun);
    usleep(30000);
    attempts = 1;
    __cxa_guard_release(&guard);
    pthread_join(second, NULL);
    return unused;
}

static void come_behind_threads(int lane) {
    sem_init(&begun, 0, 0);
    assert_int_equal(pthread_create(&helper, NULL, make_slowly, NULL), 0);
    sem_wait(&begun);
    assert_int_equal(__cxa_guard_acquire(&guard), 0);
    assert_int_equal(attempts, 1);
    pthread_join(helper, NULL);
    note(lane, 1);
}

static void made_by_thread(void) { assert_true(when(5, 0) == 0 && when(0, 1) == 1); }

static void static__a_thread_that_is_no_lane_makes_it(void **state) {
    (void)state;
    always(come_behind_threads, touch, reset_guard, made_by_thread);
}

/* ---- barriers ------------------------------------------------------------------------------------------------------------------ */

static pthread_barrier_t *barrier;
static int serial;

static void reset_barrier(void) {
    reset();
    serial = 0;
    barrier = malloc(sizeof *barrier);
    pthread_barrier_init(barrier, NULL, 3);
}

/* Whoever is told to tidy up may do so at once, though others have not come out of the call yet. */
static void meet_twice(int lane) {
    touch(lane);
    note(lane, 1);
    serial += pthread_barrier_wait(barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    note(lane, 2);
    touch(lane);
    if (pthread_barrier_wait(barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
        serial++;
        assert_int_equal(pthread_barrier_destroy(barrier), 0);
        memset(barrier, 0xff, sizeof *barrier);
        free(barrier);
    }
    note(lane, 3);
}

static void met_in_step(void) {
    assert_int_equal(done.length, 9);
    assert_int_equal(serial, 2);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(done.step[i].what, 1 + i / 3);
    }
}

static void barrier__lanes_meet_and_one_is_told(void **state) {
    (void)state;
    toy *toy = toy_create(3, reset_barrier, NULL);
    for (int lane = 0; lane < 3; lane++) {
        toy_add(toy, lane, meet_twice);
    }
    always_the_same(toy, met_in_step);
    toy_destroy(toy);
}

static void *meet_from_outside(void *unused) {
    for (int i = 0; i < 3; i++) {
        usleep(5000);
        pthread_barrier_wait(barrier);
    }
    return unused;
}

/* Two lanes and a thread: now these, now that one is the last to come. */
static void meet_a_thread(int lane) {
    if (lane == 0) {
        assert_int_equal(pthread_create(&helper, NULL, meet_from_outside, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_barrier_wait(barrier);
        note(lane, i);
    }
    if (lane == 0) {
        pthread_join(helper, NULL);
        assert_int_equal(pthread_barrier_destroy(barrier), 0);
    }
}

static void met_thrice(void) { assert_int_equal(done.length, 6); }

static void barrier__a_thread_that_is_no_lane_meets_them(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset_barrier, NULL);
    toy_add(toy, 0, meet_a_thread);
    toy_add(toy, 1, meet_a_thread);
    for (int i = 0; i < 20; i++) {
        ftf_run_plan plan = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {(uint8_t)(i % 2), (uint8_t)(1 - i % 2)}};
        ftf_tally tally;
        toy_run(toy, &plan, &tally);
        assert_int_equal(tally.run.steals, 0);
        met_thrice();
    }
    toy_destroy(toy);
}

static char lock_path[] = "/tmp/ftf-test-lock-XXXXXX";

static void file_locked(int lane) {
    FILE *file = fopen(lock_path, "r");
    assert_int_equal(flock(fileno(file), LOCK_EX), 0);
    assert_int_equal(count++, 0);
    touch(lane);
    count--;
    assert_int_equal(flock(fileno(file), LOCK_UN), 0);
    fclose(file);
    note(lane, 1);
}

static void file__a_lock_of_another_lane_is_waited_for(void **state) {
    (void)state;
    int fd = mkstemp(lock_path);
    assert_true(fd >= 0);
    always(file_locked, file_locked, reset, both_done);
    close(fd);
    unlink(lock_path);
}

/* ---- threads ----------------------------------------------------------------------------------------------------------------- */

static void *take_a_while(void *argument) {
    usleep(30000);
    return argument;
}

static void start_and_join(int lane) {
    void *result = NULL;
    assert_int_equal(pthread_create(&helper, NULL, take_a_while, &mutex), 0);
    touch(lane);
    assert_int_equal(pthread_join(helper, &result), 0);
    note(lane, result == (void *)&mutex);
}

static void touch_and_note(int lane) {
    touch(lane);
    note(lane, 5);
}

static void joined(void) {
    assert_int_equal(done.length, 2);
    assert_true(when(0, 1) >= 0 && when(1, 5) >= 0);
}

static void thread__a_join_is_over_when_the_others_have_nothing_to_do(void **state) {
    (void)state;
    always(start_and_join, touch_and_note, reset, joined);
}

/* ---- time ---------------------------------------------------------------------------------------------------------------------- */

static void sleep_thrice(int lane) {
    const struct timespec times[] = {{.tv_sec = 1 + lane}, {.tv_nsec = 500000000}, {.tv_sec = 3 - lane}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nanosleep(&times[i], NULL), 0);
        note(lane, i);
    }
}

/* 1, 1.5, 4.5 against 2, 2.5, 4.5. */
static void slept_in_order(void) {
    static const int who[] = {0, 0, 1, 1};
    assert_int_equal(done.length, 6);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(done.step[i].who, who[i]);
    }
}

static void sleep__lanes_wake_up_in_the_order_of_their_deadlines(void **state) {
    (void)state;
    always(sleep_thrice, sleep_thrice, reset, slept_in_order);
}

static void point_between(int lane) {
    errno = 4711;
    touch(lane);
    note(lane, errno == 4711);
}

static void kept(void) { assert_true(when(0, 0) < 0 && when(1, 0) < 0); }

static void errno__is_the_same_after_a_switch(void **state) {
    (void)state;
    always(point_between, point_between, reset, kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cond__a_signal_of_another_lane_ends_a_wait),
        cmocka_unit_test(cond__a_broadcast_wakes_all),
        cmocka_unit_test(cond__time_is_virtual_and_the_mutex_comes_back),
        cmocka_unit_test(cond__a_thread_that_is_no_lane_ends_a_wait),
        cmocka_unit_test(mutex__an_error_checking_one_refuses_as_ever),
        cmocka_unit_test(rwlock__readers_share_and_writers_do_not),
        cmocka_unit_test(mutex__a_timed_lock_gives_up_in_virtual_time),
        cmocka_unit_test(spin__a_lane_does_not_spin_for_ever),
        cmocka_unit_test(once__a_lane_waits_for_the_initializer_of_another),
        cmocka_unit_test(static__one_lane_makes_it_and_the_other_waits),
        cmocka_unit_test(static__a_thread_that_is_no_lane_makes_it),
        cmocka_unit_test(barrier__lanes_meet_and_one_is_told),
        cmocka_unit_test(barrier__a_thread_that_is_no_lane_meets_them),
        cmocka_unit_test(file__a_lock_of_another_lane_is_waited_for),
        cmocka_unit_test(thread__a_join_is_over_when_the_others_have_nothing_to_do),
        cmocka_unit_test(sleep__lanes_wake_up_in_the_order_of_their_deadlines),
        cmocka_unit_test(errno__is_the_same_after_a_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
