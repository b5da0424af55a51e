#ifndef FTF_BASE_CHECK_H
#define FTF_BASE_CHECK_H
/*
 * FTF_ASSERT: what must hold whatever the input is. It is on in every build. A violated one prints
 * `FTF-BUG file:line: expression` with a raw write and ends the process with FTF_WORKER_EXIT_BUG, so that triage
 * never takes a mistake of ours for a finding in the extension.
 *
 * Any thread may call it, attached to the interpreter or not: it takes no lock and allocates nothing.
 */
enum { FTF_WORKER_EXIT_BUG = 83 };

/*
 * Ends the process with exactly this code, at once. libc's _exit is TSan's in a worker: of a main thread that it was told to
 * ignore (python/pyvm.c) it makes an error of its own and its own exit code, which is 0 there, and a verdict or a bug of
 * ours would be taken for a crash of the target.
 */
_Noreturn void ftf_exit(int code);

_Noreturn void ftf_bug(const char *file, int line, const char *what);

#define FTF_ASSERT(condition)                               \
    do {                                                    \
        if (__builtin_expect(!(condition), 0)) {            \
            ftf_bug(__FILE__, __LINE__, #condition);        \
        }                                                   \
    } while (0)

#endif
