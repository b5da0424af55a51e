/*
 * Semaphores. sem_clockwait has no interceptor in clang-19, and CPython's timed parks use it: on success we add the acquire
 * edge ourselves, without which TSan reports accesses that are in order (FACTS).
 */
#include <semaphore.h>

#include "sched/interpose.h"

extern void __tsan_acquire(void *address) __attribute__((weak));

typedef int (*sem_call)(sem_t *);
typedef int (*sem_timed_call)(sem_t *, const struct timespec *);
typedef int (*sem_clock_call)(sem_t *, clockid_t, const struct timespec *);

FTF_REAL(sem_call, sem_wait)
FTF_REAL(sem_call, sem_trywait)
FTF_REAL(sem_call, sem_post)
FTF_REAL(sem_timed_call, sem_timedwait)
FTF_NEXT(sem_clock_call, sem_clockwait)

static bool is_empty(const void *channel) {
    int value = 0;
    sem_getvalue((sem_t *)(uintptr_t)channel, &value);
    return value <= 0;
}

/* Waits as a lane. deadline_ns is virtual; 0 means no deadline. */
static int wait_as_lane(ftf_lane *lane, sem_t *sem, uint64_t deadline_ns) {
    const ftf_wait wait = {.what = FTF_WAIT_SEMAPHORE, .channel = sem, .still = is_empty};
    ftf_point_of(lane, sem);
    while (real_sem_trywait()(sem) != 0) {
        if (!ftf_block_for(lane, &wait, deadline_ns)) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
    return 0;
}

int sem_wait(sem_t *sem) {
    ftf_lane *lane = ftf_self;
    return lane != NULL ? wait_as_lane(lane, sem, 0) : real_sem_wait()(sem);
}

int sem_timedwait(sem_t *sem, const struct timespec *until) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || !ftf_is_time(until)) {
        return real_sem_timedwait()(sem, until);
    }
    return wait_as_lane(lane, sem, ftf_deadline(CLOCK_REALTIME, until));
}

int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL && ftf_is_time(until)) {
        return wait_as_lane(lane, sem, ftf_deadline(clock, until));
    }
    int rc = next_sem_clockwait()(sem, clock, until);
    if (rc == 0 && __tsan_acquire != NULL) {
        __tsan_acquire(sem);
    }
    return rc;
}

int sem_post(sem_t *sem) {
    int rc = real_sem_post()(sem);
    ftf_wake(sem);
    return rc;
}
