#ifndef FTF_PYTHON_INTERP_H
#define FTF_PYTHON_INTERP_H
/*
 * The embedded interpreter: free-threaded, without signal handlers, with a fixed hash seed and without automatic garbage
 * collection (a collection is an op). All that could make the second run of a scenario differ from the first is off.
 *
 * Under ASan the RAW and MEM allocation domains go to malloc, so buffers have full allocation and free stacks; objects stay
 * in mimalloc, which a free-threaded build cannot do without, and which poisons what is free (MI_TRACK_ASAN). All domains
 * refuse blocks above FTF_BLOCK_MAX with a MemoryError: a scenario that multiplies a list must not end the process.
 *
 * Threads: main thread only.
 */
#include <stdbool.h>

#include "base/status.h"

enum { /* bytes of one allocation; in a call that does not end (ftf_sched_runs_away) */
    FTF_BLOCK_MAX = 256 << 20,
    FTF_BLOCK_MAX_RUNAWAY = 64 << 10,
};

typedef struct ftf_interp_options {
    const char *home;         /* prefix of the interpreter of this flavour */
    const char *const *paths; /* put in front of sys.path; NULL-terminated, may be NULL */
    bool gil;                 /* force the GIL on: the control run */
} ftf_interp_options;

/* Starts the interpreter; the calling thread stays attached to it. */
ftf_status ftf_interp_start(const ftf_interp_options *options, ftf_error *err);

/* Imports the target once. The error names the exception. */
ftf_status ftf_interp_import(const char *module, ftf_error *err);

#endif
