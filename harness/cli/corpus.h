#ifndef FTF_CLI_CORPUS_H
#define FTF_CLI_CORPUS_H
/*
 * The corpus folder that all workers of a campaign share, and its quarantine.
 *
 *     <out>/corpus/        scenarios worth mutating; the reviewed seeds are copied in as seed-<name>
 *     <out>/quarantine/    scenarios that ended a worker
 *
 * libFuzzer runs its whole corpus at every start. One scenario in it that ends the process would do so again each time,
 * and the campaign would go no further; so a scenario that ended a worker leaves the corpus. It is kept, and a seed
 * that is in quarantine is not copied in again.
 *
 * Threads: one. The workers add files to the corpus at any time.
 */
#include <stdbool.h>

#include "base/status.h"

/* Makes the folders and copies the seeds (*.ft) that are neither in the corpus nor in quarantine. seeds may be "". A
   seed that does not parse is an error that names its file and line. */
ftf_status ftf_corpus_prepare(const char *corpus, const char *quarantine, const char *seeds, ftf_error *err);

/* Moves every file of the corpus that says the same as text, whatever its schedule, into quarantine. Returns how many.
 */
int ftf_corpus_quarantine(const char *corpus, const char *quarantine, const char *text);

#endif
