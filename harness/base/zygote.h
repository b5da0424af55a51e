#ifndef FTF_BASE_ZYGOTE_H
#define FTF_BASE_ZYGOTE_H
/*
 * Processes from a zygote: a program that brings itself up once and then forks a copy of itself for every request. What
 * comes out is an ftf_proc like any other (proc.h): polled, waited for, signalled and stopped by the same functions.
 *
 *     ftf_zygote *zygote = NULL;
 *     ftf_zygote_spawn(&zygote, &options, &proc, &err);      starts the zygote, too, when there is none
 *     while (!ftf_proc_poll(&proc, &end)) { ... }
 *     ftf_zygote_spawn(&zygote, &options, &proc, &err);      milliseconds
 *     ftf_zygote_destroy(zygote);
 *
 * The program must understand `--serve` and the protocol of engine/serve.h. Of the options, argv, stderr_path and cwd count for
 * each process, the rest for the zygote. A zygote that dies while it brings itself up is seen as the end of the process
 * that was asked for, with its stderr in the same file: nobody has to look in two places. It is started again by the
 * next spawn.
 *
 * Up to FTF_ZYGOTE_CHILDREN_MAX processes of a zygote may run at a time. Spawning does not block; until the zygote has forked,
 * stopping the process stops the zygote, and with it all that runs of it.
 *
 * Ownership: the caller owns the zygote and destroys it after its last process has ended. Threads: one at a time.
 */
#include "base/proc.h"

enum { FTF_ZYGOTE_CHILDREN_MAX = 4 }; /* what engine/serve.c allows */

typedef struct ftf_zygote ftf_zygote;

/* options->cwd must be given, and all paths in argv must be absolute: each process starts in cwd. */
ftf_status ftf_zygote_spawn(ftf_zygote **zygote, const ftf_proc_options *options, ftf_proc *out, ftf_error *err);

/* Ends the zygote and what runs of it; NULL is fine. */
void ftf_zygote_destroy(ftf_zygote *zygote);

/* For proc.c: poll and signal of a process that came from a zygote. */
bool ftf_zygote_poll(ftf_proc *proc, bool block, ftf_proc_end *end);
void ftf_zygote_signal(const ftf_proc *proc, int signal);

#endif
