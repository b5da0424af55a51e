#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "reduce/control.h"
#include "reduce/repro.h"
#include "unit/played.h"
#include "unit/sample_catalog.h"

/* A finding that a scenario shows, interpreters and workers that are shell scripts: what is counted, chosen and stored. */

/* With the GIL it shows when the first word of the scenario's setup says so: at once, or under other schedules only. */
static const char WORKER[] = PLAYED_BEGIN
    "gil=0; for a in \"$@\"; do [ \"$a\" = --gil ] && gil=1; done\n"
    "[ $gil = 0 ] && see it\n"
    "grep -q never $file && exit 0\n"
    "grep -q searched $file && ! grep -q 'schedule pct' $file && exit 0\n"
    "note_found() { printf '{\"format\": 1, \"kind\": \"error-protocol\", \"flavour\": \"tsan\", \"detail\": \"it\","
    " \"scenario\": \"ftfuzz 1\\\\ntarget x\\\\nsetup\\\\n  found = f()\\\\nthread\\\\nschedule free\\\\n\"}' > "
    "$spool/replay-it.json; }\n"
    "grep -q searched $file && { note_found; exit 66; }\n"
    "see it\n";

#define SCENARIO(word) "ftfuzz 1\ntarget x\nsetup\n  " word " = f()\nthread\n  len(())\nschedule free\n"

static int setup(void **state) {
    (void)state;
    return played_setup(WORKER);
}

static int teardown(void **state) {
    (void)state;
    return played_teardown();
}

static void forget_findings(void) {
    char out[600];
    (void)snprintf(out, sizeof out, "%s/out", played_folder);
    (void)ftf_fs_remove_tree(out, NULL);
}

/* ---- the control run --------------------------------------------------------------------------------------------------- */

static void check_control(const char *scenario, const char *label, uint32_t k) {
    ftf_store *store = played_store(scenario, 0);
    ftf_attempt_options options = played_options();
    ftf_control_result result;
    ftf_error err = {0};
    ftf_text json = {0};
    const char *id = ftf_store_at(store, 0)->id;
    if (ftf_control(&options, store, id, 4, &result, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(result.label, label);
    assert_int_equal(result.without_gil.k, 4);
    assert_int_equal(result.with_gil.k, k);
    assert_int_equal(result.with_gil.n, 4);
    played_read(store, "finding.json", &json);
    assert_non_null(strstr(json.data, label));
    ftf_text_release(&json);
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
    forget_findings();
}

static void test_control__says_whether_the_gil_matters(void **state) {
    (void)state;
    check_control(SCENARIO("always"), FTF_CONTROL_ALSO, 4);
    check_control(SCENARIO("never"), FTF_CONTROL_ONLY, 0);
    check_control(SCENARIO("searched"), FTF_CONTROL_ALSO, 4); /* `found` shows it always */
}

/* ---- scripts ----------------------------------------------------------------------------------------------------------- */

static char plain[600], sanitizer[600];

static void write_python(char path[600], const char *name, const char *body) {
    ftf_text text = {0};
    (void)snprintf(path, 600, "%s/%s", played_folder, name);
    ftf_text_printf(&text, "#!/bin/sh\nscript=$2\n%s", body);
    assert_int_equal(ftf_fs_write(path, text.data, text.len, NULL), FTF_OK);
    assert_int_equal(chmod(path, 0755), 0);
    ftf_text_release(&text);
}

static ftf_status make(ftf_store *store, ftf_repro_result *result, ftf_error *err) {
    ftf_catalog *catalog = load_sample_catalog();
    const ftf_repro_options options = {.plain = {plain, "", "plain"},
                                       .sanitizers = {{sanitizer, "", "tsan"}},
                                       .catalog = catalog,
                                       .symbolizer = played_symbolizer,
                                       .scratch = played_scratch,
                                       .n = 3,
                                       .seconds = 1};
    ftf_status status = ftf_repro(&options, store, ftf_store_at(store, 0)->id, result, err);
    ftf_catalog_destroy(catalog);
    return status;
}

static void test_repro__counts_what_each_interpreter_shows(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO("a"), 0);
    ftf_repro_result result;
    ftf_error err = {0};
    ftf_text text = {0};
    write_python(plain, "plain", "kill -SEGV $$\n");
    /* Only when each lane has two threads: the way is found. */
    write_python(sanitizer, "sanitizer", "grep -q '^COPIES = 2' $script && exit 70; exit 0\n");
    if (make(store, &result, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(result.plain.k, 3);
    assert_int_equal(result.plain.n, 3);
    assert_string_equal(result.plain.how, "SIGSEGV");
    assert_int_equal(result.sanitizer.k, 3);
    assert_int_equal(result.way.copies, 2);
    played_read(store, "repro.py", &text);
    assert_non_null(strstr(text.data, "3 of 3 runs of 1 s of CPU time on a stock interpreter ended with SIGSEGV\n"));
    assert_non_null(strstr(text.data, "\nCOPIES = 2 "));
    played_read(store, "finding.json", &text);
    json_t *json = json_loads(text.data, 0, NULL);
    const json_t *repro = json_object_get(json, "repro");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(repro, "plain"), "k")), 3);
    assert_string_equal(json_string_value(json_object_get(json_object_get(repro, "sanitizer"), "flavour")), "tsan");
    json_decref(json);
    ftf_text_release(&text);
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
    forget_findings();
}

static void test_repro__other_reports_and_ends_do_not_count(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO("a"), 0);
    ftf_repro_result result;
    ftf_error err = {0};
    ftf_text text = {0};
    write_python(plain, "plain", "exit 0\n");
    write_python(sanitizer, "sanitizer",
                 "echo 'WARNING: ThreadSanitizer: data race (pid=1)' >&2\n"
                 "echo '  Write of size 8 at 0x1 by thread T1:' >&2\n"
                 "echo '    #0 0x1 (/made/up/x.so+0x1)' >&2\nexit 66\n");
    assert_int_equal(make(store, &result, &err), FTF_OK);
    assert_int_equal(result.plain.k, 0);
    assert_int_equal(result.sanitizer.k, 0);
    assert_int_equal(result.sanitizer.n, 3);
    played_read(store, "repro.py", &text);
    assert_non_null(strstr(text.data, "not seen in 2 runs of 1 s of CPU time on a stock interpreter"));
    ftf_text_release(&text);
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
    forget_findings();
}

static void test_repro__a_script_that_does_not_run_is_an_error(void **state) {
    (void)state;
    ftf_store *store = played_store(SCENARIO("a"), 0);
    ftf_repro_result result;
    ftf_error err = {0};
    write_python(sanitizer, "sanitizer",
                 "echo 'Traceback (most recent call last):' >&2\necho 'ImportError: no x' >&2\nexit 1\n");
    assert_int_equal(make(store, &result, &err), FTF_SETUP);
    assert_non_null(strstr(err.text, "ImportError: no x"));
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
    forget_findings();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control__says_whether_the_gil_matters),
        cmocka_unit_test(test_repro__counts_what_each_interpreter_shows),
        cmocka_unit_test(test_repro__other_reports_and_ends_do_not_count),
        cmocka_unit_test(test_repro__a_script_that_does_not_run_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
