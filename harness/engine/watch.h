#ifndef FTF_ENGINE_WATCH_H
#define FTF_ENGINE_WATCH_H
/*
 * The watchdog: a thread of its own that notices when a run does not end. libFuzzer's alarm does not reach a process
 * under TSan whose main thread waits in a raw futex (FACTS), so it is ours.
 *
 * It tells three things apart. All lanes wait for each other: `deadlock`. A lane sleeps in a call that does not return: `hang`.
 * A lane computes: the scenario is merely slow, which is no finding; the process gives it up. In each case the process
 * cannot go on, so the verdict with the stacks of all lanes goes into the black box and the process ends with
 * FTF_WORKER_EXIT_STUCK or FTF_WORKER_EXIT_SLOW.
 */
#include "base/blackbox.h"
#include "lanes/pool.h"

enum { FTF_WORKER_EXIT_STUCK = 84, FTF_WORKER_EXIT_SETUP = 85, FTF_WORKER_EXIT_SLOW = 86 };

void ftf_watch_start(ftf_blackbox *box, const ftf_pool *pool, int deadline_ms);

/* All lanes are blocked: the scheduler's ftf_stuck. Does not return. */
void ftf_watch_deadlock(void);

#endif
