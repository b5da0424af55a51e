#ifndef FTF_SCENARIO_EXECUTED_H
#define FTF_SCENARIO_EXECUTED_H
/*
 * What a run did with the token, as a schedule that does it again. The switches are given by op (ftf_switch.in_op), so
 * that they keep their meaning when a reader or the minimizer takes another op out.
 */
#include "base/blackbox.h"
#include "scenario/scenario.h"

/* Puts the hand-overs of the run that the box has now, or had last, in place of the scenario's schedule. Leaves it alone
   after a free run, and when there were more hand-overs than the box could hold. The list is made in `arena`. */
void ftf_schedule_executed(const ftf_blackbox *box, ftf_arena *arena, ftf_schedule *schedule);

#endif
