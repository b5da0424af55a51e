#include "scenario/edit.h"

#include <string.h>

#include "base/check.h"

ftf_op *ftf_edit_at(ftf_scenario *scenario, ftf_place place) {
    ftf_section *section = ftf_scenario_section(scenario, place.owner);
    FTF_ASSERT(place.index < section->count);
    return &section->ops[place.index];
}

bool ftf_edit_draw(ftf_scenario *scenario, ftf_rng *rng, bool with_setup, ftf_place *out) {
    uint32_t total = with_setup ? scenario->setup.count : 0;
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        total += scenario->lanes[lane].count;
    }
    if (total == 0) {
        return false;
    }
    uint32_t left = ftf_rng_below(rng, total);
    if (with_setup) {
        if (left < scenario->setup.count) {
            *out = (ftf_place){FTF_OWNER_SETUP, left};
            return true;
        }
        left -= scenario->setup.count;
    }
    int lane = 0;
    while (left >= scenario->lanes[lane].count) {
        left -= scenario->lanes[lane++].count;
    }
    *out = (ftf_place){lane, left};
    return true;
}

void ftf_edit_remove(ftf_scenario *scenario, ftf_place place) {
    ftf_section *section = ftf_scenario_section(scenario, place.owner);
    FTF_ASSERT(place.index < section->count);
    uint32_t after = section->count - place.index - 1;
    memmove(section->ops + place.index, section->ops + place.index + 1, after * sizeof *section->ops);
    section->count--;
}

bool ftf_edit_insert(ftf_scenario *scenario, ftf_place place, const ftf_op *op) {
    ftf_op inserted = *op; /* op may point into the section that moves */
    if (!ftf_scenario_push(scenario, place.owner, &inserted)) {
        return false;
    }
    ftf_section *section = ftf_scenario_section(scenario, place.owner);
    FTF_ASSERT(place.index < section->count);
    uint32_t after = section->count - place.index - 1;
    memmove(section->ops + place.index + 1, section->ops + place.index, after * sizeof *section->ops);
    section->ops[place.index] = inserted;
    return true;
}

int ftf_edit_other_lane(const ftf_scenario *scenario, ftf_rng *rng, int lane) {
    if (scenario->lane_count < 2) {
        return -1;
    }
    int other = (int)ftf_rng_below(rng, scenario->lane_count - 1);
    return other >= lane && lane >= 0 ? other + 1 : other;
}

bool ftf_edit_add_lane(ftf_scenario *scenario) {
    if (scenario->lane_count == FTF_LANES_MAX) {
        return false;
    }
    scenario->lanes[scenario->lane_count++] = (ftf_section){0};
    return true;
}

/* The lanes behind it move up; their slots are told by name and section, so the slots' owners move with them. */
bool ftf_edit_remove_lane(ftf_scenario *scenario, int lane) {
    if (scenario->lane_count < 2) {
        return false;
    }
    FTF_ASSERT(lane >= 0 && (uint32_t)lane < scenario->lane_count);
    size_t after = scenario->lane_count - (uint32_t)lane - 1;
    memmove(&scenario->lanes[lane], &scenario->lanes[lane + 1], after * sizeof *scenario->lanes);
    scenario->lanes[--scenario->lane_count] = (ftf_section){0};
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        if (scenario->slots[i].owner > lane) {
            scenario->slots[i].owner--;
        }
    }
    return true;
}

void ftf_edit_swap_lanes(ftf_scenario *scenario, int a, int b) {
    ftf_section section = scenario->lanes[a];
    scenario->lanes[a] = scenario->lanes[b];
    scenario->lanes[b] = section;
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        int *owner = &scenario->slots[i].owner;
        *owner = *owner == a ? b : *owner == b ? a : *owner;
    }
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

/*
 * What a scenario may cost. Executions are counted in thousands each second, and short ones find most; a corpus
 * that is free to grow does grow, because longer scenarios cover more.
 */
enum {
    SETUP_OPS_MAX = 14,
    LANE_OPS_MAX = 12,
    FINISH_OPS_MAX = 6,
    SETUP_REPEATS_MAX = 64, /* of a section, all repeats added up */
    LANE_REPEATS_MAX = 400,
    TEXT_MAX = FTF_SCENARIO_BYTES_MAX / 4,
    SWITCHES_KEPT_MAX = 256, /* an explicit schedule that is longer was made for another scenario */
};

static void trim_ops(ftf_scenario *scenario, ftf_rng *rng, int owner, uint32_t max) {
    ftf_section *section = ftf_scenario_section(scenario, owner);
    while (section->count > max) {
        ftf_edit_remove(scenario, (ftf_place){owner, ftf_rng_below(rng, section->count)});
    }
}

static void trim_repeats(ftf_scenario *scenario, int owner, uint32_t max) {
    ftf_section *section = ftf_scenario_section(scenario, owner);
    for (;;) {
        uint32_t total = 0;
        ftf_op *largest = NULL;
        for (uint32_t i = 0; i < section->count; i++) {
            total += section->ops[i].repeat;
            largest = largest && largest->repeat >= section->ops[i].repeat ? largest : &section->ops[i];
        }
        if (total <= max || largest->repeat == 1) {
            return;
        }
        largest->repeat = (largest->repeat + 1) / 2;
    }
}

/* No less than the bytes of the value's text: an escape takes at most four bytes for one. */
static size_t value_size(const ftf_scenario *scenario, const ftf_value *value) {
    enum { PUNCTUATION = 12 }; /* the longest is that of float("inf"), with the comma behind it */
    if (value->kind == FTF_VALUE_STR || value->kind == FTF_VALUE_BYTES) {
        return PUNCTUATION + 4 * (size_t)value->len;
    }
    if (value->kind == FTF_VALUE_SLOT) {
        return PUNCTUATION + strlen(scenario->slots[value->slot].name);
    }
    size_t size = PUNCTUATION + (value->text ? strlen(value->text) : 0);
    for (uint32_t i = 0; value->items && i < value->len; i++) {
        size += value_size(scenario, &value->items[i]);
    }
    return size;
}

static size_t op_size(const ftf_scenario *scenario, const ftf_op *op) {
    enum { PUNCTUATION = 48 };
    size_t size = PUNCTUATION + (op->name ? strlen(op->name) : 0) + value_size(scenario, &op->self);
    size += op->dest == FTF_NO_SLOT ? 0 : strlen(scenario->slots[op->dest].name);
    for (uint32_t i = 0; i < op->argc; i++) {
        size += value_size(scenario, &op->args[i]);
    }
    for (uint32_t i = 0; i < op->kwargc; i++) {
        size += strlen(op->kwargs[i].name) + value_size(scenario, &op->kwargs[i].value);
    }
    return size;
}

/* Takes out the largest operation until the text is short. */
static void trim_text(ftf_scenario *scenario) {
    if (scenario->schedule.count > SWITCHES_KEPT_MAX) {
        scenario->schedule.count = SWITCHES_KEPT_MAX;
    }
    for (;;) {
        size_t total = 0;
        size_t largest_size = 0;
        ftf_place largest = {0, 0};
        for (int owner = FTF_OWNER_FINISH; owner < (int)scenario->lane_count; owner++) {
            const ftf_section *section = ftf_scenario_section(scenario, owner);
            for (uint32_t i = 0; i < section->count; i++) {
                size_t size = op_size(scenario, &section->ops[i]);
                total += size;
                if (size > largest_size) {
                    largest_size = size;
                    largest = (ftf_place){owner, i};
                }
            }
        }
        if (total <= TEXT_MAX) {
            return;
        }
        ftf_edit_remove(scenario, largest);
    }
}

void ftf_edit_trim(ftf_scenario *scenario, ftf_rng *rng) {
    trim_ops(scenario, rng, FTF_OWNER_SETUP, SETUP_OPS_MAX);
    trim_repeats(scenario, FTF_OWNER_SETUP, SETUP_REPEATS_MAX);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        trim_ops(scenario, rng, (int)lane, LANE_OPS_MAX);
        trim_repeats(scenario, (int)lane, LANE_REPEATS_MAX);
    }
    trim_ops(scenario, rng, FTF_OWNER_FINISH, FINISH_OPS_MAX);
    trim_repeats(scenario, FTF_OWNER_FINISH, FINISH_OPS_MAX);
    trim_text(scenario);
}
