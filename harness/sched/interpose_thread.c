/*
 * The end of a thread or a child process, and locks of files: what may come from outside of the lanes. The end of a thread is
 * looked for when no lane can go on, and at no other moment: the thread runs freely, so anything else would depend
 * on time. A file lock may be in another lane's hands, under another descriptor, so it is tried before each choice.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef int (*join_call)(pthread_t, void **);
typedef int (*cpu_clock_call)(pthread_t, clockid_t *);
typedef pid_t (*waitpid_call)(pid_t, int *, int);
typedef int (*flock_call)(int, int);
typedef int (*fcntl_call)(int, int, ...);

FTF_REAL(join_call, pthread_join)
FTF_NEXT(cpu_clock_call, pthread_getcpuclockid)
FTF_REAL(waitpid_call, waitpid)
FTF_NEXT(flock_call, flock)
FTF_NEXT(fcntl_call, fcntl)
FTF_NEXT(fcntl_call, fcntl64)

/* ---- threads ----------------------------------------------------------------------------------------------------------------- */

/* A thread that has ended and was not joined yet has no clock any more; asking joins nothing. */
static bool is_alive(const void *channel) {
    clockid_t clock;
    return next_pthread_getcpuclockid()(*(const pthread_t *)channel, &clock) == 0;
}

int pthread_join(pthread_t thread, void **result) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL && !pthread_equal(thread, pthread_self())) { /* joining oneself is EDEADLK */
        const ftf_wait wait = {.what = FTF_WAIT_THREAD,
                               .look = FTF_LOOK_WHEN_IDLE,
                               .channel = &thread,
                               .still = is_alive,
                               .object = (const void *)(uintptr_t)thread};
        ftf_block_for(lane, &wait, 0);
    }
    return real_pthread_join()(thread, result);
}

/* ---- children ---------------------------------------------------------------------------------------------------------------- */

static bool is_child_alive(const void *channel) {
    pid_t pid = *(const pid_t *)channel;
    siginfo_t about = {0};
    idtype_t type = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
    long rc = syscall(SYS_waitid, type, pid > 0 ? pid : -pid, &about, WEXITED | WNOHANG | WNOWAIT, NULL);
    return rc == 0 && about.si_pid == 0;
}

pid_t waitpid(pid_t pid, int *status, int options) {
    ftf_lane *lane = ftf_self;
    if (lane != NULL && (options & (WNOHANG | WUNTRACED | WCONTINUED)) == 0) {
        const ftf_wait wait = {
            .what = FTF_WAIT_CHILD, .look = FTF_LOOK_WHEN_IDLE, .channel = &pid, .still = is_child_alive};
        ftf_block_while(lane, &wait, 0);
    }
    return real_waitpid()(pid, status, options);
}

/* ---- files ------------------------------------------------------------------------------------------------------------------- */

/* A lock can only be looked at by taking it, which any thread of the process may do for the lane. */
typedef struct file_lock {
    int fd, command;
    void *argument; /* fcntl: what to lock; NULL: flock */
    int operation;  /* flock */
    int error;      /* 0: it was taken, or has not been tried */
} file_lock;

static bool is_held(const void *channel) {
    file_lock *lock = (file_lock *)(uintptr_t)channel;
    long rc = lock->argument != NULL ? syscall(SYS_fcntl, lock->fd, lock->command, lock->argument)
                                     : syscall(SYS_flock, lock->fd, lock->operation);
    lock->error = rc < 0 ? errno : 0;
    return rc < 0 && (errno == EWOULDBLOCK || errno == EACCES || errno == EINTR);
}

static int take_lock(ftf_lane *lane, file_lock *lock) {
    int saved_errno = errno;
    ftf_point_of_fd(lane, lock->fd);
    if (is_held(lock)) {
        const ftf_wait wait = {
            .what = FTF_WAIT_FILE_LOCK, .look = FTF_LOOK_AT_CHOICES, .channel = lock, .still = is_held, .fd = lock->fd};
        ftf_block_for(lane, &wait, 0);
    }
    errno = lock->error != 0 ? lock->error : saved_errno;
    return lock->error != 0 ? -1 : 0;
}

int flock(int fd, int operation) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || (operation & (LOCK_NB | LOCK_UN)) != 0) {
        return next_flock()(fd, operation);
    }
    file_lock lock = {.fd = fd, .operation = operation | LOCK_NB};
    return take_lock(lane, &lock);
}

static int control(fcntl_call real, int fd, int command, void *argument) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL || (command != F_SETLKW && command != F_OFD_SETLKW)) {
        return real(fd, command, argument);
    }
    file_lock lock = {.fd = fd, .command = command == F_SETLKW ? F_SETLK : F_OFD_SETLK, .argument = argument};
    return take_lock(lane, &lock);
}

/* fcntl takes a pointer, an int or nothing; passing a register more than the caller did is what libc does itself. */
#define FTF_FCNTL(name) \
    int name(int fd, int command, ...) { \
        va_list list; \
        va_start(list, command); \
        void *argument = va_arg(list, void *); \
        va_end(list); \
        return control(next_##name(), fd, command, argument); \
    }

FTF_FCNTL(fcntl)
FTF_FCNTL(fcntl64)
