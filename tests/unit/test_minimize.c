#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reduce/minimize.h"
#include "unit/played.h"

/* It shows when one lane pushes and another pops; the switch does not matter. A scenario with both `other` and `it` shows something
   else as well; one that says `flaky` shows it in every second process. */
static const char WORKER[] = PLAYED_BEGIN "grep -q 'a.other()' $file && note that\n"
                                          "grep -q 'a.early()' $file && ! grep -q before $file && exit 0\n"
                                          "grep -q 'a.flaky()' $file && [ $((n % 2)) = 0 ] && exit 0\n"
                                          "grep -q 'a.late()' $file && [ $(grep -c before $file) -ge 2 ] && see it\n"
                                          "grep -q 'a.push(' $file && grep -q 'a.pop()' $file && see it\n"
                                          "exit 0\n";

static const char SCENARIO[] = "ftfuzz 1\ntarget x\n"
                               "setup\n  a = List([1, 2, 3])\n  b = List()\n"
                               "thread\n  b.push(1)\n  a.push(\"text\") * 64\n  repr(b)\n  len(b)\n"
                               "thread\n  a.len()\n  c = a.pop()\n  repr(c)\n"
                               "thread\n  b.other()\n"
                               "finish\n  len(a)\n"
                               "schedule at 0:1.5>1 1:1.3>0 0:3.1>2\n";

static const char SMALLEST[] = "ftfuzz 1\ntarget x\n"
                               "setup\n  a = List()\n"
                               "thread\n  a.push()\n"
                               "thread\n  a.pop()\n"
                               "schedule at\n";

static int setup(void **state) {
    (void)state;
    return played_setup(WORKER);
}

static int teardown(void **state) {
    (void)state;
    return played_teardown();
}

static ftf_minimized minimize(ftf_store *store, bool (*tick)(void *self), void *self) {
    ftf_minimize_options options = {.attempt = played_options(), .time_ms = 60 * 1000, .runs = 4};
    options.attempt.jobs = 1; /* the played worker counts its processes in a file */
    options.attempt.tick = tick;
    options.attempt.self = self;
    ftf_minimized result;
    ftf_error err = {0};
    char id[FTF_FINDING_ID_MAX];
    (void)snprintf(id, sizeof id, "%s", ftf_store_at(store, 0)->id);
    if (ftf_minimize(&options, store, id, &result, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
    return result;
}

static void check_text(ftf_store *store, const char *name, const char *expected) {
    ftf_text text = {0};
    played_read(store, name, &text);
    assert_string_equal(text.data, expected);
    ftf_text_release(&text);
}

static void test_minimize__keeps_what_it_takes_and_nothing_else(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO, 0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_true(result.shows);
    assert_true(result.finished);
    check_text(store, "scenario.ft", SMALLEST);
    check_text(store, "original.ft", SCENARIO);
    assert_int_equal(result.before.lanes, 3);
    assert_int_equal(result.after.lanes, 2);
    assert_int_equal(result.after.lane_ops, 2);
    assert_int_equal(result.after.switches, 0);
    assert_int_equal(result.replay.k, 4);
    assert_true(ftf_store_at(store, 0)->minimized);
    assert_int_equal(ftf_store_at(store, 0)->replay.n, 4);
    ftf_store_close(store, NULL);
}

/* Until so many processes were there. */
static bool not_yet(void *self) {
    const int *last = self;
    return played_count() < *last;
}

enum { PROCESSES_A_CALL = 12 };

/* Stopped again and again, as by Ctrl-C, it gets there all the same, and asks no question twice. */
static void test_minimize__goes_on_where_it_was_stopped(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO, 0);
    ftf_minimized whole = minimize(store, NULL, NULL), result = {0};
    int at_once = played_count();
    ftf_store_close(store, NULL);
    assert_int_equal(played_teardown(), 0);
    assert_int_equal(played_setup(WORKER), 0);
    store = played_store(SCENARIO, 0);
    int calls = 0;
    while (!result.finished && calls < 100) {
        int last = played_count() + PROCESSES_A_CALL;
        result = minimize(store, not_yet, &last);
        ftf_store_close(store, NULL);
        store = played_open_store();
        calls++;
    }
    assert_true(calls > 2);
    check_text(store, "scenario.ft", SMALLEST);
    check_text(store, "original.ft", SCENARIO);
    assert_true(result.processes >= whole.processes);
    /* Each call may lose the question it was asked in, of at most five processes, and asks whether it shows at all. */
    assert_true(played_count() <= at_once + 12 * calls);
    ftf_store_close(store, NULL);
}

static void test_minimize__what_else_shows_is_filed(void **state) {
    (void)state;
    ftf_store *store = played_store("ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  a.push(1)\nthread\n  a.pop()\n"
                                    "  a.other()\nschedule at\n",
                                    0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_true(result.finished);
    assert_int_equal(ftf_store_count(store), 2);
    ftf_store_close(store, NULL);
}

static void test_minimize__a_flaky_one_becomes_sure_where_that_is_possible(void **state) {
    (void)state;
    ftf_store *store = played_store("ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  a.push(1)\n  a.flaky()\n"
                                    "thread\n  a.pop()\nschedule at\n",
                                    0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_true(result.shows);
    assert_int_equal(result.after.lane_ops, 2);
    assert_int_equal(result.replay.k, 4);
    ftf_store_close(store, NULL);
}

static void test_minimize__keeps_the_scenarios_that_are_needed_before_it(void **state) {
    (void)state;
    static const char before[] = "ftfuzz 1\ntarget x\nsetup\nthread\n  before(1)\nschedule at\n";
    static const char last[] = "ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  a.push(1)\n  a.late()\n"
                               "thread\n  len(a)\nschedule at\n";
    char text[2000];
    (void)snprintf(text, sizeof text, "%s%s%s%s%s", before, before, before, before, last);
    ftf_store *store = played_store(text, 0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_int_equal(result.scenarios_before, 5);
    assert_true(result.finished);
    assert_int_equal(result.replay.sequence, 3);
    assert_int_equal(result.after.lane_ops, 1);
    ftf_store_close(store, NULL);
}

/* What made the others necessary goes later than they were tried: they are tried again. */
static void test_minimize__forgets_scenarios_that_are_not_needed_any_more(void **state) {
    (void)state;
    static const char text[] = "ftfuzz 1\ntarget x\nsetup\nthread\n  before(1)\nschedule at\n"
                               "ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  a.push(1)\n  a.early()\n"
                               "thread\n  a.pop()\nschedule at\n";
    ftf_store *store = played_store(text, 0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_int_equal(result.scenarios_before, 2);
    assert_int_equal(result.replay.sequence, 1);
    check_text(store, "scenario.ft", SMALLEST);
    ftf_store_close(store, NULL);
}

/* A sequence in which the first scenario shows it already: the last one is not what it is about. */
static void test_minimize__drops_a_last_scenario_that_is_not_needed(void **state) {
    (void)state;
    static const char text[] =
        "ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  a.push(1)\nthread\n  a.pop()\nschedule at\n"
        "ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  len(a)\nschedule at\n";
    ftf_store *store = played_store(text, 0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_true(result.stored);
    assert_int_equal(result.replay.sequence, 1);
    check_text(store, "scenario.ft", SMALLEST);
    ftf_store_close(store, NULL);
}

typedef struct patience {
    ftf_store *store;
    int processes; /* stop at so many */
} patience;

static bool is_patient(void *self) { return played_count() < ((const patience *)self)->processes; }

/* Stopped at any process, the one that measures the result included, it keeps what it reached and changes nothing else. */
static void test_minimize__stopped_at_any_process_it_keeps_what_it_reached(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO, 0);
    ftf_minimized whole = minimize(store, NULL, NULL);
    int last = played_count();
    assert_true(whole.finished);
    ftf_store_close(store, NULL);
    for (int at = last - 1; at >= last - 6; at--) {
        assert_int_equal(played_teardown(), 0);
        assert_int_equal(played_setup(WORKER), 0);
        store = played_store(SCENARIO, 0);
        patience left = {store, at};
        ftf_minimized result = minimize(store, is_patient, &left);
        assert_true(result.stopped);
        assert_false(result.finished);
        check_text(store, "scenario.ft", SCENARIO);
        json_t *progress = ftf_store_load_progress(store, ftf_store_at(store, 0)->id);
        assert_non_null(progress);
        json_decref(progress);
        ftf_store_close(store, NULL);
    }
}

/* What an earlier call had reached does not show any more: it begins again with what is there. */
static void test_minimize__forgets_progress_that_does_not_show(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO, 0);
    patience left = {store, 20};
    assert_true(minimize(store, is_patient, &left).stopped);
    const char *id = ftf_store_at(store, 0)->id;
    json_t *progress = ftf_store_load_progress(store, id);
    assert_non_null(progress);
    json_object_set_new(progress, "best", json_string("ftfuzz 1\ntarget x\nsetup\nthread\n  len(1)\nschedule at\n"));
    assert_int_equal(ftf_store_save_progress(store, id, progress, NULL), FTF_OK);
    json_decref(progress);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_true(result.shows);
    check_text(store, "scenario.ft", SMALLEST);
    ftf_store_close(store, NULL);
}

static void test_minimize__what_does_not_show_stays_as_it_is(void **state) {
    (void)state;
    static const char silent[] = "ftfuzz 1\ntarget x\nsetup\n  a = List()\nthread\n  a.push(1)\nschedule at\n";
    ftf_store *store = played_store(silent, 0);
    ftf_minimized result = minimize(store, NULL, NULL);
    assert_false(result.shows);
    check_text(store, "scenario.ft", silent);
    ftf_store_close(store, NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_minimize__keeps_what_it_takes_and_nothing_else),
        TEST(test_minimize__goes_on_where_it_was_stopped),
        TEST(test_minimize__what_else_shows_is_filed),
        TEST(test_minimize__a_flaky_one_becomes_sure_where_that_is_possible),
        TEST(test_minimize__keeps_the_scenarios_that_are_needed_before_it),
        TEST(test_minimize__forgets_scenarios_that_are_not_needed_any_more),
        TEST(test_minimize__drops_a_last_scenario_that_is_not_needed),
        TEST(test_minimize__stopped_at_any_process_it_keeps_what_it_reached),
        TEST(test_minimize__forgets_progress_that_does_not_show),
        TEST(test_minimize__what_does_not_show_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
