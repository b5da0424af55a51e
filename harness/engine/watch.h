#ifndef FTF_ENGINE_WATCH_H
#define FTF_ENGINE_WATCH_H
/*
 * The watchdog: a thread of its own that notices when a run does not end. libFuzzer's alarm does not reach a process
 * under TSan whose main thread waits in a raw futex (FACTS), so it is ours.
 *
 * It tells three things apart. All lanes wait for each other: `deadlock`, which the scheduler finds out. A lane sleeps and
 * nobody computes until the deadline, or a call that returned in the serial runs goes on for millions of points: `hang`.
 * Somebody computes when the scenario has used up its time, all rounds together: it is merely slow, which is no finding; the
 * process gives it up. In each case the process cannot go on, so the verdict
 * (engine/verdict.h) goes into the black box and the process ends with FTF_WORKER_EXIT_STUCK or FTF_WORKER_EXIT_SLOW.
 */
#include "base/blackbox.h"
#include "lanes/pool.h"
#include "vm.h"

enum { FTF_WORKER_EXIT_STUCK = 84, FTF_WORKER_EXIT_SETUP = 85, FTF_WORKER_EXIT_SLOW = 86 };

typedef struct ftf_watch_options {
    ftf_blackbox *box;
    const ftf_pool *pool;
    const ftf_vm *vm;
    int deadline_ms; /* of one scenario */
    bool replays;    /* a scenario that is known: what does not return is a hang */
} ftf_watch_options;

/* Main thread, before the first scenario. Borrows everything. */
void ftf_watch_start(const ftf_watch_options *options);

/* The scheduler's ftf_stuck: all lanes are blocked; one call does not return. */
void ftf_watch_deadlock(void);
void ftf_watch_endless(void);

#endif
