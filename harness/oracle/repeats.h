#ifndef FTF_ORACLE_REPEATS_H
#define FTF_ORACLE_REPEATS_H
/*
 * Races that TSan need not report again.
 *
 * A report costs TSan up to a millisecond, most of it for finding the stack of the older access in that thread's history,
 * before anybody can say that the same pair has been seen a hundred times. On a module that races all the time that was two
 * thirds of the whole CPU time. We know who met whom from the scheduler's log (sched/flow.h): two instructions, and the
 * ops that the lanes are in. When reports of such a meeting have been swallowed as repeats before, TSan's ReportRace is not entered.
 *
 * TSan also disarms the 8 bytes of a race that it has reported, which hides every other race there until the memory is allocated
 * anew. Around a meeting that is known, the access is recorded there as if it had not raced: the next one is seen.
 *
 * Of the accesses that lie in those bytes TSan reports the first that races and forgets the others; which one that is depends
 * on what lay there before, and with it on all that the process has done. So the access is made once more, against what is left,
 * until no race is: what a run shows is then the run's own, and a replay shows what the campaign saw.
 *
 * How: the linker leads the runtime's call of __tsan::ReportRace here (--wrap; ci/cmake/ftfuzz.cmake). With a runtime that has no
 * such symbol, or another layout of shadow memory, all reports go through as ever, only slower.
 */
#include "scenario/scenario.h"

enum {
    FTF_KNOWN_AFTER = 2, /* reports in a row that were swallowed, and a meeting is known */
    FTF_LOOK_AGAIN = 32, /* of a known one, one in so many is reported all the same: two may share a number */
};

/* Main thread, before the first run of a scenario: what its ops call is half of the identity of a meeting, since many ops end in the same
   few instructions of the interpreter. */
void ftf_repeats_begin(const ftf_scenario *scenario);

#endif
