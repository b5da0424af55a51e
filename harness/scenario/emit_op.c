#include "scenario/emitter.h"

#include <string.h>

#include "base/check.h"
#include "scenario/emit_names.h"
#include "scenario/ops.h"
#include "scenario/print.h"

/* Reading order: names (what is whose, what is in the way), values, the forms of ops, one op. */

/* ---- names ------------------------------------------------------------------------------------------------------- */

void ftf_emit_first_part(const char *dotted, char name[FTF_NAME_MAX + 1]) {
    size_t len = strcspn(dotted, ".");
    FTF_ASSERT(len <= FTF_NAME_MAX);
    memcpy(name, dotted, len);
    name[len] = '\0';
}

static bool visit_value(const ftf_value *value, ftf_emit_visitor *on_value, void *self) {
    if (!on_value(self, value)) {
        return false;
    }
    for (uint32_t i = 0; value->items != NULL && i < value->len; i++) {
        if (!visit_value(&value->items[i], on_value, self)) {
            return false;
        }
    }
    return true;
}

static bool has_self(const ftf_op *op) { return op->code != FTF_OP_CALL && op->code != FTF_OP_COLLECT; }

static bool visit_op(const ftf_op *op, ftf_emit_visitor *on_value, void *self) {
    /* What is called is a global as any other. */
    const ftf_value callee = {.kind = FTF_VALUE_GLOBAL, .text = op->name};
    bool on = op->code != FTF_OP_CALL || on_value(self, &callee);
    on = on && (!has_self(op) || visit_value(&op->self, on_value, self));
    for (uint32_t i = 0; on && i < op->argc; i++) {
        on = visit_value(&op->args[i], on_value, self);
    }
    for (uint32_t i = 0; on && i < op->kwargc; i++) {
        on = visit_value(&op->kwargs[i].value, on_value, self);
    }
    return on;
}

static bool visit_section(const ftf_section *section, ftf_emit_visitor *on_value, void *self) {
    for (uint32_t i = 0; i < section->count; i++) {
        if (!visit_op(&section->ops[i], on_value, self)) {
            return false;
        }
    }
    return true;
}

bool ftf_emit_visit(const ftf_emitter *e, ftf_emit_visitor *on_value, void *self) {
    bool on = true;
    for (uint32_t i = 0; on && i < e->count; i++) {
        const ftf_scenario *s = e->scenarios[i];
        on = visit_section(&s->setup, on_value, self) && visit_section(&s->finish, on_value, self);
        for (uint32_t lane = 0; on && lane < s->lane_count; lane++) {
            on = visit_section(&s->lanes[lane], on_value, self);
        }
    }
    return on;
}

static bool is_another_global(void *self, const ftf_value *value) {
    char first[FTF_NAME_MAX + 1];
    if (value->kind == FTF_VALUE_GLOBAL) {
        ftf_emit_first_part(value->text, first);
    }
    return value->kind != FTF_VALUE_GLOBAL || strcmp(first, self) != 0;
}

static bool is_free(const ftf_emitter *e, int slot, char *name) {
    const ftf_slot *slots = e->scenario->slots;
    bool shared = slots[slot].owner == FTF_OWNER_SETUP;
    for (uint32_t i = 0; i < e->scenario->slot_count; i++) {
        /* Underscores only go to a lane's own: the shared one of that name has the older right. */
        if (!shared && slots[i].owner == FTF_OWNER_SETUP && strcmp(slots[i].name, name) == 0) {
            return false;
        }
    }
    return !ftf_emit_is_script_name(name) && ftf_emit_visit(e, is_another_global, name);
}

void ftf_emit_slot(const ftf_emitter *e, int slot) {
    char name[FTF_NAME_MAX + 16];
    size_t len = strlen(e->scenario->slots[slot].name);
    memcpy(name, e->scenario->slots[slot].name, len + 1);
    while (len + 1 < sizeof name && !is_free(e, slot, name)) {
        name[len++] = '_';
        name[len] = '\0';
    }
    ftf_text_str(e->out, name);
}

static void emit_global(const ftf_emitter *e, const char *dotted) {
    char first[FTF_NAME_MAX + 1];
    ftf_emit_first_part(dotted, first);
    bool is_target = e->options->catalog != NULL && ftf_catalog_has_global(e->options->catalog, first);
    if (ftf_emit_is_script_name(first) && is_target) {
        ftf_text_str(e->out, "target.");
    }
    ftf_text_str(e->out, dotted);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void emit_value(const ftf_emitter *e, const ftf_value *value);

static void emit_values(const ftf_emitter *e, const ftf_value *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        ftf_text_str(e->out, i > 0 ? ", " : "");
        emit_value(e, &values[i]);
    }
}

static void emit_items(const ftf_emitter *e, const ftf_value *value, const char *brackets) {
    ftf_text_char(e->out, brackets[0]);
    emit_values(e, value->items, value->len);
    ftf_text_str(e->out, value->kind == FTF_VALUE_TUPLE && value->len == 1 ? "," : "");
    ftf_text_char(e->out, brackets[1]);
}

static void emit_dict(const ftf_emitter *e, const ftf_value *value) {
    ftf_text_char(e->out, '{');
    for (uint32_t i = 0; i + 1 < value->len; i += 2) {
        ftf_text_str(e->out, i > 0 ? ", " : "");
        emit_value(e, &value->items[i]);
        ftf_text_str(e->out, ": ");
        emit_value(e, &value->items[i + 1]);
    }
    ftf_text_char(e->out, '}');
}

static void emit_value(const ftf_emitter *e, const ftf_value *value) {
    for (uint32_t i = 0; i < e->hoisted_count; i++) {
        if (e->hoisted[i] == value) {
            ftf_text_printf(e->out, "arg_%u", i + 1);
            return;
        }
    }
    switch (value->kind) {
    case FTF_VALUE_SLOT: ftf_emit_slot(e, value->slot); return;
    case FTF_VALUE_GLOBAL: emit_global(e, value->text); return;
    case FTF_VALUE_TUPLE: emit_items(e, value, "()"); return;
    case FTF_VALUE_LIST: emit_items(e, value, "[]"); return;
    case FTF_VALUE_SET: emit_items(e, value, "{}"); return;
    case FTF_VALUE_DICT: emit_dict(e, value); return;
    case FTF_VALUE_RECIPE:
        ftf_text_printf(e->out, "recipe_%s", value->text);
        emit_items(e, value, "()");
        return;
    default: ftf_value_print(e->scenario, value, e->out); return;
    }
}

/* As a receiver or left operand: `-1 ** 2` and `1.real` mean something else. */
static void emit_self(const ftf_emitter *e, const ftf_value *value, bool dot) {
    bool number = value->kind == FTF_VALUE_INT || value->kind == FTF_VALUE_FLOAT;
    bool apart = number && (dot || value->text[0] == '-');
    ftf_text_str(e->out, apart ? "(" : "");
    emit_value(e, value);
    ftf_text_str(e->out, apart ? ")" : "");
}

/* ---- one op ------------------------------------------------------------------------------------------------------ */

static void emit_arguments(const ftf_emitter *e, const ftf_op *op) {
    ftf_text_char(e->out, '(');
    emit_values(e, op->args, op->argc);
    for (uint32_t i = 0; i < op->kwargc; i++) {
        ftf_text_printf(e->out, "%s%s=", i > 0 || op->argc > 0 ? ", " : "", op->kwargs[i].name);
        emit_value(e, &op->kwargs[i].value);
    }
    ftf_text_char(e->out, ')');
}

static void emit_attribute(const ftf_emitter *e, const ftf_op *op) {
    emit_self(e, &op->self, true);
    ftf_text_printf(e->out, ".%s", op->name);
}

static void emit_item(const ftf_emitter *e, const ftf_op *op) {
    emit_self(e, &op->self, false);
    ftf_text_char(e->out, '[');
    emit_value(e, &op->args[0]);
    ftf_text_char(e->out, ']');
}

static void emit_assigned(const ftf_emitter *e, const ftf_value *value) {
    ftf_text_str(e->out, " = ");
    emit_value(e, value);
}

static void emit_function(const ftf_emitter *e, const ftf_op *op) {
    bool list = op->code == FTF_OP_LIST; /* an endless iterator must not end the process */
    ftf_text_printf(e->out, "%s(", list ? "list(itertools.islice" : ftf_ops[op->code].symbol);
    emit_value(e, &op->self);
    ftf_text_str(e->out, list ? ", 1000))" : ")");
}

/* `a += b` leaves the slot alone: operator.iadd(a, b). */
static void emit_inplace(const ftf_emitter *e, const ftf_op *op) {
    static const char *const names[] = {"iadd", "isub", "imul", "iand", "ior", "ixor"};
    FTF_ASSERT(op->code >= FTF_OP_IADD && op->code <= FTF_OP_IXOR);
    ftf_text_printf(e->out, "operator.%s(", names[op->code - FTF_OP_IADD]);
    emit_value(e, &op->self);
    ftf_text_str(e->out, ", ");
    emit_value(e, &op->args[0]);
    ftf_text_char(e->out, ')');
}

static void emit_infix(const ftf_emitter *e, const ftf_op *op) {
    emit_self(e, &op->self, false);
    ftf_text_printf(e->out, " %s ", ftf_ops[op->code].symbol);
    emit_value(e, &op->args[0]);
}

static void emit_method(const ftf_emitter *e, const ftf_op *op) {
    if (strcmp(op->name, "__call__") == 0 && op->self.kind == FTF_VALUE_SLOT) {
        emit_value(e, &op->self);
    } else {
        emit_attribute(e, op);
    }
    emit_arguments(e, op);
}

/* What stands behind `x = `, or alone. Setup's result names each slot, so there a dropped one is None. */
static void emit_form(const ftf_emitter *e, const ftf_op *op, int owner) {
    switch (ftf_ops[op->code].form) {
    case FTF_FORM_CALL:
        emit_global(e, op->name);
        emit_arguments(e, op);
        return;
    case FTF_FORM_METHOD: emit_method(e, op); return;
    case FTF_FORM_DELATTR:
        ftf_text_str(e->out, "del ");
        emit_attribute(e, op);
        return;
    case FTF_FORM_GETATTR: emit_attribute(e, op); return;
    case FTF_FORM_SETATTR:
        emit_attribute(e, op);
        emit_assigned(e, &op->args[0]);
        return;
    case FTF_FORM_DELITEM:
        ftf_text_str(e->out, "del ");
        emit_item(e, op);
        return;
    case FTF_FORM_GETITEM: emit_item(e, op); return;
    case FTF_FORM_SETITEM:
        emit_item(e, op);
        emit_assigned(e, &op->args[1]);
        return;
    case FTF_FORM_INFIX: emit_infix(e, op); return;
    case FTF_FORM_INPLACE: emit_inplace(e, op); return;
    case FTF_FORM_PREFIX:
        ftf_text_str(e->out, ftf_ops[op->code].symbol);
        emit_self(e, &op->self, false);
        return;
    case FTF_FORM_FUNC: emit_function(e, op); return;
    case FTF_FORM_WITH:
        ftf_text_str(e->out, "with ");
        emit_value(e, &op->self);
        ftf_text_str(e->out, ": pass");
        return;
    case FTF_FORM_DROP:
        ftf_text_str(e->out, owner == FTF_OWNER_SETUP ? "" : "del ");
        emit_value(e, &op->self);
        ftf_text_str(e->out, owner == FTF_OWNER_SETUP ? " = None" : "");
        return;
    case FTF_FORM_BARE: ftf_text_printf(e->out, "%s()", ftf_ops[op->code].symbol); return;
    case FTF_FORM_COUNT: break;
    }
    ftf_bug(__FILE__, __LINE__, "an op of an unknown form");
}

static bool is_no_slot(void *self, const ftf_value *value) {
    (void)self;
    return value->kind != FTF_VALUE_SLOT;
}

static bool is_immutable(void *self, const ftf_value *value) {
    (void)self;
    return value->kind != FTF_VALUE_LIST && value->kind != FTF_VALUE_SET && value->kind != FTF_VALUE_DICT &&
           value->kind != FTF_VALUE_RECIPE;
}

/* An object that the executor makes once and uses in each repeat (python/step.h, FTF_OPERAND_EACH_RUN). */
static void hoist(ftf_emitter *e, const ftf_value *value) {
    if (visit_value(value, is_immutable, NULL) || !visit_value(value, is_no_slot, NULL)) {
        return;
    }
    ftf_text_printf(e->out, "    arg_%u = ", e->hoisted_count + 1);
    emit_value(e, value);
    ftf_text_char(e->out, '\n');
    e->hoisted[e->hoisted_count++] = value;
}

void ftf_emit_op(ftf_emitter *e, const ftf_op *op, int owner) {
    const char *indent = op->repeat > 1 ? "        " : "    ";
    e->hoisted_count = 0;
    if (op->repeat > 1) {
        hoist(e, &op->self);
        for (uint32_t i = 0; i < op->argc; i++) {
            hoist(e, &op->args[i]);
        }
        for (uint32_t i = 0; i < op->kwargc; i++) {
            hoist(e, &op->kwargs[i].value);
        }
        ftf_text_printf(e->out, "    for _ in range(%u):\n", op->repeat);
    }
    ftf_text_printf(e->out, "%stry:", indent);
    if (op->code == FTF_OP_WITH) {
        ftf_text_printf(e->out, "\n%s    ", indent);
    } else {
        ftf_text_char(e->out, ' ');
    }
    if (op->dest != FTF_NO_SLOT) {
        ftf_emit_slot(e, op->dest);
        ftf_text_str(e->out, " = ");
    }
    emit_form(e, op, owner);
    ftf_text_char(e->out, '\n');
    if (e->options->system_error) {
        ftf_text_printf(e->out, "%sexcept SystemError: failed()\n", indent);
    }
    ftf_text_printf(e->out, "%sexcept Exception: pass\n", indent);
    e->hoisted_count = 0;
}
