#ifndef FTF_ENGINE_VERDICT_H
#define FTF_ENGINE_VERDICT_H
/*
 * The last words of a worker that cannot go on: what each lane does, into the black box, and the end of the process. For a
 * lane that is blocked that is what it waits for, who has it, and its Python and C stacks (findings/crash_text.h has the form).
 */
#include <stdbool.h>

#include "base/blackbox.h"
#include "lanes/pool.h"
#include "vm.h"

typedef struct ftf_verdict_options {
    ftf_blackbox *box;
    const ftf_pool *pool;
    const ftf_vm *vm;
} ftf_verdict_options;

/* Main thread, before the first run. Borrows everything. */
void ftf_verdict_init(const ftf_verdict_options *options);

/* Any thread, once. `held`: the lanes wait for something, so they are made to stand still while their stacks are read, and have
   Python stacks; a lane that computes may hold any lock, and is not touched further than its registers. */
_Noreturn void ftf_verdict_end(const char *kind, bool held, int code);

/* Main thread: the process turns out to be destroyed while it writes down what a scenario did. What was said on the way is lost, so
   what counts is the scenario. Needs no heap and takes no stacks: they would show our own code, which only came upon it. */
_Noreturn void ftf_verdict_destroyed(const char *why);

#endif
