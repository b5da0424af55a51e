/* If this fails, the bug is in cli/exercised.c or cli/suspects.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exercised.h"
#include "cli/suspects.h"
#include "sample_catalog.h"

static ftf_catalog *catalog;
static ftf_exercise *map;
static ftf_exercised told;

static int set_up(void **state) {
    (void)state;
    catalog = load_sample_catalog();
    map = ftf_exercise_open(NULL, NULL);
    memset(&told, 0, sizeof told);
    return map != NULL ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    json_decref(told.coverage);
    json_decref(told.callables);
    json_decref(told.types);
    ftf_exercise_close(map);
    ftf_catalog_destroy(catalog);
    return 0;
}

static uint32_t did(const char *type, ftf_op_code code, ftf_deed_place place, const char *name, uint64_t calls,
                    uint64_t accepted, uint64_t met) {
    const ftf_exercise_key key = {.type = type, .name = name, .code = code, .place = place};
    uint32_t op = ftf_exercise_find(map, &key);
    *ftf_exercise_count(map, op) = (ftf_exercise_counts){calls, accepted, met};
    return op;
}

static json_t *named(json_t *list, const char *name, size_t *index) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0) {
            *index = i;
            return one;
        }
    }
    fail_msg("nothing is called %s", name);
    return NULL;
}

static const char *status_of(const char *callable) {
    size_t index;
    return json_string_value(json_object_get(named(told.callables, callable, &index), "status"));
}

static json_int_t number(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static void test_exercised__says_what_became_of_each_callable(void **state) {
    (void)state;
    did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "append", 9, 8, 2);
    did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "extend", 9, 8, 0);
    did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "pop", 9, 0, 0);
    did("", FTF_OP_CALL, FTF_DEED_ALONE, "dumps", 1, 1, 1);
    ftf_exercised_tell(catalog, map, NULL, 0, &told);
    assert_string_equal(status_of("Buffer.append"), "overlapped");
    assert_string_equal(status_of("Buffer.extend"), "called");
    assert_string_equal(status_of("Buffer.pop"), "refused");
    assert_string_equal(status_of("Buffer.clear"), "never");
    assert_string_equal(status_of("dumps"), "overlapped");
    const json_t *counts = json_object_get(told.coverage, "callables");
    assert_int_equal(number(counts, "overlapped"), 2);
    assert_int_equal(number(counts, "called"), 1);
    assert_int_equal(number(counts, "refused"), 1);
    assert_int_equal(number(counts, "total"), json_array_size(told.callables));
    assert_int_equal(number(counts, "unknown"), catalog->unknown_count);
    assert_int_equal(number(counts, "skipped"), catalog->skip_count);
}

static void test_exercised__puts_both_orders_of_a_pair_together(void **state) {
    (void)state;
    uint32_t append = did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "append", 9, 9, 2);
    uint32_t clear = did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "clear", 9, 9, 2);
    uint32_t given = did("Buffer", FTF_OP_CALL, FTF_DEED_ARGUMENT, "dumps", 9, 9, 2);
    uint32_t strange = did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "acquire", 9, 9, 2);
    uint32_t elsewhere = did("Lock", FTF_OP_METHOD, FTF_DEED_SELF, "acquire", 9, 9, 2);
    ftf_exercise_pair_add(map, append, clear, 4);
    ftf_exercise_pair_add(map, clear, append, 3);
    ftf_exercise_pair_add(map, append, given, 2);
    ftf_exercise_pair_add(map, append, strange, 2);   /* which Buffer has no such method to do */
    ftf_exercise_pair_add(map, append, elsewhere, 2); /* which no worker ever writes */
    ftf_exercised_tell(catalog, map, NULL, 0, &told);
    size_t a, c, g, unused;
    json_t *type = named(told.types, "Buffer", &unused), *operations = json_object_get(type, "operations");
    named(operations, "Buffer.append", &a);
    named(operations, "Buffer.clear", &c);
    assert_true(json_is_false(json_object_get(named(operations, "dumps(Buffer)", &g), "listed")));
    const json_t *pairs = json_object_get(type, "pairs"), *pair = json_array_get(pairs, 0);
    assert_int_equal(json_array_size(pairs), 2);
    assert_int_equal(number(pair, "a"), a);
    assert_int_equal(number(pair, "b"), c);
    assert_int_equal(number(pair, "inside"), 4);
    assert_int_equal(number(pair, "around"), 3);
    assert_int_equal(number(json_array_get(pairs, 1), "b"), g);
    json_int_t listed = (json_int_t)catalog->types[ftf_catalog_find_type(catalog, "Buffer")].action_count;
    assert_int_equal(number(type, "pair_total"), listed * (listed + 1) / 2);
    assert_int_equal(number(type, "pair_overlapped"), 1); /* the other one is not of the catalog */
}

static void test_exercised__marks_pairs_that_findings_are_about(void **state) {
    (void)state;
    did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "append", 9, 9, 0);
    did("Buffer", FTF_OP_METHOD, FTF_DEED_SELF, "clear", 9, 9, 0);
    const ftf_suspect suspects[] = {{.finding = "data-race-1",
                                     .type = "Buffer",
                                     .a = {FTF_OP_METHOD, FTF_DEED_SELF, "clear"},
                                     .b = {FTF_OP_METHOD, FTF_DEED_SELF, "append"}}};
    ftf_exercised_tell(catalog, map, suspects, 1, &told);
    size_t unused;
    const json_t *type = named(told.types, "Buffer", &unused), *pairs = json_object_get(type, "pairs");
    assert_int_equal(json_array_size(pairs), 1);
    const json_t *findings = json_object_get(json_array_get(pairs, 0), "findings");
    assert_string_equal(json_string_value(json_array_get(findings, 0)), "data-race-1");
    assert_int_equal(number(type, "pair_overlapped"), 0); /* found by threads one after the other */
}

static void test_exercised__a_map_without_anything_is_fine(void **state) {
    (void)state;
    ftf_exercised_tell(catalog, map, NULL, 0, &told);
    assert_int_equal(number(json_object_get(told.coverage, "pairs"), "overlapped"), 0);
    assert_string_equal(status_of("Ordered.clear"), "never");
}

/* ---- which pair a finding is about ------------------------------------------------------------------------------- */

static size_t suspects_of(const char *scenario, const char *explain, ftf_arena *arena, ftf_suspect *out) {
    const ftf_entry entry = {.id = "data-race-1"};
    ftf_report_finding finding = {.entry = &entry};
    ftf_text_str(&finding.scenario, scenario);
    ftf_text_str(&finding.explain, explain);
    size_t count = ftf_suspects_find(catalog, &finding, arena, out);
    ftf_text_release(&finding.scenario);
    ftf_text_release(&finding.explain);
    return count;
}

static void test_suspects__the_only_pair_on_one_object(void **state) {
    (void)state;
    ftf_arena *arena = ftf_arena_create();
    ftf_suspect out[FTF_SUSPECTS_MAX];
    size_t count = suspects_of("ftfuzz 1\ntarget sample\nsetup\n  a = Buffer(b\"x\")\nthread\n  a.append(1)\nthread\n"
                               "  x = a.getbuffer()\n  repr(x)\nschedule at\n",
                               "", arena, out);
    assert_int_equal(count, 1);
    assert_string_equal(out[0].type, "Buffer");
    assert_string_equal(out[0].a.name, "append");
    assert_string_equal(out[0].b.name, "getbuffer");
    ftf_arena_destroy(arena);
}

#define THREE_EACH \
    "ftfuzz 1\ntarget sample\nsetup\n  a = Buffer(b\"x\")\nthread\n  a.append(1)\n  a.clear()\n  len(a)\nthread\n" \
    "  a.pop()\n  a.find(\"x\")\n  repr(a)\n"

static void test_suspects__what_the_explanation_says_wins(void **state) {
    (void)state;
    ftf_arena *arena = ftf_arena_create();
    ftf_suspect out[FTF_SUSPECTS_MAX];
    size_t count = suspects_of(THREE_EACH "schedule at 0:1.2>1\n",
                               "`f` (lane 0, in `a.clear()`) writes what `g` (lane 1, in `a.find(\"x\")`) reads.\n\n"
                               "(lane 0, in `len(a)`)",
                               arena, out);
    assert_int_equal(count, 1);
    assert_string_equal(out[0].a.name, "clear");
    assert_string_equal(out[0].b.name, "find");
    ftf_arena_destroy(arena);
}

static void test_suspects__else_the_last_hand_over_else_nothing(void **state) {
    (void)state;
    ftf_arena *arena = ftf_arena_create();
    ftf_suspect out[FTF_SUSPECTS_MAX];
    assert_int_equal(suspects_of(THREE_EACH "schedule at 0:0.2>1 1:2.4>0\n", "", arena, out), 1);
    assert_string_equal(out[0].a.name, "append");
    assert_int_equal(out[0].b.code, FTF_OP_REPR);
    assert_int_equal(suspects_of(THREE_EACH "schedule at\n", "", arena, out),
                     0); /* nine, and nothing tells them apart */
    assert_int_equal(suspects_of("no scenario", "", arena, out), 0);
    ftf_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exercised__says_what_became_of_each_callable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exercised__puts_both_orders_of_a_pair_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exercised__marks_pairs_that_findings_are_about, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exercised__a_map_without_anything_is_fine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_suspects__the_only_pair_on_one_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_suspects__what_the_explanation_says_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_suspects__else_the_last_hand_over_else_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
