#ifndef FTF_SCHED_SCHED_H
#define FTF_SCHED_SCHED_H
/*
 * The token scheduler: one lane runs at a time, and where the token changes hands is part of the input.
 *
 * A lane passes *points*: each instrumented load and store of the code under test, each blocking call, each op
 * boundary. A lane counts its own points from 1. At a point the lane either goes on or hands the token to another
 * lane; the list of hand-overs (`ftf_switch`) is therefore the whole interleaving, and replaying the list replays the
 * interleaving, as long as nothing else in the process depends on time.
 *
 * The token is invisible to ThreadSanitizer. It moves through raw futex calls in code that is compiled without
 * sanitizers, so no happens-before edge comes into being: two accesses that never overlapped physically are still
 * reported when nothing but the token ordered them. (Through a pthread mutex the same races vanish: 0 of 40.)
 *
 * Rules that make a run a function of (scenario, schedule):
 *   - lane 0 holds the token first; its point 1 is the boundary before its first op, like everybody's;
 *   - a lane does nothing between enter and leave without the token;
 *   - a lane that would block (a lock, a condition, a descriptor, time) never blocks in the kernel: it is marked blocked, the
 *     token goes on, and who wakes it marks it ready. Time is virtual: it passes only when nobody is ready;
 *   - who gets the token when a lane blocks or leaves is the *default successor*: the next ready lane in cyclic order.
 *     Only hand-overs that differ from the default are listed.
 * What is left is a lane that blocks in a call we do not know. It is robbed of the token after FTF_STEAL_MS without
 * progress while the kernel says it sleeps; that is a *steal*, and a run without steals is deterministic.
 *
 * Who owns what: one scheduler per process, because the hooks of the sanitizers and of libc are process-global. Its state
 * is static, owned by this folder, and reached only through these functions.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/blackbox.h"
#include "base/rng.h"
#include "scenario/scenario.h"

enum {
    FTF_STEAL_MS = 20,                          /* FACTS: hand-over after 20 ms without progress as the only fallback */
    FTF_PROFILE_POINTS = 65536,                 /* per lane; later points of a very long lane are no candidates */
    FTF_POLL_MS = 1,                            /* how often the world outside is looked at while no lane can go on */
    FTF_POINTS_ENOUGH = 65536,                  /* a lane that has passed so many begins no further op in this run */
    FTF_POINTS_RUNAWAY = 4 * FTF_POINTS_ENOUGH, /* each time so many more have passed, the others get a turn */
    FTF_POINTS_ENDLESS = 32 * FTF_POINTS_RUNAWAY,
    FTF_DEADLOCK_MS = 1000, /* all lanes blocked, and nobody outside has woken one, for this long */
};

/* What a run does with the token. */
typedef enum ftf_run_mode {
    FTF_RUN_FREE,   /* all lanes at once; no call is intercepted, but lanes tarry at some of their accesses (delay.c) */
    FTF_RUN_SERIAL, /* one lane after the other, in `order`; also learns which points touch shared addresses */
    FTF_RUN_PCT,    /* priorities, dropped at the `drops` */
    FTF_RUN_AT,     /* exactly the listed switches */
} ftf_run_mode;

/* A drop inside an op rather than at a point of the lane: it stays where it was meant after switches that made the lane go
   another way than when it was profiled. */
typedef struct ftf_op_drop {
    uint8_t lane;
    uint16_t op;
    uint32_t offset; /* points after the boundary before the op; 0: at the boundary */
} ftf_op_drop;

typedef struct ftf_run_plan {
    ftf_run_mode mode;
    int lanes;
    uint8_t order[FTF_LANES_MAX]; /* SERIAL, PCT: lanes from the highest priority to the lowest */
    const ftf_switch *switches;   /* AT: as listed; PCT: the points at which the lane's priority drops below all others
                                     (`to` is ignored) */
    uint32_t switch_count;
    const ftf_op_drop *op_drops; /* PCT, instead of switches: by increasing op and offset within a lane */
    uint32_t op_drop_count;
    uint32_t
        turns; /* PCT: the priority also drops at one op boundary in so many, each repetition counted; 0: at none */
    uint32_t
        walk; /* PCT: it also drops after so many points on average, as long as there is room to note it; 0: not so */
    uint64_t turns_seed; /* of both */
    uint64_t seed;       /* FREE: what is drawn of the delays */
    bool no_delays;      /* FREE: there are none, as if lanes were any threads */
    bool
        alike; /* SERIAL: lanes do the same; what one does to shared memory any of them might: all of it is candidates */
} ftf_run_plan;

typedef struct ftf_run_result {
    uint32_t steals;
    uint32_t diverged; /* AT: listed hand-overs whose lane was not ready */
} ftf_run_result;

/* What ends a run that does not end by itself; the process cannot go on from there. Neither returns. */
typedef struct ftf_stuck {
    void (*deadlock)(void); /* main thread: all lanes are blocked and stay so */
    void (*endless)(
        void); /* a lane, which has passed FTF_POINTS_ENDLESS points, so it is in one call that does not return */
} ftf_stuck;

/* Main thread, before the first run. box is where executed switches and counters are written. */
void ftf_sched_init(ftf_blackbox *box, const ftf_stuck *stuck);

/* Main thread: begin before a run, start to let it go, watch while lanes run (steals, deadlocks, and what comes from outside
   are noticed there), first after FTF_STEAL_MS and then after as many milliseconds as it returned, end after all lanes
   have left. */
void ftf_sched_begin(const ftf_run_plan *plan);
void ftf_sched_start(void);
int ftf_sched_watch(void);
void ftf_sched_end(ftf_run_result *result);

/* The lane's own thread. enter sleeps between runs and returns when the lane has the token for the first time (in a free
   run: when the run starts); meet makes the lanes of a free run wait for each other; leave gives the token up. */
void ftf_sched_enter(int lane);
void ftf_sched_meet(void);
void ftf_sched_leave(void);

/* Main thread, between runs: lets a lane's thread out of ftf_sched_enter, so that it can end. */
void ftf_sched_dismiss(int lane);

/* A hand-over that is not the default one, as it happens: on the thread of the lane that loses the token, under the scheduler's
   lock. `address` is 0 where the lane is at no access. */
typedef struct ftf_switched {
    int lane, to;
    uint32_t op;
    bool at_boundary; /* before an op */
    uintptr_t address;
    bool write;
} ftf_switched;

/* For a replay that is traced; NULL: nobody is told. */
void ftf_sched_on_switch(void (*hook)(const ftf_switched *switched));

/* The op that a lane of this run is in. */
uint32_t ftf_sched_op_of(int lane);

/* The boundary before each execution of an op: a point. */
void ftf_sched_op(uint32_t op, uint32_t iteration);

/* The calling thread is about to die of an error that a sanitizer reports. It holds the runtime's lock, and
   what is still called on its way out (libFuzzer's handlers, and what they use of libc) must not give the
   token to a lane that would die, too, and wait for that lock for ever. So it is no lane any more, and nobody
   gets the token, nor is anybody robbed of it. Any thread, in a signal handler as well. */
void ftf_sched_resign(void);

/* True when the lane has passed FTF_POINTS_ENOUGH points in this scheduled run. An object that doubles with each
   repetition would keep the process busy for seconds, and shows nothing that it did not show when it was small. Counted
   in points, so that a replay ends where the campaign did. */
bool ftf_sched_had_enough(void);

/* True when the lane has passed so many that it is one call that does not end, such as an array that is extended by an iterator
   over itself: it is given no more large blocks of memory (python/interp.h), which ends most of them. */
bool ftf_sched_runs_away(void);

/* The kernel's state letter of a thread of this process ('R' runs, 'S' and 'D' sleep), or '?'. Raw system calls only, so
   any thread may ask. */
char ftf_sched_thread_state(int tid);

/* The lane that the calling thread is, or -1. */
int ftf_sched_self(void);

/* ---- what lanes wait for (waits.c) -------------------------------------------------------------------------------------- */

typedef enum ftf_wait_kind {
#define FTF_WAIT(name, text) FTF_WAIT_##name,
#include "sched/waits.def"
#undef FTF_WAIT
    FTF_WAIT_KINDS
} ftf_wait_kind;

typedef struct ftf_waiting {
    ftf_wait_kind kind;
    const void *object; /* NULL where a descriptor says it all, or nothing does */
    bool own;           /* the object lies on the lane's own stack */
    int fd;             /* -1: no descriptor */
    int holder;         /* the lane that has what is waited for, or -1 */
    int holder_tid;     /* the thread that has it, lane or not; 0: nobody knows */
    uint64_t left_ns;   /* of its deadline, on the scheduler's clock; 0: it has none */
} ftf_waiting;

/* What a lane of a run that has come to a standstill waits for; false when it waits for nothing that the scheduler knows. */
bool ftf_sched_waiting(int lane, ftf_waiting *out);

/* True when the lane has done all its ops in a scheduled run that is not over yet. */
bool ftf_sched_is_done(int lane);

/* "mutex", "read lock", ... */
const char *ftf_wait_name(ftf_wait_kind kind);

/* True while no lane has the token and none can have it before something outside happens. */
bool ftf_sched_is_idle(void);

/* ---- what a serial run learnt (profile.c) ------------------------------------------------------------------------ */

/* Forgets the profile; before the first run of a scenario. What is learnt after it is seen by processes that were forked
   after it, and by the one that forked them. */
void ftf_profile_clear(void);

/* A point that touched an address which another lane touched too, one of the two writing. */
typedef struct ftf_candidate {
    uint32_t point;
    uint32_t pc; /* of the instruction; only good for telling instructions apart */
} ftf_candidate;

/* The candidates of `lane`, by increasing point. Valid until the next clear. */
const ftf_candidate *ftf_profile_candidates(int lane, uint32_t *count);

/* Draws one of them: first the instruction, then one of its points. False when there is none. */
bool ftf_profile_draw(ftf_rng *rng, int lane, uint32_t *point);

/* The point at which `lane` began op number `op` in the serial run after the last clear, and for the number after its last
   op the point after its last one; 0 when it did not get there. */
uint32_t ftf_profile_op_start(int lane, uint32_t op);

/* How many points `lane` passed in the last run. */
uint32_t ftf_sched_points(int lane);

#endif
