#include "base/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

enum { ARGUMENTS_MAX = 64, LINE_MAX_BYTES = 256 };

struct ftf_zygote {
    ftf_proc proc;
    pid_t child; /* 0 until the zygote has said which */
    char line[LINE_MAX_BYTES];
    size_t line_len;
};

static ftf_status start(ftf_zygote *zygote, const ftf_proc_options *options, ftf_error *err) {
    const char *argv[ARGUMENTS_MAX + 2];
    size_t count = 0;
    while (options->argv[count] != NULL) {
        FTF_ASSERT(count < ARGUMENTS_MAX);
        argv[count] = options->argv[count];
        count++;
    }
    argv[count] = "--serve";
    argv[count + 1] = NULL;
    ftf_proc_options mine = *options;
    mine.argv = argv;
    mine.stdout_path = NULL;
    mine.pipe_stdin = mine.pipe_stdout = true;
    ftf_status status = ftf_proc_spawn(&mine, &zygote->proc, err);
    if (status == FTF_OK) {
        fcntl(zygote->proc.stdout_fd, F_SETFL, O_NONBLOCK);
    }
    return status;
}

/* A request is shorter than a pipe holds, so writing it does not block. A zygote that died has closed its end: SIGPIPE is
   not for us, and poll will see the death. */
static void request(const ftf_zygote *zygote, const ftf_proc_options *options) {
    ftf_text line = {0};
    ftf_text_printf(&line, "%s\t%s", options->stderr_path, options->cwd);
    for (size_t i = 1; options->argv[i] != NULL; i++) {
        ftf_text_printf(&line, "\t%s", options->argv[i]);
    }
    ftf_text_char(&line, '\n');
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    (void)!write(zygote->proc.stdin_fd, line.data, line.len);
    signal(SIGPIPE, old);
    ftf_text_release(&line);
}

ftf_status ftf_zygote_spawn(ftf_zygote **zygote, const ftf_proc_options *options, ftf_proc *out, ftf_error *err) {
    FTF_ASSERT(options->cwd != NULL && options->stderr_path != NULL);
    if (*zygote == NULL) {
        *zygote = calloc(1, sizeof **zygote);
        FTF_ASSERT(*zygote != NULL);
    }
    ftf_zygote *z = *zygote;
    if (z->proc.pid == 0) {
        ftf_status status = start(z, options, err);
        if (status != FTF_OK) {
            return status;
        }
    }
    z->child = 0;
    z->line_len = 0;
    request(z, options);
    *out = (ftf_proc){.pid = z->proc.pid, .stdin_fd = -1, .stdout_fd = -1, .zygote = z};
    return FTF_OK;
}

/* The zygote itself has ended: so has the process that was asked for. */
static void zygote_ended(ftf_proc *proc, ftf_proc_end *end) {
    ftf_zygote *z = proc->zygote;
    while (!ftf_proc_wait(&z->proc, 1000, end)) {
        ftf_proc_signal(&z->proc, SIGKILL); /* it has closed its output: it is ending, or broken */
    }
    ftf_proc_close_pipes(&z->proc);
    proc->pid = 0;
}

/* True when the line was the end of the process. */
static bool take_line(ftf_proc *proc, ftf_proc_end *end) {
    ftf_zygote *z = proc->zygote;
    int number = 0;
    unsigned long long cpu_us = 0;
    z->line[z->line_len] = '\0';
    z->line_len = 0;
    if (sscanf(z->line, "pid %d", &number) == 1) {
        z->child = number;
        proc->pid = number;
    } else if (sscanf(z->line, "end %d %llu", &number, &cpu_us) >= 1) {
        *end = (ftf_proc_end){.signaled = WIFSIGNALED(number),
                              .code = WIFSIGNALED(number) ? WTERMSIG(number) : WEXITSTATUS(number),
                              .cpu_us = cpu_us};
        z->child = 0;
        proc->pid = 0;
        return true;
    }
    return false;
}

bool ftf_zygote_poll(ftf_proc *proc, bool block, ftf_proc_end *end) {
    ftf_zygote *z = proc->zygote;
    for (;;) {
        char byte;
        ssize_t n = read(z->proc.stdout_fd, &byte, 1);
        if (n == 0) {
            zygote_ended(proc, end);
            return true;
        }
        if (n < 0 && errno == EAGAIN) {
            if (!block) {
                return false;
            }
            struct pollfd ready = {.fd = z->proc.stdout_fd, .events = POLLIN};
            (void)poll(&ready, 1, -1);
        } else if (n == 1 && byte == '\n') {
            if (take_line(proc, end)) {
                return true;
            }
        } else if (n == 1 && z->line_len < LINE_MAX_BYTES - 1) {
            z->line[z->line_len++] = byte;
        }
    }
}

void ftf_zygote_signal(const ftf_proc *proc, int signal) {
    const ftf_zygote *z = proc->zygote;
    if (z->child != 0) {
        (void)kill(z->child, signal);
    } else {
        ftf_proc_signal(&z->proc, signal);
    }
}

void ftf_zygote_destroy(ftf_zygote *zygote) {
    if (zygote == NULL) {
        return;
    }
    if (zygote->proc.pid > 0) {
        ftf_proc_end end;
        ftf_proc_stop(&zygote->proc, 0, &end);
        ftf_proc_close_pipes(&zygote->proc);
    }
    free(zygote);
}
