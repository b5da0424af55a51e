#ifndef FTF_CLI_WORKER_H
#define FTF_CLI_WORKER_H
/*
 * One worker place: a CPU, a flavour, and the libFuzzer process that runs there now. Processes come and go (an ASan
 * finding ends one, a memory limit another); the place stays and adds up what they did.
 *
 *     ftf_worker_create(&options, &worker, &err);
 *     for (;;) {
 *         if (ftf_worker_tick(worker, now_ms, &death, &err) == FTF_OK && death.happened) { ... judge, then ... }
 *         ftf_worker_add_counters(worker, &sum);
 *     }
 *     ftf_worker_stop(worker); ftf_worker_destroy(worker);
 *
 * tick starts a process when none runs and its time has come, and stops one that grew beyond the memory limit or
 * whose counters stand still. Each process (generation) has files of its own, so that a late look at the old ones never
 * meets a new process's; they go when the next one starts:
 *
 *     <work>/<name>.<generation>.box      the black box
 *     <work>/<name>.<generation>.err      standard error
 *     <work>/<name>.<generation>.input    what libFuzzer wrote down when it ended a process
 *     <work>/<name>.exercise            what its processes have exercised, where that is asked for (base/exercise.h)
 *     <work>/<name>.corpus/               its part of the corpus (corpus.h); made anew for each process
 *
 * Most bugs of a first call need a process that has called nothing, and the worker's own is that only once. So a place gives a
 * share of its time to *cold* processes (engine/cold.h), in slices of FTF_WORKER_COLD_SLICE_MS: the worker is stopped
 * (SIGSTOP), the same zygote forks a cold server, and when that has ended the worker goes on. A cold process that dies of
 * something is a death like any other. One that ends in order is none, and the next one goes on with the next number.
 * It has files of its own, <work>/<name>c.<generation>.*.
 *
 * A place whose processes die early again and again waits longer each time (ftf_worker_delay_ms) and is given
 * up after FTF_WORKER_EARLY_MAX of them in a row.
 *
 * Threads: one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/exercise.h"
#include "base/proc.h"
#include "cli/target.h"

enum {
    FTF_WORKER_EARLY_MAX = 5,         /* processes in a row that died without having run one scenario */
    FTF_WORKER_START_MS = 180 * 1000, /* for starting the interpreter, importing, and the first scenario */
    FTF_WORKER_STILL_MS = 40 * 1000,  /* no progress for so long, four times the worker's own deadline: it has failed */
    FTF_WORKER_FIRST_SAMPLE = 512,    /* scenarios of the corpus that a place's first process begins with */
    FTF_WORKER_SAMPLE = 24,           /* and the later ones: whoever follows a death must survive its beginning */
    FTF_WORKER_EPOCH = 512,           /* scenarios of the shortest epoch */
    FTF_WORKER_COLD_PERCENT = 10,     /* of a place's time, where nobody says otherwise */
    FTF_WORKER_RSS_LIMIT_MIB = 2560,  /* ClusterFuzz's limit */
    FTF_WORKER_COLD_SLICE_MS = 200,   /* a few scenarios, and small next to what the worker gets in between */
    FTF_WORKER_STDERR_MAX = 64 << 20, /* bytes; a chatty target must not fill the disk */
};

typedef struct ftf_worker_options {
    const ftf_paths *paths;
    const ftf_target *target;
    ftf_flavour flavour;
    int index; /* of this place among those of its flavour */
    int cpu; /* FTF_PROC_ANY_CPU: not pinned */
    uint64_t seed;
    bool no_feedback, no_delays;
    const char *schedule;
    const char *catalog; /* path */
    const char *work, *spool, *corpus;
    uint64_t rss_limit_kib;
    uint32_t cold_percent;
    bool exercise; /* count what is exercised, in <work>/<name>.exercise, one file for all processes of a name */
} ftf_worker_options;

typedef struct ftf_counters {
    uint64_t scenarios, refused, runs, calls, accepted, steals, reports, slow;
    uint64_t cold;     /* of the runs, those in a process that had called nothing; its time */
    uint64_t cold_ms;
    uint64_t features; /* the largest of any process */
    uint64_t starts, restarts_memory, restarts_still;
    uint64_t cpu_us; /* user and system time of the processes, from the fork on */
} ftf_counters;

/* A process that ended. The paths are valid until the next tick that starts one. */
typedef struct ftf_worker_death {
    bool happened;
    bool intended; /* we ended it, for its memory: no verdict is needed */
    bool in_order; /* it ended itself, at the end of its epoch: nor here */
    bool early;    /* it had not run one scenario */
    bool hopeless; /* and so had FTF_WORKER_EARLY_MAX before it */
    const char *blackbox_path, *stderr_path;
    ftf_proc_end end;
} ftf_worker_death;

typedef struct ftf_worker ftf_worker;

ftf_status ftf_worker_create(const ftf_worker_options *options, ftf_worker **out, ftf_error *err);
ftf_status ftf_worker_tick(ftf_worker *worker, uint64_t now_ms, ftf_worker_death *death, ftf_error *err);
void ftf_worker_add_counters(const ftf_worker *worker, ftf_counters *sum);

/* The same without the warm process that runs now or ran last: what a record of that one says comes on top of it. */
void ftf_worker_add_earlier(const ftf_worker *worker, ftf_counters *sum);

/* Whether `process` (`tsan0.3`) is, or was, a warm one of this place. */
bool ftf_worker_has(const ftf_worker *worker, const char *process);
const char *ftf_worker_name(const ftf_worker *worker);
const char *ftf_worker_corpus(const ftf_worker *worker); /* its own folder */
ftf_flavour ftf_worker_flavour(const ftf_worker *worker);

/* Adds what its processes have exercised to the map. */
ftf_status ftf_worker_add_exercise(const ftf_worker *worker, ftf_exercise *map, ftf_error *err);

/* Its process died early, but of a finding: that is what workers are for, so it is not held against the place. */
void ftf_worker_forgive(ftf_worker *worker);

/* Asks the process to end; it is given until deadline_ms (of ftf_proc_now_ms) by ftf_worker_stop. */
void ftf_worker_ask_to_stop(ftf_worker *worker);
void ftf_worker_stop(ftf_worker *worker, uint64_t deadline_ms);
void ftf_worker_destroy(ftf_worker *worker);

/* True when a place that has run for total_ms, cold_ms of it cold, owes its cold processes a whole slice. (Not before: most bugs
   are found by warm processes, many within the first second.) */
bool ftf_worker_owes_cold(uint64_t total_ms, uint64_t cold_ms, uint32_t percent);

/* How many scenarios the process of epoch `number` (from 1) runs. What scenarios leave in the module piles up, until one
   that would show a bug no longer can: a freelist that never is empty again, a cache that is full. So a process ends in
   order after a while. How long a while is best nobody knows beforehand, and for that the universal sequence (Luby,
   Sinclair, Zuckerman: Optimal speedup of Las Vegas algorithms, 1993) costs a logarithmic factor at most over the best
   fixed one: 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ... */
uint32_t ftf_worker_epoch(uint32_t number);

/* How long to wait before the next process after `early` early deaths in a row. */
uint64_t ftf_worker_delay_ms(uint32_t early);

#endif
