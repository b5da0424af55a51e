/*
 * Descriptors: reading, writing, sending, receiving, accepting, connecting. A lane first waits until the call would not block, then
 * makes it through the sanitizer, whose edge from writer to reader of a descriptor is drawn there. A regular file is always
 * ready, so all it pays is one poll; so does a descriptor in non-blocking mode.
 *
 * Room for something does not mean room for everything: a large write to a pipe or a stream goes in pieces that fit into
 * whatever counts as room, or it would block in the middle, and so does a recv that wants all of it. What is rarely called stays as
 * it is and blocks in the kernel (interpose.h).
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
typedef int (*connect_call)(int, const struct sockaddr *, socklen_t);

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
FTF_REAL_IO(connect_call, connect)

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

/* SOCK_STREAM, ...; -1: no socket. */
static int socket_type(int fd) {
    int type = -1;
    socklen_t size = sizeof type;
    return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? type : -1;
}

/* It queues connections: accept takes them, every other call is refused. */
static bool is_listener(int fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

/* It was opened for that direction (else EBADF), and what is behind it can be read or written at all (else
   EINVAL: an epoll instance; a timer is only read). The kernel looks at both before it looks at the address,
   which is in its own half of memory: nothing is transferred, and nothing waits. */
static bool has_direction(int fd, short events) {
    const uintptr_t nowhere = UINTPTR_MAX - 4095;
    return syscall(events == POLLIN ? SYS_read : SYS_write, fd, nowhere, 1) < 0 && errno == EFAULT;
}

/* What a call is made for. */
typedef enum call_kind {
    CALL_ANY,    /* read, write: descriptors of any kind */
    CALL_SOCKET, /* recv, send, ... */
    CALL_ACCEPT,
} call_kind;

/* The call would wait. One that is refused as soon as it is made must not: nothing would ever be ready. */
static bool can_wait(int fd, call_kind kind, short events) {
    if (is_nonblocking(fd) || is_listener(fd) != (kind == CALL_ACCEPT)) {
        return false;
    }
    return kind == CALL_ANY ? has_direction(fd, events) : socket_type(fd) >= 0;
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

/* Blocks the lane until the descriptor is ready; false when the socket's own time ran out. */
static bool block_for_ready(ftf_lane *lane, ftf_wait_kind what, const descriptor *asked) {
    const ftf_wait wait = {
        .what = what, .look = FTF_LOOK_AT_CHOICES, .channel = asked, .still = is_unready, .fd = asked->fd};
    return ftf_block_while(lane, &wait, time_limit(asked->fd, asked->events));
}

/* The lane waits until the descriptor is ready, unless the call would not. False when the socket's own time ran out. */
static bool await_ready(ftf_lane *lane, int fd, call_kind kind, short events, int flags) {
    const descriptor asked = {.fd = fd, .events = events};
    int saved_errno = errno;
    bool in_time = true;
    ftf_point_of_fd(lane, fd);
    if (is_unready(&asked) && (flags & MSG_DONTWAIT) == 0 && can_wait(fd, kind, events)) {
        in_time = block_for_ready(lane, events == POLLIN ? FTF_WAIT_INPUT : FTF_WAIT_OUTPUT, &asked);
    }
    errno = in_time ? saved_errno : EAGAIN;
    return in_time;
}

bool ftf_await_descriptor(ftf_lane *lane, int fd, short events) {
    return await_ready(lane, fd, CALL_ANY, events, 0);
}

/* A call that waits for `events` of fd and then is made as it is. */
#define FTF_IO(kind, events, flags, call) \
    do { \
        ftf_lane *lane = ftf_self; \
        if (lane != NULL && !await_ready(lane, fd, kind, events, flags)) { \
            return -1; \
        } \
        return call; \
    } while (0)

/* ---- input ------------------------------------------------------------------------------------------------------------------- */

ssize_t read(int fd, void *bytes, size_t size) { FTF_IO(CALL_ANY, POLLIN, 0, real_read()(fd, bytes, size)); }

ssize_t readv(int fd, const struct iovec *parts, int count) {
    FTF_IO(CALL_ANY, POLLIN, 0, real_readv()(fd, parts, count));
}

/* A stream that is to fill all of the buffer. */
static bool wants_all(int fd, int flags) {
    int saved_errno = errno;
    bool all = (flags & MSG_WAITALL) != 0 && (flags & (MSG_PEEK | MSG_DONTWAIT)) == 0 &&
               socket_type(fd) == SOCK_STREAM && !is_nonblocking(fd);
    errno = saved_errno;
    return all;
}

static ssize_t receive_all(ftf_lane *lane, int fd, char *bytes, size_t size, int flags) {
    size_t done = 0;
    ssize_t n;
    do {
        n = await_ready(lane, fd, CALL_SOCKET, POLLIN, flags)
                ? real_recv()(fd, bytes + done, size - done, flags & ~MSG_WAITALL) : -1;
        done += n > 0 ? (size_t)n : 0;
    } while (n > 0 && done < size);
    return done > 0 ? (ssize_t)done : n;
}

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
    if (ftf_self != NULL && wants_all(fd, flags)) {
        return receive_all(ftf_self, fd, bytes, size, flags);
    }
    FTF_IO(CALL_SOCKET, POLLIN, flags, real_recv()(fd, bytes, size, flags));
}

ssize_t recvfrom(int fd, void *bytes, size_t size, int flags, __SOCKADDR_ARG from, socklen_t *length) {
    FTF_IO(CALL_SOCKET, POLLIN, flags, real_recvfrom()(fd, bytes, size, flags, from.__sockaddr__, length));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    FTF_IO(CALL_SOCKET, POLLIN, flags, real_recvmsg()(fd, message, flags));
}

int accept(int fd, __SOCKADDR_ARG peer, socklen_t *length) {
    FTF_IO(CALL_ACCEPT, POLLIN, 0, real_accept()(fd, peer.__sockaddr__, length));
}

int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *length, int flags) {
    FTF_IO(CALL_ACCEPT, POLLIN, 0, real_accept4()(fd, peer.__sockaddr__, length, flags));
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

/* What one call is to write: one buffer, or several, or a message with several. */
typedef struct output {
    int fd;
    call_kind kind;
    int flags;
    const struct msghdr *message; /* NULL: none */
    const struct iovec *parts;
    size_t count;
} output;

/* A pipe or a stream, which a larger write fills: cut it. Messages stay whole. */
static bool is_stream(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 &&
           (S_ISFIFO(about.st_mode) || (S_ISSOCK(about.st_mode) && socket_type(fd) == SOCK_STREAM));
}

static size_t size_of(const struct iovec *parts, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].iov_len;
    }
    return size;
}

/* As a rule there is no lane, or there is room for all of it. The one byte that is out of band would be one of each piece. */
static bool must_cut(const output *out) {
    int saved_errno = errno;
    bool cut = out->count <= IOV_MAX && (out->flags & (MSG_DONTWAIT | MSG_OOB)) == 0 &&
               size_of(out->parts, out->count) > PIPE_BUF && is_stream(out->fd) && !is_nonblocking(out->fd);
    errno = saved_errno;
    return cut;
}

enum { PIECE_PARTS = 16 };

/* The buffers from byte `done` on, as far as they go into one piece; how many. */
static size_t cut_piece(const output *out, size_t done, struct iovec piece[PIECE_PARTS]) {
    size_t room = PIPE_BUF, used = 0;
    for (size_t i = 0; i < out->count && used < PIECE_PARTS && room > 0; i++) {
        size_t length = out->parts[i].iov_len;
        if (done >= length) {
            done -= length;
            continue;
        }
        size_t take = length - done < room ? length - done : room;
        piece[used++] = (struct iovec){.iov_base = (char *)out->parts[i].iov_base + done, .iov_len = take};
        room -= take;
        done = 0;
    }
    return used;
}

static ssize_t write_piece(const output *out, size_t done) {
    struct iovec piece[PIECE_PARTS];
    size_t count = cut_piece(out, done, piece);
    if (out->message != NULL) {
        struct msghdr message = *out->message;
        message.msg_iov = piece;
        message.msg_iovlen = count;
        if (done > 0) { /* descriptors and the like are passed on once */
            message.msg_control = NULL;
            message.msg_controllen = 0;
        }
        return real_sendmsg()(out->fd, &message, out->flags);
    }
    if (out->count > 1) {
        return real_writev()(out->fd, piece, (int)count);
    }
    return out->kind == CALL_SOCKET ? real_send()(out->fd, piece[0].iov_base, piece[0].iov_len, out->flags)
                       : real_write()(out->fd, piece[0].iov_base, piece[0].iov_len);
}

/* As many bytes as could be written before time ran out or the other end was gone, as the kernel would report it. */
static ssize_t write_in_pieces(ftf_lane *lane, const output *out) {
    size_t done = 0, size = size_of(out->parts, out->count);
    while (done < size) {
        ssize_t n = await_ready(lane, out->fd, out->kind, POLLOUT, out->flags) ? write_piece(out, done) : -1;
        if (n < 0) {
            return done > 0 ? (ssize_t)done : -1;
        }
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* A call that is made in pieces when it is large, or else as it is. */
#define FTF_OUTPUT(out, call) \
    do { \
        if (ftf_self != NULL && must_cut(&(out))) { \
            return write_in_pieces(ftf_self, &(out)); \
        } \
        FTF_IO((out).kind, POLLOUT, (out).flags, call); \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t size) {
    const struct iovec whole = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    const output out = {.fd = fd, .parts = &whole, .count = 1};
    FTF_OUTPUT(out, real_write()(fd, bytes, size));
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
    const struct iovec whole = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    const output out = {.fd = fd, .kind = CALL_SOCKET, .flags = flags, .parts = &whole, .count = 1};
    FTF_OUTPUT(out, real_send()(fd, bytes, size, flags));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    const output out = {.fd = fd, .parts = parts, .count = count > 0 ? (size_t)count : 0};
    FTF_OUTPUT(out, real_writev()(fd, parts, count));
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, __CONST_SOCKADDR_ARG to, socklen_t length) {
    FTF_IO(CALL_SOCKET, POLLOUT, flags, real_sendto()(fd, bytes, size, flags, to.__sockaddr__, length));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    output out = {.fd = fd, .kind = CALL_SOCKET, .flags = flags, .message = message};
    if (message != NULL) {
        out.parts = message->msg_iov;
        out.count = message->msg_iovlen;
    }
    FTF_OUTPUT(out, real_sendmsg()(fd, message, flags));
}

/* ---- connecting -------------------------------------------------------------------------------------------------------------- */

/* Returns the flags as they were. */
static long set_nonblocking(int fd) {
    long flags = syscall(SYS_fcntl, fd, F_GETFL);
    syscall(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
    return flags;
}

/* Which socket it is, of all that there have been; 0: none. */
static uint64_t socket_identity(int fd) {
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

/* A connection to a listener of this machine (AF_UNIX) whose queue is full. Nothing can be asked but to be let in, which any thread may
   do for the lane. */
typedef struct attempt {
    int fd;
    uint64_t identity; /* another lane may have closed fd, and opened something else under the number */
    const struct sockaddr *to;
    socklen_t length;
    int error; /* of the last time; 0: it is connected */
} attempt;

static bool is_turned_away(const void *channel) {
    attempt *self = (attempt *)(uintptr_t)channel;
    if (socket_identity(self->fd) != self->identity) {
        self->error = EBADF;
        return false;
    }
    long flags = set_nonblocking(self->fd);
    self->error = syscall(SYS_connect, self->fd, self->to, self->length) != 0 ? errno : 0;
    syscall(SYS_fcntl, self->fd, F_SETFL, flags);
    return self->error == EAGAIN;
}

/* What is left of a connect that could not be done at once; 0 or an error. */
static int finish_connect(ftf_lane *lane, attempt *self) {
    if (self->error == EAGAIN) {
        const ftf_wait wait = {.what = FTF_WAIT_CONNECTION,
                               .look = FTF_LOOK_AT_CHOICES,
                               .channel = self,
                               .still = is_turned_away,
                               .fd = self->fd};
        ftf_block_for(lane, &wait, time_limit(self->fd, POLLOUT));
        return self->error;
    }
    const descriptor asked = {.fd = self->fd, .events = POLLOUT};
    if (!block_for_ready(lane, FTF_WAIT_CONNECTION, &asked)) {
        return EINPROGRESS;
    }
    return real_connect()(self->fd, self->to, self->length) != 0 ? errno : 0; /* tells how it ended */
}

/*
 * The socket is in non-blocking mode for the moment of the call, and only a thread that is no lane could see that. Two calls, the second
 * one after a connection over the network came about, are what a program does that does not want to wait, and TSan knows that.
 */
int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t length) {
    ftf_lane *lane = ftf_self;
    int saved_errno = errno, type = lane != NULL ? socket_type(fd) : -1;
    errno = saved_errno;
    if ((type != SOCK_STREAM && type != SOCK_SEQPACKET) || is_nonblocking(fd)) {
        return real_connect()(fd, to.__sockaddr__, length);
    }
    ftf_point_of_fd(lane, fd);
    attempt self = {.fd = fd, .identity = socket_identity(fd), .to = to.__sockaddr__, .length = length};
    long flags = set_nonblocking(fd);
    self.error = real_connect()(fd, self.to, length) != 0 ? errno : 0;
    syscall(SYS_fcntl, fd, F_SETFL, flags);
    bool waits = self.error == EINPROGRESS || self.error == EALREADY ||
                 (self.error == EAGAIN && self.to->sa_family == AF_UNIX);
    int error = waits ? finish_connect(lane, &self) : self.error;
    errno = error != 0 ? error : saved_errno;
    return error != 0 ? -1 : 0;
}
