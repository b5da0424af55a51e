#ifndef FTF_SCENARIO_ACTIONS_H
#define FTF_SCENARIO_ACTIONS_H
/*
 * What can be done with an object of a type, as one flat list: its methods, attributes and operators from the
 * catalog, and the protocols that its traits promise (len, iter, next, repr, copy, ...). Each action has roles, so
 * that "a mutator beside a reader" is a draw from this list and not a special case for each kind of op.
 *
 * Roles come from what the catalog learned (`mutates`), else from the name (roles.def): names are what the authors of
 * extension modules tell us for free.
 */
#include "scenario/catalog.h"
#include "scenario/scenario.h"

typedef enum ftf_role {
    FTF_ROLE_READ = 1 << 0,
    FTF_ROLE_WRITE = 1 << 1,
    FTF_ROLE_DESTROY = 1 << 2, /* takes the object's insides away at once: clear, close, __init__, __setstate__ */
    FTF_ROLE_EXPORT = 1 << 3,  /* hands out a view of the object's memory */
    FTF_ROLE_ADVANCE = 1 << 4, /* moves a cursor: next, read */
    FTF_ROLE_SUMMARY = 1 << 5, /* looks at all of the object: repr, len, copy, pickle */
    FTF_ROLE_ATTRIBUTE = 1 << 6,
    FTF_ROLE_ITERATE = 1 << 7, /* walks the object: iter, list, reversed */
} ftf_role;

enum { FTF_ROLE_ANY = 0x7fffffff };

typedef struct ftf_action {
    ftf_op_code code;
    int index;      /* METHOD: into catalog.callables; attributes and operators: into the type's lists */
    uint32_t roles; /* of ftf_role */
    uint32_t weight;
} ftf_action;

/* The roles a method of that name has, when nothing else is known. */
uint32_t ftf_roles_of_name(const char *name);

/* Fills in actions and weight of a type whose other members are complete; memory from arena. */
void ftf_actions_list(const ftf_catalog *catalog, ftf_type *type, ftf_arena *arena);

/* Fills in functions, containers and callbacks of a catalog whose callables are complete. */
void ftf_arg_places_list(ftf_catalog *catalog, ftf_arena *arena);

#endif
