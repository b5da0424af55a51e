#ifndef FTF_REDUCE_CONTROL_H
#define FTF_REDUCE_CONTROL_H
/*
 * The control run: does a finding need the GIL to be off? Those that do not are older bugs, which every user of the module has;
 * those that do are what a port to free-threading is about. Each is replayed with the GIL forced on (the worker's --gil), as it
 * is without.
 *
 *     status = ftf_control(&options, store, id, 10, &result, &err);
 *
 *     finding.json    "gil": {"label": "only without the GIL", "with_gil": {"k", "n"}, "without_gil": {"k", "n"}}
 *
 * With the GIL on lanes change hands only where a call gives it up, and a switch that is asked for elsewhere waits until then. So
 * where the finding's own schedule does not show it, a few dozen others are tried as well, and "only" is said when none did.
 * It is said of what was tried, as is a rate of 0.
 */
#include "findings/store.h"
#include "reduce/attempt.h"

typedef struct ftf_control_result {
    const char *label; /* NULL: the finding does not show without the GIL, either, so there is nothing to compare */
    ftf_replay with_gil, without_gil;
    bool gave_up; /* tick said so: nothing was stored */
} ftf_control_result;

#define FTF_CONTROL_ONLY "only without the GIL"
#define FTF_CONTROL_ALSO "also with the GIL"

enum { FTF_CONTROL_RUNS = 10 };

/* Runs n processes with the GIL, and n without where nobody has measured that. The options' `extra` and `crew` are not used. */
ftf_status ftf_control(const ftf_attempt_options *options, ftf_store *store, const char *id, uint32_t n,
                       ftf_control_result *result, ftf_error *err);

#endif
