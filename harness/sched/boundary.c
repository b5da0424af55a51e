/*
 * The boundary before each execution of an op: a point, at which lanes may take turns, and at which a lane that has passed
 * enough points ends.
 */
#include "sched/sched.h"
#include "sched/state.h"

static void begin_op(ftf_lane *lane, uint32_t op) {
    lane->op_start = lane->points + 1;
    if (ftf_sched.by_op) {
        ftf_plan_begin_op(lane, op);
    }
    if (ftf_sched.mode == FTF_RUN_SERIAL) {
        ftf_profile_note_op(lane, op);
    }
}

void ftf_sched_op(uint32_t op, uint32_t iteration) {
    int id = ftf_sched_self();
    if (ftf_sched.box != NULL && id >= 0) {
        ftf_sched.box->lane_op[id] = op;
        ftf_sched.box->lane_iteration[id] = iteration;
    }
    if (ftf_self != NULL) {
        if (iteration == 0) {
            begin_op(ftf_self, op);
        }
        ftf_self->op = op;
        ftf_self->op_point = ftf_self->points + 1;
        if (ftf_sched.turns != 0 && ftf_rng_one_in(&ftf_sched.turns_rng, ftf_sched.turns)) {
            ftf_plan_drop_next(ftf_self);
        }
        ftf_point_plain(ftf_self);
    }
}

static bool has_passed(uint32_t points) {
    return ftf_self != NULL && atomic_load_explicit(&ftf_self->points, memory_order_relaxed) >= points;
}

bool ftf_sched_had_enough(void) { return has_passed(FTF_POINTS_ENOUGH); }

bool ftf_sched_runs_away(void) { return has_passed(FTF_POINTS_RUNAWAY); }
