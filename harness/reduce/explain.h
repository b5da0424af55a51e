#ifndef FTF_REDUCE_EXPLAIN_H
#define FTF_REDUCE_EXPLAIN_H
/*
 * What happens in a finding, for a person who knows the module and not the fuzzer: explain.txt.
 *
 * Replays are exact, so two of them tell everything. The first is traced (base/trace.h): each call with what came of it, and
 * each context switch with the place in the source and the access that was about to happen. It also reports
 * the address at which things went wrong; the second one watches who allocates and frees the memory there.
 *
 * The text has one sentence that names the race, a table with a column for each lane, the stacks shortened to what
 * matters, and the life of the memory.
 *
 *     status = ftf_explain(&attempt, text, signature, &out, &shows, &err);
 */
#include "reduce/attempt.h"

/* *shows is false when the finding did not show in FTF_EXPLAIN_TRIES processes; `out` stays empty then. `options` are those of
   any attempt at it, with a crew or without; FTF_USAGE when their tick says to stop; on_seen, extra and jobs are not used. */
enum { FTF_EXPLAIN_TRIES = 6 };
ftf_status ftf_explain(const ftf_attempt_options *options, const char *text, const char *signature, ftf_text *out,
                       bool *shows, ftf_error *err);

#endif
