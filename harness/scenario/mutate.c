/*
 * Reading order: the mutators, one function each in the order of mutators.def; ftf_mutate at the end draws some of
 * them, mends and trims. Each mutator returns false when there is nothing it could change, and another one is drawn.
 */
#include "scenario/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/edit.h"
#include "scenario/gen.h"
#include "scenario/generate.h"
#include "scenario/mend.h"
#include "scenario/ops.h"
#include "scenario/schedule.h"

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

static int draw_lane(ftf_gen *gen) { return (int)ftf_rng_below(gen->rng, gen->scenario->lane_count); }

/* Moves the last op of a section to a random place in it. */
static void shuffle_last(ftf_gen *gen, int owner) {
    ftf_section *section = ftf_scenario_section(gen->scenario, owner);
    ftf_op op = section->ops[section->count - 1];
    section->count--;
    ftf_edit_insert(gen->scenario, (ftf_place){owner, ftf_rng_below(gen->rng, section->count + 1)}, &op);
}

/* The shared slot that an op is about: its receiver, else the first argument that is one. */
static int slot_of(const ftf_scenario *scenario, const ftf_op *op) {
    if (op->self.kind == FTF_VALUE_SLOT && scenario->slots[op->self.slot].owner == FTF_OWNER_SETUP) {
        return op->self.slot;
    }
    for (uint32_t i = 0; i < op->argc; i++) {
        const ftf_value *arg = &op->args[i];
        if (arg->kind == FTF_VALUE_SLOT && scenario->slots[arg->slot].owner == FTF_OWNER_SETUP) {
            return arg->slot;
        }
    }
    return FTF_NO_SLOT;
}

/* ---- more and fewer operations ----------------------------------------------------------------------------------- */

static bool mutate_insert(ftf_gen *gen) {
    int lane = draw_lane(gen);
    uint32_t before = gen->scenario->lanes[lane].count;
    if (!ftf_gen_any(gen, lane) || gen->scenario->lanes[lane].count == before) {
        return false;
    }
    shuffle_last(gen, lane);
    return true;
}

static bool mutate_pair(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    int slot = slot_of(gen->scenario, ftf_edit_at(gen->scenario, place));
    int lane = ftf_edit_other_lane(gen->scenario, gen->rng, place.owner);
    if (slot == FTF_NO_SLOT || lane < 0) {
        return false;
    }
    ftf_want want = {.roles = FTF_ROLE_WRITE | FTF_ROLE_DESTROY, .repeat = ftf_gen_repeat(gen)};
    return ftf_gen_act(gen, lane, slot, want, NULL);
}

static bool mutate_delete(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, true, &place)) {
        return false;
    }
    ftf_edit_remove(gen->scenario, place);
    return true;
}

static bool mutate_duplicate(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, true, &place)) {
        return false;
    }
    ftf_op op = *ftf_edit_at(gen->scenario, place);
    return ftf_edit_insert(gen->scenario, place, &op);
}

static bool mutate_copy_to_lane(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    int lane = ftf_edit_other_lane(gen->scenario, gen->rng, place.owner);
    if (lane < 0) {
        return false;
    }
    ftf_op op = *ftf_edit_at(gen->scenario, place);
    uint32_t at = ftf_rng_below(gen->rng, gen->scenario->lanes[lane].count + 1);
    return ftf_edit_insert(gen->scenario, (ftf_place){lane, at}, &op);
}

static bool mutate_move(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    ftf_op op = *ftf_edit_at(gen->scenario, place);
    int lane = draw_lane(gen);
    ftf_edit_remove(gen->scenario, place);
    uint32_t at = ftf_rng_below(gen->rng, gen->scenario->lanes[lane].count + 1);
    return ftf_edit_insert(gen->scenario, (ftf_place){lane, at}, &op);
}

static bool mutate_swap(ftf_gen *gen) {
    int owner = ftf_gen_chance(gen, 20) ? FTF_OWNER_SETUP : draw_lane(gen);
    ftf_section *section = ftf_scenario_section(gen->scenario, owner);
    if (section->count < 2) {
        return false;
    }
    uint32_t at = ftf_rng_below(gen->rng, section->count - 1);
    ftf_op op = section->ops[at];
    section->ops[at] = section->ops[at + 1];
    section->ops[at + 1] = op;
    return true;
}

static bool mutate_repeat(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    ftf_op *op = ftf_edit_at(gen->scenario, place);
    static const uint32_t repeats[] = {2, 2, 3, 4, 4, 8, 8, 32, 100, 300};
    bool once = op->repeat > 1 && ftf_gen_chance(gen, 70);
    op->repeat = once ? 1 : repeats[ftf_rng_below(gen->rng, sizeof repeats / sizeof *repeats)];
    return true;
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */

/* The accepted calls of what an op calls; NULL when the catalog does not know it. */
static const ftf_callable *callable_of(ftf_gen *gen, const ftf_op *op) {
    int found = -1;
    if (op->code == FTF_OP_CALL) {
        found = ftf_catalog_find_callable(gen->catalog, op->name, -1);
    } else if (op->code == FTF_OP_METHOD && op->self.kind == FTF_VALUE_SLOT && gen->holds[op->self.slot] >= 0) {
        found = ftf_catalog_find_callable(gen->catalog, op->name, gen->holds[op->self.slot]);
    }
    const ftf_callable *callable = found >= 0 ? &gen->catalog->callables[found] : NULL;
    return callable && callable->pattern_count ? callable : NULL;
}

static bool mutate_argument(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, true, &place)) {
        return false;
    }
    ftf_op op = *ftf_edit_at(gen->scenario, place);
    const ftf_callable *callable = callable_of(gen, &op);
    if (!callable) {
        return false;
    }
    const ftf_pattern *pattern = ftf_gen_pattern(gen, callable);
    /* Keep the other arguments when the shape stays the same, so that one change is one change. */
    if (pattern->argc == op.argc && op.argc && ftf_gen_chance(gen, 70)) {
        uint32_t arg = ftf_rng_below(gen->rng, op.argc);
        ftf_value value = ftf_gen_arg(gen, place.owner, &pattern->args[arg]);
        ftf_edit_at(gen->scenario, place)->args[arg] = value;
        return true;
    }
    ftf_gen_call(gen, place.owner, callable, pattern, NULL, &op);
    *ftf_edit_at(gen->scenario, place) = op;
    return true;
}

/* The first operands that are numbers or strings, up to a few. */
static uint32_t list_literals(ftf_op *op, ftf_value **out, uint32_t max) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < op->argc && count < max; i++) {
        if (op->args[i].kind == FTF_VALUE_INT || op->args[i].kind == FTF_VALUE_STR) {
            out[count++] = &op->args[i];
        }
    }
    for (uint32_t i = 0; i < op->kwargc && count < max; i++) {
        if (op->kwargs[i].value.kind == FTF_VALUE_INT) {
            out[count++] = &op->kwargs[i].value;
        }
    }
    return count;
}

static const char *tweak_number(ftf_gen *gen, const char *text) {
    static const char *const limits[] = {
        "0", "1", "-1", "2", "64", "1024", "2147483647", "-9223372036854775808", "9223372036854775807"};
    char number[24];
    size_t len = strlen(text);
    if (len > 15 || strchr(text, 'x') || ftf_gen_chance(gen, 40)) {
        return limits[ftf_rng_below(gen->rng, sizeof limits / sizeof *limits)];
    }
    long long changed = strtoll(text, NULL, 10) + ftf_rng_range(gen->rng, -2, 2);
    int written = snprintf(number, sizeof number, "%lld", changed);
    return ftf_arena_copy(gen->scenario->arena, number, (size_t)written);
}

static void tweak_string(ftf_gen *gen, ftf_value *value) {
    if (value->len && ftf_gen_chance(gen, 50)) {
        value->text = ""; /* of any string, the empty one is the most special neighbour */
        value->len = 0;
        return;
    }
    static const char *const strings[] = {"a", "b", "k", "key", "abc", "0", "x y"};
    value->text = strings[ftf_rng_below(gen->rng, sizeof strings / sizeof *strings)];
    value->len = (uint32_t)strlen(value->text);
}

static bool mutate_tweak(ftf_gen *gen) {
    ftf_place place;
    ftf_value *literals[8];
    if (!ftf_edit_draw(gen->scenario, gen->rng, true, &place)) {
        return false;
    }
    uint32_t count = list_literals(ftf_edit_at(gen->scenario, place), literals, 8);
    if (count == 0) {
        return false;
    }
    ftf_value *value = literals[ftf_rng_below(gen->rng, count)];
    if (value->kind == FTF_VALUE_STR) {
        tweak_string(gen, value);
    } else {
        value->text = tweak_number(gen, value->text);
    }
    return true;
}

static bool mutate_retarget(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    ftf_op *op = ftf_edit_at(gen->scenario, place);
    if (op->self.kind != FTF_VALUE_SLOT || gen->holds[op->self.slot] == FTF_HOLDS_UNKNOWN) {
        return false;
    }
    int other = ftf_gen_visible(gen, place.owner, gen->holds[op->self.slot]);
    if (other == FTF_NO_SLOT || other == op->self.slot) {
        return false;
    }
    op->self.slot = other;
    return true;
}

/* The function of builtins that makes an object of a literal, or NULL. */
static const char *constructor_of(const ftf_value *value, ftf_builtin *builtin) {
    switch (value->kind) {
    case FTF_VALUE_LIST: *builtin = FTF_BUILTIN_LIST; return "list";
    case FTF_VALUE_DICT: *builtin = FTF_BUILTIN_DICT; return "dict";
    case FTF_VALUE_SET: *builtin = FTF_BUILTIN_SET; return "set";
    default: return NULL;
    }
}

/* f([1, 2]) becomes: setup a = list([1, 2]); f(a); and another lane changes a. */
static bool mutate_share_argument(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    ftf_op *op = ftf_edit_at(gen->scenario, place);
    int lane = ftf_edit_other_lane(gen->scenario, gen->rng, place.owner);
    for (uint32_t i = 0; i < op->argc; i++) {
        ftf_builtin builtin;
        const char *name = constructor_of(&op->args[i], &builtin);
        if (!name || lane < 0) {
            continue;
        }
        ftf_op make = {.code = FTF_OP_CALL, .dest = FTF_NO_SLOT, .repeat = 1, .name = name, .argc = 1};
        make.args = FTF_NEW(gen->scenario->arena, ftf_value, 1);
        make.args[0] = op->args[i];
        int slot = ftf_gen_push(gen, FTF_OWNER_SETUP, &make, true);
        if (slot == FTF_NO_SLOT) {
            return false;
        }
        gen->holds[slot] = ftf_holds_builtin(builtin);
        op->args[i] = ftf_value_slot(slot);
        ftf_want want = {.roles = FTF_ROLE_WRITE, .repeat = ftf_gen_repeat(gen)};
        return ftf_gen_act(gen, lane, slot, want, NULL);
    }
    return false;
}

static bool mutate_use_result(ftf_gen *gen) {
    ftf_place place;
    if (!ftf_edit_draw(gen->scenario, gen->rng, false, &place)) {
        return false;
    }
    ftf_op op = *ftf_edit_at(gen->scenario, place);
    if (op.dest != FTF_NO_SLOT || !ftf_ops[op.code].yields) {
        return false;
    }
    ftf_edit_remove(gen->scenario, place);
    int slot = ftf_gen_push(gen, place.owner, &op, true);
    ftf_want want = {.roles = FTF_ROLE_ANY, .repeat = ftf_gen_repeat(gen)};
    return slot == FTF_NO_SLOT || ftf_gen_act(gen, place.owner, slot, want, NULL) ||
           ftf_gen_line(gen, place.owner, slot, "repr(a)", 1);
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static bool mutate_history(ftf_gen *gen) {
    int slot = ftf_gen_visible(gen, FTF_OWNER_SETUP, FTF_HOLDS_UNKNOWN);
    ftf_want want = {.roles = FTF_ROLE_WRITE, .repeat = (uint32_t)ftf_rng_range(gen->rng, 1, 4)};
    return ftf_gen_act(gen, FTF_OWNER_SETUP, slot, want, NULL);
}

/* Two lanes or three: TSan remembers four accesses to a cell, so more lanes lose races. */
static bool mutate_lane(ftf_gen *gen) {
    ftf_scenario *scenario = gen->scenario;
    int from = draw_lane(gen);
    if (scenario->lane_count > 2) {
        return ftf_edit_remove_lane(scenario, from);
    }
    ftf_edit_add_lane(scenario);
    for (uint32_t i = 0; i < scenario->lanes[from].count; i++) {
        ftf_op op = scenario->lanes[from].ops[i];
        ftf_scenario_push(scenario, (int)scenario->lane_count - 1, &op);
    }
    return true;
}

static bool mutate_finish(ftf_gen *gen) {
    int slot = ftf_gen_visible(gen, FTF_OWNER_FINISH, FTF_HOLDS_UNKNOWN);
    return ftf_gen_act(gen, FTF_OWNER_FINISH, slot, (ftf_want){.roles = FTF_ROLE_SUMMARY, .repeat = 1}, NULL);
}

static bool mutate_schedule(ftf_gen *gen) {
    ftf_schedule_draw(gen->rng, &gen->scenario->schedule);
    return true;
}

static bool mutate_start_over(ftf_gen *gen) {
    ftf_scenario *scenario = gen->scenario;
    const char *target = scenario->target;
    ftf_generate(gen->catalog, gen->rng, scenario->arena, scenario);
    scenario->target = target;
    return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
    bool (*apply)(ftf_gen *gen);
    uint32_t weight;
} mutators[] = {
#define FTF_MUTATOR(name, weight, doc) {mutate_##name, weight},
#include "scenario/mutators.def"
#undef FTF_MUTATOR
};

enum { MUTATORS = sizeof mutators / sizeof *mutators };

static uint32_t draw_mutator(ftf_rng *rng) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < MUTATORS; i++) {
        total += mutators[i].weight;
    }
    uint32_t left = ftf_rng_below(rng, total);
    uint32_t drawn = 0;
    while (left >= mutators[drawn].weight) {
        left -= mutators[drawn++].weight;
    }
    return drawn;
}

/* Every lane does something, and there are at least two: anything less races with nothing. */
static void fill_empty_lanes(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario) {
    while (scenario->lane_count < 2) {
        ftf_edit_add_lane(scenario);
    }
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        for (int tries = 0; tries < 3 && scenario->lanes[lane].count == 0; tries++) {
            ftf_generate_op(catalog, rng, scenario, (int)lane);
        }
    }
    ftf_scenario_mend(scenario);
}

void ftf_mutate(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario) {
    static const int counts[] = {1, 1, 1, 1, 2, 2, 3, 4};
    int left = counts[ftf_rng_below(rng, sizeof counts / sizeof *counts)];
    ftf_gen gen;
    ftf_scenario_mend(scenario);
    if (scenario->schedule.kind == FTF_SCHEDULE_AT && !ftf_rng_one_in(rng, 5)) {
        ftf_schedule_fresh(rng, &scenario->schedule); /* its points belong to the scenario as it was */
    }
    for (int tries = 0; left > 0 && tries < 16; tries++) {
        ftf_gen_init(&gen, catalog, rng, scenario);
        if (mutators[draw_mutator(rng)].apply(&gen)) {
            left--;
        }
        /* Between two mutators as well: each may rely on slots that mean what they say. */
        ftf_scenario_mend(scenario);
    }
    ftf_edit_trim(scenario, rng);
    ftf_scenario_mend(scenario);
    fill_empty_lanes(catalog, rng, scenario);
}
