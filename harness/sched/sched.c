/*
 * The token. Reading order: grant/await (one hand-over), successor (who is next), ftf_sched_watch (the fallback),
 * ftf_point_reached (a listed switch or a drop), ftf_block/ftf_wake (blocking without blocking), begin/start/enter/leave/end.
 *
 * This file is compiled without sanitizers: its atomics and futexes must stay invisible to TSan.
 */
#include "sched/sched.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "sched/state.h"

ftf_sched_state ftf_sched;
__thread ftf_lane *ftf_self __attribute__((tls_model("initial-exec")));
__thread ftf_lane *ftf_free_lane __attribute__((tls_model("initial-exec")));

static atomic_flag lock_flag = ATOMIC_FLAG_INIT;

/* The lane that this thread is again when it gives the lock up. */
static __thread ftf_lane *interrupted __attribute__((tls_model("initial-exec")));

/* A signal handler may run in here, and then as long as the lane waits for the token. It is no lane: what it does are no points,
   because they would come back here, and its calls are the real ones. */
void ftf_sched_lock(void) {
    ftf_lane *self = ftf_self;
    ftf_self = NULL;
    while (atomic_flag_test_and_set_explicit(&lock_flag, memory_order_acquire)) {
        syscall(SYS_sched_yield); /* never sched_yield(): that one is ours and would come back here */
    }
    interrupted = self; /* not before: a handler meanwhile may have taken the lock and given it up */
}

static void wake(ftf_lane *lane) { syscall(SYS_futex, &lane->granted, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

/* True for a lane that has the token, or has not noticed yet that it was robbed; all others are on their way to await. */
static bool goes_on(const ftf_lane *lane) {
    ftf_lane_status status = atomic_load(&lane->status);
    return status == FTF_LANE_HOLDS || status == FTF_LANE_ROBBED;
}

/* The lane that was given the token meanwhile is woken only now: otherwise it would run into the lock first. */
void ftf_sched_unlock(void) {
    ftf_lane *self = interrupted != NULL && goes_on(interrupted) ? interrupted : NULL;
    int to = ftf_sched.to_wake;
    ftf_sched.to_wake = FTF_NOBODY;
    atomic_flag_clear_explicit(&lock_flag, memory_order_release);
    ftf_self = self;
    if (to != FTF_NOBODY) {
        wake(&ftf_sched.lane[to]);
    }
}

static void (*switch_hook)(const ftf_switched *switched);

void ftf_sched_on_switch(void (*hook)(const ftf_switched *switched)) { switch_hook = hook; }

uint32_t ftf_sched_op_of(int lane) { return ftf_sched.lane[lane].op; }

static void tell_hook(const ftf_lane *lane, int to) {
    ftf_switched switched = {
        .lane = lane->id, .to = to, .op = lane->op, .at_boundary = lane->points == lane->op_point};
    if (lane->log != NULL && lane->points < FTF_PROFILE_POINTS) {
        switched.address = lane->log[lane->points].address;
        switched.write = lane->log[lane->points].write;
    }
    switch_hook(&switched);
}

static void record_switch(const ftf_lane *lane, int to) {
    if (switch_hook != NULL) {
        tell_hook(lane, to);
    }
    ftf_blackbox *box = ftf_sched.box;
    if (box == NULL) {
        return;
    }
    if (box->switch_count < FTF_BLACKBOX_SWITCHES) {
        box->switches[box->switch_count] = (ftf_blackbox_switch){.lane = (uint8_t)lane->id,
                                                                 .to = (uint8_t)to,
                                                                 .op = (uint16_t)lane->op,
                                                                 .point = lane->points,
                                                                 .offset = lane->points - lane->op_start};
    }
    box->switch_count++;
}

/* ---- one hand-over --------------------------------------------------------------------------------------------------- */

static __thread int self_id __attribute__((tls_model("initial-exec"))) = -1;

int ftf_sched_self(void) { return self_id; }

static void end_segment(void) {
    if (ftf_sched.segment_count > 0 && !ftf_sched.segments_full) {
        ftf_segment *last = &ftf_sched.segments[ftf_sched.segment_count - 1];
        const ftf_lane *lane = &ftf_sched.lane[last->lane];
        last->last_op = lane->op;
        last->ends_inside = atomic_load(&lane->status) != FTF_LANE_OUT && lane->points != lane->op_point;
    }
}

/* The access at the point at which the lane lost the token is still to come: it belongs to this segment. */
static void begin_segment(const ftf_lane *lane) {
    if (ftf_sched.segment_count < FTF_SEGMENTS_MAX) {
        uint32_t point = lane->points > 0 ? lane->points - 1 : 0;
        ftf_sched.segments[ftf_sched.segment_count++] = (ftf_segment){
            .lane = lane->id, .point = point, .first_op = lane->op};
    } else if (!ftf_sched.segments_full) {
        ftf_flow_is_full();
    }
}

/* Under the lock; whose thread sleeps is woken when the lock is given up. */
static void grant(int to) {
    ftf_lane *lane = &ftf_sched.lane[to];
    end_segment();
    begin_segment(lane);
    atomic_store(&lane->status, FTF_LANE_HOLDS);
    atomic_store(&ftf_sched.holder, to);
    atomic_fetch_add_explicit(&ftf_sched.handovers, 1, memory_order_relaxed);
    atomic_store(&lane->granted, 1);
    ftf_sched.to_wake = to;
}

/* Waits until the token is this lane's. A point can be anywhere, so errno is as it was. */
static void await(ftf_lane *lane) {
    int saved_errno = errno;
    while (atomic_load(&lane->granted) == 0) {
        syscall(SYS_futex, &lane->granted, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    atomic_store(&lane->granted, 0);
    ftf_self = ftf_sched.mode != FTF_RUN_FREE ? lane : NULL;
    errno = saved_errno;
}

char ftf_sched_thread_state(int tid) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return '?';
    }
    long n = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    text[n > 0 ? n : 0] = 0;
    const char *end = strrchr(text, ')'); /* the name may hold anything, a parenthesis included */
    return end != NULL && end[1] == ' ' ? end[2] : '?';
}

/* Only a wake-up from elsewhere can let it go on. */
static bool sleeps_in_kernel(pid_t tid) {
    char state = ftf_sched_thread_state(tid);
    return state == 'S' || state == 'D';
}

/* ---- what comes from outside ------------------------------------------------------------------------------------------ */

static bool waits_outside(const ftf_lane *lane) { return lane->wait != NULL && lane->wait->look != FTF_LOOK_NEVER; }

static bool anybody_waits_outside(void) {
    bool any = false;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        any = any || (atomic_load(&ftf_sched.lane[i].status) != FTF_LANE_OUT && waits_outside(&ftf_sched.lane[i]));
    }
    return any;
}

/* Lanes that wait for something that nobody announces: those for which it has come are ready. Asked at moments that follow
   from what lanes have done (see ftf_look), and at any point of a lane: errno is as it was. */
static void look_outside(bool idle) {
    int saved_errno = errno;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        ftf_lane *lane = &ftf_sched.lane[i];
        ftf_lane_status status = atomic_load(&lane->status);
        if ((status == FTF_LANE_BLOCKED || status == FTF_LANE_TIMED) && waits_outside(lane) &&
            (idle || lane->wait->look == FTF_LOOK_AT_CHOICES) && !lane->wait->still(lane->channel)) {
            atomic_store(&lane->status, FTF_LANE_READY);
        }
    }
    errno = saved_errno;
}

/* ---- who is next ------------------------------------------------------------------------------------------------------ */

static bool is_ready(int id) { return atomic_load(&ftf_sched.lane[id].status) == FTF_LANE_READY; }

/* The next ready lane after `id` in cyclic order, or FTF_NOBODY. */
static int default_successor(int id) {
    for (int step = 1; step <= ftf_sched.lanes; step++) {
        int other = (id + step) % ftf_sched.lanes;
        if (other != id && is_ready(other)) {
            return other;
        }
    }
    return FTF_NOBODY;
}

static int highest_priority(int except) {
    int best = FTF_NOBODY;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        if (i != except && is_ready(i) &&
            (best == FTF_NOBODY || ftf_sched.lane[i].priority > ftf_sched.lane[best].priority)) {
            best = i;
        }
    }
    return best;
}

/* Who gets the token when `lane` cannot go on. Records the choice where the default would have been another. */
static int successor(ftf_lane *lane, bool yields) {
    look_outside(false);
    if (default_successor(lane->id) == FTF_NOBODY) {
        look_outside(true);
    }
    int usual = default_successor(lane->id);
    int chosen = usual;
    const ftf_event *event = ftf_plan_event(lane);
    ftf_plan_arm(lane);
    if (ftf_sched.mode == FTF_RUN_AT) {
        if (event != NULL && event->to >= 0 && event->to < ftf_sched.lanes) {
            if (is_ready(event->to)) {
                chosen = event->to;
            } else {
                ftf_sched.diverged++;
            }
        }
    } else if (!yields) {
        chosen = highest_priority(lane->id);
    }
    if (chosen != usual) {
        record_switch(lane, chosen);
    }
    return chosen;
}

/* When nobody is ready, time passes: the lane whose deadline comes first wakes up. */
static int earliest_deadline(void) {
    ftf_lane *first = NULL;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        ftf_lane *lane = &ftf_sched.lane[i];
        if (atomic_load(&lane->status) == FTF_LANE_TIMED && (first == NULL || lane->deadline_ns < first->deadline_ns)) {
            first = lane;
        }
    }
    if (first == NULL) {
        return FTF_NOBODY;
    }
    if (first->deadline_ns > ftf_sched.clock_ns) {
        ftf_sched.clock_ns = first->deadline_ns;
    }
    first->timed_out = true;
    return first->id;
}

/* The token leaves `lane`, which has another status than HOLDS by now. Under the lock. */
static void pass_on(ftf_lane *lane, bool yields) {
    int to = successor(lane, yields);
    if (to == FTF_NOBODY) {
        to = is_ready(lane->id) ? lane->id : earliest_deadline(); /* what it waits for may have come just now */
    }
    if (to == FTF_NOBODY) {
        atomic_store(&ftf_sched.holder, FTF_NOBODY);
    } else {
        grant(to);
    }
}

/* ---- the main thread's part while lanes run ------------------------------------------------------------------------------ */

/* Takes the token from a holder that sleeps in a call we do not know. */
static void rob(void) {
    ftf_sched_lock();
    int holder = atomic_load(&ftf_sched.resigned) ? FTF_NOBODY : atomic_load(&ftf_sched.holder);
    int thief = holder != FTF_NOBODY ? default_successor(holder) : FTF_NOBODY;
    if (thief != FTF_NOBODY) {
        ftf_lane *victim = &ftf_sched.lane[holder];
        if (atomic_load(&victim->granted) == 0 && sleeps_in_kernel(victim->tid)) {
            atomic_store(&victim->status, FTF_LANE_ROBBED);
            atomic_store(&victim->trigger, 0); /* it notices at its next point */
            atomic_fetch_add(&ftf_sched.steals, 1);
            if (ftf_sched.box != NULL) {
                ftf_sched.box->steals++;
                ftf_sched.box->run_steals++;
            }
            grant(thief);
        }
    }
    ftf_sched_unlock();
}

/* Nobody can go on. Something outside may still let a lane go on: that is a hang when it takes too long, no deadlock. */
static void watch_idle(void) {
    ftf_sched_lock();
    bool idle = atomic_load(&ftf_sched.holder) == FTF_NOBODY, outside = anybody_waits_outside();
    if (idle && outside) {
        look_outside(true);
        for (int i = 0; i < ftf_sched.lanes && atomic_load(&ftf_sched.holder) == FTF_NOBODY; i++) {
            if (is_ready(i)) {
                grant(i);
            }
        }
    }
    ftf_sched_unlock();
    ftf_sched.idle_ms = outside ? 0 : ftf_sched.idle_ms + FTF_STEAL_MS;
    if (ftf_sched.idle_ms >= FTF_DEADLOCK_MS && ftf_sched.stuck.deadlock != NULL) {
        ftf_sched.stuck.deadlock();
    }
}

int ftf_sched_watch(void) {
    int holder = atomic_load(&ftf_sched.holder);
    if (ftf_sched.mode == FTF_RUN_FREE) {
        return FTF_STEAL_MS;
    }
    if (holder == FTF_NOBODY) {
        watch_idle();
        return ftf_sched.idle_ms == 0 ? FTF_POLL_MS : FTF_STEAL_MS;
    }
    uint32_t handovers = atomic_load(&ftf_sched.handovers);
    uint32_t points = atomic_load(&ftf_sched.lane[holder].points);
    if (handovers == ftf_sched.seen_handovers && points == ftf_sched.seen_points) {
        rob();
    }
    ftf_sched.idle_ms = 0;
    ftf_sched.seen_handovers = handovers;
    ftf_sched.seen_points = points;
    return FTF_STEAL_MS;
}

/* ---- points ------------------------------------------------------------------------------------------------------------ */

/* A lane that was robbed while it slept stands in line again. */
static void rejoin(ftf_lane *lane) {
    ftf_sched_lock();
    ftf_plan_arm(lane);
    atomic_store(&lane->status, FTF_LANE_READY);
    if (atomic_load(&ftf_sched.holder) == FTF_NOBODY) {
        grant(lane->id);
    }
    ftf_sched_unlock();
    await(lane);
}

void ftf_point_reached(ftf_lane *lane) {
    if (ftf_sched.mode == FTF_RUN_FREE) {
        ftf_delay(lane);
        return;
    }
    if (atomic_load(&lane->status) == FTF_LANE_ROBBED) {
        rejoin(lane);
        return;
    }
    if (lane->points >= FTF_POINTS_ENDLESS && ftf_sched.stuck.endless != NULL) {
        ftf_sched.stuck.endless();
    }
    ftf_sched_lock();
    look_outside(false);
    int to = FTF_NOBODY;
    const ftf_event *event = ftf_plan_event(lane);
    ftf_plan_arm(lane);
    if (event != NULL && event->to == FTF_DROP) {
        lane->priority = --ftf_sched.lowest_priority;
        to = highest_priority(lane->id);
    } else if (event != NULL && event->to != lane->id) {
        if (event->to < ftf_sched.lanes && is_ready(event->to)) {
            to = event->to;
        } else {
            ftf_sched.diverged++;
        }
    }
    if (to != FTF_NOBODY) {
        record_switch(lane, to);
        atomic_store(&lane->status, FTF_LANE_READY);
        grant(to);
    }
    ftf_sched_unlock();
    if (to != FTF_NOBODY) {
        await(lane);
    }
}

void ftf_sched_resign(void) {
    ftf_self = ftf_free_lane = NULL;
    atomic_store(&ftf_sched.resigned, true);
}

void ftf_yield(ftf_lane *lane) {
    ftf_point_plain(lane);
    ftf_sched_lock();
    look_outside(false);
    bool anybody = atomic_load(&lane->status) == FTF_LANE_HOLDS && default_successor(lane->id) != FTF_NOBODY;
    if (anybody) {
        atomic_store(&lane->status, FTF_LANE_READY);
        pass_on(lane, true);
    }
    ftf_sched_unlock();
    if (anybody) {
        await(lane);
    }
}

bool ftf_block(ftf_lane *lane, const void *channel, uint64_t deadline_ns, bool (*still)(const void *channel)) {
    ftf_point_plain(lane);
    ftf_sched_lock();
    if (still != NULL && !still(channel)) {
        ftf_sched_unlock();
        return true;
    }
    lane->channel = channel;
    lane->deadline_ns = deadline_ns;
    lane->timed_out = false;
    atomic_store(&lane->status, deadline_ns != 0 ? FTF_LANE_TIMED : FTF_LANE_BLOCKED);
    pass_on(lane, false);
    ftf_sched_unlock();
    await(lane);
    lane->channel = NULL;
    return !lane->timed_out;
}

void ftf_wake(const void *channel) {
    ftf_sched_lock();
    for (int i = 0; i < ftf_sched.lanes; i++) {
        ftf_lane *lane = &ftf_sched.lane[i];
        ftf_lane_status status = atomic_load(&lane->status);
        if ((status == FTF_LANE_BLOCKED || status == FTF_LANE_TIMED) && lane->channel == channel) {
            atomic_store(&lane->status, FTF_LANE_READY);
            if (atomic_load(&ftf_sched.holder) == FTF_NOBODY) {
                grant(i); /* woken from outside while everybody was blocked */
            }
        }
    }
    ftf_sched_unlock();
}

/* ---- a run --------------------------------------------------------------------------------------------------------------- */

void ftf_sched_init(ftf_blackbox *box, const ftf_stuck *stuck) {
    ftf_sched.box = box;
    ftf_sched.stuck = *stuck;
    ftf_sched.to_wake = FTF_NOBODY;
    atomic_store(&ftf_sched.holder, FTF_NOBODY);
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        ftf_sched.lane[i].id = i;
    }
}

static uint64_t now_ns(clockid_t clock) {
    struct timespec t = {0};
    syscall(SYS_clock_gettime, clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void ftf_sched_begin(const ftf_run_plan *plan) {
    FTF_ASSERT(plan->lanes >= 1 && plan->lanes <= FTF_LANES_MAX);
    ftf_sched.mode = plan->mode;
    ftf_sched.lanes = plan->lanes;
    ftf_sched.alike = plan->alike;
    ftf_sched.by_op = plan->op_drop_count > 0 || (plan->switch_count > 0 && plan->switches[0].in_op != 0);
    ftf_sched.no_delays = plan->no_delays;
    ftf_sched.turns = plan->turns;
    ftf_sched.walk = plan->walk;
    ftf_sched.turns_rng = ftf_rng_seed(plan->turns_seed);
    ftf_sched.diverged = 0;
    ftf_sched.idle_ms = 0;
    ftf_sched.segment_count = 0;
    ftf_sched.segments_full = false;
    atomic_store(&ftf_sched.steals, 0);
    atomic_store(&ftf_sched.met, 0);
    atomic_store(&ftf_sched.resigned, false);
    atomic_store(&ftf_sched.holder, FTF_NOBODY);
    ftf_sched.clock_ns = now_ns(CLOCK_MONOTONIC);
    ftf_sched.realtime_ns = (int64_t)now_ns(CLOCK_REALTIME) - (int64_t)ftf_sched.clock_ns;
    if (ftf_sched.box != NULL) {
        ftf_sched.box->switch_count = 0;
        ftf_sched.box->run_steals = 0;
    }
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        ftf_lane *lane = &ftf_sched.lane[i];
        atomic_store(&lane->points, 0);
        atomic_store(&lane->status, i < plan->lanes ? FTF_LANE_READY : FTF_LANE_OUT);
        lane->log = NULL;
        lane->op = lane->op_point = 0;
        lane->op_start = 1;
        lane->drops_at = 0;
        if (plan->mode != FTF_RUN_FREE && i < plan->lanes) {
            if (ftf_sched.logs[i] == NULL) {
                ftf_sched.logs[i] = calloc(FTF_PROFILE_POINTS, sizeof *ftf_sched.logs[i]);
                FTF_ASSERT(ftf_sched.logs[i] != NULL);
            }
            lane->log = ftf_sched.logs[i];
        }
    }
    ftf_plan_deal(plan);
    for (int i = 0; plan->mode == FTF_RUN_FREE && i < plan->lanes; i++) {
        ftf_delay_deal(&ftf_sched.lane[i], plan->seed);
    }
}

static void find_stack(ftf_lane *lane) {
    pthread_attr_t attr;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &low, &size);
        pthread_attr_destroy(&attr);
    }
    lane->stack_low = (uintptr_t)low;
    lane->stack_high = (uintptr_t)low + size;
    lane->tid = (pid_t)syscall(SYS_gettid);
}

void ftf_sched_enter(int id) {
    ftf_lane *lane = &ftf_sched.lane[id];
    if (self_id != id) { /* the first time on this thread */
        self_id = id;
        find_stack(lane);
    }
    await(lane);
    ftf_free_lane = ftf_sched.mode == FTF_RUN_FREE && !ftf_sched.no_delays ? lane : NULL;
}

void ftf_sched_meet(void) {
    if (ftf_sched.mode == FTF_RUN_FREE) {
        atomic_fetch_add(&ftf_sched.met, 1);
        while (atomic_load(&ftf_sched.met) < ftf_sched.lanes) {
            syscall(SYS_sched_yield);
        }
    }
}

void ftf_sched_start(void) {
    if (ftf_sched.mode == FTF_RUN_FREE) {
        for (int i = 0; i < ftf_sched.lanes; i++) {
            ftf_sched_dismiss(i);
        }
        return;
    }
    ftf_sched_lock();
    grant(0);
    ftf_sched_unlock();
}

void ftf_sched_dismiss(int id) {
    atomic_store(&ftf_sched.lane[id].granted, 1);
    wake(&ftf_sched.lane[id]);
}

void ftf_sched_leave(void) {
    ftf_lane *lane = ftf_self;
    ftf_self = ftf_free_lane = NULL;
    if (lane == NULL) {
        return;
    }
    ftf_sched_lock();
    uint32_t n = atomic_fetch_add_explicit(&lane->points, 1, memory_order_relaxed) + 1;
    if (lane->log != NULL && n < FTF_PROFILE_POINTS) {
        lane->log[n] = (ftf_access){0}; /* no access, whatever an earlier run had there */
    }
    bool robbed = atomic_load(&lane->status) == FTF_LANE_ROBBED;
    atomic_store(&lane->status, FTF_LANE_OUT);
    if (!robbed || atomic_load(&ftf_sched.holder) == FTF_NOBODY) {
        pass_on(lane, false);
    }
    ftf_sched_unlock();
}

void ftf_sched_end(ftf_run_result *result) {
    end_segment();
    if (ftf_sched.mode == FTF_RUN_SERIAL) {
        ftf_profile_learn();
    }
    if (ftf_sched.box != NULL) {
        for (int i = 0; i < ftf_sched.lanes; i++) {
            ftf_sched.box->lane_points[i] = atomic_load(&ftf_sched.lane[i].points);
        }
        ftf_sched.box->switches_total += ftf_sched.box->switch_count;
    }
    *result = (ftf_run_result){.steals = atomic_load(&ftf_sched.steals), .diverged = ftf_sched.diverged};
}

uint32_t ftf_sched_points(int lane) { return atomic_load(&ftf_sched.lane[lane].points); }
