#ifndef FTF_REDUCE_SHRINK_VALUES_H
#define FTF_REDUCE_SHRINK_VALUES_H
/*
 * Smaller operands: containers with fewer items, shorter strings, smaller numbers, fewer arguments, and results that
 * nobody uses not kept. All edits of a scenario are numbered in the order of its text.
 */
#include <stdbool.h>

#include "scenario/scenario.h"

/* The scenario after the first edit from number *number on that makes its text smaller, and which one that was; false when
   there is none. */
bool ftf_shrink_value(const ftf_scenario *scenario, uint32_t *number, ftf_arena *arena, ftf_scenario *out);

#endif
