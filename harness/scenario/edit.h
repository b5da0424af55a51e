#ifndef FTF_SCENARIO_EDIT_H
#define FTF_SCENARIO_EDIT_H
/*
 * Small edits of a scenario: what mutators, crossover and the minimizer are made of. None of them keeps names
 * in order; ftf_scenario_mend does that once at the end.
 */
#include "base/rng.h"
#include "scenario/scenario.h"

/* Where an op stands. */
typedef struct ftf_place {
    int owner;
    uint32_t index;
} ftf_place;

ftf_op *ftf_edit_at(ftf_scenario *scenario, ftf_place place);

/* A random op of the lanes, or of setup when with_setup; false when there is none. */
bool ftf_edit_draw(ftf_scenario *scenario, ftf_rng *rng, bool with_setup, ftf_place *out);

void ftf_edit_remove(ftf_scenario *scenario, ftf_place place);

/* False when the section is full. The op's operands must live in the scenario's arena. */
bool ftf_edit_insert(ftf_scenario *scenario, ftf_place place, const ftf_op *op);

/* A lane that is not this one; -1 when there is only one. */
int ftf_edit_other_lane(const ftf_scenario *scenario, ftf_rng *rng, int lane);

/* Appends an empty lane or takes one out with its ops; false at the limits (FTF_LANES_MAX, and one). */
bool ftf_edit_add_lane(ftf_scenario *scenario);
bool ftf_edit_remove_lane(ftf_scenario *scenario, int lane);

/* The schedule stays as it is. */
void ftf_edit_swap_lanes(ftf_scenario *scenario, int a, int b);

/* Takes out operations and repeats until the scenario is cheap to run and its text well below FTF_SCENARIO_BYTES_MAX.
   The scenario must be mended. */
void ftf_edit_trim(ftf_scenario *scenario, ftf_rng *rng);

#endif
