/*
 * The token scheduler over toy objects, in milliseconds and without an interpreter. If one of these fails, the bug is in
 * harness/sched or harness/lanes.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "sched/flow.h"
#include "sched/state.h"
#include "sim/toyvm.h"

static volatile long shared, private_words[2], broken;

static void reset(void) {
    shared = 1;
    private_words[0] = private_words[1] = 0;
    broken = 0;
}

static ftf_run_plan serial(int lanes, int first) {
    ftf_run_plan plan = {.mode = FTF_RUN_SERIAL, .lanes = lanes};
    for (int i = 0; i < lanes; i++) {
        plan.order[i] = (uint8_t)((first + i) % lanes);
    }
    return plan;
}

/* ---- finding and replaying a check-then-use bug ------------------------------------------------------------------------- */

static void busy(int lane) {
    for (int i = 0; i < 20; i++) {
        toy_store(&private_words[lane], toy_load(&private_words[lane]) + 1);
    }
}

static void check_then_use(int lane) {
    busy(lane);
    if (toy_load(&shared) != 0) {
        broken |= toy_load(&shared) == 0;
    }
    busy(lane);
}

static void clear(int lane) {
    busy(lane);
    toy_store(&shared, 0);
}

static toy *check_then_use_toy(void) {
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, check_then_use);
    toy_add(toy, 1, clear);
    return toy;
}

static void sched__candidates_are_the_points_on_shared_memory(void **state) {
    (void)state;
    toy *toy = check_then_use_toy();
    ftf_tally tally;
    ftf_run_plan plan = serial(2, 0);
    ftf_profile_clear();
    toy_run(toy, &plan, &tally);
    /* Point 1 is the op boundary, then 40 private accesses, then the two loads of `shared`. */
    bool drawn[64] = {false};
    uint32_t point;
    ftf_rng rng = ftf_rng_seed(1);
    for (int i = 0; i < 200; i++) {
        assert_true(ftf_profile_draw(&rng, 0, &point));
        assert_true(point == 42 || point == 43);
        drawn[point] = true;
        assert_true(ftf_profile_draw(&rng, 1, &point));
        assert_int_equal(point, 42);
    }
    assert_true(drawn[42] && drawn[43]);
    assert_int_equal(tally.calls, 2);
    assert_false(broken);
    toy_destroy(toy);
}

static void sched__each_op_of_a_run_is_counted_apart(void **state) {
    (void)state;
    toy *toy = check_then_use_toy();
    toy_add(toy, 1, busy);
    toy->scenario.lanes[1].ops[1].repeat = 3;
    ftf_tally tally;
    const ftf_run_plan plan = serial(2, 0);
    for (int run = 0; run < 2; run++) { /* the second does not add to the first */
        toy_run(toy, &plan, &tally);
        const ftf_op_tally *first = ftf_pool_ops(toy->pool, 0), *second = ftf_pool_ops(toy->pool, 1);
        assert_int_equal(first[0].calls, 1);
        assert_int_equal(second[0].calls, 1);
        assert_int_equal(second[1].calls, 3);
        assert_int_equal(second[1].accepted, 3);
        assert_int_equal(tally.calls, 5);
        assert_int_equal(tally.accepted, 5);
    }
    toy_destroy(toy);
}

static void sched__a_drop_at_a_candidate_finds_the_bug_and_the_switches_replay_it(void **state) {
    (void)state;
    toy *toy = check_then_use_toy();
    ftf_tally tally;
    const ftf_switch drop = {.lane = 0, .point = 43};
    ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .switches = &drop, .switch_count = 1};
    toy_run(toy, &plan, &tally);
    assert_true(broken);
    ftf_switch switches[64];
    ftf_run_plan replay = toy_replay_plan(toy, switches);
    assert_int_equal(replay.switch_count, 1);
    for (int i = 0; i < 200; i++) {
        toy_run(toy, &replay, &tally);
        assert_true(broken);
        assert_int_equal(tally.run.steals, 0);
        assert_int_equal(tally.run.diverged, 0);
    }
    toy_destroy(toy);
}

static void sched__serial_runs_switch_only_where_a_lane_ends(void **state) {
    (void)state;
    toy *toy = check_then_use_toy();
    ftf_tally tally;
    ftf_run_plan plan = serial(2, 0);
    toy_run(toy, &plan, &tally);
    assert_int_equal(toy->box->switch_count, 0); /* lane 0 first, then the default successor */
    plan = serial(2, 1);
    toy_run(toy, &plan, &tally);
    assert_int_equal(toy->box->switch_count, 1);
    assert_int_equal(toy->box->switches[0].lane, 0);
    assert_int_equal(toy->box->switches[0].point, 1);
    assert_int_equal(toy->box->switches[0].to, 1);
    toy_destroy(toy);
}

/* The order in which lanes touch `log` is the interleaving. */
static volatile long order_log[512], order_len;

static void append(int lane) {
    for (int i = 0; i < 10; i++) {
        toy_store(&order_log[order_len], lane);
        order_len++;
    }
}

static void reset_order(void) {
    memset((void *)(uintptr_t)order_log, 0, sizeof order_log);
    order_len = 0;
}

static void sched__any_plan_replays_from_its_switches(void **state) {
    (void)state;
    toy *toy = toy_create(3, reset_order, NULL);
    for (int lane = 0; lane < 3; lane++) {
        toy_add(toy, lane, append);
        toy_add(toy, lane, append);
    }
    ftf_rng rng = ftf_rng_seed(7);
    for (int i = 0; i < 300; i++) {
        ftf_switch drops[3];
        for (uint32_t k = 0; k < 3; k++) {
            drops[k] = (ftf_switch){.lane = (uint8_t)k, .point = 1 + ftf_rng_below(&rng, 22)};
        }
        ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 3, .order = {2, 0, 1}, .switches = drops, .switch_count = 3};
        ftf_tally tally;
        toy_run(toy, &plan, &tally);
        long seen[512];
        memcpy(seen, (const void *)(uintptr_t)order_log, sizeof seen);
        ftf_switch switches[64];
        ftf_run_plan replay = toy_replay_plan(toy, switches);
        toy_run(toy, &replay, &tally);
        assert_memory_equal(seen, (const void *)(uintptr_t)order_log, sizeof seen);
        assert_int_equal(tally.run.diverged, 0);
    }
    toy_destroy(toy);
}

static toy *append_toy(void) {
    toy *toy = toy_create(2, reset_order, NULL);
    for (int lane = 0; lane < 2; lane++) {
        toy_add(toy, lane, append);
        toy_add(toy, lane, append);
        toy_add(toy, lane, append);
    }
    return toy;
}

static void sched__a_serial_run_learns_where_ops_begin(void **state) {
    (void)state;
    toy *toy = append_toy();
    ftf_tally tally;
    ftf_run_plan plan = serial(2, 1);
    ftf_profile_clear();
    toy_run(toy, &plan, &tally);
    for (int lane = 0; lane < 2; lane++) {
        assert_int_equal(ftf_profile_op_start(lane, 0), 1);
        assert_int_equal(ftf_profile_op_start(lane, 1), 12); /* a boundary and ten stores */
        assert_int_equal(ftf_profile_op_start(lane, 3), 34);
        assert_int_equal(ftf_profile_op_start(lane, 4), 0);
    }
    toy_destroy(toy);
}

/* Lane 0 is interrupted in each op, lane 1 at the end of each: the drops stay in their ops although the lanes alternate. */
static void sched__op_drops_stay_in_their_ops(void **state) {
    (void)state;
    toy *toy = append_toy();
    const ftf_op_drop drops[] = {{0, 0, 4}, {0, 1, 99}, {0, 2, 4}, {1, 1, 0}, {1, 2, 0}};
    ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .op_drops = drops, .op_drop_count = 5};
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    /* The drop behind the end of op 1 is none. */
    const ftf_switch expected[] = {{0, 1, 0, 5}, {1, 0, 0, 12}, {0, 1, 0, 27}, {1, 0, 0, 23}};
    assert_int_equal(toy->box->switch_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(toy->box->switches[i].lane, expected[i].lane);
        assert_int_equal(toy->box->switches[i].to, expected[i].to);
        assert_int_equal(toy->box->switches[i].point, expected[i].point);
    }
    long seen[512];
    memcpy(seen, (const void *)(uintptr_t)order_log, sizeof seen);
    ftf_switch switches[64];
    ftf_run_plan replay = toy_replay_plan(toy, switches);
    toy_run(toy, &replay, &tally);
    assert_memory_equal(seen, (const void *)(uintptr_t)order_log, sizeof seen);
    toy_destroy(toy);
}

/* ---- what lanes did to each other -------------------------------------------------------------------------------------------- */

typedef struct seen {
    uint32_t data, overlaps;
    int lane, other;
    uint32_t op, other_op;
} seen;

static void on_data(void *self, uint32_t from_pc, uint32_t to_pc) {
    assert_int_not_equal(from_pc, to_pc); /* a store of toy_store, a load of toy_load */
    ((seen *)self)->data++;
}

static void on_overlap(void *self, int lane, uint32_t op, int other, uint32_t other_op) {
    seen *s = self;
    s->overlaps++;
    s->lane = lane;
    s->other = other;
    s->op = op;
    s->other_op = other_op;
}

static seen walk(void) {
    seen s = {0};
    const ftf_flow_sink sink = {on_data, on_overlap, &s};
    ftf_flow_walk(&sink);
    return s;
}

static void sched__the_flow_of_a_run_tells_its_interleaving(void **state) {
    (void)state;
    toy *toy = check_then_use_toy();
    ftf_tally tally;
    ftf_run_plan plan = serial(2, 0);
    toy_run(toy, &plan, &tally);
    seen s = walk();
    assert_int_equal(s.data, 0); /* the lane that only reads was first */
    assert_int_equal(s.overlaps, 0);
    plan = serial(2, 1);
    toy_run(toy, &plan, &tally);
    assert_int_equal(walk().data, 1); /* the load of what lane 1 stored; there is no second one */
    const ftf_switch between_the_loads = {.lane = 0, .point = 43};
    plan = (ftf_run_plan){
        .mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .switches = &between_the_loads, .switch_count = 1};
    toy_run(toy, &plan, &tally);
    s = walk();
    assert_int_equal(s.data, 1);
    assert_int_equal(s.overlaps, 1);
    assert_int_equal(s.lane, 0);
    assert_int_equal(s.op, 0);
    assert_int_equal(s.other, 1);
    assert_int_equal(s.other_op, 0);
    toy_destroy(toy);
}

/* ---- blocking ------------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, other_mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t semaphore;
static volatile long inside;

static void critical(int lane) {
    (void)lane;
    pthread_mutex_lock(&mutex);
    broken |= toy_load(&inside) != 0;
    toy_store(&inside, 1);
    toy_store(&inside, 0);
    pthread_mutex_unlock(&mutex);
}

static void sched__a_switch_inside_a_critical_section_blocks_the_other_lane_without_a_steal(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, critical);
    toy_add(toy, 1, critical);
    const ftf_switch inside_it = {.lane = 0, .point = 4, .to = 1};
    ftf_run_plan plan = {.mode = FTF_RUN_AT, .lanes = 2, .switches = &inside_it, .switch_count = 1};
    for (int i = 0; i < 50; i++) {
        ftf_tally tally;
        toy_run(toy, &plan, &tally);
        assert_false(broken);
        assert_int_equal(tally.run.steals, 0);
    }
    toy_destroy(toy);
}

static void exit_stuck(void) { _exit(84); }

/* Once a false deadlock: the owner unlocked between the look at the mutex and the waiting for it. */
static void sched__an_unlock_between_look_and_wait_is_not_lost(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset, exit_stuck);
    toy_add(toy, 0, critical);
    toy_add(toy, 1, critical);
    const ftf_switch switches[] = {{.lane = 0, .point = 3, .to = 1}, {.lane = 1, .point = 3, .to = 0}};
    ftf_run_plan plan = {.mode = FTF_RUN_AT, .lanes = 2, .switches = switches, .switch_count = 2};
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(tally.calls, 2);
    assert_int_equal(tally.run.diverged, 0);
    toy_destroy(toy);
}

static volatile long wait_result;

static void wait_for_post(int lane) {
    (void)lane;
    wait_result = sem_wait(&semaphore);
}

static void post(int lane) {
    busy(lane);
    sem_post(&semaphore);
}

static void wait_with_deadline(int lane) {
    (void)lane;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 3600;
    wait_result = sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until);
}

static void sched__semaphores_wake_whom_they_should(void **state) {
    (void)state;
    sem_init(&semaphore, 0, 0);
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, wait_for_post);
    toy_add(toy, 1, post);
    ftf_run_plan plan = serial(2, 0);
    ftf_tally tally;
    wait_result = 7;
    toy_run(toy, &plan, &tally);
    assert_int_equal(wait_result, 0);
    assert_int_equal(tally.run.steals, 0);
    toy_destroy(toy);
}

static void sched__an_hour_passes_at_once_when_nobody_can_run(void **state) {
    (void)state;
    sem_init(&semaphore, 0, 0);
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, wait_with_deadline);
    toy_add(toy, 1, busy);
    ftf_run_plan plan = serial(2, 0);
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(wait_result, -1);
    assert_int_equal(tally.run.steals, 0);
    toy_destroy(toy);
}

static void sleep_a_day(int lane) {
    (void)lane;
    const struct timespec day = {.tv_sec = 86400};
    wait_result = nanosleep(&day, NULL);
}

static void sched__a_sleeping_lane_gives_the_token_away(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset_order, NULL);
    toy_add(toy, 0, sleep_a_day);
    toy_add(toy, 0, append);
    toy_add(toy, 1, append);
    ftf_run_plan plan = serial(2, 0);
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(wait_result, 0);
    assert_int_equal(order_log[0], 1);
    assert_int_equal(order_log[10], 0);
    toy_destroy(toy);
}

/* ---- what cannot be modelled ------------------------------------------------------------------------------------------------ */

static int pipe_ends[2];

static void read_pipe(int lane) {
    (void)lane;
    char byte;
    wait_result = syscall(SYS_read, pipe_ends[0], &byte, 1); /* past libc, and so past us */
    busy(lane);
}

static void write_pipe(int lane) {
    busy(lane);
    broken |= write(pipe_ends[1], "x", 1) != 1;
}

static void sched__a_lane_that_sleeps_in_an_unknown_call_is_robbed_and_comes_back(void **state) {
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, read_pipe);
    toy_add(toy, 1, write_pipe);
    ftf_run_plan plan = serial(2, 0);
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(wait_result, 1);
    assert_int_equal(tally.run.steals, 1);
    assert_false(broken);
    toy_destroy(toy);
}

static void one_then_other(int lane) {
    pthread_mutex_t *first = lane == 0 ? &mutex : &other_mutex, *second = lane == 0 ? &other_mutex : &mutex;
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
}

static void sched__lanes_that_wait_for_each_other_are_a_deadlock(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        toy *toy = toy_create(2, reset, exit_stuck);
        toy_add(toy, 0, one_then_other);
        toy_add(toy, 1, one_then_other);
        const ftf_switch between = {.lane = 0, .point = 3, .to = 1}; /* its second lock; the first is point 2 */
        ftf_run_plan plan = {.mode = FTF_RUN_AT, .lanes = 2, .switches = &between, .switch_count = 1};
        ftf_tally tally;
        toy_run(toy, &plan, &tally);
        _exit(0);
    }
    assert_int_equal(toy_exit_code(child), 84);
}

/* Between the two locks there is no access, so without these points no schedule could part them. */
static void sched__calls_on_a_lock_of_both_lanes_are_candidates(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, one_then_other);
    toy_add(toy, 1, one_then_other);
    ftf_run_plan plan = serial(2, 0);
    ftf_tally tally;
    uint32_t count;
    ftf_profile_clear();
    toy_run(toy, &plan, &tally);
    const ftf_candidate *candidates = ftf_profile_candidates(0, &count);
    assert_int_equal(count, 2);
    assert_int_equal(candidates[0].point, 2);
    assert_int_equal(candidates[1].point, 3);
    toy_destroy(toy);
}

/* ---- free runs ----------------------------------------------------------------------------------------------------------- */

static void sched__free_runs_intercept_no_calls(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, critical);
    toy_add(toy, 1, clear);
    ftf_run_plan plan = {.mode = FTF_RUN_FREE, .lanes = 2};
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(tally.calls, 2);
    assert_int_equal(ftf_sched_points(0), 3); /* accesses: neither the mutex, nor the boundary, nor the end */
    assert_int_equal(ftf_sched_points(1), 41);
    toy_destroy(toy);
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

enum { DELAYS = 2000 };

/* Goes from delay to delay; microseconds that it took. */
static uint64_t tarry(uint64_t seed, int id, uint32_t points[DELAYS]) {
    ftf_lane lane = {.id = id};
    ftf_delay_deal(&lane, seed);
    uint64_t since = now_us();
    for (int i = 0; i < DELAYS; i++) {
        points[i] = lane.trigger;
        lane.points = lane.trigger;
        ftf_delay(&lane);
    }
    return now_us() - since;
}

static void sched__where_a_free_lane_tarries_follows_from_the_seed(void **state) {
    (void)state;
    static uint32_t points[4][DELAYS];
    tarry(1, 0, points[0]);
    tarry(1, 0, points[1]);
    tarry(2, 0, points[2]);
    tarry(1, 1, points[3]);
    assert_memory_equal(points[0], points[1], sizeof points[0]);
    assert_memory_not_equal(points[0], points[2], sizeof points[0]);
    assert_memory_not_equal(points[0], points[3], sizeof points[0]);
}

static void sched__delays_have_the_mean_they_should(void **state) {
    (void)state;
    static uint32_t points[DELAYS];
    uint64_t took_us = tarry(3, 0, points);
    assert_in_range(points[DELAYS - 1] / DELAYS, FTF_DELAY_EVERY * 9 / 10, FTF_DELAY_EVERY * 11 / 10);
    assert_true(took_us / DELAYS >= 7); /* 9.4 without what the kernel adds; a busy machine only adds more */
    int near = 0;
    for (int i = 1; i < DELAYS; i++) {
        near += points[i] - points[i - 1] <= FTF_DELAY_EVERY / 4;
    }
    assert_in_range(near, DELAYS * 18 / 100, DELAYS * 26 / 100); /* geometric: 1 - exp(-1/4) of them */
}

static void pass_many_points(int lane) {
    for (int i = 0; i < 20000; i++) {
        toy_load(&private_words[lane]);
    }
}

static void sched__free_lanes_tarry(void **state) {
    (void)state;
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, pass_many_points);
    toy_add(toy, 1, pass_many_points);
    ftf_run_plan plan = {.mode = FTF_RUN_FREE, .lanes = 2, .seed = 1};
    ftf_tally tally;
    uint64_t since = now_us();
    toy_run(toy, &plan, &tally);
    assert_true(now_us() - since >= 1000); /* 200 delays of 9.4 us each; the loads take a twentieth of that */
    assert_int_equal(ftf_sched_points(0), 20000);
    toy_destroy(toy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sched__candidates_are_the_points_on_shared_memory),
        cmocka_unit_test(sched__each_op_of_a_run_is_counted_apart),
        cmocka_unit_test(sched__a_drop_at_a_candidate_finds_the_bug_and_the_switches_replay_it),
        cmocka_unit_test(sched__serial_runs_switch_only_where_a_lane_ends),
        cmocka_unit_test(sched__any_plan_replays_from_its_switches),
        cmocka_unit_test(sched__the_flow_of_a_run_tells_its_interleaving),
        cmocka_unit_test(sched__a_serial_run_learns_where_ops_begin),
        cmocka_unit_test(sched__op_drops_stay_in_their_ops),
        cmocka_unit_test(sched__a_switch_inside_a_critical_section_blocks_the_other_lane_without_a_steal),
        cmocka_unit_test(sched__an_unlock_between_look_and_wait_is_not_lost),
        cmocka_unit_test(sched__semaphores_wake_whom_they_should),
        cmocka_unit_test(sched__an_hour_passes_at_once_when_nobody_can_run),
        cmocka_unit_test(sched__a_sleeping_lane_gives_the_token_away),
        cmocka_unit_test(sched__a_lane_that_sleeps_in_an_unknown_call_is_robbed_and_comes_back),
        cmocka_unit_test(sched__lanes_that_wait_for_each_other_are_a_deadlock),
        cmocka_unit_test(sched__calls_on_a_lock_of_both_lanes_are_candidates),
        cmocka_unit_test(sched__free_runs_intercept_no_calls),
        cmocka_unit_test(sched__where_a_free_lane_tarries_follows_from_the_seed),
        cmocka_unit_test(sched__delays_have_the_mean_they_should),
        cmocka_unit_test(sched__free_lanes_tarry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
