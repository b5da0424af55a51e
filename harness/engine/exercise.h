#ifndef FTF_ENGINE_EXERCISE_H
#define FTF_ENGINE_EXERCISE_H
/*
 * Keeps the exercise map (base/exercise.h) of this worker place: after each run, what was called in it, and which ops on one
 * shared object were under way at the same time.
 *
 *     ftf_exercise_start(path, catalog, &err);         once in a process; before cold runs fork, which then share the map
 *     ftf_exercise_begin(&scenario);
 *         ftf_exercise_run(pool);                      after each run
 *         ftf_exercise_overlap(...);                   for each overlap of that run (sched/flow.h), when it is known
 *
 * Without a map all of this does nothing. What a slot holds is told from the catalog and the lines that assign it, as the
 * generator does (scenario/gen.h). Calls are counted in every run, overlaps only where the run was deterministic: those of
 * free runs, and of runs in which a lane was robbed of the token, nobody knows exactly.
 *
 * Threads: main thread, while no lane runs: to ThreadSanitizer it is ordered before and after all that lanes do.
 */
#include "lanes/pool.h"
#include "scenario/catalog.h"

/* Maps the file; path NULL: nobody wants to know. */
ftf_status ftf_exercise_start(const char *path, const ftf_catalog *catalog, ftf_error *err);

/* The scenario whose runs follow; borrowed until the next one. */
void ftf_exercise_begin(ftf_scenario *scenario);

void ftf_exercise_run(const ftf_pool *pool);

/* In that run lane `other` ran its op number other_op while `lane` had not ended its op number op. */
void ftf_exercise_overlap(int lane, uint32_t op, int other, uint32_t other_op);

#endif
