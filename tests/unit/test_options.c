/* If this fails, the bug is in cli/options.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

typedef struct parsed {
    bool flag, help;
    uint64_t number, seconds;
    const char *text, *choice, *operand;
    ftf_error err;
} parsed;

static ftf_status parse(parsed *p, int argc, const char *const *argv) {
    const ftf_option rows[] = {
        {"--flag", FTF_OPTION_FLAG, &p->flag, NULL, "a flag"},
        {"-n", FTF_OPTION_NUMBER, &p->number, "N", "a number"},
        {"--time", FTF_OPTION_SECONDS, &p->seconds, "S", "a time"},
        {"--out", FTF_OPTION_TEXT, &p->text, "DIR", "a text"},
        {"--flavour", FTF_OPTION_CHOICE, &p->choice, "tsan|asan|both", "a choice"},
        {0},
    };
    const ftf_usage usage = {.command = "fuzz", .operand = "TARGET", .summary = "", .rows = rows};
    return ftf_options_parse(&usage, argc, (char **)(uintptr_t)argv, &p->operand, &p->help, &p->err);
}

#define PARSE(p, ...) \
    parse((p), (int)(sizeof((const char *const[]){"fuzz", __VA_ARGS__}) / sizeof(char *)), \
          (const char *const[]){"fuzz", __VA_ARGS__})

static void test_options__take_values_before_and_after_the_operand(void **state) {
    (void)state;
    parsed p = {0};
    assert_int_equal(PARSE(&p, "--time", "5m", "-n=7", "collections", "--flag", "--flavour", "asan", "--out=x"),
                     FTF_OK);
    assert_int_equal(p.seconds, 300);
    assert_int_equal(p.number, 7);
    assert_true(p.flag);
    assert_string_equal(p.choice, "asan");
    assert_string_equal(p.text, "x");
    assert_string_equal(p.operand, "collections");
}

static void test_options__keep_defaults_that_are_not_given(void **state) {
    (void)state;
    parsed p = {.seconds = 120, .choice = "both"};
    assert_int_equal(PARSE(&p, "re"), FTF_OK);
    assert_int_equal(p.seconds, 120);
    assert_string_equal(p.choice, "both");
}

static void test_options__name_the_nearest_option(void **state) {
    (void)state;
    parsed p = {0};
    assert_int_equal(PARSE(&p, "re", "--flavor", "asan"), FTF_USAGE);
    assert_non_null(strstr(p.err.text, "did you mean --flavour?"));
    assert_int_equal(PARSE(&p, "re", "--xyzzyplugh"), FTF_USAGE);
    assert_null(strstr(p.err.text, "did you mean"));
}

static void test_options__refuse_what_they_cannot_read(void **state) {
    (void)state;
    parsed p = {0};
    assert_int_equal(PARSE(&p, "re", "--time", "soon"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "-n", "-5"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "-n", "99999999999999999999"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "--flavour", "msan"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "--flavour", "tsan|asan"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "--out"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "--out", ""), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "--flag=yes"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "re", "os"), FTF_USAGE);
    assert_int_equal(PARSE(&p, "--flag"), FTF_USAGE);
    assert_non_null(strstr(p.err.text, "TARGET"));
}

static void test_options__help_wins_over_mistakes(void **state) {
    (void)state;
    parsed p = {0};
    assert_int_equal(PARSE(&p, "--nonsense", "--help"), FTF_OK);
    assert_true(p.help);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__take_values_before_and_after_the_operand),
        cmocka_unit_test(test_options__keep_defaults_that_are_not_given),
        cmocka_unit_test(test_options__name_the_nearest_option),
        cmocka_unit_test(test_options__refuse_what_they_cannot_read),
        cmocka_unit_test(test_options__help_wins_over_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
