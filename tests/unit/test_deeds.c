/* If this fails, the bug is in scenario/deeds.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sample_catalog.h"
#include "scenario/actions.h"
#include "scenario/deeds.h"
#include "scenario/gen.h"
#include "scenario/parse.h"

static const char text[] = "ftfuzz 1\ntarget sample\nsetup\n  a = Buffer(b\"x\")\n  b = list([1])\nthread\n"
                           "  a.append(1) * 3\n  len(a)\n  a[0]\n  a[0] = 1\n  del a[0]\n  a + b\n  a += b\n  1 in a\n"
                           "  a.size\n  a.size = 3\n  del a.size\n  -a\n  with a: pass\n  dumps(b)\n  b.extend(a)\n"
                           "  first_use()\n  copy.copy(a)\n  heap.push([b], 1)\n  x = b[a]\nfinish\nschedule free\n";

static ftf_arena *arena;
static ftf_catalog *catalog;
static ftf_scenario scenario;

static int set_up(void **state) {
    (void)state;
    ftf_error err = {0};
    arena = ftf_arena_create();
    catalog = load_sample_catalog();
    if (ftf_scenario_parse(text, strlen(text), arena, &scenario, &err) != FTF_OK) {
        fprintf(stderr, "line %d: %s\n", err.line, err.text);
        return -1;
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ftf_catalog_destroy(catalog);
    ftf_arena_destroy(arena);
    return 0;
}

/* What op number `op` does to a slot is called so. */
static void assert_called(uint32_t op, int slot, const char *object, const char *expected) {
    const ftf_deed deed = ftf_deed_of(&scenario.lanes[0].ops[op], slot);
    ftf_text out = {0};
    ftf_deed_print(&deed, object, &out);
    assert_string_equal(out.data, expected);
    ftf_text_release(&out);
}

static void test_deeds__are_called_as_people_call_them(void **state) {
    (void)state;
    static const char *const names[] = {
        "Buffer.append",        "len(Buffer)", "Buffer[k]",   "Buffer[k] = v",     "del Buffer[k]",
        "Buffer + x",           "Buffer += x", "x in Buffer", "Buffer.size (get)", "Buffer.size (set)",
        "Buffer.size (delete)", "-Buffer",     "with Buffer"};
    int a = ftf_scenario_find_slot(&scenario, "a", 0);
    for (uint32_t op = 0; op < sizeof names / sizeof *names; op++) {
        assert_int_equal(ftf_deed_object(&scenario.lanes[0].ops[op]), a);
        assert_called(op, a, "Buffer", names[op]);
    }
}

static void test_deeds__an_argument_is_told_from_the_receiver(void **state) {
    (void)state;
    int a = ftf_scenario_find_slot(&scenario, "a", 0), b = ftf_scenario_find_slot(&scenario, "b", 0);
    assert_called(5, b, "list", "x + list");
    assert_called(13, b, "list", "dumps(list)");
    assert_called(14, a, "Buffer", "x.extend(Buffer)");
    assert_called(14, b, "list", "list.extend");
    assert_called(16, a, "_", "copy.copy(_)");
    assert_called(17, b, "list", "heap.push(list)"); /* somewhere inside */
    assert_called(18, a, "Buffer", "x[Buffer]");
    assert_called(15, FTF_NO_SLOT, "", "first_use");
    assert_int_equal(ftf_deed_object(&scenario.lanes[0].ops[13]), FTF_NO_SLOT);
}

static void test_deeds__the_catalogs_actions_are_called_the_same(void **state) {
    (void)state;
    const ftf_type *type = &catalog->types[ftf_catalog_find_type(catalog, "Buffer")];
    bool append = false, len = false;
    for (uint32_t i = 0; i < type->action_count; i++) {
        const ftf_deed deed = ftf_deed_of_action(catalog, type, &type->actions[i]);
        ftf_text out = {0};
        ftf_deed_print(&deed, type->name, &out);
        append = append || strcmp(out.data, "Buffer.append") == 0;
        len = len || strcmp(out.data, "len(Buffer)") == 0;
        assert_true(ftf_deed_fits(catalog, "Buffer", &deed));
        ftf_text_release(&out);
    }
    assert_true(append && len);
}

static void test_deeds__types_have_names_and_lack_methods(void **state) {
    (void)state;
    assert_string_equal(ftf_deed_type(catalog, ftf_catalog_find_type(catalog, "Lock")), "Lock");
    assert_string_equal(ftf_deed_type(catalog, ftf_holds_builtin(FTF_BUILTIN_VIEW)), "memoryview");
    assert_string_equal(ftf_deed_type(catalog, FTF_HOLDS_UNKNOWN), "");
    ftf_deed deed = {.code = FTF_OP_METHOD, .place = FTF_DEED_SELF, .name = "append"};
    assert_true(ftf_deed_fits(catalog, "list", &deed));
    assert_false(ftf_deed_fits(catalog, "Lock", &deed));
    assert_false(ftf_deed_fits(catalog, "set", &deed) &&
                 ftf_deed_fits(catalog, "list", &(ftf_deed){FTF_OP_METHOD, FTF_DEED_SELF, "acquire"}));
    deed.place = FTF_DEED_ARGUMENT;
    assert_true(ftf_deed_fits(catalog, "Lock", &deed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deeds__are_called_as_people_call_them),
        cmocka_unit_test(test_deeds__an_argument_is_told_from_the_receiver),
        cmocka_unit_test(test_deeds__the_catalogs_actions_are_called_the_same),
        cmocka_unit_test(test_deeds__types_have_names_and_lack_methods),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
