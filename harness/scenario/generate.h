#ifndef FTF_SCENARIO_GENERATE_H
#define FTF_SCENARIO_GENERATE_H
/*
 * Scenarios from nothing. A generated scenario is small (2 lanes, 3 now and then; 1 to 6 ops each) and built around
 * one or two shared objects, because that is what races need. What pairs well is drawn on purpose, not by luck: a
 * mutator with a reader, a mutator with a mutator, clear/close/__setstate__ with anything, next with next to
 * exhaustion, a buffer export with a resize, attribute set with methods, an *argument* that another lane mutates, the
 * same call on all lanes, objects dropped on a lane that did not make them, gc.collect() beside either.
 *
 * Same catalog and same rng state give the same scenario.
 */
#include "base/rng.h"
#include "scenario/catalog.h"
#include "scenario/scenario.h"

/* A fresh scenario with `schedule pct` and a seed from rng. Always valid: print and parse accept it. */
void ftf_generate(const ftf_catalog *catalog, ftf_rng *rng, ftf_arena *arena, ftf_scenario *out);

/*
 * A storm: lanes that make the same calls in the same order, each call once, none of them made before in this scenario. In
 * a process that has called nothing it is a race for every first call in it. Storm `number` of a seed is always the same
 * one; consecutive numbers go through all callables, then through them again in another order. A target with nothing to
 * call gets what ftf_generate gives.
 */
void ftf_generate_storm(const ftf_catalog *catalog, uint64_t seed, uint64_t number, ftf_arena *arena,
                        ftf_scenario *out);

/* One more op for a section, drawn from what its slots can do; false when the section is full. */
bool ftf_generate_op(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario, int owner);

/* A value for an argument descriptor, usable inside section owner. */
ftf_value ftf_generate_arg(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario, int owner,
                           const ftf_arg *arg);

#endif
