#ifndef FTF_SCENARIO_MUTATE_H
#define FTF_SCENARIO_MUTATE_H
/*
 * Scenarios from scenarios. One X-macro table (mutators.def) with weights: insert, delete, duplicate, move between
 * lanes, swap an argument, repeat x32, share an argument between lanes, pair ops on one object, splice with another
 * scenario, change the schedule. The result is always valid (uses of a slot that is gone are mended or dropped).
 */
#include "base/rng.h"
#include "scenario/catalog.h"
#include "scenario/scenario.h"

/* Applies 1 to 4 mutations to scenario in place (nodes come from its arena). */
void ftf_mutate(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario);

/* A child of two parents, in the arena of out. */
void ftf_crossover(const ftf_catalog *catalog, ftf_rng *rng, const ftf_scenario *a, const ftf_scenario *b,
                   ftf_arena *arena, ftf_scenario *out);

#endif
