/*
 * JSON to catalog, in the order in which things refer to each other: type names first, then callables, then what hangs on
 * types. Every reader function returns false after it has described the trouble with the JSON path it was at.
 *
 * All literals and `make` lines are parsed once here: a catalog that loads never makes the generator fail.
 */
#include "scenario/catalog.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/actions.h"
#include "scenario/fragment.h"
#include "scenario/kinds.h"
#include "scenario/ops.h"
#include "scenario/parse.h"

/* A name and what it stands for, in a sorted table. */
typedef struct entry {
    const char *name;
    int owner;
    int index;
} entry;

typedef struct storage {
    ftf_arena *arena;
    entry *types;
    entry *callables;
    uint32_t global_count;
    entry *globals; /* first words of the names that lanes can reach */
} storage;

typedef struct loader {
    ftf_catalog *catalog;
    storage *storage;
    ftf_arena *arena;
    ftf_arena *scratch; /* for what is parsed only to see whether it parses */
    ftf_error *err;
    char path[160];
    size_t path_len;
} loader;

/* ---- paths and errors -------------------------------------------------------------------------------------------- */

static bool refuse(loader *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(loader *in, const char *format, ...) {
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0) {
        text[0] = '\0';
    }
    va_end(arguments);
    ftf_fail(in->err, FTF_INPUT, "catalog: %s: %s", in->path_len ? in->path : "top level", text);
    return false;
}

/* Goes one step down, to member `name` or, when name is NULL, to item `index`; returns what to give to leave. */
static size_t enter(loader *in, const char *name, size_t index) {
    size_t mark = in->path_len;
    size_t room = sizeof in->path - mark;
    int len = name ? snprintf(in->path + mark, room, "%s%s", mark ? "." : "", name)
                   : snprintf(in->path + mark, room, "[%zu]", index);
    in->path_len = len < 0 ? mark : mark + (size_t)len < sizeof in->path ? mark + (size_t)len : sizeof in->path - 1;
    return mark;
}

static void leave(loader *in, size_t mark) {
    in->path_len = mark;
    in->path[mark] = '\0';
}

/* ---- pieces of JSON ---------------------------------------------------------------------------------------------- */

static bool read_string(loader *in, const json_t *json, const char **out) {
    if (!json_is_string(json)) {
        return refuse(in, "a string is wanted here");
    }
    *out = ftf_arena_copy(in->arena, json_string_value(json), json_string_length(json));
    return true;
}

/* Member `name` of an object: *out is NULL when it is missing or null, which only a needed one may not be. */
static bool get_member(loader *in, const json_t *object, const char *name, bool needed, const json_t **out) {
    *out = json_object_get(object, name);
    if (*out && json_is_null(*out)) {
        *out = NULL;
    }
    return *out || !needed || refuse(in, "member \"%s\" is missing", name);
}

static bool get_string(loader *in, const json_t *object, const char *name, bool needed, const char **out) {
    const json_t *json;
    if (!get_member(in, object, name, needed, &json)) {
        return false;
    }
    if (!json) {
        *out = "";
        return true;
    }
    size_t mark = enter(in, name, 0);
    bool read = read_string(in, json, out);
    leave(in, mark);
    return read;
}

static bool get_bool(loader *in, const json_t *object, const char *name, bool *out) {
    const json_t *json = json_object_get(object, name);
    *out = json_is_true(json);
    return !json || json_is_boolean(json) || refuse(in, "member \"%s\" must be true or false", name);
}

/*
 * Runs `read` on every item of list member `name`; *out gets the array of `size` bytes an item that read fills in.
 */
typedef bool (*item_reader)(loader *in, const json_t *json, void *item);

static bool read_list(loader *in, const json_t *json, item_reader read, size_t size, uint32_t *count, void *out) {
    enum { ITEMS_MAX = 1 << 20 };
    if (!json_is_array(json)) {
        return refuse(in, "a list is wanted here");
    }
    size_t items = json_array_size(json);
    if (items > ITEMS_MAX) {
        return refuse(in, "the list has more than %d items", ITEMS_MAX);
    }
    char *array = ftf_arena_alloc(in->arena, items * size);
    for (size_t i = 0; i < items; i++) {
        size_t mark = enter(in, NULL, i);
        if (!read(in, json_array_get(json, i), array + i * size)) {
            return false;
        }
        leave(in, mark);
    }
    *count = (uint32_t)items;
    memcpy(out, &array, sizeof array);
    return true;
}

static bool get_list(loader *in, const json_t *object, const char *name, bool needed, item_reader read, size_t size,
                     uint32_t *count, void *out) {
    const json_t *json;
    *count = 0;
    if (!get_member(in, object, name, needed, &json)) {
        return false;
    }
    if (!json) {
        return true;
    }
    size_t mark = enter(in, name, 0);
    bool done = read_list(in, json, read, size, count, out);
    if (done) {
        leave(in, mark);
    }
    return done;
}

static bool want_object(loader *in, const json_t *json) {
    return json_is_object(json) || refuse(in, "an object is wanted here");
}

static bool read_string_item(loader *in, const json_t *json, void *item) {
    const char **out = item;
    return read_string(in, json, out);
}

/* ---- names and literals ------------------------------------------------------------------------------------------ */

static bool is_word(char c, bool first) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

/* A name that the scenario language can write; `dotted` allows several words. */
static bool check_name(loader *in, const char *name, bool dotted) {
    bool well_formed = strlen(name) <= FTF_NAME_MAX;
    for (const char *word = name; well_formed && word;) {
        size_t len = 0;
        while (is_word(word[len], len == 0)) {
            len++;
        }
        well_formed = len > 0 && !ftf_name_is_keyword(word, len) && (word[len] == '\0' || (dotted && word[len] == '.'));
        word = word[len] == '.' ? word + len + 1 : NULL;
    }
    return well_formed || refuse(in, "\"%.60s\" is no name of the scenario language", name);
}

static bool check_value(loader *in, const char *text) {
    ftf_value value;
    ftf_error err;
    ftf_arena_reset(in->scratch);
    return ftf_value_parse(text, strlen(text), in->scratch, &value, &err) == FTF_OK ||
           refuse(in, "%.80s: %.180s", text, err.text);
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

static bool read_trait(loader *in, const json_t *json, void *item) {
    uint32_t *out = item;
    const char *name;
    if (!read_string(in, json, &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof traits / sizeof *traits; i++) {
        if (strcmp(traits[i].name, name) == 0) {
            *out = traits[i].trait;
            return true;
        }
    }
    return refuse(in, "unknown trait \"%.60s\"", name);
}

static bool read_make(loader *in, const json_t *json, void *item) {
    ftf_make *make = item;
    if (!read_list(in, json, read_string_item, sizeof(char *), &make->line_count, &make->lines)) {
        return false;
    }
    if (make->line_count == 0) {
        return refuse(in, "a way to make an object has at least one line");
    }
    ftf_scenario scenario;
    ftf_fragment fragment;
    ftf_arena_reset(in->scratch);
    ftf_scenario_init(&scenario, in->scratch, "x");
    ftf_fragment_init(&fragment, NULL);
    for (uint32_t i = 0; i < make->line_count; i++) {
        ftf_error err;
        if (ftf_fragment_add(&fragment, &scenario, FTF_OWNER_SETUP, make->lines[i], &err) != FTF_OK) {
            return refuse(in, "%.80s: %.180s", make->lines[i], err.text);
        }
    }
    return ftf_ops[scenario.setup.ops[scenario.setup.count - 1].code].yields ||
           refuse(in, "the last line yields no object");
}

static bool read_type(loader *in, const json_t *json, void *item) {
    ftf_type *type = item;
    uint32_t count = 0;
    uint32_t *list = NULL;
    if (!want_object(in, json) || !get_string(in, json, "name", true, &type->name)) {
        return false;
    }
    if (!check_name(in, type->name, true) || !get_bool(in, json, "public", &type->is_public)) {
        return false;
    }
    if (!get_list(in, json, "traits", true, read_trait, sizeof *list, &count, &list)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        type->traits |= list[i];
    }
    return get_list(in, json, "make", true, read_make, sizeof(ftf_make), &type->make_count, &type->makes);
}

/* The type of member `name`, which has to be one of this catalog. */
static bool get_type(loader *in, const json_t *object, const char *name, int *out) {
    const char *text;
    if (!get_string(in, object, name, true, &text)) {
        return false;
    }
    *out = ftf_catalog_find_type(in->catalog, text);
    return *out >= 0 || refuse(in, "member \"%s\" names an unknown type \"%.80s\"", name, text);
}

/* ---- argument descriptors and patterns --------------------------------------------------------------------------- */

static bool read_arg(loader *in, const json_t *json, void *item) {
    ftf_arg *arg = item;
    const char *text;
    if (!read_string(in, json, &text)) {
        return false;
    }
    if (text[0] == '=') {
        *arg = (ftf_arg){.source = FTF_ARG_LITERAL, .text = text + 1};
        return check_value(in, arg->text);
    }
    if (text[0] == '@') {
        *arg = (ftf_arg){.source = FTF_ARG_TYPE, .index = ftf_catalog_find_type(in->catalog, text + 1)};
        return arg->index >= 0 || refuse(in, "unknown type \"%.80s\"", text);
    }
    const ftf_kind *kind = ftf_kind_find(text);
    *arg = (ftf_arg){.source = FTF_ARG_KIND, .index = kind ? (int)(kind - ftf_kinds) : -1};
    return kind || refuse(in, "unknown kind \"%.80s\"", text);
}

static bool read_keywords(loader *in, const json_t *json, ftf_pattern *pattern) {
    const char *name;
    json_t *value;
    uint32_t i = 0;
    if (!want_object(in, json)) {
        return false;
    }
    size_t count = json_object_size(json);
    if (count + pattern->argc > FTF_ARGS_MAX) {
        return refuse(in, "a call has more than %d arguments", FTF_ARGS_MAX);
    }
    pattern->kwnames = FTF_NEW(in->arena, const char *, count);
    pattern->kwargs = FTF_NEW(in->arena, ftf_arg, count);
    /* Not json_object_foreach, which is written for C++ and casts const away. */
    for (void *at = json_object_iter((json_t *)(uintptr_t)json); at;
         at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        name = json_object_iter_key(at);
        value = json_object_iter_value(at);
        size_t mark = enter(in, name, 0);
        pattern->kwnames[i] = ftf_arena_copy(in->arena, name, strlen(name));
        if (!check_name(in, name, false) || !read_arg(in, value, &pattern->kwargs[i])) {
            return false;
        }
        leave(in, mark);
        i++;
    }
    pattern->kwargc = i;
    return true;
}

static bool read_pattern(loader *in, const json_t *json, void *item) {
    ftf_pattern *pattern = item;
    const json_t *member;
    if (!want_object(in, json) ||
        !get_list(in, json, "args", true, read_arg, sizeof(ftf_arg), &pattern->argc, &pattern->args)) {
        return false;
    }
    if (pattern->argc > FTF_ARGS_MAX) {
        return refuse(in, "a call has more than %d arguments", FTF_ARGS_MAX);
    }
    if (!get_member(in, json, "kwargs", false, &member)) {
        return false;
    }
    if (member) {
        size_t mark = enter(in, "kwargs", 0);
        if (!read_keywords(in, member, pattern)) {
            return false;
        }
        leave(in, mark);
    }
    const json_t *score = json_object_get(json, "score");
    if (score && !json_is_integer(score)) {
        return refuse(in, "member \"score\" must be a number");
    }
    pattern->score = score ? (int)json_integer_value(score) : 2;
    const char *returns;
    if (!get_string(in, json, "returns", false, &returns)) {
        return false;
    }
    pattern->returns = ftf_catalog_find_type(in->catalog, returns);
    return true;
}

/* ---- callables --------------------------------------------------------------------------------------------------- */

static bool read_callable_kind(loader *in, const json_t *json, ftf_callable *callable) {
    const char *kind;
    if (!get_string(in, json, "kind", true, &kind)) {
        return false;
    }
    bool method = strcmp(kind, "method") == 0;
    callable->is_type = strcmp(kind, "type") == 0;
    if (!method && !callable->is_type && strcmp(kind, "function") != 0) {
        return refuse(in, "unknown kind of callable \"%.60s\"", kind);
    }
    callable->owner = -1;
    return !method || get_type(in, json, "owner", &callable->owner);
}

static bool read_callable(loader *in, const json_t *json, void *item) {
    ftf_callable *callable = item;
    if (!want_object(in, json) || !get_string(in, json, "name", true, &callable->name)) {
        return false;
    }
    if (!read_callable_kind(in, json, callable) || !check_name(in, callable->name, callable->owner < 0)) {
        return false;
    }
    if (!get_bool(in, json, "native", &callable->native)) {
        return false;
    }
    const json_t *mutates;
    if (!get_member(in, json, "mutates", false, &mutates)) {
        return false;
    }
    if (mutates && !json_is_boolean(mutates)) {
        return refuse(in, "member \"mutates\" must be true, false or null");
    }
    callable->mutates = mutates ? json_is_true(mutates) : -1;
    if (!get_list(in, json, "patterns", true, read_pattern, sizeof(ftf_pattern), &callable->pattern_count,
                  &callable->patterns)) {
        return false;
    }
    callable->type = -1;
    if (callable->is_type) {
        callable->type = ftf_catalog_find_type(in->catalog, callable->name);
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

static bool read_attribute(loader *in, const json_t *json, void *item) {
    owned_attribute *out = item;
    ftf_attribute *attribute = &out->attribute;
    return want_object(in, json) && get_type(in, json, "owner", &out->owner) &&
           get_string(in, json, "name", true, &attribute->name) && check_name(in, attribute->name, false) &&
           get_bool(in, json, "set", &attribute->can_set) && get_bool(in, json, "delete", &attribute->can_delete) &&
           get_list(in, json, "accepts", false, read_arg, sizeof(ftf_arg), &attribute->accept_count,
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

static bool read_operator(loader *in, const json_t *json, void *item) {
    owned_operator *out = item;
    const char *symbol;
    if (!want_object(in, json) || !get_type(in, json, "owner", &out->owner) ||
        !get_string(in, json, "op", true, &symbol)) {
        return false;
    }
    out->operator.code = operator_code(symbol);
    if (out->operator.code < 0) {
        return refuse(in, "unknown operator \"%.60s\"", symbol);
    }
    ftf_operator *operator = &out->operator;
    return get_list(in, json, "args", false, read_arg, sizeof(ftf_arg), &operator->argc, &operator->args) &&
           get_list(in, json, "values", false, read_arg, sizeof(ftf_arg), &operator->value_count, &operator->values);
}

static bool read_attributes(loader *in, const json_t *root) {
    owned_attribute *list = NULL;
    uint32_t count = 0;
    ftf_catalog *catalog = in->catalog;
    if (!get_list(in, root, "attributes", false, read_attribute, sizeof *list, &count, &list)) {
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

static bool read_operators(loader *in, const json_t *root) {
    owned_operator *list = NULL;
    uint32_t count = 0;
    ftf_catalog *catalog = in->catalog;
    if (!get_list(in, root, "operators", false, read_operator, sizeof *list, &count, &list)) {
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

static void list_methods(loader *in) {
    ftf_catalog *catalog = in->catalog;
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

static bool read_skip(loader *in, const json_t *json, void *item) {
    ftf_skip *skip = item;
    return want_object(in, json) && get_string(in, json, "name", true, &skip->name) &&
           get_string(in, json, "reason", false, &skip->reason);
}

static bool read_share(loader *in, const json_t *json, void *item) {
    int *out = item;
    const char *name;
    if (!read_string(in, json, &name)) {
        return false;
    }
    *out = ftf_catalog_find_type(in->catalog, name);
    return *out >= 0 || refuse(in, "unknown type \"%.80s\"", name);
}

static bool read_sample(loader *in, const json_t *json, void *item) {
    const char **out = item;
    return read_string(in, json, out) && check_value(in, *out);
}

/* {"kind": ["sample", ...]} */
static bool read_values(loader *in, const json_t *root) {
    const json_t *values;
    ftf_catalog *catalog = in->catalog;
    catalog->extra_samples = FTF_NEW(in->arena, const char **, ftf_kind_count);
    if (!get_member(in, root, "values", false, &values) || !values) {
        return true;
    }
    size_t mark = enter(in, "values", 0);
    if (!want_object(in, values)) {
        return false;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)values); at;
         at = json_object_iter_next((json_t *)(uintptr_t)values, at)) {
        const ftf_kind *kind = ftf_kind_find(json_object_iter_key(at));
        if (!kind) {
            return refuse(in, "unknown kind \"%.80s\"", json_object_iter_key(at));
        }
        uint32_t count = 0;
        const char **samples = NULL;
        size_t inner = enter(in, kind->name, 0);
        if (!read_list(in, json_object_iter_value(at), read_sample, sizeof *samples, &count, &samples)) {
            return false;
        }
        leave(in, inner);
        const char **list = FTF_NEW(in->arena, const char *, count + 1);
        memcpy(list, samples, count * sizeof *list);
        catalog->extra_samples[kind - ftf_kinds] = count ? list : NULL;
    }
    leave(in, mark);
    return true;
}

static bool read_blame(loader *in, const json_t *root) {
    const json_t *blame;
    ftf_catalog *catalog = in->catalog;
    if (!get_member(in, root, "blame", false, &blame) || !blame) {
        return true;
    }
    size_t mark = enter(in, "blame", 0);
    if (!want_object(in, blame) ||
        !get_list(in, blame, "files", false, read_string_item, sizeof(char *), &catalog->blame_file_count,
                  &catalog->blame_files) ||
        !get_list(in, blame, "libraries", false, read_string_item, sizeof(char *), &catalog->blame_library_count,
                  &catalog->blame_libraries)) {
        return false;
    }
    leave(in, mark);
    return true;
}

static bool read_head(loader *in, const json_t *root) {
    enum { FORMAT = 1 };
    ftf_catalog *catalog = in->catalog;
    if (!want_object(in, root)) {
        return false;
    }
    const json_t *format = json_object_get(root, "format");
    if (!json_is_integer(format) || json_integer_value(format) != FORMAT) {
        return refuse(in, "\"format\" must be %d; make the catalog again", FORMAT);
    }
    return get_string(in, root, "target", true, &catalog->target) &&
           get_string(in, root, "import", true, &catalog->import_name) &&
           get_string(in, root, "version", false, &catalog->version) &&
           get_string(in, root, "gil", false, &catalog->gil) &&
           get_string(in, root, "contract", false, &catalog->contract) && read_blame(in, root);
}

/* ---- lookup ------------------------------------------------------------------------------------------------------ */

static int compare_entries(const void *left, const void *right) {
    const entry *a = left;
    const entry *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->owner > b->owner) - (a->owner < b->owner);
}

static int find_entry(const entry *table, uint32_t count, const char *name, int owner) {
    entry key = {.name = name, .owner = owner};
    const entry *found = count ? bsearch(&key, table, count, sizeof *table, compare_entries) : NULL;
    return found ? found->index : -1;
}

static const storage *storage_of(const ftf_catalog *catalog) { return catalog->storage; }

int ftf_catalog_find_type(const ftf_catalog *catalog, const char *name) {
    return find_entry(storage_of(catalog)->types, catalog->type_count, name, 0);
}

int ftf_catalog_find_callable(const ftf_catalog *catalog, const char *name, int owner) {
    return find_entry(storage_of(catalog)->callables, catalog->callable_count, name, owner);
}

bool ftf_catalog_has_global(const ftf_catalog *catalog, const char *name) {
    const storage *store = storage_of(catalog);
    return find_entry(store->globals, store->global_count, name, 0) >= 0;
}

/* Before this, find_type sees an empty table; two types of one name would make every reference to them a guess. */
static bool index_types(loader *in, ftf_type *types, uint32_t count) {
    entry *table = FTF_NEW(in->arena, entry, count);
    for (uint32_t i = 0; i < count; i++) {
        table[i] = (entry){.name = types[i].name, .index = (int)i};
    }
    if (count) {
        qsort(table, count, sizeof *table, compare_entries);
    }
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(table[i - 1].name, table[i].name) == 0) {
            return refuse(in, "type \"%.80s\" is listed twice", table[i].name);
        }
    }
    in->storage->types = table;
    in->catalog->types = types;
    in->catalog->type_count = count;
    return true;
}

static void index_callables(loader *in) {
    const ftf_catalog *catalog = in->catalog;
    uint32_t count = catalog->callable_count;
    in->storage->callables = FTF_NEW(in->arena, entry, count);
    in->storage->globals = FTF_NEW(in->arena, entry, count);
    for (uint32_t i = 0; i < count; i++) {
        const ftf_callable *callable = &catalog->callables[i];
        in->storage->callables[i] = (entry){.name = callable->name, .owner = callable->owner, .index = (int)i};
        if (callable->owner < 0) {
            const char *head = ftf_arena_copy(in->arena, callable->name, strcspn(callable->name, "."));
            in->storage->globals[in->storage->global_count++] = (entry){.name = head, .index = (int)i};
        }
    }
    if (count) {
        qsort(in->storage->callables, count, sizeof(entry), compare_entries);
        qsort(in->storage->globals, in->storage->global_count, sizeof(entry), compare_entries);
    }
}

/* ---- entry points ------------------------------------------------------------------------------------------------ */

static bool load_root(loader *in, const json_t *root) {
    ftf_catalog *catalog = in->catalog;
    ftf_type *types = NULL;
    uint32_t type_count = 0;
    if (!read_head(in, root) ||
        !get_list(in, root, "types", true, read_type, sizeof(ftf_type), &type_count, &types) ||
        !index_types(in, types, type_count) ||
        !get_list(in, root, "callables", true, read_callable, sizeof(ftf_callable), &catalog->callable_count,
                  &catalog->callables)) {
        return false;
    }
    list_methods(in);
    index_callables(in);
    if (!read_attributes(in, root) || !read_operators(in, root) || !read_values(in, root) ||
        !get_list(in, root, "skipped", false, read_skip, sizeof(ftf_skip), &catalog->skip_count, &catalog->skipped) ||
        !get_list(in, root, "unknown", false, read_skip, sizeof(ftf_skip), &catalog->unknown_count,
                  &catalog->unknown) ||
        !get_list(in, root, "modules", false, read_string_item, sizeof(char *), &catalog->module_count,
                  &catalog->modules) ||
        !get_list(in, root, "share", false, read_share, sizeof(int), &catalog->share_count, &catalog->share)) {
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
        return ftf_fail_at(err, where.line > 0 ? where.line : 0, "catalog: line %d, column %d: %s", where.line, where.column,
                           where.text);
    }
    ftf_arena *arena = ftf_arena_create();
    loader in = {.arena = arena, .scratch = ftf_arena_create(), .err = err};
    in.catalog = FTF_NEW(arena, ftf_catalog, 1);
    in.storage = FTF_NEW(arena, storage, 1);
    in.storage->arena = arena;
    in.catalog->storage = in.storage;
    bool loaded = load_root(&in, root);
    json_decref(root);
    ftf_arena_destroy(in.scratch);
    if (!loaded) {
        ftf_arena_destroy(arena);
        return FTF_INPUT;
    }
    *out = in.catalog;
    return FTF_OK;
}

void ftf_catalog_destroy(ftf_catalog *catalog) {
    if (catalog) {
        ftf_arena_destroy(storage_of(catalog)->arena);
    }
}
