/*
 * Guards of C++ function-local statics: what a compiler calls around the first execution of such a declaration. All three calls are
 * ours, for lanes and other threads alike, so the guard's words are ours as well but for its first byte, which compiled code
 * reads: not 0 when the object is there. A lane that comes while another one, which may have lost the token, makes the object waits
 * in the scheduler.
 *
 * TSan defines these names itself, strongly, and not under another name that could be called. In a program with TSan the
 * linker therefore has to be told that they are ours (FTFUZZ_GUARDS in ci/cmake/ftfuzz.cmake), and the edges are drawn by
 * hand: from who made the object, or gave up, to who finds it made. An extension that has a C++ library of its own inside and does
 * not export it (-static-libstdc++ with --exclude-libs) never comes here, and its lanes are robbed as ever.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/interpose.h"

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

/* The Itanium C++ ABI fixes the size and the first byte. */
typedef struct guard {
    _Atomic uint8_t made;
    uint8_t unused[3];
    _Atomic uint32_t maker; /* the thread that makes the object, or 0; a futex */
} guard;

_Static_assert(sizeof(guard) == sizeof(uint64_t), "a guard has 64 bits");

enum { SLEEPERS = 1 << 30 }; /* in `maker`: threads that are no lanes wait in the kernel; ids of threads are smaller */

static bool is_being_made(const void *channel) { return ((const guard *)channel)->maker != 0; }

static int maker_of(const void *channel) { return (int)(((const guard *)channel)->maker & ~(uint32_t)SLEEPERS); }

static void wait_for_maker(ftf_lane *lane, guard *g, uint32_t maker) {
    if (lane != NULL) {
        const ftf_wait wait = {.what = FTF_WAIT_STATIC, .channel = g, .still = is_being_made, .owner = maker_of};
        ftf_block_while(lane, &wait, 0);
    } else if ((maker & SLEEPERS) != 0 || atomic_compare_exchange_strong(&g->maker, &maker, maker | SLEEPERS)) {
        syscall(SYS_futex, &g->maker, FUTEX_WAIT_PRIVATE, maker | SLEEPERS, NULL, NULL, 0);
    }
}

/* Lets everybody look again. */
static void end(guard *g) {
    uint32_t maker = atomic_exchange(&g->maker, 0);
    if ((maker & SLEEPERS) != 0) {
        syscall(SYS_futex, &g->maker, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    }
    ftf_wake(g);
}

static bool is_made(guard *g) {
    bool made = atomic_load(&g->made) != 0;
    if (made && __tsan_acquire != NULL) {
        __tsan_acquire(g);
    }
    return made;
}

static void leave(guard *g, bool made) {
    if (__tsan_release != NULL) {
        __tsan_release(g);
    }
    atomic_store(&g->made, made);
    end(g);
}

/* ---- the names ------------------------------------------------------------------------------------------------------ */

int ftf_guard_acquire(guard *g);
void ftf_guard_release(guard *g);
void ftf_guard_abort(guard *g);

/* 1: the caller has to make the object, and to say how that ended. */
int ftf_guard_acquire(guard *g) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL) {
        ftf_point_of(lane, g);
    }
    while (!is_made(g)) {
        uint32_t maker = 0;
        if (!atomic_compare_exchange_strong(&g->maker, &maker, (uint32_t)syscall(SYS_gettid))) {
            wait_for_maker(lane, g, maker);
        } else if (!is_made(g)) { /* nor between the two looks */
            return 1;
        } else {
            end(g);
            return 0;
        }
    }
    return 0;
}

void ftf_guard_release(guard *g) { leave(g, true); }
void ftf_guard_abort(guard *g) { leave(g, false); }

/* Weak, so that TSan's definitions are no second ones. */
int __cxa_guard_acquire(guard *g) __attribute__((weak, alias("ftf_guard_acquire")));
void __cxa_guard_release(guard *g) __attribute__((weak, alias("ftf_guard_release")));
void __cxa_guard_abort(guard *g) __attribute__((weak, alias("ftf_guard_abort")));
