/*
 * What a run is to do, lane by lane: the plan's switches and drops become one list of events a lane, by increasing point, and
 * the lane's trigger is the next of them. Reading order: ftf_plan_deal, ftf_plan_arm, ftf_plan_event; ftf_plan_begin_op for
 * drops that are given by op.
 */
#include "sched/state.h"

enum { WALK_SEGMENTS = FTF_SEGMENTS_MAX - 64 }; /* a walk ends where nobody would note what comes of it */

void ftf_plan_drop_next(ftf_lane *lane) {
    ftf_sched_lock();
    if (atomic_load(&lane->status) == FTF_LANE_HOLDS) {
        lane->drops_at = lane->points + 1;
        atomic_store(&lane->trigger, lane->drops_at);
    }
    ftf_sched_unlock();
}

const ftf_event *ftf_plan_event(ftf_lane *lane) {
    static const ftf_event drop = {.to = FTF_DROP};
    if (lane->drops_at != 0 && lane->points >= lane->drops_at) {
        lane->drops_at = 0;
        return &drop;
    }
    if (lane->points % FTF_POINTS_RUNAWAY == 0 && ftf_sched.mode != FTF_RUN_AT) {
        return &drop; /* perhaps it waits for another lane, by looking again and again */
    }
    while (lane->event_next < lane->event_count && lane->events[lane->event_next].point < lane->points) {
        lane->event_next++;
    }
    if (lane->event_next < lane->event_count && lane->events[lane->event_next].point == lane->points) {
        return &lane->events[lane->event_next++];
    }
    return NULL;
}

void ftf_plan_arm(ftf_lane *lane) {
    bool more = lane->event_next < lane->event_count;
    uint32_t look = (lane->points / FTF_POINTS_RUNAWAY + 1) * FTF_POINTS_RUNAWAY;
    uint32_t next = more ? lane->events[lane->event_next].point : (uint32_t)FTF_NEVER;
    if (ftf_sched.walk != 0 && lane->drops_at == 0 && ftf_sched.segment_count < WALK_SEGMENTS) {
        lane->drops_at = lane->points + 1 + ftf_rng_exponential(&ftf_sched.turns_rng, ftf_sched.walk);
    }
    look = lane->drops_at != 0 && lane->drops_at < look ? lane->drops_at : look;
    atomic_store(&lane->trigger, next < look ? next : look);
}

void ftf_plan_begin_op(ftf_lane *lane, uint32_t op) {
    ftf_sched_lock();
    if (atomic_load(&lane->status) == FTF_LANE_HOLDS) { /* a robbed lane must notice that first */
        while (lane->event_next < lane->event_count && lane->events[lane->event_next].op < op) {
            lane->event_next++;
        }
        for (uint32_t i = lane->event_next; i < lane->event_count && lane->events[i].op == op; i++) {
            lane->events[i].point = lane->points + 1 + lane->events[i].offset;
        }
        ftf_plan_arm(lane);
    }
    ftf_sched_unlock();
}

/* Op 0 begins at point 1, also in a lane that has none. */
static ftf_event switch_event(const ftf_switch *one, int to) {
    if (one->in_op == 0 || one->in_op == 1) {
        return (ftf_event){.point = one->point, .to = to, .offset = one->point - 1};
    }
    return (ftf_event){.point = FTF_NEVER, .to = to, .op = one->in_op - 1u, .offset = one->point - 1};
}

/* Sorts the plan's switches into one list a lane, keeping their order. Lane 0 is first by definition: a plan that
   wants another one gets a switch at lane 0's point 1. */
static void deal_events(const ftf_run_plan *plan) {
    uint32_t used = 0;
    for (int i = 0; i < plan->lanes; i++) {
        ftf_lane *lane = &ftf_sched.lane[i];
        lane->events = &ftf_sched.event[used];
        lane->event_next = 0;
        if (i == 0 && plan->mode != FTF_RUN_AT && plan->order[0] != 0) {
            ftf_sched.event[used++] = (ftf_event){.point = 1, .to = plan->order[0]};
        }
        for (uint32_t k = 0; k < plan->op_drop_count && used < FTF_SWITCHES_MAX; k++) {
            const ftf_op_drop *drop = &plan->op_drops[k];
            if (drop->lane == i) {
                ftf_sched.event[used++] = (ftf_event){FTF_NEVER, FTF_DROP, drop->op, drop->offset};
            }
        }
        for (uint32_t k = 0; k < plan->switch_count && used < FTF_SWITCHES_MAX; k++) {
            const ftf_switch *one = &plan->switches[k];
            if (one->lane == i) {
                int to = plan->mode == FTF_RUN_PCT ? FTF_DROP : one->to;
                ftf_sched.event[used++] = switch_event(one, to);
            }
        }
        lane->event_count = (uint32_t)(&ftf_sched.event[used] - lane->events);
        ftf_plan_arm(lane);
    }
}

static void set_priorities(const ftf_run_plan *plan) {
    ftf_sched.lowest_priority = 0;
    for (int i = 0; i < plan->lanes; i++) {
        ftf_sched.lane[plan->order[i]].priority = plan->lanes - i;
    }
}

void ftf_plan_deal(const ftf_run_plan *plan) {
    if (plan->mode == FTF_RUN_SERIAL || plan->mode == FTF_RUN_PCT) {
        set_priorities(plan);
    }
    deal_events(plan);
}
