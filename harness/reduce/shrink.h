#ifndef FTF_REDUCE_SHRINK_H
#define FTF_REDUCE_SHRINK_H
/*
 * The ways in which a scenario can be made smaller, from coarse to fine: lanes, ops, two lanes in one, repeats, values, switches. It
 * proposes, somebody else judges (reduce/predicate.h), so there is nothing here that runs anything.
 *
 *     ftf_shrink *shrink = ftf_shrink_create(&scenario);
 *     while (ftf_shrink_propose(shrink, arena, &candidate)) {
 *         ftf_shrink_answer(shrink, holds(&candidate) ? &candidate : NULL);
 *     }
 *     best = ftf_shrink_best(shrink);
 *
 * Lanes, ops and switches go by delta debugging (Zeller and Hildebrandt, IEEE TSE 2002, without the test of subsets):
 * first half of them at a time, then a quarter, down to one. All passes are gone through again until one round of
 * them brought nothing, so the result is 1-minimal: nothing that a proposal takes away can be taken away alone.
 *
 * An op goes together with what cannot be without it: the ops that use a slot which only it assigned. Switches that
 * were inside an op that goes happen at the boundary of the op behind it, so that the lanes still meet in the same order.
 *
 * Each accepted proposal is smaller by the number of lanes, ops, repeats, then the text, then switches: it ends.
 * Ownership: shrink copies what it is given. Threads: none shared.
 */
#include <stdbool.h>

#include "scenario/scenario.h"

typedef struct ftf_shrink ftf_shrink;

/* The scenario is valid: as parsed, or mended. */
ftf_shrink *ftf_shrink_create(const ftf_scenario *scenario);
void ftf_shrink_destroy(ftf_shrink *shrink);

/* The next smaller scenario, made in `arena`; it is valid. False when nothing is left to try. */
bool ftf_shrink_propose(ftf_shrink *shrink, ftf_arena *arena, ftf_scenario *out);

/* What became of the last proposal: `accepted` is it, or it with another schedule, and is the best from now on; NULL when it
   does not do. */
void ftf_shrink_answer(ftf_shrink *shrink, const ftf_scenario *accepted);

/* Whether other switches may be looked for when the last proposal did not hold: not where it is about nothing but these. */
bool ftf_shrink_may_search(const ftf_shrink *shrink);

/* The smallest scenario so far; valid until the next answer. */
const ftf_scenario *ftf_shrink_best(const ftf_shrink *shrink);

/* ---- what passes are made of ---- */

/* Lanes, ops, repeats beyond the first, text and switches of a scenario: how a person would measure it. */
typedef struct ftf_shrink_size {
    uint32_t lanes;               /* with an op in them */
    uint32_t lane_ops, other_ops; /* other: of setup and finish */
    uint32_t switches;
} ftf_shrink_size;

ftf_shrink_size ftf_shrink_measure(const ftf_scenario *scenario);

#endif
