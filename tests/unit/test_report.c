#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings/report_parts.h"
#include "made_up_campaign.h"

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

static ftf_text as_text(void) {
    ftf_report report;
    ftf_text text = {0};
    made_up_load(&report);
    ftf_report_text(&report, &text);
    ftf_report_release(&report);
    return text;
}

/* The issue of the first finding. */
static ftf_text as_issue(void) {
    ftf_report report;
    ftf_text text = {0};
    made_up_load(&report);
    ftf_report_issue(&report, 0, &text);
    ftf_report_release(&report);
    return text;
}

static json_t *as_json(void) {
    ftf_report report;
    made_up_load(&report);
    json_t *json = ftf_report_json(&report);
    ftf_report_release(&report);
    return json;
}

/* All words, in this order. */
static void assert_holds(const ftf_text *text, ...) {
    va_list words;
    const char *at = text->data, *word;
    va_start(words, text);
    while ((word = va_arg(words, const char *)) != NULL) {
        const char *found = strstr(at, word);
        if (!found) {
            va_end(words);
            fail_msg("\"%s\" is missing (or out of order) in:\n%s", word, text->data);
        }
        at = found + strlen(word);
    }
    va_end(words);
}

static void assert_lacks(const ftf_text *text, const char *word) {
    if (strstr(text->data, word)) {
        fail_msg("\"%s\" does not belong in:\n%s", word, text->data);
    }
}

static void refuse(const char *folder, const char *word) {
    ftf_report report;
    ftf_error err = {0};
    assert_int_equal(ftf_report_load(folder, "1.2.3", &report, &err), FTF_USAGE);
    ftf_report_release(&report);
    if (!strstr(err.text, word)) {
        fail_msg("\"%s\" is not in: %s", word, err.text);
    }
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static void test_report__what_is_no_campaign_is_told_what_to_give_instead(void **state) {
    (void)state;
    char path[400];
    made_up_put(made_up_finding("data-race-1", "data-race", "extension", 1, 1));
    refuse("/nowhere/at/all", "there is no folder /nowhere/at/all");
    refuse(made_up_root, "/a box");
    (void)snprintf(path, sizeof path, "%s/findings/", made_up_out);
    refuse(path, "findings/..");
    (void)snprintf(path, sizeof path, "%s/findings/data-race-1", made_up_out);
    refuse(path, "is one finding; give the folder of its campaign");
    (void)snprintf(path, sizeof path, "%s/findings/data-race-1/scenario.ft", made_up_out);
    refuse(path, "is a file");
    made_up_file("corpus/x.ft", "x");
    (void)snprintf(path, sizeof path, "%s/corpus", made_up_out);
    refuse(path, "is not the folder of a campaign");
}

static void test_report__no_findings_are_said_so(void **state) {
    (void)state;
    ftf_text text = as_text();
    assert_holds(&text, ": no findings\n", "there is no campaign.json", NULL);
    ftf_text_release(&text);
    ftf_report report;
    made_up_load(&report);
    ftf_report_issue_index(&report, &text);
    assert_holds(&text, "None.", NULL);
    ftf_report_release(&report);
    ftf_text_release(&text);
}

static void test_report__damaged_findings_are_named_and_the_others_reported(void **state) {
    (void)state;
    made_up_put(made_up_finding("data-race-1", "data-race", "extension", 1, 1));
    made_up_file("findings/half/finding.json", "{\"format\": 1, ");
    made_up_file("findings/empty/record.json", "{}");
    made_up_file("findings/list/finding.json", "[1, 2]");
    made_up_file("findings/later/finding.json", "{\"format\": 9, \"id\": \"later\"}");
    made_up_file("findings/copy/finding.json", "{\"format\": 1, \"id\": \"data-race-1\"}");
    made_up_file("findings/note.txt", "mine");
    made_up_file("findings/.tmp-1/finding.json", "{}"); /* being written: no damage */
    ftf_text text = as_text();
    assert_holds(&text, "1 finding,", "left out, because it cannot be read\n", "/copy: ", "\"data-race-1\"",
                 "/empty: ", "/half: finding.json: ", "/later: ", "another version", "/list: ", "/note.txt: a file",
                 "data-race: two threads", NULL);
    assert_lacks(&text, ".tmp-1");
    ftf_text_release(&text);
    json_t *json = as_json();
    assert_int_equal(json_array_size(json_object_get(json, "damaged")), 6);
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 1);
    json_decref(json);
}

static void test_report__a_campaign_that_makes_no_sense_is_none(void **state) {
    (void)state;
    made_up_file("campaign.json", "[]");
    ftf_text text = as_text();
    assert_holds(&text, "there is no campaign.json", NULL);
    ftf_text_release(&text);
    made_up_file("campaign.json", "{\"target\": \"./box\", \"version\": \"2.1\", \"seconds\": 20.4, \"scenarios\": 77, "
                                  "\"command\": \"ftfuzz fuzz ./box\", \"findings\": []}");
    text = as_text();
    assert_holds(&text, "./box 2.1, ", "fuzzed for 20 s, 77 scenarios, by: ftfuzz fuzz ./box\n", NULL);
    ftf_text_release(&text);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void test_text__the_extensions_come_first_worst_and_best_reproduced_first(void **state) {
    (void)state;
    made_up_put(made_up_finding("use-after-free-c", "use-after-free", "cpython", 20, 20));
    made_up_put(made_up_finding("hang-f", "hang", "foreign", 20, 20));
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 0, 0));
    made_up_put(made_up_finding("data-race-b", "data-race", "extension", 19, 20));
    made_up_put(made_up_finding("segv-e", "segv", "extension", 0, 4));
    ftf_text text = as_text();
    assert_holds(&text, "5 findings, 3 blamed on the extension",
                 "extension  segv                          1           0",
                 "extension  data-race                     2           1", "findings blamed on the extension",
                 "segv: an invalid address is used\n  0/4 ", "data-race: two threads use", "19/20", "_data-race-b_",
                 "not replayed", "_data-race-a_", "not the extension's", "_hang-f_ reads  [hang-f, foreign]",
                 "[use-after-free-c, cpython]", "what happened in the first one:", "segv-e'/report.txt", NULL);
    ftf_text_release(&text);
}

static void test_text__each_finding_says_what_to_run_next(void **state) {
    (void)state;
    char command[600];
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 4, 4));
    (void)snprintf(command, sizeof command, "  build/ftfuzz replay '%s/findings/data-race-a'\n", made_up_out);
    ftf_text text = as_text();
    assert_holds(&text, "4/4 ", "tsan", "3x  data-race: ", command, NULL);
    ftf_text_release(&text);
    made_up_file("findings/data-race-a/explain.txt", "x");
    text = as_text();
    assert_holds(&text, "what happened in the first one:", "/explain.txt\n", NULL);
    ftf_text_release(&text);
}

static void test_text__paths_are_one_word_for_the_shell(void **state) {
    (void)state;
    static const char *const WORDS[][2] = {
        {"out/a-b_c.d", "out/a-b_c.d"}, {"", "''"}, {"it's $x", "'it'\\''s $x'"}, {"~/x", "'~/x'"}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        ftf_text text = {0};
        ftf_report_shell_word(WORDS[i][0], &text);
        assert_string_equal(text.data, WORDS[i][1]);
        ftf_text_release(&text);
    }
}

static json_t *measured_finding(void) {
    json_t *json = made_up_finding("data-race-a", "data-race", "extension", 4, 4);
    json_t *more = json_pack(
        "{s:{s:i, s:i, s:i, s:i, s:i, s:f}, s:{s:s, s:{s:i, s:i}, s:{s:i, s:i}}, s:{s:{s:i, s:i}, s:{s:i, s:i, s:s}}}",
        "minimized", "lanes", 2, "ops", 3, "switches", 1, "k", 20, "n", 20, "seconds", 1.5, "gil", "label",
        "only without the GIL", "with_gil", "k", 0, "n", 20, "without_gil", "k", 18, "n", 20, "repro", "plain", "k", 3,
        "n", 10, "sanitizer", "k", 9, "n", 10, "flavour", "tsan");
    assert_non_null(more);
    (void)json_object_update(json, more);
    json_decref(more);
    return json;
}

static void test_text__shows_what_was_measured_and_nothing_that_was_not(void **state) {
    (void)state;
    made_up_put(measured_finding());
    made_up_put(made_up_finding("data-race-b", "data-race", "extension", 4, 4));
    ftf_text text = as_text();
    assert_holds(&text, "_data-race-a_",
                 "only without the GIL (0/20 with it, 18/20 without); minimized to 2 lanes, 3 ops, 1 switch; "
                 "repro.py shows it 3/10 on a plain build, 9/10 with tsan\n",
                 "_data-race-b_", NULL);
    ftf_text_release(&text);
    json_t *halfway = measured_finding();
    (void)json_object_set_new(json_object_get(halfway, "minimized"), "finished", json_false());
    made_up_put(halfway);
    text = as_text();
    assert_holds(&text, "; minimized so far to 2 lanes,", NULL);
    const char *second = strstr(text.data, "_data-race-b_");
    assert_null(strstr(second, "GIL"));
    assert_null(strstr(second, "minimized"));
    assert_null(strstr(second, "repro.py"));
    ftf_text_release(&text);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void test_json__has_every_member_of_a_finding_and_its_place(void **state) {
    (void)state;
    json_t *finding = measured_finding();
    (void)json_object_set_new(finding, "of_a_later_version", json_string("kept"));
    made_up_put(finding);
    made_up_put(made_up_finding("hang-f", "hang", "foreign", 20, 20));
    made_up_file("campaign.json", "{\"target\": \"box\", \"findings\": [1]}");
    json_t *json = as_json();
    assert_int_equal(json_integer_value(json_object_get(json, "format")), 1);
    assert_string_equal(json_string_value(json_object_get(json, "version")), "1.2.3");
    json_t *counts = json_object_get(json, "counts");
    assert_int_equal(json_integer_value(json_object_get(counts, "total")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(counts, "extension"), "data-race")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(counts, "foreign"), "hang")), 1);
    assert_int_equal(json_object_size(json_object_get(counts, "cpython")), 0);
    assert_null(json_object_get(json_object_get(json, "campaign"), "findings"));
    json_t *first = json_array_get(json_object_get(json, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "of_a_later_version")), "kept");
    assert_int_equal(json_array_size(json_object_get(first, "stacks")), 2);
    assert_non_null(strstr(json_string_value(json_object_get(first, "folder")), "/a box/findings/data-race-a"));
    assert_int_equal(json_array_size(json_object_get(first, "files")), 1);
    json_decref(json);
}

static void test_json__a_path_that_is_no_utf8_is_no_trouble(void **state) {
    (void)state;
    char old[300];
    memcpy(old, made_up_out, sizeof old);
    (void)snprintf(made_up_out, sizeof made_up_out, "%s/b\xff", made_up_root);
    made_up_put(made_up_finding("hang-f", "hang", "extension", 1, 1));
    json_t *json = as_json();
    assert_non_null(strstr(json_string_value(json_object_get(json, "folder")), "/b?"));
    json_decref(json);
    memcpy(made_up_out, old, sizeof old);
}

/* ---- Markdown ---------------------------------------------------------------------------------------------------- */

static void test_issue__says_what_happens_how_sure_it_is_and_how_to_see_it(void **state) {
    (void)state;
    made_up_put(measured_finding());
    made_up_file("campaign.json", "{\"target\": \"box\"}");
    ftf_text text = as_issue();
    assert_holds(&text, "# data-race: box\\_resize writes what \\_data-race-a\\_ reads\n",
                 "When several threads use box at once on a free-threaded build, two threads use the same memory at "
                 "once and one "
                 "of them writes: box\\_resize writes",
                 "in **4 of 4** fresh processes", "* module: box 2.1\n", "CPython 3.13.5", "clang 19",
                 "ThreadSanitizer", "only without the GIL", "`data-race box.c:box_resize | listobject.c:data-race-a`",
                 "what was printed", "### Scenario (minimized to 2 lanes, 3 ops, 1 switch)",
                 "```python\n" SCENARIO "```\n", "saved as `finding.ft`",
                 "build/ftfuzz replay finding.ft --flavour tsan", "### Stacks", NULL);
    assert_holds(&text, "lane 0 reads, 8 bytes\n > #0  list_repr",
                 "Objects/listobject.c:12\n\nlane 1 writes, 8 bytes, in its line 1: "
                 "a.resize(9)\n   ...\n > #1  box_resize",
                 "box#1.c:34\n```\n", NULL);
    assert_lacks(&text, "run_lane");
    assert_lacks(&text, "step by step");
    assert_lacks(&text, "needs nothing but Python");
    assert_lacks(&text, "ftfuzz-worker"); /* nothing of this machine */
    assert_lacks(&text, "/somewhere");
    assert_lacks(&text, made_up_root);
    ftf_text_release(&text);
}

static void test_issue__does_not_promise_what_was_not_measured(void **state) {
    (void)state;
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 0, 0));
    ftf_text text = as_issue();
    assert_holds(&text, "seen 3 times while fuzzing and has **not been replayed**", "### Scenario (not minimized)",
                 NULL);
    ftf_text_release(&text);
    made_up_put(made_up_finding("data-race-a", "data-race", "cpython", 0, 5));
    text = as_issue();
    assert_holds(&text, "**did not show again** in 5 fresh processes", "not the extension's: ftfuzz blames `cpython`",
                 NULL);
    ftf_text_release(&text);
    json_t *shaky = made_up_finding("data-race-a", "data-race", "extension", 3, 5);
    (void)json_object_set_new(json_object_get(shaky, "replay"), "steals", json_integer(2));
    made_up_put(shaky);
    text = as_issue();
    assert_holds(&text, "**3 of 5**", "timing is not under control", NULL);
    ftf_text_release(&text);
}

static void test_issue__embeds_script_and_explanation_whatever_is_in_them(void **state) {
    (void)state;
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 4, 4));
    made_up_file("findings/data-race-a/repro.py", "s = '''\n````\n'''");
    made_up_file("findings/data-race-a/explain.txt", "lane 0 | lane 1\n");
    ftf_text text = as_issue();
    assert_holds(&text, "its rate was not measured)\n\n`````python\ns = '''\n````\n'''\n`````\n", "### Scenario",
                 "### What happened, step by step\n\n```\nlane 0 | lane 1\n```\n", NULL);
    ftf_text_release(&text);
}

static void test_issue__long_files_are_cut_and_it_says_so(void **state) {
    (void)state;
    ftf_text script = {0};
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 4, 4));
    for (int i = 1; i <= 407; i++) {
        ftf_text_printf(&script, "line_%d()\n", i);
    }
    made_up_file("findings/data-race-a/repro.py", script.data);
    ftf_text text = as_issue();
    assert_holds(&text, "\nline_400()\n```\n\n(7 more lines are left out here.)\n", NULL);
    assert_lacks(&text, "line_401()");
    ftf_text_release(&text);
    ftf_text_release(&script);
}

static void test_issue__of_a_sequence_the_last_scenario_is_shown(void **state) {
    (void)state;
    json_t *json = made_up_finding("data-race-a", "data-race", "extension", 4, 4);
    (void)json_object_set_new(json_object_get(json, "replay"), "sequence", json_integer(2));
    made_up_put(json);
    made_up_file("findings/data-race-a/scenario.ft",
                 "ftfuzz 1\ntarget box\nthread\n  first()\nschedule free\n" SCENARIO);
    made_up_file("campaign.json", "{\"target\": \"box\"}"); /* a scenario alone would do, if it were alone */
    ftf_text text = as_issue();
    assert_holds(&text, "left behind in the process by 1 earlier scenario,", "```python\nftfuzz 1\ntarget box\nsetup",
                 "in the folder that it was found from", "build/ftfuzz replay '/", NULL);
    assert_lacks(&text, "first()");
    ftf_text_release(&text);
}

static void test_issue__of_a_deep_stack_the_innermost_frames_and_the_top_are_shown(void **state) {
    (void)state;
    json_t *json = made_up_finding("data-race-a", "data-race", "extension", 4, 4);
    json_t *stack = json_array_get(json_object_get(json, "stacks"), 0), *frames = json_array();
    for (int i = 0; i < 30; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "deep_%02d", i);
        (void)json_array_append_new(frames, made_up_frame(name, "Objects/x.c", i + 1, "interpreter"));
    }
    (void)json_object_set_new(stack, "frames", frames);
    (void)json_object_set_new(stack, "top", json_integer(20));
    made_up_put(json);
    ftf_text text = as_issue();
    assert_holds(&text, "   #9  deep_09", "   ...\n > #20 deep_20", "\n\nlane 1 writes", NULL);
    assert_lacks(&text, "deep_10");
    assert_lacks(&text, "deep_21");
    ftf_text_release(&text);
}

static void test_issue__of_a_deadlock_shows_who_waits_for_what(void **state) {
    (void)state;
    json_t *json = made_up_finding("deadlock-a", "deadlock", "extension", 4, 4);
    json_t *stack = json_array_get(json_object_get(json, "stacks"), 0);
    (void)json_object_set_new(stack, "role", json_string("blocked"));
    (void)json_object_set_new(stack, "size", json_integer(0));
    (void)json_object_set_new(stack, "waits", json_string("mutex 0x12, which lane 1 has"));
    (void)json_object_set_new(stack, "python", json_string("File \"x\", line 4 in __eq__\nFile \"y\", line 1 in f"));
    made_up_put(json);
    ftf_text text = as_issue();
    assert_holds(&text, "all threads wait for each other",
                 "lane 0 is blocked\n   waits for mutex 0x12, which lane 1 has\n",
                 "   File \"x\", line 4 in __eq__\n   File \"y\", line 1 in f\n > #0  list_repr", NULL);
    ftf_text_release(&text);
}

/* Every member but those that make it a finding, one after the other, gone or of another type. */
static void test_report__members_may_be_missing_or_of_another_type(void **state) {
    (void)state;
    json_t *whole = measured_finding();
    for (void *it = json_object_iter(whole); it; it = json_object_iter_next(whole, it)) {
        const char *key = json_object_iter_key(it);
        for (int kind = 0; kind < 3 && strcmp(key, "id") != 0 && strcmp(key, "format") != 0; kind++) {
            json_t *copy = json_deep_copy(whole);
            (void)(kind == 0 ? json_object_del(copy, key)
                             : json_object_set_new(copy, key,
                                                   kind == 1 ? json_integer(-1) : json_pack("[{s:[]}]", "frames")));
            made_up_put(copy);
            ftf_report report;
            ftf_text text = {0};
            made_up_load(&report);
            assert_int_equal(report.count, 1);
            ftf_report_text(&report, &text);
            ftf_report_issue(&report, 0, &text);
            ftf_report_issue_index(&report, &text);
            json_decref(ftf_report_json(&report));
            json_decref(ftf_report_sarif(&report));
            ftf_text_release(&text);
            ftf_report_release(&report);
        }
    }
    json_decref(whole);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, made_up_setup, made_up_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_report__what_is_no_campaign_is_told_what_to_give_instead),
        TEST(test_report__no_findings_are_said_so),
        TEST(test_report__damaged_findings_are_named_and_the_others_reported),
        TEST(test_report__a_campaign_that_makes_no_sense_is_none),
        TEST(test_text__the_extensions_come_first_worst_and_best_reproduced_first),
        TEST(test_text__each_finding_says_what_to_run_next),
        TEST(test_text__paths_are_one_word_for_the_shell),
        TEST(test_text__shows_what_was_measured_and_nothing_that_was_not),
        TEST(test_json__has_every_member_of_a_finding_and_its_place),
        TEST(test_json__a_path_that_is_no_utf8_is_no_trouble),
        TEST(test_issue__says_what_happens_how_sure_it_is_and_how_to_see_it),
        TEST(test_issue__does_not_promise_what_was_not_measured),
        TEST(test_issue__embeds_script_and_explanation_whatever_is_in_them),
        TEST(test_issue__long_files_are_cut_and_it_says_so),
        TEST(test_issue__of_a_sequence_the_last_scenario_is_shown),
        TEST(test_issue__of_a_deep_stack_the_innermost_frames_and_the_top_are_shown),
        TEST(test_issue__of_a_deadlock_shows_who_waits_for_what),
        TEST(test_report__members_may_be_missing_or_of_another_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
