/*
 * Time. A lane's clock ticks 100 ns a look and jumps when everybody waits: replay does not depend on the machine's speed, nor
 * does PyMutex, which hands over fairly after 1 ms, and a sleep costs nothing.
 */
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef int (*sleep_call)(clockid_t, int, const struct timespec *, struct timespec *);
typedef int (*nanosleep_call)(const struct timespec *, struct timespec *);
typedef int (*usleep_call)(useconds_t);
typedef unsigned (*seconds_call)(unsigned);

FTF_NEXT(sleep_call, clock_nanosleep)
FTF_REAL(nanosleep_call, nanosleep)
FTF_REAL(usleep_call, usleep)
FTF_REAL(seconds_call, sleep)

int sched_yield(void) {
    if (ftf_self != NULL) {
        ftf_yield(ftf_self);
        return 0;
    }
    return (int)syscall(SYS_sched_yield);
}

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

static void sleep_until(ftf_lane *lane, uint64_t deadline_ns) {
    const ftf_wait wait = {.what = FTF_WAIT_SLEEP};
    ftf_block_for(lane, &wait, deadline_ns);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *left) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || !ftf_is_time(request) || request->tv_sec < 0) {
        return next_clock_nanosleep()(clock, flags, request, left);
    }
    sleep_until(lane, (flags & TIMER_ABSTIME) != 0 ? ftf_deadline(clock, request) : ftf_deadline_in(request));
    return 0;
}

int nanosleep(const struct timespec *request, struct timespec *left) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || !ftf_is_time(request) || request->tv_sec < 0) {
        return real_nanosleep()(request, left);
    }
    sleep_until(lane, ftf_deadline_in(request));
    return 0;
}

int usleep(useconds_t microseconds) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL) {
        return real_usleep()(microseconds);
    }
    const struct timespec time = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000L};
    sleep_until(lane, ftf_deadline_in(&time));
    return 0;
}

unsigned sleep(unsigned seconds) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL) {
        return real_sleep()(seconds);
    }
    const struct timespec time = {.tv_sec = (time_t)seconds};
    sleep_until(lane, ftf_deadline_in(&time));
    return 0;
}
