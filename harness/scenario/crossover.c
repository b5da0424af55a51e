/*
 * A child is one parent plus a lane of the other. What makes it worth more than two halves is that the lanes meet:
 * where both parents share an object of the same type, the lane that comes in uses the one that is there already.
 */
#include <string.h>

#include "scenario/edit.h"
#include "scenario/fragment.h"
#include "scenario/gen.h"
#include "scenario/mend.h"
#include "scenario/mutate.h"
#include "scenario/schedule.h"

typedef struct graft {
    ftf_gen *gen; /* of the child */
    const ftf_gen *donor;
    int map[FTF_SLOTS_MAX]; /* slot of the donor -> slot of the child */
} graft;

/* Shared objects of the same type are one from now on, nearly always. */
static void meet(graft *g) {
    const ftf_scenario *donor = g->donor->scenario;
    for (uint32_t i = 0; i < donor->slot_count; i++) {
        int holds = g->donor->holds[i];
        g->map[i] = FTF_NO_SLOT;
        if (donor->slots[i].owner == FTF_OWNER_SETUP && holds != FTF_HOLDS_UNKNOWN && ftf_gen_chance(g->gen, 85)) {
            g->map[i] = ftf_gen_visible(g->gen, FTF_OWNER_SETUP, holds);
        }
    }
}

static ftf_value graft_value(graft *g, const ftf_value *from) {
    ftf_value value = *from;
    if (value.kind == FTF_VALUE_SLOT) {
        int slot = g->map[value.slot];
        return slot == FTF_NO_SLOT ? (ftf_value){.kind = FTF_VALUE_NONE} : ftf_value_slot(slot);
    }
    if (value.items) {
        ftf_value *items = FTF_NEW(g->gen->scenario->arena, ftf_value, value.len);
        for (uint32_t i = 0; i < value.len; i++) {
            items[i] = graft_value(g, &from->items[i]);
        }
        value.items = items;
    }
    return value;
}

/* The op must be a copy that lives in the child's arena. */
static void graft_op(graft *g, int owner, ftf_op *op) {
    op->self = graft_value(g, &op->self);
    for (uint32_t i = 0; i < op->argc; i++) {
        op->args[i] = graft_value(g, &op->args[i]);
    }
    for (uint32_t i = 0; i < op->kwargc; i++) {
        op->kwargs[i].value = graft_value(g, &op->kwargs[i].value);
    }
    int dest = op->dest;
    op->dest = FTF_NO_SLOT;
    int slot = ftf_gen_push(g->gen, owner, op, dest != FTF_NO_SLOT);
    if (dest != FTF_NO_SLOT) {
        g->map[dest] = slot;
        if (slot != FTF_NO_SLOT) {
            g->gen->holds[slot] = g->donor->holds[dest];
        }
    }
}

static void graft_section(graft *g, const ftf_section *from, int owner) {
    for (uint32_t i = 0; i < from->count; i++) {
        int dest = from->ops[i].dest;
        bool is_there = owner == FTF_OWNER_SETUP && dest != FTF_NO_SLOT && g->map[dest] != FTF_NO_SLOT;
        if (!is_there) {
            ftf_op op = ftf_op_copy(g->gen->scenario->arena, &from->ops[i]);
            graft_op(g, owner, &op);
        }
    }
}

/* Where the donor's lane goes: instead of one of the child's, behind one, or as a third. */
static int place_for_lane(ftf_gen *gen) {
    ftf_scenario *child = gen->scenario;
    int lane = (int)ftf_rng_below(gen->rng, child->lane_count);
    if (child->lane_count < 2 || (child->lane_count < 3 && ftf_gen_chance(gen, 15))) {
        ftf_edit_add_lane(child);
        return (int)child->lane_count - 1;
    }
    if (ftf_gen_chance(gen, 70)) {
        child->lanes[lane].count = 0;
    }
    return lane;
}

void ftf_crossover(const ftf_catalog *catalog, ftf_rng *rng, const ftf_scenario *a, const ftf_scenario *b,
                   ftf_arena *arena, ftf_scenario *out) {
    ftf_scenario donor_copy;
    ftf_gen gen;
    ftf_gen donor;
    ftf_scenario_copy(out, arena, a);
    ftf_scenario_copy(&donor_copy, arena, b);
    ftf_gen_init(&gen, catalog, rng, out);
    ftf_gen_init(&donor, catalog, rng, &donor_copy);
    graft g = {.gen = &gen, .donor = &donor};
    meet(&g);
    graft_section(&g, &donor_copy.setup, FTF_OWNER_SETUP);
    int lane = place_for_lane(&gen);
    graft_section(&g, &donor_copy.lanes[ftf_rng_below(rng, donor_copy.lane_count)], lane);
    if (ftf_gen_chance(&gen, 50) || out->schedule.kind == FTF_SCHEDULE_AT) {
        ftf_schedule_fresh(rng, &out->schedule);
    }
    ftf_scenario_mend(out);
    ftf_edit_trim(out, rng);
    ftf_scenario_mend(out);
}
