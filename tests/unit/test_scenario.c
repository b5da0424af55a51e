#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <dirent.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "scenario/kinds.h"
#include "scenario/ops.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "unit/sample_catalog.h"

static int begin(void **state) {
    *state = ftf_arena_create();
    return 0;
}

static int end(void **state) {
    ftf_arena_destroy(*state);
    return 0;
}

static void parse(ftf_arena *arena, const char *text, ftf_scenario *out) {
    ftf_error err = {0};
    if (ftf_scenario_parse(text, strlen(text), arena, out, &err) != FTF_OK) {
        fail_msg("line %d: %s\n%s", err.line, err.text, text);
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void test_scenario__a_copy_is_equal_and_independent(void **state) {
    ftf_text text = {0};
    ftf_text before = {0};
    ftf_text after = {0};
    ftf_arena *other = ftf_arena_create();
    ftf_scenario scenario, copy;
    read_test_data("scenarios/good/every_form.ft", &text);
    parse(other, text.data, &scenario);
    ftf_scenario_print(&scenario, &before);
    ftf_scenario_copy(&copy, *state, &scenario);
    assert_true(ftf_scenario_equal(&scenario, &copy));
    ftf_arena_destroy(other); /* under ASan, a copy that shared a node would be caught here */
    ftf_scenario_print(&copy, &after);
    assert_string_equal(before.data, after.data);
    ftf_text_release(&text);
    ftf_text_release(&before);
    ftf_text_release(&after);
}

static void test_scenario__slots_are_found_however_deep(void **state) {
    static const char text[] = "ftfuzz 1\ntarget t\nsetup\n  a = T()\n  b = T()\n  c = T()\nthread\n"
                               "  a.f(1, k=[{\"x\": b}])\n  d = len(c)\n  gc.collect()\nthread\n  repr(a)\n"
                               "finish\nschedule free\n";
    ftf_scenario scenario;
    parse(*state, text, &scenario);
    const ftf_op *ops = scenario.lanes[0].ops;
    assert_int_equal(ftf_op_slots(&ops[0]), 1 | 2);
    assert_int_equal(ftf_op_slots(&ops[1]), 4); /* what it assigns is not read */
    assert_int_equal(ftf_op_slots(&ops[2]), 0);
}

static void test_scenario__every_difference_counts(void **state) {
    static const char base[] =
        "ftfuzz 1\ntarget t\nsetup\n  a = T(1)\n  b = T(1)\nthread\n  a.f(\"x\", k=[1]) * 2\nthread\n  "
        "len(a)\nfinish\n  a[0]\nschedule pct seed=1 depth=2\n";
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"target t", "target u"},
        {"T(1)", "T(2)"},
        {"T(1)", "U(1)"},
        {"T(1)", "T()"},
        {"a.f", "b.f"},
        {"a.f", "a.g"},
        {"\"x\"", "\"y\""},
        {"\"x\"", "b\"x\""},
        {"k=", "l="},
        {"[1]", "[1, 1]"},
        {"[1]", "(1,)"},
        {"* 2", "* 3"},
        {"len(a)", "len(b)"},
        {"len(a)", "x = len(a)"},
        {"len(a)", "repr(a)"},
        {"a[0]", "a[1]"},
        {"seed=1", "seed=2"},
        {"depth=2", "depth=3"},
        {"schedule pct seed=1 depth=2", "schedule at 0:1>1"},
        {"schedule pct seed=1 depth=2", "schedule free"},
        {"finish\n", "thread\nfinish\n"},
    };
    ftf_scenario first, second;
    parse(*state, base, &first);
    parse(*state, base, &second);
    assert_true(ftf_scenario_equal(&first, &second));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[sizeof base + 64];
        const char *at = strstr(base, changes[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - base), base, changes[i].to, at + strlen(changes[i].from));
        parse(*state, text, &second);
        if (ftf_scenario_equal(&first, &second) || ftf_scenario_equal(&second, &first)) {
            fail_msg("'%s' for '%s' makes no difference", changes[i].to, changes[i].from);
        }
    }
}

static void test_scenario__sections_grow_to_their_bound(void **state) {
    ftf_scenario scenario;
    ftf_scenario_init(&scenario, *state, "t");
    for (int i = 0; i < FTF_OPS_MAX; i++) {
        ftf_op *op = ftf_scenario_add(&scenario, 0, FTF_OP_COLLECT);
        assert_non_null(op);
        op->repeat = (uint32_t)i + 1;
    }
    assert_null(ftf_scenario_add(&scenario, 0, FTF_OP_COLLECT));
    for (uint32_t i = 0; i < FTF_OPS_MAX; i++) {
        assert_int_equal(scenario.lanes[0].ops[i].repeat, i + 1);
    }
    for (int i = 0; i < FTF_SLOTS_MAX; i++) {
        char name[8];
        int len = snprintf(name, sizeof name, "s%d", i);
        assert_int_equal(ftf_scenario_add_slot(&scenario, name, (size_t)len, FTF_OWNER_SETUP), i);
    }
    assert_int_equal(ftf_scenario_add_slot(&scenario, "t", 1, FTF_OWNER_SETUP), FTF_NO_SLOT);
    assert_int_equal(ftf_scenario_add_slot(&scenario, "s12", 3, FTF_OWNER_SETUP), 12);
    assert_int_equal(ftf_scenario_find_slot(&scenario, "s63", 5), 63);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void test_ops__symbols_are_found_again(void **state) {
    (void)state;
    for (int code = 0; code < FTF_OP_COUNT; code++) {
        const ftf_op_info *op = &ftf_ops[code];
        bool by_symbol = op->symbol[0] && op->form != FTF_FORM_WITH && op->form != FTF_FORM_DROP;
        if (by_symbol) {
            assert_int_equal(ftf_op_find(op->form, op->symbol, strlen(op->symbol)), code);
        }
        if (op->form == FTF_FORM_FUNC || op->form == FTF_FORM_BARE) {
            assert_int_equal(ftf_op_find_function(op->symbol, strlen(op->symbol)), code);
            assert_true(ftf_name_is_reserved(op->symbol, strcspn(op->symbol, ".")));
        }
    }
    assert_int_equal(ftf_op_find_function("le", 2), -1);
    assert_int_equal(ftf_op_find_function("copy", 4), -1);
    assert_false(ftf_name_is_reserved("a", 1));
    assert_false(ftf_name_is_reserved("lens", 4));
    assert_true(ftf_name_is_keyword("yield", 5));
    assert_false(ftf_name_is_keyword("print", 5));
}

static void test_kinds__every_sample_is_a_value(void **state) {
    for (size_t k = 0; k < ftf_kind_count; k++) {
        assert_ptr_equal(ftf_kind_find(ftf_kinds[k].name), &ftf_kinds[k]);
        assert_true(ftf_kinds[k].sample_count > 0);
        assert_null(ftf_kinds[k].samples[ftf_kinds[k].sample_count]);
        for (size_t i = 0; i < ftf_kinds[k].sample_count; i++) {
            const char *sample = ftf_kinds[k].samples[i];
            ftf_value value;
            ftf_error err;
            ftf_text text = {0};
            if (ftf_value_parse(sample, strlen(sample), *state, &value, &err) != FTF_OK) {
                fail_msg("%s: %s: %s", ftf_kinds[k].name, sample, err.text);
            }
            ftf_value_print(NULL, &value, &text);
            assert_non_null(text.data);
            ftf_text_release(&text);
        }
    }
    assert_null(ftf_kind_find("quux"));
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Every line that is no comment and has something on it, as `grep -v '^#'` would give it. */
static void strip_comments(const ftf_text *text, ftf_text *out) {
    for (const char *line = text->data; *line;) {
        size_t len = strcspn(line, "\n") + 1;
        if (*line != '#') {
            ftf_text_add(out, line, len);
        }
        line += len;
    }
}

static void check_file(ftf_arena *arena, const char *folder, const char *name) {
    char path[300];
    ftf_text text = {0};
    ftf_text printed = {0};
    ftf_text plain = {0};
    ftf_scenario scenario;
    ftf_error err = {0};
    bool good = strcmp(folder, "good") == 0;
    snprintf(path, sizeof path, "scenarios/%s/%s", folder, name);
    read_test_data(path, &text);
    ftf_status status = ftf_scenario_parse(text.data, text.len, arena, &scenario, &err);
    if ((status == FTF_OK) != good) {
        fail_msg("%s: line %d: %s", path, err.line, err.text);
    }
    if (good) {
        strip_comments(&text, &plain);
        ftf_scenario_print(&scenario, &printed);
        assert_string_equal(plain.data, printed.data);
    } else {
        assert_true(err.line > 0);
    }
    ftf_text_release(&text);
    ftf_text_release(&printed);
    ftf_text_release(&plain);
}

static void test_files__good_ones_are_canonical_and_bad_ones_are_refused(void **state) {
    static const char *const folders[] = {"good", "bad"};
    for (size_t i = 0; i < 2; i++) {
        char path[300];
        int count = 0;
        snprintf(path, sizeof path, "%s/data/scenarios/%s", FTF_TESTS_DIR, folders[i]);
        DIR *dir = opendir(path);
        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir));) {
            if (strstr(entry->d_name, ".ft")) {
                check_file(*state, folders[i], entry->d_name);
                count++;
            }
        }
        closedir(dir);
        assert_true(count > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scenario__a_copy_is_equal_and_independent, begin, end),
        cmocka_unit_test_setup_teardown(test_scenario__slots_are_found_however_deep, begin, end),
        cmocka_unit_test_setup_teardown(test_scenario__every_difference_counts, begin, end),
        cmocka_unit_test_setup_teardown(test_scenario__sections_grow_to_their_bound, begin, end),
        cmocka_unit_test(test_ops__symbols_are_found_again),
        cmocka_unit_test_setup_teardown(test_kinds__every_sample_is_a_value, begin, end),
        cmocka_unit_test_setup_teardown(test_files__good_ones_are_canonical_and_bad_ones_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
