/*
 * What lanes wait for, in a form that other layers can print.
 */
#include "sched/state.h"

const char *ftf_wait_name(ftf_wait_kind kind) {
    static const char *const NAMES[FTF_WAIT_KINDS] = {
#define FTF_WAIT(name, text) text,
#include "sched/waits.def"
#undef FTF_WAIT
    };
    return kind < FTF_WAIT_KINDS ? NAMES[kind] : "?";
}

static int lane_of(int tid) {
    for (int i = 0; i < ftf_sched.lanes; i++) {
        if (tid != 0 && (int)ftf_sched.lane[i].tid == tid) {
            return i;
        }
    }
    return -1;
}

bool ftf_sched_waiting(int id, ftf_waiting *out) {
    const ftf_lane *lane = &ftf_sched.lane[id];
    const ftf_wait *wait = lane->wait;
    ftf_lane_status status = atomic_load(&lane->status);
    if (wait == NULL || (status != FTF_LANE_BLOCKED && status != FTF_LANE_TIMED)) {
        return false;
    }
    *out = (ftf_waiting){.kind = wait->what, .object = wait->object, .fd = -1, .holder = -1};
    if (wait->what == FTF_WAIT_INPUT || wait->what == FTF_WAIT_OUTPUT || wait->what == FTF_WAIT_CONNECTION ||
        wait->what == FTF_WAIT_FILE_LOCK) {
        out->fd = wait->fd;
    } else if (wait->object == NULL && wait->look == FTF_LOOK_NEVER) {
        out->object = wait->channel;
    }
    uintptr_t address = (uintptr_t)out->object;
    out->own = address >= lane->stack_low && address < lane->stack_high;
    if (wait->owner != NULL) {
        out->holder_tid = wait->owner(wait->channel);
        out->holder = lane_of(out->holder_tid);
    }
    if (status == FTF_LANE_TIMED && lane->deadline_ns > ftf_sched.clock_ns) {
        out->left_ns = lane->deadline_ns - ftf_sched.clock_ns;
    }
    return true;
}

static bool is_under_way(void) {
    return ftf_sched.mode != FTF_RUN_FREE && ftf_sched.segment_count > 0;
}

bool ftf_sched_is_done(int id) { return is_under_way() && atomic_load(&ftf_sched.lane[id].status) == FTF_LANE_OUT; }

bool ftf_sched_is_idle(void) { return is_under_way() && atomic_load(&ftf_sched.holder) == FTF_NOBODY; }
