#ifndef FTF_SCENARIO_PARSE_H
#define FTF_SCENARIO_PARSE_H
/*
 * Text to scenario. Every input either parses or is refused with a line and a reason; nothing is guessed and
 * nothing beyond the stated bounds is accepted. `#` begins a comment; blank lines mean nothing.
 */
#include <stddef.h>

#include "scenario/scenario.h"

/* The scenario's nodes are allocated in arena. On refusal err says the line and why, and *out is unusable. */
ftf_status ftf_scenario_parse(const char *text, size_t len, ftf_arena *arena, ftf_scenario *out, ftf_error *err);

/* One value on its own, such as a catalog's literal. Slots are not known: every bare name is a GLOBAL. */
ftf_status ftf_value_parse(const char *text, size_t len, ftf_arena *arena, ftf_value *out, ftf_error *err);

#endif
