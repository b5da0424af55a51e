#ifndef FTF_SCENARIO_MEND_H
#define FTF_SCENARIO_MEND_H
/*
 * Makes a scenario that was edited freely a valid one again, so that generator and mutators need not think about names.
 *
 * It reads the scenario the way the parser would read its text: a slot is looked up by its name at the place where it
 * stands. A use of a slot that is not there becomes a use of another one; an operation whose receiver is gone, or
 * that cannot be written down, is left out. Slots that nothing assigns any more are forgotten. After it,
 * parse(print(s)) == s.
 */
#include "scenario/scenario.h"

void ftf_scenario_mend(ftf_scenario *scenario);

#endif
