/*
 * The storm: all lanes make the same calls in the same order, each once. What can be a first call is numbered: the functions
 * and types of the module, then everything that can be done with an object of each type. A storm takes the next few of a
 * shuffled list of these numbers.
 *
 * Reading order: item (one number), act (one call), ftf_shape_storm_at (which calls).
 */
#include "scenario/pieces.h"
#include "scenario/shapes.h"

enum {
    CALLS_MAX = 12,     /* of one storm: the more there are, the more of them a lock taken on the way orders for TSan */
    LANE_OPS_MAX = 20,  /* with those that make objects */
    SETUP_OPS_MAX = 24,
    DULL = 1,           /* the weight of the interpreter's own types (actions.c) */
};

/* ---- what can be called ------------------------------------------------------------------------------------------ */

typedef struct item {
    const ftf_callable *function; /* NULL: an action on an object */
    int type;
    const ftf_action *action;
} item;

/* Objects of the interpreter's own types are not what is tested, unless there is nothing else. */
static bool is_wanted(const ftf_type *type, bool dull) { return type->make_count && (dull || type->weight > DULL); }

static uint32_t count_items(const ftf_catalog *catalog, bool dull) {
    uint32_t count = catalog->function_count;
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        count += is_wanted(&catalog->types[i], dull) ? catalog->types[i].action_count : 0;
    }
    return count;
}

static item item_at(const ftf_catalog *catalog, uint32_t number, bool dull) {
    if (number < catalog->function_count) {
        return (item){.function = &catalog->callables[catalog->functions[number]], .type = -1};
    }
    number -= catalog->function_count;
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        const ftf_type *type = &catalog->types[i];
        uint32_t count = is_wanted(type, dull) ? type->action_count : 0;
        if (number < count) {
            return (item){.type = (int)i, .action = &type->actions[number]};
        }
        number -= count;
    }
    return (item){.type = -1};
}

/* ---- one call ---------------------------------------------------------------------------------------------------- */

typedef struct storm {
    ftf_gen *gen;
    int *slots; /* of each type, an object; FTF_NO_SLOT: not made yet */
} storm;

/*
 * Made in setup, an object is shared, so that lanes race for what it fills in when it is first asked. Made in the lane, its
 * constructor is a first call as well, and so is everything that its type does once.
 */
static int object_of(storm *s, int type) {
    if (s->slots[type] == FTF_NO_SLOT) {
        bool shared = s->gen->scenario->setup.count < SETUP_OPS_MAX && ftf_gen_chance(s->gen, 60);
        s->slots[type] = ftf_gen_make(s->gen, type, shared ? FTF_OWNER_SETUP : 0);
    }
    return s->slots[type];
}

static void act(storm *s, const item *it) {
    const ftf_want once = {.roles = FTF_ROLE_ANY, .repeat = 1};
    int kept;
    if (s->gen->scenario->lanes[0].count >= LANE_OPS_MAX) {
        return;
    }
    if (it->function) {
        ftf_op op = {.dest = FTF_NO_SLOT, .repeat = 1};
        ftf_gen_call(s->gen, 0, it->function, ftf_gen_pattern(s->gen, it->function), NULL, &op);
        ftf_gen_push(s->gen, 0, &op, false);
        return;
    }
    int slot = it->type >= 0 ? object_of(s, it->type) : FTF_NO_SLOT;
    if (slot != FTF_NO_SLOT) {
        ftf_gen_action(s->gen, 0, slot, it->action, once, &kept);
    }
}

/* ---- the storm --------------------------------------------------------------------------------------------------- */

static uint32_t *shuffled(ftf_arena *arena, uint32_t count, ftf_rng *rng) {
    uint32_t *order = FTF_NEW(arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = ftf_rng_below(rng, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    return order;
}

static bool destroys(const item *it) { return it->action && (it->action->roles & FTF_ROLE_DESTROY); }

bool ftf_shape_storm_at(ftf_gen *gen, uint64_t seed, uint64_t number) {
    const ftf_catalog *catalog = gen->catalog;
    ftf_arena *arena = gen->scenario->arena;
    bool dull = count_items(catalog, false) == 0;
    uint32_t count = count_items(catalog, dull);
    uint32_t storms = (count + CALLS_MAX - 1) / CALLS_MAX;
    if (count == 0) {
        return false;
    }
    /* The order is one for all storms of a pass, and another one in the next pass. */
    ftf_rng rng = ftf_rng_seed(seed + number / storms);
    const uint32_t *order = shuffled(arena, count, &rng);
    uint32_t first = (uint32_t)(number % storms) * CALLS_MAX;
    storm s = {.gen = gen, .slots = FTF_NEW(arena, int, catalog->type_count + 1)};
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        s.slots[i] = FTF_NO_SLOT;
    }
    /* What closes an object comes last: behind it there is little to be called. */
    for (int last = 0; last < 2; last++) {
        for (uint32_t i = first; i < count && i < first + CALLS_MAX; i++) {
            item it = item_at(catalog, order[i], dull);
            if (destroys(&it) == (last == 1)) {
                act(&s, &it);
            }
        }
    }
    ftf_piece_follow(gen);
    return gen->scenario->lanes[0].count > 0;
}

bool ftf_shape_storm(ftf_gen *gen) { return ftf_shape_storm_at(gen, ftf_rng_next(gen->rng), 0); }
