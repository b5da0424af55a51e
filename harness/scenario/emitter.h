#ifndef FTF_SCENARIO_EMITTER_H
#define FTF_SCENARIO_EMITTER_H
/*
 * What the two halves of emit.h share: emit.c writes the script's shape (imports, recipes, functions, the table), emit_op.c
 * names, values and the lines of one op.
 */
#include "scenario/emit.h"

typedef struct ftf_emitter {
    const ftf_scenario *const *scenarios;
    uint32_t count;
    const ftf_emit_options *options;
    const ftf_scenario *scenario;               /* the current one */
    const ftf_value *hoisted[FTF_ARGS_MAX + 2]; /* operands that were made before the loop: arg_1, arg_2, ... */
    uint32_t hoisted_count;
    ftf_text *out;
} ftf_emitter;

/* Is called for each value, what is in it and what a CALL calls, until it says false; the visit says so, too. */
typedef bool ftf_emit_visitor(void *self, const ftf_value *value);
bool ftf_emit_visit(const ftf_emitter *e, ftf_emit_visitor *on_value, void *self);

/* `date` of date.today. */
void ftf_emit_first_part(const char *dotted, char name[FTF_NAME_MAX + 1]);

/* The name of the variable that the slot is. */
void ftf_emit_slot(const ftf_emitter *e, int slot);

/* The lines of an op in a section, indented once. */
void ftf_emit_op(ftf_emitter *e, const ftf_op *op, int owner);

#endif
