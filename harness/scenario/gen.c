#include "scenario/gen.h"

#include <string.h>

#include "scenario/fragment.h"
#include "scenario/ops.h"

/* ---- chance ------------------------------------------------------------------------------------------------------ */

bool ftf_gen_chance(ftf_gen *gen, uint32_t percent) { return ftf_rng_below(gen->rng, 100) < percent; }

uint32_t ftf_gen_repeat(ftf_gen *gen) {
    static const uint32_t repeats[] = {2, 2, 2, 3, 4, 4, 4, 8, 8, 8, 16, 32, 32, 100, 300};
    if (ftf_gen_chance(gen, 85)) {
        return 1;
    }
    return repeats[ftf_rng_below(gen->rng, sizeof repeats / sizeof *repeats)];
}

/* ---- what slots hold --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    ftf_builtin builtin;
} constructors[] = {{"dict", FTF_BUILTIN_DICT}, {"set", FTF_BUILTIN_SET}};

static int first_return(const ftf_callable *callable) {
    for (uint32_t i = 0; i < callable->pattern_count; i++) {
        if (callable->patterns[i].returns >= 0) {
            return callable->patterns[i].returns;
        }
    }
    return FTF_HOLDS_UNKNOWN;
}

static int call_yields(const ftf_gen *gen, const ftf_op *op) {
    int found = ftf_catalog_find_callable(gen->catalog, op->name, -1);
    if (found >= 0) {
        const ftf_callable *callable = &gen->catalog->callables[found];
        return callable->is_type && callable->type >= 0 ? callable->type : first_return(callable);
    }
    for (size_t i = 0; i < sizeof constructors / sizeof *constructors; i++) {
        if (strcmp(constructors[i].name, op->name) == 0) {
            return ftf_holds_builtin(constructors[i].builtin);
        }
    }
    return FTF_HOLDS_UNKNOWN;
}

static int op_yields(const ftf_gen *gen, const ftf_op *op) {
    int self = op->self.kind == FTF_VALUE_SLOT ? gen->holds[op->self.slot] : FTF_HOLDS_UNKNOWN;
    switch (op->code) {
    case FTF_OP_CALL: return call_yields(gen, op);
    case FTF_OP_METHOD: {
        int method = self >= 0 ? ftf_catalog_find_callable(gen->catalog, op->name, self) : -1;
        return method >= 0 ? first_return(&gen->catalog->callables[method]) : FTF_HOLDS_UNKNOWN;
    }
    case FTF_OP_ITER:
    case FTF_OP_REVERSED:
        return self >= 0 && (gen->catalog->types[self].traits & FTF_TRAIT_ITERATOR)
                   ? self
                   : ftf_holds_builtin(FTF_BUILTIN_ITERATOR);
    case FTF_OP_LIST: return ftf_holds_builtin(FTF_BUILTIN_LIST);
    case FTF_OP_MEMORYVIEW: return ftf_holds_builtin(FTF_BUILTIN_VIEW);
    case FTF_OP_COPY:
    case FTF_OP_DEEPCOPY: return self;
    default: return FTF_HOLDS_UNKNOWN;
    }
}

/* From op number `first` of a section on. */
static void learn(ftf_gen *gen, int owner, uint32_t first) {
    const ftf_section *section = ftf_scenario_section(gen->scenario, owner);
    for (uint32_t i = first; i < section->count; i++) {
        const ftf_op *op = &section->ops[i];
        if (op->dest != FTF_NO_SLOT) {
            gen->holds[op->dest] = op_yields(gen, op);
        }
    }
}

void ftf_gen_init(ftf_gen *gen, const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario) {
    gen->catalog = catalog;
    gen->rng = rng;
    gen->scenario = scenario;
    for (size_t i = 0; i < FTF_SLOTS_MAX; i++) {
        gen->holds[i] = FTF_HOLDS_UNKNOWN;
    }
    learn(gen, FTF_OWNER_SETUP, 0);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        learn(gen, (int)lane, 0);
    }
    learn(gen, FTF_OWNER_FINISH, 0);
}

/* ---- adding ------------------------------------------------------------------------------------------------------ */

static bool is_full(const ftf_gen *gen, int owner) {
    return ftf_scenario_section(gen->scenario, owner)->count >= FTF_OPS_MAX;
}

int ftf_gen_push(ftf_gen *gen, int owner, ftf_op *op, bool keep) {
    if (is_full(gen, owner)) {
        return FTF_NO_SLOT;
    }
    if (keep && ftf_ops[op->code].yields) {
        op->dest = ftf_fresh_slot(gen->catalog, gen->scenario, owner);
    }
    ftf_scenario_push(gen->scenario, owner, op);
    if (op->dest != FTF_NO_SLOT) {
        gen->holds[op->dest] = op_yields(gen, op);
    }
    return op->dest;
}

/* The last op of a section keeps its result, in a fresh slot when it does not yet. */
static int keep_last(ftf_gen *gen, int owner, int holds) {
    ftf_section *section = ftf_scenario_section(gen->scenario, owner);
    ftf_op *op = &section->ops[section->count - 1];
    if (op->dest == FTF_NO_SLOT) {
        op->dest = ftf_fresh_slot(gen->catalog, gen->scenario, owner);
    }
    if (op->dest != FTF_NO_SLOT) {
        gen->holds[op->dest] = holds;
    }
    return op->dest;
}

int ftf_gen_make(ftf_gen *gen, int type, int owner) {
    const ftf_type *made = &gen->catalog->types[type];
    if (made->make_count == 0) {
        return FTF_NO_SLOT;
    }
    const ftf_make *make = &made->makes[ftf_rng_below(gen->rng, made->make_count)];
    uint32_t first = ftf_scenario_section(gen->scenario, owner)->count;
    ftf_fragment fragment;
    ftf_fragment_init(&fragment, gen->catalog);
    for (uint32_t i = 0; i < make->line_count; i++) {
        if (ftf_fragment_add(&fragment, gen->scenario, owner, make->lines[i], NULL) != FTF_OK) {
            return FTF_NO_SLOT;
        }
    }
    learn(gen, owner, first);
    return keep_last(gen, owner, type);
}

int ftf_gen_make_builtin(ftf_gen *gen, ftf_builtin builtin, int owner) {
    static const char *const makes[] = {
#define FTF_BUILTIN(name, make) make,
#define FTF_BUILTIN_ACTION(name, roles, line)
#include "scenario/builtins.def"
#undef FTF_BUILTIN
#undef FTF_BUILTIN_ACTION
    };
    ftf_fragment fragment;
    ftf_fragment_init(&fragment, gen->catalog);
    bool made = makes[builtin][0] && ftf_fragment_add(&fragment, gen->scenario, owner, makes[builtin], NULL) == FTF_OK;
    return made ? keep_last(gen, owner, ftf_holds_builtin(builtin)) : FTF_NO_SLOT;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static uint32_t weight_of(const ftf_catalog *catalog, int type, uint32_t roles) {
    const ftf_type *candidate = &catalog->types[type];
    return (candidate->roles & roles) == roles ? candidate->weight : 0;
}

static int draw_shared(ftf_gen *gen, uint32_t roles) {
    const ftf_catalog *catalog = gen->catalog;
    uint32_t total = 0;
    for (uint32_t i = 0; i < catalog->share_count; i++) {
        total += weight_of(catalog, catalog->share[i], roles) != 0;
    }
    uint32_t left = ftf_rng_below(gen->rng, total);
    for (uint32_t i = 0; i < catalog->share_count; i++) {
        if (weight_of(catalog, catalog->share[i], roles) && left-- == 0) {
            return catalog->share[i];
        }
    }
    return -1;
}

int ftf_gen_type(ftf_gen *gen, uint32_t roles) {
    enum { DULL = 10 }; /* no native type of the target weighs as little */
    const ftf_catalog *catalog = gen->catalog;
    int shared = catalog->share_count ? draw_shared(gen, roles) : -1;
    if (shared >= 0 && ftf_gen_chance(gen, 80)) {
        return shared;
    }
    uint32_t total = 0;
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        total += weight_of(catalog, (int)i, roles);
    }
    /* Where these roles are only had by what nobody asks for, another shape is the better choice. */
    bool wanted = catalog->share_count ? shared >= 0 : total >= DULL;
    if (!wanted && ftf_gen_chance(gen, 70)) {
        return -1;
    }
    uint32_t left = ftf_rng_below(gen->rng, total);
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        uint32_t weight = weight_of(catalog, (int)i, roles);
        if (left < weight) {
            return (int)i;
        }
        left -= weight;
    }
    return -1;
}

static bool is_candidate(const ftf_gen *gen, int owner, uint32_t slot, int holds) {
    int at = gen->scenario->slots[slot].owner;
    if (at != owner && at != FTF_OWNER_SETUP) {
        return false;
    }
    return holds == FTF_HOLDS_UNKNOWN ? gen->holds[slot] != FTF_HOLDS_UNKNOWN : gen->holds[slot] == holds;
}

int ftf_gen_visible(ftf_gen *gen, int owner, int holds) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < gen->scenario->slot_count; i++) {
        count += is_candidate(gen, owner, i, holds);
    }
    uint32_t left = ftf_rng_below(gen->rng, count);
    for (uint32_t i = 0; i < gen->scenario->slot_count; i++) {
        if (is_candidate(gen, owner, i, holds) && left-- == 0) {
            return (int)i;
        }
    }
    return FTF_NO_SLOT;
}
