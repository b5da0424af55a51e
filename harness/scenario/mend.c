/*
 * Reading order: ftf_scenario_mend at the end rebuilds the slot table while it walks the operations in textual order;
 * mend_value settles what a name means, settle_* what an operation means once it is text.
 */
#include "scenario/mend.h"

#include <string.h>

#include "scenario/ops.h"

typedef struct mender {
    ftf_scenario *scenario; /* its table holds the slots assigned so far */
    uint32_t old_count;
    ftf_slot old[FTF_SLOTS_MAX]; /* the table that values still refer to */
    int owner;
} mender;

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool is_visible(const mender *m, uint32_t slot) {
    int owner = m->scenario->slots[slot].owner;
    return owner == FTF_OWNER_SETUP || owner == m->owner;
}

/* Some slot that is visible here, the same one for the same lost slot; FTF_NO_SLOT when there is none. */
static int substitute(const mender *m, int lost) {
    uint32_t visible = 0;
    for (uint32_t i = 0; i < m->scenario->slot_count; i++) {
        visible += is_visible(m, i);
    }
    if (visible == 0) {
        return FTF_NO_SLOT;
    }
    uint32_t left = (uint32_t)lost % visible;
    for (uint32_t i = 0; i < m->scenario->slot_count; i++) {
        if (is_visible(m, i) && left-- == 0) {
            return ftf_scenario_find_slot(m->scenario, m->scenario->slots[i].name, m->owner);
        }
    }
    return FTF_NO_SLOT;
}

/* The slot that the first word of a dotted name means here. */
static int find_head(const mender *m, const char *name, size_t head) {
    char word[FTF_NAME_MAX + 1];
    if (head > FTF_NAME_MAX) {
        return FTF_NO_SLOT;
    }
    memcpy(word, name, head);
    word[head] = '\0';
    return ftf_scenario_find_slot(m->scenario, word, m->owner);
}

static ftf_value none(void) { return (ftf_value){.kind = FTF_VALUE_NONE}; }

static ftf_value slot_value(int slot) { return (ftf_value){.kind = FTF_VALUE_SLOT, .slot = slot}; }

/* The value as its text would be read here. What means nothing any more becomes None. */
static ftf_value mend_value(mender *m, const ftf_value *from) {
    ftf_value value = *from;
    if (value.kind == FTF_VALUE_SLOT) {
        bool known = value.slot >= 0 && (uint32_t)value.slot < m->old_count;
        int slot = known ? ftf_scenario_find_slot(m->scenario, m->old[value.slot].name, m->owner) : FTF_NO_SLOT;
        if (slot == FTF_NO_SLOT) {
            slot = substitute(m, value.slot < 0 ? 0 : value.slot);
        }
        return slot == FTF_NO_SLOT ? none() : slot_value(slot);
    }
    if (value.kind == FTF_VALUE_GLOBAL) {
        size_t head = strcspn(value.text, ".");
        int slot = find_head(m, value.text, head);
        if (slot == FTF_NO_SLOT) {
            return value;
        }
        return value.text[head] == '.' ? none() : slot_value(slot);
    }
    if (value.items) {
        ftf_value *items = FTF_NEW(m->scenario->arena, ftf_value, value.len);
        for (uint32_t i = 0; i < value.len; i++) {
            items[i] = mend_value(m, &from->items[i]);
        }
        value.items = items;
    }
    return value;
}

static bool is_dotted(const ftf_value *value) { return value->kind == FTF_VALUE_GLOBAL && strchr(value->text, '.'); }

/* ---- operations -------------------------------------------------------------------------------------------------- */

static bool is_special_float(const ftf_value *value) {
    static const char *const forms[] = {"inf", "-inf", "nan"};
    for (size_t i = 0; value->kind == FTF_VALUE_STR && i < sizeof forms / sizeof *forms; i++) {
        if (strlen(forms[i]) == value->len && memcmp(forms[i], value->text, value->len) == 0) {
            return true;
        }
    }
    return false;
}

/* `float("inf")` is a literal, so the op that calls float on this string is written with the literal inside. */
static bool settle_func(ftf_op *op) {
    if (op->code == FTF_OP_FLOAT && is_special_float(&op->self)) {
        op->self = (ftf_value){.kind = FTF_VALUE_FLOAT, .text = op->self.text};
    }
    return true;
}

/* A call of something that is a slot here, or of a function that is an op. */
static bool settle_call(mender *m, ftf_op *op) {
    size_t head = strcspn(op->name, ".");
    int slot = find_head(m, op->name, head);
    if (slot != FTF_NO_SLOT) {
        const char *method = op->name[head] == '.' ? op->name + head + 1 : "__call__";
        op->code = FTF_OP_METHOD;
        op->self = slot_value(slot);
        op->name = method;
        return strchr(method, '.') == NULL;
    }
    int code = ftf_op_find_function(op->name, strlen(op->name));
    if (code < 0 || op->kwargc || op->argc != (ftf_ops[code].form == FTF_FORM_FUNC ? 1u : 0u)) {
        return true;
    }
    op->code = (ftf_op_code)code;
    op->name = NULL;
    if (op->argc) {
        op->self = op->args[0];
        op->args = NULL;
        op->argc = 0;
    }
    return settle_func(op);
}

static bool settle_method(mender *m, ftf_op *op) {
    if (op->self.kind != FTF_VALUE_GLOBAL) {
        return !ftf_value_is_numeral(&op->self);
    }
    size_t owner = strlen(op->self.text);
    size_t len = strlen(op->name);
    if (owner + 1 + len > FTF_NAME_MAX) {
        return false;
    }
    char *name = ftf_arena_copy(m->scenario->arena, op->self.text, owner + 1 + len);
    name[owner] = '.';
    memcpy(name + owner + 1, op->name, len);
    op->code = FTF_OP_CALL;
    op->name = name;
    op->self = (ftf_value){0};
    return settle_call(m, op);
}

/* Whether the op can be written down as it is; turned into what its text means where that is another op. */
static bool settle(mender *m, ftf_op *op) {
    switch (ftf_ops[op->code].form) {
    case FTF_FORM_CALL: return settle_call(m, op);
    case FTF_FORM_METHOD: return settle_method(m, op);
    case FTF_FORM_FUNC: return settle_func(op);
    case FTF_FORM_GETATTR:
    case FTF_FORM_SETATTR:
    case FTF_FORM_DELATTR: return !ftf_value_is_numeral(&op->self);
    case FTF_FORM_GETITEM:
    case FTF_FORM_SETITEM:
    case FTF_FORM_DELITEM:
    case FTF_FORM_INFIX: return !is_dotted(&op->self);
    case FTF_FORM_INPLACE:
    case FTF_FORM_DROP: return op->self.kind == FTF_VALUE_SLOT;
    case FTF_FORM_PREFIX: return op->code != FTF_OP_NEG || !ftf_value_is_numeral(&op->self) || op->self.text[0] == '-';
    default: return true;
    }
}

/* `1 in a` and `a + b` are about their slots; an op that had one as its receiver is pointless without it. */
static bool lost_receiver(const ftf_op *before, const ftf_op *after) {
    return before->self.kind == FTF_VALUE_SLOT && after->self.kind == FTF_VALUE_NONE;
}

static bool mend_op(mender *m, ftf_op *op) {
    ftf_op before = *op;
    op->self = mend_value(m, &before.self);
    if (op->argc) {
        op->args = FTF_NEW(m->scenario->arena, ftf_value, op->argc);
    }
    for (uint32_t i = 0; i < op->argc; i++) {
        op->args[i] = mend_value(m, &before.args[i]);
    }
    if (op->kwargc) {
        op->kwargs = FTF_NEW(m->scenario->arena, ftf_kwarg, op->kwargc);
    }
    for (uint32_t i = 0; i < op->kwargc; i++) {
        op->kwargs[i] = (ftf_kwarg){before.kwargs[i].name, mend_value(m, &before.kwargs[i].value)};
    }
    if (lost_receiver(&before, op) || !settle(m, op)) {
        return false;
    }
    if (op->dest != FTF_NO_SLOT && ftf_ops[op->code].yields && (uint32_t)op->dest < m->old_count) {
        const char *name = m->old[op->dest].name;
        op->dest = ftf_scenario_add_slot(m->scenario, name, strlen(name), m->owner);
    } else {
        op->dest = FTF_NO_SLOT;
    }
    return true;
}

static void mend_section(mender *m, int owner) {
    ftf_section *section = ftf_scenario_section(m->scenario, owner);
    uint32_t kept = 0;
    m->owner = owner;
    for (uint32_t i = 0; i < section->count; i++) {
        if (mend_op(m, &section->ops[i])) {
            section->ops[kept++] = section->ops[i];
        }
    }
    section->count = kept;
}

static bool means_something(const ftf_scenario *scenario, const ftf_switch *one) {
    if (one->lane >= scenario->lane_count || one->to >= scenario->lane_count || one->lane == one->to ||
        one->point == 0) {
        return false;
    }
    return one->in_op <= 1 || one->in_op <= scenario->lanes[one->lane].count;
}

/* Switches of lanes and ops that are gone mean nothing; a schedule without any is still explicit. */
static void mend_schedule(ftf_scenario *scenario) {
    ftf_schedule *schedule = &scenario->schedule;
    if (schedule->kind != FTF_SCHEDULE_AT || schedule->count == 0) {
        return;
    }
    ftf_switch *kept = FTF_NEW(scenario->arena, ftf_switch, schedule->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < schedule->count; i++) {
        if (means_something(scenario, &schedule->switches[i])) {
            kept[count++] = schedule->switches[i];
        }
    }
    schedule->switches = kept;
    schedule->count = count;
}

void ftf_scenario_mend(ftf_scenario *scenario) {
    mender m = {.scenario = scenario, .old_count = scenario->slot_count};
    memcpy(m.old, scenario->slots, scenario->slot_count * sizeof *m.old);
    scenario->slot_count = 0;
    mend_section(&m, FTF_OWNER_SETUP);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        mend_section(&m, (int)lane);
    }
    mend_section(&m, FTF_OWNER_FINISH);
    mend_schedule(scenario);
}
