/*
 * Condition variables. A lane that waits on one is in a list of ours, not in libc's: it unlocks the mutex, is blocked in the
 * scheduler until somebody signals, and locks the mutex again. Unlocking and locking go through our own functions, so other
 * lanes see them, and through the sanitizer: TSan's model of a wait is exactly that, an unlock and a lock (the
 * condition variable itself draws no edge), plus a look at the variable, which finds one that is destroyed too early.
 *
 * A signal goes to libc, for threads that are no lanes, and to the first lane in the list. That may be one thread more than
 * one, which a signal is allowed to wake.
 */
#include <pthread.h>

#include "sched/interpose.h"

typedef int (*cond_call)(pthread_cond_t *);
typedef int (*cond_wait_call)(pthread_cond_t *, pthread_mutex_t *);
typedef int (*cond_timed_call)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
typedef int (*cond_clock_call)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

FTF_REAL_VERSION(cond_call, pthread_cond_signal, "GLIBC_2.3.2")
FTF_REAL_VERSION(cond_call, pthread_cond_broadcast, "GLIBC_2.3.2")
FTF_REAL_VERSION(cond_wait_call, pthread_cond_wait, "GLIBC_2.3.2")
FTF_REAL_VERSION(cond_timed_call, pthread_cond_timedwait, "GLIBC_2.3.2")
FTF_REAL(cond_clock_call, pthread_cond_clockwait)

extern void __tsan_read8_pc(void *address, void *pc) __attribute__((weak));

/* One lane that waits; under the scheduler's lock. Its address is the channel that the lane is blocked on. */
typedef struct waiter {
    const pthread_cond_t *cond; /* NULL: does not wait, or has been signalled */
    uint64_t turn;              /* who came first is woken first */
} waiter;

static waiter waiters[FTF_LANES_MAX];
static uint64_t turns;

static bool is_unsignalled(const void *channel) { return ((const waiter *)channel)->cond != NULL; }

static void enlist(waiter *self, const pthread_cond_t *cond) {
    ftf_sched_lock();
    *self = (waiter){.cond = cond, .turn = ++turns};
    ftf_sched_unlock();
}

/* False when it had been signalled. */
static bool withdraw(waiter *self) {
    ftf_sched_lock();
    bool waited = self->cond != NULL;
    self->cond = NULL;
    ftf_sched_unlock();
    return waited;
}

/* The one that waits longest, taken from the list; NULL when no lane waits. */
static const waiter *take_first(const pthread_cond_t *cond) {
    waiter *first = NULL;
    ftf_sched_lock();
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        if (waiters[i].cond == cond && (first == NULL || waiters[i].turn < first->turn)) {
            first = &waiters[i];
        }
    }
    if (first != NULL) {
        first->cond = NULL;
    }
    ftf_sched_unlock();
    return first;
}

static int wait_as_lane(ftf_lane *lane, pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns, void *pc) {
    waiter *self = &waiters[lane->id];
    const ftf_wait wait = {.what = FTF_WAIT_CONDITION, .channel = self, .still = is_unsignalled, .object = cond};
    ftf_point_of(lane, cond);
    if (__tsan_read8_pc != NULL) {
        __tsan_read8_pc(cond, pc);
    }
    enlist(self, cond);
    int rc = pthread_mutex_unlock(mutex);
    if (rc != 0) {
        withdraw(self);
        return rc;
    }
    ftf_block_while(lane, &wait, deadline_ns);
    bool timed_out = withdraw(self);
    rc = pthread_mutex_lock(mutex);
    return rc == 0 && timed_out ? ETIMEDOUT : rc;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
    ftf_lane *lane = ftf_self;
    return lane != NULL ? wait_as_lane(lane, cond, mutex, 0, __builtin_return_address(0))
                        : real_pthread_cond_wait()(cond, mutex);
}

/* The clock was chosen when the variable was made; libc keeps it in a bit of this word. */
static clockid_t clock_of(const pthread_cond_t *cond) {
    enum { CLOCK_BIT = 2 };
    return (__atomic_load_n(&cond->__data.__wrefs, __ATOMIC_RELAXED) & CLOCK_BIT) != 0 ? CLOCK_MONOTONIC
                                                                                       : CLOCK_REALTIME;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || !ftf_is_time(until)) {
        return real_pthread_cond_timedwait()(cond, mutex, until);
    }
    return wait_as_lane(lane, cond, mutex, ftf_deadline(clock_of(cond), until), __builtin_return_address(0));
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                           const struct timespec *until) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || !ftf_is_time(until)) {
        return real_pthread_cond_clockwait()(cond, mutex, clock, until);
    }
    return wait_as_lane(lane, cond, mutex, ftf_deadline(clock, until), __builtin_return_address(0));
}

static void pass_point(const pthread_cond_t *cond) {
    if (ftf_self != NULL) {
        ftf_point_of(ftf_self, cond);
    }
}

int pthread_cond_signal(pthread_cond_t *cond) {
    pass_point(cond);
    int rc = real_pthread_cond_signal()(cond);
    const waiter *first = take_first(cond);
    if (first != NULL) {
        ftf_wake(first);
    }
    return rc;
}

int pthread_cond_broadcast(pthread_cond_t *cond) {
    pass_point(cond);
    int rc = real_pthread_cond_broadcast()(cond);
    for (const waiter *next; (next = take_first(cond)) != NULL;) {
        ftf_wake(next);
    }
    return rc;
}
