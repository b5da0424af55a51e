#include "sim/same.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 8, PLANS = 4, SWITCHES = 64 };

same_log done;

void note(int lane, int what) {
    if (done.length < SAME_LOG_MAX) {
        done.step[done.length].who = lane;
        done.step[done.length++].what = what;
    }
}

long when(int lane, int what) {
    for (long i = 0; i < done.length; i++) {
        if (done.step[i].who == lane && done.step[i].what == what) {
            return i;
        }
    }
    return -1;
}

void touch(int lane) {
    static volatile long shared;
    for (int i = 0; i < 5; i++) {
        toy_store(&shared, lane);
    }
}

static ftf_run_plan plan_number(int number, int lanes, ftf_switch *room) {
    ftf_run_plan plan = {.mode = number < 2 ? FTF_RUN_SERIAL : FTF_RUN_PCT, .lanes = lanes};
    for (int i = 0; i < lanes; i++) {
        plan.order[i] = (uint8_t)(number % 2 == 0 ? i : lanes - 1 - i);
    }
    if (number >= 2) {
        for (int i = 0; i < lanes; i++) {
            room[i] = (ftf_switch){.lane = (uint8_t)i, .point = (uint32_t)(number + 2 * i)};
        }
        plan.switches = room;
        plan.switch_count = (uint32_t)lanes;
    }
    return plan;
}

static void run_checked(toy *toy, const ftf_run_plan *plan) {
    ftf_tally tally;
    toy_run(toy, plan, &tally);
    assert_int_equal(tally.run.steals, 0);
    assert_int_equal(tally.run.diverged, 0);
}

void always_the_same(toy *toy, void (*check)(void)) {
    static ftf_blackbox_switch first[SWITCHES];
    static same_log steps;
    for (int number = 0; number < PLANS; number++) {
        ftf_switch room[FTF_LANES_MAX], replayed[SWITCHES];
        const ftf_run_plan plan = plan_number(number, (int)toy->scenario.lane_count, room);
        run_checked(toy, &plan);
        check();
        uint32_t switches = toy->box->switch_count;
        assert_true(switches < SWITCHES);
        memcpy(first, toy->box->switches, sizeof first);
        steps = done;
        const ftf_run_plan replay = toy_replay_plan(toy, replayed);
        for (int i = 0; i < RUNS; i++) {
            run_checked(toy, i % 2 == 0 ? &plan : &replay);
            assert_int_equal(toy->box->switch_count, switches);
            assert_memory_equal(toy->box->switches, first, switches * sizeof first[0]);
            assert_memory_equal(&steps, &done, sizeof done);
        }
    }
}

void always(toy_op first, toy_op second, void (*begin)(void), void (*check)(void)) {
    toy *toy = toy_create(2, begin, NULL);
    toy_add(toy, 0, first);
    toy_add(toy, 1, second);
    always_the_same(toy, check);
    toy_destroy(toy);
}
