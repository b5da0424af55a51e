#include "scenario/pieces.h"

enum {
    WRITE = FTF_ROLE_WRITE,
    ANY = FTF_ROLE_ANY,
};

bool ftf_piece_act(ftf_gen *gen, int lane, int slot, uint32_t roles) {
    return ftf_gen_act(gen, lane, slot, (ftf_want){.roles = roles, .repeat = ftf_gen_repeat(gen)}, NULL);
}

int ftf_piece_act_and_keep(ftf_gen *gen, int lane, int slot, uint32_t roles) {
    enum { TRIES = 5 };
    ftf_section *section = ftf_scenario_section(gen->scenario, lane);
    uint32_t before = section->count;
    for (int i = 0; i < TRIES; i++) {
        int kept;
        ftf_gen_act(gen, lane, slot, (ftf_want){.roles = roles, .keep = true, .repeat = 1}, &kept);
        if (kept != FTF_NO_SLOT && gen->holds[kept] != FTF_HOLDS_UNKNOWN) {
            return kept;
        }
        section->count = before;
    }
    return FTF_NO_SLOT;
}

bool ftf_piece_act_some(ftf_gen *gen, int lane, int slot, uint32_t roles) {
    static const int lengths[] = {1, 1, 1, 2, 2, 3};
    if (!ftf_piece_act(gen, lane, slot, roles)) {
        return false;
    }
    int more = lengths[ftf_rng_below(gen->rng, sizeof lengths / sizeof *lengths)] - 1;
    for (int i = 0; i < more; i++) {
        ftf_piece_act(gen, lane, slot, ftf_gen_chance(gen, 60) ? roles : ANY);
    }
    return true;
}

void ftf_piece_add_history(ftf_gen *gen, int slot) {
    if (!ftf_gen_chance(gen, 35)) {
        return;
    }
    int count = ftf_rng_range(gen->rng, 1, 3);
    for (int i = 0; i < count; i++) {
        uint32_t repeat = ftf_gen_chance(gen, 70) ? 1 : (uint32_t)ftf_rng_range(gen->rng, 2, 8);
        uint32_t roles = ftf_gen_chance(gen, 80) ? WRITE : ANY;
        ftf_gen_act(gen, FTF_OWNER_SETUP, slot, (ftf_want){.roles = roles, .repeat = repeat}, NULL);
    }
}

int ftf_piece_share(ftf_gen *gen, int type) {
    int slot = type >= 0 ? ftf_gen_make(gen, type, FTF_OWNER_SETUP) : FTF_NO_SLOT;
    if (slot != FTF_NO_SLOT) {
        ftf_piece_add_history(gen, slot);
    }
    return slot;
}

int ftf_piece_share_type_with(ftf_gen *gen, uint32_t roles) { return ftf_piece_share(gen, ftf_gen_type(gen, roles)); }

void ftf_piece_fill_other_lanes(ftf_gen *gen, int slot, uint32_t roles) {
    for (uint32_t lane = 2; lane < gen->scenario->lane_count; lane++) {
        ftf_piece_act_some(gen, (int)lane, slot, roles);
    }
}

/* The value as another lane writes it: its own slots in the place of the first lane's. */
static ftf_value translate(ftf_arena *arena, ftf_value value, const int *slots) {
    if (value.kind == FTF_VALUE_SLOT && value.slot != FTF_NO_SLOT) {
        value.slot = slots[value.slot];
    } else if (value.items && value.len) {
        ftf_value *items = FTF_NEW(arena, ftf_value, value.len);
        for (uint32_t i = 0; i < value.len; i++) {
            items[i] = translate(arena, value.items[i], slots);
        }
        value.items = items;
    }
    return value;
}

static ftf_op translate_op(ftf_arena *arena, const ftf_op *first, const int *slots) {
    ftf_op op = *first;
    op.dest = FTF_NO_SLOT;
    op.self = translate(arena, op.self, slots);
    op.args = op.argc ? FTF_NEW(arena, ftf_value, op.argc) : NULL;
    for (uint32_t i = 0; i < op.argc; i++) {
        op.args[i] = translate(arena, first->args[i], slots);
    }
    op.kwargs = op.kwargc ? FTF_NEW(arena, ftf_kwarg, op.kwargc) : NULL;
    for (uint32_t i = 0; i < op.kwargc; i++) {
        op.kwargs[i] = first->kwargs[i];
        op.kwargs[i].value = translate(arena, first->kwargs[i].value, slots);
    }
    return op;
}

void ftf_piece_follow(ftf_gen *gen) {
    const ftf_section *first = &gen->scenario->lanes[0];
    for (uint32_t lane = 1; lane < gen->scenario->lane_count; lane++) {
        int slots[FTF_SLOTS_MAX]; /* of lane 0 -> of this lane; shared ones stay */
        for (int i = 0; i < FTF_SLOTS_MAX; i++) {
            slots[i] = i;
        }
        for (uint32_t i = 0; i < first->count; i++) {
            int dest = first->ops[i].dest;
            ftf_op op = translate_op(gen->scenario->arena, &first->ops[i], slots);
            int kept = ftf_gen_push(gen, (int)lane, &op, dest != FTF_NO_SLOT);
            if (dest != FTF_NO_SLOT && kept != FTF_NO_SLOT) {
                slots[dest] = kept;
                gen->holds[kept] = gen->holds[dest];
            }
        }
    }
}
