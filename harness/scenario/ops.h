#ifndef FTF_SCENARIO_OPS_H
#define FTF_SCENARIO_OPS_H
/*
 * The tables ops.def and recipes.def as data: what the parser, the printer, the executor and the emitter have to
 * agree on.
 */
#include <stddef.h>

#include "scenario/scenario.h"

typedef enum ftf_form {
    FTF_FORM_CALL,
    FTF_FORM_METHOD,
    FTF_FORM_GETATTR,
    FTF_FORM_SETATTR,
    FTF_FORM_DELATTR,
    FTF_FORM_GETITEM,
    FTF_FORM_SETITEM,
    FTF_FORM_DELITEM,
    FTF_FORM_INFIX,
    FTF_FORM_INPLACE,
    FTF_FORM_PREFIX,
    FTF_FORM_FUNC,
    FTF_FORM_WITH,
    FTF_FORM_DROP,
    FTF_FORM_BARE,
    FTF_FORM_COUNT
} ftf_form;

typedef struct ftf_op_info {
    const char *name;   /* as in ops.def: "MOVE_TO_END" style, for tables and messages */
    const char *symbol; /* the operator or function name, "" where the form has none */
    ftf_form form;
    bool yields; /* has a result that a slot can keep */
} ftf_op_info;

extern const ftf_op_info ftf_ops[FTF_OP_COUNT];

/* The op of that form and symbol, or -1. */
int ftf_op_find(ftf_form form, const char *symbol, size_t len);

/* The FUNC or BARE op of that name, or -1: these are ops whatever the target is. */
int ftf_op_find_function(const char *name, size_t len);

/* True for a name that may not be a slot's: keywords of Python, and names in which a FUNC or BARE op begins. */
bool ftf_name_is_reserved(const char *name, size_t len);

/* True for a keyword of Python 3.13, None, True and False included: no name at all may be one. */
bool ftf_name_is_keyword(const char *name, size_t len);

/* True for a literal made of digits: nothing that begins with a dot can be written behind it. */
bool ftf_value_is_numeral(const ftf_value *value);

typedef struct ftf_recipe {
    const char *name;
    uint32_t min_args, max_args;
    const char *doc;
} ftf_recipe;

extern const ftf_recipe ftf_recipes[];
extern const size_t ftf_recipe_count;

/* The recipe of that name (without the dollar sign), or NULL. */
const ftf_recipe *ftf_recipe_find(const char *name, size_t len);

#endif
