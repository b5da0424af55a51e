#ifndef FTF_SCENARIO_PRINT_H
#define FTF_SCENARIO_PRINT_H
/*
 * Scenario to text, the one canonical form: two-space indents, double quotes, one op a line, the schedule last.
 * parse(print(s)) == s, and print(parse(t)) is a fixed point.
 */
#include "base/text.h"
#include "scenario/scenario.h"

void ftf_scenario_print(const ftf_scenario *scenario, ftf_text *out);
void ftf_schedule_print(const ftf_schedule *schedule, ftf_text *out); /* without a newline at its end */
void ftf_op_print(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out);
void ftf_value_print(const ftf_scenario *scenario, const ftf_value *value, ftf_text *out);

#endif
