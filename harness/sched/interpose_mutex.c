/*
 * Mutexes, spin locks and read-write locks. A lane waits until the lock could be had at once, and then takes it through
 * the sanitizer, as if there had been nothing to wait for. (A try that TSan sees would hide lock-order inversions from it.)
 *
 * A look at a mutex changes nothing: taking it for a moment, as a trylock would, makes another thread's trylock fail, and a robust
 * mutex whose owner has died can never be used again. So we read the word that says so, which is part of libc's ABI (static
 * initializers are compiled into programs).
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef int (*mutex_call)(pthread_mutex_t *);
typedef int (*mutex_timed_call)(pthread_mutex_t *, const struct timespec *);
typedef int (*mutex_clock_call)(pthread_mutex_t *, clockid_t, const struct timespec *);
typedef int (*spin_call)(pthread_spinlock_t *);
typedef int (*rwlock_call)(pthread_rwlock_t *);
typedef int (*rwlock_timed_call)(pthread_rwlock_t *, const struct timespec *);
typedef int (*rwlock_clock_call)(pthread_rwlock_t *, clockid_t, const struct timespec *);

FTF_REAL(mutex_call, pthread_mutex_lock)
FTF_REAL(mutex_call, pthread_mutex_unlock)
FTF_REAL(mutex_timed_call, pthread_mutex_timedlock)
FTF_REAL(mutex_clock_call, pthread_mutex_clocklock)
FTF_REAL(spin_call, pthread_spin_lock)
FTF_REAL(spin_call, pthread_spin_unlock)
FTF_NEXT(spin_call, pthread_spin_trylock)
FTF_REAL(rwlock_call, pthread_rwlock_rdlock)
FTF_REAL(rwlock_call, pthread_rwlock_wrlock)
FTF_REAL(rwlock_call, pthread_rwlock_unlock)
FTF_NEXT(rwlock_call, pthread_rwlock_tryrdlock)
FTF_NEXT(rwlock_call, pthread_rwlock_trywrlock)
FTF_REAL(rwlock_timed_call, pthread_rwlock_timedrdlock)
FTF_REAL(rwlock_timed_call, pthread_rwlock_timedwrlock)
FTF_NEXT(rwlock_clock_call, pthread_rwlock_clockrdlock)
FTF_NEXT(rwlock_clock_call, pthread_rwlock_clockwrlock)

/* ---- mutexes --------------------------------------------------------------------------------------------------------------- */

enum {
    TAKEN_BITS = 0x3fffffff, /* without FUTEX_WAITERS and FUTEX_OWNER_DIED */
    CEILING_BITS = 0x7ffff,  /* a PTHREAD_PRIO_PROTECT mutex keeps its ceiling above these */
    KIND_TYPE = 3,           /* normal, recursive, errorcheck, adaptive */
    KIND_PROTECT = 64,
};

static bool mutex_is_taken(const void *channel) {
    const pthread_mutex_t *mutex = channel;
    int word = __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED);
    bool protect = (__atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED) & KIND_PROTECT) != 0;
    return (word & (protect ? CEILING_BITS : TAKEN_BITS)) != 0;
}

static int mutex_owner(const void *channel) {
    return __atomic_load_n(&((const pthread_mutex_t *)channel)->__data.__owner, __ATOMIC_RELAXED);
}

/* A recursive mutex of one's own can be had, and an error-checking one refuses at once. */
static bool answers_at_once(const ftf_lane *lane, const pthread_mutex_t *mutex) {
    int type = mutex->__data.__kind & KIND_TYPE;
    return (type == PTHREAD_MUTEX_RECURSIVE_NP || type == PTHREAD_MUTEX_ERRORCHECK_NP) &&
           mutex_owner(mutex) == (int)lane->tid;
}

/* Blocks the lane until the mutex could be had at once; false when time ran out. */
static bool await_mutex(ftf_lane *lane, const pthread_mutex_t *mutex, uint64_t deadline_ns) {
    const ftf_wait wait = {.what = FTF_WAIT_MUTEX, .channel = mutex, .still = mutex_is_taken, .owner = mutex_owner};
    ftf_point_of(lane, mutex);
    return answers_at_once(lane, mutex) || ftf_block_while(lane, &wait, deadline_ns);
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL) {
        await_mutex(lane, mutex, 0);
    }
    return real_pthread_mutex_lock()(mutex);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL && ftf_is_time(until) && !await_mutex(lane, mutex, ftf_deadline(CLOCK_REALTIME, until))) {
        return ETIMEDOUT;
    }
    return real_pthread_mutex_timedlock()(mutex, until);
}

int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL && ftf_is_time(until) && !await_mutex(lane, mutex, ftf_deadline(clock, until))) {
        return ETIMEDOUT;
    }
    return real_pthread_mutex_clocklock()(mutex, clock, until);
}

/* A thread that is no lane may have what a lane waits for, so every unlock says so. */
int pthread_mutex_unlock(pthread_mutex_t *mutex) {
    int rc = real_pthread_mutex_unlock()(mutex);
    ftf_wake(mutex);
    return rc;
}

/* ---- spin locks -------------------------------------------------------------------------------------------------------------- */

/* A lane that spins makes no progress and does not sleep, so nobody could ever rob it. */
static bool spin_is_taken(const void *channel) {
    pthread_spinlock_t *lock = (pthread_spinlock_t *)(uintptr_t)channel;
    if (next_pthread_spin_trylock()(lock) != 0) {
        return true;
    }
    next_pthread_spin_unlock()(lock);
    return false;
}

int pthread_spin_lock(pthread_spinlock_t *lock) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL) {
        const ftf_wait wait = {
            .what = FTF_WAIT_SPIN_LOCK, .channel = (const void *)(uintptr_t)lock, .still = spin_is_taken};
        ftf_point_of(lane, lock);
        ftf_block_while(lane, &wait, 0);
    }
    return real_pthread_spin_lock()(lock);
}

int pthread_spin_unlock(pthread_spinlock_t *lock) {
    int rc = real_pthread_spin_unlock()(lock);
    ftf_wake((const void *)(uintptr_t)lock);
    return rc;
}

/* ---- read-write locks -------------------------------------------------------------------------------------------------------- */

static int rwlock_owner(const void *channel) {
    return __atomic_load_n(&((const pthread_rwlock_t *)channel)->__data.__cur_writer, __ATOMIC_RELAXED);
}

static bool could_not(rwlock_call attempt, const void *channel) {
    pthread_rwlock_t *lock = (pthread_rwlock_t *)(uintptr_t)channel;
    int rc = attempt(lock);
    if (rc == 0) {
        next_pthread_rwlock_unlock()(lock);
    }
    return rc == EBUSY;
}

static bool cannot_read(const void *channel) { return could_not(next_pthread_rwlock_tryrdlock(), channel); }
static bool cannot_write(const void *channel) { return could_not(next_pthread_rwlock_trywrlock(), channel); }

/* Blocks the lane until the lock could be had at once; false when time ran out. Its own writer gets EDEADLK, at once. */
static bool await_rwlock(ftf_lane *lane, const pthread_rwlock_t *lock, bool write, uint64_t deadline_ns) {
    const ftf_wait wait = {.what = write ? FTF_WAIT_WRITE_LOCK : FTF_WAIT_READ_LOCK,
                           .channel = lock,
                           .still = write ? cannot_write : cannot_read,
                           .owner = rwlock_owner};
    ftf_point_of(lane, lock);
    return rwlock_owner(lock) == (int)lane->tid || ftf_block_while(lane, &wait, deadline_ns);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock) {
    int rc = real_pthread_rwlock_unlock()(lock);
    ftf_wake(lock);
    return rc;
}

/* The three ways to take one, for readers and for writers. TSan does not know the third; what a lane may have at once it takes
   in the first way, so that TSan knows who has it. */
#define FTF_RWLOCK(kind, write) \
    int pthread_rwlock_##kind##lock(pthread_rwlock_t *lock) { \
        ftf_lane *lane = ftf_self; \
        if (lane != NULL) { \
            await_rwlock(lane, lock, write, 0); \
        } \
        return real_pthread_rwlock_##kind##lock()(lock); \
    } \
    int pthread_rwlock_timed##kind##lock(pthread_rwlock_t *lock, const struct timespec *until) { \
        ftf_lane *lane = ftf_self; \
        if (lane != NULL && ftf_is_time(until) && \
            !await_rwlock(lane, lock, write, ftf_deadline(CLOCK_REALTIME, until))) { \
            return ETIMEDOUT; \
        } \
        return real_pthread_rwlock_timed##kind##lock()(lock, until); \
    } \
    int pthread_rwlock_clock##kind##lock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *until) { \
        ftf_lane *lane = ftf_self; \
        if (lane == NULL || !ftf_is_time(until)) { \
            return next_pthread_rwlock_clock##kind##lock()(lock, clock, until); \
        } \
        bool in_time = await_rwlock(lane, lock, write, ftf_deadline(clock, until)); \
        return in_time ? real_pthread_rwlock_##kind##lock()(lock) : ETIMEDOUT; \
    }

FTF_RWLOCK(rd, false)
FTF_RWLOCK(wr, true)
