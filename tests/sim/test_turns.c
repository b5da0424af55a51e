/*
 * Lanes that take turns at op boundaries, walks, calls that do not return, and lanes that have had enough. If one of these
 * fails, the bug is in harness/sched/sched.c, harness/sched/plan.c or harness/lanes/pool.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/same.h"

static void reset(void) { done.length = 0; }

static volatile long shared;

/* One step of the log, with points before and after it. */
static void step(int lane) {
    toy_store(&shared, lane);
    note(lane, 0);
    toy_store(&shared, lane);
}

/* ---- turns --------------------------------------------------------------------------------------------------------- */

static toy *step_toy(int lanes, int ops) {
    toy *toy = toy_create(lanes, reset, NULL);
    for (int lane = 0; lane < lanes; lane++) {
        for (int i = 0; i < ops; i++) {
            toy_add(toy, lane, step);
        }
    }
    return toy;
}

static void run(toy *toy, const ftf_run_plan *plan) {
    ftf_tally tally;
    toy_run(toy, plan, &tally);
    assert_int_equal(tally.run.steals, 0);
    assert_int_equal(tally.run.diverged, 0);
}

static void turns__at_each_boundary_two_lanes_alternate(void **state) {
    (void)state;
    toy *toy = step_toy(2, 3);
    toy->scenario.lanes[0].ops[1].repeat = 4; /* repetitions are boundaries, too */
    toy->scenario.lanes[1].ops[2].repeat = 4;
    for (uint8_t first = 0; first < 2; first++) {
        ftf_run_plan plan = {
            .mode = FTF_RUN_PCT, .lanes = 2, .order = {first, (uint8_t)(1 - first)}, .turns = 1, .turns_seed = 5};
        run(toy, &plan);
        assert_int_equal(done.length, 12);
        for (long i = 0; i < done.length; i++) {
            assert_int_equal(done.step[i].who, i % 2 == 0 ? done.step[0].who : 1 - done.step[0].who);
        }
    }
    toy_destroy(toy);
}

static void turns__none_is_a_run_to_the_end(void **state) {
    (void)state;
    toy *toy = step_toy(2, 3);
    ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 2, .order = {1, 0}, .turns_seed = 5};
    run(toy, &plan);
    for (long i = 0; i < done.length; i++) {
        assert_int_equal(done.step[i].who, i < 3);
    }
    toy_destroy(toy);
}

/* Between the two stores of a step nobody else runs. */
static void turns__come_at_boundaries_only(void **state) {
    (void)state;
    toy *toy = step_toy(3, 8);
    ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 3, .order = {2, 0, 1}, .turns = 2, .turns_seed = 5};
    run(toy, &plan);
    assert_true(toy->box->switch_count > 3);
    for (uint32_t i = 0; i < toy->box->switch_count; i++) {
        assert_int_equal(toy->box->switches[i].point % 3, 1); /* a boundary, two stores */
    }
    toy_destroy(toy);
}

enum { SEEDS = 50, SWITCHES_MAX = 64 };

static void turns__follow_from_their_seed_and_replay_from_their_switches(void **state) {
    (void)state;
    static ftf_blackbox_switch switches[SEEDS][SWITCHES_MAX];
    static same_log steps;
    toy *toy = step_toy(3, 8);
    int different = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
        ftf_run_plan plan = {
            .mode = FTF_RUN_PCT, .lanes = 3, .order = {2, 0, 1}, .turns = 3, .turns_seed = (uint64_t)seed};
        run(toy, &plan);
        uint32_t count = toy->box->switch_count;
        assert_true(count > 0 && count < SWITCHES_MAX);
        memcpy(switches[seed], toy->box->switches, sizeof switches[seed]);
        steps = done;
        different += seed > 0 && memcmp(switches[seed], switches[0], count * sizeof switches[0][0]) != 0;
        ftf_switch room[SWITCHES_MAX];
        const ftf_run_plan replay = toy_replay_plan(toy, room), *again[] = {&plan, &replay};
        for (int i = 0; i < 2; i++) {
            run(toy, again[i]);
            assert_int_equal(toy->box->switch_count, count);
            assert_memory_equal(toy->box->switches, switches[seed], count * sizeof switches[0][0]);
            assert_memory_equal(&done, &steps, sizeof done);
        }
    }
    assert_true(different > SEEDS / 2);
    toy_destroy(toy);
}

/* ---- walks --------------------------------------------------------------------------------------------------------- */

enum { WALK_STEPS = 40, WALK_SWITCHES_MAX = 256 };

static void walk__switches_anywhere_and_replays(void **state) {
    (void)state;
    static ftf_blackbox_switch switches[WALK_SWITCHES_MAX];
    static same_log steps;
    toy *toy = step_toy(2, 1);
    toy->scenario.lanes[0].ops[0].repeat = toy->scenario.lanes[1].ops[0].repeat = WALK_STEPS;
    int inside = 0, different = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .walk = 8, .turns_seed = seed};
        run(toy, &plan);
        uint32_t count = toy->box->switch_count;
        assert_in_range(count, 4, WALK_SWITCHES_MAX); /* 240 points, and a lane that is alone switches no more */
        different += seed > 0 && memcmp(switches, toy->box->switches, 4 * sizeof switches[0]) != 0;
        memcpy(switches, toy->box->switches, sizeof switches);
        steps = done;
        for (uint32_t i = 0; i < count; i++) {
            inside += switches[i].point % 3 != 1;
        }
        ftf_switch room[WALK_SWITCHES_MAX];
        const ftf_run_plan replay = toy_replay_plan(toy, room), *again[] = {&plan, &replay};
        for (int i = 0; i < 2; i++) {
            run(toy, again[i]);
            assert_int_equal(toy->box->switch_count, count);
            assert_memory_equal(toy->box->switches, switches, count * sizeof switches[0]);
            assert_memory_equal(&done, &steps, sizeof done);
        }
    }
    assert_true(inside > SEEDS);
    assert_true(different > SEEDS / 2);
    toy_destroy(toy);
}

/* ---- calls that do not return --------------------------------------------------------------------------------------- */

static volatile long flag;

static void lower_flag(void) { flag = 0; }

static void raise_flag(int lane) {
    (void)lane;
    toy_store(&flag, 1);
}

/* It looks again and again, and gives nothing up: no lock, no sleep, no yield. */
static void wait_by_looking(int lane) {
    (void)lane;
    while (toy_load(&flag) == 0) {
    }
}

static void endless__whoever_waits_by_looking_lets_the_others_go_on(void **state) {
    (void)state;
    toy *toy = toy_create(2, lower_flag, NULL);
    toy_add(toy, 0, wait_by_looking);
    toy_add(toy, 1, raise_flag);
    ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}};
    run(toy, &plan);
    assert_int_equal(ftf_sched_points(0), FTF_POINTS_RUNAWAY + 1); /* one more look, since a switch comes before the access; leaving */
    toy_destroy(toy);
}

static void exit_endless(void) { _exit(ftf_sched_self() == 0 && ftf_sched_points(0) == FTF_POINTS_ENDLESS ? 85 : 1); }

static void endless__a_call_that_does_not_return_ends_the_run(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        toy *toy = toy_create(2, lower_flag, NULL);
        ftf_sched_init(toy->box, &(const ftf_stuck){.endless = exit_endless});
        toy_add(toy, 0, wait_by_looking);
        toy_add(toy, 1, step);
        ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}};
        ftf_tally tally;
        toy_run(toy, &plan, &tally);
        _exit(0);
    }
    assert_int_equal(toy_exit_code(child), 85);
}

/* ---- enough -------------------------------------------------------------------------------------------------------- */

enum { LONG_STEP = 20000, LONG_POINTS = LONG_STEP + 1 }; /* with its boundary */

static void long_step(int lane) {
    static volatile long private[FTF_LANES_MAX];
    note(lane, 1);
    for (int i = 0; i < LONG_STEP; i++) {
        toy_store(&private[lane], i);
    }
}

/* Lane 0 would make 10 long steps and a short one, lane 1 makes 2 short ones. */
static toy *long_toy(void) {
    toy *toy = toy_create(2, reset, NULL);
    toy_add(toy, 0, long_step);
    toy_add(toy, 0, step);
    toy_add(toy, 1, step);
    toy_add(toy, 1, step);
    toy->scenario.lanes[0].ops[0].repeat = 10;
    return toy;
}

static long count_steps(int lane, int what) {
    long count = 0;
    for (long i = 0; i < done.length; i++) {
        count += done.step[i].who == lane && done.step[i].what == what;
    }
    return count;
}

static void enough__no_further_op_begins_and_other_lanes_go_on(void **state) {
    (void)state;
    toy *toy = long_toy();
    const long begun = (FTF_POINTS_ENOUGH + LONG_POINTS - 1) / LONG_POINTS;
    const ftf_run_plan plans[] = {
        {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {0, 1}},
        {.mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .turns = 1},
        {.mode = FTF_RUN_AT, .lanes = 2},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        ftf_tally tally;
        toy_run(toy, &plans[i], &tally);
        assert_true(tally.cut);
        assert_int_equal(count_steps(0, 1), begun); /* what has begun is ended */
        assert_int_equal(count_steps(0, 0), 0);
        assert_int_equal(count_steps(1, 0), 2);
        assert_int_equal(tally.calls, begun + 2);
        assert_int_equal(ftf_sched_points(0), begun * LONG_POINTS + 1); /* leaving is one */
    }
    toy_destroy(toy);
}

/* The points of the last op of all may be as many as they like: nothing was left out. */
static void enough__a_lane_that_ends_by_itself_is_not_cut(void **state) {
    (void)state;
    toy *toy = long_toy();
    toy->scenario.lanes[0].ops[0].repeat = 4;
    toy->scenario.lanes[0].count = 1;
    const ftf_run_plan plan = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {0, 1}};
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_true(ftf_sched_points(0) > FTF_POINTS_ENOUGH);
    assert_false(tally.cut);
    assert_int_equal(tally.calls, 6);
    toy_destroy(toy);
}

/* Each run counts from the beginning, and a free run counts nothing. (Its lanes run at once: its log is worth nothing.) */
static void enough__is_of_one_scheduled_run(void **state) {
    (void)state;
    toy *toy = long_toy();
    const ftf_run_plan scheduled = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {0, 1}};
    const ftf_run_plan free_run = {.mode = FTF_RUN_FREE, .lanes = 2};
    ftf_tally tally;
    toy_run(toy, &scheduled, &tally);
    assert_true(tally.cut);
    toy_run(toy, &free_run, &tally);
    assert_false(tally.cut);
    assert_int_equal(tally.calls, 13);
    toy->scenario.lanes[0].ops[0].repeat = 3;
    toy_run(toy, &scheduled, &tally);
    assert_false(tally.cut);
    assert_int_equal(tally.calls, 6);
    toy->scenario.lanes[0].ops[0].repeat = 10;
    toy_run(toy, &scheduled, &tally);
    assert_true(tally.cut);
    toy->scenario.lanes[0].count = 0;
    toy_run(toy, &scheduled, &tally);
    assert_false(tally.cut);
    toy_destroy(toy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns__at_each_boundary_two_lanes_alternate),
        cmocka_unit_test(turns__none_is_a_run_to_the_end),
        cmocka_unit_test(turns__come_at_boundaries_only),
        cmocka_unit_test(turns__follow_from_their_seed_and_replay_from_their_switches),
        cmocka_unit_test(walk__switches_anywhere_and_replays),
        cmocka_unit_test(endless__whoever_waits_by_looking_lets_the_others_go_on),
        cmocka_unit_test(endless__a_call_that_does_not_return_ends_the_run),
        cmocka_unit_test(enough__no_further_op_begins_and_other_lanes_go_on),
        cmocka_unit_test(enough__a_lane_that_ends_by_itself_is_not_cut),
        cmocka_unit_test(enough__is_of_one_scheduled_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
