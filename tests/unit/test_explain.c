#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "reduce/explain_text.h"
#include "scenario/scenario.h"

/* Functions of this very program stand for those of an extension: the symbolizer finds them in it. */
void box_resize(void);
void box_get(void);
void box_new(void);
void box_resize(void) { __asm__ volatile("nop"); }
void box_get(void) { __asm__ volatile("nop;nop"); }
void box_new(void) { __asm__ volatile("nop;nop;nop"); }

enum { M = 0x7f0000001000, SIZE = 64, EVENTS_MAX = 64 };

static const char SCENARIO[] = "ftfuzz 1\ntarget box\nsetup\n  a = Box(3)\n"
                               "thread\n  a.get(1)\n"
                               "thread\n  len(a) * 3\n  a.resize(9)\n"
                               "schedule at 0:0.5>1\n";

static ftf_symbolizer *symbolizer;
static char self[4096];
static ftf_trace_event events[EVENTS_MAX];
static size_t event_count;

static int setup(void **state) {
    (void)state;
    event_count = 0;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    return len > 0 && ftf_symbolizer_create(&symbolizer, NULL) == FTF_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    ftf_symbolizer_destroy(symbolizer);
    return 0;
}

static ftf_trace_event *add(ftf_trace_kind kind, int lane, uint32_t op) {
    ftf_trace_event *event = &events[event_count++];
    assert_true(event_count < EVENTS_MAX);
    *event = (ftf_trace_event){.kind = (uint8_t)kind, .lane = (int16_t)lane, .op = (uint16_t)op};
    return event;
}

static void add_op(int lane, uint32_t op, const char *result) {
    add(FTF_TRACE_BEGIN, lane, op);
    snprintf(add(FTF_TRACE_END, lane, op)->text, FTF_TRACE_TEXT, "%s", result);
}

static void at_code(ftf_trace_event *event, void (*function)(void)) {
    event->frames[0] = (uint64_t)(uintptr_t)function;
    event->frame_count = 1;
}

/* Where this program is loaded: what the symbolizer wants is the offset in its file. */
static uint64_t load_address(void) {
    extern const char __executable_start[];
    return (uint64_t)(uintptr_t)__executable_start;
}

static void add_module(void) {
    ftf_trace_event *event = add(FTF_TRACE_MODULE, 0, 0);
    event->address = event->size = load_address();
    event->block = event->address + (64 << 20);
    snprintf(event->text, sizeof event->text, "%.300s", self);
}

static void add_stack(ftf_record *record, const char *role, int lane, void (*function)(void)) {
    ftf_stack *stack = &record->stacks[record->stack_count++];
    snprintf(stack->role, sizeof stack->role, "%s", role);
    stack->lane = lane;
    stack->op = -1;
    stack->address = M + 8;
    stack->size = 8;
    stack->frame_count = 1;
    stack->frames[0] = (ftf_frame){strdup(self), (uint64_t)(uintptr_t)function - load_address()};
}

static ftf_record *make_record(const char *kind) {
    ftf_record *record = ftf_record_create();
    snprintf(record->kind, sizeof record->kind, "%s", kind);
    record->scenario = strdup(SCENARIO);
    record->target = strdup("box");
    return record;
}

/* What lane 1 does while lane 0 is stopped in box_get. */
static void add_story(void) {
    add_module();
    add(FTF_TRACE_BEGIN, FTF_OWNER_SETUP, 0);
    ftf_trace_event *born = add(FTF_TRACE_ALLOCATED, FTF_OWNER_SETUP, 0);
    born->block = M;
    born->size = SIZE;
    at_code(born, box_new);
    snprintf(add(FTF_TRACE_END, FTF_OWNER_SETUP, 0)->text, FTF_TRACE_TEXT, "-> a Box");
    add(FTF_TRACE_BEGIN, 0, 0);
    ftf_trace_event *switched = add(FTF_TRACE_SWITCH, 0, 0);
    switched->to = 1;
    switched->address = M + 8;
    at_code(switched, box_get);
    add_op(1, 0, "-> 3");
    add_op(1, 0, "-> 3");
    add_op(1, 0, "-> 3");
    add(FTF_TRACE_BEGIN, 1, 1);
    at_code(add(FTF_TRACE_FREED, 1, 1), box_resize);
    snprintf(add(FTF_TRACE_END, 1, 1)->text, FTF_TRACE_TEXT, "-> None");
}

static char *explain(ftf_record *record) {
    ftf_explained explained = {.symbolizer = symbolizer, .record = record, .trace = {event_count, events}};
    ftf_text out = {0};
    ftf_error err = {0};
    if (ftf_explain_write(&explained, &out, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
    ftf_record_destroy(record);
    return out.data;
}

static void has(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("there is no '%s' in\n%s", part, text);
    }
}

static void test_explain__a_use_after_free_says_who_freed_what(void **state) {
    (void)state;
    add_story();
    ftf_record *record = make_record("use-after-free");
    add_stack(record, "read", 0, box_get);
    char *text = explain(record);
    has(text,
        "`box_get` (lane 0, in `a.get(1)`) reads memory that `box_resize` (lane 1, in `a.resize(9)`) has freed.\n");
    has(text, "setup   a = Box(3)\n");
    has(text, "  --> lane 1 in box_get, ");
    has(text, ", before it\n    reads M\n"); /* folded at the column's width */
    has(text, "len(a)  -> 3  (3 times)\n");
    has(text, "a.resize(9)  ...\n");
    has(text, "(frees M)\n");
    has(text, "==> box_get, ");
    has(text, "64 bytes, allocated by the main thread in a = Box(3)\n    box_new ");
    has(text, "freed by lane 1 in a.resize(9)\n    box_resize ");
    assert_true(strstr(text, "lane 0\n") == NULL); /* its head is followed by that of lane 1, in the same line */
    free(text);
}

static void test_explain__a_race_names_both_sides(void **state) {
    (void)state;
    add_story();
    ftf_trace_event *end = add(FTF_TRACE_FREED, FTF_OWNER_SETUP, 0); /* as everything does when the run is over */
    at_code(end, box_new);
    ftf_record *record = make_record("data-race");
    add_stack(record, "write", 1, box_resize);
    add_stack(record, "read", 0, box_get);
    char *text = explain(record);
    has(text,
        "`box_resize` (lane 1, in `a.resize(9)`) writes 8 bytes of M, and nothing orders it with `box_get` (lane 0, in "
        "`a.get(1)`), which reads them.\n");
    assert_null(strstr(text, "freed by the main thread"));
    free(text);
}

static void test_explain__a_deadlock_says_who_waits_for_whom(void **state) {
    (void)state;
    add_module();
    add(FTF_TRACE_BEGIN, 0, 0);
    add(FTF_TRACE_BEGIN, 1, 1);
    ftf_record *record = make_record("deadlock");
    add_stack(record, "blocked", 0, box_get);
    add_stack(record, "blocked", 1, box_resize);
    record->stacks[0].waits = strdup("mutex A, which lane 1 has");
    record->stacks[1].waits = strdup("mutex B, which lane 0 has");
    char *text = explain(record);
    has(text, "`box_get` (lane 0, in `a.get(1)`) waits for mutex A, which lane 1 has; `box_resize` (lane 1, in "
              "`a.resize(9)`) "
              "waits for mutex B, which lane 0 has.\n");
    free(text);
}

static void test_trace__the_last_run_counts(void **state) {
    (void)state;
    char path[] = "/tmp/ftf-test-trace-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    ftf_trace trace;
    ftf_error err = {0};
    assert_true(ftf_trace_open(path));
    assert_true(ftf_trace_is_open());
    ftf_trace_add(&(ftf_trace_event){.kind = FTF_TRACE_MODULE, .text = "m"});
    for (uint16_t run = 0; run < 3; run++) {
        ftf_trace_begin_run();
        ftf_trace_add(&(ftf_trace_event){.kind = FTF_TRACE_BEGIN, .op = run});
        ftf_trace_add(&(ftf_trace_event){.kind = FTF_TRACE_END, .op = run});
    }
    assert_int_equal(truncate(path, (off_t)(2 * sizeof(ftf_trace_event) + 100)), 0); /* killed while it wrote */
    assert_int_equal(ftf_trace_load(path, &trace, &err), FTF_OK);
    assert_int_equal(trace.count, 2);
    assert_string_equal(trace.events[0].text, "m");
    assert_int_equal(trace.events[1].op, 2);
    ftf_trace_release(&trace);
    unlink(path);
}

static void test_trace__has_an_end(void **state) {
    (void)state;
    char path[] = "/tmp/ftf-test-trace-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    ftf_trace trace;
    ftf_error err = {0};
    assert_true(ftf_trace_open(path));
    for (int i = 0; i < FTF_TRACE_EVENTS_MAX + 10; i++) {
        ftf_trace_add(&(ftf_trace_event){.kind = FTF_TRACE_BEGIN});
    }
    assert_int_equal(ftf_trace_load(path, &trace, &err), FTF_OK);
    assert_true(trace.count <= FTF_TRACE_EVENTS_MAX);
    ftf_trace_release(&trace);
    unlink(path);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_explain__a_use_after_free_says_who_freed_what),
        TEST(test_explain__a_race_names_both_sides),
        TEST(test_explain__a_deadlock_says_who_waits_for_whom),
        cmocka_unit_test(test_trace__the_last_run_counts),
        cmocka_unit_test(test_trace__has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
