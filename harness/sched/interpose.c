/*
 * What the interposed calls share: libc behind us, and its clocks on ours.
 */
#include "sched/interpose.h"

void *ftf_interpose_next(const char *name, const char *version) {
    void *symbol = version != NULL ? dlvsym(RTLD_NEXT, name, version) : NULL;
    return symbol != NULL ? symbol : dlsym(RTLD_NEXT, name); /* other architectures began with the newer version */
}

/* Far enough away to be never, and far from overflowing. */
static const int64_t NEVER_NS = INT64_MAX / 4;

static int64_t to_ns(const struct timespec *t) {
    if (t->tv_sec > NEVER_NS / 1000000000) {
        return NEVER_NS;
    }
    return t->tv_sec < 0 ? 0 : (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static uint64_t clamp(int64_t ns) { return ns < 1 ? 1 : (uint64_t)ns; }

uint64_t ftf_deadline(clockid_t clock, const struct timespec *until) {
    return clamp(to_ns(until) - (clock == CLOCK_REALTIME ? ftf_sched.realtime_ns : 0));
}

uint64_t ftf_deadline_in(const struct timespec *time) { return clamp((int64_t)ftf_sched.clock_ns + to_ns(time)); }
