#include "engine/feedback.h"

#include "base/hash.h"
#include "engine/exercise.h"
#include "sched/flow.h"

/* libFuzzer looks through all of them after each execution, so they are few: a pair that shares its counter with another is
   missed, not mistaken. */
enum { DATA_FEATURES = 16 * 1024, OVERLAP_FEATURES = 8 * 1024, FEATURES = DATA_FEATURES + OVERLAP_FEATURES };

/* libFuzzer finds them by the name of their section, and clears them before each execution. */
__attribute__((section("__libfuzzer_extra_counters"), aligned(8), used)) static uint8_t counters[FEATURES];

static struct {
    bool seen[FEATURES]; /* in this process */
    uint64_t count;
    uint64_t name[FTF_LANES_MAX][FTF_OPS_MAX];  /* what an op does, the same in every scenario */
    uint64_t slots[FTF_LANES_MAX][FTF_OPS_MAX]; /* the shared objects it touches */
    uint32_t ops[FTF_LANES_MAX];                /* how many a lane has */
} feedback;

static void publish(uint32_t feature) {
    counters[feature] = 1;
    feedback.count += !feedback.seen[feature];
    feedback.seen[feature] = true;
}

static uint32_t below(uint64_t hash, uint32_t bound) { return (uint32_t)((hash ^ hash >> 32) % bound); }

static void on_data(void *self, uint32_t from_pc, uint32_t to_pc) {
    (void)self;
    uint64_t hash = (uint64_t)from_pc << 32 | to_pc;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    publish(below(hash, DATA_FEATURES));
}

static void on_overlap(void *self, int lane, uint32_t op, int other, uint32_t other_op) {
    (void)self;
    if (op >= feedback.ops[lane] || other_op >= feedback.ops[other]) {
        return; /* a lane without ops has its turn, too, in none of them */
    }
    ftf_exercise_overlap(lane, op, other, other_op);
    if ((feedback.slots[lane][op] & feedback.slots[other][other_op]) != 0) {
        const uint64_t pair[] = {feedback.name[lane][op], feedback.name[other][other_op]};
        publish(DATA_FEATURES + below(ftf_hash_bytes(FTF_HASH_START, pair, sizeof pair), OVERLAP_FEATURES));
    }
}

void ftf_feedback_begin(const ftf_scenario *scenario) {
    uint64_t shared = ftf_scenario_shared(scenario);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        const ftf_section *section = &scenario->lanes[lane];
        feedback.ops[lane] = section->count;
        for (uint32_t i = 0; i < section->count; i++) {
            const ftf_op *op = &section->ops[i];
            feedback.name[lane][i] = ftf_op_call_hash(op);
            feedback.slots[lane][i] = ftf_op_slots(op) & shared;
        }
    }
}

void ftf_feedback_mark(void) { publish(0); }

void ftf_feedback_publish(void) {
    const ftf_flow_sink sink = {on_data, on_overlap, NULL};
    ftf_flow_walk(&sink);
}

uint64_t ftf_feedback_count(void) { return feedback.count; }
