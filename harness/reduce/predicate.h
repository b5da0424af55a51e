#ifndef FTF_REDUCE_PREDICATE_H
#define FTF_REDUCE_PREDICATE_H
/*
 * What the minimizer asks of each smaller scenario: does it still show this finding? Answered by fresh processes and a
 * sequential test (attempt.h, sequential.h), once for each text: verdicts are remembered by hash, and those that said no can be
 * kept for another day.
 *
 * A smaller scenario under the old switches may fail only because a switch is in the wrong place now. So one can also
 * ask for switches: the scenario is run under a few dozen fresh schedules in one process, and when one of those shows
 * the finding, the switches of that run are tried in fresh processes of their own.
 *
 * A replay that shows another finding is no success. When nobody has seen that one before, it is filed in the store.
 *
 * Ownership: the caller owns everything it gives, and the predicate. Threads: one at a time. All functions block, and
 * stop early when the attempt's `tick` says so; ftf_predicate_gave_up is true then, and the answer means nothing.
 */
#include "findings/store.h"
#include "reduce/attempt.h"
#include "scenario/scenario.h"

typedef struct ftf_predicate ftf_predicate;

/* The signature is copied, options and store are borrowed; options->on_seen and ->test are not used. */
ftf_predicate *ftf_predicate_create(const ftf_attempt_options *options, ftf_store *store, const char *signature);
void ftf_predicate_destroy(ftf_predicate *predicate);

/* What counts as a yes from now on. At first 0.95 against 0.5. */
void ftf_predicate_use(ftf_predicate *predicate, const ftf_sequential *test);

/* Whether the text (a scenario or a sequence) shows it. */
ftf_status ftf_predicate_holds(ftf_predicate *predicate, const char *text, bool *holds, ftf_error *err);

/* How often it does: k of n. */
ftf_status ftf_predicate_measure(ftf_predicate *predicate, const char *text, uint32_t n, ftf_attempt_result *result,
                                 ftf_error *err);

/* Looks for switches under which the scenario, behind the text of those in `lead` ("" when there are none), shows it. When
   *holds, *out has the scenario with them, in `arena`. */
ftf_status ftf_predicate_search(ftf_predicate *predicate, const char *lead, const ftf_scenario *scenario,
                                ftf_arena *arena, ftf_scenario *out, bool *holds, ftf_error *err);

/* Whether a measured rate is worse than a yes allows. */
bool ftf_predicate_refutes(const ftf_predicate *predicate, const ftf_attempt_result *result);

bool ftf_predicate_gave_up(const ftf_predicate *predicate);

/* Processes that were run so far. */
uint64_t ftf_predicate_processes(const ftf_predicate *predicate);

/* The hashes of texts that were refused, and the way back. */
const uint64_t *ftf_predicate_refused(const ftf_predicate *predicate, size_t *count);
void ftf_predicate_refuse(ftf_predicate *predicate, uint64_t hash);

#endif
