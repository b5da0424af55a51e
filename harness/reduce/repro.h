#ifndef FTF_REDUCE_REPRO_H
#define FTF_REDUCE_REPRO_H
/*
 * Makes repro.py of a finding (script.h) and measures it: in how many runs does a stock interpreter end badly, and in how
 * many does the interpreter of the finding's sanitizer report *this* finding (sighting.h)?
 *
 *     status = ftf_repro(&options, store, id, &result, &err);
 *
 *     <folder>/repro.py
 *     finding.json    "repro": {"plain": {"k", "n", "how"}, "sanitizer": {"k", "n", "how", "flavour"}, "rounds": n,
 *                      "seconds": n, "copies": n, "times": n, "first_calls": bool}
 *
 * There are a few ways to run the lanes; under the sanitizer each is given up to three runs, and the one that shows it
 * in most of them, and soonest, is kept. The first that shows it in all of them ends the trials. When they show it
 * seldom, the other sanitizer has its turn: a use after free whose window no free run hits is still a race to TSan.
 *
 * Runs come one after the other, because each has as many threads as there are lanes. One under a sanitizer ends as soon as it
 * has reported the finding. On a stock interpreter anything bad counts: a signal, an abort, threads that are stuck; when half of
 * the runs there showed nothing, the other half is not run.
 *
 * Blocks; `tick` as in attempt.h. What was written before it said to give up stays: a script without figures.
 */
#include "findings/store.h"
#include "reduce/script.h"

typedef struct ftf_repro_python {
    const char *executable;
    const char *path;    /* where it finds the module; "": it knows */
    const char *flavour; /* "plain", "tsan", "asan" */
} ftf_repro_python;

typedef struct ftf_repro_options {
    ftf_repro_python plain;
    ftf_repro_python sanitizers[2]; /* the finding's own first; `executable` NULL where there is none */
    const ftf_catalog *catalog;
    ftf_symbolizer *symbolizer;
    const char *scratch;      /* a folder for temporary ones; made when missing */
    uint32_t n;               /* runs on each interpreter */
    uint32_t seconds;         /* of a run; 0: FTF_REPRO_SECONDS */
    bool (*tick)(void *self); /* may be NULL */
    void *self;
} ftf_repro_options;

typedef struct ftf_repro_result {
    ftf_script_way way;
    ftf_script_rate plain, sanitizer;
    const char *flavour; /* of the sanitizer that was measured */
    bool gave_up;
} ftf_repro_result;

enum { FTF_REPRO_RUNS = 10, FTF_REPRO_SECONDS = 5 };

/* FTF_SETUP when the script does not run at all, with its last words. */
ftf_status ftf_repro(const ftf_repro_options *options, ftf_store *store, const char *id, ftf_repro_result *result,
                     ftf_error *err);

#endif
