#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings/frames.h"
#include "findings/race_text.h"
#include "reduce/sighting.h"
#include "unit/sample_catalog.h"

/* ---- reports as text ----------------------------------------------------------------------------------------------- */

static const char *next(const char *at, const char *end, ftf_record **record) {
    ftf_record_destroy(*record);
    *record = ftf_record_create();
    return ftf_race_text_next(at, end, *record);
}

static void check_stack(const ftf_record *record, uint32_t index, const char *role, const char *module,
                        uint64_t offset) {
    assert_true(index < record->stack_count);
    assert_string_equal(record->stacks[index].role, role);
    assert_true(record->stacks[index].frame_count > 0);
    assert_string_equal(record->stacks[index].frames[0].module, module);
    assert_int_equal(record->stacks[index].frames[0].offset, offset);
}

static void test_race_text__each_report_is_a_record(void **state) {
    (void)state;
    ftf_text text = {0};
    ftf_record *record = NULL;
    read_test_data("printed/tsan.txt", &text);
    const char *end = text.data + text.len, *at = next(text.data, end, &record);
    assert_non_null(at);
    assert_string_equal(record->kind, "data-race");
    assert_int_equal(record->stack_count, 2); /* neither the block nor the thread's start */
    check_stack(record, 0, "write", "/made/up/first (1).so", 0x2c10);
    assert_int_equal(record->stacks[0].frame_count, 2);
    check_stack(record, 1, "atomic-read", "/made/up/second.so", 0x2bcf);
    at = next(at, end, &record);
    assert_string_equal(record->kind, "use-after-free"); /* the leaked thread is no trouble */
    check_stack(record, 1, "freed", "/made/up/first.so", 1);
    at = next(at, end, &record);
    assert_string_equal(record->kind, "lock-order");
    assert_int_equal(record->stack_count, 2);
    check_stack(record, 1, "mutex", "/made/up/first.so", 0x12);
    at = next(at, end, &record);
    assert_int_equal(record->stack_count, 1); /* the rest is still to be written */
    assert_null(next(at, end, &record));
    ftf_record_destroy(record);
    ftf_text_release(&text);
}

/* ---- which finding it is --------------------------------------------------------------------------------------------- */

static void test_sighting__a_race_is_the_same_two_functions(void **state) {
    (void)state;
    assert_true(ftf_sighting_same("data-race x.c:f | x.c:g", "data-race x.c:f | x.c:g"));
    assert_true(ftf_sighting_same("data-race x.c:f | x.c:f", "data-race x.c:f | x.c:f"));
    assert_false(ftf_sighting_same("data-race x.c:f | x.c:g", "data-race x.c:f | x.c:f"));
    assert_false(ftf_sighting_same("data-race x.c:f | x.c:g", "data-race x.c:f | x.c:h"));
    assert_false(ftf_sighting_same("data-race x.c:f | x.c:g", "data-race x.c:f"));
    assert_false(ftf_sighting_same("data-race x.c:f | x.c:g", "data-race x.c:ff | x.c:gg"));
}

static void test_sighting__a_crash_is_in_one_of_them(void **state) {
    (void)state;
    assert_true(ftf_sighting_same("data-race x.c:f | x.c:g", "segv x.c:g"));
    assert_true(ftf_sighting_same("use-after-free x.c:f | x.c:g", "use-after-free x.c:f"));
    assert_false(ftf_sighting_same("use-after-free x.c:f | x.c:g", "use-after-free x.c:f | x.c:h"));
    assert_false(ftf_sighting_same("segv x.c:f", "segv x.c:g"));
    assert_false(ftf_sighting_same("segv x.c:f", "segv"));
}

static void test_sighting__a_crash_may_be_a_race_to_tsan(void **state) {
    (void)state;
    assert_true(ftf_sighting_same("use-after-free x.c:f | x.c:g", "data-race x.c:f | x.c:g"));
    assert_true(ftf_sighting_same("use-after-free x.c:f | x.c:g", "data-race x.c:f | x.c:f"));
    assert_true(ftf_sighting_same("use-after-free x.c:f", "data-race x.c:f | x.c:h"));
    assert_false(ftf_sighting_same("use-after-free x.c:f | x.c:g", "data-race x.c:f | x.c:h"));
    assert_false(ftf_sighting_same("use-after-free x.c:f", "data-race x.c:h | x.c:h"));
}

static void test_sighting__trouble_without_a_place_is_met_anywhere(void **state) {
    (void)state;
    assert_true(ftf_sighting_same("use-after-free a-referenced-object | x.c:f", "use-after-free o.c:h | x.c:f"));
    assert_true(ftf_sighting_same("segv a-destroyed-heap", "segv o.c:h"));
    assert_false(ftf_sighting_same("segv a-destroyed-heap", "data-race o.c:h | o.c:g")); /* there are always some */
    assert_false(ftf_sighting_same("use-after-free a-referenced-object | x.c:f", "use-after-free o.c:h | o.c:h"));
}

static void test_sighting__frames_of_a_stock_interpreter_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *function, *file;
        ftf_frame_sort sort;
    } rows[] = {{"_PyBytes_Resize", "/src/Python-3.13.5/Objects/bytesobject.c", FTF_SORT_INTERPRETER},
                {"method_vectorcall_O", "/src/Python-3.13.5/Objects/descrobject.c", FTF_SORT_PLUMBING},
                {"__tsan_memcpy", "", FTF_SORT_RUNTIME}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ftf_named_frame frame = {
            .module = "/made/up/bin/python3.13t", .function = rows[i].function, .file = rows[i].file};
        ftf_frame_classify(NULL, &frame);
        assert_int_equal(frame.sort, rows[i].sort);
    }
}

/* Frames without names are told apart by nothing, so nothing is seen in them. */
static void test_sighting__a_text_without_our_frames_shows_nothing(void **state) {
    (void)state;
    ftf_text text = {0};
    ftf_error err = {0};
    bool seen = true;
    ftf_sighting sighting = {.signature = "data-race x.c:f | x.c:g"};
    assert_int_equal(ftf_symbolizer_create(&sighting.symbolizer, &err), FTF_OK);
    read_test_data("printed/tsan.txt", &text);
    assert_int_equal(ftf_sighting_look(&sighting, text.data, text.len, &seen, &err), FTF_OK);
    assert_false(seen);
    ftf_symbolizer_destroy(sighting.symbolizer);
    ftf_text_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race_text__each_report_is_a_record),
        cmocka_unit_test(test_sighting__a_race_is_the_same_two_functions),
        cmocka_unit_test(test_sighting__a_crash_is_in_one_of_them),
        cmocka_unit_test(test_sighting__a_crash_may_be_a_race_to_tsan),
        cmocka_unit_test(test_sighting__trouble_without_a_place_is_met_anywhere),
        cmocka_unit_test(test_sighting__frames_of_a_stock_interpreter_are_told_apart),
        cmocka_unit_test(test_sighting__a_text_without_our_frames_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
