/*
 * Blocking calls, under our own names. Strong definitions in the executable are also used by every module that is
 * loaded later, so CPython's parking lot (PyMutex, critical sections, stop-the-world, PyThread locks: all of it ends in
 * sem_*wait and sched_yield), the extension's own pthread mutexes and sleeps pass through here.
 *
 * For a lane of a scheduled run nothing blocks in the kernel: the call is tried without waiting, and while it fails the lane
 * is marked blocked and the token goes on. For everybody else the call is the real one. What the sanitizer must
 * see, it sees: successful waits and posts go through its interceptor (`___interceptor_x`, three underscores), which is
 * what draws the happens-before edge of the semaphore or mutex.
 *
 * sem_clockwait has no interceptor in clang-19, and CPython's timed parks use it: on success we add the acquire
 * edge ourselves, without which TSan reports accesses that are in order (FACTS).
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sched/state.h"

extern int ___interceptor_sem_wait(sem_t *sem) __attribute__((weak));
extern int ___interceptor_sem_trywait(sem_t *sem) __attribute__((weak));
extern int ___interceptor_sem_timedwait(sem_t *sem, const struct timespec *until) __attribute__((weak));
extern int ___interceptor_sem_post(sem_t *sem) __attribute__((weak));
extern int ___interceptor_pthread_mutex_lock(pthread_mutex_t *mutex) __attribute__((weak));
extern int ___interceptor_pthread_mutex_unlock(pthread_mutex_t *mutex) __attribute__((weak));
extern void __tsan_acquire(void *address) __attribute__((weak));

/* libc's own definition behind ours, looked up once (racing look-ups find the same). */
#define FTF_NEXT(type, name) \
    static type next_##name(void) { \
        static _Atomic(void *) found; \
        void *symbol = atomic_load(&found); \
        if (symbol == NULL) { \
            symbol = dlsym(RTLD_NEXT, #name); \
            atomic_store(&found, symbol); \
        } \
        return (type)(uintptr_t)symbol; \
    }

typedef int (*sem_call)(sem_t *);
typedef int (*sem_timed_call)(sem_t *, const struct timespec *);
typedef int (*sem_clock_call)(sem_t *, clockid_t, const struct timespec *);
typedef int (*mutex_call)(pthread_mutex_t *);
typedef int (*sleep_call)(clockid_t, int, const struct timespec *, struct timespec *);

FTF_NEXT(sem_call, sem_wait)
FTF_NEXT(sem_call, sem_trywait)
FTF_NEXT(sem_call, sem_post)
FTF_NEXT(sem_timed_call, sem_timedwait)
FTF_NEXT(sem_clock_call, sem_clockwait)
FTF_NEXT(mutex_call, pthread_mutex_lock)
FTF_NEXT(mutex_call, pthread_mutex_trylock)
FTF_NEXT(mutex_call, pthread_mutex_unlock)
FTF_NEXT(sleep_call, clock_nanosleep)

static uint64_t to_ns(const struct timespec *t) { return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec; }

/* ---- semaphores ---------------------------------------------------------------------------------------------------------- */

static bool semaphore_is_empty(const void *channel) {
    int value = 0;
    sem_getvalue((sem_t *)(uintptr_t)channel, &value);
    return value <= 0;
}

static int try_semaphore(sem_t *sem) {
    return ___interceptor_sem_trywait != NULL ? ___interceptor_sem_trywait(sem) : next_sem_trywait()(sem);
}

/* Waits as a lane. deadline_ns is virtual; 0 means no deadline. */
static int wait_as_lane(ftf_lane *lane, sem_t *sem, uint64_t deadline_ns) {
    while (try_semaphore(sem) != 0) {
        if (!ftf_block(lane, sem, deadline_ns, semaphore_is_empty)) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
    return 0;
}

int sem_wait(sem_t *sem) {
    if (ftf_self != NULL) {
        return wait_as_lane(ftf_self, sem, 0);
    }
    return ___interceptor_sem_wait != NULL ? ___interceptor_sem_wait(sem) : next_sem_wait()(sem);
}

int sem_timedwait(sem_t *sem, const struct timespec *until) {
    if (ftf_self != NULL) {
        return wait_as_lane(ftf_self, sem, (uint64_t)((int64_t)to_ns(until) - ftf_sched.realtime_ns));
    }
    return ___interceptor_sem_timedwait != NULL ? ___interceptor_sem_timedwait(sem, until)
                                                : next_sem_timedwait()(sem, until);
}

int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until) {
    if (ftf_self != NULL) {
        int64_t offset = clock == CLOCK_REALTIME ? ftf_sched.realtime_ns : 0;
        return wait_as_lane(ftf_self, sem, (uint64_t)((int64_t)to_ns(until) - offset));
    }
    int rc = next_sem_clockwait()(sem, clock, until);
    if (rc == 0 && __tsan_acquire != NULL) {
        __tsan_acquire(sem);
    }
    return rc;
}

int sem_post(sem_t *sem) {
    int rc = ___interceptor_sem_post != NULL ? ___interceptor_sem_post(sem) : next_sem_post()(sem);
    ftf_wake(sem);
    return rc;
}

/* ---- mutexes --------------------------------------------------------------------------------------------------------------- */

/* The sanitizer does not see the trying: a trylock would hide lock-order inversions from it. */
static bool mutex_is_taken(const void *channel) {
    pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)channel;
    if (next_pthread_mutex_trylock()(mutex) == EBUSY) {
        return true;
    }
    next_pthread_mutex_unlock()(mutex);
    return false;
}

/* Blocks the lane until the mutex could be had at once. */
static void await_mutex(ftf_lane *lane, pthread_mutex_t *mutex) {
    while (mutex_is_taken(mutex)) {
        ftf_block(lane, mutex, 0, mutex_is_taken);
    }
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
    if (ftf_self != NULL) {
        await_mutex(ftf_self, mutex);
    }
    return ___interceptor_pthread_mutex_lock != NULL ? ___interceptor_pthread_mutex_lock(mutex)
                                                     : next_pthread_mutex_lock()(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex) {
    int rc = ___interceptor_pthread_mutex_unlock != NULL ? ___interceptor_pthread_mutex_unlock(mutex)
                                                         : next_pthread_mutex_unlock()(mutex);
    if (ftf_self != NULL) {
        ftf_wake(mutex);
    }
    return rc;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------- */

int sched_yield(void) {
    if (ftf_self != NULL) {
        ftf_yield(ftf_self);
        return 0;
    }
    return (int)syscall(SYS_sched_yield);
}

/* A lane's clock ticks 100 ns a look and jumps when everybody waits: replay does not depend on the machine's speed, nor
   does PyMutex, which hands over fairly after 1 ms. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (ftf_self == NULL || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)) {
        return (int)syscall(SYS_clock_gettime, clock, now);
    }
    ftf_sched.clock_ns += 100;
    uint64_t ns = ftf_sched.clock_ns + (clock == CLOCK_REALTIME ? (uint64_t)ftf_sched.realtime_ns : 0);
    now->tv_sec = (time_t)(ns / 1000000000u);
    now->tv_nsec = (long)(ns % 1000000000u);
    return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *left) {
    if (ftf_self == NULL) {
        return next_clock_nanosleep()(clock, flags, request, left);
    }
    uint64_t until = to_ns(request);
    if ((flags & TIMER_ABSTIME) == 0) {
        until += ftf_sched.clock_ns;
    } else if (clock == CLOCK_REALTIME) {
        until = (uint64_t)((int64_t)until - ftf_sched.realtime_ns);
    }
    ftf_block(ftf_self, NULL, until, NULL);
    return 0;
}

int nanosleep(const struct timespec *request, struct timespec *left) {
    int rc = clock_nanosleep(CLOCK_MONOTONIC, 0, request, left);
    errno = rc;
    return rc == 0 ? 0 : -1;
}
