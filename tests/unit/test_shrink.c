#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "reduce/shrink.h"
#include "scenario/generate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "unit/sample_catalog.h"

typedef bool predicate(const char *text);

static void print(const ftf_scenario *scenario, ftf_text *out) {
    ftf_text_clear(out);
    ftf_scenario_print(scenario, out);
}

/* What is left of the text when everything goes that the predicate does not ask for. */
static void shrink(const char *from, predicate *asks, char *to, size_t room) {
    ftf_arena *arena = ftf_arena_create(), *work = ftf_arena_create();
    ftf_scenario scenario, candidate;
    ftf_error err = {0};
    ftf_text text = {0};
    if (ftf_scenario_parse(from, strlen(from), arena, &scenario, &err) != FTF_OK) {
        fail_msg("line %d: %s", err.line, err.text);
    }
    ftf_shrink *s = ftf_shrink_create(&scenario);
    for (int steps = 0; ftf_shrink_propose(s, work, &candidate); steps++) {
        assert_true(steps < 10000);
        print(&candidate, &text);
        ftf_shrink_answer(s, asks(text.data) ? &candidate : NULL);
        ftf_arena_reset(work);
    }
    print(ftf_shrink_best(s), &text);
    (void)snprintf(to, room, "%s", text.data);
    ftf_shrink_destroy(s);
    ftf_text_release(&text);
    ftf_arena_destroy(work);
    ftf_arena_destroy(arena);
}

static void check(const char *from, predicate *asks, const char *expected) {
    char left[4000];
    shrink(from, asks, left, sizeof left);
    assert_string_equal(left, expected);
}

#define SETUP "ftfuzz 1\ntarget t\nsetup\n  a = T([1, 2, 3])\n  b = U(a, k=7)\n"

static bool asks_for_g(const char *text) { return strstr(text, ".g(") != NULL; }

static void test_shrink__an_op_brings_what_it_needs(void **state) {
    (void)state;
    check(SETUP "thread\n  a.f()\n  x = b.f(12)\n  y = x.h()\n  y.g(x) * 40\n  b.f()\nthread\n  a.f()\nfinish\n  "
                "len(b)\nschedule at\n",
          asks_for_g, "ftfuzz 1\ntarget t\nsetup\n  b = U()\nthread\n  x = b.f()\n  y = x.h()\n  y.g()\nschedule at\n");
}

static bool asks_for_order(const char *text) {
    return strstr(text, "a.f") != NULL && strstr(text, "a.g") != NULL && strstr(text, "1>0") == NULL &&
           strstr(text, ">1") != NULL;
}

/* The one switch that is asked for was inside an op that goes: it stays, at the boundary of the op behind. */
static void test_shrink__a_switch_outlives_its_op(void **state) {
    (void)state;
    check(SETUP "thread\n  a.z()\n  a.f()\nthread\n  a.g()\nschedule at 0:0.9>1\n", asks_for_order,
          "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  a.f()\nthread\n  a.g()\nschedule at 0:0.1>1\n");
}

static bool asks_for_g_first(const char *text) {
    return strstr(text, "a.f") != NULL && strstr(text, "x.g") != NULL &&
           (strstr(text, "0:0.1>1") != NULL || strstr(text, "x.g") < strstr(text, "a.f"));
}

static void test_shrink__the_lane_that_runs_first_becomes_the_first(void **state) {
    (void)state;
    check(SETUP "thread\n  a.f()\nthread\n  x = a.h()\n  x.g()\nschedule at 0:0.1>1 1:1.4>0\n", asks_for_g_first,
          "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  x = a.h()\n  x.g()\nthread\n  a.f()\nschedule at\n");
}

static bool asks_for_two(const char *text) { return strstr(text, "a.f") != NULL && strstr(text, "a.g") != NULL; }

static void test_shrink__lanes_between_go_and_the_others_move_up(void **state) {
    (void)state;
    check(SETUP
          "thread\n  b.z()\nthread\n  a.f()\nthread\n  b.z()\nthread\n  a.g()\nschedule at 1:0.2>3 3:0.2>0 0:0.1>2\n",
          asks_for_two, "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  a.f()\nthread\n  a.g()\nschedule at\n");
}

static bool asks_for_values(const char *text) {
    return strstr(text, "\"k\": ") != NULL && strstr(text, "b\"") != NULL && strstr(text, "64") != NULL;
}

static void test_shrink__values_get_smaller(void **state) {
    (void)state;
    check(SETUP
          "thread\n  a.f({\"k\": 12345, \"l\": [1, 2]}, b\"some bytes\", (1, 64, 3), 1.5, \"last\")\nschedule free\n",
          asks_for_values,
          "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  a.f({\"k\": 0}, b\"\", (64,))\nschedule free\n");
}

static void test_shrink__a_text_is_not_cut_inside_of_a_character(void **state) {
    (void)state;
    check(SETUP "thread\n  a.g(\"\\xe9\\xe9\\xe9\", 3)\nschedule free\n", asks_for_g,
          "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  a.g()\nschedule free\n");
}

/* Whatever is accepted and refused: each proposal is a scenario that can be read back, none comes twice, and it ends. */
static void test_shrink__proposals_are_valid_and_end(void **state) {
    (void)state;
    ftf_catalog *catalog = load_sample_catalog();
    ftf_arena *arena = ftf_arena_create(), *work = ftf_arena_create();
    ftf_text text = {0};
    for (uint64_t seed = 1; seed <= 300; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario scenario, candidate, again;
        ftf_arena_reset(arena);
        ftf_generate(catalog, &rng, arena, &scenario);
        ftf_shrink *s = ftf_shrink_create(&scenario);
        int steps = 0;
        for (; ftf_shrink_propose(s, work, &candidate); steps++) {
            ftf_error err = {0};
            assert_true(steps < 20000);
            print(&candidate, &text);
            if (ftf_scenario_parse(text.data, text.len, work, &again, &err) != FTF_OK) {
                fail_msg("line %d: %s\n%s", err.line, err.text, text.data);
            }
            assert_true(ftf_scenario_equal(&candidate, &again));
            ftf_shrink_answer(s, ftf_rng_below(&rng, 100) < seed % 100 ? &candidate : NULL);
            ftf_arena_reset(work);
        }
        assert_true(steps > 0);
        ftf_shrink_destroy(s);
    }
    ftf_text_release(&text);
    ftf_arena_destroy(work);
    ftf_arena_destroy(arena);
    ftf_catalog_destroy(catalog);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrink__an_op_brings_what_it_needs),
        cmocka_unit_test(test_shrink__a_switch_outlives_its_op),
        cmocka_unit_test(test_shrink__the_lane_that_runs_first_becomes_the_first),
        cmocka_unit_test(test_shrink__lanes_between_go_and_the_others_move_up),
        cmocka_unit_test(test_shrink__values_get_smaller),
        cmocka_unit_test(test_shrink__a_text_is_not_cut_inside_of_a_character),
        cmocka_unit_test(test_shrink__proposals_are_valid_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
