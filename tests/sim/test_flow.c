/*
 * What a lane is told about the access that it is about to make: whom it meets there. If one of these fails, the bug is in
 * harness/sched/flow.c, or in the logs that it reads.
 */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sched/flow.h"
#include "sched/state.h"
#include "sim/toyvm.h"

void __sanitizer_cov_load8(void *address);
void __sanitizer_cov_store8(void *address);

typedef struct meeting {
    bool met, write;
    uintptr_t address;
    ftf_flow_access mine, other;
} meeting;

static volatile long shared, near, words[2];
static meeting met[FTF_LANES_MAX][TOY_OPS_MAX]; /* at the only probe of that op */
static uint32_t op_of[FTF_LANES_MAX];

static void reset(void) {
    memset(met, 0, sizeof met);
    memset(op_of, 0, sizeof op_of);
}

static void ask(int lane) {
    meeting *m = &met[lane][op_of[lane]++];
    m->met = ftf_flow_meeting(&m->address, &m->write, &m->mine, &m->other);
}

/* Two instructions, each of which asks between its point and its access. */
static void probe_load(int lane) {
    __sanitizer_cov_load8((void *)(uintptr_t)&shared);
    ask(lane);
}

static void probe_store(int lane) {
    __sanitizer_cov_store8((void *)(uintptr_t)&shared);
    ask(lane);
}

static void probe_upper_half(int lane) {
    __sanitizer_cov_load8((char *)(uintptr_t)&shared + 4);
    ask(lane);
}

static void probe_elsewhere(int lane) {
    __sanitizer_cov_store8((void *)(uintptr_t)&near);
    ask(lane);
}

static void probe_after_private(int lane) {
    __sanitizer_cov_store8((void *)(uintptr_t)&shared);
    for (int i = 0; i < 100; i++) {
        toy_store(&words[lane], i);
    }
    op_of[lane]++;
}

/* Runs a toy whose lanes have one or two ops each (NULL: none). */
static void run(const toy_op ops[][2], int lanes, const ftf_run_plan *plan) {
    toy *toy = toy_create(lanes, reset, NULL);
    ftf_tally tally;
    for (int lane = 0; lane < lanes; lane++) {
        for (int i = 0; i < 2 && ops[lane][i] != NULL; i++) {
            toy_add(toy, lane, ops[lane][i]);
        }
    }
    toy_run(toy, plan, &tally);
    assert_int_equal(tally.run.steals, 0);
    toy_destroy(toy);
}

static const ftf_run_plan in_order = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {0, 1}};

static void flow__a_lane_meets_the_conflicting_access_of_another(void **state) {
    (void)state;
    run((const toy_op[][2]){{probe_elsewhere, probe_load}, {probe_store, NULL}}, 2, &in_order);
    const meeting *m = &met[1][0], *first = &met[0][1];
    assert_true(m->met && m->write);
    assert_int_equal(m->address, (uintptr_t)&shared);
    assert_int_equal(m->mine.lane, 1);
    assert_int_equal(m->mine.op, 0);
    assert_int_equal(m->other.lane, 0);
    assert_int_equal(m->other.op, 1);
    assert_int_equal(m->other.pc, first->mine.pc);
    assert_int_not_equal(m->other.pc, m->mine.pc);
    assert_false(first->met); /* the first of all meets nobody */
}

static void flow__two_reads_and_other_memory_are_no_meeting(void **state) {
    (void)state;
    run((const toy_op[][2]){{probe_load, NULL}, {probe_load, probe_elsewhere}}, 2, &in_order);
    assert_false(met[1][0].met);
    assert_false(met[1][1].met);
    run((const toy_op[][2]){{probe_store, NULL}, {probe_load, probe_upper_half}}, 2, &in_order);
    assert_true(met[1][0].met && !met[1][0].write);
    assert_true(met[1][1].met); /* the same 8 bytes */
}

static void flow__own_accesses_are_no_meeting(void **state) {
    (void)state;
    run((const toy_op[][2]){{probe_store, probe_store}, {probe_elsewhere, NULL}}, 2, &in_order);
    assert_false(met[0][0].met || met[0][1].met);
}

static void flow__it_is_the_latest_that_conflicts(void **state) {
    (void)state;
    /* Of one lane: a store, then a load of the same; a store meets the load, a load the store. */
    run((const toy_op[][2]){{probe_store, probe_load}, {probe_load, probe_store}}, 2, &in_order);
    assert_int_equal(met[1][0].other.op, 0);
    assert_int_equal(met[1][1].other.op, 1);
    assert_int_equal(met[1][1].other.pc, met[0][1].mine.pc);
    /* Of two lanes: that of the lane which ran last, however much else it has done since. */
    for (int last = 0; last < 2; last++) {
        const ftf_run_plan plan = {
            .mode = FTF_RUN_SERIAL, .lanes = 3, .order = {(uint8_t)(1 - last), (uint8_t)last, 2}};
        run((const toy_op[][2]){{probe_after_private, NULL}, {probe_after_private, NULL}, {probe_store, NULL}}, 3,
            &plan);
        assert_true(met[2][0].met);
        assert_int_equal(met[2][0].other.lane, last);
    }
}

/* Lane 0 loses the token at its second op's store: that is still to come, and what lane 1 meets is the load before. */
static void flow__an_access_that_is_still_to_come_is_no_meeting(void **state) {
    (void)state;
    const ftf_switch at_the_store = {.lane = 0, .point = 4};
    const ftf_run_plan plan = {
        .mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .switches = &at_the_store, .switch_count = 1};
    run((const toy_op[][2]){{probe_load, probe_store}, {probe_store, NULL}}, 2, &plan);
    assert_true(met[1][0].met);
    assert_int_equal(met[1][0].other.op, 0);
    assert_true(met[0][1].met); /* it goes on, and meets lane 1 */
    assert_int_equal(met[0][1].other.lane, 1);
    assert_int_equal(met[0][1].other.pc, met[1][0].mine.pc);
}

/* A replay has to see what the run that it replays saw. */
static void flow__a_replay_knows_and_a_free_run_does_not(void **state) {
    (void)state;
    const ftf_run_plan at = {.mode = FTF_RUN_AT, .lanes = 2}, free_run = {.mode = FTF_RUN_FREE, .lanes = 2};
    const toy_op ops[][2] = {{probe_store, NULL}, {probe_store, NULL}};
    run(ops, 2, &at);
    assert_true(met[1][0].met);
    run(ops, 2, &free_run);
    assert_int_equal(op_of[0] + op_of[1], 2); /* they were asked */
    assert_false(met[0][0].met || met[1][0].met);
    meeting m;
    assert_false(ftf_flow_meeting(&m.address, &m.write, &m.mine, &m.other)); /* nor is the main thread a lane */
}

static void private_only(int lane) { toy_store(&words[lane], 1); }

static void private_then_shared(int lane) {
    toy_store(&words[lane], 1);
    toy_store(&shared, lane);
}

static void count_data(void *self, uint32_t from_pc, uint32_t to_pc) {
    (void)from_pc, (void)to_pc;
    (*(int *)self)++;
}

static void no_overlap(void *self, int lane, uint32_t op, int other, uint32_t other_op) {
    (void)self, (void)lane, (void)op, (void)other, (void)other_op;
}

/* Leaving is a point, too. Once it was taken for what an earlier, longer run had logged at that number. */
static void flow__a_run_knows_nothing_of_the_one_before(void **state) {
    (void)state;
    run((const toy_op[][2]){{private_then_shared, NULL}, {private_then_shared, NULL}}, 2, &in_order);
    ftf_profile_clear();
    run((const toy_op[][2]){{private_only, NULL}, {private_only, NULL}}, 2, &in_order);
    uint32_t count[2];
    ftf_profile_candidates(0, &count[0]);
    ftf_profile_candidates(1, &count[1]);
    assert_int_equal(count[0] + count[1], 0);
    int data = 0;
    const ftf_flow_sink sink = {count_data, no_overlap, &data};
    ftf_flow_walk(&sink);
    assert_int_equal(data, 0);
}

/* ---- more hand-overs than are noted ---------------------------------------------------------------------------------- */

enum { MANY = FTF_SEGMENTS_MAX * 3 / 4, WAITER = 2, LATER_OP = 2 };

static sem_t semaphore;
static int probes, meetings;
static bool latest_met, overlaps_later;

static void reset_many(void) {
    sem_init(&semaphore, 0, 0);
    probes = meetings = 0;
}

static void probe_and_count(int lane) {
    meeting m;
    (void)lane;
    __sanitizer_cov_store8((void *)(uintptr_t)&shared);
    latest_met = ftf_flow_meeting(&m.address, &m.write, &m.mine, &m.other);
    probes++;
    meetings += latest_met;
}

static void post(int lane) {
    (void)lane;
    sem_post(&semaphore);
}

static void wait_for_post(int lane) {
    (void)lane;
    sem_wait(&semaphore);
}

static void note_overlap(void *self, int lane, uint32_t op, int other, uint32_t other_op) {
    (void)self, (void)op, (void)other;
    overlaps_later = overlaps_later || (lane == WAITER && other_op == LATER_OP);
}

/* Two lanes take turns until nobody notes it any more, while a third one waits; it goes on, and ends, before their last ops. */
static void flow__what_is_not_noted_is_not_guessed(void **state) {
    (void)state;
    toy *toy = toy_create(3, reset_many, NULL);
    for (int lane = 0; lane < 2; lane++) {
        toy_add(toy, lane, probe_and_count);
        toy_add(toy, lane, post);
        toy_add(toy, lane, private_only);
        toy->scenario.lanes[lane].ops[0].repeat = MANY;
    }
    toy_add(toy, WAITER, wait_for_post);
    const ftf_run_plan plan = {.mode = FTF_RUN_PCT, .lanes = 3, .order = {WAITER, 0, 1}, .turns = 1};
    ftf_tally tally;
    toy_run(toy, &plan, &tally);
    assert_int_equal(tally.run.steals, 0);
    assert_int_equal(probes, 2 * MANY);
    assert_in_range(meetings, FTF_SEGMENTS_MAX - 16, FTF_SEGMENTS_MAX);
    assert_false(latest_met);
    int data = 0;
    overlaps_later = false;
    const ftf_flow_sink sink = {count_data, note_overlap, &data};
    ftf_flow_walk(&sink);
    assert_in_range(data, FTF_SEGMENTS_MAX - 16, FTF_SEGMENTS_MAX);
    assert_false(overlaps_later);
    toy_destroy(toy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flow__a_lane_meets_the_conflicting_access_of_another),
        cmocka_unit_test(flow__two_reads_and_other_memory_are_no_meeting),
        cmocka_unit_test(flow__own_accesses_are_no_meeting),
        cmocka_unit_test(flow__it_is_the_latest_that_conflicts),
        cmocka_unit_test(flow__an_access_that_is_still_to_come_is_no_meeting),
        cmocka_unit_test(flow__a_replay_knows_and_a_free_run_does_not),
        cmocka_unit_test(flow__a_run_knows_nothing_of_the_one_before),
        cmocka_unit_test(flow__what_is_not_noted_is_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
