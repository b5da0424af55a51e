#include "findings/callee.h"

#include <stdio.h>
#include <string.h>

#include "scenario/ops.h"

/* A slot may come from a slot that comes from a slot: `a = deque(); b = iter(a); c = copy.copy(b)`. */
enum { ORIGIN_DEPTH_MAX = 8 };

static bool op_is_targets(const ftf_scenario *scenario, const ftf_catalog *catalog, const ftf_op *op, int depth);

/* The op whose result the slot keeps: the first that says so, in setup before the lanes; NULL when there is none. */
static const ftf_op *origin_in(const ftf_section *section, int slot) {
    for (uint32_t i = 0; i < section->count; i++) {
        if (section->ops[i].dest == slot) {
            return &section->ops[i];
        }
    }
    return NULL;
}

static const ftf_op *origin_of(const ftf_scenario *scenario, int slot) {
    const ftf_op *op = origin_in(&scenario->setup, slot);
    for (uint32_t lane = 0; !op && lane < scenario->lane_count; lane++) {
        op = origin_in(&scenario->lanes[lane], slot);
    }
    return op ? op : origin_in(&scenario->finish, slot);
}

static bool value_is_targets(const ftf_scenario *scenario, const ftf_catalog *catalog, const ftf_value *value,
                             int depth) {
    if (value->kind == FTF_VALUE_GLOBAL) {
        return ftf_catalog_has_global(catalog, value->text);
    }
    if (value->kind == FTF_VALUE_SLOT && depth < ORIGIN_DEPTH_MAX) {
        const ftf_op *origin = origin_of(scenario, value->slot);
        return origin && op_is_targets(scenario, catalog, origin, depth + 1);
    }
    return false;
}

static bool op_is_targets(const ftf_scenario *scenario, const ftf_catalog *catalog, const ftf_op *op, int depth) {
    if (op->code == FTF_OP_CALL && ftf_catalog_has_global(catalog, op->name)) {
        return true;
    }
    if (op->code != FTF_OP_CALL && value_is_targets(scenario, catalog, &op->self, depth)) {
        return true;
    }
    for (uint32_t i = 0; i < op->argc; i++) {
        if (value_is_targets(scenario, catalog, &op->args[i], depth)) {
            return true;
        }
    }
    return false;
}

static const char *name_of(const ftf_op *op) {
    const ftf_op_info *info = &ftf_ops[op->code];
    if (info->form == FTF_FORM_GETITEM || info->form == FTF_FORM_SETITEM || info->form == FTF_FORM_DELITEM) {
        return info->form == FTF_FORM_GETITEM ? "[]" : info->form == FTF_FORM_SETITEM ? "[]=" : "del []";
    }
    return info->symbol[0] ? info->symbol : op->name ? op->name : info->name;
}

void ftf_callee_describe(const ftf_scenario *scenario, const ftf_catalog *catalog, const ftf_op *op,
                         ftf_callee *out) {
    (void)snprintf(out->name, sizeof out->name, "%s", name_of(op));
    out->of_target = !catalog || op_is_targets(scenario, catalog, op, 0);
}
