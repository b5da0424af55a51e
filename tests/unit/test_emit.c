#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "python_sources.h"
#include "scenario/emit.h"
#include "scenario/emit_names.h"
#include "scenario/parse.h"
#include "scenario/sequence.h"
#include "unit/sample_catalog.h"

/* What a script says that runs the scenarios of the text. */
static void emit(const char *text, const ftf_emit_options *options, ftf_text *out) {
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario scenarios[4];
    const ftf_scenario *pointers[4];
    uint32_t count = 0;
    for (const char *at = ftf_sequence_first(text); at != NULL; at = ftf_sequence_next(at)) {
        ftf_error err = {0};
        assert_true(count < 4);
        if (ftf_scenario_parse(at, ftf_sequence_length(at), arena, &scenarios[count], &err) != FTF_OK) {
            fail_msg("line %d: %s", err.line, err.text);
        }
        pointers[count] = &scenarios[count];
        count++;
    }
    ftf_emit(pointers, count, options, out);
    ftf_arena_destroy(arena);
}

static const ftf_emit_options PLAIN = {.recipes = ftf_py_recipes};

static void check_has(const char *text, const ftf_emit_options *options, const char *needle, bool has) {
    ftf_text out = {0};
    emit(text, options, &out);
    if ((strstr(out.data, needle) != NULL) != has) {
        fail_msg("%s: %s\n%s", has ? "missing" : "not wanted", needle, out.data);
    }
    ftf_text_release(&out);
}

/* The golden text has every form and recipe that the scenario has. To make it anew: FTF_GOLDEN=1. */
static void test_emit__every_form(void **state) {
    (void)state;
    ftf_text scenario = {0}, golden = {0}, out = {0};
    read_test_data("scenarios/good/every_form.ft", &scenario);
    emit(scenario.data, &PLAIN, &out);
    if (getenv("FTF_GOLDEN") != NULL) {
        FILE *file = fopen(FTF_TESTS_DIR "/data/scripts/every_form.py", "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(out.data, 1, out.len, file), out.len);
        assert_int_equal(fclose(file), 0);
    }
    read_test_data("scripts/every_form.py", &golden);
    assert_string_equal(out.data, golden.data);
    ftf_text_release(&scenario);
    ftf_text_release(&golden);
    ftf_text_release(&out);
}

static void test_emit__names_that_are_taken(void **state) {
    (void)state;
    static const char text[] = "ftfuzz 1\ntarget t\nsetup\n  todo = T()\n  x = T()\nthread\n  x = x()\n  f(todo, x)\n"
                               "thread\n  a = a()\n  a.g()\nschedule free\n";
    check_has(text, &PLAIN, "    return (todo_, x)\n", true);
    check_has(text, &PLAIN, "    try: x_ = x()\n", true); /* a lane's own hides the shared one, once there is one */
    check_has(text, &PLAIN, "    try: f(todo_, x_)\n", true);
    check_has(text, &PLAIN, "    try: a_ = a()\n", true); /* what is called is a global */
    check_has(text, &PLAIN, "    try: a_.g()\n", true);
}

static void test_emit__names_of_the_target(void **state) {
    (void)state;
    ftf_catalog *catalog = load_sample_catalog();
    const ftf_emit_options options = {.catalog = catalog, .recipes = ftf_py_recipes};
    static const char text[] =
        "ftfuzz 1\ntarget sample\nsetup\n  a = Ordered()\nthread\n  a.put(nowhere.x)\n  dict(a)\n"
        "schedule free\n";
    assert_true(ftf_catalog_has_global(catalog, "Ordered"));
    check_has(text, &options, "from sample import Ordered\n", true);
    check_has(text, &options, "try: from sample import nowhere\nexcept ImportError: import nowhere\n", true);
    check_has(text, &options, "import dict", false);
    check_has(text, &PLAIN, "try: from sample import Ordered\nexcept ImportError: import Ordered\n", true);
    ftf_catalog_destroy(catalog);
}

static void test_emit__mutable_operands_are_made_once(void **state) {
    (void)state;
    static const char text[] =
        "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  a.f([1], $index(2), [a]) * 3\n  a.f([1])\n"
        "schedule free\n";
    check_has(text, &PLAIN,
              "    arg_1 = [1]\n    arg_2 = recipe_index(2)\n    for _ in range(3):\n"
              "        try: a.f(arg_1, arg_2, [a])\n        except Exception: pass\n"
              "    try: a.f([1])\n    except Exception: pass\n",
              true);
}

static void test_emit__sequences_and_what_is_given_up(void **state) {
    (void)state;
    static const char text[] = "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  del a\nthread\n  a.f()\nschedule free\n"
                               "ftfuzz 1\ntarget t\nthread\n  f()\nfinish\n  f()\nschedule free\n";
    check_has(text, &PLAIN,
              "SCENARIOS = [\n    (setup_1, [lane_1_1, lane_1_2], None, False),\n"
              "    (setup_2, [lane_2_1], finish_2, True),\n]\n",
              true);
    check_has(text, &PLAIN, "def setup_2():\n    return ()\n", true);
}

static void test_emit__a_system_error_can_be_the_finding(void **state) {
    (void)state;
    const ftf_emit_options options = {.recipes = ftf_py_recipes, .system_error = true};
    static const char text[] = "ftfuzz 1\ntarget t\nthread\n  f()\nschedule free\n";
    check_has(text, &options, "    try: f()\n    except SystemError: failed()\n    except Exception: pass\n", true);
    check_has(text, &PLAIN, "SystemError", false);
}

static void test_emit__words_are_whole(void **state) {
    (void)state;
    assert_true(ftf_emit_is_builtin("zip"));
    assert_true(ftf_emit_is_builtin("abs"));
    assert_false(ftf_emit_is_builtin("ab"));
    assert_false(ftf_emit_is_builtin("zips"));
    assert_true(ftf_emit_is_script_name("lane_7"));
    assert_true(ftf_emit_is_script_name("setup"));
    assert_false(ftf_emit_is_script_name("lanes"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emit__every_form),
        cmocka_unit_test(test_emit__names_that_are_taken),
        cmocka_unit_test(test_emit__names_of_the_target),
        cmocka_unit_test(test_emit__mutable_operands_are_made_once),
        cmocka_unit_test(test_emit__sequences_and_what_is_given_up),
        cmocka_unit_test(test_emit__a_system_error_can_be_the_finding),
        cmocka_unit_test(test_emit__words_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
