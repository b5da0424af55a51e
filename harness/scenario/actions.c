#include "scenario/actions.h"

#include <string.h>

#include "base/check.h"
#include "scenario/kinds.h"
#include "scenario/ops.h"

enum {
    READ = FTF_ROLE_READ,
    WRITE = FTF_ROLE_WRITE,
    DESTROY = FTF_ROLE_DESTROY,
    EXPORT = FTF_ROLE_EXPORT,
    ADVANCE = FTF_ROLE_ADVANCE,
    SUMMARY = FTF_ROLE_SUMMARY,
    ATTRIBUTE = FTF_ROLE_ATTRIBUTE,
    ITERATE = FTF_ROLE_ITERATE,
};

/* ---- roles ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *pattern;
    uint32_t roles;
} role_rows[] = {
#define FTF_ROLE(pattern, roles) {pattern, roles},
#include "scenario/roles.def"
#undef FTF_ROLE
};

static bool matches(const char *pattern, const char *name) {
    size_t len = strlen(pattern);
    if (pattern[0] == '*') {
        size_t name_len = strlen(name);
        return name_len >= len - 1 && strcmp(name + name_len - (len - 1), pattern + 1) == 0;
    }
    if (pattern[len - 1] == '*') {
        return strncmp(name, pattern, len - 1) == 0;
    }
    return strcmp(name, pattern) == 0;
}

uint32_t ftf_roles_of_name(const char *name) {
    for (size_t i = 0; i < sizeof role_rows / sizeof *role_rows; i++) {
        if (matches(role_rows[i].pattern, name)) {
            return role_rows[i].roles;
        }
    }
    return READ;
}

/* What was observed decides between reading and writing; the name still tells the finer roles. */
static uint32_t method_roles(const ftf_callable *method) {
    uint32_t roles = ftf_roles_of_name(method->name);
    if (method->mutates == 1) {
        return (roles & ~(uint32_t)(READ | SUMMARY | ITERATE)) | WRITE;
    }
    return roles;
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

/* Native code is where the bugs are that this tool looks for; Python code on top of it only costs time. */
enum {
    WEIGHT_NATIVE_METHOD = 10,
    WEIGHT_WRAPPER_METHOD = 4, /* Python code on an object that is native otherwise: it mostly hands on to it */
    WEIGHT_PYTHON_METHOD = 1,
    WEIGHT_GET_ATTRIBUTE = 4,
    WEIGHT_SET_ATTRIBUTE = 6,
    WEIGHT_OPERATOR = 8,
    WEIGHT_PROTOCOL = 5,
    WEIGHT_DULL_PROTOCOL = 1,
};

/* The protocols that traits promise. `unless` is a trait that forbids one. */
static const struct {
    ftf_op_code code;
    uint32_t needs, unless;
    uint32_t roles;
    uint32_t weight;
} protocols[] = {
    {FTF_OP_LEN, FTF_TRAIT_SIZED, 0, READ | SUMMARY, WEIGHT_PROTOCOL},
    {FTF_OP_ITER, FTF_TRAIT_ITERABLE, 0, READ | ITERATE, WEIGHT_PROTOCOL},
    {FTF_OP_LIST, FTF_TRAIT_ITERABLE, FTF_TRAIT_ENDLESS, READ | ITERATE | SUMMARY, WEIGHT_PROTOCOL},
    {FTF_OP_NEXT, FTF_TRAIT_ITERATOR, 0, WRITE | ADVANCE, 3 * WEIGHT_PROTOCOL},
    {FTF_OP_REVERSED, FTF_TRAIT_SEQUENCE, FTF_TRAIT_ENDLESS, READ | ITERATE, WEIGHT_PROTOCOL},
    {FTF_OP_MEMORYVIEW, FTF_TRAIT_BUFFER, 0, READ | EXPORT, 2 * WEIGHT_PROTOCOL},
    {FTF_OP_BYTES, FTF_TRAIT_BUFFER, 0, READ | SUMMARY, WEIGHT_PROTOCOL},
    {FTF_OP_WITH, FTF_TRAIT_CONTEXT, 0, WRITE | DESTROY, WEIGHT_PROTOCOL},
    {FTF_OP_HASH, FTF_TRAIT_HASHABLE, 0, READ | SUMMARY, 2 * WEIGHT_DULL_PROTOCOL},
    {FTF_OP_COPY, FTF_TRAIT_COPYABLE, 0, READ | SUMMARY, WEIGHT_PROTOCOL},
    {FTF_OP_DEEPCOPY, FTF_TRAIT_COPYABLE, FTF_TRAIT_ENDLESS, READ | SUMMARY, WEIGHT_DULL_PROTOCOL},
    {FTF_OP_PICKLE, FTF_TRAIT_PICKLABLE, FTF_TRAIT_ENDLESS, READ | SUMMARY, WEIGHT_PROTOCOL},
    {FTF_OP_REPR, 0, 0, READ | SUMMARY, WEIGHT_PROTOCOL},
    {FTF_OP_STR, 0, 0, READ | SUMMARY, WEIGHT_DULL_PROTOCOL},
    {FTF_OP_BOOL, 0, 0, READ | SUMMARY, WEIGHT_DULL_PROTOCOL},
    {FTF_OP_SIZEOF, 0, 0, READ | SUMMARY, WEIGHT_DULL_PROTOCOL},
};

enum { PROTOCOL_COUNT = sizeof protocols / sizeof *protocols };

typedef struct action_list {
    ftf_action *actions;
    uint32_t count;
} action_list;

static void add(action_list *list, ftf_op_code code, uint32_t index, uint32_t roles, uint32_t weight) {
    list->actions[list->count++] = (ftf_action){.code = code, .index = (int)index, .roles = roles, .weight = weight};
}

/* __reduce__ and the like come with the interpreter and say nothing about the type. */
static bool has_native_methods(const ftf_catalog *catalog, const ftf_type *type) {
    for (uint32_t i = 0; i < type->method_count; i++) {
        const ftf_callable *method = &catalog->callables[type->methods[i]];
        if (method->native && strncmp(method->name, "__", 2) != 0) {
            return true;
        }
    }
    return false;
}

static void add_methods(action_list *list, const ftf_catalog *catalog, const ftf_type *type) {
    uint32_t python = has_native_methods(catalog, type) ? WEIGHT_WRAPPER_METHOD : WEIGHT_PYTHON_METHOD;
    for (uint32_t i = 0; i < type->method_count; i++) {
        const ftf_callable *method = &catalog->callables[type->methods[i]];
        if (method->pattern_count) {
            uint32_t weight = method->native ? WEIGHT_NATIVE_METHOD : python;
            add(list, FTF_OP_METHOD, (uint32_t)type->methods[i], method_roles(method), weight);
        }
    }
}

static void add_attributes(action_list *list, const ftf_type *type) {
    for (uint32_t i = 0; i < type->attribute_count; i++) {
        const ftf_attribute *attribute = &type->attributes[i];
        add(list, FTF_OP_GETATTR, i, READ | ATTRIBUTE, WEIGHT_GET_ATTRIBUTE);
        if (attribute->can_set) {
            add(list, FTF_OP_SETATTR, i, WRITE | ATTRIBUTE, WEIGHT_SET_ATTRIBUTE);
        }
        if (attribute->can_delete) {
            add(list, FTF_OP_DELATTR, i, WRITE | ATTRIBUTE, WEIGHT_SET_ATTRIBUTE);
        }
    }
}

static void add_operators(action_list *list, const ftf_type *type) {
    for (uint32_t i = 0; i < type->operator_count; i++) {
        ftf_op_code code = (ftf_op_code)type->operators[i].code;
        ftf_form form = ftf_ops[code].form;
        bool writes = form == FTF_FORM_INPLACE || form == FTF_FORM_SETITEM || form == FTF_FORM_DELITEM;
        add(list, code, i, writes ? WRITE : READ, WEIGHT_OPERATOR);
    }
}

static void add_protocols(action_list *list, const ftf_type *type) {
    for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
        bool promised = (type->traits & protocols[i].needs) == protocols[i].needs;
        if (promised && !(type->traits & protocols[i].unless)) {
            add(list, protocols[i].code, 0, protocols[i].roles, protocols[i].weight);
        }
    }
}

static bool is_core(const char *name) {
    static const char *const patterns[] = {
#define FTF_CORE_TYPE(pattern) pattern,
#include "scenario/core_types.def"
#undef FTF_CORE_TYPE
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (matches(patterns[i], name)) {
            return true;
        }
    }
    return false;
}

/* A type that can be changed, by native code of the target, is worth more than one that can only be looked at. */
static uint32_t type_weight(const ftf_catalog *catalog, const ftf_type *type) {
    bool native = (type->traits & FTF_TRAIT_ITERATOR) || has_native_methods(catalog, type);
    if (type->make_count == 0) {
        return 0;
    }
    if (is_core(type->name)) {
        return 1;
    }
    return (native ? 10u : 2u) * (type->roles & WRITE ? 3u : 1u) * (type->is_public ? 2u : 1u);
}

void ftf_actions_list(const ftf_catalog *catalog, ftf_type *type, ftf_arena *arena) {
    size_t room = type->method_count + 3 * (size_t)type->attribute_count + type->operator_count + PROTOCOL_COUNT;
    action_list list = {.actions = FTF_NEW(arena, ftf_action, room)};
    add_methods(&list, catalog, type);
    add_attributes(&list, type);
    add_operators(&list, type);
    add_protocols(&list, type);
    FTF_ASSERT(list.count <= room);
    for (uint32_t i = 0; i < list.count; i++) {
        type->roles |= list.actions[i].roles;
    }
    type->actions = list.actions;
    type->action_count = list.count;
    type->weight = type_weight(catalog, type);
}

/* ---- arguments worth to be shared -------------------------------------------------------------------------------- */

static bool is_one_of(const ftf_arg *arg, const char *const *names, size_t count) {
    for (size_t i = 0; arg->source == FTF_ARG_KIND && i < count; i++) {
        if (strcmp(ftf_kinds[arg->index].name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_container(const ftf_arg *arg) {
    static const char *const names[] = {"list", "strlist", "pairs", "dict", "set", "object", "iterator"};
    return is_one_of(arg, names, sizeof names / sizeof *names);
}

static bool is_callback(const ftf_arg *arg) {
    static const char *const names[] = {"callable", "object", "index", "iterator"};
    return is_one_of(arg, names, sizeof names / sizeof *names);
}

/* Counts the places where `wanted` holds; stores them, too, when places is not NULL. */
static uint32_t find_places(const ftf_catalog *catalog, bool (*wanted)(const ftf_arg *), ftf_arg_place *places) {
    enum { RETURNED = 3 };
    uint32_t count = 0;
    for (uint32_t c = 0; c < catalog->callable_count; c++) {
        const ftf_callable *callable = &catalog->callables[c];
        for (uint32_t p = 0; p < callable->pattern_count; p++) {
            if (callable->patterns[p].score < RETURNED) {
                continue; /* it refused what it got, and may not have looked at it at all */
            }
            for (uint32_t a = 0; a < callable->patterns[p].argc; a++) {
                if (!wanted(&callable->patterns[p].args[a])) {
                    continue;
                }
                if (places) {
                    places[count] = (ftf_arg_place){.callable = (int)c, .pattern = p, .arg = a};
                }
                count++;
            }
        }
    }
    return count;
}

/* Methods that the interpreter gives to everything do not count, nor do types: what they make is an object. */
static uint32_t call_factor(const ftf_catalog *catalog) {
    uint32_t functions = 0;
    uint32_t methods = 0;
    for (uint32_t c = 0; c < catalog->callable_count; c++) {
        const ftf_callable *callable = &catalog->callables[c];
        if (callable->owner >= 0) {
            methods += strncmp(callable->name, "__", 2) != 0 && !is_core(catalog->types[callable->owner].name);
        } else {
            functions += !callable->is_type;
        }
    }
    return functions >= methods ? 4 : 2 * functions >= methods ? 2 : 1;
}

void ftf_arg_places_list(ftf_catalog *catalog, ftf_arena *arena) {
    catalog->container_count = find_places(catalog, is_container, NULL);
    catalog->containers = FTF_NEW(arena, ftf_arg_place, catalog->container_count);
    find_places(catalog, is_container, catalog->containers);
    catalog->callback_count = find_places(catalog, is_callback, NULL);
    catalog->callbacks = FTF_NEW(arena, ftf_arg_place, catalog->callback_count);
    find_places(catalog, is_callback, catalog->callbacks);
    catalog->call_factor = call_factor(catalog);
    catalog->functions = FTF_NEW(arena, int, catalog->callable_count);
    for (uint32_t c = 0; c < catalog->callable_count; c++) {
        if (catalog->callables[c].owner < 0 && catalog->callables[c].pattern_count) {
            catalog->functions[catalog->function_count++] = (int)c;
        }
    }
}
