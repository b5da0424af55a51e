#ifndef FTF_VM_H
#define FTF_VM_H
/*
 * What executing a scenario means, as a table of functions: the seam between threads (lanes/, which knows no
 * Python) and Python (python/, which knows no lanes). tests/sim/ puts toy objects with planted races behind it, so
 * that the scheduler and the executor are tested in milliseconds without an interpreter.
 *
 * The order of calls for one scenario is
 *
 *     prepare                                        main thread
 *     { start; lane_enter, step..., lane_leave in each lane; finish }     once for each schedule tried
 *     release                                        main thread
 *
 * Threads: prepare, start, finish and release run on the main thread while no lane runs. lane_enter, step and lane_leave
 * run on the lane's own thread, under the token when the run is scheduled.
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

    void (*lane_enter)(ftf_vm *vm, int lane);
    ftf_outcome (*step)(ftf_vm *vm, int lane, uint32_t op);
    void (*lane_leave)(ftf_vm *vm, int lane); /* drops the lane's slots */

    /* Called on the lane's thread around a wait for the token at an op boundary, where the lane must not stay attached to
       the interpreter (a stop-the-world would wait for it). */
    void (*lane_park)(ftf_vm *vm, int lane);
    void (*lane_unpark)(ftf_vm *vm, int lane);

    /* Runs the finish section and drops everything of this run. */
    void (*finish)(ftf_vm *vm);
    void (*release)(ftf_vm *vm);
};

#endif
