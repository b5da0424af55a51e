#include "scenario/generate.h"

#include "base/check.h"
#include "scenario/gen.h"
#include "scenario/mend.h"
#include "scenario/schedule.h"
#include "scenario/shapes.h"

/* A look at what is left finds damage that no lane ran into. */
static void add_finish(ftf_gen *gen) {
    int slot = ftf_gen_chance(gen, 40) ? ftf_gen_visible(gen, FTF_OWNER_FINISH, FTF_HOLDS_UNKNOWN) : FTF_NO_SLOT;
    int count = slot == FTF_NO_SLOT ? 0 : ftf_rng_range(gen->rng, 1, 2);
    for (int i = 0; i < count; i++) {
        ftf_gen_act(gen, FTF_OWNER_FINISH, slot, (ftf_want){.roles = FTF_ROLE_SUMMARY, .repeat = 1}, NULL);
    }
}

/* A collection stops the world and visits every object: dear, and only now and then what makes the difference. */
static void add_collection(ftf_gen *gen) {
    enum { ONE_IN = 40 };
    if (ftf_rng_one_in(gen->rng, ONE_IN)) {
        ftf_op op = {.code = FTF_OP_COLLECT, .dest = FTF_NO_SLOT, .repeat = 1};
        ftf_gen_push(gen, (int)ftf_rng_below(gen->rng, gen->scenario->lane_count), &op, false);
    }
}

static void start(const ftf_catalog *catalog, ftf_rng *rng, ftf_arena *arena, ftf_scenario *out) {
    ftf_scenario_init(out, arena, catalog->target);
    out->lane_count = ftf_rng_one_in(rng, 8) ? 3 : 2;
    ftf_schedule_fresh(rng, &out->schedule);
}

/* Mending may leave out what could not be written; a lane without operations races with nothing. */
static bool is_useful(const ftf_scenario *scenario) {
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        if (scenario->lanes[lane].count == 0) {
            return false;
        }
    }
    return true;
}

/* What every target can do, even one whose catalog is empty. */
static void fall_back(ftf_gen *gen) {
    int slot = ftf_gen_make_builtin(gen, FTF_BUILTIN_LIST, FTF_OWNER_SETUP);
    FTF_ASSERT(slot != FTF_NO_SLOT);
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        ftf_gen_act(gen, (int)lane, slot, (ftf_want){.roles = FTF_ROLE_ANY, .repeat = 1}, NULL);
    }
}

void ftf_generate(const ftf_catalog *catalog, ftf_rng *rng, ftf_arena *arena, ftf_scenario *out) {
    enum { TRIES = 12 };
    ftf_gen gen;
    for (int i = 0; i < TRIES; i++) {
        start(catalog, rng, arena, out);
        ftf_gen_init(&gen, catalog, rng, out);
        if (!ftf_shape_build(&gen, ftf_shape_draw(&gen))) {
            continue;
        }
        add_collection(&gen);
        add_finish(&gen);
        ftf_scenario_mend(out);
        if (is_useful(out)) {
            return;
        }
    }
    start(catalog, rng, arena, out);
    ftf_gen_init(&gen, catalog, rng, out);
    fall_back(&gen);
    ftf_scenario_mend(out);
}

void ftf_generate_storm(const ftf_catalog *catalog, uint64_t seed, uint64_t number, ftf_arena *arena,
                        ftf_scenario *out) {
    ftf_rng rng = ftf_rng_seed(seed ^ (number + 1) * UINT64_C(0x9e3779b97f4a7c15));
    ftf_gen gen;
    start(catalog, &rng, arena, out);
    ftf_gen_init(&gen, catalog, &rng, out);
    bool built = ftf_shape_storm_at(&gen, seed, number);
    ftf_scenario_mend(out);
    if (!built || !is_useful(out)) {
        ftf_generate(catalog, &rng, arena, out);
    }
}

bool ftf_generate_op(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario, int owner) {
    ftf_gen gen;
    uint32_t before = ftf_scenario_section(scenario, owner)->count;
    ftf_gen_init(&gen, catalog, rng, scenario);
    ftf_gen_any(&gen, owner);
    return ftf_scenario_section(scenario, owner)->count > before;
}

ftf_value ftf_generate_arg(const ftf_catalog *catalog, ftf_rng *rng, ftf_scenario *scenario, int owner,
                           const ftf_arg *arg) {
    ftf_gen gen;
    ftf_gen_init(&gen, catalog, rng, scenario);
    return ftf_gen_arg(&gen, owner, arg);
}
