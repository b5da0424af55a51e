/*
 * Descriptors: reading, writing, sending, receiving, accepting. A lane first waits until the call would not block, then
 * makes it through the sanitizer, whose edge from writer to reader of a descriptor is drawn there. A regular file is always
 * ready, so all it pays is one poll; so does a descriptor in non-blocking mode.
 *
 * Room for something does not mean room for everything: a large write to a pipe or a stream goes in pieces that fit into
 * whatever counts as room, or it would block in the middle. What would block in the middle and cannot be cut (writev, sendmsg
 * of much data, connect to a full backlog) blocks in the kernel, and the scheduler steals the token after a while.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef ssize_t (*read_call)(int, void *, size_t);
typedef ssize_t (*vector_call)(int, const struct iovec *, int);
typedef ssize_t (*recv_call)(int, void *, size_t, int);
typedef ssize_t (*recvfrom_call)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
typedef ssize_t (*recvmsg_call)(int, struct msghdr *, int);
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*send_call)(int, const void *, size_t, int);
typedef ssize_t (*sendto_call)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
typedef ssize_t (*sendmsg_call)(int, const struct msghdr *, int);
typedef int (*accept_call)(int, struct sockaddr *, socklen_t *);
typedef int (*accept4_call)(int, struct sockaddr *, socklen_t *, int);

/* The real ones under names of our own types: libc declares some of them with a transparent union. */
#define FTF_REAL_IO(type, name) \
    extern __typeof__(*(type)0) interceptor_##name __asm__("___interceptor_" #name) __attribute__((weak)); \
    FTF_NEXT(type, name) \
    static type real_##name(void) { return interceptor_##name != NULL ? interceptor_##name : next_##name(); }

FTF_REAL_IO(read_call, read)
FTF_REAL_IO(vector_call, readv)
FTF_REAL_IO(recv_call, recv)
FTF_REAL_IO(recvfrom_call, recvfrom)
FTF_REAL_IO(recvmsg_call, recvmsg)
FTF_REAL_IO(write_call, write)
FTF_REAL_IO(vector_call, writev)
FTF_REAL_IO(send_call, send)
FTF_REAL_IO(sendto_call, sendto)
FTF_REAL_IO(sendmsg_call, sendmsg)
FTF_REAL_IO(accept_call, accept)
FTF_REAL_IO(accept4_call, accept4)

/* ---- waiting for a descriptor ------------------------------------------------------------------------------------------------ */

typedef struct descriptor {
    int fd;
    short events;
} descriptor;

/* Past the sanitizers, and from any thread. An error counts as ready: the call itself will say which. */
static bool is_unready(const void *channel) {
    const descriptor *asked = channel;
    struct pollfd one = {.fd = asked->fd, .events = asked->events};
    struct timespec at_once = {0};
    return syscall(SYS_ppoll, &one, 1, &at_once, NULL, 0) == 0;
}

static bool is_nonblocking(int fd) {
    long flags = syscall(SYS_fcntl, fd, F_GETFL);
    return flags < 0 || (flags & O_NONBLOCK) != 0;
}

/* The time that a socket was told to wait at most (SO_RCVTIMEO, SO_SNDTIMEO), as a deadline; 0: for ever, or no socket. */
static uint64_t time_limit(int fd, short events) {
    struct timeval limit = {0};
    socklen_t size = sizeof limit;
    int option = events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO;
    if (syscall(SYS_getsockopt, fd, SOL_SOCKET, option, &limit, &size) != 0 || (limit.tv_sec | limit.tv_usec) == 0) {
        return 0;
    }
    const struct timespec time = {.tv_sec = limit.tv_sec, .tv_nsec = limit.tv_usec * 1000L};
    return ftf_deadline_in(&time);
}

/* The lane waits until the descriptor is ready, unless the call would not. False when the socket's own time ran out. */
static bool await_ready(ftf_lane *lane, int fd, short events, int flags) {
    const descriptor asked = {.fd = fd, .events = events};
    int saved_errno = errno;
    bool in_time = true;
    ftf_point_of_fd(lane, fd);
    if (is_unready(&asked) && (flags & MSG_DONTWAIT) == 0 && !is_nonblocking(fd)) {
        const ftf_wait wait = {.what = events == POLLIN ? FTF_WAIT_INPUT : FTF_WAIT_OUTPUT,
                               .look = FTF_LOOK_AT_CHOICES,
                               .channel = &asked,
                               .still = is_unready,
                               .fd = fd};
        in_time = ftf_block_while(lane, &wait, time_limit(fd, events));
    }
    errno = in_time ? saved_errno : EAGAIN;
    return in_time;
}

/* A call that waits for `events` of fd and then is made as it is. */
#define FTF_IO(events, flags, call) \
    do { \
        ftf_lane *lane = ftf_self; \
        if (lane != NULL && !await_ready(lane, fd, events, flags)) { \
            return -1; \
        } \
        return call; \
    } while (0)

/* ---- input ------------------------------------------------------------------------------------------------------------------- */

ssize_t read(int fd, void *bytes, size_t size) { FTF_IO(POLLIN, 0, real_read()(fd, bytes, size)); }

ssize_t readv(int fd, const struct iovec *parts, int count) { FTF_IO(POLLIN, 0, real_readv()(fd, parts, count)); }

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
    FTF_IO(POLLIN, flags, real_recv()(fd, bytes, size, flags));
}

ssize_t recvfrom(int fd, void *bytes, size_t size, int flags, __SOCKADDR_ARG from, socklen_t *length) {
    FTF_IO(POLLIN, flags, real_recvfrom()(fd, bytes, size, flags, from.__sockaddr__, length));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    FTF_IO(POLLIN, flags, real_recvmsg()(fd, message, flags));
}

int accept(int fd, __SOCKADDR_ARG peer, socklen_t *length) {
    FTF_IO(POLLIN, 0, real_accept()(fd, peer.__sockaddr__, length));
}

int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *length, int flags) {
    FTF_IO(POLLIN, 0, real_accept4()(fd, peer.__sockaddr__, length, flags));
}

/* What compilers call with -D_FORTIFY_SOURCE where they know how large the buffer is. */
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags);

ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room) {
    return size <= room ? read(fd, bytes, size) : (__builtin_trap(), -1);
}

ssize_t __recv_chk(int fd, void *bytes, size_t size, size_t room, int flags) {
    return size <= room ? recv(fd, bytes, size, flags) : (__builtin_trap(), -1);
}

/* ---- output ------------------------------------------------------------------------------------------------------------------ */

/* A pipe or a stream, which a larger write fills: cut it. Messages stay whole. */
static bool is_stream(int fd) {
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return false;
    }
    if (S_ISFIFO(about.st_mode)) {
        return true;
    }
    int type = 0;
    socklen_t size = sizeof type;
    return S_ISSOCK(about.st_mode) && syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM;
}

static bool must_cut(int fd, size_t size, int flags) {
    int saved_errno = errno;
    bool cut = size > PIPE_BUF && (flags & MSG_DONTWAIT) == 0 && is_stream(fd) && !is_nonblocking(fd);
    errno = saved_errno;
    return cut;
}

/* As many bytes as could be written before time ran out or the other end was gone, as the kernel would report it. */
static ssize_t write_in_pieces(ftf_lane *lane, int fd, const char *bytes, size_t size, bool socket, int flags) {
    size_t done = 0;
    while (done < size) {
        size_t piece = size - done < PIPE_BUF ? size - done : PIPE_BUF;
        ssize_t n = -1;
        if (await_ready(lane, fd, POLLOUT, flags)) {
            n = socket ? real_send()(fd, bytes + done, piece, flags) : real_write()(fd, bytes + done, piece);
        }
        if (n < 0) {
            return done > 0 ? (ssize_t)done : -1;
        }
        done += (size_t)n;
    }
    return (ssize_t)done;
}

ssize_t write(int fd, const void *bytes, size_t size) {
    if (ftf_self != NULL && must_cut(fd, size, 0)) {
        return write_in_pieces(ftf_self, fd, bytes, size, false, 0);
    }
    FTF_IO(POLLOUT, 0, real_write()(fd, bytes, size));
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
    if (ftf_self != NULL && must_cut(fd, size, flags)) {
        return write_in_pieces(ftf_self, fd, bytes, size, true, flags);
    }
    FTF_IO(POLLOUT, flags, real_send()(fd, bytes, size, flags));
}

ssize_t writev(int fd, const struct iovec *parts, int count) { FTF_IO(POLLOUT, 0, real_writev()(fd, parts, count)); }

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG to, socklen_t length) {
    FTF_IO(POLLOUT, flags, real_sendto()(fd, bytes, size, flags, to.__sockaddr__, length));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    FTF_IO(POLLOUT, flags, real_sendmsg()(fd, message, flags));
}
