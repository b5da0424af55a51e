#ifndef FTF_SIM_TOYVM_H
#define FTF_SIM_TOYVM_H
/*
 * A vm without Python: each op calls a C function of the test, which touches toy objects through toy_load and toy_store.
 * Those are points like the loads and stores of an extension, so the real scheduler steps through them.
 *
 * An op's function is chosen by lane and op index. The scenario only gives the shape: how many lanes, how many ops.
 */
#include <sys/types.h>

#include "lanes/pool.h"

enum { TOY_OPS_MAX = 8 };

typedef void (*toy_op)(int lane);

typedef struct toy {
    ftf_vm vm;
    toy_op op[FTF_LANES_MAX][TOY_OPS_MAX];
    void (*reset)(void); /* before each run */
    ftf_scenario scenario;
    ftf_arena *arena;
    ftf_blackbox *box;
    ftf_pool *pool;
} toy;

/* Starts threads; the test adds ops with toy_add. One toy at a time per process. */
toy *toy_create(int lanes, void (*reset)(void), void (*on_deadlock)(void));
void toy_destroy(toy *toy);
void toy_add(toy *toy, int lane, toy_op op);

void toy_run(toy *toy, const ftf_run_plan *plan, ftf_tally *tally);

/* Waits for a child process; its exit code, or -1 when it ended otherwise. */
int toy_exit_code(pid_t child);

/* The switches that the last run executed, as a plan that replays them. */
ftf_run_plan toy_replay_plan(const toy *toy, ftf_switch *room);

long toy_load(volatile long *address);
void toy_store(volatile long *address, long value);

#endif
