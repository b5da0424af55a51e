#include "scenario/scenario.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"

/* ---- making ------------------------------------------------------------------------------------------------------ */

void ftf_scenario_init(ftf_scenario *scenario, ftf_arena *arena, const char *target) {
    *scenario = (ftf_scenario){.arena = arena, .lane_count = 1};
    scenario->target = ftf_arena_copy(arena, target, strlen(target));
}

ftf_section *ftf_scenario_section(ftf_scenario *scenario, int owner) {
    if (owner == FTF_OWNER_SETUP) {
        return &scenario->setup;
    }
    if (owner == FTF_OWNER_FINISH) {
        return &scenario->finish;
    }
    FTF_ASSERT(owner >= 0 && owner < FTF_LANES_MAX);
    return &scenario->lanes[owner];
}

static int find_owned(const ftf_scenario *scenario, const char *name, size_t len, int owner) {
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        const ftf_slot *slot = &scenario->slots[i];
        if (slot->owner == owner && strncmp(slot->name, name, len) == 0 && slot->name[len] == '\0') {
            return (int)i;
        }
    }
    return FTF_NO_SLOT;
}

int ftf_scenario_find_slot(const ftf_scenario *scenario, const char *name, int owner) {
    size_t len = strlen(name);
    int own = owner == FTF_OWNER_SETUP ? FTF_NO_SLOT : find_owned(scenario, name, len, owner);
    return own != FTF_NO_SLOT ? own : find_owned(scenario, name, len, FTF_OWNER_SETUP);
}

int ftf_scenario_add_slot(ftf_scenario *scenario, const char *name, size_t len, int owner) {
    int known = find_owned(scenario, name, len, owner);
    if (known != FTF_NO_SLOT) {
        return known;
    }
    if (scenario->slot_count == FTF_SLOTS_MAX) {
        return FTF_NO_SLOT;
    }
    ftf_slot *slot = &scenario->slots[scenario->slot_count];
    slot->name = ftf_arena_copy(scenario->arena, name, len);
    slot->owner = owner;
    return (int)scenario->slot_count++;
}

/*
 * Most sections hold three ops, so the array starts small and doubles; its room follows from its count and is not
 * stored: a power of two from ROOM_FIRST on.
 */
static ftf_op *next_place(ftf_scenario *scenario, int owner) {
    enum { ROOM_FIRST = 4 };
    ftf_section *section = ftf_scenario_section(scenario, owner);
    uint32_t count = section->count;
    if (count >= FTF_OPS_MAX) {
        return NULL;
    }
    bool power_of_two = (count & (count - 1)) == 0;
    if (count == 0 || (count >= ROOM_FIRST && power_of_two)) {
        ftf_op *ops = FTF_NEW(scenario->arena, ftf_op, count ? 2 * count : ROOM_FIRST);
        if (count) {
            memcpy(ops, section->ops, count * sizeof *ops);
        }
        section->ops = ops;
    }
    return &section->ops[section->count++];
}

ftf_op *ftf_scenario_add(ftf_scenario *scenario, int owner, ftf_op_code code) {
    ftf_op *op = next_place(scenario, owner);
    if (op) {
        *op = (ftf_op){.code = code, .dest = FTF_NO_SLOT, .repeat = 1};
    }
    return op;
}

bool ftf_scenario_push(ftf_scenario *scenario, int owner, const ftf_op *op) {
    ftf_op *place = next_place(scenario, owner);
    if (place) {
        *place = *op;
    }
    return place != NULL;
}

/* ---- copying ----------------------------------------------------------------------------------------------------- */

static ftf_value copy_value(ftf_arena *arena, const ftf_value *from);

static ftf_value *copy_values(ftf_arena *arena, const ftf_value *from, uint32_t count) {
    if (count == 0) {
        return NULL;
    }
    ftf_value *to = FTF_NEW(arena, ftf_value, count);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = copy_value(arena, &from[i]);
    }
    return to;
}

static ftf_value copy_value(ftf_arena *arena, const ftf_value *from) {
    ftf_value to = *from;
    bool sized = from->kind == FTF_VALUE_STR || from->kind == FTF_VALUE_BYTES;
    if (from->text) {
        to.text = ftf_arena_copy(arena, from->text, sized ? from->len : strlen(from->text));
    }
    if (from->items) {
        to.items = copy_values(arena, from->items, from->len);
    }
    return to;
}

ftf_op ftf_op_copy(ftf_arena *arena, const ftf_op *from) {
    ftf_op to = *from;
    if (from->name) {
        to.name = ftf_arena_copy(arena, from->name, strlen(from->name));
    }
    to.self = copy_value(arena, &from->self);
    to.args = copy_values(arena, from->args, from->argc);
    to.kwargs = from->kwargc ? FTF_NEW(arena, ftf_kwarg, from->kwargc) : NULL;
    for (uint32_t i = 0; i < from->kwargc; i++) {
        const ftf_kwarg *keyword = &from->kwargs[i];
        to.kwargs[i].name = ftf_arena_copy(arena, keyword->name, strlen(keyword->name));
        to.kwargs[i].value = copy_value(arena, &keyword->value);
    }
    return to;
}

static uint64_t value_slots(const ftf_value *value) {
    switch (value->kind) {
    case FTF_VALUE_SLOT: return UINT64_C(1) << value->slot;
    case FTF_VALUE_TUPLE:
    case FTF_VALUE_LIST:
    case FTF_VALUE_SET:
    case FTF_VALUE_DICT:
    case FTF_VALUE_RECIPE: break;
    default: return 0;
    }
    uint64_t slots = 0;
    for (uint32_t i = 0; i < value->len; i++) {
        slots |= value_slots(&value->items[i]);
    }
    return slots;
}

uint64_t ftf_op_slots(const ftf_op *op) {
    _Static_assert(FTF_SLOTS_MAX <= 64, "a slot is a bit");
    uint64_t slots = value_slots(&op->self);
    for (uint32_t i = 0; i < op->argc; i++) {
        slots |= value_slots(&op->args[i]);
    }
    for (uint32_t i = 0; i < op->kwargc; i++) {
        slots |= value_slots(&op->kwargs[i].value);
    }
    return slots;
}

uint64_t ftf_scenario_shared(const ftf_scenario *scenario) {
    uint64_t shared = 0;
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        shared |= (uint64_t)(scenario->slots[i].owner == FTF_OWNER_SETUP) << i;
    }
    return shared;
}

uint64_t ftf_op_call_hash(const ftf_op *op) {
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, &op->code, sizeof op->code);
    return op->name != NULL ? ftf_hash_bytes(hash, op->name, strlen(op->name)) : hash;
}

static void copy_section(ftf_scenario *to, int owner, const ftf_section *from) {
    for (uint32_t i = 0; i < from->count; i++) {
        ftf_op op = ftf_op_copy(to->arena, &from->ops[i]);
        bool pushed = ftf_scenario_push(to, owner, &op);
        FTF_ASSERT(pushed);
    }
}

void ftf_scenario_copy(ftf_scenario *to, ftf_arena *arena, const ftf_scenario *from) {
    ftf_scenario_init(to, arena, from->target);
    to->lane_count = from->lane_count;
    to->slot_count = from->slot_count;
    for (uint32_t i = 0; i < from->slot_count; i++) {
        const ftf_slot *slot = &from->slots[i];
        to->slots[i] = (ftf_slot){ftf_arena_copy(arena, slot->name, strlen(slot->name)), slot->owner};
    }
    copy_section(to, FTF_OWNER_SETUP, &from->setup);
    for (uint32_t lane = 0; lane < from->lane_count; lane++) {
        copy_section(to, (int)lane, &from->lanes[lane]);
    }
    copy_section(to, FTF_OWNER_FINISH, &from->finish);
    to->schedule = from->schedule;
    if (from->schedule.count) {
        ftf_switch *switches = FTF_NEW(arena, ftf_switch, from->schedule.count);
        memcpy(switches, from->schedule.switches, from->schedule.count * sizeof *switches);
        to->schedule.switches = switches;
    }
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

typedef struct pair {
    const ftf_scenario *a, *b;
} pair;

static bool same_text(const char *a, const char *b) {
    if (!a || !b) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

static bool same_slot(const pair *both, int a, int b) {
    if (a < 0 || b < 0) {
        return a == b;
    }
    const ftf_slot *x = &both->a->slots[a];
    const ftf_slot *y = &both->b->slots[b];
    return x->owner == y->owner && strcmp(x->name, y->name) == 0;
}

static bool same_values(const pair *both, const ftf_value *a, const ftf_value *b, uint32_t count);

static bool same_value(const pair *both, const ftf_value *a, const ftf_value *b) {
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case FTF_VALUE_STR:
    case FTF_VALUE_BYTES: return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    case FTF_VALUE_SLOT: return same_slot(both, a->slot, b->slot);
    case FTF_VALUE_INT:
    case FTF_VALUE_FLOAT:
    case FTF_VALUE_GLOBAL: return same_text(a->text, b->text);
    case FTF_VALUE_RECIPE:
        if (!same_text(a->text, b->text)) {
            return false;
        }
        break;
    default: break;
    }
    return a->len == b->len && same_values(both, a->items, b->items, a->len);
}

static bool same_values(const pair *both, const ftf_value *a, const ftf_value *b, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (!same_value(both, &a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

static bool same_op(const pair *both, const ftf_op *a, const ftf_op *b) {
    if (a->code != b->code || a->repeat != b->repeat || a->argc != b->argc || a->kwargc != b->kwargc) {
        return false;
    }
    if (!same_slot(both, a->dest, b->dest) || !same_text(a->name, b->name) || !same_value(both, &a->self, &b->self)) {
        return false;
    }
    for (uint32_t i = 0; i < a->kwargc; i++) {
        const ftf_kwarg *x = &a->kwargs[i];
        const ftf_kwarg *y = &b->kwargs[i];
        if (!same_text(x->name, y->name) || !same_value(both, &x->value, &y->value)) {
            return false;
        }
    }
    return same_values(both, a->args, b->args, a->argc);
}

static bool same_section(const pair *both, const ftf_section *a, const ftf_section *b) {
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (!same_op(both, &a->ops[i], &b->ops[i])) {
            return false;
        }
    }
    return true;
}

static bool same_schedule(const ftf_schedule *a, const ftf_schedule *b) {
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == FTF_SCHEDULE_PCT) {
        return a->seed == b->seed && a->depth == b->depth;
    }
    if (a->kind == FTF_SCHEDULE_FREE) {
        return true;
    }
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        const ftf_switch *x = &a->switches[i];
        const ftf_switch *y = &b->switches[i];
        if (x->lane != y->lane || x->to != y->to || x->in_op != y->in_op || x->point != y->point) {
            return false;
        }
    }
    return true;
}

bool ftf_scenario_equal(const ftf_scenario *a, const ftf_scenario *b) {
    pair both = {a, b};
    if (strcmp(a->target, b->target) != 0 || a->lane_count != b->lane_count) {
        return false;
    }
    if (!same_section(&both, &a->setup, &b->setup) || !same_section(&both, &a->finish, &b->finish)) {
        return false;
    }
    for (uint32_t lane = 0; lane < a->lane_count; lane++) {
        if (!same_section(&both, &a->lanes[lane], &b->lanes[lane])) {
            return false;
        }
    }
    return same_schedule(&a->schedule, &b->schedule);
}
