#include "reduce/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "reduce/shrink_values.h"
#include "scenario/edit.h"
#include "scenario/mend.h"

/*
 * Reading order: a cut (what is to go, and what goes with it), the passes, the loop over them.
 */

/* ---- cuts -------------------------------------------------------------------------------------------------------- */

enum { ROW_FINISH = FTF_LANES_MAX, ROW_SETUP, ROWS };

/* What is to go. Ops by section: a row for each lane, then finish and setup. */
typedef struct cut {
    bool lane[FTF_LANES_MAX];
    bool op[ROWS][FTF_OPS_MAX];
} cut;

static int owner_of(int row) { return row == ROW_SETUP ? FTF_OWNER_SETUP : row == ROW_FINISH ? FTF_OWNER_FINISH : row; }

static const ftf_section *section_at(const ftf_scenario *scenario, int row) {
    return row == ROW_SETUP ? &scenario->setup : row == ROW_FINISH ? &scenario->finish : &scenario->lanes[row];
}

static bool has_row(const ftf_scenario *scenario, int row) {
    return row >= FTF_LANES_MAX || (uint32_t)row < scenario->lane_count;
}

/* Ops that use a slot which nothing assigns any more go, too. Returns the slots that are there behind the section. */
static uint64_t cut_orphans(const ftf_section *section, uint64_t slots, bool *gone) {
    for (uint32_t i = 0; i < section->count; i++) {
        const ftf_op *op = &section->ops[i];
        gone[i] = gone[i] || (ftf_op_slots(op) & ~slots) != 0;
        if (!gone[i] && op->dest != FTF_NO_SLOT) {
            slots |= UINT64_C(1) << op->dest;
        }
    }
    return slots;
}

static void complete(const ftf_scenario *scenario, cut *c) {
    uint64_t shared = cut_orphans(&scenario->setup, 0, c->op[ROW_SETUP]);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        cut_orphans(&scenario->lanes[lane], shared, c->op[lane]);
    }
    cut_orphans(&scenario->finish, shared, c->op[ROW_FINISH]);
}

static uint32_t kept_before(const bool *gone, uint32_t index) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < index; i++) {
        kept += !gone[i];
    }
    return kept;
}

/* The switch as it is without what goes; false when it goes, too. */
static bool move_switch(const ftf_scenario *scenario, const cut *c, ftf_switch *one) {
    if (c->lane[one->lane] || c->lane[one->to]) {
        return false;
    }
    if (one->in_op != 0) {
        const bool *gone = c->op[one->lane];
        uint32_t op = one->in_op - 1u, count = scenario->lanes[one->lane].count;
        bool stays = op >= count || !gone[op];
        uint32_t left = kept_before(gone, op < count ? op : count);
        if (!stays && left == kept_before(gone, count)) {
            return false; /* it was in the last op */
        }
        one->in_op = (uint16_t)(left + 1);
        one->point = stays ? one->point : 1;
    }
    one->to = (uint8_t)kept_before(c->lane, one->to);
    one->lane = (uint8_t)kept_before(c->lane, one->lane);
    return true;
}

static void move_switches(const ftf_scenario *from, const cut *c, ftf_scenario *to) {
    if (from->schedule.kind != FTF_SCHEDULE_AT || from->schedule.count == 0) {
        return;
    }
    ftf_switch *moved = FTF_NEW(to->arena, ftf_switch, from->schedule.count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->schedule.count; i++) {
        moved[count] = from->schedule.switches[i];
        count += move_switch(from, c, &moved[count]);
    }
    to->schedule.switches = moved;
    to->schedule.count = count;
}

/* The scenario without it. */
static void apply(const ftf_scenario *from, cut *c, ftf_arena *arena, ftf_scenario *to) {
    complete(from, c);
    ftf_scenario_copy(to, arena, from);
    move_switches(from, c, to);
    for (int row = 0; row < ROWS; row++) {
        for (uint32_t i = has_row(from, row) ? section_at(from, row)->count : 0; i-- > 0;) {
            if (c->op[row][i]) {
                ftf_edit_remove(to, (ftf_place){owner_of(row), i});
            }
        }
    }
    for (int lane = (int)from->lane_count; lane-- > 0;) {
        if (c->lane[lane]) {
            ftf_edit_remove_lane(to, lane);
        }
    }
    ftf_scenario_mend(to);
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

typedef enum pass {
    PASS_LANES,
    PASS_OPS,
    PASS_JOINS,
    PASS_REPEATS,
    PASS_VALUES,
    PASS_FIRST,
    PASS_SWITCHES,
    PASS_COUNT
} pass;

struct ftf_shrink {
    ftf_arena *arenas[2]; /* the best is in one; a better one is copied into the other */
    int in;
    ftf_scenario best;
    pass pass;
    uint32_t at, chunk; /* the next things to try */
    bool better;        /* in this round of passes */
};

static uint32_t count_ops(const ftf_scenario *scenario) {
    uint32_t count = 0;
    for (int row = 0; row < ROWS; row++) {
        count += has_row(scenario, row) ? section_at(scenario, row)->count : 0;
    }
    return count;
}

/* A schedule that begins with handing the token on, at the very first point. */
static bool begins_elsewhere(const ftf_scenario *scenario) {
    const ftf_schedule *schedule = &scenario->schedule;
    return schedule->kind == FTF_SCHEDULE_AT && schedule->count > 0 && schedule->switches[0].lane == 0 &&
           schedule->switches[0].in_op <= 1 && schedule->switches[0].point == 1;
}

/* How many things the pass could take away; those of PASS_VALUES are not known before. */
static uint32_t count_things(const ftf_shrink *s) {
    switch (s->pass) {
    case PASS_LANES: return s->best.lane_count > 1 ? s->best.lane_count : 0;
    case PASS_OPS: return count_ops(&s->best);
    case PASS_JOINS: return s->best.lane_count > 2 ? s->best.lane_count * s->best.lane_count : 0;
    case PASS_REPEATS: return 2 * count_ops(&s->best);
    case PASS_VALUES: return UINT32_MAX;
    case PASS_FIRST: return begins_elsewhere(&s->best) ? 1 : 0;
    default: return s->best.schedule.kind == FTF_SCHEDULE_AT ? s->best.schedule.count : 0;
    }
}

/* The op with that number, all sections counted. */
static ftf_place find_op(const ftf_scenario *scenario, uint32_t number, int *row) {
    for (*row = 0; *row < ROWS; ++*row) {
        uint32_t count = has_row(scenario, *row) ? section_at(scenario, *row)->count : 0;
        if (number < count) {
            return (ftf_place){owner_of(*row), number};
        }
        number -= count;
    }
    ftf_bug(__FILE__, __LINE__, "there is no such op");
}

static bool without_lane(const ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    cut c = {0};
    c.lane[s->at] = true;
    apply(&s->best, &c, arena, out);
    return true;
}

static bool without_ops(const ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    uint32_t count = count_ops(&s->best);
    cut c = {0};
    for (uint32_t number = s->at; number < s->at + s->chunk && number < count; number++) {
        int row;
        ftf_place place = find_op(&s->best, number, &row);
        c.op[row][place.index] = true;
    }
    apply(&s->best, &c, arena, out);
    return true;
}

/* The switch as it is when lane `from` does its ops behind those of lane `to`; false when it leads from one to the other. */
static bool join_switch(const ftf_scenario *scenario, int to, int from, ftf_switch *one) {
    if (one->lane == from && one->in_op != 0) {
        one->in_op = (uint16_t)(one->in_op + scenario->lanes[to].count);
    }
    one->lane = (uint8_t)(one->lane == from ? to : one->lane);
    one->to = (uint8_t)(one->to == from ? to : one->to);
    bool stays = one->lane != one->to;
    one->lane = (uint8_t)(one->lane > from ? one->lane - 1 : one->lane);
    one->to = (uint8_t)(one->to > from ? one->to - 1 : one->to);
    return stays;
}

/* One lane does what two did, one after the other. */
static bool with_joined_lanes(const ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    int to = (int)(s->at / s->best.lane_count), from = (int)(s->at % s->best.lane_count);
    ftf_scenario_copy(out, arena, &s->best);
    if (to == from || !ftf_edit_join_lanes(out, to, from)) {
        return false;
    }
    uint32_t count = s->best.schedule.kind == FTF_SCHEDULE_AT ? s->best.schedule.count : 0, kept = 0;
    ftf_switch *switches = FTF_NEW(arena, ftf_switch, count + 1);
    for (int late = 0; late < 2; late++) { /* a lane's switches are in the order of its ops */
        for (uint32_t i = 0; i < count; i++) {
            switches[kept] = s->best.schedule.switches[i];
            bool its_turn = (switches[kept].lane == from) == (late == 1);
            kept += its_turn && join_switch(&s->best, to, from, &switches[kept]);
        }
    }
    if (s->best.schedule.kind == FTF_SCHEDULE_AT) {
        out->schedule.switches = switches;
        out->schedule.count = kept;
    }
    ftf_scenario_mend(out);
    return true;
}

/* Things with an even number: the op once. Those with an odd one: half as often. */
static bool with_fewer_repeats(const ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    int row;
    ftf_place place = find_op(&s->best, s->at / 2, &row);
    uint32_t repeat = section_at(&s->best, row)->ops[place.index].repeat;
    if (repeat < 2 || (s->at % 2 == 1 && repeat < 4)) {
        return false;
    }
    ftf_scenario_copy(out, arena, &s->best);
    ftf_edit_at(out, place)->repeat = s->at % 2 == 0 ? 1 : repeat / 2;
    return true;
}

static bool without_switches(const ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    ftf_scenario_copy(out, arena, &s->best);
    uint32_t count = s->best.schedule.count, kept = 0;
    ftf_switch *switches = FTF_NEW(arena, ftf_switch, count);
    for (uint32_t i = 0; i < count; i++) {
        if (i < s->at || i >= s->at + s->chunk) {
            switches[kept++] = s->best.schedule.switches[i];
        }
    }
    out->schedule.switches = switches;
    out->schedule.count = kept;
    return true;
}

/* The lane that runs first becomes lane 0, which needs no switch for that. */
static bool with_first_lane_first(const ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    ftf_scenario_copy(out, arena, &s->best);
    int first = s->best.schedule.switches[0].to;
    uint32_t count = s->best.schedule.count - 1;
    ftf_switch *switches = FTF_NEW(arena, ftf_switch, count + 1);
    ftf_edit_swap_lanes(out, 0, first);
    for (uint32_t i = 0; i < count; i++) {
        switches[i] = s->best.schedule.switches[i + 1];
        switches[i].lane = (uint8_t)(switches[i].lane == 0 ? first : switches[i].lane == first ? 0 : switches[i].lane);
        switches[i].to = (uint8_t)(switches[i].to == 0 ? first : switches[i].to == first ? 0 : switches[i].to);
    }
    out->schedule.switches = switches;
    out->schedule.count = count;
    ftf_scenario_mend(out);
    return true;
}

/* What the pass makes of the things [at, at + chunk); false when that is nothing. */
static bool make(ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    switch (s->pass) {
    case PASS_LANES: return without_lane(s, arena, out);
    case PASS_OPS: return without_ops(s, arena, out);
    case PASS_JOINS: return with_joined_lanes(s, arena, out);
    case PASS_REPEATS: return with_fewer_repeats(s, arena, out);
    case PASS_FIRST: return with_first_lane_first(s, arena, out);
    default: return without_switches(s, arena, out);
    }
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* The largest pieces of a pass. Few switches matter, so all of them go first; half of the ops always matter. */
static uint32_t first_chunk(const ftf_shrink *s) {
    uint32_t count = count_things(s);
    switch (s->pass) {
    case PASS_OPS: return count > 1 ? count / 2 : 1;
    case PASS_SWITCHES: return count > 0 ? count : 1;
    default: return 1;
    }
}

static void begin_pass(ftf_shrink *s, pass pass) {
    s->pass = pass;
    s->at = 0;
    s->chunk = first_chunk(s);
}

/* Goes on to smaller pieces, or to the next pass; false after a round that brought nothing. */
static bool go_on(ftf_shrink *s) {
    if (s->chunk > 1) {
        s->chunk = (s->chunk + 1) / 2;
        s->at = 0;
        return true;
    }
    if (s->pass + 1 < PASS_COUNT) {
        begin_pass(s, s->pass + 1);
        return true;
    }
    bool again = s->better;
    s->better = false;
    begin_pass(s, PASS_LANES);
    return again;
}

bool ftf_shrink_propose(ftf_shrink *s, ftf_arena *arena, ftf_scenario *out) {
    for (;;) {
        if (s->pass == PASS_VALUES) {
            if (ftf_shrink_value(&s->best, &s->at, arena, out)) {
                return true;
            }
        } else {
            for (; s->at < count_things(s); s->at += s->chunk) {
                if (make(s, arena, out)) {
                    return true;
                }
            }
        }
        if (!go_on(s)) {
            return false;
        }
    }
}

static void keep(ftf_shrink *s, const ftf_scenario *better) {
    s->in = 1 - s->in;
    ftf_arena_reset(s->arenas[s->in]);
    ftf_scenario_copy(&s->best, s->arenas[s->in], better);
}

/* After an accepted proposal there are other things at the same place. */
void ftf_shrink_answer(ftf_shrink *s, const ftf_scenario *accepted) {
    if (accepted == NULL) {
        s->at += s->chunk;
        return;
    }
    keep(s, accepted);
    s->better = true;
}

bool ftf_shrink_may_search(const ftf_shrink *s) { return s->pass != PASS_FIRST && s->pass != PASS_SWITCHES; }

const ftf_scenario *ftf_shrink_best(const ftf_shrink *s) { return &s->best; }

ftf_shrink *ftf_shrink_create(const ftf_scenario *scenario) {
    ftf_shrink *s = calloc(1, sizeof *s);
    FTF_ASSERT(s != NULL);
    s->arenas[0] = ftf_arena_create();
    s->arenas[1] = ftf_arena_create();
    keep(s, scenario);
    begin_pass(s, PASS_LANES);
    return s;
}

void ftf_shrink_destroy(ftf_shrink *s) {
    if (s != NULL) {
        ftf_arena_destroy(s->arenas[0]);
        ftf_arena_destroy(s->arenas[1]);
        free(s);
    }
}

ftf_shrink_size ftf_shrink_measure(const ftf_scenario *scenario) {
    ftf_shrink_size size = {.other_ops = scenario->setup.count + scenario->finish.count};
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        size.lanes += scenario->lanes[lane].count > 0;
        size.lane_ops += scenario->lanes[lane].count;
    }
    size.switches = scenario->schedule.kind == FTF_SCHEDULE_AT ? scenario->schedule.count : 0;
    return size;
}
