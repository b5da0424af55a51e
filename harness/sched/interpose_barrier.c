/*
 * Barriers. The real call cannot be made once nothing is left to wait for: the first ones to come have to be counted before the last
 * one comes. So a lane does what libc does, on libc's own words, and waits in the scheduler instead of in the kernel; threads
 * that are no lanes make the real call on the same words, and either kind completes the other's round.
 *
 * The layout is libc's own affair (nptl/internaltypes.h, the same from glibc 2.25 on), so a barrier of a test's own is looked at
 * first; in a libc that does it another way lanes wait in the kernel and are robbed.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef int (*barrier_call)(pthread_barrier_t *);

FTF_REAL(barrier_call, pthread_barrier_wait)
FTF_REAL(barrier_call, pthread_barrier_destroy)

/* What TSan's interceptor does: whoever passes is behind all who came, and looks at the barrier, which finds one that is destroyed
   too early. (TSan looks again before the edge is drawn, and so takes a rightful end of the barrier for a race; we do not.) */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));
extern void __tsan_read1_pc(void *address, void *pc) __attribute__((weak));

typedef struct barrier {
    _Atomic uint32_t in;    /* who has come since the last reset */
    _Atomic uint32_t round; /* how many of those may go */
    uint32_t count;
    uint32_t shared;     /* 0: private to the process */
    _Atomic uint32_t out; /* how many of those have gone */
} barrier;

_Static_assert(sizeof(barrier) <= sizeof(pthread_barrier_t), "libc's barrier has room for its words");

static barrier *words_of(pthread_barrier_t *b) { return (barrier *)(void *)b; }

static bool is_known_layout(void) {
    enum { COUNT = 23 };
    static _Atomic int known; /* 0: not looked yet */
    if (atomic_load(&known) == 0) {
        pthread_barrier_t sample;
        const barrier *words = words_of(&sample);
        bool good = pthread_barrier_init(&sample, NULL, COUNT) == 0 && words->in == 0 && words->round == 0 &&
                    words->count == COUNT && words->shared == 0 && words->out == 0;
        atomic_store(&known, good ? 1 : -1);
    }
    return atomic_load(&known) > 0;
}

/* So many may come before the counters have to begin anew; a multiple of the count. */
static uint32_t limit_of(const barrier *b) { return UINT_MAX / 2 - UINT_MAX / 2 % b->count; }

static void wake_sleepers(_Atomic uint32_t *word, uint32_t shared) {
    syscall(SYS_futex, word, shared != 0 ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* ---- who waits ------------------------------------------------------------------------------------------------------ */

/* A lane that has come and may not go yet; under the scheduler's lock. Its address is the channel it is blocked on. */
typedef struct waiter {
    barrier *barrier; /* NULL: does not wait */
    uint32_t number;  /* it was the number-th to come */
} waiter;

static waiter waiters[FTF_LANES_MAX];

static bool is_unfinished(const void *channel) {
    const waiter *self = channel;
    return self->barrier != NULL && self->number > self->barrier->round;
}

static void enlist(waiter *self, barrier *b, uint32_t number) {
    ftf_sched_lock();
    *self = (waiter){b, number};
    ftf_sched_unlock();
}

static void wake_lanes(const barrier *b) {
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        ftf_sched_lock();
        bool done = waiters[i].barrier == b && !is_unfinished(&waiters[i]);
        ftf_sched_unlock();
        if (done) {
            ftf_wake(&waiters[i]);
        }
    }
}

static bool is_being_left(const void *channel) {
    const barrier *b = channel;
    return b->in != b->out;
}

/* ---- the call ------------------------------------------------------------------------------------------------------- */

/* Lets all rounds go that the number-th one completes. */
static void complete(barrier *b, uint32_t number) {
    uint32_t round = b->round;
    while (round + b->count <= number) {
        if (atomic_compare_exchange_weak(&b->round, &round, number - number % b->count)) {
            wake_sleepers(&b->round, b->shared);
            wake_lanes(b);
            return;
        }
    }
}

/* The last one before a reset, which whoever destroys the barrier waits for, makes it. After that the memory may be gone. */
static void leave(barrier *b) {
    uint32_t limit = limit_of(b), shared = b->shared;
    if (atomic_fetch_add(&b->out, 1) + 1 == limit) {
        atomic_store(&b->round, 0);
        atomic_store(&b->out, 0);
        atomic_store(&b->in, 0);
        wake_sleepers(&b->in, shared);
    }
    ftf_wake(b);
}

static int wait_as_lane(ftf_lane *lane, barrier *b) {
    waiter *self = &waiters[lane->id];
    const ftf_wait wait = {.what = FTF_WAIT_BARRIER, .channel = self, .still = is_unfinished, .object = b};
    uint32_t count = b->count, number = atomic_fetch_add(&b->in, 1) + 1;
    complete(b, number);
    enlist(self, b, number);
    ftf_block_while(lane, &wait, 0);
    enlist(self, NULL, 0);
    leave(b);
    return number % count == 0 ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

int pthread_barrier_wait(pthread_barrier_t *b) {
    ftf_lane *lane = ftf_self;
    barrier *words = words_of(b);
    int rc;
    if (lane != NULL) {
        ftf_point_of(lane, b);
    }
    if (lane == NULL || !is_known_layout() || words->in >= limit_of(words)) {
        rc = real_pthread_barrier_wait()(b);
        wake_lanes(words);
        ftf_wake(words);
        return rc;
    }
    if (__tsan_release != NULL) {
        __tsan_release(b);
        __tsan_read1_pc(b, __builtin_return_address(0));
    }
    rc = wait_as_lane(lane, words);
    if (__tsan_acquire != NULL) {
        __tsan_acquire(b);
    }
    return rc;
}

/* One may destroy it as soon as one's own wait is over; libc then waits for the others to get out. */
int pthread_barrier_destroy(pthread_barrier_t *b) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL && is_known_layout()) {
        const ftf_wait wait = {.what = FTF_WAIT_BARRIER, .channel = words_of(b), .still = is_being_left};
        ftf_point_of(lane, b);
        ftf_block_while(lane, &wait, 0);
    }
    return real_pthread_barrier_destroy()(b);
}
