#ifndef FTF_CLI_CORPUS_H
#define FTF_CLI_CORPUS_H
/*
 * The corpus of a campaign, its quarantine, and the folder that each worker process has of its own.
 *
 *     <out>/corpus/                 scenarios worth mutating; the reviewed seeds are copied in as seed-<name>
 *     <out>/quarantine/             scenarios that ended a worker
 *     <out>/work/<worker>.corpus/   what one process reads and adds to: hard links
 *
 * libFuzzer runs its whole corpus at every start. Two things would keep a campaign on a broken module from ever
 * mutating anything: a scenario in the corpus that ends the process ends the next one, too; and a corpus of hundreds, a
 * few of which crash under one schedule in ten, is not survived by any process. So a scenario that ended a worker
 * leaves the corpus (it is kept, and a seed that is in quarantine is not copied in again), and a process begins with
 * a sample. What it finds is shared, and given to the others while they run.
 *
 * Threads: one. The workers add files to their own folders at any time.
 */
#include <stdbool.h>

#include "base/fs.h"
#include "base/rng.h"
#include "base/status.h"

/* Makes the folders and copies the seeds (*.ft) that are neither in the corpus nor in quarantine. seeds may be "". A
   seed that does not parse is an error that names its file and line. */
ftf_status ftf_corpus_prepare(const char *corpus, const char *quarantine, const char *seeds, ftf_error *err);

/* Moves every file of the corpus that says the same as text, whatever its schedule, into quarantine. Returns how many.
 */
int ftf_corpus_quarantine(const char *corpus, const char *quarantine, const char *text);

/* Makes the folder `own` anew, with at most `most` files of the corpus in it, drawn with rng. */
ftf_status ftf_corpus_sample(const char *corpus, const char *own, size_t most, ftf_rng *rng, ftf_error *err);

/* Puts what `own` has and neither the corpus nor the quarantine has into the corpus; names gets what that was. */
ftf_status ftf_corpus_share(const char *own, const char *corpus, const char *quarantine, ftf_names *names,
                            ftf_error *err);

/* Puts the named files of the corpus into `own`, where a running process will see them. */
void ftf_corpus_give(const char *corpus, const ftf_names *names, const char *own);

#endif
