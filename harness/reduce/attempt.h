#ifndef FTF_REDUCE_ATTEMPT_H
#define FTF_REDUCE_ATTEMPT_H
/*
 * An attempt: does this scenario show that finding? A concurrent verdict is a rate, never a bool, so the answer is k
 * of n *fresh* processes: one process that replays the scenario many times would let what the first replay left
 * behind (warm caches, a disarmed TSan cell, a corrupted heap) decide about the later ones. It is the predicate of
 * `ftfuzz replay`, of confirming what a campaign found, and of the minimizer.
 *
 *     ftf_attempt_options options = {.worker = ".../ftfuzz-worker-tsan", .flavour = "tsan", .home = prefix,
 *                                    .catalog_path = json, .catalog = catalog, .symbolizer = symbolizer,
 *                                    .scratch = out, .jobs = 2, .deadline_ms = 30000};
 *     status = ftf_attempt_replay(&options, text, signature, 20, &result, &err);
 *     printf("replayed %u/%u\n", result.k, result.n);
 *
 * Each process gets a folder of its own below `scratch` (black box, spool, stderr), is pinned to one CPU, and is
 * killed at the deadline. Its records, or the crash record of its death, are turned into findings the way a campaign
 * does it; it counts when one of them has the signature asked for. With signature NULL any finding counts, and
 * `others` names what was seen.
 *
 * A process that failed for a reason of ours (exit 83, 85, could not start) is neither: it is counted in `broken`, and
 * an attempt whose processes were all broken is an error with the last one's words.
 *
 * Blocks, but calls `tick` at least every 50 ms, so that a supervisor stays alive meanwhile; tick returns false to
 * give up, and the result then holds what was measured so far (n is the number of finished processes).
 */
#include <stdbool.h>
#include <stdint.h>

#include "findings/finding.h"
#include "findings/store.h"
#include "reduce/sequential.h"

enum {
    FTF_ATTEMPT_OTHERS_MAX = 32,
    FTF_ATTEMPT_DEADLINE_MS = 60 * 1000,
    FTF_ATTEMPT_JOBS_MAX = 64,
};

typedef struct ftf_crew ftf_crew;

typedef struct ftf_attempt_options {
    const char *worker;         /* the executable of the finding's flavour */
    const char *flavour;        /* "tsan" or "asan" */
    const char *home;           /* --home */
    const char *const *paths;   /* --path, NULL-terminated; may be NULL */
    const char *const *extra;   /* more arguments for the worker, NULL-terminated; may be NULL */
    const char *catalog_path;   /* --catalog */
    const ftf_catalog *catalog; /* the same, loaded */
    ftf_symbolizer *symbolizer;
    const char *scratch;        /* a folder for temporary ones; made when missing */
    uint32_t jobs;              /* processes at a time; 0 means 1 */
    int first_cpu;              /* job j is pinned to CPU first_cpu + j, modulo those there are; -1: not pinned */
    bool zygote;                /* the worker understands --serve: fork the processes after the import */
    uint64_t deadline_ms;       /* per process; 0: FTF_ATTEMPT_DEADLINE_MS */
    uint32_t enough;            /* stop once k reached this; 0: run all n */
    uint32_t hopeless;          /* stop once so many processes ran and k is still 0; 0: run all n */
    const ftf_sequential *test; /* stop once it is decided; NULL: there is none */
    ftf_crew *crew;             /* with zygote: those that stay from attempt to attempt; NULL: each has its own */
    bool (*tick)(void *self);   /* may be NULL */
    void *self;
    /* May be NULL: called for each finding that a process showed, the one asked for or another. */
    void (*on_seen)(void *witness, const ftf_record *record, const ftf_finding *finding);
    void *witness;
} ftf_attempt_options;

typedef struct ftf_attempt_result {
    uint32_t k, n;        /* of n processes that said something, k showed the signature */
    uint32_t silent;      /* of n: nothing seen at all */
    uint32_t broken;      /* not in n: failed for a reason of ours */
    uint32_t timeouts;    /* of n: killed at the deadline */
    uint32_t steals;      /* most steals in a process that showed it */
    uint32_t other_count; /* different findings seen, with how many processes showed each */
    struct {
        char id[64];
        char title[200];
        uint32_t seen;
    } others[FTF_ATTEMPT_OTHERS_MAX];
    char trouble[500]; /* what the last broken process said */
    bool gave_up;      /* tick said so */
} ftf_attempt_result;

/*
 * Zygotes that outlive an attempt: half a second of starting and importing is saved each time. For attempts of one
 * worker with the same catalog, home, paths and CPUs, one attempt after the other.
 */
ftf_crew *ftf_crew_create(void);
void ftf_crew_destroy(ftf_crew *crew); /* NULL is fine */

/* Replays text (one scenario or a sequence) n times. */
ftf_status ftf_attempt_replay(const ftf_attempt_options *options, const char *text, const char *signature, uint32_t n,
                              ftf_attempt_result *result, ftf_error *err);

/*
 * Confirms a finding of a store: replays its scenario n times (FTF_CONFIRM_FIRST when all of those stay silent), and
 * when that does not show it surely (ftf_replay_is_sure) looks for the shortest sequence that does: the scenario twice
 * (the first run warms up caches, buffers and lazy statics), then behind all the rounds that the campaign ran of it,
 * then behind those and the 1, 2, 4, ... scenarios before it in its process. Stores the scenarios that did best, and
 * their rate. The finding's folder is never without a scenario.
 *
 * A replay often shows other findings as well. Those that every process showed are filed with this scenario and this
 * figure where they have none of their own (ftf_store_adopt), unless it took a sequence: a module with forty races
 * is confirmed in a few replays.
 * What was measured before `tick` said to give up is stored, too, unless it decides nothing.
 */
enum { FTF_CONFIRM_FIRST = 3, FTF_CONFIRM_SEQUENCE = 2 /* processes to try one sequence */ };
ftf_status ftf_attempt_confirm(const ftf_attempt_options *options, ftf_store *store, const char *id, uint32_t n,
                               ftf_attempt_result *result, ftf_error *err);

#endif
