#ifndef FTF_CLI_SUSPECTS_H
#define FTF_CLI_SUSPECTS_H
/*
 * Which two operations on one object a finding is about: what `ftfuzz check` marks in the table of pairs.
 *
 * A report names places in C, and not which of a lane's calls they were reached from. So its scenario is asked, which is as small
 * as it could be made: of the pairs of ops of two lanes on one shared object, those that explain.txt says the two accesses were
 * in, else those around the last hand-over, else all there are, unless they are many. None is an answer, too: of two functions
 * that share no object, or of a scenario that nobody has made smaller.
 *
 * Pure. Threads: no state.
 */
#include "base/arena.h"
#include "cli/exercised.h"
#include "findings/report.h"

enum { FTF_SUSPECTS_MAX = 4 /* of one finding */ };

/* How many were stored in `out`; what they point to lives in the arena or the catalog. */
size_t ftf_suspects_find(const ftf_catalog *catalog, const ftf_report_finding *finding, ftf_arena *arena,
                         ftf_suspect out[FTF_SUSPECTS_MAX]);

#endif
