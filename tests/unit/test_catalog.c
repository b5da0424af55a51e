#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/actions.h"
#include "scenario/catalog.h"
#include "scenario/kinds.h"
#include "scenario/ops.h"
#include "unit/sample_catalog.h"

static const ftf_callable *method(const ftf_catalog *catalog, const char *type, const char *name) {
    int found = ftf_catalog_find_callable(catalog, name, ftf_catalog_find_type(catalog, type));
    assert_in_range(found, 0, (int)catalog->callable_count - 1);
    return &catalog->callables[found];
}

static void test_catalog__holds_what_the_json_says(void **state) {
    (void)state;
    ftf_catalog *c = load_sample_catalog();
    assert_string_equal(c->target, "sample");
    assert_string_equal(c->gil, "declared");
    assert_string_equal(c->contract, "no-crash");
    assert_int_equal(c->blame_file_count, 1);
    assert_string_equal(c->blame_files[0], "Modules/_sample.c");
    assert_int_equal(c->module_count, 1);
    assert_string_equal(c->modules[0], "_sample");
    assert_string_equal(c->skipped[0].reason, "ends the process");
    assert_string_equal(c->unknown[0].name, "mystery");
    assert_int_equal(c->share_count, 3);
    assert_string_equal(c->types[c->share[0]].name, "Ordered");

    const ftf_type *buffer = &c->types[ftf_catalog_find_type(c, "Buffer")];
    assert_true(buffer->is_public);
    assert_int_equal(buffer->traits & (FTF_TRAIT_BUFFER | FTF_TRAIT_HASHABLE), FTF_TRAIT_BUFFER);
    assert_int_equal(buffer->make_count, 2);
    assert_int_equal(buffer->makes[1].line_count, 3);
    assert_int_equal(buffer->method_count, 8);
    assert_int_equal(buffer->attribute_count, 1);
    assert_true(buffer->attributes[0].can_set && buffer->attributes[0].can_delete);
    assert_int_equal(buffer->attributes[0].accept_count, 2);
    assert_int_equal(buffer->operator_count, 5);
    assert_int_equal(buffer->operators[2].code, FTF_OP_SETITEM);
    assert_int_equal(buffer->operators[2].value_count, 1);

    const ftf_callable *move = method(c, "Ordered", "move_to_end");
    assert_int_equal(move->mutates, 1);
    assert_int_equal(move->patterns[0].score, 2);
    assert_string_equal(move->patterns[0].kwnames[0], "last");
    assert_string_equal(ftf_kinds[move->patterns[0].kwargs[0].index].name, "bool");
    assert_int_equal(move->patterns[1].args[0].source, FTF_ARG_LITERAL);
    assert_string_equal(move->patterns[1].args[0].text, "\"a\"");
    const ftf_callable *update = method(c, "Ordered", "update");
    assert_int_equal(update->mutates, -1);
    assert_int_equal(update->patterns[1].args[0].source, FTF_ARG_TYPE);
    assert_int_equal(update->patterns[1].args[0].index, ftf_catalog_find_type(c, "Ordered"));
    assert_int_equal(method(c, "Ordered", "copy")->patterns[0].returns, ftf_catalog_find_type(c, "Ordered"));
    assert_int_equal(update->patterns[0].returns, -1);

    const ftf_kind *str = ftf_kind_find("str");
    assert_string_equal(c->extra_samples[str - ftf_kinds][1], "\"zz\"");
    assert_null(c->extra_samples[str - ftf_kinds][2]);
    assert_null(c->extra_samples[0]);
    ftf_catalog_destroy(c);
}

static void test_catalog__finds_names(void **state) {
    (void)state;
    ftf_catalog *c = load_sample_catalog();
    assert_int_equal(ftf_catalog_find_type(c, "nope"), -1);
    assert_int_equal(ftf_catalog_find_callable(c, "nope", -1), -1);
    assert_int_equal(ftf_catalog_find_callable(c, "clear", -1), -1);
    int found = ftf_catalog_find_callable(c, "Buffer", -1);
    assert_true(c->callables[found].is_type);
    assert_int_equal(c->callables[found].type, ftf_catalog_find_type(c, "Buffer"));
    assert_true(ftf_catalog_has_global(c, "heap"));
    assert_true(ftf_catalog_has_global(c, "Buffer"));
    assert_false(ftf_catalog_has_global(c, "push"));
    assert_false(ftf_catalog_has_global(c, "clear"));
    ftf_catalog_destroy(c);
}

static uint32_t roles_of(const ftf_catalog *c, const char *type, ftf_op_code code, const char *name) {
    const ftf_type *t = &c->types[ftf_catalog_find_type(c, type)];
    for (uint32_t i = 0; i < t->action_count; i++) {
        const ftf_action *action = &t->actions[i];
        bool named = code != FTF_OP_METHOD || strcmp(c->callables[action->index].name, name) == 0;
        if (action->code == code && named) {
            return action->roles;
        }
    }
    return 0;
}

static void test_actions__roles(void **state) {
    (void)state;
    ftf_catalog *c = load_sample_catalog();
    /* By name, by what was observed, by protocol. */
    assert_int_equal(roles_of(c, "Ordered", FTF_OP_METHOD, "clear"), FTF_ROLE_WRITE | FTF_ROLE_DESTROY);
    assert_int_equal(roles_of(c, "Ordered", FTF_OP_METHOD, "setdefault"), FTF_ROLE_WRITE);
    assert_int_equal(roles_of(c, "Buffer", FTF_OP_METHOD, "getbuffer"), FTF_ROLE_READ | FTF_ROLE_EXPORT);
    assert_int_equal(roles_of(c, "Buffer", FTF_OP_METHOD, "find"), FTF_ROLE_READ);
    assert_int_equal(roles_of(c, "Buffer", FTF_OP_IADD, ""), FTF_ROLE_WRITE);
    assert_int_equal(roles_of(c, "Buffer", FTF_OP_MEMORYVIEW, ""), FTF_ROLE_READ | FTF_ROLE_EXPORT);
    assert_int_equal(roles_of(c, "Reader", FTF_OP_NEXT, ""), FTF_ROLE_WRITE | FTF_ROLE_ADVANCE);
    assert_int_equal(roles_of(c, "Lock", FTF_OP_NEXT, ""), 0);
    assert_int_equal(roles_of(c, "Lock", FTF_OP_WITH, ""), FTF_ROLE_WRITE | FTF_ROLE_DESTROY);
    /* An endless iterator is walked by nothing that wants to see its end. */
    assert_int_equal(roles_of(c, "Counter", FTF_OP_LIST, ""), 0);
    assert_int_not_equal(roles_of(c, "Counter", FTF_OP_NEXT, ""), 0);
    /* What cannot be made is never shared. */
    assert_int_equal(c->types[ftf_catalog_find_type(c, "Opaque")].weight, 0);
    assert_int_not_equal(c->types[ftf_catalog_find_type(c, "Buffer")].weight, 0);
    ftf_catalog_destroy(c);
}

static void test_actions__roles_of_names(void **state) {
    (void)state;
    assert_int_equal(ftf_roles_of_name("clear"), FTF_ROLE_WRITE | FTF_ROLE_DESTROY);
    assert_int_equal(ftf_roles_of_name("cache_clear"), FTF_ROLE_WRITE | FTF_ROLE_DESTROY);
    assert_int_equal(ftf_roles_of_name("symmetric_difference_update"), FTF_ROLE_WRITE);
    assert_int_equal(ftf_roles_of_name("readline"), FTF_ROLE_WRITE | FTF_ROLE_ADVANCE);
    assert_int_equal(ftf_roles_of_name("hexdigest"), FTF_ROLE_READ | FTF_ROLE_SUMMARY);
    assert_int_equal(ftf_roles_of_name("frobnicate"), FTF_ROLE_READ);
    assert_int_equal(ftf_roles_of_name(""), FTF_ROLE_READ);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

#define TYPE "{\"name\": \"T\", \"public\": true, \"traits\": [], \"make\": [[\"T()\"]]}"
#define HEAD "{\"format\": 1, \"target\": \"t\", \"import\": \"t\", "

static const struct {
    const char *json;
    const char *reason;
} refused[] = {
    {"", "line 1"},
    {"{", "line 1"},
    {"[]", "top level: an object is wanted"},
    {"{\"format\": 1, \"format\": 1}", "duplicate"},
    {"{\"format\": 2}", "\"format\" must be 1"},
    {"{\"format\": 1, \"import\": \"t\", \"types\": [], \"callables\": []}", "member \"target\" is missing"},
    {"{\"format\": 1, \"target\": 5, \"import\": \"t\", \"types\": [], \"callables\": []}",
     "target: a string is wanted"},
    {"{\"format\": 1, \"target\": \"a\\u0000b\", \"import\": \"t\", \"types\": [], \"callables\": []}", "not allowed"},
    {HEAD "\"callables\": []}", "member \"types\" is missing"},
    {HEAD "\"types\": {}, \"callables\": []}", "types: a list is wanted"},
    {HEAD "\"types\": [], \"callables\": [7]}", "callables[0]: an object is wanted"},
    {HEAD "\"types\": [" TYPE ", " TYPE "], \"callables\": []}", "type \"T\" is listed twice"},
    {HEAD "\"types\": [{\"name\": \"a b\", \"traits\": [], \"make\": []}], \"callables\": []}", "is no name"},
    {HEAD "\"types\": [{\"name\": \"T\", \"traits\": [\"fast\"], \"make\": []}], \"callables\": []}",
     "types[0].traits[0]: unknown trait \"fast\""},
    {HEAD "\"types\": [{\"name\": \"T\", \"traits\": [], \"make\": [[]]}], \"callables\": []}", "types[0].make[0]"},
    {HEAD "\"types\": [{\"name\": \"T\", \"traits\": [], \"make\": [[\"T(\"]]}], \"callables\": []}",
     "types[0].make[0]: T("},
    {HEAD "\"types\": [{\"name\": \"T\", \"traits\": [], \"make\": [[\"a = T()\", \"del a\"]]}], \"callables\": []}",
     "yields no object"},
    {HEAD "\"types\": [" TYPE "], \"callables\": [{\"name\": \"f\", \"kind\": \"verb\", \"patterns\": []}]}",
     "callables[0]: unknown kind of callable \"verb\""},
    {HEAD
     "\"types\": [], \"callables\": [{\"name\": \"f\", \"kind\": \"method\", \"owner\": \"X\", \"patterns\": []}]}",
     "unknown type \"X\""},
    {HEAD "\"types\": [], \"callables\": [{\"name\": \"a.b\", \"kind\": \"function\", \"patterns\": [{\"args\": "
          "[\"quux\"]}]}]}",
     "callables[0].patterns[0].args[0]: unknown kind \"quux\""},
    {HEAD
     "\"types\": [], \"callables\": [{\"name\": \"f\", \"kind\": \"function\", \"patterns\": [{\"args\": [\"@X\"]}]}]}",
     "unknown type \"@X\""},
    {HEAD "\"types\": [], \"callables\": [{\"name\": \"f\", \"kind\": \"function\", \"patterns\": [{\"args\": "
          "[\"=(1\"]}]}]}",
     "callables[0].patterns[0].args[0]: (1: expected ','"},
    {HEAD
     "\"types\": [], \"callables\": [{\"name\": \"f\", \"kind\": \"function\", \"mutates\": 1, \"patterns\": []}]}",
     "\"mutates\" must be true, false or null"},
    {HEAD "\"types\": [], \"callables\": [{\"name\": \"f\", \"kind\": \"function\", \"patterns\": [{\"args\": [], "
          "\"kwargs\": "
          "{\"if\": \"int\"}}]}]}",
     "callables[0].patterns[0].kwargs.if: \"if\" is no name"},
    {HEAD "\"types\": [], \"callables\": [{\"name\": \"lambda\", \"kind\": \"function\", \"patterns\": []}]}",
     "is no name"},
    {HEAD "\"types\": [" TYPE
          "], \"callables\": [{\"name\": \"a.b\", \"kind\": \"method\", \"owner\": \"T\", \"patterns\": []}]}",
     "\"a.b\" is no name"},
    {HEAD "\"types\": [" TYPE "], \"callables\": [], \"operators\": [{\"owner\": \"T\", \"op\": \"<>\"}]}",
     "operators[0]: unknown operator \"<>\""},
    {HEAD "\"types\": [" TYPE "], \"callables\": [], \"attributes\": [{\"owner\": \"T\"}]}",
     "member \"name\" is missing"},
    {HEAD "\"types\": [], \"callables\": [], \"values\": {\"quux\": []}}", "values: unknown kind \"quux\""},
    {HEAD "\"types\": [], \"callables\": [], \"values\": {\"int\": [\"1 2\"]}}", "values.int[0]: 1 2"},
    {HEAD "\"types\": [], \"callables\": [], \"share\": [\"X\"]}", "share[0]: unknown type \"X\""},
};

static void test_catalog__refuses_with_path_and_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ftf_catalog *catalog = NULL;
        ftf_error err = {0};
        if (ftf_catalog_load(refused[i].json, strlen(refused[i].json), &catalog, &err) == FTF_OK) {
            fail_msg("accepted: %s", refused[i].json);
        }
        assert_null(catalog);
        assert_int_equal(err.status, FTF_INPUT);
        if (!strstr(err.text, refused[i].reason)) {
            fail_msg("'%s' does not say '%s'", err.text, refused[i].reason);
        }
    }
}

/* Cut anywhere, or with any one byte changed, the file is refused or loads; nothing else happens (run under ASan). */
static void test_catalog__survives_damage(void **state) {
    (void)state;
    ftf_text json = {0};
    read_test_data("catalogs/sample.json", &json);
    for (size_t at = 0; at < json.len; at += 7) {
        ftf_catalog *catalog = NULL;
        assert_int_equal(ftf_catalog_load(json.data, at, &catalog, NULL), FTF_INPUT);
        char before = json.data[at];
        for (const char *c = "\"0{]a"; *c; c++) {
            json.data[at] = *c;
            if (ftf_catalog_load(json.data, json.len, &catalog, NULL) == FTF_OK) {
                ftf_catalog_destroy(catalog);
            }
        }
        json.data[at] = before;
    }
    ftf_text_release(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog__holds_what_the_json_says),
        cmocka_unit_test(test_catalog__finds_names),
        cmocka_unit_test(test_actions__roles),
        cmocka_unit_test(test_actions__roles_of_names),
        cmocka_unit_test(test_catalog__refuses_with_path_and_reason),
        cmocka_unit_test(test_catalog__survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
