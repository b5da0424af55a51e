#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "findings/finding.h"

/* The test asks about itself: this function's place is known to the compiler and to the person who reads it. */
__attribute__((noinline)) static int known_place(int n) {
    __asm__ volatile("");
    return n + __LINE__;
}

/* The module and offset of a code address of this process, as a sanitizer would print them. */
static uint64_t offset_of(const void *address, const char **module) {
    static char path[FTF_FS_PATH_MAX];
    Dl_info info;
    assert_true(dladdr(address, &info) != 0);
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    path[n] = '\0';
    *module = path;
    return (uint64_t)((uintptr_t)address - (uintptr_t)info.dli_fbase);
}

static const void *address_of_known_place(void) {
    int (*function)(int) = known_place;
    const void *address;
    memcpy(&address, &function, sizeof address);
    return address;
}

static void kill_children(void) {
    char path[64];
    ftf_text text = {0};
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    assert_int_equal(ftf_fs_read(path, 4096, &text, NULL), FTF_OK);
    for (char *at = strtok(text.data, " \n"); at; at = strtok(NULL, " \n")) {
        (void)kill((pid_t)atoi(at), SIGKILL);
    }
    ftf_text_release(&text);
}

static void assert_known(ftf_symbolizer *symbolizer, uint64_t more) {
    const char *module;
    uint64_t offset = offset_of(address_of_known_place(), &module);
    ftf_places places = ftf_symbolizer_resolve(symbolizer, module, offset + more);
    assert_true(places.count >= 1);
    assert_string_equal(places.places[0].function, "known_place");
    assert_non_null(strstr(places.places[0].file, "test_symbolize.c"));
    assert_true(places.places[0].line > 0);
}

static void test_symbolizer__knows_places_and_survives_its_child(void **state) {
    (void)state;
    ftf_symbolizer *symbolizer = NULL;
    ftf_error err = {0};
    assert_int_equal(ftf_symbolizer_create(&symbolizer, &err), FTF_OK);
    assert_known(symbolizer, 0);
    assert_known(symbolizer, 0);
    kill_children();
    assert_known(symbolizer, 1); /* another address, so that the cache does not answer */
    ftf_symbolizer_destroy(symbolizer);
    assert_int_equal(known_place(0) > 0, 1);
}

static void test_symbolizer__what_it_does_not_know_is_no_error(void **state) {
    (void)state;
    ftf_symbolizer *symbolizer = NULL;
    ftf_error err = {0};
    assert_int_equal(ftf_symbolizer_create(&symbolizer, &err), FTF_OK);
    assert_int_equal(ftf_symbolizer_resolve(symbolizer, "/nowhere/x.so", 0x10).count, 0);
    assert_int_equal(ftf_symbolizer_resolve(symbolizer, "", 0x10).count, 0);
    assert_int_equal(ftf_symbolizer_resolve(symbolizer, "a\"\nb", 0x10).count, 0);
    assert_known(symbolizer, 0);
    ftf_symbolizer_destroy(symbolizer);
}

/* A target x with the type Box, and a library that is to blame. */
static ftf_catalog *load_catalog(const char *library) {
    ftf_catalog *catalog = NULL;
    ftf_error err = {0};
    ftf_text json = {0};
    ftf_text_printf(&json,
                    "{\"format\": 1, \"target\": \"x\", \"import\": \"x\", \"blame\": {\"libraries\": [\"%s\"]},"
                    " \"types\": [{\"name\": \"Box\", \"public\": true, \"traits\": [], \"make\": []}],"
                    " \"callables\": [{\"name\": \"Box\", \"owner\": null, \"kind\": \"type\", \"native\": true,"
                    " \"mutates\": null, \"patterns\": [{\"args\": [], \"kwargs\": {}, \"score\": 3}]}]}",
                    library);
    if (ftf_catalog_load(json.data, json.len, &catalog, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
    ftf_text_release(&json);
    return catalog;
}

static void test_finding__report_shows_names_ops_and_scenario(void **state) {
    (void)state;
    ftf_symbolizer *symbolizer = NULL;
    ftf_finding *finding = NULL;
    ftf_error err = {0};
    const char *module;
    assert_int_equal(ftf_symbolizer_create(&symbolizer, &err), FTF_OK);
    ftf_record *record = ftf_record_create();
    (void)snprintf(record->kind, sizeof record->kind, "data-race");
    (void)snprintf(record->flavour, sizeof record->flavour, "tsan");
    record->target = strdup("x");
    record->scenario = strdup("ftfuzz 1\ntarget x\nsetup\n  a = Box()\nthread\n  len(a)\n  a.get(1)\nschedule free\n");
    record->stack_count = 2;
    for (int i = 0; i < 2; i++) {
        ftf_stack *stack = &record->stacks[i];
        *stack = (ftf_stack){.lane = 0, .op = i, .size = 8, .address = 0x1230, .frame_count = 1};
        (void)snprintf(stack->role, sizeof stack->role, "%s", i ? "write" : "read");
        stack->frames[0].offset = offset_of(address_of_known_place(), &module);
        stack->frames[0].module = strdup(module);
    }
    ftf_catalog *catalog = load_catalog(module);
    assert_int_equal(ftf_finding_from_record(symbolizer, catalog, record, &finding, &err), FTF_OK);
    assert_string_equal(ftf_finding_signature(finding),
                        "data-race test_symbolize.c:known_place | test_symbolize.c:known_place");
    assert_string_equal(ftf_finding_blame(finding), "extension");
    ftf_text report = {0};
    ftf_finding_report(finding, &report);
    assert_non_null(strstr(report.data, "lane 0 writes, 8 bytes at 0x1230, in its line 2: a.get(1)\n"));
    assert_non_null(strstr(report.data, "> #0  known_place"));
    assert_non_null(strstr(report.data, "thread\n  len(a)\n"));
    json_t *json = ftf_finding_to_json(finding);
    json_t *stacks = json_object_get(json, "stacks");
    assert_int_equal(json_array_size(stacks), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(stacks, 1), "text")), "a.get(1)");
    json_decref(json);
    ftf_text_release(&report);
    ftf_finding_destroy(finding);
    ftf_record_destroy(record);
    ftf_catalog_destroy(catalog);
    ftf_symbolizer_destroy(symbolizer);
}

static const char *signature_of_violation(const char *setup, const char *line, ftf_symbolizer *symbolizer,
                                          const ftf_catalog *catalog, const char **blame) {
    static ftf_finding *finding; /* kept until the next call, for the strings */
    ftf_finding_destroy(finding);
    ftf_error err = {0};
    ftf_text text = {0}, detail = {0};
    ftf_record *record = ftf_record_create();
    ftf_text_printf(&text, "ftfuzz 1\ntarget x\nsetup\n  %s\nthread\n  %s\nschedule free\n", setup, line);
    ftf_text_printf(&detail, "%s: SystemError: returned NULL", line);
    (void)snprintf(record->kind, sizeof record->kind, "error-protocol");
    record->scenario = text.data;
    record->detail = detail.data;
    record->stack_count = 1;
    record->stacks[0] = (ftf_stack){.role = "call", .lane = 0, .op = 0};
    assert_int_equal(ftf_finding_from_record(symbolizer, catalog, record, &finding, &err), FTF_OK);
    ftf_record_destroy(record);
    *blame = ftf_finding_blame(finding);
    return ftf_finding_signature(finding);
}

static void test_finding__violation_is_the_callees(void **state) {
    (void)state;
    ftf_symbolizer *symbolizer = NULL;
    ftf_catalog *catalog = load_catalog("");
    ftf_error err = {0};
    const char *blame;
    assert_int_equal(ftf_symbolizer_create(&symbolizer, &err), FTF_OK);
    const char *signature = signature_of_violation("a = Box()", "a.get(\"k\")", symbolizer, catalog, &blame);
    assert_string_equal(signature, "error-protocol get: SystemError: returned NULL");
    assert_string_equal(blame, "extension");
    (void)signature_of_violation("a = bytearray(b\"x\")", "bytes(a)", symbolizer, catalog, &blame);
    assert_string_equal(blame, "cpython");
    (void)signature_of_violation("a = bytearray(b\"x\")", "Box(a)", symbolizer, catalog, &blame);
    assert_string_equal(blame, "extension");
    signature = signature_of_violation("a = Box()\n  b = iter(a)", "next(b)", symbolizer, catalog, &blame);
    assert_string_equal(signature, "error-protocol next: SystemError: returned NULL");
    assert_string_equal(blame, "extension");
    ftf_catalog_destroy(catalog);
    ftf_symbolizer_destroy(symbolizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbolizer__knows_places_and_survives_its_child),
        cmocka_unit_test(test_symbolizer__what_it_does_not_know_is_no_error),
        cmocka_unit_test(test_finding__violation_is_the_callees),
        cmocka_unit_test(test_finding__report_shows_names_ops_and_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
