#ifndef FTF_LANES_POOL_H
#define FTF_LANES_POOL_H
/*
 * The lanes: long-lived threads that run the thread sections of a scenario, one section a lane.
 *
 * Threads are expensive to make under a sanitizer, so they are made once and parked between runs. A parked lane waits in a
 * raw futex and is detached from the interpreter: it holds up no stop-the-world.
 *
 * Happens-before: what the main thread did before a run is visible to every lane, and what the lanes did is visible to
 * the main thread after it. These are the only two edges the harness adds, and neither orders one lane against
 * another. In between, a lane takes no lock of ours, calls no stdio and no malloc of ours.
 *
 *     ftf_pool *pool = ftf_pool_create(vm, box);
 *     ftf_tally tally;
 *     ftf_pool_run(pool, &scenario, &plan, &tally);
 *
 * Ownership: the pool borrows the vm. Threads: main thread only.
 */
#include "sched/sched.h"
#include "vm.h"

/* What a run did, over all lanes. */
typedef struct ftf_tally {
    uint64_t calls;    /* ops executed, repeats counted, skipped ones not */
    uint64_t accepted; /* of those: not rejected with TypeError */
    uint32_t broken;   /* error-protocol violations */
    int broken_lane;   /* of the first one */
    uint32_t broken_op;
    bool cut; /* a lane had had enough (ftf_sched_had_enough) before its last op */
    ftf_run_result run;
} ftf_tally;

/* The same of one op of a lane. */
typedef struct ftf_op_tally {
    uint32_t calls, accepted;
} ftf_op_tally;

typedef struct ftf_pool ftf_pool;

/* A pool without threads: one is started when a run first needs it, since eight of them are half of what a new process costs. */
ftf_pool *ftf_pool_create(ftf_vm *vm, ftf_blackbox *box);

/* Ends and joins the threads. */
void ftf_pool_destroy(ftf_pool *pool);

/* Runs the lanes of scenario once under plan. vm->start has been called. Starting a thread never fails (FTF_ASSERT):
   without it there is nothing to do. */
void ftf_pool_run(ftf_pool *pool, const ftf_scenario *scenario, const ftf_run_plan *plan, ftf_tally *tally);

/* What the ops of a lane did in the last run: one for each op of its section. Valid until the next run. */
const ftf_op_tally *ftf_pool_ops(const ftf_pool *pool, int lane);

/* The kernel's thread id of a lane, for signals; 0 before it has started. */
int ftf_pool_tid(const ftf_pool *pool, int lane);

#endif
