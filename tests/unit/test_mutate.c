#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "scenario/generate.h"
#include "scenario/mend.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/schedule.h"
#include "unit/sample_catalog.h"

typedef struct fixture {
    ftf_catalog *catalog;
    ftf_arena *arena;
    ftf_arena *again;
    ftf_text text;
    ftf_text second;
} fixture;

static int begin(void **state) {
    static fixture one;
    one = (fixture){.catalog = load_sample_catalog(), .arena = ftf_arena_create(), .again = ftf_arena_create()};
    *state = &one;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    ftf_catalog_destroy(f->catalog);
    ftf_arena_destroy(f->arena);
    ftf_arena_destroy(f->again);
    ftf_text_release(&f->text);
    ftf_text_release(&f->second);
    return 0;
}

static void parse(fixture *f, const char *text, ftf_scenario *out) {
    ftf_error err = {0};
    if (ftf_scenario_parse(text, strlen(text), f->arena, out, &err) != FTF_OK) {
        fail_msg("line %d: %s\n%s", err.line, err.text, text);
    }
}

static void check_round_trip(fixture *f, const ftf_scenario *scenario) {
    ftf_scenario parsed;
    ftf_error err = {0};
    ftf_text_clear(&f->text);
    ftf_text_clear(&f->second);
    ftf_scenario_print(scenario, &f->text);
    ftf_arena_reset(f->again);
    if (ftf_scenario_parse(f->text.data, f->text.len, f->again, &parsed, &err) != FTF_OK) {
        fail_msg("line %d: %s\n%s", err.line, err.text, f->text.data);
    }
    if (!ftf_scenario_equal(scenario, &parsed)) {
        fail_msg("read back, this is another scenario:\n%s", f->text.data);
    }
    ftf_scenario_print(&parsed, &f->second);
    assert_string_equal(f->text.data, f->second.data);
}

static void check_limits(const ftf_scenario *s) {
    assert_in_range(s->lane_count, 2, FTF_LANES_MAX);
    for (uint32_t lane = 0; lane < s->lane_count; lane++) {
        uint32_t total = 0;
        for (uint32_t i = 0; i < s->lanes[lane].count; i++) {
            total += s->lanes[lane].ops[i].repeat;
        }
        assert_in_range(total, 1, 1100);
        assert_in_range(s->lanes[lane].count, 1, 16);
    }
    assert_in_range(s->setup.count, 0, 20);
}

/* The way a fuzzer does it: a scenario is mutated, printed, read back, mutated again. */
static void test_mutate__keeps_scenarios_valid(void **state) {
    fixture *f = *state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario s;
        ftf_arena_reset(f->arena);
        ftf_generate(f->catalog, &rng, f->arena, &s);
        for (int i = 0; i < 50; i++) {
            ftf_mutate(f->catalog, &rng, &s);
            check_round_trip(f, &s);
            check_limits(&s);
            assert_true(f->text.len < FTF_SCENARIO_BYTES_MAX);
            ftf_arena_reset(f->arena);
            parse(f, f->text.data, &s);
        }
    }
}

static void test_mutate__same_seed_same_bytes(void **state) {
    fixture *f = *state;
    ftf_text first = {0};
    for (uint64_t seed = 0; seed < 300; seed++) {
        for (int run = 0; run < 2; run++) {
            ftf_rng rng = ftf_rng_seed(seed);
            ftf_scenario s;
            ftf_text *out = run ? &f->text : &first;
            ftf_arena_reset(f->arena);
            ftf_generate(f->catalog, &rng, f->arena, &s);
            for (int i = 0; i < 5; i++) {
                ftf_mutate(f->catalog, &rng, &s);
            }
            ftf_text_clear(out);
            ftf_scenario_print(&s, out);
        }
        assert_string_equal(first.data, f->text.data);
    }
    ftf_text_release(&first);
}

static void test_mutate__nearly_always_changes_something(void **state) {
    fixture *f = *state;
    int same = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario s, before;
        ftf_arena_reset(f->arena);
        ftf_generate(f->catalog, &rng, f->arena, &s);
        ftf_scenario_copy(&before, f->arena, &s);
        ftf_mutate(f->catalog, &rng, &s);
        same += ftf_scenario_equal(&before, &s);
    }
    assert_in_range(same, 0, 60);
}

static void test_mutate__reaches_small_and_large_scenarios(void **state) {
    fixture *f = *state;
    int smaller = 0, larger = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario s;
        ftf_arena_reset(f->arena);
        ftf_generate(f->catalog, &rng, f->arena, &s);
        uint32_t before = s.setup.count + s.lanes[0].count + s.lanes[1].count;
        ftf_mutate(f->catalog, &rng, &s);
        uint32_t after = s.setup.count + s.lanes[0].count + s.lanes[1].count;
        smaller += after < before;
        larger += after > before;
    }
    assert_in_range(smaller, 100, 900);
    assert_in_range(larger, 100, 900);
}

/* Free lanes of a pinned worker follow one another: no scenario becomes one of those, and one that is gets out of it. */
static void test_schedule_draw__is_pct_and_mostly_another_seed(void **state) {
    (void)state;
    enum { DRAWS = 2000 };
    ftf_rng rng = ftf_rng_seed(8);
    ftf_schedule schedule = {.kind = FTF_SCHEDULE_FREE};
    int same_seed = 0;
    for (int i = 0; i < DRAWS; i++) {
        const ftf_schedule before = schedule;
        ftf_schedule_draw(&rng, &schedule);
        assert_int_equal(schedule.kind, FTF_SCHEDULE_PCT);
        assert_in_range(schedule.depth, 1, 4);
        if (schedule.seed == before.seed) {
            assert_int_not_equal(schedule.depth, before.depth);
            same_seed++;
        }
    }
    assert_in_range(same_seed, DRAWS * 15 / 100, DRAWS * 25 / 100);
}

/* A scenario of another version of the module, written by hand, with one lane and an explicit schedule. */
static void test_mutate__takes_scenarios_that_the_catalog_does_not_know(void **state) {
    fixture *f = *state;
    static const char *const texts[] = {
        "ftfuzz 1\ntarget sample\nthread\n",
        "ftfuzz 1\ntarget sample\nsetup\n  Ordered = nope(1)\n  dumps = Ordered.x\nthread\n  Ordered.add(dumps)\n"
        "thread\n  dumps(1) * 4096\n  dumps.a = [{1: (2, $mutates(Ordered))}]\nschedule at 0:1>1 1:2>0\n",
        "ftfuzz 1\ntarget sample\nthread\n  a = Ordered()\n  a = a.copy()\n  del a\nthread\n  a = Buffer()\n  a += a\n"
        "thread\nthread\nthread\n  b = $iter(3)[0]\nfinish\n  a = T()\n  a.x\nschedule at 4:1>0\n",
    };
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        for (uint64_t seed = 0; seed < 500; seed++) {
            ftf_rng rng = ftf_rng_seed(seed);
            ftf_scenario s;
            ftf_arena_reset(f->arena);
            parse(f, texts[t], &s);
            for (int i = 0; i < 10; i++) {
                ftf_mutate(f->catalog, &rng, &s);
                check_round_trip(f, &s);
            }
        }
    }
}

static void test_mutate__shrinks_what_is_too_expensive(void **state) {
    fixture *f = *state;
    ftf_text text = {0};
    ftf_text_str(&text, "ftfuzz 1\ntarget sample\nsetup\n  o = Ordered()\n");
    for (int lane = 0; lane < 2; lane++) {
        ftf_text_str(&text, "thread\n");
        for (int i = 0; i < 60; i++) {
            ftf_text_printf(&text, "  o.setdefault(\"key %d\", \"%0200d\") * 4096\n", i, i);
        }
    }
    ftf_rng rng = ftf_rng_seed(1);
    ftf_scenario s;
    parse(f, text.data, &s);
    ftf_mutate(f->catalog, &rng, &s);
    check_limits(&s);
    check_round_trip(f, &s);
    ftf_text_release(&text);
}

static void test_crossover__children_are_valid(void **state) {
    fixture *f = *state;
    int met = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario a, b, child;
        ftf_arena_reset(f->arena);
        ftf_generate(f->catalog, &rng, f->arena, &a);
        ftf_generate(f->catalog, &rng, f->arena, &b);
        ftf_crossover(f->catalog, &rng, &a, &b, f->arena, &child);
        check_round_trip(f, &child);
        met += child.setup.count < a.setup.count + b.setup.count;
        assert_in_range(child.lane_count, 2, 3);
    }
    /* Often an object of one parent is the other's, too: the lanes meet in it. */
    assert_in_range(met, 2500, 20000);
}

static void test_crossover__leaves_its_parents_alone(void **state) {
    fixture *f = *state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario a, b, a_before, b_before, child;
        ftf_arena_reset(f->arena);
        ftf_generate(f->catalog, &rng, f->arena, &a);
        ftf_generate(f->catalog, &rng, f->arena, &b);
        ftf_scenario_copy(&a_before, f->arena, &a);
        ftf_scenario_copy(&b_before, f->arena, &b);
        ftf_crossover(f->catalog, &rng, &a, &b, f->arena, &child);
        ftf_mutate(f->catalog, &rng, &child);
        assert_true(ftf_scenario_equal(&a, &a_before));
        assert_true(ftf_scenario_equal(&b, &b_before));
    }
}

/* ---- the mender -------------------------------------------------------------------------------------------------- */

static void check_mended(fixture *f, ftf_scenario *s, const char *expected) {
    ftf_scenario_mend(s);
    ftf_text_clear(&f->text);
    ftf_scenario_print(s, &f->text);
    assert_string_equal(f->text.data, expected);
    check_round_trip(f, s);
}

static void test_mend__a_lost_slot_is_replaced_or_its_op_left_out(void **state) {
    fixture *f = *state;
    ftf_scenario s;
    parse(f, "ftfuzz 1\ntarget t\nsetup\n  a = T()\n  b = T()\nthread\n  x = a.f()\n  x.g(b)\nfinish\n  len(b)\n", &s);
    s.setup.count = 1; /* b is gone */
    check_mended(f, &s,
                 "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  x = a.f()\n  x.g(x)\nfinish\n  len(a)\n"
                 "schedule free\n");
    s.setup.count = 0; /* and a as well */
    check_mended(f, &s, "ftfuzz 1\ntarget t\nthread\nschedule free\n");
}

static void test_mend__names_mean_what_their_text_means(void **state) {
    fixture *f = *state;
    ftf_scenario s;
    /* Lane 1 gets an op in front that assigns names which were globals there. */
    parse(f,
          "ftfuzz 1\ntarget t\nthread\n  dumps = T()\nthread\n  dumps(1)\n  dumps.x(1)\n  dumps.x.y(1)\n  f(dumps)\n"
          "  f(dumps.x)\n  dumps[0]\n",
          &s);
    ftf_op make = s.lanes[0].ops[0];
    ftf_scenario_push(&s, 1, &make);
    ftf_op *ops = s.lanes[1].ops;
    memmove(ops + 1, ops, (s.lanes[1].count - 1) * sizeof *ops);
    ops[0] = make;
    check_mended(f, &s,
                 "ftfuzz 1\ntarget t\nthread\n  dumps = T()\nthread\n  dumps = T()\n  dumps(1)\n  dumps.x(1)\n"
                 "  f(dumps)\n  f(None)\n  dumps[0]\nschedule free\n");
}

static void test_mend__forgets_switches_of_lanes_that_are_gone(void **state) {
    fixture *f = *state;
    ftf_scenario s;
    parse(f, "ftfuzz 1\ntarget t\nthread\n  T()\nthread\n  T()\nthread\n  T()\nschedule at 0:1>1 1:2>2 2:3>0\n", &s);
    s.lane_count = 2;
    check_mended(f, &s, "ftfuzz 1\ntarget t\nthread\n  T()\nthread\n  T()\nschedule at 0:1>1\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mutate__keeps_scenarios_valid, begin, end),
        cmocka_unit_test_setup_teardown(test_mutate__same_seed_same_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_mutate__nearly_always_changes_something, begin, end),
        cmocka_unit_test_setup_teardown(test_mutate__reaches_small_and_large_scenarios, begin, end),
        cmocka_unit_test(test_schedule_draw__is_pct_and_mostly_another_seed),
        cmocka_unit_test_setup_teardown(test_mutate__takes_scenarios_that_the_catalog_does_not_know, begin, end),
        cmocka_unit_test_setup_teardown(test_mutate__shrinks_what_is_too_expensive, begin, end),
        cmocka_unit_test_setup_teardown(test_crossover__children_are_valid, begin, end),
        cmocka_unit_test_setup_teardown(test_crossover__leaves_its_parents_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_mend__a_lost_slot_is_replaced_or_its_op_left_out, begin, end),
        cmocka_unit_test_setup_teardown(test_mend__names_mean_what_their_text_means, begin, end),
        cmocka_unit_test_setup_teardown(test_mend__forgets_switches_of_lanes_that_are_gone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
