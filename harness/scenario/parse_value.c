/* Values: literals, slots, globals, recipes. */
#include <string.h>

#include "scenario/ops.h"
#include "scenario/parser.h"

/* Collects items whose number is not known in advance; few are many, so the first ones need no memory of the arena. */
typedef struct item_list {
    ftf_value *items;
    uint32_t len, room;
    ftf_value first[8];
} item_list;

static bool append(ftf_parser *parser, item_list *list, const ftf_value *item) {
    if (list->len == FTF_VALUE_ITEMS_MAX) {
        return ftf_parse_refuse(parser, "a literal has more than %d items", FTF_VALUE_ITEMS_MAX);
    }
    if (list->len == list->room) {
        ftf_value *more = FTF_NEW(parser->arena, ftf_value, list->room * 2);
        memcpy(more, list->items, list->len * sizeof *more);
        list->items = more;
        list->room *= 2;
    }
    list->items[list->len++] = *item;
    return true;
}

static void finish_items(ftf_parser *parser, const item_list *list, ftf_value *out) {
    out->len = list->len;
    out->items = NULL;
    if (list->len) {
        ftf_value *items = FTF_NEW(parser->arena, ftf_value, list->len);
        memcpy(items, list->items, list->len * sizeof *items);
        out->items = items;
    }
}

/* Values up to and with the closing bracket, the opening one consumed; *comma says whether the last one had a comma. */
static bool parse_values(ftf_parser *parser, char close, int depth, ftf_value *out, bool *comma) {
    item_list list = {.len = 0, .room = 8};
    list.items = list.first;
    *comma = true;
    while (!ftf_lex_accept(parser, close)) {
        ftf_value item;
        if (!*comma) {
            return ftf_lex_expect(parser, ',');
        }
        if (!ftf_parse_value(parser, depth, &item) || !append(parser, &list, &item)) {
            return false;
        }
        *comma = ftf_lex_accept(parser, ',');
    }
    finish_items(parser, &list, out);
    return true;
}

static bool parse_tuple(ftf_parser *parser, int depth, ftf_value *out) {
    bool comma = false;
    out->kind = FTF_VALUE_TUPLE;
    if (!parse_values(parser, ')', depth, out, &comma)) {
        return false;
    }
    return out->len != 1 || comma || ftf_parse_refuse(parser, "a tuple of one item is written (x,)");
}

static bool parse_list(ftf_parser *parser, int depth, ftf_value *out) {
    bool comma = false;
    out->kind = FTF_VALUE_LIST;
    return parse_values(parser, ']', depth, out, &comma);
}

/* A set or a dict: the first colon, or its absence, decides. */
static bool parse_braces(ftf_parser *parser, int depth, ftf_value *out) {
    item_list list = {.len = 0, .room = 8};
    list.items = list.first;
    bool comma = true;
    out->kind = FTF_VALUE_DICT;
    while (!ftf_lex_accept(parser, '}')) {
        ftf_value item;
        if (!comma) {
            return ftf_lex_expect(parser, ',');
        }
        if (!ftf_parse_value(parser, depth, &item) || !append(parser, &list, &item)) {
            return false;
        }
        if (list.len == 1 && ftf_lex_peek(parser) != ':') {
            out->kind = FTF_VALUE_SET;
        }
        if (out->kind == FTF_VALUE_DICT) {
            if (!ftf_lex_expect(parser, ':') || !ftf_parse_value(parser, depth, &item) ||
                !append(parser, &list, &item)) {
                return false;
            }
        }
        comma = ftf_lex_accept(parser, ',');
    }
    finish_items(parser, &list, out);
    return true;
}

static bool refuse_recipe(ftf_parser *parser, ftf_span name) {
    char known[300];
    size_t len = 0;
    for (size_t i = 0; i < ftf_recipe_count && len + 24 < sizeof known; i++) {
        size_t add = strlen(ftf_recipes[i].name);
        memcpy(known + len, " $", 2);
        memcpy(known + len + 2, ftf_recipes[i].name, add);
        len += add + 2;
    }
    known[len] = '\0';
    int shown = name.len > 40 ? 40 : (int)name.len;
    return ftf_parse_refuse(parser, "unknown recipe $%.*s; known ones:%s", shown, name.text, known);
}

static bool parse_recipe(ftf_parser *parser, int depth, ftf_value *out) {
    parser->at++;
    ftf_span name = ftf_lex_word(parser);
    const ftf_recipe *recipe = ftf_recipe_find(name.text, name.len);
    if (!recipe || name.len == 0) {
        return refuse_recipe(parser, name);
    }
    out->kind = FTF_VALUE_RECIPE;
    out->text = recipe->name;
    bool comma = false;
    if (ftf_lex_accept(parser, '(') && !parse_values(parser, ')', depth, out, &comma)) {
        return false;
    }
    if (out->len < recipe->min_args || out->len > recipe->max_args) {
        return ftf_parse_refuse(parser, "$%s takes %u argument%s, not %u", recipe->name, recipe->min_args,
                                recipe->min_args == 1 ? "" : "s", out->len);
    }
    return true;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

int ftf_parse_resolve(const ftf_parser *parser, ftf_span word) {
    const ftf_scenario *scenario = parser->scenario;
    if (!scenario || word.len > FTF_NAME_MAX) {
        return FTF_NO_SLOT;
    }
    if (parser->fragment) {
        return ftf_fragment_find(parser->fragment, word.text, word.len);
    }
    int shared = FTF_NO_SLOT;
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        const ftf_slot *slot = &scenario->slots[i];
        if (slot->owner != parser->owner && slot->owner != FTF_OWNER_SETUP) {
            continue;
        }
        if (strncmp(slot->name, word.text, word.len) == 0 && slot->name[word.len] == '\0') {
            if (slot->owner == parser->owner) {
                return (int)i;
            }
            shared = (int)i;
        }
    }
    return shared;
}

bool ftf_parse_special_float(ftf_parser *parser, ftf_value *out) {
    static const char *const forms[] = {"inf", "-inf", "nan"};
    ftf_parser probe = *parser;
    probe.err = NULL;
    ftf_value text = {0};
    if (!ftf_lex_accept(&probe, '(') || (ftf_lex_peek(&probe) != '"' && ftf_lex_peek(&probe) != '\'')) {
        return false;
    }
    if (!ftf_lex_string(&probe, false, &text) || !ftf_lex_accept(&probe, ')')) {
        return false;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strlen(forms[i]) == text.len && memcmp(forms[i], text.text, text.len) == 0) {
            parser->at = probe.at;
            out->kind = FTF_VALUE_FLOAT;
            out->text = forms[i];
            return true;
        }
    }
    return false;
}

/* The rest of a dotted name whose first word has been read. */
static bool lex_dotted(ftf_parser *parser, ftf_span *name) {
    while (parser->at < parser->end && *parser->at == '.') {
        parser->at++;
        ftf_span part;
        if (!ftf_lex_name(parser, "a name behind the dot", &part)) {
            return false;
        }
    }
    name->len = (size_t)(parser->at - name->text);
    return name->len <= FTF_NAME_MAX || ftf_parse_refuse(parser, "a name is longer than %d bytes", FTF_NAME_MAX);
}

bool ftf_parse_word_value(ftf_parser *parser, ftf_span word, ftf_value *out) {
    if (ftf_span_is(word, "None") || ftf_span_is(word, "True") || ftf_span_is(word, "False")) {
        out->kind = word.text[0] == 'N' ? FTF_VALUE_NONE : word.text[0] == 'T' ? FTF_VALUE_TRUE : FTF_VALUE_FALSE;
        return true;
    }
    if (ftf_name_is_keyword(word.text, word.len)) {
        return ftf_parse_refuse(parser, "'%.*s' is a keyword of Python, not a value", (int)word.len, word.text);
    }
    if (ftf_span_is(word, "float") && ftf_parse_special_float(parser, out)) {
        return true;
    }
    out->slot = ftf_parse_resolve(parser, word);
    if (out->slot != FTF_NO_SLOT) {
        out->kind = FTF_VALUE_SLOT;
        if (parser->at < parser->end && *parser->at == '.') {
            return ftf_parse_refuse(parser,
                                    "an attribute of a slot is not a value; keep it in a slot of its own first");
        }
    } else {
        out->kind = FTF_VALUE_GLOBAL;
        out->slot = 0;
        if (!lex_dotted(parser, &word)) {
            return false;
        }
        out->text = ftf_arena_copy(parser->arena, word.text, word.len);
    }
    return ftf_lex_peek(parser) != '(' ||
           ftf_parse_refuse(parser, "a call is not a value; keep its result in a slot first");
}

static bool parse_word(ftf_parser *parser, ftf_value *out) {
    ftf_span word = ftf_lex_word(parser);
    char next = parser->at < parser->end ? *parser->at : '\0';
    if (word.len == 1 && word.text[0] == 'b' && (next == '"' || next == '\'')) {
        return ftf_lex_string(parser, true, out);
    }
    return ftf_parse_word_value(parser, word, out);
}

bool ftf_parse_value(ftf_parser *parser, int depth, ftf_value *out) {
    *out = (ftf_value){0};
    char c = ftf_lex_peek(parser);
    bool nests = c == '(' || c == '[' || c == '{' || c == '$';
    if (nests && depth >= FTF_VALUE_DEPTH_MAX) {
        return ftf_parse_refuse(parser, "a literal is nested deeper than %d", FTF_VALUE_DEPTH_MAX);
    }
    if (c == '"' || c == '\'') {
        return ftf_lex_string(parser, false, out);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return ftf_lex_numeral(parser, out);
    }
    if (nests) {
        if (c == '$') {
            return parse_recipe(parser, depth + 1, out);
        }
        parser->at++;
        return c == '('   ? parse_tuple(parser, depth + 1, out)
               : c == '[' ? parse_list(parser, depth + 1, out)
                          : parse_braces(parser, depth + 1, out);
    }
    if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return parse_word(parser, out);
    }
    if (c == '\0') {
        return ftf_parse_refuse(parser, "expected a value instead of the end of the line");
    }
    return ftf_parse_refuse(
        parser, c > 0x20 && c < 0x7f ? "expected a value instead of '%c'" : "expected a value instead of byte 0x%02x",
        (unsigned char)c);
}
