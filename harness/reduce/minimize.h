#ifndef FTF_REDUCE_MINIMIZE_H
#define FTF_REDUCE_MINIMIZE_H
/*
 * Makes a finding's scenario as small as a person would like to read it: first the scenarios before it, where it needs any,
 * then lanes, ops, repeats, values and switches (shrink.h), as long as fresh processes show the same signature
 * (predicate.h).
 *
 * A finding that shows only now and then is first looked for under other schedules, since a sure one can be judged by a
 * few processes. When none is sure, a step is accepted that keeps nine tenths of the rate there was.
 *
 * Nothing is lost at any moment: the folder has its scenario.ft until a smaller one has been measured, then that one;
 * original.ft is never touched. What was reached so far is in minimize.json, written every other second, and the next
 * call goes on from there, also after a kill -9.
 *
 *     minimize.json   {"format": 1, "from": <hash of scenario.ft>, "best": "ftfuzz 1...", "refused": [<hash>, ...],
 *                      "processes": n, "ms": n}
 *     finding.json    "minimized": {"lanes", "ops", "setup_ops", "switches", "scenarios", "bytes", "finished",
 *                      "processes", "seconds"}
 */
#include "findings/store.h"
#include "reduce/attempt.h"
#include "reduce/shrink.h"

typedef struct ftf_minimize_options {
    ftf_attempt_options attempt; /* its tick may end everything; what was reached is kept */
    uint64_t time_ms;            /* for all steps; measuring the result comes on top */
    uint32_t runs;               /* for measuring it */
} ftf_minimize_options;

typedef struct ftf_minimized {
    bool shows;                    /* false: it did not show again, so nothing was changed */
    bool stopped; /* tick said so: what was reached is kept, and nothing was measured */
    bool stored;  /* the result is the finding's scenario now */
    bool finished;                 /* nothing smaller is left to try */
    ftf_shrink_size before, after; /* of the scenario in which it shows */
    uint32_t scenarios_before, scenarios_after;
    size_t bytes_before, bytes_after;
    uint64_t processes, ms; /* of this call and those before it */
    ftf_replay replay;      /* of the result */
} ftf_minimized;

enum { FTF_MINIMIZE_RUNS = 20, FTF_MINIMIZE_MS = 60 * 1000 };

/* The finding's text in the store becomes the smallest one that was found, and its replay rate that one's. */
ftf_status ftf_minimize(const ftf_minimize_options *options, ftf_store *store, const char *id, ftf_minimized *out,
                        ftf_error *err);

#endif
