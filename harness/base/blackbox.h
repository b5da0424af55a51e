#ifndef FTF_BASE_BLACKBOX_H
#define FTF_BASE_BLACKBOX_H
/*
 * The black box of a worker: one memory-mapped file that the worker writes and the supervisor reads. Whatever ends
 * the worker (a sanitizer, SIGSEGV, SIGKILL, the OOM killer, a bug of ours), the file still says which scenario was
 * running, which switches had been executed, what ran before, and how far it had come. Nothing has to be flushed and
 * no handler has to run, so there is one way to learn about a death instead of one for each kind of death.
 *
 * Who writes: the worker's main thread, and during a run the lane that holds the token (one at a time). All writes
 * are plain or relaxed stores made in code compiled without sanitizers: they add no happens-before edge. Who
 * reads: the supervisor, live for the counters (each is one aligned word) and after the worker's death for the rest.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum {
    FTF_BLACKBOX_VERSION = 3,
    FTF_BLACKBOX_SCENARIO_BYTES = 32 * 1024, /* FTF_SCENARIO_BYTES_MAX */
    FTF_BLACKBOX_SWITCHES = 4096,            /* FTF_SWITCHES_MAX */
    FTF_BLACKBOX_LANES = 8,
    FTF_BLACKBOX_VERDICT_BYTES = 16 * 1024,
    FTF_BLACKBOX_HISTORY = 256,            /* scenarios before the current one */
    FTF_BLACKBOX_HISTORY_BYTES = 4 * 1024, /* of each; a longer one is kept as "" and breaks the sequence */
};

typedef enum ftf_phase {
    FTF_PHASE_STARTING,  /* before the interpreter is up */
    FTF_PHASE_IMPORTING, /* importing the target; a death here is "crashes at import" */
    FTF_PHASE_IDLE,      /* between scenarios */
    FTF_PHASE_BUILDING,  /* parsing, making arguments, running setup: main thread only */
    FTF_PHASE_RUNNING,   /* lanes are running; a death here is a finding */
    FTF_PHASE_FINISHING, /* finish section and dropping of objects: main thread only; a death here is a finding, too */
    FTF_PHASE_DONE,      /* ended in order */
} ftf_phase;

typedef struct ftf_blackbox_switch {
    uint8_t lane, to;
    uint16_t op;
    uint32_t point;  /* of the lane, from 1 */
    uint32_t offset; /* in the op: 0 is the boundary before its first execution */
} ftf_blackbox_switch;

typedef struct ftf_blackbox {
    char magic[8]; /* "FTFBLACK" */
    uint32_t version;
    uint32_t pid;
    uint32_t phase;                 /* ftf_phase */
    uint32_t gil_enabled_by_import; /* 1: the module does not declare Py_mod_gil */

    /* Counters since the worker started. */
    uint64_t scenarios; /* inputs that parsed and ran */
    uint64_t refused;   /* inputs that did not parse */
    uint64_t runs;      /* times the lanes were started (a scenario runs under several schedules) */
    uint64_t calls;     /* ops executed in lanes, repeats counted */
    uint64_t accepted;  /* of those: ended without TypeError */
    uint64_t steals;    /* times the token was taken from a lane that made no progress */
    uint64_t reports;   /* sanitizer reports, swallowed repeats included, but for what oracle/repeats.h left out */
    uint64_t records;   /* records written to the spool */
    uint64_t features;  /* libFuzzer features seen by the mutator (0 where it is not known) */
    uint64_t switches_total;
    uint64_t slow;      /* scenarios given up because they were slow */
    uint64_t cold;      /* runs in processes that had called nothing (engine/cold.h) */
    uint64_t cold_next; /* the number of the first storm that has not been begun */

    /* The scenario that runs, or ran last. */
    uint64_t sequence; /* its number in this process, from 1 */
    uint32_t scenario_len;
    uint32_t round; /* which of its schedules, from 0 */
    uint32_t lane_count;
    uint32_t switch_count;                /* executed so far; > FTF_BLACKBOX_SWITCHES when the list overflowed */
    uint32_t run_steals;                  /* in this run */
    uint32_t run_kind;                    /* ftf_schedule_kind of this run; FREE runs have no switch list */
    uint32_t run_cold;                    /* 1: the process had called nothing before */
    uint32_t lane_op[FTF_BLACKBOX_LANES]; /* op each lane is in; UINT32_MAX: before the first or after the last */
    uint32_t lane_iteration[FTF_BLACKBOX_LANES];
    uint32_t lane_points[FTF_BLACKBOX_LANES]; /* points passed */
    char scenario[FTF_BLACKBOX_SCENARIO_BYTES];
    ftf_blackbox_switch switches[FTF_BLACKBOX_SWITCHES];

    /* What the worker itself concluded before it ended on purpose (watchdog: hang, deadlock). Kind "" when nothing. */
    char verdict_kind[32];
    char verdict_text[FTF_BLACKBOX_VERDICT_BYTES];

    /* The scenarios before the current one: history[n % FTF_BLACKBOX_HISTORY] is scenario number n. */
    char history[FTF_BLACKBOX_HISTORY][FTF_BLACKBOX_HISTORY_BYTES];
} ftf_blackbox;

/* Creates (or clears) the file and maps it for writing; path NULL maps anonymous memory. NULL on failure. */
ftf_blackbox *ftf_blackbox_create(const char *path, ftf_error *err);

/* Maps an existing file for reading; NULL when it is missing, short, or of another version. */
const ftf_blackbox *ftf_blackbox_open(const char *path, ftf_error *err);

void ftf_blackbox_close(const ftf_blackbox *box);

#endif
