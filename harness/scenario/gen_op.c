/* Operations: what can be done with an object is a list of actions (actions.h), or of lines (builtins.def). */
#include <string.h>

#include "scenario/fragment.h"
#include "scenario/gen.h"
#include "scenario/kinds.h"
#include "scenario/ops.h"

enum {
    READ = FTF_ROLE_READ,
    WRITE = FTF_ROLE_WRITE,
    DESTROY = FTF_ROLE_DESTROY,
    EXPORT = FTF_ROLE_EXPORT,
    ADVANCE = FTF_ROLE_ADVANCE,
    SUMMARY = FTF_ROLE_SUMMARY,
    ITERATE = FTF_ROLE_ITERATE,
};

/* ---- builtins ---------------------------------------------------------------------------------------------------- */

static const struct builtin_line {
    ftf_builtin builtin;
    uint32_t roles;
    const char *line;
} builtin_lines[] = {
#define FTF_BUILTIN(name, make)
#define FTF_BUILTIN_ACTION(name, roles, line) {FTF_BUILTIN_##name, roles, line},
#include "scenario/builtins.def"
#undef FTF_BUILTIN
#undef FTF_BUILTIN_ACTION
};

enum { BUILTIN_LINES = sizeof builtin_lines / sizeof *builtin_lines };

bool ftf_gen_line(ftf_gen *gen, int owner, int slot, const char *line, uint32_t repeat) {
    ftf_fragment fragment;
    ftf_fragment_init(&fragment, gen->catalog);
    ftf_fragment_bind(&fragment, "a", slot);
    if (ftf_fragment_add(&fragment, gen->scenario, owner, line, NULL) != FTF_OK) {
        return false;
    }
    ftf_section *section = ftf_scenario_section(gen->scenario, owner);
    section->ops[section->count - 1].repeat = repeat;
    return true;
}

/* Each line that fits with the same chance, but moving an iterator is what one mostly does with it. */
static const char *draw_builtin_line(ftf_gen *gen, int holds, uint32_t roles) {
    enum { WEIGHT_NEXT = 4 };
    const char *drawn = NULL;
    uint32_t total = 0;
    for (uint32_t i = 0; i < BUILTIN_LINES; i++) {
        const struct builtin_line *row = &builtin_lines[i];
        if (ftf_holds_builtin(row->builtin) != holds || !(row->roles & roles)) {
            continue;
        }
        uint32_t weight = row->roles == (WRITE | ADVANCE) ? WEIGHT_NEXT : 1;
        total += weight;
        drawn = ftf_rng_below(gen->rng, total) < weight ? row->line : drawn;
    }
    return drawn;
}

static bool act_on_builtin(ftf_gen *gen, int owner, int slot, ftf_want want, int *kept) {
    const char *line = draw_builtin_line(gen, gen->holds[slot], want.roles);
    if (!line) {
        return false;
    }
    if (!ftf_gen_line(gen, owner, slot, line, want.repeat)) {
        return false;
    }
    ftf_section *section = ftf_scenario_section(gen->scenario, owner);
    ftf_op op = section->ops[section->count - 1];
    if (want.keep && ftf_ops[op.code].yields) {
        section->count--;
        *kept = ftf_gen_push(gen, owner, &op, true);
    }
    return true;
}

/* ---- objects of the target --------------------------------------------------------------------------------------- */

/* One of the alternatives that an operator or attribute accepts; without any, an ordinary value. */
static ftf_value draw_operand(ftf_gen *gen, int owner, const ftf_arg *args, uint32_t count) {
    static const char *const fallback[] = {"int", "str", "none", "list"};
    if (count) {
        return ftf_gen_arg(gen, owner, &args[ftf_rng_below(gen->rng, count)]);
    }
    const ftf_kind *kind = ftf_kind_find(fallback[ftf_rng_below(gen->rng, sizeof fallback / sizeof *fallback)]);
    ftf_arg arg = {.source = FTF_ARG_KIND, .index = (int)(kind - ftf_kinds)};
    return ftf_gen_arg(gen, owner, &arg);
}

static void build_attribute(ftf_gen *gen, int owner, const ftf_attribute *attribute, ftf_op *op) {
    op->name = ftf_arena_copy(gen->scenario->arena, attribute->name, strlen(attribute->name));
    if (op->code == FTF_OP_SETATTR) {
        op->argc = 1;
        op->args = FTF_NEW(gen->scenario->arena, ftf_value, 1);
        op->args[0] = draw_operand(gen, owner, attribute->accepts, attribute->accept_count);
    }
}

static void build_operator(ftf_gen *gen, int owner, const ftf_operator *operator, ftf_op * op) {
    if (ftf_ops[op->code].form == FTF_FORM_PREFIX) {
        return;
    }
    ftf_value self = op->self;
    op->argc = op->code == FTF_OP_SETITEM ? 2 : 1;
    op->args = FTF_NEW(gen->scenario->arena, ftf_value, 2);
    ftf_form form = ftf_ops[op->code].form;
    bool is_key = (form != FTF_FORM_INFIX && form != FTF_FORM_INPLACE) || op->code == FTF_OP_CONTAINS;
    if (!is_key || !ftf_gen_chance(gen, 60) || !ftf_gen_known(gen, FTF_VALUE_COUNT, &op->args[0])) {
        op->args[0] = draw_operand(gen, owner, operator->args, operator->argc);
    }
    if (op->code == FTF_OP_SETITEM) {
        op->args[1] = draw_operand(gen, owner, operator->values, operator->value_count);
    }
    if (op->code == FTF_OP_CONTAINS) {
        op->self = op->args[0];
        op->args[0] = self;
    }
}

bool ftf_gen_action(ftf_gen *gen, int owner, int slot, const ftf_action *action, ftf_want want, int *kept) {
    const ftf_catalog *catalog = gen->catalog;
    const ftf_type *type = &catalog->types[gen->holds[slot]];
    ftf_op op = {.code = action->code, .dest = FTF_NO_SLOT, .repeat = want.repeat, .self = ftf_value_slot(slot)};
    ftf_form form = ftf_ops[action->code].form;
    if (form == FTF_FORM_METHOD) {
        const ftf_callable *method = &catalog->callables[action->index];
        ftf_gen_call(gen, owner, method, ftf_gen_pattern(gen, method), NULL, &op);
    } else if (form == FTF_FORM_GETATTR || form == FTF_FORM_SETATTR || form == FTF_FORM_DELATTR) {
        build_attribute(gen, owner, &type->attributes[action->index], &op);
    } else if (form != FTF_FORM_FUNC && form != FTF_FORM_WITH) {
        build_operator(gen, owner, &type->operators[action->index], &op);
    }
    uint32_t before = ftf_scenario_section(gen->scenario, owner)->count;
    *kept = ftf_gen_push(gen, owner, &op, want.keep);
    return ftf_scenario_section(gen->scenario, owner)->count > before;
}

static const ftf_action *draw_action(ftf_gen *gen, const ftf_type *type, uint32_t roles) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < type->action_count; i++) {
        total += type->actions[i].roles & roles ? type->actions[i].weight : 0;
    }
    uint32_t left = ftf_rng_below(gen->rng, total);
    for (uint32_t i = 0; i < type->action_count; i++) {
        uint32_t weight = type->actions[i].roles & roles ? type->actions[i].weight : 0;
        if (left < weight) {
            return &type->actions[i];
        }
        left -= weight;
    }
    return NULL;
}

bool ftf_gen_act(ftf_gen *gen, int owner, int slot, ftf_want want, int *kept) {
    int ignored;
    kept = kept ? kept : &ignored;
    *kept = FTF_NO_SLOT;
    int holds = slot == FTF_NO_SLOT ? FTF_HOLDS_UNKNOWN : gen->holds[slot];
    if (holds == FTF_HOLDS_UNKNOWN) {
        return false;
    }
    if (holds < 0) {
        return act_on_builtin(gen, owner, slot, want, kept);
    }
    const ftf_action *action = draw_action(gen, &gen->catalog->types[holds], want.roles);
    return action && ftf_gen_action(gen, owner, slot, action, want, kept);
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

/* Native ones ten times as often as others. */
static const ftf_callable *draw_function(ftf_gen *gen) {
    const ftf_catalog *catalog = gen->catalog;
    const ftf_callable *drawn = NULL;
    for (int tries = 0; catalog->function_count && tries < 4; tries++) {
        drawn = &catalog->callables[catalog->functions[ftf_rng_below(gen->rng, catalog->function_count)]];
        if (drawn->native || ftf_gen_chance(gen, 10)) {
            break;
        }
    }
    return drawn;
}

bool ftf_gen_function(ftf_gen *gen, int owner) {
    const ftf_callable *callable = draw_function(gen);
    if (!callable) {
        return false;
    }
    ftf_op op = {.dest = FTF_NO_SLOT, .repeat = ftf_gen_repeat(gen)};
    const ftf_pattern *pattern = ftf_gen_pattern(gen, callable);
    ftf_gen_call(gen, owner, callable, pattern, NULL, &op);
    uint32_t before = ftf_scenario_section(gen->scenario, owner)->count;
    ftf_gen_push(gen, owner, &op, pattern->returns >= 0 && ftf_gen_chance(gen, 50));
    return ftf_scenario_section(gen->scenario, owner)->count > before;
}

/* ---- anything ---------------------------------------------------------------------------------------------------- */

bool ftf_gen_any(ftf_gen *gen, int owner) {
    if (ftf_gen_chance(gen, 10) && ftf_gen_function(gen, owner)) {
        return true;
    }
    int slot = ftf_gen_visible(gen, owner, FTF_HOLDS_UNKNOWN);
    bool is_target = slot != FTF_NO_SLOT && gen->holds[slot] >= 0;
    if (!is_target && (slot == FTF_NO_SLOT || ftf_gen_chance(gen, 60)) && ftf_gen_function(gen, owner)) {
        return true; /* a builtin of its own accord races with nothing of the target */
    }
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    if (ftf_gen_chance(gen, 3)) {
        return ftf_gen_line(gen, owner, slot, ftf_gen_chance(gen, 30) ? "gc.collect()" : "del a", 1);
    }
    ftf_want want = {.roles = FTF_ROLE_ANY, .keep = ftf_gen_chance(gen, 20), .repeat = ftf_gen_repeat(gen)};
    return ftf_gen_act(gen, owner, slot, want, NULL);
}
