#ifndef FTF_SCHED_STATE_H
#define FTF_SCHED_STATE_H
/*
 * The scheduler's state, shared by the files of this folder and by nobody else: sched.c owns it, hooks.c and interpose_*.c
 * ask it for points, profile.c reads the access log, waits.c tells others what lanes wait for.
 *
 * Who may touch a lane's members: the lane itself while it holds the token; anybody else only under the lock
 * (ftf_sched_lock). The access path takes no lock: `points` is written by the lane alone, and `trigger` is the one word
 * through which others reach it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "sched/sched.h"

typedef enum ftf_lane_status {
    FTF_LANE_OUT,     /* takes no part, or has left */
    FTF_LANE_READY,   /* wants the token */
    FTF_LANE_HOLDS,   /* has it */
    FTF_LANE_BLOCKED, /* waits for `channel` */
    FTF_LANE_TIMED,   /* waits for `channel` (may be NULL) until `deadline_ns` */
    FTF_LANE_ROBBED,  /* lost the token while it slept in a call we do not know */
} ftf_lane_status;

/* Who notices that there is nothing to wait for any more (interpose.h). */
typedef enum ftf_look {
    FTF_LOOK_NEVER,      /* whoever ends the wait calls ftf_wake */
    FTF_LOOK_AT_CHOICES, /* `still` is asked before each choice of a lane */
    FTF_LOOK_WHEN_IDLE,  /* `still` is asked when no lane can go on */
} ftf_look;

/* What a lane waits for. It lies on the lane's stack while it waits. */
typedef struct ftf_wait {
    ftf_wait_kind what;
    ftf_look look;
    const void *channel;
    bool (*still)(const void *channel); /* is there anything to wait for? Any thread asks, under the lock; NULL: yes */
    int (*owner)(const void *channel);  /* the kernel's id of the thread that has it, or 0; NULL: nobody knows */
    const void *object;                 /* what to call it in a report, where that is not the channel */
    int fd;
} ftf_wait;

/* Something to do at a point of one lane. */
typedef struct ftf_event {
    uint32_t point;
    int to; /* the lane to hand over to, or FTF_DROP: lower the priority */
    uint32_t op, offset; /* where the point is not known before the lane begins that op (in the plan: by op) */
} ftf_event;

enum { FTF_DROP = -1, FTF_NOBODY = -1, FTF_NEVER = INT32_MAX };

/* One access of the log. */
typedef struct ftf_access {
    uintptr_t address; /* 0: a point that is no access */
    uint32_t pc;       /* of the accessing instruction, its low half: enough to tell instructions apart */
    uint16_t op;       /* that the lane was in */
    bool write;
} ftf_access;

/* What a lane did from getting the token to losing it. */
typedef struct ftf_segment {
    int lane;
    uint32_t point;             /* passed before it */
    uint32_t first_op, last_op; /* the ops it was in, or about to begin */
    bool ends_inside;           /* it lost the token in the middle of last_op */
} ftf_segment;

enum { FTF_SEGMENTS_MAX = 1024 }; /* of a run; what comes later is not noted, and tells nobody anything new */

typedef struct ftf_lane {
    _Alignas(128) _Atomic uint32_t points; /* passed in this run */
    _Atomic uint32_t trigger;              /* the slow path runs at the first point >= this */
    ftf_access *log;                       /* NULL in a free run */
    uintptr_t stack_low, stack_high;       /* accesses to the own stack are nobody else's */

    _Alignas(128) _Atomic int granted; /* futex word: 1 when the token is this lane's */
    _Atomic ftf_lane_status status;
    int id;
    int priority; /* larger runs first */
    const void *channel;
    const ftf_wait *wait; /* what it waits for, for those who look and for reports; NULL: nothing that we know of */
    uint64_t deadline_ns;
    bool timed_out;
    pid_t tid;
    uint32_t op, op_point; /* the op it is in, and the point at which it began this time */
    uint32_t op_start;     /* and at which it began for the first time */
    uint32_t drops_at; /* the point of the next drop that is drawn on the way (turns, walks); 0: there is none yet */
    ftf_event *events; /* this lane's, by increasing point */
    uint32_t event_count, event_next;
    uint32_t noted; /* points that belong to noted segments, once segments_full */
    ftf_rng delays; /* of a free run */
} ftf_lane;

typedef struct ftf_sched_state {
    ftf_blackbox *box;
    ftf_stuck stuck;
    ftf_run_mode mode;
    int lanes;
    bool by_op;            /* events belong to ops: their points are filled in when the lane begins them */
    bool alike;            /* ftf_run_plan.alike */
    bool no_delays;        /* ftf_run_plan.no_delays */
    uint32_t turns;        /* ftf_run_plan.turns */
    uint32_t walk;         /* ftf_run_plan.walk */
    ftf_rng turns_rng;     /* whoever has the token draws */
    _Atomic int holder;    /* lane with the token, or FTF_NOBODY */
    int to_wake;           /* under the lock: whose thread is woken when the lock is given up */
    _Atomic int met;       /* lanes of a free run that are ready to start */
    _Atomic bool resigned; /* a thread is dying: nobody is robbed any more */
    _Atomic uint32_t handovers;
    uint32_t seen_handovers, seen_points; /* by the main thread when it last looked */
    int idle_ms;                          /* for so long nobody has had the token */
    _Atomic uint32_t steals;
    uint32_t diverged;
    int lowest_priority;
    uint64_t clock_ns;   /* virtual CLOCK_MONOTONIC */
    int64_t realtime_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC when the run began */
    ftf_lane lane[FTF_LANES_MAX];
    ftf_event event[FTF_SWITCHES_MAX + 1]; /* one more: the choice of the first lane */
    ftf_access *logs[FTF_LANES_MAX];       /* FTF_PROFILE_POINTS each */
    uint32_t segment_count;
    bool segments_full;                     /* there was no room for the latest hand-over */
    ftf_segment segments[FTF_SEGMENTS_MAX]; /* of the last run, in order (flow.c) */
} ftf_sched_state;

extern ftf_sched_state ftf_sched;

/* The lane of this thread while it takes part in a scheduled run, else NULL. */
extern __thread ftf_lane *ftf_self __attribute__((tls_model("initial-exec")));

/* The lane of this thread while it takes part in a free run, else NULL. Its accesses are points, too, but no call is intercepted. */
extern __thread ftf_lane *ftf_free_lane __attribute__((tls_model("initial-exec")));

void ftf_sched_lock(void);
void ftf_sched_unlock(void);

/* ---- plan.c: what is to happen at which point of a lane ---- */

/* Before a run: deals the plan's switches out to the lanes, and sets their priorities and triggers. */
void ftf_plan_deal(const ftf_run_plan *plan);

/* Sets the lane's trigger to its next event. */
void ftf_plan_arm(ftf_lane *lane);

/* The lane's event at exactly this point, or NULL. Events behind are passed over. */
const ftf_event *ftf_plan_event(ftf_lane *lane);

/* The lane's priority drops at its next point, whatever else is planned for that. */
void ftf_plan_drop_next(ftf_lane *lane);

/* The lane begins an op: the events in it get their points. Those of earlier ops that it did not come to are passed over. */
void ftf_plan_begin_op(ftf_lane *lane, uint32_t op);

/* ---- delay.c: lanes of a free run tarry at some of their points ---- */

enum { FTF_DELAY_EVERY = 100 }; /* points from one to the next on average; measured: ARCHITECTURE.md */

/* Before a run: draws where the lane tarries first. */
void ftf_delay_deal(ftf_lane *lane, uint64_t seed);

/* The lane has come there: it tarries, and draws the next point. */
void ftf_delay(ftf_lane *lane);

/* ---- points ---- */

/* The slow path of a point. */
void ftf_point_reached(ftf_lane *lane);

static inline void ftf_point(ftf_lane *lane, uintptr_t address, uint32_t pc, bool write) {
    uint32_t n = atomic_load_explicit(&lane->points, memory_order_relaxed) + 1;
    atomic_store_explicit(&lane->points, n, memory_order_relaxed);
    if (lane->log != NULL && n < FTF_PROFILE_POINTS) {
        bool own = address >= lane->stack_low && address < lane->stack_high;
        lane->log[n] = (ftf_access){own ? 0 : address, pc, (uint16_t)lane->op, write};
    }
    if (__builtin_expect(n >= atomic_load_explicit(&lane->trigger, memory_order_relaxed), 0)) {
        ftf_point_reached(lane);
    }
}

/* The lane waits until `channel` is signalled, or, when deadline_ns (virtual) is not 0, until then. `still` is asked
   under the lock whether there is anything to wait for. False when time ran out. */
bool ftf_block(ftf_lane *lane, const void *channel, uint64_t deadline_ns, bool (*still)(const void *channel));

/* Marks who waits for channel as ready. Any thread. */
void ftf_wake(const void *channel);

/* The lane lets others run, if any is ready. */
void ftf_yield(ftf_lane *lane);

/* A point that is no access: a call that may block, an op boundary. */
static inline void ftf_point_plain(ftf_lane *lane) { ftf_point(lane, 0, 0, false); }

/* The lane begins this op, in a serial run. */
void ftf_profile_note_op(const ftf_lane *lane, uint32_t op);

/* Works out the candidates from the logs of a run that has ended. */
void ftf_profile_learn(void);

/* There is no room for another segment: what lanes do from here on belongs to none (flow.c). */
void ftf_flow_is_full(void);

#endif
