#ifndef FTF_BASE_PROC_H
#define FTF_BASE_PROC_H
/*
 * Child processes: started without a shell, never outliving their parent, and ended as a group. How a child ended is
 * data (ftf_proc_end), never an error: a fuzzer's children are meant to die.
 *
 *     ftf_proc_options options = {.argv = argv, .stderr_path = "w0.err", .cpu = 1};
 *     ftf_proc proc;
 *     ftf_status status = ftf_proc_spawn(&options, &proc, &err);
 *     while (!ftf_proc_poll(&proc, &end)) { ... }
 *
 * Every child gets a process group of its own (so Ctrl-C reaches the parent alone, which then ends its children in
 * order), asks the kernel to be killed when its parent dies, and writes no core file. A spawn that fails in the child
 * (no such program, unwritable stderr file) is reported here, with the reason, not as a strange exit status.
 *
 * Parent death: PR_SET_PDEATHSIG is tied to the *thread* that forked. Spawn from a thread that lives as long as the
 * children do.
 *
 * Ownership: the caller owns the ftf_proc; once poll or wait said that it ended, the pid is reaped and forgotten.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

enum { FTF_PROC_ANY_CPU = -1 };

typedef struct ftf_proc_options {
    const char *const *argv;   /* NULL-terminated; argv[0] is looked up in PATH when it has no slash */
    const char *const *env;    /* NULL-terminated NAME=value to set, or NAME alone to unset; NULL: as we are */
    const char *cwd;           /* NULL: ours */
    const char *stdin_path;    /* NULL: /dev/null */
    const char *stdout_path;   /* created or truncated; NULL: /dev/null */
    const char *stderr_path;   /* the same; may equal stdout_path, then both share one file */
    bool pipe_stdin, pipe_stdout; /* a pipe instead: ftf_proc.stdin_fd, stdout_fd */
    bool inherit_output;       /* stdout and stderr are ours, where no path is given */
    bool append_output;        /* append to the files instead of truncating them */
    int cpu;                   /* pin to this CPU; FTF_PROC_ANY_CPU: do not. Note that 0 is a CPU. */
    uint64_t file_bytes_max;   /* RLIMIT_FSIZE; 0: as we are */
} ftf_proc_options;

typedef struct ftf_proc {
    pid_t pid;     /* 0 once reaped; also the id of its process group */
    int stdin_fd;  /* -1 without a pipe; the caller closes them with ftf_proc_close_pipes */
    int stdout_fd;
    struct ftf_zygote *zygote; /* where it came from; NULL: it is our own child (zygote.h) */
    uint32_t ticket;           /* which of the zygote's */
} ftf_proc;

typedef struct ftf_proc_end {
    bool signaled;
    int code; /* exit status, or the signal's number */
    uint64_t cpu_us; /* user and system time it and its reaped children used */
    uint64_t peak_rss_kib;
} ftf_proc_end;

ftf_status ftf_proc_spawn(const ftf_proc_options *options, ftf_proc *out, ftf_error *err);

/* True when it has ended; end says how. Never blocks. */
bool ftf_proc_poll(ftf_proc *proc, ftf_proc_end *end);

/* Waits up to deadline_ms; false when it still runs. */
bool ftf_proc_wait(ftf_proc *proc, uint64_t deadline_ms, ftf_proc_end *end);

/* Sends a signal to the whole group; nothing happens once it was reaped. */
void ftf_proc_signal(const ftf_proc *proc, int signal);

/* SIGTERM to the group, SIGKILL after grace_ms, then reaps. grace_ms 0 kills at once. */
void ftf_proc_stop(ftf_proc *proc, uint64_t grace_ms, ftf_proc_end *end);

void ftf_proc_close_pipes(ftf_proc *proc);

/* "exit 77", "SIGSEGV", for a person. */
const char *ftf_proc_end_text(const ftf_proc_end *end, char text[32]);

/* User and system time that a process has used until now, in microseconds; pid 0: we ourselves. 0 when it is gone. */
uint64_t ftf_proc_cpu_us(pid_t pid);

/* Milliseconds of a clock that never goes back. */
uint64_t ftf_proc_now_ms(void);

/* How many CPUs this process may run on, and the n-th of them (from 0). */
int ftf_proc_cpu_count(void);
int ftf_proc_cpu_at(int n);

#endif
