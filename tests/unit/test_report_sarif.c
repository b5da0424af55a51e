#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "made_up_campaign.h"
#include "oracle/kinds.h"

/*
 * What SARIF's words are used for. Whether the whole is SARIF at all is asked of the standard's own schema,
 * end to end (tests/e2e/test_report.py).
 */
static json_t *run_of(json_t **log) {
    ftf_report report;
    made_up_load(&report);
    *log = ftf_report_sarif(&report);
    ftf_report_release(&report);
    assert_string_equal(json_string_value(json_object_get(*log, "version")), "2.1.0");
    assert_int_equal(json_array_size(json_object_get(*log, "runs")), 1);
    return json_array_get(json_object_get(*log, "runs"), 0);
}

static json_t *results_of(json_t **log) { return json_object_get(run_of(log), "results"); }

/* The string at a path such as "locations/0/message/text"; "" where there is none. */
static const char *text_at(const json_t *json, const char *path) {
    char step[64];
    for (const char *at = path; json; at++) {
        size_t len = strcspn(at, "/");
        (void)snprintf(step, sizeof step, "%.*s", (int)len, at);
        json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(step, NULL, 10))
                                   : json_object_get(json, step);
        at += len;
        if (*at == '\0') {
            break;
        }
    }
    const char *text = json_string_value(json);
    return text ? text : "";
}

static json_int_t number_at(const json_t *json, const char *object, const char *key) {
    return json_integer_value(json_object_get(json_object_get(json, object), key));
}

static void test_sarif__has_a_rule_for_each_kind(void **state) {
    (void)state;
    json_t *log;
    json_t *driver = json_object_get(json_object_get(run_of(&log), "tool"), "driver");
    json_t *rules = json_object_get(driver, "rules");
    assert_string_equal(text_at(driver, "semanticVersion"), "1.2.3");
    assert_int_equal(json_array_size(rules), FTF_FINDING_KIND_COUNT);
    for (int i = 0; i < FTF_FINDING_KIND_COUNT; i++) {
        const ftf_finding_kind_info *info = ftf_finding_kind_get((ftf_finding_kind_id)i);
        json_t *rule = json_array_get(rules, (size_t)i);
        assert_string_equal(text_at(rule, "id"), info->name);
        assert_string_equal(text_at(rule, "shortDescription/text"), info->meaning);
        assert_non_null(strstr(text_at(rule, "help/text"), info->meaning + 1));
    }
    json_decref(log);
}

static void test_sarif__a_result_says_what_how_sure_and_which(void **state) {
    (void)state;
    json_t *log;
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 19, 20));
    json_t *results = results_of(&log), *result = json_array_get(results, 0);
    assert_int_equal(json_array_size(results), 1);
    assert_string_equal(text_at(result, "ruleId"), "data-race");
    assert_int_equal(json_integer_value(json_object_get(result, "ruleIndex")), FTF_FINDING_DATA_RACE);
    assert_string_equal(text_at(result, "level"), "warning");
    assert_string_equal(text_at(result, "message/text"),
                        "data-race: box_resize writes what _data-race-a_ reads (replayed 19/20, with ThreadSanitizer)");
    json_t *print = json_object_get(json_object_get(result, "partialFingerprints"), "ftfuzzSignature/v1");
    assert_string_equal(json_string_value(print), "data-race box.c:box_resize | listobject.c:data-race-a");
    assert_int_equal(json_integer_value(json_object_get(result, "occurrenceCount")), 3);
    assert_string_equal(text_at(result, "properties/blame"), "extension");
    assert_string_equal(text_at(result, "properties/flavour"), "tsan");
    assert_string_equal(text_at(result, "properties/target"), "box");
    assert_int_equal(number_at(json_object_get(result, "properties"), "replay", "k"), 19);
    assert_null(json_object_get(json_object_get(result, "properties"), "gil"));
    json_decref(log);
}

static void test_sarif__the_extensions_frame_is_the_place_and_the_other_is_related(void **state) {
    (void)state;
    json_t *log;
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 1, 1));
    json_t *result = json_array_get(results_of(&log), 0);
    json_t *place = json_array_get(json_object_get(result, "locations"), 0);
    json_t *related = json_object_get(result, "relatedLocations");
    assert_string_equal(text_at(place, "physicalLocation/artifactLocation/uri"), "box%231.c");
    assert_string_equal(text_at(place, "physicalLocation/artifactLocation/uriBaseId"), "SRCROOT");
    assert_int_equal(number_at(json_object_get(place, "physicalLocation"), "region", "startLine"), 34);
    assert_string_equal(text_at(place, "logicalLocations/0/fullyQualifiedName"), "box_resize");
    assert_string_equal(text_at(place, "message/text"), "lane 1 writes, 8 bytes, in its line 1: a.resize(9)");
    assert_int_equal(json_array_size(json_object_get(result, "locations")), 1);
    assert_int_equal(json_array_size(related), 1);
    assert_string_equal(text_at(related, "0/physicalLocation/artifactLocation/uri"), "Objects/listobject.c");
    json_decref(log);
}

static void test_sarif__stacks_have_no_harness_and_no_path_of_this_machine(void **state) {
    (void)state;
    json_t *log;
    made_up_put(made_up_finding("data-race-a", "data-race", "extension", 1, 1));
    json_t *stacks = json_object_get(json_array_get(results_of(&log), 0), "stacks");
    assert_int_equal(json_array_size(stacks), 2);
    assert_int_equal(json_array_size(json_object_get(json_array_get(stacks, 0), "frames")), 2);
    assert_string_equal(text_at(stacks, "1/frames/0/location/logicalLocations/0/fullyQualifiedName"), "box_resize");
    assert_string_equal(text_at(stacks, "1/frames/0/module"), "_box.so");
    char *text = json_dumps(stacks, 0);
    assert_null(strstr(text, "run_lane"));
    assert_null(strstr(text, "somewhere"));
    free(text);
    json_decref(log);
}

static void test_sarif__a_source_by_its_place_on_another_machine_is_left_out(void **state) {
    (void)state;
    json_t *log, *json = made_up_finding("data-race-a", "data-race", "extension", 1, 1);
    json_t *frames = json_object_get(json_array_get(json_object_get(json, "stacks"), 1), "frames");
    (void)json_object_set_new(json_array_get(frames, 1), "file", json_string("/their/box.c"));
    made_up_put(json);
    json_t *place = json_array_get(json_object_get(json_array_get(results_of(&log), 0), "locations"), 0);
    assert_null(json_object_get(place, "physicalLocation"));
    assert_string_equal(text_at(place, "logicalLocations/0/fullyQualifiedName"), "box_resize");
    json_decref(log);
}

static void test_sarif__trouble_without_stacks_is_the_modules(void **state) {
    (void)state;
    json_t *log, *json = made_up_finding("gil-not-declared-a", "gil-not-declared", "extension", 1, 1);
    (void)json_object_set_new(json, "stacks", json_array());
    made_up_put(json);
    json_t *result = json_array_get(results_of(&log), 0);
    assert_string_equal(text_at(result, "level"), "note");
    assert_string_equal(text_at(result, "locations/0/logicalLocations/0/fullyQualifiedName"), "box");
    assert_string_equal(text_at(result, "locations/0/logicalLocations/0/kind"), "module");
    assert_int_equal(json_array_size(json_object_get(result, "stacks")), 0);
    json_decref(log);
}

static void test_sarif__what_is_not_the_extensions_is_a_note(void **state) {
    (void)state;
    json_t *log;
    made_up_put(made_up_finding("segv-a", "segv", "extension", 1, 1));
    made_up_put(made_up_finding("segv-b", "segv", "cpython", 1, 1));
    made_up_put(made_up_finding("segv-c", "segv", "foreign", 1, 1));
    json_t *results = results_of(&log);
    assert_string_equal(text_at(results, "0/level"), "error");
    assert_string_equal(text_at(results, "1/level"), "note");
    assert_string_equal(text_at(results, "1/properties/blame"), "foreign");
    assert_string_equal(text_at(results, "2/level"), "note");
    json_decref(log);
}

static void test_sarif__a_kind_of_another_version_has_no_rule(void **state) {
    (void)state;
    json_t *log;
    made_up_put(made_up_finding("time-travel-a", "time-travel", "extension", 1, 1));
    json_t *result = json_array_get(results_of(&log), 0);
    assert_string_equal(text_at(result, "ruleId"), "time-travel");
    assert_null(json_object_get(result, "ruleIndex"));
    json_decref(log);
}

static void test_sarif__damage_is_a_notification(void **state) {
    (void)state;
    json_t *log;
    made_up_file("findings/half/finding.json", "{");
    made_up_file("campaign.json", "{\"command\": \"ftfuzz fuzz box\"}");
    json_t *run = run_of(&log);
    assert_non_null(strstr(text_at(run, "invocations/0/toolExecutionNotifications/0/message/text"),
                           "findings/half cannot be read"));
    assert_string_equal(text_at(run, "invocations/0/commandLine"), "ftfuzz fuzz box");
    assert_int_equal(json_array_size(json_object_get(run, "results")), 0);
    json_decref(log);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, made_up_setup, made_up_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sarif__has_a_rule_for_each_kind),
        TEST(test_sarif__a_result_says_what_how_sure_and_which),
        TEST(test_sarif__the_extensions_frame_is_the_place_and_the_other_is_related),
        TEST(test_sarif__stacks_have_no_harness_and_no_path_of_this_machine),
        TEST(test_sarif__a_source_by_its_place_on_another_machine_is_left_out),
        TEST(test_sarif__trouble_without_stacks_is_the_modules),
        TEST(test_sarif__what_is_not_the_extensions_is_a_note),
        TEST(test_sarif__a_kind_of_another_version_has_no_rule),
        TEST(test_sarif__damage_is_a_notification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
