/*
 * Golden reports of every sanitizer (tests/data/reports), from the text to the signature. Each begins with what is
 * expected of it; `symbols` answers for the symbolizer. If one of these fails, look in harness/findings/crash_text.c
 * (kind, roles), frames.c (whose frame) or signature.c, in this order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "findings/crash_text.h"
#include "findings/signature.h"

#define REPORTS FTF_TESTS_DIR "/data/reports"

static ftf_text symbols;

static int load_symbols(void **state) {
    (void)state;
    return ftf_fs_read(REPORTS "/symbols", FTF_FS_READ_MAX, &symbols, NULL) == FTF_OK ? 0 : -1;
}

static int drop_symbols(void **state) {
    (void)state;
    ftf_text_release(&symbols);
    return 0;
}

/* What the symbols file says about module+offset; the strings are static and hold until the test ends. */
static void resolve(ftf_named_frame *frame) {
    static char strings[4096][256];
    static int used;
    char key[128];
    const char *slash = strrchr(frame->module, '/');
    (void)snprintf(key, sizeof key, "%s 0x%llx ", slash ? slash + 1 : frame->module, (unsigned long long)frame->offset);
    const char *at = strstr(symbols.data, key);
    frame->function = frame->file = "";
    if (!at) {
        return;
    }
    assert_true(used + 2 < 4096);
    char *function = strings[used++], *file = strings[used++];
    assert_int_equal(sscanf(at + strlen(key), "%255s %255[^:]", function, file), 2);
    frame->function = strcmp(function, "??") == 0 ? "" : function;
    frame->file = strcmp(file, "??") == 0 ? "" : file;
}

static void name_stacks(const ftf_record *record, const ftf_catalog *catalog, ftf_named_stack *stacks) {
    for (uint32_t i = 0; i < record->stack_count; i++) {
        const ftf_stack *raw = &record->stacks[i];
        stacks[i].raw = raw;
        stacks[i].count = raw->frame_count;
        for (uint32_t j = 0; j < raw->frame_count; j++) {
            stacks[i].frames[j] = (ftf_named_frame){.module = raw->frames[j].module, .offset = raw->frames[j].offset};
            resolve(&stacks[i].frames[j]);
            ftf_frame_classify(catalog, &stacks[i].frames[j]);
        }
        ftf_stack_choose_top(&stacks[i], false);
    }
}

/* The value of a header line, in a static buffer each. */
static const char *expected(const char *text, const char *key) {
    static char values[3][512];
    static int next;
    char *value = values[next++ % 3];
    const char *at = strstr(text, key);
    assert_non_null(at);
    at += strlen(key);
    (void)snprintf(value, sizeof values[0], "%.*s", (int)strcspn(at, "\n"), at);
    return value;
}

static void check_report(const char *name) {
    char path[FTF_FS_PATH_MAX];
    ftf_text text = {0};
    (void)snprintf(path, sizeof path, REPORTS "/%s", name);
    assert_int_equal(ftf_fs_read(path, FTF_FS_READ_MAX, &text, NULL), FTF_OK);
    const char *body = strstr(text.data, "\n----\n");
    assert_non_null(body);
    body += strlen("\n----\n");
    const char *kind = expected(text.data, "expect-kind: ");
    const char *roles = expected(text.data, "expect-roles: ");
    const char *signature = expected(text.data, "expect-signature: ");
    ftf_record *record = ftf_record_create();
    bool parsed = ftf_crash_text_parse(body, strlen(body), record);
    if (strcmp(kind, "none") == 0) {
        assert_false(parsed);
    } else {
        static ftf_named_stack stacks[FTF_STACKS_MAX];
        static ftf_catalog catalog;
        ftf_identity identity;
        char seen[512] = "";
        assert_true(parsed);
        name_stacks(record, &catalog, stacks);
        ftf_identity_make(record, stacks, record->stack_count, NULL, &identity);
        for (uint32_t i = 0; i < record->stack_count; i++) {
            size_t len = strlen(seen);
            (void)snprintf(seen + len, sizeof seen - len, "%s%s", i ? " " : "", record->stacks[i].role);
        }
        print_message("%s: %s\n    detail: %s\n", name, identity.title, record->detail);
        assert_string_equal(record->kind, kind);
        assert_string_equal(seen, roles);
        assert_string_equal(identity.signature, signature);
        assert_string_equal(identity.blame, "extension");
    }
    ftf_record_destroy(record);
    ftf_text_release(&text);
}

static void test_reports__give_kind_roles_and_signature(void **state) {
    (void)state;
    ftf_names names;
    size_t checked = 0;
    assert_int_equal(ftf_fs_list(REPORTS, &names, NULL), FTF_OK);
    for (size_t i = 0; i < names.count; i++) {
        if (strstr(names.names[i], ".txt")) {
            check_report(names.names[i]);
            checked++;
        }
    }
    ftf_names_release(&names);
    assert_true(checked >= 19);
}

static ftf_record *parse(const char *text) {
    ftf_record *record = ftf_record_create();
    if (!ftf_crash_text_parse(text, strlen(text), record)) {
        ftf_record_destroy(record);
        return NULL;
    }
    return record;
}

static void test_text__reads_every_form_of_frame(void **state) {
    (void)state;
    ftf_record *record = parse("==1==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000010 (pc 0x1 T0)\n"
                               "    #0 0x55  (/path/with space (x)/mod.so+0x12ab) (BuildId: 77)\n"
                               "    #1 <null> <null> (mod+0x10) (BuildId: 78)\n"
                               "    #2 0x55 (<unknown module>)\n"
                               "    #3 0x55 (/m+0xff)\n");
    assert_non_null(record);
    assert_int_equal(record->stack_count, 1);
    assert_int_equal(record->stacks[0].frame_count, 3);
    assert_string_equal(record->stacks[0].frames[0].module, "/path/with space (x)/mod.so");
    assert_int_equal(record->stacks[0].frames[0].offset, 0x12ab);
    assert_string_equal(record->stacks[0].frames[1].module, "mod");
    assert_int_equal(record->stacks[0].frames[2].offset, 0xff);
    ftf_record_destroy(record);
}

static void test_text__takes_lane_and_size_from_the_line_above(void **state) {
    (void)state;
    ftf_record *record = parse("==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x123 at pc 0x1 bp 0x2\n"
                               "WRITE of size 8 at 0x123 thread T3 (lane 1)\n"
                               "    #0 0x1 (/m+0x1)\n\n0x123 is located\nfreed by thread T2 (lane 0) here:\n"
                               "    #0 0x1 (/m+0x2)\n\nThread T3 (lane 1) created by T0 here:\n    #0 0x1 (/m+0x3)\n");
    assert_non_null(record);
    assert_int_equal(record->stack_count, 2);
    assert_string_equal(record->stacks[0].role, "write");
    assert_int_equal(record->stacks[0].lane, 1);
    assert_int_equal(record->stacks[0].size, 8);
    assert_int_equal(record->stacks[0].address, 0x123);
    assert_string_equal(record->stacks[1].role, "freed");
    assert_int_equal(record->stacks[1].lane, 0);
    assert_string_equal(record->detail, "AddressSanitizer: heap-use-after-free on address 0x123");
    ftf_record_destroy(record);
}

static void test_text__a_bare_module_gets_its_path_from_the_summary(void **state) {
    (void)state;
    ftf_record *record = parse("==1==ERROR: ThreadSanitizer: SEGV on unknown address 0x0 (pc 0x1 T0)\n"
                               "    #0 <null> <null> (worker+0x10) (BuildId: 78)\n"
                               "    #1 <null> <null> (libc.so.6+0x10) (BuildId: 78)\n\n"
                               "SUMMARY: ThreadSanitizer: SEGV (/where/it/is/worker+0x10) (BuildId: 78)\n");
    assert_non_null(record);
    assert_string_equal(record->stacks[0].frames[0].module, "/where/it/is/worker");
    assert_string_equal(record->stacks[0].frames[1].module, "libc.so.6");
    ftf_record_destroy(record);
}

static void test_text__an_unexplained_one_is_left_alone(void **state) {
    (void)state;
    assert_null(parse(""));
    assert_null(parse("INFO: Seed: 1\n#2 INITED cov: 2\n"));
}

static void test_text__verdicts_give_a_stack_for_each_lane(void **state) {
    (void)state;
    const char *text = "deadlock: 2 lanes wait\nlane 0 op 2 (blocked in sem_wait):\n"
                       "    #0 0x1 (/m+0x1)\n    #1 0x1 (/m+0x2)\n"
                       "lane 1 op 0 (running):\n    #0 0x1 (/m+0x3)\n"
                       "lane -1 op -1 (main thread):\n    #0 0x1 (/m+0x4)\n";
    ftf_record *record = ftf_record_create();
    ftf_crash_text_add_lanes(text, strlen(text), record);
    assert_int_equal(record->stack_count, 3);
    assert_string_equal(record->stacks[0].role, "blocked");
    assert_string_equal(record->stacks[1].role, "running");
    assert_int_equal(record->stacks[2].lane, -1);
    assert_int_equal(record->stacks[2].frame_count, 1);
    assert_int_equal(record->stacks[0].lane, 0);
    assert_int_equal(record->stacks[0].op, 2);
    assert_int_equal(record->stacks[0].frame_count, 2);
    assert_int_equal(record->stacks[1].lane, 1);
    assert_int_equal(record->stacks[1].op, 0);
    ftf_record_destroy(record);
}

static void test_text__verdicts_say_what_lanes_wait_for(void **state) {
    (void)state;
    const char *text = "lane 0 op 2 (blocked):\n  waits for mutex 0x10, which lane 1 has\n"
                       "  File \"<recipe>\", line 4 in __eq__\n  File \"<string>\", line 1 in f\n    #0 0x1 (/m+0x1)\n"
                       "lane 1 op 3 (done):\n"
                       "nothing of theirs\n  waits for nobody\n    #0 0x1 (/m+0x3)\n";
    ftf_record *record = ftf_record_create();
    ftf_crash_text_add_lanes(text, strlen(text), record);
    assert_int_equal(record->stack_count, 2);
    assert_string_equal(record->stacks[0].waits, "mutex 0x10, which lane 1 has");
    assert_string_equal(record->stacks[0].python,
                        "File \"<recipe>\", line 4 in __eq__\nFile \"<string>\", line 1 in f\n");
    assert_int_equal(record->stacks[0].frame_count, 1);
    assert_string_equal(record->stacks[1].role, "done");
    assert_null(record->stacks[1].waits);
    assert_null(record->stacks[1].python);
    assert_int_equal(record->stacks[1].frame_count, 0);
    ftf_record_destroy(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports__give_kind_roles_and_signature),
        cmocka_unit_test(test_text__reads_every_form_of_frame),
        cmocka_unit_test(test_text__takes_lane_and_size_from_the_line_above),
        cmocka_unit_test(test_text__a_bare_module_gets_its_path_from_the_summary),
        cmocka_unit_test(test_text__an_unexplained_one_is_left_alone),
        cmocka_unit_test(test_text__verdicts_give_a_stack_for_each_lane),
        cmocka_unit_test(test_text__verdicts_say_what_lanes_wait_for),
    };
    return cmocka_run_group_tests(tests, load_symbols, drop_symbols);
}
