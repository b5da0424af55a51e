/*
 * Waiting for events of several descriptors, for a time: poll, select, epoll. A lane asks without waiting, and while nothing has
 * happened it is blocked until something has or its time, which is virtual, is over. The answer that counts is the
 * sanitizer's; what others ask meanwhile on the lane's behalf must change nothing (an edge-triggered event that is
 * reported is gone), so an epoll instance is itself polled.
 */
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef int (*poll_call)(struct pollfd *, nfds_t, int);
typedef int (*ppoll_call)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
typedef int (*select_call)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
typedef int (*pselect_call)(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
typedef int (*epoll_call)(int, struct epoll_event *, int, int);
typedef int (*epoll_signal_call)(int, struct epoll_event *, int, int, const sigset_t *);

FTF_REAL(poll_call, poll)
FTF_REAL(ppoll_call, ppoll)
FTF_REAL(select_call, select)
FTF_REAL(pselect_call, pselect)
FTF_REAL(epoll_call, epoll_wait)
FTF_REAL(epoll_signal_call, epoll_pwait)

static const struct timespec AT_ONCE = {0};

static struct timespec of_ms(int ms) { return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}; }

/* A deadline, or 0 for none. */
static uint64_t deadline_of(const struct timespec *time) { return time != NULL ? ftf_deadline_in(time) : 0; }

static bool is_zero(const struct timespec *time) { return time != NULL && time->tv_sec == 0 && time->tv_nsec == 0; }

/* ---- poll -------------------------------------------------------------------------------------------------------------------- */

typedef struct poll_list {
    struct pollfd *fds; /* the caller's own: what is written there meanwhile is written again at the end */
    nfds_t count;
} poll_list;

static bool is_poll_quiet(const void *channel) {
    const poll_list *list = channel;
    struct timespec at_once = AT_ONCE; /* the kernel writes back what is left of it */
    return syscall(SYS_ppoll, list->fds, list->count, &at_once, NULL, 0) == 0;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time, const sigset_t *mask) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || is_zero(time) || (time != NULL && (!ftf_is_time(time) || time->tv_sec < 0))) {
        return real_ppoll()(fds, count, time, mask);
    }
    const poll_list list = {fds, count};
    const ftf_wait wait = {
        .what = FTF_WAIT_EVENTS, .look = FTF_LOOK_AT_CHOICES, .channel = &list, .still = is_poll_quiet};
    ftf_block_while(lane, &wait, deadline_of(time));
    return real_ppoll()(fds, count, &AT_ONCE, mask);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    if (ftf_self == NULL || timeout_ms == 0) {
        return real_poll()(fds, count, timeout_ms);
    }
    const struct timespec time = of_ms(timeout_ms);
    return ppoll(fds, count, timeout_ms < 0 ? NULL : &time, NULL);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t room);

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t room) {
    return room / sizeof *fds >= count ? poll(fds, count, timeout_ms) : (__builtin_trap(), -1);
}

/* ---- select ------------------------------------------------------------------------------------------------------------------ */

typedef struct select_sets {
    int count;
    const fd_set *set[3]; /* to read, to write, exceptions; NULL: none */
} select_sets;

static bool is_select_quiet(const void *channel) {
    const select_sets *asked = channel;
    fd_set copy[3];
    fd_set *set[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++) {
        if (asked->set[i] != NULL) {
            copy[i] = *asked->set[i];
            set[i] = &copy[i];
        }
    }
    struct timespec at_once = AT_ONCE;
    return syscall(SYS_pselect6, asked->count, set[0], set[1], set[2], &at_once, NULL) == 0;
}

/* Sets larger than libc's type (which a program may allocate itself) are not copied: they are waited for in the kernel. */
static bool is_usual(int count) { return count >= 0 && count <= FD_SETSIZE; }

static void block_for_select(ftf_lane *lane, const select_sets *sets, uint64_t deadline_ns) {
    const ftf_wait wait = {
        .what = FTF_WAIT_EVENTS, .look = FTF_LOOK_AT_CHOICES, .channel = sets, .still = is_select_quiet};
    ftf_block_while(lane, &wait, deadline_ns);
}

int select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *time) {
    ftf_lane *lane = ftf_self;
    bool waits = time == NULL || time->tv_sec > 0 || (time->tv_sec == 0 && time->tv_usec > 0);
    if (lane == NULL || !waits || !is_usual(count) || (time != NULL && time->tv_usec >= 1000000)) {
        return real_select()(count, in, out, except, time);
    }
    struct timespec limit = {0};
    if (time != NULL) {
        limit = (struct timespec){.tv_sec = time->tv_sec, .tv_nsec = time->tv_usec * 1000L};
    }
    const select_sets sets = {count, {in, out, except}};
    uint64_t deadline_ns = deadline_of(time != NULL ? &limit : NULL);
    block_for_select(lane, &sets, deadline_ns);
    if (time != NULL) { /* Linux says what is left of it */
        uint64_t left = deadline_ns > ftf_sched.clock_ns ? deadline_ns - ftf_sched.clock_ns : 0;
        *time = (struct timeval){.tv_sec = (time_t)(left / 1000000000u),
                                 .tv_usec = (suseconds_t)(left % 1000000000u / 1000)};
    }
    struct timeval at_once = {0};
    return real_select()(count, in, out, except, &at_once);
}

int pselect(int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *time, const sigset_t *mask) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || is_zero(time) || !is_usual(count) ||
        (time != NULL && (!ftf_is_time(time) || time->tv_sec < 0))) {
        return real_pselect()(count, in, out, except, time, mask);
    }
    const select_sets sets = {count, {in, out, except}};
    block_for_select(lane, &sets, deadline_of(time));
    return real_pselect()(count, in, out, except, &AT_ONCE, mask);
}

/* ---- epoll ------------------------------------------------------------------------------------------------------------------- */

static bool is_epoll_quiet(const void *channel) {
    struct pollfd instance = {.fd = *(const int *)channel, .events = POLLIN};
    struct timespec at_once = AT_ONCE;
    return syscall(SYS_ppoll, &instance, 1, &at_once, NULL, 0) == 0;
}

static void block_for_epoll(ftf_lane *lane, const int *fd, int timeout_ms) {
    const struct timespec time = of_ms(timeout_ms);
    const ftf_wait wait = {
        .what = FTF_WAIT_EVENTS, .look = FTF_LOOK_AT_CHOICES, .channel = fd, .still = is_epoll_quiet};
    ftf_block_while(lane, &wait, timeout_ms < 0 ? 0 : deadline_of(&time));
}

int epoll_wait(int fd, struct epoll_event *events, int room, int timeout_ms) {
    if (ftf_self == NULL || timeout_ms == 0) {
        return real_epoll_wait()(fd, events, room, timeout_ms);
    }
    block_for_epoll(ftf_self, &fd, timeout_ms);
    return real_epoll_wait()(fd, events, room, 0);
}

int epoll_pwait(int fd, struct epoll_event *events, int room, int timeout_ms, const sigset_t *mask) {
    if (ftf_self == NULL || timeout_ms == 0) {
        return real_epoll_pwait()(fd, events, room, timeout_ms, mask);
    }
    block_for_epoll(ftf_self, &fd, timeout_ms);
    return real_epoll_pwait()(fd, events, room, 0, mask);
}
