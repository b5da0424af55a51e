#ifndef FTF_SCENARIO_CATALOG_H
#define FTF_SCENARIO_CATALOG_H
/*
 * A catalog: what is known about a target's API, as data. python/discover.py learns it from the running module (names
 * by introspection, accepted arguments by trial), merges what the target's .toml file adds, and writes it as JSON;
 * the generator and the mutators read it here and never ask Python.
 *
 * The JSON, format 1 (every list is sorted, so the same module version gives the same bytes):
 *
 *   {"format": 1, "target": "collections", "import": "collections", "version": "3.13.5", "python": "3.13.5",
 *    "package": "multidict==6.7.1" | "",        how pip gets what was tested, where it can
 *    "gil": "declared" | "not-declared" | "n/a",
 *    "blame": {"files": ["Modules/_collectionsmodule.c", ...], "libraries": ["/abs/_x.cpython-313t-....so", ...]},
 *    "contract": "no-crash" | "memory-safe" | "consistent",
 *    "types": [{"name": "OrderedDict",          the name that lanes use; types without a constructor have one, too
 *               "public": true,                 reachable as a global of the target
 *               "traits": ["iterable", "iterator", "sized", "mapping", "sequence", "buffer", "context", ...],
 *               "make": [["OrderedDict([(\"a\", 1)])"], ["s0 = OrderedDict()", "iter(s0)"]]}],
 *                        ways to make one: lines of the scenario language, the last yields the object
 *    "callables": [{"name": "move_to_end", "owner": "OrderedDict" | null,
 *                   "kind": "type" | "function" | "method",
 *                   "native": true,             implemented in C
 *                   "mutates": true | false | null,
 *                   "patterns": [{"args": ["str"], "kwargs": {"last": "bool"}, "score": 3, "returns": "NoneType"}]}],
 *                        score 3: returned, 2: raised something other than TypeError
 *    "attributes": [{"owner": "deque", "name": "maxlen", "set": true, "delete": false, "accepts": ["int"]}],
 *    "operators": [{"owner": "OrderedDict", "op": "|=", "args": ["dict"]}],    symbols of ops.def, and kinds accepted
 *    "skipped": [{"name": "...", "reason": "..."}],     never called
 *    "unknown": [{"name": "...", "reason": "..."}],     no accepted arguments found
 *    "values": {"kind": ["\"i\"", ...]},   extra samples for a kind, from the target file
 *    "share": ["OrderedDict", ...],        types to prefer as shared objects (the target file; may be empty)
 *    "modules": ["_collections", ...]}     native modules behind the target, imported with it: a global whose first
 *                                          components are one of these names is looked up there
 *
 * In "operators" an item operator is written `[]`, `[]=` or `del[]` (args: the kinds of the key), a prefix operator
 * `-x` or `~x` (no args), all others are the symbols of ops.def; `[]=` may carry "values": the kinds of what is
 * assigned. A callable named "__call__" is a METHOD like any other. A line of "make" may be an attribute read
 * (`s0.attr`).
 *
 * An entry of args, accepts, kwargs is an *argument descriptor*: the name of a kind (kinds.def), `@Type` for an object
 * of a type of this catalog, or `=text` for exactly that value of the scenario language.
 *
 * Ownership: a catalog owns all it points to. Threads: immutable after load.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum ftf_arg_source { FTF_ARG_KIND, FTF_ARG_TYPE, FTF_ARG_LITERAL } ftf_arg_source;

typedef struct ftf_arg {
    ftf_arg_source source;
    int index;        /* KIND: into ftf_kinds; TYPE: into ftf_catalog.types */
    const char *text; /* LITERAL: the value's text */
} ftf_arg;

typedef struct ftf_pattern {
    uint32_t argc;
    ftf_arg *args;
    uint32_t kwargc;
    const char **kwnames;
    ftf_arg *kwargs;
    int score;
    int returns; /* type index, or -1 when it is none of the catalog's */
} ftf_pattern;

typedef struct ftf_callable {
    const char *name;
    int owner; /* type index of a method, else -1 */
    bool is_type;
    int type; /* is_type: the type it makes, else -1 */
    bool native;
    int mutates; /* 1 yes, 0 no, -1 not known */
    uint32_t pattern_count;
    ftf_pattern *patterns;
} ftf_callable;

typedef struct ftf_make {
    uint32_t line_count;
    const char **lines;
} ftf_make;

typedef enum ftf_trait {
    FTF_TRAIT_ITERABLE = 1 << 0,
    FTF_TRAIT_ITERATOR = 1 << 1,
    FTF_TRAIT_SIZED = 1 << 2,
    FTF_TRAIT_MAPPING = 1 << 3,
    FTF_TRAIT_SEQUENCE = 1 << 4,
    FTF_TRAIT_BUFFER = 1 << 5,
    FTF_TRAIT_CONTEXT = 1 << 6,
    FTF_TRAIT_HASHABLE = 1 << 7,
    FTF_TRAIT_COPYABLE = 1 << 8,
    FTF_TRAIT_PICKLABLE = 1 << 9,
    FTF_TRAIT_CALLABLE = 1 << 10,
    FTF_TRAIT_ENDLESS = 1 << 11, /* an iterator that does not end: never given to something that exhausts it */
} ftf_trait;

typedef struct ftf_operator {
    int code; /* an ftf_op_code of form INFIX, INPLACE, PREFIX, GETITEM, SETITEM or DELITEM */
    uint32_t argc;
    ftf_arg *args; /* the kinds the right operand may have (alternatives); for items the key kinds */
    uint32_t value_count;
    ftf_arg *values; /* SETITEM: the kinds of what is assigned */
} ftf_operator;

typedef struct ftf_attribute {
    const char *name;
    bool can_set, can_delete;
    uint32_t accept_count;
    ftf_arg *accepts;
} ftf_attribute;

struct ftf_action;

typedef struct ftf_type {
    const char *name;
    bool is_public;
    uint32_t traits;
    uint32_t make_count;
    ftf_make *makes;
    uint32_t method_count; /* indices into ftf_catalog.callables */
    int *methods;
    uint32_t attribute_count;
    ftf_attribute *attributes;
    uint32_t operator_count;
    ftf_operator *operators;
    uint32_t action_count; /* all of the above as one list of things to do with an object (actions.h) */
    const struct ftf_action *actions;
    uint32_t roles;  /* of all actions together (ftf_role) */
    uint32_t weight; /* how often to share an object of this type, next to the others; 0 when none can be made */
} ftf_type;

/* One argument of one accepted call, found by what it accepts. */
typedef struct ftf_arg_place {
    int callable;
    uint32_t pattern, arg;
} ftf_arg_place;

typedef struct ftf_skip {
    const char *name, *reason;
} ftf_skip;

typedef struct ftf_catalog {
    const char *target;      /* the name the person gave */
    const char *import_name; /* the module to import */
    const char *version; /* of the module */
    const char *python;  /* of the interpreter it was learned in */
    const char *package; /* the requirement that was tested; "": it came from no index */
    const char *gil;
    const char *contract;
    uint32_t blame_file_count;
    const char **blame_files;
    uint32_t blame_library_count;
    const char **blame_libraries;
    uint32_t type_count;
    ftf_type *types;
    uint32_t callable_count;
    ftf_callable *callables;
    uint32_t skip_count;
    ftf_skip *skipped;
    uint32_t unknown_count;
    ftf_skip *unknown;
    uint32_t share_count;
    int *share;
    uint32_t module_count;
    const char **modules;
    uint32_t function_count; /* indices into callables: all that have no owner and an accepted call */
    int *functions;
    uint32_t call_factor; /* 1, 2 or 4: how much of the target is functions rather than methods */
    uint32_t container_count; /* arguments that may be a list, dict, set or iterator: another lane can change it */
    ftf_arg_place *containers;
    uint32_t callback_count; /* arguments through which the callee runs code of ours */
    ftf_arg_place *callbacks;
    const char ***extra_samples; /* [kind index] -> NULL-terminated list, or NULL */
    void *storage;
} ftf_catalog;

/* Reads a catalog from JSON text; err names what is wrong and where. */
ftf_status ftf_catalog_load(const char *json, size_t len, ftf_catalog **out, ftf_error *err);
void ftf_catalog_destroy(ftf_catalog *catalog);

/* True when lanes can reach something of the target by that name, or a name in it begins so (`date` for date.today). */
bool ftf_catalog_has_global(const ftf_catalog *catalog, const char *name);

/* The type of that name, or -1. */
int ftf_catalog_find_type(const ftf_catalog *catalog, const char *name);

/* The callable of that name and owner (a type's index, or -1), or -1. */
int ftf_catalog_find_callable(const ftf_catalog *catalog, const char *name, int owner);

#endif
