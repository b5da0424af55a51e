#include "engine/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "engine/watch.h"

enum {
    FIELDS_MAX = 64,
    CHILDREN_MAX = 4,
    LOOK_MS = 10,
};

/* Input that is not a whole line yet. A request is shorter than a pipe holds. */
static struct {
    size_t len;
    char bytes[64 * 1024];
} requests;

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "ftfuzz-worker: error: %s: %s\n", what, strerror(errno));
    ftf_exit(FTF_WORKER_EXIT_SETUP);
}

/* Splits a line at its tabs in place. */
static int split(char *line, char **fields) {
    int count = 0;
    line[strcspn(line, "\n")] = 0;
    for (char *at = line; at != NULL && count < FIELDS_MAX - 1;) {
        fields[count++] = strsep(&at, "\t");
    }
    fields[count] = NULL;
    return count;
}

static void redirect(const char *path, int flags, int to) {
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0 || dup2(fd, to) < 0) {
        give_up(path);
    }
    close(fd);
}

static void become_child(pid_t zygote, const char *errors, const char *folder) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote) {
        ftf_exit(0); /* it died before the line above */
    }
    redirect("/dev/null", O_RDONLY, STDIN_FILENO);
    redirect(errors, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
    redirect("/dev/null", O_WRONLY, STDOUT_FILENO);
    if (chdir(folder) != 0) {
        give_up(folder);
    }
}

static unsigned long long used_us(const struct rusage *usage) {
    return (unsigned long long)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000u +
           (unsigned long long)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* ---- children ---------------------------------------------------------------------------------------------------- */

typedef struct child {
    char ticket[24];
    pid_t pid; /* 0: a free place */
    int fd;    /* readable once it has ended; -1: the kernel has no such thing, and we have to look */
} child;

static child children[CHILDREN_MAX];

static child *free_place(void) {
    for (int i = 0; i < CHILDREN_MAX; i++) {
        if (children[i].pid == 0) {
            return &children[i];
        }
    }
    errno = EAGAIN;
    give_up("more processes at a time than are allowed");
}

static void reap(void) {
    for (int i = 0; i < CHILDREN_MAX; i++) {
        int status = 0;
        struct rusage usage;
        if (children[i].pid != 0 && wait4(children[i].pid, &status, WNOHANG, &usage) == children[i].pid) {
            if (children[i].fd >= 0) {
                close(children[i].fd);
            }
            children[i].pid = 0;
            printf("end %s %d %llu\n", children[i].ticket, status, used_us(&usage));
            fflush(stdout);
        }
    }
}

/* Waits for a request or for the end of a child. */
static void wait_for_something(void) {
    struct pollfd fds[CHILDREN_MAX + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    int patience = -1;
    for (int i = 0; i < CHILDREN_MAX; i++) {
        bool runs = children[i].pid != 0;
        fds[i + 1] = (struct pollfd){.fd = runs ? children[i].fd : -1, .events = POLLIN};
        patience = runs && children[i].fd < 0 ? LOOK_MS : patience;
    }
    if (poll(fds, CHILDREN_MAX + 1, patience) < 0 && errno != EINTR) {
        give_up("poll");
    }
    if (fds[0].revents == 0) {
        return;
    }
    ssize_t n = read(STDIN_FILENO, &requests.bytes[requests.len], sizeof requests.bytes - requests.len);
    if (n == 0 || requests.len == sizeof requests.bytes) {
        ftf_exit(0);
    }
    requests.len += n > 0 ? (size_t)n : 0;
}

/* Takes the next whole line out of what was read; NULL when there is none. The caller frees it. */
static char *next_request(void) {
    char *end = memchr(requests.bytes, '\n', requests.len);
    if (end == NULL) {
        return NULL;
    }
    size_t len = (size_t)(end - requests.bytes);
    char *line = strndup(requests.bytes, len);
    FTF_ASSERT(line != NULL);
    requests.len -= len + 1;
    memmove(requests.bytes, end + 1, requests.len);
    return line;
}

/* True in the child. */
static bool make_child(char **fields, pid_t zygote) {
    child *place = free_place();
    snprintf(place->ticket, sizeof place->ticket, "%s", fields[0]);
    pid_t pid = fork();
    if (pid < 0) {
        give_up("cannot fork");
    }
    if (pid == 0) {
        for (int i = 0; i < CHILDREN_MAX; i++) {
            if (children[i].pid != 0 && children[i].fd >= 0) {
                close(children[i].fd);
            }
        }
        become_child(zygote, fields[1], fields[2]);
        return true;
    }
    place->pid = pid;
    place->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    printf("pid %s %d\n", place->ticket, (int)pid);
    fflush(stdout);
    return false;
}

void ftf_serve(int *argc, char ***argv) {
    static char *child_argv[FIELDS_MAX];
    char *fields[FIELDS_MAX];
    pid_t zygote = getpid();
    for (;;) {
        char *line = next_request();
        if (line == NULL) {
            wait_for_something();
            reap();
            continue;
        }
        int count = split(line, fields);
        if (count < 4) {
            errno = EINVAL;
            give_up("a request has too few fields");
        }
        if (make_child(fields, zygote)) {
            child_argv[0] = (*argv)[0]; /* libFuzzer insists on it */
            memcpy(&child_argv[1], &fields[3], (size_t)(count - 2) * sizeof *fields);
            *argv = child_argv;
            *argc = count - 2;
            return;
        }
        free(line);
    }
}
