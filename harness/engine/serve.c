#include "engine/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "engine/watch.h"

enum { FIELDS_MAX = 64 };

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "ftfuzz-worker: error: %s: %s\n", what, strerror(errno));
    _exit(FTF_WORKER_EXIT_SETUP);
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
        _exit(0); /* it died before the line above */
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

void ftf_serve(int *argc, char ***argv) {
    static char *child_argv[FIELDS_MAX];
    char *line = NULL, *fields[FIELDS_MAX];
    size_t room = 0;
    pid_t zygote = getpid();
    while (getline(&line, &room, stdin) > 0) {
        int count = split(line, fields);
        if (count < 3) {
            errno = EINVAL;
            give_up("a request has too few fields");
        }
        pid_t child = fork();
        if (child < 0) {
            give_up("cannot fork");
        }
        if (child == 0) {
            become_child(zygote, fields[0], fields[1]);
            child_argv[0] = (*argv)[0]; /* libFuzzer insists on it */
            memcpy(&child_argv[1], &fields[2], (size_t)(count - 1) * sizeof *fields);
            *argv = child_argv;
            *argc = count - 1;
            return;
        }
        printf("pid %d\n", (int)child);
        fflush(stdout);
        int status = 0;
        struct rusage usage;
        while (wait4(child, &status, 0, &usage) < 0) {
            FTF_ASSERT(errno == EINTR);
        }
        printf("end %d %llu\n", status, used_us(&usage));
        fflush(stdout);
    }
    _exit(0);
}
