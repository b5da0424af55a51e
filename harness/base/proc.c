#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/zygote.h"

/*
 * Between fork and exec the child makes only async-signal-safe calls: the parent may have threads (the symbolizer
 * has none, but a test runner may), and one of them may have held the malloc lock at the fork. So everything that
 * allocates, the environment above all, is prepared before.
 *
 * The child tells the parent why it could not start through a close-on-exec pipe: exec closes it, so an empty
 * read means success.
 */

typedef struct trouble {
    int code; /* errno */
    int step; /* index into STEPS */
} trouble;

enum { STEP_STDIN, STEP_STDOUT, STEP_STDERR, STEP_CWD, STEP_EXEC };

/* ---- environment ------------------------------------------------------------------------------------------------- */

extern char **environ;

static size_t name_len(const char *entry) { return strcspn(entry, "="); }

static bool is_changed(const char *entry, const char *const *changes) {
    for (size_t i = 0; changes && changes[i]; i++) {
        if (name_len(changes[i]) == name_len(entry) && strncmp(changes[i], entry, name_len(entry)) == 0) {
            return true;
        }
    }
    return false;
}

/* A new array of borrowed strings: ours without the changed names, then the NAME=value ones of the changes. */
static char **make_environment(const char *const *changes) {
    size_t count = 0, change_count = 0;
    while (environ && environ[count]) {
        count++;
    }
    while (changes && changes[change_count]) {
        change_count++;
    }
    char **made = calloc(count + change_count + 1, sizeof *made);
    FTF_ASSERT(made);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_changed(environ[i], changes)) {
            made[n++] = environ[i];
        }
    }
    for (size_t i = 0; i < change_count; i++) {
        if (strchr(changes[i], '=')) {
            made[n++] = (char *)(uintptr_t)changes[i];
        }
    }
    return made;
}

/* ---- the child, before exec -------------------------------------------------------------------------------------- */

_Noreturn static void give_up(int report, int step) {
    trouble what = {.code = errno, .step = step};
    while (write(report, &what, sizeof what) < 0 && errno == EINTR) {
    }
    _exit(127);
}

static void open_as(int fd, const char *path, int flags, int report, int step) {
    int opened = open(path, flags | O_CLOEXEC, 0666);
    if (opened < 0) {
        give_up(report, step);
    }
    if (opened == fd) { /* dup2 onto itself would leave close-on-exec set */
        (void)fcntl(fd, F_SETFD, 0);
    } else if (dup2(opened, fd) < 0) {
        give_up(report, step);
    }
}

static void redirect(const ftf_proc_options *o, int in, int out, int report) {
    int flags = O_WRONLY | O_CREAT | (o->append_output ? O_APPEND : O_TRUNC);
    if (in >= 0) {
        (void)dup2(in, STDIN_FILENO);
    } else {
        open_as(STDIN_FILENO, o->stdin_path ? o->stdin_path : "/dev/null", O_RDONLY, report, STEP_STDIN);
    }
    if (out >= 0) {
        (void)dup2(out, STDOUT_FILENO);
    } else if (o->stdout_path) {
        open_as(STDOUT_FILENO, o->stdout_path, flags, report, STEP_STDOUT);
    } else if (!o->inherit_output) {
        open_as(STDOUT_FILENO, "/dev/null", O_WRONLY, report, STEP_STDOUT);
    }
    if (o->stderr_path && o->stdout_path && strcmp(o->stderr_path, o->stdout_path) == 0) {
        (void)dup2(STDOUT_FILENO, STDERR_FILENO);
    } else if (o->stderr_path) {
        open_as(STDERR_FILENO, o->stderr_path, flags, report, STEP_STDERR);
    } else if (!o->inherit_output) {
        open_as(STDERR_FILENO, "/dev/null", O_WRONLY, report, STEP_STDERR);
    }
}

static void limit(int resource, rlim_t value) {
    struct rlimit r = {.rlim_cur = value, .rlim_max = value};
    (void)setrlimit((__rlimit_resource_t)resource, &r);
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    /* A CPU that was taken away meanwhile is no reason to fail: the worker is then slower, not wrong. */
    (void)sched_setaffinity(0, sizeof set, &set);
}

static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    /* Ignored signals survive exec: a worker started below nohup or with our SIGPIPE setting must not inherit that. */
    const int reset[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE, SIGCHLD};
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++) {
        (void)sigaction(reset[i], &standard, NULL);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void be_child(const ftf_proc_options *o, char **env, pid_t parent, int in, int out, int report) {
    reset_signals();
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A parent that died before prctl sends nothing any more; then we already belong to somebody else. */
    if (getppid() != parent) {
        _exit(127);
    }
    limit(RLIMIT_CORE, 0);
    if (o->file_bytes_max > 0) {
        limit(RLIMIT_FSIZE, (rlim_t)o->file_bytes_max);
    }
    if (o->cpu >= 0) {
        pin(o->cpu);
    }
    redirect(o, in, out, report);
    if (o->cwd && chdir(o->cwd) != 0) {
        give_up(report, STEP_CWD);
    }
    char *const *argv = (char *const *)(uintptr_t)o->argv;
    execvpe(o->argv[0], argv, env);
    give_up(report, STEP_EXEC);
}

/* ---- spawn ------------------------------------------------------------------------------------------------------- */

static void close_pair(int fds[2]) {
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
}

static const char *step_subject(const ftf_proc_options *o, int step) {
    switch (step) {
    case STEP_STDIN: return o->stdin_path ? o->stdin_path : "/dev/null";
    case STEP_STDOUT: return o->stdout_path ? o->stdout_path : "/dev/null";
    case STEP_STDERR: return o->stderr_path ? o->stderr_path : "/dev/null";
    case STEP_CWD: return o->cwd;
    default: return o->argv[0];
    }
}

/* Waits until the child runs its program, or says why it does not. */
static ftf_status await_exec(const ftf_proc_options *o, int report, pid_t pid, ftf_error *err) {
    trouble what;
    ssize_t n;
    do {
        n = read(report, &what, sizeof what);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof what) {
        return FTF_OK;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return ftf_fail(err, what.step == STEP_EXEC ? FTF_SETUP : FTF_IO, "cannot start %s: %s: %s", o->argv[0],
                    step_subject(o, what.step), strerror(what.code));
}

ftf_status ftf_proc_spawn(const ftf_proc_options *options, ftf_proc *out, ftf_error *err) {
    int in[2] = {-1, -1}, output[2] = {-1, -1}, report[2] = {-1, -1};
    *out = (ftf_proc){.stdin_fd = -1, .stdout_fd = -1};
    ftf_status status = FTF_OK;
    char **env = make_environment(options->env);
    if (pipe2(report, O_CLOEXEC) != 0 || (options->pipe_stdin && pipe2(in, O_CLOEXEC) != 0) ||
        (options->pipe_stdout && pipe2(output, O_CLOEXEC) != 0)) {
        status = ftf_fail(err, FTF_IO, "cannot start %s: no pipe: %s", options->argv[0], strerror(errno));
        goto done;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        status = ftf_fail(err, FTF_IO, "cannot start %s: %s", options->argv[0], strerror(errno));
        goto done;
    }
    if (pid == 0) {
        be_child(options, env, parent, in[0], output[1], report[1]);
    }
    (void)setpgid(pid, pid); /* here too, so that a signal to the group cannot come too early */
    close(report[1]);
    report[1] = -1;
    status = await_exec(options, report[0], pid, err);
    if (status == FTF_OK) {
        *out = (ftf_proc){.pid = pid, .stdin_fd = in[1], .stdout_fd = output[0]};
        in[1] = output[0] = -1;
    }
done:
    close_pair(in);
    close_pair(output);
    close_pair(report);
    free(env);
    return status;
}

/* ---- after the start --------------------------------------------------------------------------------------------- */

static uint64_t to_us(struct timeval tv) { return (uint64_t)tv.tv_sec * 1000000u + (uint64_t)tv.tv_usec; }

static bool reap(ftf_proc *proc, int flags, ftf_proc_end *end) {
    if (proc->zygote != NULL) {
        return ftf_zygote_poll(proc, (flags & WNOHANG) == 0, end);
    }
    int raw = 0;
    struct rusage usage;
    pid_t got;
    do {
        got = wait4(proc->pid, &raw, flags, &usage);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        return false;
    }
    FTF_ASSERT(got == proc->pid);
    proc->pid = 0;
    *end = (ftf_proc_end){
        .signaled = WIFSIGNALED(raw),
        .code = WIFSIGNALED(raw) ? WTERMSIG(raw) : WEXITSTATUS(raw),
        .cpu_us = to_us(usage.ru_utime) + to_us(usage.ru_stime),
        .peak_rss_kib = (uint64_t)usage.ru_maxrss,
    };
    return true;
}

bool ftf_proc_poll(ftf_proc *proc, ftf_proc_end *end) {
    FTF_ASSERT(proc->pid > 0);
    return reap(proc, WNOHANG, end);
}

bool ftf_proc_wait(ftf_proc *proc, uint64_t deadline_ms, ftf_proc_end *end) {
    uint64_t until = ftf_proc_now_ms() + deadline_ms;
    uint64_t pause_ms = 1;
    for (;;) {
        if (ftf_proc_poll(proc, end)) {
            return true;
        }
        uint64_t now = ftf_proc_now_ms();
        if (now >= until) {
            return false;
        }
        uint64_t left = until - now;
        uint64_t nap = pause_ms < left ? pause_ms : left;
        struct timespec ts = {.tv_sec = 0, .tv_nsec = (long)nap * 1000000};
        (void)nanosleep(&ts, NULL);
        pause_ms = pause_ms < 16 ? pause_ms * 2 : pause_ms;
    }
}

void ftf_proc_signal(const ftf_proc *proc, int signal) {
    if (proc->pid > 0 && proc->zygote != NULL) {
        ftf_zygote_signal(proc, signal);
    } else if (proc->pid > 0) {
        (void)kill(-proc->pid, signal);
    }
}

void ftf_proc_stop(ftf_proc *proc, uint64_t grace_ms, ftf_proc_end *end) {
    if (grace_ms > 0) {
        ftf_proc_signal(proc, SIGTERM);
        if (ftf_proc_wait(proc, grace_ms, end)) {
            return;
        }
    }
    ftf_proc_signal(proc, SIGKILL);
    (void)reap(proc, 0, end);
}

void ftf_proc_close_pipes(ftf_proc *proc) {
    int fds[2] = {proc->stdin_fd, proc->stdout_fd};
    close_pair(fds);
    proc->stdin_fd = proc->stdout_fd = -1;
}

const char *ftf_proc_end_text(const ftf_proc_end *end, char text[32]) {
    const char *name = end->signaled ? sigabbrev_np(end->code) : NULL;
    if (name) {
        (void)snprintf(text, 32, "SIG%s", name);
    } else {
        (void)snprintf(text, 32, "%s %d", end->signaled ? "signal" : "exit", end->code);
    }
    return text;
}

uint64_t ftf_proc_cpu_us(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * 1000000u + (uint64_t)used.tv_nsec / 1000u;
}

uint64_t ftf_proc_now_ms(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

int ftf_proc_cpu_count(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}

int ftf_proc_cpu_at(int n) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 0;
    }
    n %= ftf_proc_cpu_count();
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &set) && n-- == 0) {
            return (int)cpu;
        }
    }
    return 0;
}
