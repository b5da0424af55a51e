#ifndef FTF_ENGINE_COLD_H
#define FTF_ENGINE_COLD_H
/*
 * Cold runs. Many bugs are there only when something is done for the first time in a process: lazy statics, caches, what a
 * type or a module sets up when it is first asked. A worker runs thousands of scenarios, and all but the first are warm.
 *
 * A cold server has imported the target and called nothing of it. It has a single thread, and forks a process for each run:
 * lanes and watchdog are made there, one scenario is run under one plan, and the process ends. The first process of a
 * scenario runs the lanes one after the other and learns, in shared memory, where the first of them touches what the others
 * touch, too: exact knowledge of a cold run, which no warm run could give. The second switches at each boundary between
 * ops, because locks on the way order what lies far apart; the others, up to --rounds, are interrupted inside many ops
 * each (ftf_op_drop).
 *
 * To the supervisor it is one worker: the processes share its black box, its spool and its standard error, and when one of
 * them does not end in order, the server ends in the same way at once. Each run is number one of its process.
 *
 * Scenarios are storms (scenario/generate.h), and each fourth is an ordinary one; which one number n is depends on
 * --cold-seed and n alone. Time only decides how many there are.
 */
#include "base/blackbox.h"
#include "engine/options.h"
#include "scenario/catalog.h"
#include "sched/sched.h"

/* Brings up what a run needs and runs the scenario; in a process of its own. */
typedef void (*ftf_cold_run)(const char *text, size_t len, const ftf_run_plan *plan);

/* Serves for --cold-ms, and ends the process. */
_Noreturn void ftf_cold_serve(const ftf_options *options, const ftf_catalog *catalog, ftf_blackbox *box,
                              ftf_cold_run run);

#endif
