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

/* A process that was asked for and whose end the caller has not been told yet. */
typedef struct child {
    uint32_t ticket; /* 0: a free place */
    pid_t pid;       /* 0 until the zygote has said which */
    bool ended;
    ftf_proc_end end;
} child;

struct ftf_zygote {
    ftf_proc proc;
    bool dying;       /* it was signalled itself: what it still says may come before its end is seen */
    uint32_t tickets; /* given out */
    child children[FTF_ZYGOTE_CHILDREN_MAX];
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
static void request(const ftf_zygote *zygote, uint32_t ticket, const ftf_proc_options *options) {
    ftf_text line = {0};
    ftf_text_printf(&line, "%u\t%s\t%s", ticket, options->stderr_path, options->cwd);
    for (size_t i = 1; options->argv[i] != NULL; i++) {
        ftf_text_printf(&line, "\t%s", options->argv[i]);
    }
    ftf_text_char(&line, '\n');
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    (void)!write(zygote->proc.stdin_fd, line.data, line.len);
    signal(SIGPIPE, old);
    ftf_text_release(&line);
}

static void listen_to(ftf_zygote *z, bool block);

static child *find_child(ftf_zygote *z, uint32_t ticket) {
    for (size_t i = 0; i < FTF_ZYGOTE_CHILDREN_MAX; i++) {
        if (z->children[i].ticket == ticket) {
            return &z->children[i];
        }
    }
    return NULL;
}

ftf_status ftf_zygote_spawn(ftf_zygote **zygote, const ftf_proc_options *options, ftf_proc *out, ftf_error *err) {
    FTF_ASSERT(options->cwd != NULL && options->stderr_path != NULL);
    if (*zygote == NULL) {
        *zygote = calloc(1, sizeof **zygote);
        FTF_ASSERT(*zygote != NULL);
    }
    ftf_zygote *z = *zygote;
    listen_to(z, false); /* it may have ended since: a request that nobody reads would look like a process that was killed */
    while (z->dying && z->proc.pid > 0) {
        ftf_proc_signal(&z->proc, SIGKILL);
        listen_to(z, true);
    }
    if (z->proc.pid == 0) {
        ftf_status status = start(z, options, err);
        if (status != FTF_OK) {
            return status;
        }
    }
    child *asked = find_child(z, 0);
    FTF_ASSERT(asked != NULL);
    *asked = (child){.ticket = ++z->tickets};
    request(z, asked->ticket, options);
    *out = (ftf_proc){
        .pid = z->proc.pid, .stdin_fd = -1, .stdout_fd = -1, .zygote = z, .ticket = asked->ticket};
    return FTF_OK;
}

/* The zygote itself has ended: so have the processes that were asked for. */
static void zygote_ended(ftf_zygote *z) {
    ftf_proc_end end;
    while (!ftf_proc_wait(&z->proc, 1000, &end)) {
        ftf_proc_signal(&z->proc, SIGKILL); /* it has closed its output: it is ending, or broken */
    }
    ftf_proc_close_pipes(&z->proc);
    z->line_len = 0;
    z->dying = false;
    for (size_t i = 0; i < FTF_ZYGOTE_CHILDREN_MAX; i++) {
        if (z->children[i].ticket != 0 && !z->children[i].ended) {
            z->children[i].ended = true;
            z->children[i].end = end;
        }
    }
}

static void take_line(ftf_zygote *z) {
    unsigned ticket = 0;
    int number = 0;
    unsigned long long cpu_us = 0;
    z->line[z->line_len] = '\0';
    z->line_len = 0;
    bool starts = sscanf(z->line, "pid %u %d", &ticket, &number) == 2;
    bool ends = !starts && sscanf(z->line, "end %u %d %llu", &ticket, &number, &cpu_us) >= 2;
    child *c = starts || ends ? find_child(z, ticket) : NULL;
    if (c == NULL || ticket == 0) {
        return;
    }
    if (starts) {
        c->pid = number;
        return;
    }
    c->ended = true;
    c->end = (ftf_proc_end){.signaled = WIFSIGNALED(number),
                            .code = WIFSIGNALED(number) ? WTERMSIG(number) : WEXITSTATUS(number),
                            .cpu_us = cpu_us};
}

/* Reads what the zygote has said; with block, waits until it says something. */
static void listen_to(ftf_zygote *z, bool block) {
    while (z->proc.pid > 0) {
        char byte;
        ssize_t n = read(z->proc.stdout_fd, &byte, 1);
        if (n == 0) {
            zygote_ended(z);
        } else if (n < 0 && errno == EAGAIN && block) {
            struct pollfd ready = {.fd = z->proc.stdout_fd, .events = POLLIN};
            (void)poll(&ready, 1, -1);
            block = false;
        } else if (n < 0 && errno != EINTR) {
            return;
        } else if (n == 1 && byte == '\n') {
            take_line(z);
        } else if (n == 1 && z->line_len < LINE_MAX_BYTES - 1) {
            z->line[z->line_len++] = byte;
        }
    }
}

bool ftf_zygote_poll(ftf_proc *proc, bool block, ftf_proc_end *end) {
    ftf_zygote *z = proc->zygote;
    child *c = find_child(z, proc->ticket);
    FTF_ASSERT(c != NULL);
    listen_to(z, false);
    while (block && !c->ended) {
        listen_to(z, true);
    }
    if (!c->ended) {
        proc->pid = c->pid != 0 ? c->pid : proc->pid;
        return false;
    }
    *end = c->end;
    *c = (child){0};
    proc->pid = 0;
    return true;
}

void ftf_zygote_signal(const ftf_proc *proc, int signal) {
    ftf_zygote *z = proc->zygote;
    listen_to(z, false);
    const child *c = find_child(z, proc->ticket);
    if (c == NULL || c->ended) {
        return;
    }
    if (c->pid != 0) {
        (void)kill(c->pid, signal);
    } else {
        z->dying = true;
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
