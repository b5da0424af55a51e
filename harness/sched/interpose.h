#ifndef FTF_SCHED_INTERPOSE_H
#define FTF_SCHED_INTERPOSE_H
/*
 * Blocking calls, under our own names (interpose_*.c, one file for each family). Strong definitions in the executable are
 * also used by every module that is loaded later: CPython's parking lot (PyMutex, critical sections, stop-the-world,
 * PyThread locks: all of it ends in sem_*wait and sched_yield), what an extension locks, waits for, reads and writes.
 *
 * For a lane of a scheduled run nothing blocks in the kernel while another lane could run: the call is tried without
 * waiting, and while it fails the lane is marked blocked and the token goes on. For everybody else the call is the real one.
 *
 * What the sanitizer must see, it sees, and nothing else: the call that succeeds goes through its interceptor
 * (`___interceptor_x`, three underscores, weak: a flavour that does not intercept x has none), which is what draws the
 * happens-before edge of a semaphore, a mutex or a descriptor. Looking whether a call would block goes past it.
 *
 * What ends a wait decides who looks for the end (ftf_look). Another lane that posts or unlocks says so itself: ftf_wake.
 * Nobody says so when a descriptor becomes ready; `still` is asked before each choice of a lane, so that the answer depends on
 * what the lanes have done and on nothing else. And what only the world outside does (a thread of the target's own
 * ends) is asked for when no lane can go on, because at any other moment the answer would depend on time.
 *
 * Signals. A handler runs in a waiting lane as anywhere, and is no lane while it does (ftf_sched_lock). The wait goes on after it, also
 * where POSIX has the call end with EINTR: had the signal come a moment before the call, the call would have waited as well, so a
 * program that is right cannot tell; and when a signal comes depends on time, so what it did to a wait could not be replayed. What
 * is left open: a handler that posts a semaphore just while its thread has the scheduler's lock waits for itself.
 *
 * Cancellation. A lane is no thread of the target's: it must not end before its section does, so pthread_cancel of one is not provided for
 * (nothing in CPython calls it). An emulated wait is no cancellation point; the real call after it is, as ever.
 *
 * What still sleeps in the kernel, and is robbed:
 *   - stdio on pipes and sockets but for the functions in interpose_stdio.c: printf, scanf, getline, the wide ones, and what libc has
 *     behind its macros; some 50 names, each of which would have to be cut open in the same way.
 *   - sendmmsg, recvmmsg, sendfile, splice, tee, vmsplice: blocking in the middle, and more than one descriptor or message at a time.
 *   - recvfrom and recvmsg with MSG_WAITALL, which would have to put addresses and control data together from several calls, and a
 *     send of MSG_OOB that does not fit.
 *   - msgrcv and semop, for which there is nothing to poll; mq_receive and mq_send; select with more than FD_SETSIZE descriptors; raw
 *     system calls.
 *   - an extension with a C++ library of its own inside (interpose_guard.c), and barriers of another libc (interpose_barrier.c).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sched/state.h"

/* libc's own definition behind ours, looked up once (racing look-ups find the same). `version` is for the few names that
   have an incompatible older one under the same name; NULL elsewhere. */
#define FTF_NEXT_VERSION(type, name, version) \
    static type next_##name(void) { \
        static _Atomic(void *) found; \
        void *symbol = atomic_load(&found); \
        if (symbol == NULL) { \
            symbol = ftf_interpose_next(#name, version); \
            atomic_store(&found, symbol); \
        } \
        return (type)(uintptr_t)symbol; \
    }
#define FTF_NEXT(type, name) FTF_NEXT_VERSION(type, name, NULL)

/* The same, and real_x: the sanitizer's interceptor where there is one, else libc's. */
#define FTF_REAL_VERSION(type, name, version) \
    extern __typeof__(*(type)0) ___interceptor_##name __attribute__((weak)); \
    FTF_NEXT_VERSION(type, name, version) \
    static type real_##name(void) { return ___interceptor_##name != NULL ? ___interceptor_##name : next_##name(); }
#define FTF_REAL(type, name) FTF_REAL_VERSION(type, name, NULL)

void *ftf_interpose_next(const char *name, const char *version);

/* A moment of one of libc's clocks on the scheduler's own; never 0, which stands for "no deadline". */
uint64_t ftf_deadline(clockid_t clock, const struct timespec *until);

/* The moment that lies `time` after now. */
uint64_t ftf_deadline_in(const struct timespec *time);

/* As pthread_*timed* calls check it before they wait. */
static inline bool ftf_is_time(const struct timespec *t) { return t->tv_nsec >= 0 && t->tv_nsec < 1000000000; }

/* Which call it is: where the function returns to that this is written out in. */
static inline __attribute__((always_inline)) uint32_t ftf_caller(void) {
    return (uint32_t)(uintptr_t)__builtin_return_address(0);
}

/* A call that may block is a point, also when it does not: between two locks there may be no other. What it is about counts as
   written, so that a lock or descriptor of two lanes makes a candidate. */
static inline void ftf_point_of(ftf_lane *lane, const volatile void *object) {
    ftf_point(lane, (uintptr_t)object, ftf_caller(), true);
}

/* A descriptor has no address, and the first page of memory is nobody's. */
static inline void ftf_point_of_fd(ftf_lane *lane, int fd) {
    ftf_point(lane, fd >= 0 && fd < 500 ? (uintptr_t)(fd + 1) * 8 : 0, ftf_caller(), true);
}

/* Blocks the lane for `wait` until its channel is woken, or deadline_ns (0: none) has come; false in the latter case. */
static inline bool ftf_block_for(ftf_lane *lane, const ftf_wait *wait, uint64_t deadline_ns) {
    lane->wait = wait;
    bool in_time = ftf_block(lane, wait->channel, deadline_ns, wait->still);
    lane->wait = NULL;
    return in_time;
}

/* The same, again and again, for as long as there is something to wait for. */
static inline bool ftf_block_while(ftf_lane *lane, const ftf_wait *wait, uint64_t deadline_ns) {
    while (wait->still(wait->channel)) {
        if (!ftf_block_for(lane, wait, deadline_ns)) {
            return false;
        }
    }
    return true;
}

/* The lane waits until a descriptor is ready for POLLIN or POLLOUT, unless it does not block; false, with errno, when the time is over that
   its socket was told to wait (interpose_io.c). */
bool ftf_await_descriptor(ftf_lane *lane, int fd, short events);

#endif
