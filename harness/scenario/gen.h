#ifndef FTF_SCENARIO_GEN_H
#define FTF_SCENARIO_GEN_H
/*
 * What the parts of the generator share: gen.c knows what slots hold and makes objects, gen_arg.c draws arguments,
 * gen_op.c draws operations, shapes.c puts them together. mutate.c uses the first three on scenarios that exist
 * already.
 *
 * A generator works on a scenario that may not be valid yet; ftf_scenario_mend makes it so at the end.
 */
#include "base/rng.h"
#include "scenario/actions.h"
#include "scenario/catalog.h"
#include "scenario/scenario.h"

/* What a slot holds: the index of a type of the catalog, one of the builtins below, or nothing that is known. */
enum { FTF_HOLDS_UNKNOWN = -1, FTF_HOLDS_BUILTIN = -2 };

typedef enum ftf_builtin {
#define FTF_BUILTIN(name, make) FTF_BUILTIN_##name,
#define FTF_BUILTIN_ACTION(name, roles, line)
#include "scenario/builtins.def"
#undef FTF_BUILTIN
#undef FTF_BUILTIN_ACTION
    FTF_BUILTIN_COUNT
} ftf_builtin;

/* -2, -3, ...: builtins share one int with the types of the catalog. */
static inline int ftf_holds_builtin(ftf_builtin builtin) { return FTF_HOLDS_BUILTIN - (int)builtin; }

typedef struct ftf_gen {
    const ftf_catalog *catalog;
    ftf_rng *rng;
    ftf_scenario *scenario;
    int holds[FTF_SLOTS_MAX];
} ftf_gen;

/* ---- gen.c ------------------------------------------------------------------------------------------------------- */

/* Starts on a scenario, and finds out what its slots hold from the operations that assign them. */
void ftf_gen_init(ftf_gen *gen, const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario);

/* Appends an op. With keep its result goes to a fresh slot, which is returned; FTF_NO_SLOT otherwise. */
int ftf_gen_push(ftf_gen *gen, int owner, ftf_op *op, bool keep);

/* Makes an object in a section; its slot, or FTF_NO_SLOT when there is no way or no room. */
int ftf_gen_make(ftf_gen *gen, int type, int owner);
int ftf_gen_make_builtin(ftf_gen *gen, ftf_builtin builtin, int owner);

/* A type with all of these roles that can be made, drawn by weight, those to share first; -1 when there is none. */
int ftf_gen_type(ftf_gen *gen, uint32_t roles);

/* A slot that section owner can see and that holds this; FTF_NO_SLOT when there is none. holds FTF_HOLDS_UNKNOWN: any
   that is known. */
int ftf_gen_visible(ftf_gen *gen, int owner, int holds);

/*
 * 1 mostly, else up to 300. A call repeated costs what many scenarios cost, and a switch that falls into it at random
 * meets the window no more often; but only repeats exhaust iterators and outgrow buffers.
 */
uint32_t ftf_gen_repeat(ftf_gen *gen);

/* True with a chance of percent in 100. */
bool ftf_gen_chance(ftf_gen *gen, uint32_t percent);

/* ---- gen_arg.c --------------------------------------------------------------------------------------------------- */

ftf_value ftf_gen_arg(ftf_gen *gen, int owner, const ftf_arg *arg);

/* A string or a number that the scenario has already, such as a key of a shared object: lanes that are to meet have to
   ask for the same thing. kind FTF_VALUE_COUNT takes either. False when there is none. */
bool ftf_gen_known(ftf_gen *gen, ftf_value_kind kind, ftf_value *out);

/* An object that runs Python code of ours when the callee touches it, mostly against this slot. */
ftf_value ftf_gen_callback(ftf_gen *gen, int slot);

/* The builtin that fits a kind of argument, or -1. */
int ftf_gen_container_of(const ftf_arg *arg);

/* One of the accepted calls of a callable, better ones more often. */
const ftf_pattern *ftf_gen_pattern(ftf_gen *gen, const ftf_callable *callable);

/* Fills in name and arguments of a CALL or METHOD; `place` (may be NULL) says which argument is given by `value`. */
typedef struct ftf_given {
    uint32_t arg;
    ftf_value value;
} ftf_given;

void ftf_gen_call(ftf_gen *gen, int owner, const ftf_callable *callable, const ftf_pattern *pattern,
                  const ftf_given *given, ftf_op *op);

ftf_value ftf_value_slot(int slot);
ftf_value ftf_value_recipe(ftf_arena *arena, const char *name, const ftf_value *argument);

/* ---- gen_op.c ---------------------------------------------------------------------------------------------------- */

typedef struct ftf_want {
    uint32_t roles; /* any of these */
    bool keep;      /* the result in a slot */
    uint32_t repeat;
} ftf_want;

/* Does something with the object in a slot; false when nothing fits the roles or the section is full. *kept (may be
   NULL) gets the slot of the result. */
bool ftf_gen_act(ftf_gen *gen, int owner, int slot, ftf_want want, int *kept);

/* Does exactly this with an object of the target; false when the section is full. */
bool ftf_gen_action(ftf_gen *gen, int owner, int slot, const ftf_action *action, ftf_want want, int *kept);

/* Calls a function or a type of the target. */
bool ftf_gen_function(ftf_gen *gen, int owner);

/* Appends one line of the language in which `a` is this slot; its result goes to a slot when the line assigns one. */
bool ftf_gen_line(ftf_gen *gen, int owner, int slot, const char *line, uint32_t repeat);

/* Anything that the slots of a section can do. */
bool ftf_gen_any(ftf_gen *gen, int owner);

#endif
