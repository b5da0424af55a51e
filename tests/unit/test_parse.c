#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "scenario/ops.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

typedef struct fixture {
    ftf_arena *arena;
    ftf_scenario scenario;
    ftf_text text;
    ftf_error err;
} fixture;

static int begin(void **state) {
    static fixture one;
    one = (fixture){.arena = ftf_arena_create()};
    *state = &one;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    ftf_text_release(&f->text);
    ftf_arena_destroy(f->arena);
    return 0;
}

static ftf_status parse(fixture *f, const char *text) {
    f->err = (ftf_error){.text = ""};
    return ftf_scenario_parse(text, strlen(text), f->arena, &f->scenario, &f->err);
}

/* A scenario whose second lane holds this line; a, b and s are shared slots, x is the lane's own. */
static ftf_status parse_line(fixture *f, const char *line) {
    char text[8192];
    int len = snprintf(text, sizeof text,
                       "ftfuzz 1\ntarget t\nsetup\n  a = T()\n  b = T()\n  s = T()\nthread\n"
                       "thread\n  x = len(a)\n  %s\nfinish\n  repr(a)\n",
                       line);
    assert_in_range(len, 1, (int)sizeof text - 1);
    return parse(f, text);
}

static const ftf_op *line_op(fixture *f) {
    assert_int_equal(f->scenario.lane_count, 2);
    assert_int_equal(f->scenario.lanes[1].count, 2);
    return &f->scenario.lanes[1].ops[1];
}

static const char *print(fixture *f) {
    ftf_text_clear(&f->text);
    ftf_scenario_print(&f->scenario, &f->text);
    return f->text.data;
}

/* The line means this op, and is printed as `canonical`. */
static void accept_line(fixture *f, const char *line, ftf_op_code code, const char *canonical) {
    ftf_status status = parse_line(f, line);
    if (status != FTF_OK) {
        fail_msg("'%s' was refused: %s", line, f->err.text);
    }
    const ftf_op *op = line_op(f);
    if (op->code != code) {
        fail_msg("'%s' is %s, not %s", line, ftf_ops[op->code].name, ftf_ops[code].name);
    }
    ftf_text_clear(&f->text);
    ftf_op_print(&f->scenario, op, &f->text);
    assert_string_equal(f->text.data, canonical);
    /* The canonical form is a fixed point. */
    char again[4096];
    snprintf(again, sizeof again, "%s", canonical);
    ftf_scenario first = f->scenario;
    assert_int_equal(parse_line(f, again), FTF_OK);
    assert_true(ftf_scenario_equal(&first, &f->scenario));
}

static void refuse_line(fixture *f, const char *line, const char *reason) {
    if (parse_line(f, line) == FTF_OK) {
        fail_msg("'%s' was accepted", line);
    }
    assert_int_equal(f->err.status, FTF_INPUT);
    assert_int_equal(f->err.line, 10);
    if (!strstr(f->err.text, reason)) {
        fail_msg("'%s' was refused with '%s', which does not say '%s'", line, f->err.text, reason);
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *line;
    ftf_op_code code;
    const char *canonical;
} accepted[] = {
    {"T()", FTF_OP_CALL, "T()"},
    {"T( 1,'x' , k = a )", FTF_OP_CALL, "T(1, \"x\", k=a)"},
    {"datetime.date(2020, 1, 1)", FTF_OP_CALL, "datetime.date(2020, 1, 1)"},
    {"T.fromkeys(\"abc\")", FTF_OP_CALL, "T.fromkeys(\"abc\")"},
    {"int(\"1\", 16)", FTF_OP_CALL, "int(\"1\", 16)"},
    {"int(x=a)", FTF_OP_CALL, "int(x=a)"},
    {"gc.collect(0)", FTF_OP_CALL, "gc.collect(0)"},
    {"float()", FTF_OP_CALL, "float()"},
    {"y = a.add(1) * 32", FTF_OP_METHOD, "y = a.add(1) * 32"},
    {"x.add(x)", FTF_OP_METHOD, "x.add(x)"},
    {"a(1, k=2)", FTF_OP_METHOD, "a(1, k=2)"},
    {"a.__call__(1)", FTF_OP_METHOD, "a(1)"},
    {"\"a,b\".split(\",\")", FTF_OP_METHOD, "\"a,b\".split(\",\")"},
    {"[3, 1].sort()", FTF_OP_METHOD, "[3, 1].sort()"},
    {"$buffer(3).read()", FTF_OP_METHOD, "$buffer(3).read()"},
    {"float(\"inf\").hex()", FTF_OP_METHOD, "float(\"inf\").hex()"},
    {"None.x", FTF_OP_GETATTR, "None.x"},
    {"y = a.maxlen", FTF_OP_GETATTR, "y = a.maxlen"},
    {"a.maxlen * 3", FTF_OP_GETATTR, "a.maxlen * 3"},
    {"T.count * 3", FTF_OP_GETATTR, "T.count * 3"},
    {"a.x = 5 * 3", FTF_OP_SETATTR, "a.x = 5 * 3"},
    {"T.x.y=None", FTF_OP_SETATTR, "T.x.y = None"},
    {"del a.x", FTF_OP_DELATTR, "del a.x"},
    {"del T.x", FTF_OP_DELATTR, "del T.x"},
    {"del \"s\".x", FTF_OP_DELATTR, "del \"s\".x"},
    {"y = a[-1]", FTF_OP_GETITEM, "y = a[-1]"},
    {"T[int]", FTF_OP_GETITEM, "T[int]"},
    {"a[(1, 2)] = [b] * 3", FTF_OP_SETITEM, "a[(1, 2)] = [b] * 3"},
    {"del a[\"k\"] * 2", FTF_OP_DELITEM, "del a[\"k\"] * 2"},
    {"del [1][0]", FTF_OP_DELITEM, "del [1][0]"},
    {"a+b", FTF_OP_ADD, "a + b"},
    {"a -1", FTF_OP_SUB, "a - 1"},
    {"a--1", FTF_OP_SUB, "a - -1"},
    {"a * 3", FTF_OP_MUL, "a * 3"},
    {"a * 3 * 32", FTF_OP_MUL, "a * 3 * 32"},
    {"a*3*1", FTF_OP_MUL, "a * 3"},
    {"float(\"inf\") * 3", FTF_OP_MUL, "float(\"inf\") * 3"},
    {"a / b", FTF_OP_TRUEDIV, "a / b"},
    {"a // b", FTF_OP_FLOORDIV, "a // b"},
    {"a ** 2 * 2", FTF_OP_POW, "a ** 2 * 2"},
    {"\"%s\" % a", FTF_OP_MOD, "\"%s\" % a"},
    {"a @ b", FTF_OP_MATMUL, "a @ b"},
    {"a << 1", FTF_OP_LSHIFT, "a << 1"},
    {"a >> 1", FTF_OP_RSHIFT, "a >> 1"},
    {"a<b", FTF_OP_LT, "a < b"},
    {"a<=b", FTF_OP_LE, "a <= b"},
    {"y = a == b", FTF_OP_EQ, "y = a == b"},
    {"a != b", FTF_OP_NE, "a != b"},
    {"1 in a * 4", FTF_OP_CONTAINS, "1 in a * 4"},
    {"a |= b", FTF_OP_IOR, "a |= b"},
    {"a *= 2 * 3", FTF_OP_IMUL, "a *= 2 * 3"},
    {"a ^= {1}", FTF_OP_IXOR, "a ^= {1}"},
    {"-a * 3", FTF_OP_NEG, "-a * 3"},
    {"--1", FTF_OP_NEG, "--1"},
    {"~a", FTF_OP_INVERT, "~a"},
    {"~1", FTF_OP_INVERT, "~1"},
    {"y = -a", FTF_OP_NEG, "y = -a"},
    {"-1 + a", FTF_OP_ADD, "-1 + a"},
    {"len(a) * 3", FTF_OP_LEN, "len(a) * 3"},
    {"list([1, 2, 3])", FTF_OP_LIST, "list([1, 2, 3])"},
    {"y = copy.copy(a)", FTF_OP_COPY, "y = copy.copy(a)"},
    {"pickle.dumps( a )", FTF_OP_PICKLE, "pickle.dumps(a)"},
    {"sys.getsizeof(a)", FTF_OP_SIZEOF, "sys.getsizeof(a)"},
    {"float(\"1.5\")", FTF_OP_FLOAT, "float(\"1.5\")"},
    {"float(float(\"nan\"))", FTF_OP_FLOAT, "float(float(\"nan\"))"},
    {"int(a,)", FTF_OP_INT, "int(a)"},
    {"gc.collect() * 2", FTF_OP_COLLECT, "gc.collect() * 2"},
    {"with a:", FTF_OP_WITH, "with a: pass"},
    {"with a : pass * 3", FTF_OP_WITH, "with a: pass * 3"},
    {"del a", FTF_OP_DROP, "del a"},
    {"del x # and a comment", FTF_OP_DROP, "del x"},
};

static void test_parse__tells_the_forms_apart(void **state) {
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        accept_line(*state, accepted[i].line, accepted[i].code, accepted[i].canonical);
    }
}

static const struct {
    const char *line;
    const char *reason;
} refused[] = {
    {"a", "a value alone does nothing"},
    {"T", "a value alone does nothing"},
    {"5", "a value alone does nothing"},
    {"-1", "a value alone does nothing"},
    {"- 1", "a negative number alone"},
    {"x = 5", "a value alone does nothing"},
    {"float(\"inf\")", "a value alone does nothing"},
    {"x = del a", "keyword"},
    {"x = a.b = 3", "no result to keep"},
    {"x = a += 3", "no result to keep"},
    {"len = T()", "cannot be a slot"},
    {"copy = T()", "cannot be a slot"},
    {"float = T()", "cannot be a slot"},
    {"lambda = T()", "cannot be a slot"},
    {"a.b.c", "one operation a line"},
    {"a.b.c()", "one operation a line"},
    {"len(a.b)", "keep it in a slot"},
    {"len(T())", "keep its result in a slot"},
    {"len(a) + 1", "unexpected '+'"},
    {"a + b + 1", "unexpected '+'"},
    {"a[0][1]", "unexpected '['"},
    {"a[0:1]", "expected ']'"},
    {"a.b(1).c", "unexpected '.'"},
    {"[1] += a", "must be a slot"},
    {"a.x += 1", "unexpected '+'"},
    {"T .f()", "holds no blanks"},
    {"5 .f()", "before a dot"},
    {"1.5 .f", "before a dot"},
    {"del 5 .f", "before a dot"},
    {"a is b", "unexpected 'i'"},
    {"a not in b", "unexpected 'n'"},
    {"del T", "only a slot, an attribute or an item"},
    {"del a.b.c", "one operation a line"},
    {"del 5", "only a slot"},
    {"with a", "expected ':'"},
    {"with a: len(a)", "only `pass`"},
    {"len(a) * 0", "at least 1"},
    {"len(a) * 5000", "more than 4096"},
    {"len(a) * -1", "expected a repeat"},
    {"len(a) * 0x10", "not a decimal number"},
    {"a.add(1", "expected ','"},
    {"a.add(1 2)", "expected ','"},
    {"a.add(,)", "expected a value"},
    {"a.add(k=1, 2)", "behind a keyword"},
    {"a.add(k=1, k=2)", "given twice"},
    {"a.add(if=1)", "keyword of Python"},
    {"a.add(*a)", "expected a value instead of '*'"},
    {"a.import()", "keyword of Python"},
    {"a.add((1))", "a tuple of one item"},
    {"a.add({1: 2, 3})", "expected ':'"},
    {"a.add({1, 2: 3})", "expected ','"},
    {"a.add(\"x)", "not closed"},
    {"a.add(\"\\q\")", "unknown escape"},
    {"a.add(b\"\\u1234\")", "unknown escape"},
    {"a.add(\"\\xg0\")", "2 hexadecimal digits"},
    {"a.add(\"\\U00110000\")", "beyond"},
    {"a.add(\"\xff\")", "not UTF-8"},
    {"a.add(\"\xed\xa0\x80\")", "not UTF-8"},
    {"a.add(b\"\xc3\xa9\")", "must be written as an escape"},
    {"a.add(\"\x01\")", "must be written as an escape"},
    {"a.add(007)", "malformed number"},
    {"a.add(1.)", "malformed number"},
    {"a.add(1e)", "malformed number"},
    {"a.add(0x)", "malformed number"},
    {"a.add(1_000)", "malformed number"},
    {"a.add(1.2.3)", "malformed number"},
    {"a.add(-a)", "malformed number"},
    {"a.add($nope)", "unknown recipe $nope; known ones: $raises"},
    {"a.add($)", "unknown recipe"},
    {"a.add($index)", "takes 1 argument"},
    {"a.add($raises(1))", "takes 0 arguments"},
    {"a.add([[[[[[[[[1]]]]]]]]])", "nested deeper than 8"},
    {"a.add(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17)", "more than 16 arguments"},
    {"a.add(yield)", "keyword of Python"},
    {"?", "expected a value instead of '?'"},
    {"\x80", "expected a value instead of byte 0x80"},
};

static void test_parse__refuses_with_line_and_reason(void **state) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        refuse_line(*state, refused[i].line, refused[i].reason);
    }
}

static void test_parse__recipe_refusal_names_every_recipe(void **state) {
    fixture *f = *state;
    assert_int_equal(parse_line(f, "len($x)"), FTF_INPUT);
    for (size_t i = 0; i < ftf_recipe_count; i++) {
        assert_non_null(strstr(f->err.text, ftf_recipes[i].name));
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void test_parse__strings_keep_every_character(void **state) {
    fixture *f = *state;
    accept_line(f, "len('it\\'s \"x\"\\n\\t\\r\\\\')", FTF_OP_LEN, "len(\"it's \\\"x\\\"\\n\\t\\r\\\\\")");
    accept_line(f, "len(\"\\x00\\x7f\\xe9\xc3\xa9\")", FTF_OP_LEN, "len(\"\\x00\\x7f\\xe9\\xe9\")");
    accept_line(f, "len(\"\xe4\xb8\xad\\U0001f600\xf0\x9f\x98\x80\")", FTF_OP_LEN,
                "len(\"\\u4e2d\\U0001f600\\U0001f600\")");
    accept_line(f, "len(\"\\ud83d\\ude00\\u00ff\\u0100\")", FTF_OP_LEN, "len(\"\\ud83d\\ude00\\xff\\u0100\")");
    accept_line(f, "len(b'\\x00\\xff\"#')", FTF_OP_LEN, "len(b\"\\x00\\xff\\\"#\")");
    assert_int_equal(parse_line(f, "len(\"a\\x00b\")"), FTF_OK);
    assert_int_equal(line_op(f)->self.len, 3);
    assert_memory_equal(line_op(f)->self.text, "a\0b", 3);
}

static void test_parse__numbers_keep_their_text(void **state) {
    fixture *f = *state;
    accept_line(f, "abs(-123456789012345678901234567890)", FTF_OP_ABS, "abs(-123456789012345678901234567890)");
    accept_line(f, "abs(0xfFfF)", FTF_OP_ABS, "abs(0xfFfF)");
    accept_line(f, "abs(-0.5e-7)", FTF_OP_ABS, "abs(-0.5e-7)");
    accept_line(f, "abs(1e300)", FTF_OP_ABS, "abs(1e300)");
    accept_line(f, "abs(float( '-inf' ))", FTF_OP_ABS, "abs(float(\"-inf\"))");
    assert_int_equal(parse_line(f, "abs(1e300)"), FTF_OK);
    assert_int_equal(line_op(f)->self.kind, FTF_VALUE_FLOAT);
}

static void test_parse__containers(void **state) {
    fixture *f = *state;
    accept_line(f, "a.f((), (1,), (1,2,), [], [a,], {}, {1:[2]}, {1,(2,3)})", FTF_OP_METHOD,
                "a.f((), (1,), (1, 2), [], [a], {}, {1: [2]}, {1, (2, 3)})");
    accept_line(f, "a.f($raises(), $index(3), $mutates(a), $returns([b]))", FTF_OP_METHOD,
                "a.f($raises, $index(3), $mutates(a), $returns([b]))");
    assert_int_equal(parse_line(f, "a.f({1: 2, 3: 4})"), FTF_OK);
    assert_int_equal(line_op(f)->args[0].len, 4);
}

static void test_parse__bounds_the_items_of_a_literal(void **state) {
    fixture *f = *state;
    char line[2048] = "len([";
    for (int i = 0; i < FTF_VALUE_ITEMS_MAX; i++) {
        strcat(line, "1,");
    }
    char longer[2100];
    snprintf(longer, sizeof longer, "%s1])", line);
    strcat(line, "])");
    assert_int_equal(parse_line(f, line), FTF_OK);
    assert_int_equal(line_op(f)->self.len, FTF_VALUE_ITEMS_MAX);
    refuse_line(f, longer, "more than 256 items");
}

static void test_parse__one_value(void **state) {
    fixture *f = *state;
    ftf_value value;
    assert_int_equal(ftf_value_parse("(a, 1)", 6, f->arena, &value, &f->err), FTF_OK);
    assert_int_equal(value.kind, FTF_VALUE_TUPLE);
    assert_int_equal(value.items[0].kind, FTF_VALUE_GLOBAL);
    assert_int_equal(ftf_value_parse("1 2", 3, f->arena, &value, &f->err), FTF_INPUT);
    assert_int_equal(ftf_value_parse("", 0, f->arena, &value, &f->err), FTF_INPUT);
    assert_int_equal(ftf_value_parse("[1,\n2]", 6, f->arena, &value, &f->err), FTF_INPUT);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void test_parse__a_lane_hides_shared_slots_and_keeps_its_own(void **state) {
    fixture *f = *state;
    assert_int_equal(parse(f, "ftfuzz 1\ntarget t\nsetup\n  a = T()\nthread\n  a = list(a)\n  len(a)\n  x = len(b)\n"
                              "thread\n  len(a)\n  len(x)\nfinish\n  len(x)\n  len(a)\n"),
                     FTF_OK);
    const ftf_scenario *s = &f->scenario;
    assert_int_equal(s->lanes[0].ops[0].self.slot, 0);
    assert_int_equal(s->lanes[0].ops[0].dest, 1);
    assert_int_equal(s->lanes[0].ops[1].self.slot, 1);
    assert_int_equal(s->lanes[0].ops[2].self.kind, FTF_VALUE_GLOBAL);
    assert_int_equal(s->lanes[1].ops[0].self.slot, 0);
    assert_int_equal(s->lanes[1].ops[1].self.kind, FTF_VALUE_GLOBAL);
    assert_int_equal(s->finish.ops[0].self.kind, FTF_VALUE_GLOBAL);
    assert_int_equal(s->finish.ops[1].self.slot, 0);
    assert_int_equal(ftf_scenario_find_slot(s, "a", 0), 1);
    assert_int_equal(ftf_scenario_find_slot(s, "a", 1), 0);
    assert_int_equal(ftf_scenario_find_slot(s, "x", FTF_OWNER_FINISH), FTF_NO_SLOT);
}

static void test_parse__bounds_slots_ops_and_lanes(void **state) {
    fixture *f = *state;
    ftf_text text = {0};
    ftf_text_str(&text, "ftfuzz 1\ntarget t\nthread\n");
    for (int i = 0; i < FTF_OPS_MAX; i++) {
        ftf_text_printf(&text, "  x%d = T()\n", i);
    }
    assert_int_equal(parse(f, text.data), FTF_OK);
    ftf_text_str(&text, "  T()\n");
    assert_int_equal(parse(f, text.data), FTF_INPUT);
    assert_non_null(strstr(f->err.text, "at most 64 operations"));
    text.len -= strlen("  T()\n");
    text.data[text.len] = '\0';
    ftf_text_str(&text, "thread\n  y = T()\n");
    assert_int_equal(parse(f, text.data), FTF_INPUT);
    assert_non_null(strstr(f->err.text, "at most 64 slots"));
    ftf_text_clear(&text);
    ftf_text_str(&text, "ftfuzz 1\ntarget t\n");
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        ftf_text_str(&text, "thread\n");
    }
    assert_int_equal(parse(f, text.data), FTF_OK);
    ftf_text_str(&text, "thread\n");
    assert_int_equal(parse(f, text.data), FTF_INPUT);
    assert_non_null(strstr(f->err.text, "at most 8 threads"));
    ftf_text_release(&text);
}

/* ---- the frame --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int line;
    const char *reason;
} bad_frames[] = {
    {"", 1, "begins with `ftfuzz 1`"},
    {"\n\n# nothing\n", 3, "begins with `ftfuzz 1`"},
    {"hello\n", 1, "begins with `ftfuzz 1`"},
    {"ftfuzz 2\n", 1, "more than 1"},
    {"ftfuzz 0\n", 1, "only version 1"},
    {"ftfuzz 1\nthread\n", 2, "out of order"},
    {"ftfuzz 1\ntarget\n", 2, "name of a target"},
    {"ftfuzz 1\ntarget a b\n", 2, "unexpected 'b'"},
    {"ftfuzz 1\ntarget t\n", 2, "at least one thread"},
    {"ftfuzz 1\ntarget t\nsetup\n", 3, "at least one thread"},
    {"ftfuzz 1\ntarget t\nthread\nsetup\n", 4, "out of order"},
    {"ftfuzz 1\ntarget t\nsetup\nsetup\n", 4, "out of order"},
    {"ftfuzz 1\ntarget t\nthread\nfinish\nthread\n", 5, "out of order"},
    {"ftfuzz 1\ntarget t\n  len(a)\n", 3, "outside of"},
    {"ftfuzz 1\ntarget t\nthread\nlen(a)\n", 4, "must be indented"},
    {"ftfuzz 1\ntarget t\nthread 3\n", 3, "unexpected '3'"},
    {"ftfuzz 1\ntarget t\nthread\nschedule\n", 4, "free, pct or at"},
    {"ftfuzz 1\ntarget t\nthread\nschedule fast\n", 4, "free, pct or at"},
    {"ftfuzz 1\ntarget t\nthread\nschedule free\n  len(a)\n", 5, "outside of"},
    {"ftfuzz 1\ntarget t\nthread\nschedule free\nschedule free\n", 5, "out of order"},
    {"ftfuzz 1\ntarget t\nthread\nschedule pct\n", 4, "seed=S depth=D"},
    {"ftfuzz 1\ntarget t\nthread\nschedule pct seed=1 depth=0\n", 4, "at least 1"},
    {"ftfuzz 1\ntarget t\nthread\nschedule pct seed=1 depth=17\n", 4, "more than 16"},
    {"ftfuzz 1\ntarget t\nthread\nschedule pct seed=18446744073709551616 depth=1\n", 4, "more than"},
    {"ftfuzz 1\ntarget t\nthread\nschedule at 0:1>1\n", 4, "no lane 1"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:0>1\n", 5, "counted from 1"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:1>0\n", 5, "to itself"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:1\n", 5, "lane:point>lane"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:1>1 0\n", 5, "lane:point>lane"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:1.0>1\n", 5, "counted from 1"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:64.1>1\n", 5, "64 ops, counted from 0"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:1.>1\n", 5, "a point"},
    {"ftfuzz 1\ntarget t\nthread\nthread\nschedule at 0:1.4>1 1:7>0\n", 5, "not both"},
};

static void test_parse__refuses_broken_frames(void **state) {
    fixture *f = *state;
    for (size_t i = 0; i < sizeof bad_frames / sizeof *bad_frames; i++) {
        if (parse(f, bad_frames[i].text) == FTF_OK) {
            fail_msg("accepted:\n%s", bad_frames[i].text);
        }
        if (!strstr(f->err.text, bad_frames[i].reason)) {
            fail_msg("'%s' does not say '%s' of:\n%s", f->err.text, bad_frames[i].reason, bad_frames[i].text);
        }
        assert_int_equal(f->err.line, bad_frames[i].line);
    }
}

static void test_parse__bounds_the_text(void **state) {
    fixture *f = *state;
    ftf_text text = {0};
    ftf_text_str(&text, "ftfuzz 1\ntarget t\nthread\n#");
    while (text.len < FTF_SCENARIO_BYTES_MAX) {
        ftf_text_char(&text, 'x');
    }
    assert_int_equal(parse(f, text.data), FTF_OK);
    ftf_text_char(&text, '\n');
    assert_int_equal(parse(f, text.data), FTF_INPUT);
    assert_non_null(strstr(f->err.text, "longer than 32768 bytes"));
    /* Two bytes of UTF-8 are printed as four: what could not be read back is refused. */
    ftf_text_clear(&text);
    ftf_text_str(&text, "ftfuzz 1\ntarget t\nthread\n  len(\"");
    while (text.len < FTF_SCENARIO_BYTES_MAX - 100) {
        ftf_text_str(&text, "\xc3\xa9");
    }
    ftf_text_str(&text, "\")\n");
    assert_int_equal(parse(f, text.data), FTF_INPUT);
    assert_non_null(strstr(f->err.text, "printed"));
    ftf_text_release(&text);
}

static void test_print__is_canonical(void **state) {
    fixture *f = *state;
    assert_int_equal(parse(f, "# a comment\r\n\nftfuzz   1 # version\ntarget multidict==6.7.1\r\nsetup # shared\n"
                              "\ta=MultiDict([('k','v')])\n\nthread\n   a.add('k',5)*32\nthread\n  a.clear()\nfinish\n"
                              "  len(a)\nschedule at 0:41>1  1:12>0 # found\n"),
                     FTF_OK);
    assert_string_equal(print(f),
                        "ftfuzz 1\ntarget multidict==6.7.1\nsetup\n  a = MultiDict([(\"k\", \"v\")])\nthread\n"
                        "  a.add(\"k\", 5) * 32\nthread\n  a.clear()\nfinish\n  len(a)\n"
                        "schedule at 0:41>1 1:12>0\n");
    assert_int_equal(parse(f, "ftfuzz 1\ntarget t\nsetup\nthread\nfinish"), FTF_OK);
    assert_string_equal(print(f), "ftfuzz 1\ntarget t\nthread\nschedule free\n");
    assert_int_equal(parse(f, "ftfuzz 1\ntarget t\nthread\nschedule pct seed=18446744073709551615 depth=16"), FTF_OK);
    assert_string_equal(print(f), "ftfuzz 1\ntarget t\nthread\nschedule pct seed=18446744073709551615 depth=16\n");
    assert_int_equal(parse(f, "ftfuzz 1\ntarget t\nthread\nschedule at"), FTF_OK);
    assert_string_equal(print(f), "ftfuzz 1\ntarget t\nthread\nschedule at\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parse__tells_the_forms_apart, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__refuses_with_line_and_reason, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__recipe_refusal_names_every_recipe, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__strings_keep_every_character, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__numbers_keep_their_text, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__containers, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__bounds_the_items_of_a_literal, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__one_value, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__a_lane_hides_shared_slots_and_keeps_its_own, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__bounds_slots_ops_and_lanes, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__refuses_broken_frames, begin, end),
        cmocka_unit_test_setup_teardown(test_parse__bounds_the_text, begin, end),
        cmocka_unit_test_setup_teardown(test_print__is_canonical, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
