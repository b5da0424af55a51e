/*
 * A lane of a free run tarries at a few of its points, so that another lane gets in between two accesses that follow each other
 * within nanoseconds (noise making: Edelstein et al., "Framework for Testing Multi-Threaded Java Programs", 2003). How
 * long another lane takes to get there is not known to within a factor of a thousand, so delays are log-uniform: each octave of
 * lengths is as likely as any other.
 *
 * Reading order: ftf_delay_deal, ftf_delay. What is drawn follows from the plan's seed; what comes of it does not. Lanes share
 * nothing here, and time is asked for and slept away by raw system calls: TSan sees no edge, and nobody asks our own
 * clock_gettime, which is for scheduled lanes.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sched/state.h"

enum {
    SHORTEST_BITS = 6, /* 64 ns; asking for the time takes as long */
    LONGEST_BITS = 16, /* 65 us */
    SPIN_NS = 20000,   /* what is shorter is not slept: falling asleep and waking up take some microseconds themselves */
};

static uint64_t now_ns(void) {
    struct timespec t = {0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void arm(ftf_lane *lane) {
    atomic_store(&lane->trigger, atomic_load(&lane->points) + 1 + ftf_rng_exponential(&lane->delays, FTF_DELAY_EVERY));
}

void ftf_delay_deal(ftf_lane *lane, uint64_t seed) {
    lane->delays = ftf_rng_seed(seed + (uint64_t)lane->id);
    arm(lane);
}

static void spin(uint64_t ns) {
    uint64_t until = now_ns() + ns;
    while (now_ns() < until) {
    }
}

static void sleep_for(uint64_t ns) {
    const struct timespec t = {.tv_sec = 0, .tv_nsec = (long)ns};
    syscall(SYS_prctl, PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul); /* else the kernel adds 50 us */
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
}

void ftf_delay(ftf_lane *lane) {
    int saved_errno = errno; /* a point can be anywhere */
    uint64_t octave = UINT64_C(1) << ftf_rng_range(&lane->delays, SHORTEST_BITS, LONGEST_BITS - 1);
    uint64_t ns = octave + (ftf_rng_next(&lane->delays) & (octave - 1));
    if (ns < SPIN_NS) {
        spin(ns);
    } else {
        sleep_for(ns);
    }
    arm(lane);
    errno = saved_errno;
}
