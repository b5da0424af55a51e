#ifndef FTF_SIM_SAME_H
#define FTF_SIM_SAME_H
/*
 * The same toy again and again. A test of something that blocks runs it under several plans, and each plan several times, also from
 * the switches that it left: no run may steal, and all runs of a plan must give the same switches and the same log of what the
 * lanes did.
 */
#include "sim/toyvm.h"

enum { SAME_LOG_MAX = 256 };

/* What the lanes did, in order: `what` of lane `who`. Only the lane with the token writes. */
typedef struct same_log {
    long length;
    struct {
        int who, what;
    } step[SAME_LOG_MAX];
} same_log;

extern same_log done;

void note(int lane, int what);

/* The position of the first such step, or -1. */
long when(int lane, int what);

/* Five points on memory that all lanes share. */
void touch(int lane);

/* `check` looks at each plan's first run. */
void always_the_same(toy *toy, void (*check)(void));

/* The same with a toy of two lanes, of one op each; `begin` comes before each run and clears the log. */
void always(toy_op first, toy_op second, void (*begin)(void), void (*check)(void));

#endif
