/*
 * One line: `[slot =] operation [* repeats]`. Reading order: ftf_parse_op at the end, then parse_expression, which
 * tells the forms apart by what follows the first value.
 *
 * A repeat is only looked for behind a complete operation: `a * 3` multiplies, `a * 3 * 32` multiplies 32 times,
 * `len(a) * 3` takes the length 3 times. A dotted name that is not called is an attribute of what stands before its
 * last dot, so `Box.count * 3` reads the attribute 3 times.
 */
#include <string.h>

#include "scenario/ops.h"
#include "scenario/parser.h"

/* ---- calls ------------------------------------------------------------------------------------------------------- */

typedef struct argument_list {
    uint32_t argc, kwargc;
    ftf_value args[FTF_ARGS_MAX];
    ftf_kwarg kwargs[FTF_ARGS_MAX];
} argument_list;

/* The keyword that stands here and its `=`; name NULL when a plain argument follows. */
static bool lex_keyword(ftf_parser *parser, const char **name) {
    *name = NULL;
    ftf_lex_blanks(parser);
    const char *start = parser->at;
    ftf_span word = ftf_lex_word(parser);
    bool assigned = word.len && ftf_lex_peek(parser) == '=' && (parser->at + 1 == parser->end || parser->at[1] != '=');
    if (!assigned) {
        parser->at = start;
        return true;
    }
    parser->at = start;
    if (!ftf_lex_name(parser, "a keyword", &word)) {
        return false;
    }
    *name = ftf_arena_copy(parser->arena, word.text, word.len);
    return ftf_lex_expect(parser, '=');
}

static bool parse_argument(ftf_parser *parser, argument_list *list) {
    const char *keyword = NULL;
    ftf_value value = {0};
    if (!lex_keyword(parser, &keyword)) {
        return false;
    }
    if (list->argc + list->kwargc == FTF_ARGS_MAX) {
        return ftf_parse_refuse(parser, "a call has more than %d arguments", FTF_ARGS_MAX);
    }
    if (!keyword && list->kwargc) {
        return ftf_parse_refuse(parser, "a plain argument stands behind a keyword");
    }
    for (uint32_t i = 0; keyword && i < list->kwargc; i++) {
        if (strcmp(list->kwargs[i].name, keyword) == 0) {
            return ftf_parse_refuse(parser, "keyword '%s' is given twice", keyword);
        }
    }
    if (!ftf_parse_value(parser, 0, &value)) {
        return false;
    }
    if (keyword) {
        list->kwargs[list->kwargc++] = (ftf_kwarg){keyword, value};
    } else {
        list->args[list->argc++] = value;
    }
    return true;
}

/* Arguments up to and with the closing parenthesis, the opening one consumed. */
static bool parse_arguments(ftf_parser *parser, ftf_op *op) {
    argument_list list;
    list.argc = 0;
    list.kwargc = 0;
    bool comma = true;
    while (!ftf_lex_accept(parser, ')')) {
        if (!comma) {
            return ftf_lex_expect(parser, ',');
        }
        if (!parse_argument(parser, &list)) {
            return false;
        }
        comma = ftf_lex_accept(parser, ',');
    }
    op->argc = list.argc;
    op->kwargc = list.kwargc;
    if (list.argc) {
        op->args = FTF_NEW(parser->arena, ftf_value, list.argc);
        memcpy(op->args, list.args, list.argc * sizeof *op->args);
    }
    if (list.kwargc) {
        op->kwargs = FTF_NEW(parser->arena, ftf_kwarg, list.kwargc);
        memcpy(op->kwargs, list.kwargs, list.kwargc * sizeof *op->kwargs);
    }
    return true;
}

static bool parse_method(ftf_parser *parser, ftf_op *op, ftf_span name) {
    op->code = FTF_OP_METHOD;
    op->name = ftf_arena_copy(parser->arena, name.text, name.len);
    return parse_arguments(parser, op);
}

/* A call of a name that is no slot, the parenthesis consumed: an op of its own where the table has one. */
static bool parse_global_call(ftf_parser *parser, ftf_op *op, ftf_span name) {
    op->code = FTF_OP_CALL;
    if (!parse_arguments(parser, op)) {
        return false;
    }
    int known = ftf_op_find_function(name.text, name.len);
    if (known >= 0 && op->kwargc == 0 && op->argc == (ftf_ops[known].form == FTF_FORM_FUNC ? 1u : 0u)) {
        op->code = (ftf_op_code)known;
        if (op->argc) {
            op->self = op->args[0];
            op->argc = 0;
            op->args = NULL;
        }
        return true;
    }
    op->name = ftf_arena_copy(parser->arena, name.text, name.len);
    return true;
}

/* ---- what follows the first value -------------------------------------------------------------------------------- */

static bool accept_assign(ftf_parser *parser) {
    bool assign = ftf_lex_peek(parser) == '=' && (parser->at + 1 == parser->end || parser->at[1] != '=');
    parser->at += assign ? 1 : 0;
    return assign;
}

static bool parse_operand(ftf_parser *parser, ftf_op *op, uint32_t index) {
    return ftf_parse_value(parser, 0, &op->args[index]);
}

/* `self.name` has been read: a reading, unless `=` follows. */
static bool parse_attribute(ftf_parser *parser, ftf_op *op, ftf_span name) {
    op->code = FTF_OP_GETATTR;
    op->name = ftf_arena_copy(parser->arena, name.text, name.len);
    if (!accept_assign(parser)) {
        return true;
    }
    op->code = FTF_OP_SETATTR;
    op->argc = 1;
    op->args = FTF_NEW(parser->arena, ftf_value, 1);
    return parse_operand(parser, op, 0);
}

/* `self[` has been read. */
static bool parse_item(ftf_parser *parser, ftf_op *op) {
    op->code = FTF_OP_GETITEM;
    op->argc = 1;
    op->args = FTF_NEW(parser->arena, ftf_value, 2);
    if (!parse_operand(parser, op, 0) || !ftf_lex_expect(parser, ']')) {
        return false;
    }
    if (!accept_assign(parser)) {
        return true;
    }
    op->code = FTF_OP_SETITEM;
    op->argc = 2;
    return parse_operand(parser, op, 1);
}

/* The longest operator that stands here; -1 when there is none. It is consumed. */
static int lex_operator(ftf_parser *parser) {
    char c = ftf_lex_peek(parser);
    size_t len = 0;
    if (c == 'i') {
        const char *start = parser->at;
        if (!ftf_span_is(ftf_lex_word(parser), "in")) {
            parser->at = start;
            return -1;
        }
        return FTF_OP_CONTAINS;
    }
    size_t left = (size_t)(parser->end - parser->at);
    while (len < left && len < 3 && strchr("+-*/%@&|^<>=!", parser->at[len]) && parser->at[len]) {
        len++;
    }
    for (; len > 0; len--) {
        int code = ftf_op_find(FTF_FORM_INFIX, parser->at, len);
        if (code < 0) {
            code = ftf_op_find(FTF_FORM_INPLACE, parser->at, len);
        }
        if (code >= 0) {
            parser->at += len;
            return code;
        }
    }
    return -1;
}

static bool parse_operator(ftf_parser *parser, ftf_op *op) {
    int code = lex_operator(parser);
    if (code < 0) {
        return ftf_lex_peek(parser) == '\0' ? ftf_parse_refuse(parser, "a value alone does nothing")
                                            : ftf_lex_end(parser);
    }
    op->code = (ftf_op_code)code;
    if (ftf_ops[code].form == FTF_FORM_INPLACE && op->self.kind != FTF_VALUE_SLOT) {
        return ftf_parse_refuse(parser, "the left side of %s must be a slot", ftf_ops[code].symbol);
    }
    op->argc = 1;
    op->args = FTF_NEW(parser->arena, ftf_value, 1);
    return parse_operand(parser, op, 0);
}

/* op->self has been read and is no dotted name. */
static bool parse_suffix(ftf_parser *parser, ftf_op *op) {
    char c = ftf_lex_peek(parser);
    if (c == '[') {
        parser->at++;
        return parse_item(parser, op);
    }
    if (c != '.') {
        return parse_operator(parser, op);
    }
    if (op->self.kind == FTF_VALUE_GLOBAL) {
        return ftf_parse_refuse(parser, "a dotted name holds no blanks");
    }
    if (ftf_value_is_numeral(&op->self)) {
        return ftf_parse_refuse(parser, "a number cannot stand before a dot");
    }
    parser->at++;
    ftf_span name;
    if (!ftf_lex_name(parser, "a name behind the dot", &name)) {
        return false;
    }
    return ftf_lex_accept(parser, '(') ? parse_method(parser, op, name) : parse_attribute(parser, op, name);
}

/* ---- lines that begin with a name -------------------------------------------------------------------------------- */

/* A name with its dots. `last` is what stands behind the last dot, `owner` what stands before it. */
typedef struct dotted {
    ftf_span whole, head, owner, last;
    int dots;
} dotted;

static bool lex_dotted(ftf_parser *parser, ftf_span head, dotted *out) {
    *out = (dotted){.whole = head, .head = head, .last = head};
    while (parser->at < parser->end && *parser->at == '.') {
        out->owner = out->whole;
        parser->at++;
        if (!ftf_lex_name(parser, "a name behind the dot", &out->last)) {
            return false;
        }
        out->whole.len = (size_t)(parser->at - head.text);
        out->dots++;
    }
    return out->whole.len <= FTF_NAME_MAX || ftf_parse_refuse(parser, "a name is longer than %d bytes", FTF_NAME_MAX);
}

static ftf_value global(ftf_parser *parser, ftf_span name) {
    return (ftf_value){.kind = FTF_VALUE_GLOBAL, .text = ftf_arena_copy(parser->arena, name.text, name.len)};
}

/* The line goes on with a slot, which has at most one dot behind it. */
static bool parse_slot_line(ftf_parser *parser, ftf_op *op, const dotted *name, int slot) {
    op->self = (ftf_value){.kind = FTF_VALUE_SLOT, .slot = slot};
    if (name->dots > 1) {
        return ftf_parse_refuse(parser, "one operation a line: keep an attribute in a slot of its own first");
    }
    bool call = ftf_lex_accept(parser, '(');
    if (name->dots == 0) {
        return call ? parse_method(parser, op, (ftf_span){"__call__", strlen("__call__")}) : parse_suffix(parser, op);
    }
    return call ? parse_method(parser, op, name->last) : parse_attribute(parser, op, name->last);
}

static bool parse_named(ftf_parser *parser, ftf_op *op, ftf_span word) {
    if (ftf_name_is_keyword(word.text, word.len)) {
        return ftf_parse_word_value(parser, word, &op->self) && parse_suffix(parser, op);
    }
    if (ftf_span_is(word, "float") && ftf_parse_special_float(parser, &op->self)) {
        return parse_suffix(parser, op);
    }
    dotted name;
    if (!lex_dotted(parser, word, &name)) {
        return false;
    }
    int slot = ftf_parse_resolve(parser, name.head);
    if (slot != FTF_NO_SLOT) {
        return parse_slot_line(parser, op, &name, slot);
    }
    if (ftf_lex_accept(parser, '(')) {
        return parse_global_call(parser, op, name.whole);
    }
    op->self = global(parser, name.dots ? name.owner : name.whole);
    return name.dots ? parse_attribute(parser, op, name.last) : parse_suffix(parser, op);
}

/* ---- other beginnings -------------------------------------------------------------------------------------------- */

/* What `del` names: a slot, an attribute or an item. */
static bool parse_del(ftf_parser *parser, ftf_op *op) {
    dotted name = {.dots = 0};
    ftf_lex_blanks(parser);
    ftf_span word = ftf_lex_word(parser);
    int slot = FTF_NO_SLOT;
    if (word.len && !ftf_name_is_keyword(word.text, word.len)) {
        if (!lex_dotted(parser, word, &name)) {
            return false;
        }
        slot = ftf_parse_resolve(parser, name.head);
        op->self = slot != FTF_NO_SLOT ? (ftf_value){.kind = FTF_VALUE_SLOT, .slot = slot}
                                       : global(parser, name.dots ? name.owner : name.whole);
    } else {
        parser->at -= word.len;
        if (!ftf_parse_value(parser, 0, &op->self)) {
            return false;
        }
    }
    if (slot != FTF_NO_SLOT && name.dots > 1) {
        return ftf_parse_refuse(parser, "one operation a line: keep an attribute in a slot of its own first");
    }
    if (name.dots == 0 && ftf_lex_accept(parser, '.')) {
        name.dots = 1;
        if (ftf_value_is_numeral(&op->self)) {
            return ftf_parse_refuse(parser, "a number cannot stand before a dot");
        }
        if (!ftf_lex_name(parser, "a name behind the dot", &name.last)) {
            return false;
        }
    }
    if (name.dots) {
        op->code = FTF_OP_DELATTR;
        op->name = ftf_arena_copy(parser->arena, name.last.text, name.last.len);
        return true;
    }
    if (ftf_lex_accept(parser, '[')) {
        op->code = FTF_OP_DELITEM;
        op->argc = 1;
        op->args = FTF_NEW(parser->arena, ftf_value, 1);
        return parse_operand(parser, op, 0) && ftf_lex_expect(parser, ']');
    }
    op->code = FTF_OP_DROP;
    return slot != FTF_NO_SLOT || ftf_parse_refuse(parser, "only a slot, an attribute or an item can be deleted");
}

/* `with self:` and, if one likes, `pass`. */
static bool parse_with(ftf_parser *parser, ftf_op *op) {
    op->code = FTF_OP_WITH;
    if (!ftf_parse_value(parser, 0, &op->self) || !ftf_lex_expect(parser, ':')) {
        return false;
    }
    ftf_lex_blanks(parser);
    ftf_span word = ftf_lex_word(parser);
    return word.len == 0 || ftf_span_is(word, "pass") || ftf_parse_refuse(parser, "only `pass` may follow a with");
}

static bool parse_prefix(ftf_parser *parser, ftf_op *op) {
    char sign = *parser->at++;
    op->code = sign == '-' ? FTF_OP_NEG : FTF_OP_INVERT;
    char c = ftf_lex_peek(parser);
    if (sign == '-' && c >= '0' && c <= '9') {
        return ftf_parse_refuse(parser, "a negative number alone does nothing");
    }
    return ftf_parse_value(parser, 0, &op->self);
}

/* Everything that can stand behind `slot =`, and on a line of its own. */
static bool parse_expression(ftf_parser *parser, ftf_op *op) {
    char c = ftf_lex_peek(parser);
    bool number = c == '-' && parser->at + 1 < parser->end && parser->at[1] >= '0' && parser->at[1] <= '9';
    if ((c == '-' && !number) || c == '~') {
        return parse_prefix(parser, op);
    }
    const char *start = parser->at;
    ftf_span word = ftf_lex_word(parser);
    bool literal = word.len == 0 || (word.len == 1 && *word.text == 'b' && parser->at < parser->end &&
                                     (*parser->at == '"' || *parser->at == '\''));
    if (!literal) {
        return parse_named(parser, op, word);
    }
    parser->at = start;
    return ftf_parse_value(parser, 0, &op->self) && parse_suffix(parser, op);
}

/* The name before a single `=`, len 0 when the line does not begin that way. */
static bool lex_dest(ftf_parser *parser, ftf_span *dest) {
    ftf_lex_blanks(parser);
    const char *start = parser->at;
    *dest = ftf_lex_word(parser);
    if (dest->len == 0 || !accept_assign(parser)) {
        parser->at = start;
        dest->len = 0;
        return true;
    }
    if (dest->len > FTF_NAME_MAX) {
        return ftf_parse_refuse(parser, "a name is longer than %d bytes", FTF_NAME_MAX);
    }
    return !ftf_name_is_reserved(dest->text, dest->len) ||
           ftf_parse_refuse(parser, "'%.*s' cannot be a slot: the name means something else", (int)dest->len,
                            dest->text);
}

static bool parse_statement(ftf_parser *parser, ftf_op *op) {
    const char *start = parser->at;
    ftf_span word = ftf_lex_word(parser);
    if (ftf_span_is(word, "del")) {
        return parse_del(parser, op);
    }
    if (ftf_span_is(word, "with")) {
        return parse_with(parser, op);
    }
    parser->at = start;
    return parse_expression(parser, op);
}

static bool parse_repeat(ftf_parser *parser, ftf_op *op) {
    uint64_t repeat = 1;
    if (ftf_lex_accept(parser, '*')) {
        ftf_lex_blanks(parser);
        if (!ftf_lex_number(parser, "a repeat", FTF_REPEAT_MAX, &repeat)) {
            return false;
        }
        if (repeat == 0) {
            return ftf_parse_refuse(parser, "a repeat is at least 1");
        }
    }
    op->repeat = (uint32_t)repeat;
    return ftf_lex_end(parser);
}

/* The slot comes last: in `a = list(a)` the right side still means what a was before. */
static bool keep_result(ftf_parser *parser, ftf_op *op, ftf_span dest) {
    if (parser->fragment) {
        op->dest = ftf_fragment_assign(parser->fragment, parser->scenario, parser->owner, dest.text, dest.len);
        return op->dest != FTF_NO_SLOT || ftf_parse_refuse(parser, "the lines have too many names, or too long ones");
    }
    op->dest = ftf_scenario_add_slot(parser->scenario, dest.text, dest.len, parser->owner);
    return op->dest != FTF_NO_SLOT || ftf_parse_refuse(parser, "a scenario has at most %d slots", FTF_SLOTS_MAX);
}

bool ftf_parse_op(ftf_parser *parser) {
    ftf_op op = {.dest = FTF_NO_SLOT, .repeat = 1};
    ftf_span dest;
    if (!lex_dest(parser, &dest)) {
        return false;
    }
    bool parsed = dest.len ? parse_expression(parser, &op) : parse_statement(parser, &op);
    if (!parsed || !parse_repeat(parser, &op)) {
        return false;
    }
    if (dest.len && !ftf_ops[op.code].yields) {
        return ftf_parse_refuse(parser, "this operation has no result to keep in '%.*s'", (int)dest.len, dest.text);
    }
    if (dest.len && !keep_result(parser, &op, dest)) {
        return false;
    }
    return ftf_scenario_push(parser->scenario, parser->owner, &op) ||
           ftf_parse_refuse(parser, "a section has at most %d operations", FTF_OPS_MAX);
}
