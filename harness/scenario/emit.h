#ifndef FTF_SCENARIO_EMIT_H
#define FTF_SCENARIO_EMIT_H
/*
 * Scenarios as Python: the part of a reproducer that says what is called. Each section becomes a function,
 *
 *     def setup():                          def lane_1(a):
 *         a = None                              for _ in range(32):
 *         try: a = OrderedDict()                    try: a.move_to_end("k")
 *         except Exception: pass                    except Exception: pass
 *         return (a,)
 *
 * with the imports and recipes that they need before them and a table behind them, which harness/python/rounds.py runs:
 *
 *     SCENARIOS = [(setup, [lane_1, lane_2], None, True)]     finish, whether the objects outlive the lanes
 *
 * What a lane calls is what python/step.c calls: an op that raises ends by itself, operands that do not depend on slots are
 * made once, an in-place operator binds nothing, list() takes at most a thousand items. What cannot be said is where the
 * lanes switch, so the schedule is left out.
 *
 * Where a name of a slot means something else in the script, or in its function, it gets underscores behind it.
 *
 * Pure: text follows from the arguments. Threads: no state.
 */
#include "base/text.h"
#include "scenario/catalog.h"
#include "scenario/scenario.h"

typedef struct ftf_emit_options {
    const ftf_catalog *catalog; /* which names are the target's; NULL: the script finds out */
    const char *recipes;        /* the text of python/recipes.py */
    bool system_error;          /* a SystemError is what there is to be seen: call failed() */
} ftf_emit_options;

/* Scenarios that run one after the other, all of one target. Every line ends in a newline. */
void ftf_emit(const ftf_scenario *const *scenarios, uint32_t count, const ftf_emit_options *options, ftf_text *out);

/* Whether a lane gives up a shared object (`del a`): it is to be the last one who has it. */
bool ftf_emit_drops(const ftf_scenario *scenario);

#endif
