/*
 * Races that TSan need not report again (oracle/repeats.h), over a real runtime. This file alone is instrumented, as an extension
 * is; it is linked as a worker is. When known pairs are reported each time and the other pair on the same bytes is not seen, the
 * runtime's ReportRace does not come through us: look at FTFUZZ_WRAPS in ci/cmake/ftfuzz.cmake, and at what the symbol is called in
 * this LLVM.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/raw.h"
#include "oracle/repeats.h"
#include "sim/toyvm.h"

/* Some are kept before any is swallowed (oracle/raw.h). */
enum { FIRST_REPORTS = FTF_REPEATS + FTF_KNOWN_AFTER, LOOKS = 4, LATER_RUNS = LOOKS * FTF_LOOK_AGAIN, CELLS = 8 };

static long *volatile data; /* new memory for each run: nothing that was reported before hides there */
static long source[CELLS];

static void reset(void) { data = calloc(CELLS, sizeof *data); }

static void store(int lane) { *(volatile long *)data = lane; }

static void store_elsewhere(int lane) { *(volatile long *)data = lane + 1; }

static void load(int lane) {
    (void)lane;
    if (*(volatile long *)data > 100) {
        abort();
    }
}

/* Places of their own, which no other test has used up. */
static void load_elsewhere(int lane) {
    (void)lane;
    if (*(volatile long *)data > 200) {
        abort();
    }
}

static void load_there(int lane) {
    (void)lane;
    if (*(volatile long *)data > 300) {
        abort();
    }
}

/* As in code of the interpreter. */
__attribute__((no_sanitize("coverage"))) static void store_unlogged(int lane) { *(volatile long *)data = lane; }

static void store_all(int lane) {
    volatile long *cells = data;
#pragma clang loop unroll(disable)
    for (int i = 0; i < CELLS; i++) {
        cells[i] = lane; /* one place, eight races */
    }
}

static void store_atomically(int lane) { __atomic_store_n(data, lane, __ATOMIC_RELAXED); }

static void copy(int lane) {
    (void)lane;
    volatile size_t size = sizeof source; /* so that it is a call */
    memcpy(data, source, size);
}

/* Two races; of the second the log knows nothing, and what it says last is the first. */
static void store_and_copy(int lane) {
    long *cells = data;
    *(volatile long *)cells = lane;
    memcpy(cells + 1, source, sizeof source - sizeof source[0]);
}

static const ftf_run_plan serial = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {0, 1}};

static toy *race(toy_op first, toy_op second, int lanes, const char *called) {
    toy *toy = toy_create(lanes, reset, NULL);
    toy_add(toy, 0, first);
    toy_add(toy, 1, second);
    toy->scenario.lanes[0].ops[0].name = toy->scenario.lanes[1].ops[0].name = called;
    return toy;
}

/* How many reports TSan made in so many runs, each of which has one race, or two. */
static uint64_t count_reports(toy *toy, const ftf_run_plan *plan, int runs) {
    uint64_t before = ftf_raw_total();
    for (int i = 0; i < runs; i++) {
        ftf_tally tally;
        ftf_raw_clear();
        ftf_repeats_begin(&toy->scenario);
        toy_run(toy, plan, &tally);
        if (tally.run.steals != 0) {
            printf("FAIL  a steal\n");
            exit(1);
        }
    }
    return ftf_raw_total() - before;
}

static int failed;

static void check(const char *name, uint64_t reports, uint64_t expected) {
    bool good = reports == expected;
    failed += !good;
    printf("%s  %s: %llu reports, %llu expected\n", good ? "ok  " : "FAIL", name, (unsigned long long)reports,
           (unsigned long long)expected);
}

static void a_known_pair_is_looked_at_now_and_then(void) {
    toy *toy = race(store, store, 2, "one");
    check("a pair is reported until it is known", count_reports(toy, &serial, FIRST_REPORTS), FIRST_REPORTS);
    check("and then once in a while", count_reports(toy, &serial, LATER_RUNS), LOOKS);
    toy->scenario.lanes[0].ops[0].name = "another";
    check("in another op it is another pair", count_reports(toy, &serial, 2), 2);
    toy_destroy(toy);
}

static void a_read_and_a_write_are_a_pair_in_either_order(void) {
    toy *toy = race(load, store, 2, "read");
    check("a read and a write", count_reports(toy, &serial, FIRST_REPORTS + LATER_RUNS), FIRST_REPORTS + LOOKS);
    const ftf_run_plan reverse = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {1, 0}};
    check("a write and a read are known by then", count_reports(toy, &reverse, FTF_LOOK_AGAIN), 1);
    toy_destroy(toy);
}

/* Lane 1 races with lane 0's first op and ends; then lane 0's second op races with lane 1, on the same bytes. */
static void another_pair_on_the_same_bytes_is_seen(void) {
    toy *toy = race(store, store, 2, "twice");
    count_reports(toy, &serial, FIRST_REPORTS);
    toy_add(toy, 0, store_elsewhere);
    toy->scenario.lanes[0].ops[0].name = "twice"; /* adding an op has moved them, but not changed them */
    const ftf_op_drop before_the_second = {.lane = 0, .op = 1};
    const ftf_run_plan plan = {
        .mode = FTF_RUN_PCT, .lanes = 2, .order = {0, 1}, .op_drops = &before_the_second, .op_drop_count = 1};
    check("behind a known pair, another one", count_reports(toy, &plan, 1), 1);
    const ftf_raw_report *report = ftf_raw_count() == 1 ? ftf_raw_get(0) : NULL;
    uintptr_t place = (uintptr_t)store_elsewhere;
    bool it = report != NULL && report->kind != NULL && report->stacks[0].frame_count > 0 &&
              report->stacks[0].frames[0] - place < 256;
    check("which is the one", it, true);
    ftf_switch room[16];
    const ftf_run_plan at = toy_replay_plan(toy, room);
    check("and is seen in a replay, too", count_reports(toy, &at, 1), 1);
    toy_destroy(toy);
}

/* The runtime looks at the words of the 8 bytes one after the other, reports the first that races, and forgets the others; which is the
   first depends on what lay there before. */
static void a_store_meets_all_that_lies_there(void) {
    const ftf_run_plan three = {.mode = FTF_RUN_SERIAL, .lanes = 3, .order = {0, 1, 2}};
    toy *toy = race(load_there, load_elsewhere, 3, "all");
    toy_add(toy, 2, store);
    toy->scenario.lanes[2].ops[0].name = "all";
    check("a store meets both loads", count_reports(toy, &three, 1), 2);
    check("both are kept", ftf_raw_count(), 2);
    const ftf_raw_report *one = ftf_raw_get(0), *two = ftf_raw_get(1);
    check("the store is at its own place in both", one->stacks[0].frames[0], two->stacks[0].frames[0]);
    check("called from where it was", one->stacks[0].frames[1], two->stacks[0].frames[1]);
    check("the loads are not the same", one->stacks[1].os_thread != two->stacks[1].os_thread, true);
    count_reports(toy, &three, FIRST_REPORTS - 1);
    check("known pairs come once in a while", count_reports(toy, &three, LATER_RUNS), 2 * LOOKS);
    toy_destroy(toy);
}

/* Of an access that the log does not know nothing can be known, either. */
static void a_store_without_a_point_does_too(void) {
    const ftf_run_plan three = {.mode = FTF_RUN_SERIAL, .lanes = 3, .order = {0, 1, 2}};
    toy *toy = race(load_there, load_elsewhere, 3, "unlogged");
    toy_add(toy, 2, store_unlogged);
    check("a store without a point meets both loads", count_reports(toy, &three, 1), 2);
    check("each time", count_reports(toy, &three, LATER_RUNS), 2 * LATER_RUNS);
    toy_destroy(toy);
}

/* What comes late in a run is not to find its room taken by what came first, again and again. */
static void a_pair_is_kept_once_in_a_run(void) {
    toy *toy = race(store_all, store_all, 2, "often");
    const uint64_t reports = 1 + FTF_KNOWN_AFTER;
    check("a pair that comes often", count_reports(toy, &serial, 1), reports);
    check("is kept once in a run", ftf_raw_count(), 1);
    count_reports(toy, &serial, 1);
    check("and in the next run", ftf_raw_count(), 0);
    toy_destroy(toy);
}

/* An atomic access and a range are no plain access, whatever the log says: nothing is left out. */
static void other_races_go_through(void) {
    toy *atomics = race(store, store_atomically, 2, "atomics");
    check("a store and an atomic store", count_reports(atomics, &serial, LATER_RUNS), LATER_RUNS);
    toy_destroy(atomics);
    toy *copies = race(copy, copy, 2, "copies");
    check("two copies", count_reports(copies, &serial, LATER_RUNS), LATER_RUNS);
    toy_destroy(copies);
    toy *both = race(store_and_copy, store_and_copy, 2, "both");
    check("a copy behind a store that is known", count_reports(both, &serial, FIRST_REPORTS + LATER_RUNS),
          FIRST_REPORTS + LOOKS + FIRST_REPORTS + LATER_RUNS);
    toy_destroy(both);
}

int main(void) {
    a_known_pair_is_looked_at_now_and_then();
    a_read_and_a_write_are_a_pair_in_either_order();
    another_pair_on_the_same_bytes_is_seen();
    a_store_meets_all_that_lies_there();
    a_store_without_a_point_does_too();
    a_pair_is_kept_once_in_a_run();
    other_races_go_through();
    return failed;
}
