#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "findings/record.h"

static ftf_record *full_record(void) {
    ftf_record *r = ftf_record_create();
    (void)snprintf(r->kind, sizeof r->kind, "data-race");
    (void)snprintf(r->flavour, sizeof r->flavour, "tsan");
    (void)snprintf(r->section, sizeof r->section, "lanes");
    r->target = strdup("collections");
    r->scenario = strdup("ftfuzz 1\n");
    r->original = strdup("ftfuzz 1\n# x\n");
    r->detail = strdup("one line");
    r->sequence = 812;
    (void)snprintf(r->worker, sizeof r->worker, "tsan0.3");
    r->runs = 4870;
    r->cpu_us = 912000;
    r->steals = 3;
    r->history_count = 2;
    r->history[0] = strdup("a");
    r->history[1] = strdup("b");
    r->stack_count = 1;
    r->stacks[0] = (ftf_stack){.role = "write", .lane = 1, .op = -1, .address = 0x7fffffffffff, .size = 8};
    r->stacks[0].frame_count = 1;
    r->stacks[0].waits = strdup("mutex 0x10, which lane 0 has");
    r->stacks[0].python = strdup("File \"x.py\", line 3 in f\n");
    r->stacks[0].frames[0] = (ftf_frame){.module = strdup("/m"), .offset = UINT64_C(0xffffffffffff)};
    return r;
}

static void test_record__json_keeps_everything(void **state) {
    (void)state;
    ftf_record *before = full_record(), *after = NULL;
    ftf_error err = {0};
    json_t *first = ftf_record_to_json(before);
    assert_int_equal(ftf_record_from_json(first, &after, &err), FTF_OK);
    json_t *second = ftf_record_to_json(after);
    assert_true(json_equal(first, second));
    assert_int_equal(after->stacks[0].frames[0].offset, UINT64_C(0xffffffffffff));
    assert_int_equal(after->stacks[0].op, -1);
    assert_null(after->text);
    assert_string_equal(after->worker, "tsan0.3");
    assert_int_equal(after->runs, 4870);
    assert_int_equal(after->cpu_us, 912000);
    json_decref(first);
    json_decref(second);
    ftf_record_destroy(before);
    ftf_record_destroy(after);
}

static void test_record__bytes_that_are_no_text_do_not_lose_it(void **state) {
    (void)state;
    ftf_record *record = full_record(), *after = NULL;
    ftf_error err = {0};
    record->text = strdup("caf\xe9 \xff");
    json_t *json = ftf_record_to_json(record);
    assert_int_equal(ftf_record_from_json(json, &after, &err), FTF_OK);
    assert_string_equal(after->text, "caf? ?");
    json_decref(json);
    ftf_record_destroy(record);
    ftf_record_destroy(after);
}

static void set(char **member, const char *text) {
    free(*member);
    *member = strdup(text);
}

/* As a live worker writes it: any of its texts may come from the target. */
static void test_record__no_text_that_is_none_keeps_it_from_being_written(void **state) {
    (void)state;
    static const char BYTES[] = "a\xff\xc3(\xed\xa0\x80z", CLEAN[] = "a?\?(?\?\?z";
    char folder[] = "/tmp/ftf-test-record-XXXXXX", path[256];
    ftf_record *record = full_record(), *after = NULL;
    ftf_error err = {0};
    char **members[] = {&record->target,         &record->scenario,           &record->original,
                        &record->detail,         &record->text,               &record->history[1],
                        &record->stacks[0].waits, &record->stacks[0].python, &record->stacks[0].frames[0].module};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        set(members[i], BYTES);
    }
    (void)snprintf(record->worker, sizeof record->worker, "%s", BYTES);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(ftf_record_write(record, folder, "w", &err), FTF_OK);
    (void)snprintf(path, sizeof path, "%s/w.json", folder);
    assert_int_equal(ftf_record_read(path, &after, &err), FTF_OK);
    const char *kept[] = {after->target,          after->scenario,         after->original,
                          after->detail,          after->text,             after->history[1],
                          after->stacks[0].waits, after->stacks[0].python, after->stacks[0].frames[0].module,
                          after->worker};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_string_equal(kept[i], CLEAN);
    }
    assert_string_equal(after->history[0], "a");
    assert_int_equal(ftf_fs_remove_tree(folder, &err), FTF_OK);
    ftf_record_destroy(record);
    ftf_record_destroy(after);
}

static int allocations_left;

static void *allocate_while_it_lasts(size_t size) { return allocations_left-- > 0 ? malloc(size) : NULL; }

/* A target may have destroyed the heap in which its record is made: wherever that shows, it is an error, and leaves no file. */
static void test_record__a_heap_that_gives_out_is_an_error(void **state) {
    (void)state;
    char folder[] = "/tmp/ftf-test-record-XXXXXX", path[256];
    ftf_record *record = full_record();
    ftf_status status = FTF_HEAP;
    int tries = 0;
    set(&record->detail, "caf\xe9");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/w.json", folder);
    json_set_alloc_funcs(allocate_while_it_lasts, free);
    for (; status != FTF_OK && tries < 1000; tries++) {
        ftf_error err = {0};
        assert_false(ftf_fs_exists(path));
        allocations_left = tries;
        status = ftf_record_write(record, folder, "w", &err);
        assert_true(status == FTF_OK || (status == FTF_HEAP && strstr(err.text, "memory")));
    }
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(status, FTF_OK);
    assert_true(tries > 50); /* it failed in every place, not in one */
    assert_true(ftf_fs_exists(path));
    ftf_record *after = NULL;
    assert_int_equal(ftf_record_read(path, &after, NULL), FTF_OK);
    assert_int_equal(after->stacks[0].frame_count, 1);
    assert_int_equal(ftf_fs_remove_tree(folder, NULL), FTF_OK);
    ftf_record_destroy(record);
    ftf_record_destroy(after);
}

static void assert_refused(const char *text, const char *reason) {
    ftf_record *record = NULL;
    ftf_error err = {0};
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    assert_int_equal(ftf_record_from_json(json, &record, &err), FTF_INPUT);
    assert_null(record);
    assert_non_null(strstr(err.text, reason));
    json_decref(json);
}

static void test_record__what_is_no_record_is_refused_with_a_reason(void **state) {
    (void)state;
    assert_refused("[]", "format");
    assert_refused("{\"format\": 2, \"kind\": \"segv\"}", "format");
    assert_refused("{\"format\": 1}", "kind");
    assert_refused("{\"format\": 1, \"kind\": \"segv\", \"flavour\": \"much too long\"}", "flavour");
    assert_refused("{\"format\": 1, \"kind\": \"segv\", \"flavour\": \"asan\", \"history\": [1]}", "history");
    assert_refused("{\"format\": 1, \"kind\": \"segv\", \"flavour\": \"asan\", \"stacks\": [{}]}", "role");
}

static void test_record__more_stacks_and_frames_than_fit_are_cut(void **state) {
    (void)state;
    json_t *frames = json_array();
    for (int i = 0; i < FTF_FRAMES_MAX + 5; i++) {
        (void)json_array_append_new(frames, json_pack("{s:s, s:s}", "module", "/m", "offset", "0x1"));
    }
    json_t *stacks = json_array();
    for (int i = 0; i < FTF_STACKS_MAX + 5; i++) {
        (void)json_array_append_new(stacks, json_pack("{s:s, s:O}", "role", "read", "frames", frames));
    }
    json_t *json = json_pack("{s:i, s:s, s:s, s:o}", "format", 1, "kind", "segv", "flavour", "asan", "stacks", stacks);
    ftf_record *record = NULL;
    ftf_error err = {0};
    assert_int_equal(ftf_record_from_json(json, &record, &err), FTF_OK);
    assert_int_equal(record->stack_count, FTF_STACKS_MAX);
    assert_int_equal(record->stacks[0].frame_count, FTF_FRAMES_MAX);
    assert_int_equal(record->stacks[0].lane, -1);
    ftf_record_destroy(record);
    json_decref(json);
    json_decref(frames);
}

/* Stands in for libc's, to count. */
static int flushes;
int fsync(int fd) {
    flushes++;
    return (int)syscall(SYS_fsync, fd);
}

static void test_record__files_are_read_back_or_named(void **state) {
    (void)state;
    char folder[] = "/tmp/ftf-test-record-XXXXXX", path[256];
    ftf_record *record = full_record(), *after = NULL;
    ftf_error err = {0};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(ftf_record_write(record, folder, "w1-1", &err), FTF_OK);
    assert_int_equal(flushes, 0); /* a worker does not wait for the disk */
    (void)snprintf(path, sizeof path, "%s/w1-1.json", folder);
    assert_int_equal(ftf_record_read(path, &after, &err), FTF_OK);
    assert_string_equal(after->target, "collections");
    ftf_record_destroy(after);
    assert_int_equal(ftf_fs_write(path, "{\"format\": ", 11, &err), FTF_OK);
    assert_int_equal(ftf_record_read(path, &after, &err), FTF_INPUT);
    assert_null(after);
    assert_int_equal(ftf_fs_remove_tree(folder, &err), FTF_OK);
    assert_int_equal(ftf_record_read(path, &after, &err), FTF_IO);
    ftf_record_destroy(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__json_keeps_everything),
        cmocka_unit_test(test_record__bytes_that_are_no_text_do_not_lose_it),
        cmocka_unit_test(test_record__no_text_that_is_none_keeps_it_from_being_written),
        cmocka_unit_test(test_record__a_heap_that_gives_out_is_an_error),
        cmocka_unit_test(test_record__what_is_no_record_is_refused_with_a_reason),
        cmocka_unit_test(test_record__more_stacks_and_frames_than_fit_are_cut),
        cmocka_unit_test(test_record__files_are_read_back_or_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
