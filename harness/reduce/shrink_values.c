#include "reduce/shrink_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "scenario/mend.h"
#include "scenario/print.h"

/*
 * Reading order: ftf_shrink_value at the end walks a copy of the scenario; each place at which something could be made
 * smaller asks `takes` whether it is the one, and then changes the copy.
 */

typedef struct editor {
    ftf_arena *arena;
    uint64_t used;   /* slots that some op reads */
    uint32_t before; /* edits to pass over */
} editor;

static bool takes(editor *e) {
    if (e->before > 0) {
        e->before--;
        return false;
    }
    return true;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void remove_items(editor *e, ftf_value *value, uint32_t from, uint32_t count) {
    ftf_value *items = FTF_NEW(e->arena, ftf_value, value->len - count + 1);
    memcpy(items, value->items, from * sizeof *items);
    memcpy(items + from, value->items + from + count, (value->len - from - count) * sizeof *items);
    value->items = items;
    value->len -= count;
}

/* All items at once, each half, then each alone; a set keeps one, because it cannot be written down empty. */
static bool edit_items(editor *e, ftf_value *value) {
    uint32_t unit = value->kind == FTF_VALUE_DICT ? 2 : 1, count = value->len / unit;
    uint32_t least = value->kind == FTF_VALUE_SET ? 1 : 0;
    for (uint32_t chunk = count - least; chunk > 0 && count > least; chunk /= 2) {
        for (uint32_t at = least; at + chunk <= count; at += chunk) {
            if (takes(e)) {
                remove_items(e, value, at * unit, chunk * unit);
                return true;
            }
        }
    }
    return false;
}

/* Where the first half of the text ends, not inside of a character. */
static uint32_t half_of(const ftf_value *value) {
    uint32_t half = value->len / 2;
    while (value->kind == FTF_VALUE_STR && half > 0 && ((unsigned char)value->text[half] & 0xc0) == 0x80) {
        half--;
    }
    return half;
}

static bool edit_text(editor *e, ftf_value *value) {
    uint32_t half = half_of(value);
    if (value->len > 0 && takes(e)) {
        value->len = 0;
    } else if (half > 0 && takes(e)) {
        value->len = half;
    } else {
        return false;
    }
    value->text = ftf_arena_copy(e->arena, value->text, value->len);
    return true;
}

static bool edit_number(editor *e, ftf_value *value) {
    static const char *const plain[2][3] = {{"0", "1", "2"}, {"0.0", "1.0", "2.0"}};
    for (int i = 0; i < 3; i++) {
        if (takes(e)) {
            value->text = plain[value->kind == FTF_VALUE_FLOAT][i];
            return true;
        }
    }
    int64_t half = strtoll(value->text, NULL, 0) / 2;
    if (value->kind != FTF_VALUE_INT || half == 0 || !takes(e)) {
        return false;
    }
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, half);
    value->text = ftf_arena_copy(e->arena, digits, (size_t)len);
    return true;
}

static bool edit_value(editor *e, ftf_value *value) {
    switch (value->kind) {
    case FTF_VALUE_INT:
    case FTF_VALUE_FLOAT: return edit_number(e, value);
    case FTF_VALUE_STR:
    case FTF_VALUE_BYTES: return edit_text(e, value);
    case FTF_VALUE_TUPLE:
    case FTF_VALUE_LIST:
    case FTF_VALUE_SET:
    case FTF_VALUE_DICT:
        if (edit_items(e, value)) {
            return true;
        }
        break;
    default: break;
    }
    if (value->len == 0 || value->items == NULL) {
        return false;
    }
    ftf_value *items = FTF_NEW(e->arena, ftf_value, value->len);
    memcpy(items, value->items, value->len * sizeof *items);
    value->items = items;
    for (uint32_t i = 0; i < value->len; i++) {
        if (edit_value(e, &items[i])) {
            return true;
        }
    }
    return false;
}

/* ---- ops --------------------------------------------------------------------------------------------------------- */

/* What a slot holds is asked for by name: only operands that are written down are made smaller. */
static bool edit_operands(editor *e, ftf_op *op) {
    if (edit_value(e, &op->self)) {
        return true;
    }
    for (uint32_t i = 0; i < op->argc; i++) {
        if (edit_value(e, &op->args[i])) {
            return true;
        }
    }
    for (uint32_t i = 0; i < op->kwargc; i++) {
        if (edit_value(e, &op->kwargs[i].value)) {
            return true;
        }
    }
    return false;
}

static bool edit_arguments(editor *e, ftf_op *op) {
    for (uint32_t i = 0; i < op->kwargc; i++) {
        if (takes(e)) {
            memmove(op->kwargs + i, op->kwargs + i + 1, (op->kwargc - i - 1) * sizeof *op->kwargs);
            op->kwargc--;
            return true;
        }
    }
    if (op->argc > 0 && (op->code == FTF_OP_CALL || op->code == FTF_OP_METHOD) && takes(e)) {
        op->argc--;
        return true;
    }
    return false;
}

static bool edit_op(editor *e, ftf_op *op) {
    if (op->dest != FTF_NO_SLOT && ((e->used >> op->dest) & 1) == 0 && takes(e)) {
        op->dest = FTF_NO_SLOT;
        return true;
    }
    return edit_arguments(e, op) || edit_operands(e, op);
}

static bool edit_section(editor *e, ftf_section *section) {
    for (uint32_t i = 0; i < section->count; i++) {
        if (edit_op(e, &section->ops[i])) {
            return true;
        }
    }
    return false;
}

static uint64_t used_slots(const ftf_section *section) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < section->count; i++) {
        used |= ftf_op_slots(&section->ops[i]);
    }
    return used;
}

static bool edit(editor *e, ftf_scenario *scenario) {
    e->used = used_slots(&scenario->setup) | used_slots(&scenario->finish);
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        e->used |= used_slots(&scenario->lanes[lane]);
    }
    bool edited = edit_section(e, &scenario->setup);
    for (uint32_t lane = 0; lane < scenario->lane_count && !edited; lane++) {
        edited = edit_section(e, &scenario->lanes[lane]);
    }
    return edited || edit_section(e, &scenario->finish);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Shorter, or as long and earlier in the alphabet: whoever goes on like this ends. */
static bool is_smaller(const ftf_scenario *candidate, const ftf_scenario *than) {
    ftf_text a = {0}, b = {0};
    ftf_scenario_print(candidate, &a);
    ftf_scenario_print(than, &b);
    bool smaller = a.len != b.len ? a.len < b.len : memcmp(a.data, b.data, a.len) < 0;
    ftf_text_release(&a);
    ftf_text_release(&b);
    return smaller;
}

bool ftf_shrink_value(const ftf_scenario *scenario, uint32_t *number, ftf_arena *arena, ftf_scenario *out) {
    for (;; ++*number) {
        editor e = {.arena = arena, .before = *number};
        ftf_scenario_copy(out, arena, scenario);
        if (!edit(&e, out)) {
            return false;
        }
        ftf_scenario_mend(out);
        if (is_smaller(out, scenario)) {
            return true;
        }
    }
}
