/*
 * JSON to catalog, in the order in which things refer to each other: type names first, then callables, then what
 * hangs on types. Every reader function returns false after it has described the trouble with the JSON path it was
 * at.
 *
 * All literals and `make` lines are parsed once here: a catalog that loads never makes the generator fail.
 */
#include "scenario/catalog.h"

#include <jansson.h>
#include <string.h>

#include "scenario/actions.h"
#include "scenario/catalog_index.h"
#include "scenario/fragment.h"
#include "scenario/kinds.h"
#include "scenario/ops.h"
#include "scenario/parse.h"
#include "scenario/reader.h"

/* What the readers below share, beside the path. */
typedef struct loading {
    ftf_catalog *catalog;
    ftf_arena *scratch; /* for what is parsed only to see whether it parses */
} loading;

static ftf_catalog *catalog_of(const ftf_reader *in) { return ((const loading *)in->context)->catalog; }

static ftf_arena *scratch_of(const ftf_reader *in) { return ((const loading *)in->context)->scratch; }

/* ---- names and literals ------------------------------------------------------------------------------------------ */

static bool is_word(char c, bool first) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

/* A name that the scenario language can write; `dotted` allows several words. */
static bool check_name(ftf_reader *in, const char *name, bool dotted) {
    bool well_formed = strlen(name) <= FTF_NAME_MAX;
    for (const char *word = name; well_formed && word;) {
        size_t len = 0;
        while (is_word(word[len], len == 0)) {
            len++;
        }
        well_formed = len > 0 && !ftf_name_is_keyword(word, len) && (word[len] == '\0' || (dotted && word[len] == '.'));
        word = word[len] == '.' ? word + len + 1 : NULL;
    }
    return well_formed || ftf_reader_refuse(in, "\"%.60s\" is no name of the scenario language", name);
}

static bool check_value(ftf_reader *in, const char *text) {
    ftf_value value;
    ftf_error err;
    ftf_arena_reset(scratch_of(in));
    return ftf_value_parse(text, strlen(text), scratch_of(in), &value, &err) == FTF_OK ||
           ftf_reader_refuse(in, "%.80s: %.180s", text, err.text);
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t trait;
} traits[] = {
    {"iterable", FTF_TRAIT_ITERABLE},   {"iterator", FTF_TRAIT_ITERATOR}, {"sized", FTF_TRAIT_SIZED},
    {"mapping", FTF_TRAIT_MAPPING},     {"sequence", FTF_TRAIT_SEQUENCE}, {"buffer", FTF_TRAIT_BUFFER},
    {"context", FTF_TRAIT_CONTEXT},     {"hashable", FTF_TRAIT_HASHABLE}, {"copyable", FTF_TRAIT_COPYABLE},
    {"picklable", FTF_TRAIT_PICKLABLE}, {"callable", FTF_TRAIT_CALLABLE}, {"endless", FTF_TRAIT_ENDLESS},
};

static bool read_trait(ftf_reader *in, const json_t *json, void *item) {
    uint32_t *out = item;
    const char *name;
    if (!ftf_read_string(in, json, &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof traits / sizeof *traits; i++) {
        if (strcmp(traits[i].name, name) == 0) {
            *out = traits[i].trait;
            return true;
        }
    }
    return ftf_reader_refuse(in, "unknown trait \"%.60s\"", name);
}

static bool read_make(ftf_reader *in, const json_t *json, void *item) {
    ftf_make *make = item;
    if (!ftf_read_list(in, json, ftf_read_string_item, sizeof(char *), &make->line_count, &make->lines)) {
        return false;
    }
    if (make->line_count == 0) {
        return ftf_reader_refuse(in, "a way to make an object has at least one line");
    }
    ftf_scenario scenario;
    ftf_fragment fragment;
    ftf_arena_reset(scratch_of(in));
    ftf_scenario_init(&scenario, scratch_of(in), "x");
    ftf_fragment_init(&fragment, NULL);
    for (uint32_t i = 0; i < make->line_count; i++) {
        ftf_error err;
        if (ftf_fragment_add(&fragment, &scenario, FTF_OWNER_SETUP, make->lines[i], &err) != FTF_OK) {
            return ftf_reader_refuse(in, "%.80s: %.180s", make->lines[i], err.text);
        }
    }
    return ftf_ops[scenario.setup.ops[scenario.setup.count - 1].code].yields ||
           ftf_reader_refuse(in, "the last line yields no object");
}

static bool read_type(ftf_reader *in, const json_t *json, void *item) {
    ftf_type *type = item;
    uint32_t count = 0;
    uint32_t *list = NULL;
    if (!ftf_want_object(in, json) || !ftf_get_string(in, json, "name", true, &type->name)) {
        return false;
    }
    if (!check_name(in, type->name, true) || !ftf_get_bool(in, json, "public", &type->is_public)) {
        return false;
    }
    if (!ftf_get_list(in, json, "traits", true, read_trait, sizeof *list, &count, &list)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        type->traits |= list[i];
    }
    return ftf_get_list(in, json, "make", true, read_make, sizeof(ftf_make), &type->make_count, &type->makes);
}

/* The type of member `name`, which has to be one of this catalog. */
static bool get_type(ftf_reader *in, const json_t *object, const char *name, int *out) {
    const char *text;
    if (!ftf_get_string(in, object, name, true, &text)) {
        return false;
    }
    *out = ftf_catalog_find_type(catalog_of(in), text);
    return *out >= 0 || ftf_reader_refuse(in, "member \"%s\" names an unknown type \"%.80s\"", name, text);
}

/* ---- argument descriptors and patterns --------------------------------------------------------------------------- */

static bool read_arg(ftf_reader *in, const json_t *json, void *item) {
    ftf_arg *arg = item;
    const char *text;
    if (!ftf_read_string(in, json, &text)) {
        return false;
    }
    if (text[0] == '=') {
        *arg = (ftf_arg){.source = FTF_ARG_LITERAL, .text = text + 1};
        return check_value(in, arg->text);
    }
    if (text[0] == '@') {
        *arg = (ftf_arg){.source = FTF_ARG_TYPE, .index = ftf_catalog_find_type(catalog_of(in), text + 1)};
        return arg->index >= 0 || ftf_reader_refuse(in, "unknown type \"%.80s\"", text);
    }
    const ftf_kind *kind = ftf_kind_find(text);
    *arg = (ftf_arg){.source = FTF_ARG_KIND, .index = kind ? (int)(kind - ftf_kinds) : -1};
    return kind || ftf_reader_refuse(in, "unknown kind \"%.80s\"", text);
}

static bool read_keywords(ftf_reader *in, const json_t *json, ftf_pattern *pattern) {
    const char *name;
    json_t *value;
    uint32_t i = 0;
    if (!ftf_want_object(in, json)) {
        return false;
    }
    size_t count = json_object_size(json);
    if (count + pattern->argc > FTF_ARGS_MAX) {
        return ftf_reader_refuse(in, "a call has more than %d arguments", FTF_ARGS_MAX);
    }
    pattern->kwnames = FTF_NEW(in->arena, const char *, count);
    pattern->kwargs = FTF_NEW(in->arena, ftf_arg, count);
    /* Not json_object_foreach, which is written for C++ and casts const away. */
    for (void *at = json_object_iter((json_t *)(uintptr_t)json); at;
         at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        name = json_object_iter_key(at);
        value = json_object_iter_value(at);
        size_t mark = ftf_reader_enter(in, name, 0);
        pattern->kwnames[i] = ftf_arena_copy(in->arena, name, strlen(name));
        if (!check_name(in, name, false) || !read_arg(in, value, &pattern->kwargs[i])) {
            return false;
        }
        ftf_reader_leave(in, mark);
        i++;
    }
    pattern->kwargc = i;
    return true;
}

static bool read_pattern(ftf_reader *in, const json_t *json, void *item) {
    ftf_pattern *pattern = item;
    const json_t *member;
    if (!ftf_want_object(in, json) ||
        !ftf_get_list(in, json, "args", true, read_arg, sizeof(ftf_arg), &pattern->argc, &pattern->args)) {
        return false;
    }
    if (pattern->argc > FTF_ARGS_MAX) {
        return ftf_reader_refuse(in, "a call has more than %d arguments", FTF_ARGS_MAX);
    }
    if (!ftf_get_member(in, json, "kwargs", false, &member)) {
        return false;
    }
    if (member) {
        size_t mark = ftf_reader_enter(in, "kwargs", 0);
        if (!read_keywords(in, member, pattern)) {
            return false;
        }
        ftf_reader_leave(in, mark);
    }
    const json_t *score = json_object_get(json, "score");
    if (score && !json_is_integer(score)) {
        return ftf_reader_refuse(in, "member \"score\" must be a number");
    }
    pattern->score = score ? (int)json_integer_value(score) : 2;
    const char *returns;
    if (!ftf_get_string(in, json, "returns", false, &returns)) {
        return false;
    }
    pattern->returns = ftf_catalog_find_type(catalog_of(in), returns);
    return true;
}

/* ---- callables --------------------------------------------------------------------------------------------------- */

static bool read_callable_kind(ftf_reader *in, const json_t *json, ftf_callable *callable) {
    const char *kind;
    if (!ftf_get_string(in, json, "kind", true, &kind)) {
        return false;
    }
    bool method = strcmp(kind, "method") == 0;
    callable->is_type = strcmp(kind, "type") == 0;
    if (!method && !callable->is_type && strcmp(kind, "function") != 0) {
        return ftf_reader_refuse(in, "unknown kind of callable \"%.60s\"", kind);
    }
    callable->owner = -1;
    return !method || get_type(in, json, "owner", &callable->owner);
}

static bool read_callable(ftf_reader *in, const json_t *json, void *item) {
    ftf_callable *callable = item;
    if (!ftf_want_object(in, json) || !ftf_get_string(in, json, "name", true, &callable->name)) {
        return false;
    }
    if (!read_callable_kind(in, json, callable) || !check_name(in, callable->name, callable->owner < 0)) {
        return false;
    }
    if (!ftf_get_bool(in, json, "native", &callable->native)) {
        return false;
    }
    const json_t *mutates;
    if (!ftf_get_member(in, json, "mutates", false, &mutates)) {
        return false;
    }
    if (mutates && !json_is_boolean(mutates)) {
        return ftf_reader_refuse(in, "member \"mutates\" must be true, false or null");
    }
    callable->mutates = mutates ? json_is_true(mutates) : -1;
    if (!ftf_get_list(in, json, "patterns", true, read_pattern, sizeof(ftf_pattern), &callable->pattern_count,
                      &callable->patterns)) {
        return false;
    }
    callable->type = -1;
    if (callable->is_type) {
        callable->type = ftf_catalog_find_type(catalog_of(in), callable->name);
        /* A type may be offered under a longer name than the one it goes by here. */
        for (uint32_t i = 0; callable->type < 0 && i < callable->pattern_count; i++) {
            callable->type = callable->patterns[i].returns;
        }
    }
    return true;
}

/* ---- what hangs on types ----------------------------------------------------------------------------------------- */

/* An attribute or operator as the JSON has it: in one list, with its owner. */
typedef struct owned_attribute {
    int owner;
    ftf_attribute attribute;
} owned_attribute;

typedef struct owned_operator {
    int owner;
    ftf_operator operator;
} owned_operator;

static bool read_attribute(ftf_reader *in, const json_t *json, void *item) {
    owned_attribute *out = item;
    ftf_attribute *attribute = &out->attribute;
    return ftf_want_object(in, json) && get_type(in, json, "owner", &out->owner) &&
           ftf_get_string(in, json, "name", true, &attribute->name) && check_name(in, attribute->name, false) &&
           ftf_get_bool(in, json, "set", &attribute->can_set) &&
           ftf_get_bool(in, json, "delete", &attribute->can_delete) &&
           ftf_get_list(in, json, "accepts", false, read_arg, sizeof(ftf_arg), &attribute->accept_count,
                        &attribute->accepts);
}

/* By what a person writes for it; a lone `-` is the one with two operands. */
static int operator_code(const char *symbol) {
    static const struct {
        const char *text;
        ftf_op_code code;
    } special[] = {
        {"[]", FTF_OP_GETITEM}, {"[]=", FTF_OP_SETITEM}, {"del[]", FTF_OP_DELITEM},
        {"-x", FTF_OP_NEG},     {"~x", FTF_OP_INVERT},
    };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (strcmp(special[i].text, symbol) == 0) {
            return (int)special[i].code;
        }
    }
    int code = ftf_op_find(FTF_FORM_INFIX, symbol, strlen(symbol));
    return code >= 0 ? code : ftf_op_find(FTF_FORM_INPLACE, symbol, strlen(symbol));
}

static bool read_operator(ftf_reader *in, const json_t *json, void *item) {
    owned_operator *out = item;
    const char *symbol;
    if (!ftf_want_object(in, json) || !get_type(in, json, "owner", &out->owner) ||
        !ftf_get_string(in, json, "op", true, &symbol)) {
        return false;
    }
    out->operator.code = operator_code(symbol);
    if (out->operator.code<0) {
        return ftf_reader_refuse(in, "unknown operator \"%.60s\"", symbol);
    }
    ftf_operator *operator= & out->operator;
    return ftf_get_list(in, json, "args", false, read_arg, sizeof(ftf_arg), &operator->argc, &operator->args) &&
           ftf_get_list(in, json, "values", false, read_arg, sizeof(ftf_arg), &operator->value_count,
                        &operator->values);
}

static bool read_attributes(ftf_reader *in, const json_t *root) {
    owned_attribute *list = NULL;
    uint32_t count = 0;
    ftf_catalog *catalog = catalog_of(in);
    if (!ftf_get_list(in, root, "attributes", false, read_attribute, sizeof *list, &count, &list)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        catalog->types[list[i].owner].attribute_count++;
    }
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        ftf_type *type = &catalog->types[i];
        type->attributes = FTF_NEW(in->arena, ftf_attribute, type->attribute_count);
        type->attribute_count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        ftf_type *type = &catalog->types[list[i].owner];
        type->attributes[type->attribute_count++] = list[i].attribute;
    }
    return true;
}

static bool read_operators(ftf_reader *in, const json_t *root) {
    owned_operator *list = NULL;
    uint32_t count = 0;
    ftf_catalog *catalog = catalog_of(in);
    if (!ftf_get_list(in, root, "operators", false, read_operator, sizeof *list, &count, &list)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        catalog->types[list[i].owner].operator_count++;
    }
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        ftf_type *type = &catalog->types[i];
        type->operators = FTF_NEW(in->arena, ftf_operator, type->operator_count);
        type->operator_count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        ftf_type *type = &catalog->types[list[i].owner];
        type->operators[type->operator_count++] = list[i].operator;
    }
    return true;
}

static void list_methods(ftf_reader *in) {
    ftf_catalog *catalog = catalog_of(in);
    for (uint32_t i = 0; i < catalog->callable_count; i++) {
        if (catalog->callables[i].owner >= 0) {
            catalog->types[catalog->callables[i].owner].method_count++;
        }
    }
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        ftf_type *type = &catalog->types[i];
        type->methods = FTF_NEW(in->arena, int, type->method_count);
        type->method_count = 0;
    }
    for (uint32_t i = 0; i < catalog->callable_count; i++) {
        if (catalog->callables[i].owner >= 0) {
            ftf_type *type = &catalog->types[catalog->callables[i].owner];
            type->methods[type->method_count++] = (int)i;
        }
    }
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static bool read_skip(ftf_reader *in, const json_t *json, void *item) {
    ftf_skip *skip = item;
    return ftf_want_object(in, json) && ftf_get_string(in, json, "name", true, &skip->name) &&
           ftf_get_string(in, json, "reason", false, &skip->reason);
}

static bool read_share(ftf_reader *in, const json_t *json, void *item) {
    int *out = item;
    const char *name;
    if (!ftf_read_string(in, json, &name)) {
        return false;
    }
    *out = ftf_catalog_find_type(catalog_of(in), name);
    return *out >= 0 || ftf_reader_refuse(in, "unknown type \"%.80s\"", name);
}

static bool read_sample(ftf_reader *in, const json_t *json, void *item) {
    const char **out = item;
    return ftf_read_string(in, json, out) && check_value(in, *out);
}

/* {"kind": ["sample", ...]} */
static bool read_values(ftf_reader *in, const json_t *root) {
    const json_t *values;
    ftf_catalog *catalog = catalog_of(in);
    catalog->extra_samples = FTF_NEW(in->arena, const char **, ftf_kind_count);
    if (!ftf_get_member(in, root, "values", false, &values) || !values) {
        return true;
    }
    size_t mark = ftf_reader_enter(in, "values", 0);
    if (!ftf_want_object(in, values)) {
        return false;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)values); at;
         at = json_object_iter_next((json_t *)(uintptr_t)values, at)) {
        const ftf_kind *kind = ftf_kind_find(json_object_iter_key(at));
        if (!kind) {
            return ftf_reader_refuse(in, "unknown kind \"%.80s\"", json_object_iter_key(at));
        }
        uint32_t count = 0;
        const char **samples = NULL;
        size_t inner = ftf_reader_enter(in, kind->name, 0);
        if (!ftf_read_list(in, json_object_iter_value(at), read_sample, sizeof *samples, &count, &samples)) {
            return false;
        }
        ftf_reader_leave(in, inner);
        const char **list = FTF_NEW(in->arena, const char *, count + 1);
        memcpy(list, samples, count * sizeof *list);
        catalog->extra_samples[kind - ftf_kinds] = count ? list : NULL;
    }
    ftf_reader_leave(in, mark);
    return true;
}

static bool read_blame(ftf_reader *in, const json_t *root) {
    const json_t *blame;
    ftf_catalog *catalog = catalog_of(in);
    if (!ftf_get_member(in, root, "blame", false, &blame) || !blame) {
        return true;
    }
    size_t mark = ftf_reader_enter(in, "blame", 0);
    if (!ftf_want_object(in, blame) ||
        !ftf_get_list(in, blame, "files", false, ftf_read_string_item, sizeof(char *), &catalog->blame_file_count,
                      &catalog->blame_files) ||
        !ftf_get_list(in, blame, "libraries", false, ftf_read_string_item, sizeof(char *),
                      &catalog->blame_library_count, &catalog->blame_libraries)) {
        return false;
    }
    ftf_reader_leave(in, mark);
    return true;
}

static bool read_head(ftf_reader *in, const json_t *root) {
    enum { FORMAT = 1 };
    ftf_catalog *catalog = catalog_of(in);
    if (!ftf_want_object(in, root)) {
        return false;
    }
    const json_t *format = json_object_get(root, "format");
    if (!json_is_integer(format) || json_integer_value(format) != FORMAT) {
        return ftf_reader_refuse(in, "\"format\" must be %d; make the catalog again", FORMAT);
    }
    return ftf_get_string(in, root, "target", true, &catalog->target) &&
           ftf_get_string(in, root, "import", true, &catalog->import_name) &&
           ftf_get_string(in, root, "version", false, &catalog->version) &&
           ftf_get_string(in, root, "python", false, &catalog->python) &&
           ftf_get_string(in, root, "package", false, &catalog->package) &&
           ftf_get_string(in, root, "gil", false, &catalog->gil) &&
           ftf_get_string(in, root, "contract", false, &catalog->contract) && read_blame(in, root);
}

/* ---- entry points ------------------------------------------------------------------------------------------------ */

/* Before this no type is found by its name; two of one name would make every reference to them a guess. */
static bool name_types(ftf_reader *in, ftf_type *types, uint32_t count) {
    ftf_catalog *catalog = catalog_of(in);
    catalog->types = types;
    catalog->type_count = count;
    const char *twice = ftf_catalog_index_types(catalog);
    return !twice || ftf_reader_refuse(in, "type \"%.80s\" is listed twice", twice);
}

static bool load_root(ftf_reader *in, const json_t *root) {
    ftf_catalog *catalog = catalog_of(in);
    ftf_type *types = NULL;
    uint32_t type_count = 0;
    if (!read_head(in, root) ||
        !ftf_get_list(in, root, "types", true, read_type, sizeof(ftf_type), &type_count, &types) ||
        !name_types(in, types, type_count) ||
        !ftf_get_list(in, root, "callables", true, read_callable, sizeof(ftf_callable), &catalog->callable_count,
                      &catalog->callables)) {
        return false;
    }
    list_methods(in);
    ftf_catalog_index_callables(catalog);
    if (!read_attributes(in, root) || !read_operators(in, root) || !read_values(in, root) ||
        !ftf_get_list(in, root, "skipped", false, read_skip, sizeof(ftf_skip), &catalog->skip_count,
                      &catalog->skipped) ||
        !ftf_get_list(in, root, "unknown", false, read_skip, sizeof(ftf_skip), &catalog->unknown_count,
                      &catalog->unknown) ||
        !ftf_get_list(in, root, "modules", false, ftf_read_string_item, sizeof(char *), &catalog->module_count,
                      &catalog->modules) ||
        !ftf_get_list(in, root, "share", false, read_share, sizeof(int), &catalog->share_count, &catalog->share)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        ftf_actions_list(catalog, &catalog->types[i], in->arena);
    }
    ftf_arg_places_list(catalog, in->arena);
    return true;
}

ftf_status ftf_catalog_load(const char *json, size_t len, ftf_catalog **out, ftf_error *err) {
    json_error_t where;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
    *out = NULL;
    if (!root) {
        int line = where.line > 0 ? where.line : 0;
        return ftf_fail_at(err, line, "catalog: line %d, column %d: %s", line, where.column, where.text);
    }
    loading now = {.catalog = ftf_catalog_create(), .scratch = ftf_arena_create()};
    ftf_reader in = {.arena = ftf_catalog_arena(now.catalog), .err = err, .context = &now};
    bool loaded = load_root(&in, root);
    json_decref(root);
    ftf_arena_destroy(now.scratch);
    if (!loaded) {
        ftf_catalog_destroy(now.catalog);
        return FTF_INPUT;
    }
    *out = now.catalog;
    return FTF_OK;
}
