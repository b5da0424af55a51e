#ifndef FTF_VM_H
#define FTF_VM_H
/*
 * What executing a scenario means, as a table of functions: the seam between threads (lanes/, which knows no
 * Python) and Python (python/, which knows no lanes). tests/sim/ puts toy objects with planted races behind it, so
 * that the scheduler and the executor are tested in milliseconds without an interpreter.
 *
 * lane_open is called once on each lane's thread before its first run, while the main thread is detached. The order of calls
 * for one scenario is
 *
 *     prepare                                        main thread
 *     { start; lane_enter, step..., lane_leave in each lane; finish }     once for each schedule tried
 *     release                                        main thread
 *
 * Threads: prepare, start, finish and release run on the main thread while no lane runs. lane_enter, step and lane_leave
 * run on the lane's own thread, in a scheduled run under the token: a lane enters when it gets the token for the first time, maybe
 * after others have left. lane_enter must not order what the lanes do in TSan's eyes. In a free run all lanes have entered
 * before the first one steps.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "scenario/scenario.h"

typedef enum ftf_outcome {
    FTF_OUTCOME_OK,       /* returned */
    FTF_OUTCOME_RAISED,   /* an exception that a caller may expect */
    FTF_OUTCOME_REJECTED, /* TypeError: the arguments were not understood */
    FTF_OUTCOME_SKIPPED,  /* an operand's slot is empty */
    FTF_OUTCOME_BROKEN,   /* the error protocol was violated: a finding */
} ftf_outcome;

typedef struct ftf_vm ftf_vm;
struct ftf_vm {
    /* Resolves names and builds what can be shared by all runs of the scenario. */
    ftf_status (*prepare)(ftf_vm *vm, const ftf_scenario *scenario, ftf_error *err);

    /* Runs the setup section and builds the arguments of the lanes; false when setup left no shared slot to work on. */
    bool (*start)(ftf_vm *vm);

    void (*lane_open)(ftf_vm *vm, int lane);
    void (*lane_enter)(ftf_vm *vm, int lane);
    ftf_outcome (*step)(ftf_vm *vm, int lane, uint32_t op);
    void (*lane_leave)(ftf_vm *vm, int lane); /* drops the lane's slots */

    /* Runs the finish section and drops everything of this run. */
    void (*finish)(ftf_vm *vm);
    void (*release)(ftf_vm *vm);
};

#endif
