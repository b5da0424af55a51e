#include "engine/exercise.h"

#include <string.h>

#include "base/exercise.h"
#include "scenario/deeds.h"
#include "scenario/gen.h"

static struct {
    ftf_exercise *map; /* NULL: nothing is counted */
    const ftf_catalog *catalog;
    const ftf_scenario *scenario;
    ftf_gen gen;                                              /* what the slots of the scenario hold */
    uint64_t shared;                                          /* slots that all lanes see */
    uint32_t number[FTF_LANES_MAX][FTF_OPS_MAX];              /* of each op in the map */
    uint64_t slots[FTF_LANES_MAX][FTF_OPS_MAX];               /* the shared ones that it touches */
    bool accepted[FTF_LANES_MAX][FTF_OPS_MAX];                /* in this run */
    bool met[FTF_LANES_MAX][FTF_OPS_MAX];                     /* in this run, another lane's op, both accepted */
    uint64_t seen[FTF_LANES_MAX][FTF_OPS_MAX][FTF_LANES_MAX]; /* by which ops (a bit each) of each lane, in this run */
    uint32_t run;                                             /* its number */
    uint32_t last_run[FTF_EXERCISE_PAIRS];                    /* in which a pair was counted last */
} exercise;

ftf_status ftf_exercise_start(const char *path, const ftf_catalog *catalog, ftf_error *err) {
    exercise.catalog = catalog;
    exercise.map = path != NULL ? ftf_exercise_open(path, err) : NULL;
    return path == NULL || exercise.map != NULL ? FTF_OK : err->status;
}

static uint32_t find(const ftf_op *op, int slot) {
    const ftf_deed deed = ftf_deed_of(op, slot);
    const ftf_exercise_key key = {
        .type = slot != FTF_NO_SLOT ? ftf_deed_type(exercise.catalog, exercise.gen.holds[slot]) : "",
        .name = deed.name,
        .code = (uint32_t)deed.code,
        .place = (uint32_t)deed.place};
    return ftf_exercise_find(exercise.map, &key);
}

void ftf_exercise_begin(ftf_scenario *scenario) {
    if (exercise.map == NULL) {
        return;
    }
    exercise.scenario = scenario;
    ftf_gen_init(&exercise.gen, exercise.catalog, NULL, scenario);
    exercise.shared = ftf_scenario_shared(scenario);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        for (uint32_t i = 0; i < scenario->lanes[lane].count; i++) {
            const ftf_op *op = &scenario->lanes[lane].ops[i];
            exercise.number[lane][i] = find(op, ftf_deed_object(op));
            exercise.slots[lane][i] = ftf_op_slots(op) & exercise.shared;
        }
    }
}

void ftf_exercise_run(const ftf_pool *pool) {
    if (exercise.map == NULL) {
        return;
    }
    exercise.run++;
    for (uint32_t lane = 0; lane < exercise.scenario->lane_count; lane++) {
        const ftf_op_tally *tallies = ftf_pool_ops(pool, (int)lane);
        for (uint32_t i = 0; i < exercise.scenario->lanes[lane].count; i++) {
            exercise.accepted[lane][i] = tallies[i].accepted > 0;
            exercise.met[lane][i] = false;
            memset(exercise.seen[lane][i], 0, exercise.scenario->lane_count * sizeof exercise.seen[lane][i][0]);
            if (exercise.number[lane][i] != FTF_EXERCISE_NONE) {
                ftf_exercise_counts *counts = ftf_exercise_count(exercise.map, exercise.number[lane][i]);
                counts->calls += tallies[i].calls;
                counts->accepted += tallies[i].accepted;
            }
        }
    }
}

static void meet(int lane, uint32_t op) {
    if (!exercise.met[lane][op] && exercise.number[lane][op] != FTF_EXERCISE_NONE) {
        exercise.met[lane][op] = true;
        ftf_exercise_count(exercise.map, exercise.number[lane][op])->met++;
    }
}

_Static_assert(FTF_OPS_MAX <= 64, "a bit for each op of a lane");

/* Once a run, also where several of its ops are the same to a person. */
static void count_pair(uint32_t inside, uint32_t other) {
    if (inside == FTF_EXERCISE_NONE || other == FTF_EXERCISE_NONE) {
        return;
    }
    uint32_t place = ftf_exercise_pair_add(exercise.map, inside, other, 0);
    if (place != FTF_EXERCISE_NONE && exercise.last_run[place] != exercise.run) {
        exercise.last_run[place] = exercise.run;
        exercise.map->pairs[place].runs++;
    }
}

void ftf_exercise_overlap(int lane, uint32_t op, int other, uint32_t other_op) {
    if (exercise.map == NULL || (exercise.seen[lane][op][other] >> other_op & 1) != 0) {
        return; /* in a run with a thousand hand-overs most are like the one before */
    }
    exercise.seen[lane][op][other] |= UINT64_C(1) << other_op;
    if (!exercise.accepted[lane][op] || !exercise.accepted[other][other_op]) {
        return;
    }
    meet(lane, op);
    meet(other, other_op);
    uint64_t common = exercise.slots[lane][op] & exercise.slots[other][other_op];
    for (int slot = 0; common != 0; slot++, common >>= 1) {
        if ((common & 1) != 0) {
            count_pair(find(&exercise.scenario->lanes[lane].ops[op], slot),
                       find(&exercise.scenario->lanes[other].ops[other_op], slot));
        }
    }
}
