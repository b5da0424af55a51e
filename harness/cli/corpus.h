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
 * A process begins without coverage, so what it takes for new is mostly not: some 80 files a second. The corpus keeps
 * FTF_CORPUS_MAX of them, seeds not counted. When it is full, a new scenario takes the place of one that is drawn at random: of
 * those that came long ago always fewer are left, and none is sure to go.
 *
 *     ftf_corpus_open(folder, quarantine, seeds, seed, &corpus, &err);
 *     ftf_corpus_share(corpus, own, &names, &err); ftf_corpus_give(corpus, &names, other);
 *     ftf_corpus_close(corpus);
 *
 * The folder is listed once, at the start: nobody else adds files to it. The same seed and the same calls give the same corpus.
 *
 * Threads: one. The workers add files to their own folders at any time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/rng.h"
#include "base/status.h"

enum { FTF_CORPUS_MAX = 4096 };

typedef struct ftf_corpus ftf_corpus;

/* Makes the folders and copies the seeds (*.ft) of some folders (NULL-terminated; "" is skipped) that are not in quarantine.
   A seed that does not parse is an error that names its file and line. Of a corpus that is too large already, the
   files that go are drawn at once. */
ftf_status ftf_corpus_open(const char *folder, const char *quarantine, const char *const *seeds, uint64_t seed,
                           ftf_corpus **out, ftf_error *err);

/* Its files stay. NULL is fine. */
void ftf_corpus_close(ftf_corpus *corpus);

/* Moves every file of the corpus that says the same as text, whatever its schedule, into quarantine. Returns how many.
 */
int ftf_corpus_quarantine(ftf_corpus *corpus, const char *text);

/* Makes the folder `own` anew, with at most `most` files of the folder of a corpus in it, drawn with rng. */
ftf_status ftf_corpus_sample(const char *folder, const char *own, size_t most, ftf_rng *rng, ftf_error *err);

/* Puts what `own` has, and what neither was in the corpus before nor is in quarantine, into the corpus; names gets what
   that was. */
ftf_status ftf_corpus_share(ftf_corpus *corpus, const char *own, ftf_names *names, ftf_error *err);

/* Puts the named files of the corpus, as far as they are still there, into `own`, where a running process will see them. */
void ftf_corpus_give(const ftf_corpus *corpus, const ftf_names *names, const char *own);

#endif
