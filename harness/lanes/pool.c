/*
 * Reading order: lane_main (what a lane thread does), run_section (one run of it), ftf_pool_run (the main thread's side).
 * Compiled without sanitizers; the two happens-before edges are drawn by hand (publish, observe).
 */
#include "lanes/pool.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

/* A lane's own figures, on a cache line of its own. */
typedef struct lane_state {
    _Alignas(128) ftf_pool *pool;
    pthread_t thread;
    int id;
    _Atomic uint32_t tid; /* futex word: 0 until the lane is open */
    ftf_op_tally ops[FTF_OPS_MAX];
    uint32_t broken, broken_op;
    bool cut;
    char end_edge; /* its address is the edge from this lane to the main thread */
} lane_state;

struct ftf_pool {
    ftf_vm *vm;
    ftf_blackbox *box;
    const ftf_scenario *scenario;
    int opened; /* lanes that have a thread */
    int lanes;
    bool stop;
    char start_edge;                        /* its address is the edge from the main thread to the lanes */
    _Alignas(128) _Atomic uint32_t running; /* futex word: lanes that have not ended yet */
    lane_state lane[FTF_LANES_MAX];
};

static void publish(void *edge) {
    if (__tsan_release != NULL) {
        __tsan_release(edge);
    }
}

static void observe(void *edge) {
    if (__tsan_acquire != NULL) {
        __tsan_acquire(edge);
    }
}

/* False when that many milliseconds have passed. */
static bool futex_wait(_Atomic uint32_t *word, uint32_t value, int patience_ms) {
    const struct timespec patience = {.tv_sec = 0, .tv_nsec = patience_ms * 1000000L};
    return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &patience, NULL, 0) == 0 || errno != ETIMEDOUT;
}

static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

static void count(lane_state *lane, uint32_t op, ftf_outcome outcome) {
    if (outcome == FTF_OUTCOME_SKIPPED) {
        return;
    }
    lane->ops[op].calls++;
    if (outcome != FTF_OUTCOME_REJECTED) {
        lane->ops[op].accepted++;
    }
    if (outcome == FTF_OUTCOME_BROKEN && lane->broken++ == 0) {
        lane->broken_op = op;
    }
}

static void run_section(lane_state *lane) {
    ftf_pool *pool = lane->pool;
    ftf_vm *vm = pool->vm;
    const ftf_section *section = &pool->scenario->lanes[lane->id];
    for (uint32_t op = 0; op < section->count; op++) {
        for (uint32_t i = 0; i < section->ops[op].repeat && !(lane->cut = ftf_sched_had_enough()); i++) {
            ftf_sched_op(op, i);
            count(lane, op, vm->step(vm, lane->id, op));
        }
    }
    vm->lane_leave(vm, lane->id);
}

static void *lane_main(void *argument) {
    lane_state *lane = argument;
    ftf_pool *pool = lane->pool;
    char name[16];
    snprintf(name, sizeof name, "lane %d", lane->id);
    prctl(PR_SET_NAME, name); /* pthread_setname_np would not reach ASan's reports */
    pool->vm->lane_open(pool->vm, lane->id);
    atomic_store(&lane->tid, (uint32_t)syscall(SYS_gettid));
    futex_wake(&lane->tid);
    for (;;) {
        ftf_sched_enter(lane->id);
        if (pool->stop) {
            return NULL;
        }
        observe(&pool->start_edge);
        pool->vm->lane_enter(pool->vm, lane->id);
        ftf_sched_meet();
        run_section(lane);
        publish(&lane->end_edge);
        ftf_sched_leave();
        if (atomic_fetch_sub(&pool->running, 1) == 1) {
            futex_wake(&pool->running);
        }
    }
}

/* One after the other: opening may stop the world. */
static void open_lane(ftf_pool *pool, const pthread_attr_t *attr) {
    lane_state *lane = &pool->lane[pool->opened];
    lane->pool = pool;
    lane->id = pool->opened;
    FTF_ASSERT(pthread_create(&lane->thread, attr, lane_main, lane) == 0);
    while (atomic_load(&lane->tid) == 0) {
        futex_wait(&lane->tid, 0, FTF_STEAL_MS);
    }
    pool->opened++;
}

static void open_lanes(ftf_pool *pool, int lanes) {
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr,
                              16u << 20); /* sanitized frames are large, and recursion must end in RecursionError */
    while (pool->opened < lanes) {
        open_lane(pool, &attr);
    }
    pthread_attr_destroy(&attr);
}

ftf_pool *ftf_pool_create(ftf_vm *vm, ftf_blackbox *box) {
    ftf_pool *pool = NULL;
    FTF_ASSERT(posix_memalign((void **)&pool, 128, sizeof *pool) == 0);
    memset(pool, 0, sizeof *pool);
    pool->vm = vm;
    pool->box = box;
    return pool;
}

void ftf_pool_destroy(ftf_pool *pool) {
    pool->stop = true;
    for (int i = 0; i < pool->opened; i++) {
        ftf_sched_dismiss(i);
        pthread_join(pool->lane[i].thread, NULL);
    }
    free(pool);
}

static void collect(ftf_pool *pool, ftf_tally *tally) {
    memset(tally, 0, sizeof *tally);
    for (int i = pool->lanes - 1; i >= 0; i--) {
        lane_state *lane = &pool->lane[i];
        observe(&lane->end_edge);
        for (uint32_t op = 0; op < pool->scenario->lanes[i].count; op++) {
            tally->calls += lane->ops[op].calls;
            tally->accepted += lane->ops[op].accepted;
        }
        tally->broken += lane->broken;
        tally->cut = tally->cut || lane->cut;
        if (lane->broken != 0) {
            tally->broken_lane = i;
            tally->broken_op = lane->broken_op;
        }
        if (pool->box != NULL) {
            pool->box->lane_op[i] = UINT32_MAX;
        }
    }
}

void ftf_pool_run(ftf_pool *pool, const ftf_scenario *scenario, const ftf_run_plan *plan, ftf_tally *tally) {
    FTF_ASSERT(plan->lanes <= FTF_LANES_MAX);
    open_lanes(pool, plan->lanes);
    pool->scenario = scenario;
    pool->lanes = plan->lanes;
    for (int i = 0; i < pool->lanes; i++) {
        lane_state *lane = &pool->lane[i];
        memset(lane->ops, 0, scenario->lanes[i].count * sizeof lane->ops[0]);
        lane->cut = false;
        lane->broken = 0;
    }
    ftf_sched_begin(plan);
    atomic_store(&pool->running, (uint32_t)pool->lanes);
    publish(&pool->start_edge);
    ftf_sched_start();
    int patience_ms = FTF_STEAL_MS;
    for (uint32_t left; (left = atomic_load(&pool->running)) != 0;) {
        if (!futex_wait(&pool->running, left, patience_ms)) {
            patience_ms = ftf_sched_watch();
        }
    }
    collect(pool, tally);
    ftf_sched_end(&tally->run);
}

const ftf_op_tally *ftf_pool_ops(const ftf_pool *pool, int lane) { return pool->lane[lane].ops; }

int ftf_pool_tid(const ftf_pool *pool, int lane) { return (int)atomic_load(&pool->lane[lane].tid); }
