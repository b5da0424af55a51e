#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/proc.h"
#include "unit/played.h"

/* What the played worker does is the first word of the scenario's last line. */
static const char WORKER[] = PLAYED_BEGIN "case $(tail -n 1 $file) in\n"
                                          "always) see it;;\n"
                                          "never) exit 0;;\n"
                                          "half) [ $((n % 2)) = 0 ] && see it; exit 0;;\n"
                                          "other) see that;;\n"
                                          "hang) exec sleep 60;;\n"
                                          "bug) echo 'FTF-BUG harness/x.c:1: x' >&2; exit 83;;\n"
                                          "once) [ $n = 1 ] && exit 85; see it;;\n"
                                          "needs) [ $(grep -c before $file) -ge 3 ] && see it; exit 0;;\n"
                                          "both) note that; see it;;\n"
                                          "rounds) grep -q original $file && see it; exit 0;;\n"
                                          "flaky) grep -q original $file && see it; [ $((n % 2)) = 0 ] && see it;\n"
                                          "exit 0;;\n"
                                          "twice) [ $(grep -c twice $file) -ge 2 ] && see it; exit 0;;\n"
                                          "esac\n";

static const char IT[] = "error-protocol it";

static int setup(void **state) {
    (void)state;
    return played_setup(WORKER);
}

static int teardown(void **state) {
    (void)state;
    return played_teardown();
}

static ftf_attempt_result replay(const ftf_attempt_options *options, const char *text, uint32_t n) {
    ftf_attempt_result result;
    ftf_error err = {0};
    ftf_status status = ftf_attempt_replay(options, text, IT, n, &result, &err);
    if (status != FTF_OK) {
        fail_msg("%s", err.text);
    }
    return result;
}

static void test_attempt__counts_k_of_n(void **state) {
    (void)state;
    ftf_attempt_options options = played_options();
    ftf_attempt_result result = replay(&options, "always\n", 5);
    assert_int_equal(result.k, 5);
    assert_int_equal(result.n, 5);
    assert_int_equal(result.steals, 1);
    result = replay(&options, "never\n", 3);
    assert_int_equal(result.k, 0);
    assert_int_equal(result.silent, 3);
    options.jobs = 1;
    result = replay(&options, "half\n", 6);
    assert_int_equal(result.k, 3);
    assert_int_equal(result.n, 6);
    ftf_names left;
    assert_int_equal(ftf_fs_list(played_scratch, &left, NULL), FTF_OK);
    assert_int_equal(left.count, 0);
    ftf_names_release(&left);
}

static void test_attempt__another_finding_is_named_and_does_not_count(void **state) {
    (void)state;
    ftf_attempt_options options = played_options();
    ftf_attempt_result result = replay(&options, "other\n", 3);
    assert_int_equal(result.k, 0);
    assert_int_equal(result.silent, 0);
    assert_int_equal(result.other_count, 1);
    assert_int_equal(result.others[0].seen, 3);
    assert_non_null(strstr(result.others[0].title, "that"));
    ftf_error err = {0};
    assert_int_equal(ftf_attempt_replay(&options, "other\n", NULL, 2, &result, &err), FTF_OK);
    assert_int_equal(result.k, 2);
    assert_int_equal(result.other_count, 1);
}

static void test_attempt__stops_when_enough_or_hopeless(void **state) {
    (void)state;
    ftf_attempt_options options = played_options();
    options.jobs = 1;
    options.enough = 2;
    assert_int_equal(replay(&options, "always\n", 20).n, 2);
    options.hopeless = 3;
    assert_int_equal(replay(&options, "never\n", 20).n, 3);
}

static void test_attempt__a_process_that_does_not_end_is_killed(void **state) {
    (void)state;
    ftf_attempt_options options = played_options();
    options.deadline_ms = 300;
    uint64_t before = ftf_proc_now_ms();
    ftf_attempt_result result = replay(&options, "hang\n", 2);
    assert_true(ftf_proc_now_ms() - before < 5000);
    assert_int_equal(result.timeouts, 2);
    assert_int_equal(result.k, 0);
}

static void test_attempt__trouble_of_ours_is_an_error_not_a_rate(void **state) {
    (void)state;
    ftf_attempt_options options = played_options();
    ftf_attempt_result result;
    ftf_error err = {0};
    assert_int_equal(ftf_attempt_replay(&options, "bug\n", IT, 20, &result, &err), FTF_SETUP);
    assert_non_null(strstr(err.text, "FTF-BUG harness/x.c:1: x"));
    assert_true(result.broken <= 4);
    /* One that breaks is made up for. */
    options.jobs = 1;
    result = replay(&options, "once\n", 4);
    assert_int_equal(result.n, 4);
    options.worker = "/nowhere/ftfuzz-worker-tsan";
    assert_int_equal(ftf_attempt_replay(&options, "always\n", IT, 2, &result, &err), FTF_SETUP);
    assert_non_null(strstr(err.text, "/nowhere/ftfuzz-worker-tsan"));
}

static bool give_up(void *self) {
    int *left = self;
    return --*left > 0;
}

static void test_attempt__can_be_given_up(void **state) {
    (void)state;
    int left = 5;
    ftf_attempt_options options = played_options();
    options.tick = give_up;
    options.self = &left;
    uint64_t before = ftf_proc_now_ms();
    ftf_attempt_result result = replay(&options, "hang\n", 2);
    assert_true(result.gave_up);
    assert_true(ftf_proc_now_ms() - before < 5000);
}

/* ---- confirming ------------------------------------------------------------------------------------------------ */

static ftf_replay confirm_original(const char *scenario, const char *original, uint32_t history, char *kept,
                                   size_t room) {
    ftf_store *store = played_store_original(scenario, original, history);
    ftf_attempt_options options = played_options();
    options.jobs = 1; /* a worker that counts its starts is to see them in order */
    ftf_attempt_result result;
    ftf_error err = {0};
    const char *id = ftf_store_at(store, 0)->id;
    ftf_text text = {0};
    assert_int_equal(ftf_attempt_confirm(&options, store, id, 6, &result, &err), FTF_OK);
    played_read(store, "scenario.ft", &text);
    (void)snprintf(kept, room, "%s", text.data);
    ftf_text_release(&text);
    assert_true(ftf_store_at(store, 0)->measured);
    ftf_replay replayed = ftf_store_at(store, 0)->replay;
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
    return replayed;
}

static ftf_replay confirm(const char *scenario, uint32_t history, char *kept, size_t room) {
    return confirm_original(scenario, NULL, history, kept, room);
}

static void test_confirm__one_scenario_that_replays(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm("always\n", 3, kept, sizeof kept);
    assert_int_equal(r.k, 6);
    assert_int_equal(r.n, 6);
    assert_int_equal(r.sequence, 1);
    assert_string_equal(kept, "always\n");
}

static void test_confirm__a_scenario_may_warm_itself_up(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm("twice\n", 0, kept, sizeof kept);
    assert_int_equal(r.k, 6);
    assert_int_equal(r.sequence, 2);
    assert_string_equal(kept, "twice\ntwice\n");
}

/* What was found in the fourth round may need what the first three left behind. */
static void test_confirm__the_rounds_before_may_be_needed(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm_original("rounds\n", "original\n", 4, kept, sizeof kept);
    assert_int_equal(r.k, 6);
    assert_int_equal(r.sequence, 2);
    assert_string_equal(kept, "original\nrounds\n");
}

static void test_confirm__a_tail_ends_in_the_rounds(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm_original("needs\n", "original\n", 7, kept, sizeof kept);
    assert_int_equal(r.k, 6);
    assert_int_equal(r.sequence, 6);
    assert_string_equal(kept, "before\nbefore\nbefore\nbefore\noriginal\nneeds\n");
}

static void test_confirm__what_replays_now_and_then_is_looked_at_further(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm_original("flaky\n", "original\n", 0, kept, sizeof kept);
    assert_int_equal(r.k, 6);
    assert_int_equal(r.n, 6);
    assert_string_equal(kept, "original\nflaky\n");
}

/* Nothing makes it sure: the rate stays what it was, and is told. */
static void test_confirm__what_stays_uncertain_keeps_its_rate(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm("half\n", 3, kept, sizeof kept);
    assert_int_equal(r.k, 3);
    assert_int_equal(r.n, 6);
    assert_int_equal(r.sequence, 1);
    assert_string_equal(ftf_replay_verdict(&r), "replays sometimes, depends on time"); /* the records have a steal */
}

static void test_confirm__finds_the_tail_that_is_needed(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm("needs\n", 7, kept, sizeof kept);
    assert_int_equal(r.k, 6);
    assert_int_equal(r.sequence, 5); /* 1 and 2 before it are not enough, 4 are */
    assert_string_equal(kept, "before\nbefore\nbefore\nbefore\nneeds\n");
}

static void test_confirm__what_else_a_replay_shows_is_filed_and_confirmed(void **state) {
    (void)state;
    ftf_store *store = played_store("both\n", 0);
    ftf_attempt_options options = played_options();
    ftf_attempt_result result;
    ftf_error err = {0};
    char id[FTF_FINDING_ID_MAX], path[FTF_FS_PATH_MAX];
    (void)snprintf(id, sizeof id, "%s", ftf_store_at(store, 0)->id);
    assert_int_equal(ftf_attempt_confirm(&options, store, id, 4, &result, &err), FTF_OK);
    assert_int_equal(result.k, 4);
    assert_int_equal(ftf_store_count(store), 2);
    for (size_t i = 0; i < 2; i++) {
        const ftf_entry *entry = ftf_store_at(store, i);
        ftf_text text = {0};
        assert_int_equal(entry->replay.k, 4);
        assert_int_equal(entry->replay.n, 4);
        (void)snprintf(path, sizeof path, "%s/scenario.ft", entry->folder);
        assert_int_equal(ftf_fs_read(path, 1000, &text, &err), FTF_OK);
        assert_string_equal(text.data, "both\n");
        ftf_text_release(&text);
    }
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
}

static void test_confirm__what_does_not_replay_says_so(void **state) {
    (void)state;
    char kept[200];
    ftf_replay r = confirm("never\n", 5, kept, sizeof kept);
    assert_int_equal(r.k, 0);
    assert_int_equal(r.n, FTF_CONFIRM_FIRST);
    assert_int_equal(r.sequence, 1);
    assert_string_equal(kept, "never\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_attempt__counts_k_of_n),
        TEST(test_attempt__another_finding_is_named_and_does_not_count),
        TEST(test_attempt__stops_when_enough_or_hopeless),
        TEST(test_attempt__a_process_that_does_not_end_is_killed),
        TEST(test_attempt__trouble_of_ours_is_an_error_not_a_rate),
        TEST(test_attempt__can_be_given_up),
        TEST(test_confirm__one_scenario_that_replays),
        TEST(test_confirm__a_scenario_may_warm_itself_up),
        TEST(test_confirm__the_rounds_before_may_be_needed),
        TEST(test_confirm__a_tail_ends_in_the_rounds),
        TEST(test_confirm__what_replays_now_and_then_is_looked_at_further),
        TEST(test_confirm__what_stays_uncertain_keeps_its_rate),
        TEST(test_confirm__finds_the_tail_that_is_needed),
        TEST(test_confirm__what_else_a_replay_shows_is_filed_and_confirmed),
        TEST(test_confirm__what_does_not_replay_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
