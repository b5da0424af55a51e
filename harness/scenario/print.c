#include "scenario/print.h"

#include <string.h>

#include "base/check.h"
#include "scenario/ops.h"

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static void print_number(ftf_text *out, uint64_t number) {
    char digits[20];
    char *p = digits + sizeof digits;
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    ftf_text_add(out, p, (size_t)(digits + sizeof digits - p));
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

static void print_hex(ftf_text *out, char letter, uint32_t code, int digits) {
    char text[10] = {'\\', letter};
    for (int i = 0; i < digits; i++) {
        text[2 + i] = "0123456789abcdef"[(code >> (4 * (digits - 1 - i))) & 15u];
    }
    ftf_text_add(out, text, (size_t)digits + 2);
}

/* The length of the UTF-8 sequence that starts with this byte; the parser only lets well-formed ones through. */
static uint32_t sequence_len(unsigned char lead) {
    if (lead < 0x80) {
        return 1;
    }
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static uint32_t decode(const unsigned char *p, uint32_t len) {
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = p[0] & masks[len];
    for (uint32_t i = 1; i < len; i++) {
        code = code << 6 | (p[i] & 0x3fu);
    }
    return code;
}

static void print_code(ftf_text *out, uint32_t code) {
    switch (code) {
    case '\n': ftf_text_add(out, "\\n", 2); return;
    case '\t': ftf_text_add(out, "\\t", 2); return;
    case '\r': ftf_text_add(out, "\\r", 2); return;
    case '\\': ftf_text_add(out, "\\\\", 2); return;
    case '"': ftf_text_add(out, "\\\"", 2); return;
    default: break;
    }
    if (code <= 0xff) {
        print_hex(out, 'x', code, 2);
    } else if (code <= 0xffff) {
        print_hex(out, 'u', code, 4);
    } else {
        print_hex(out, 'U', code, 8);
    }
}

static bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

static void print_string(ftf_text *out, const ftf_value *value) {
    bool bytes = value->kind == FTF_VALUE_BYTES;
    const unsigned char *p = (const unsigned char *)value->text;
    ftf_text_str(out, bytes ? "b\"" : "\"");
    for (uint32_t at = 0; at < value->len;) {
        uint32_t run = 0;
        while (at + run < value->len && is_plain(p[at + run])) {
            run++;
        }
        if (run) {
            ftf_text_add(out, (const char *)p + at, run);
            at += run;
            continue;
        }
        uint32_t len = bytes ? 1 : sequence_len(p[at]);
        FTF_ASSERT(at + len <= value->len);
        print_code(out, bytes ? p[at] : decode(p + at, len));
        at += len;
    }
    ftf_text_char(out, '"');
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void print_slot(const ftf_scenario *scenario, int slot, ftf_text *out) {
    FTF_ASSERT(scenario && slot >= 0 && (uint32_t)slot < scenario->slot_count);
    ftf_text_str(out, scenario->slots[slot].name);
}

static void print_values(const ftf_scenario *scenario, const ftf_value *values, uint32_t count, ftf_text *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (i) {
            ftf_text_add(out, ", ", 2);
        }
        ftf_value_print(scenario, &values[i], out);
    }
}

static void print_items(const ftf_scenario *scenario, const ftf_value *value, const char *brackets, ftf_text *out) {
    ftf_text_char(out, brackets[0]);
    print_values(scenario, value->items, value->len, out);
    if (value->kind == FTF_VALUE_TUPLE && value->len == 1) {
        ftf_text_char(out, ',');
    }
    ftf_text_char(out, brackets[1]);
}

static void print_dict(const ftf_scenario *scenario, const ftf_value *value, ftf_text *out) {
    ftf_text_char(out, '{');
    for (uint32_t i = 0; i + 1 < value->len; i += 2) {
        if (i) {
            ftf_text_add(out, ", ", 2);
        }
        ftf_value_print(scenario, &value->items[i], out);
        ftf_text_add(out, ": ", 2);
        ftf_value_print(scenario, &value->items[i + 1], out);
    }
    ftf_text_char(out, '}');
}

static void print_float(const ftf_value *value, ftf_text *out) {
    const char *digit = value->text + (value->text[0] == '-');
    bool word = *digit < '0' || *digit > '9';
    ftf_text_str(out, word ? "float(\"" : "");
    ftf_text_str(out, value->text);
    ftf_text_str(out, word ? "\")" : "");
}

void ftf_value_print(const ftf_scenario *scenario, const ftf_value *value, ftf_text *out) {
    switch (value->kind) {
    case FTF_VALUE_NONE: ftf_text_add(out, "None", 4); return;
    case FTF_VALUE_TRUE: ftf_text_add(out, "True", 4); return;
    case FTF_VALUE_FALSE: ftf_text_add(out, "False", 5); return;
    case FTF_VALUE_INT:
    case FTF_VALUE_GLOBAL: ftf_text_str(out, value->text); return;
    case FTF_VALUE_FLOAT: print_float(value, out); return;
    case FTF_VALUE_STR:
    case FTF_VALUE_BYTES: print_string(out, value); return;
    case FTF_VALUE_TUPLE: print_items(scenario, value, "()", out); return;
    case FTF_VALUE_LIST: print_items(scenario, value, "[]", out); return;
    case FTF_VALUE_SET: print_items(scenario, value, "{}", out); return;
    case FTF_VALUE_DICT: print_dict(scenario, value, out); return;
    case FTF_VALUE_SLOT: print_slot(scenario, value->slot, out); return;
    case FTF_VALUE_RECIPE:
        ftf_text_char(out, '$');
        ftf_text_str(out, value->text);
        if (value->len) {
            print_items(scenario, value, "()", out);
        }
        return;
    case FTF_VALUE_COUNT: break;
    }
    ftf_bug(__FILE__, __LINE__, "a value of an unknown kind");
}

/* ---- ops --------------------------------------------------------------------------------------------------------- */

static void print_call(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    ftf_text_char(out, '(');
    print_values(scenario, op->args, op->argc, out);
    for (uint32_t i = 0; i < op->kwargc; i++) {
        if (i || op->argc) {
            ftf_text_add(out, ", ", 2);
        }
        ftf_text_str(out, op->kwargs[i].name);
        ftf_text_char(out, '=');
        ftf_value_print(scenario, &op->kwargs[i].value, out);
    }
    ftf_text_char(out, ')');
}

static void print_attribute(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    ftf_value_print(scenario, &op->self, out);
    ftf_text_char(out, '.');
    ftf_text_str(out, op->name);
}

static void print_item(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    ftf_value_print(scenario, &op->self, out);
    ftf_text_char(out, '[');
    ftf_value_print(scenario, &op->args[0], out);
    ftf_text_char(out, ']');
}

/* Calling a slot is a METHOD named __call__, and is written the way a person writes it. */
static void print_method(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    if (op->self.kind == FTF_VALUE_SLOT && strcmp(op->name, "__call__") == 0) {
        ftf_value_print(scenario, &op->self, out);
    } else {
        print_attribute(scenario, op, out);
    }
    print_call(scenario, op, out);
}

static void print_infix(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    ftf_value_print(scenario, &op->self, out);
    ftf_text_char(out, ' ');
    ftf_text_str(out, ftf_ops[op->code].symbol);
    ftf_text_char(out, ' ');
    ftf_value_print(scenario, &op->args[0], out);
}

static void print_set(const ftf_scenario *scenario, const ftf_value *value, ftf_text *out) {
    ftf_text_add(out, " = ", 3);
    ftf_value_print(scenario, value, out);
}

static void print_form(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    const ftf_op_info *info = &ftf_ops[op->code];
    switch (info->form) {
    case FTF_FORM_CALL:
        ftf_text_str(out, op->name);
        print_call(scenario, op, out);
        return;
    case FTF_FORM_METHOD: print_method(scenario, op, out); return;
    case FTF_FORM_DELATTR:
        ftf_text_add(out, "del ", 4);
        print_attribute(scenario, op, out);
        return;
    case FTF_FORM_GETATTR: print_attribute(scenario, op, out); return;
    case FTF_FORM_SETATTR:
        print_attribute(scenario, op, out);
        print_set(scenario, &op->args[0], out);
        return;
    case FTF_FORM_DELITEM:
        ftf_text_add(out, "del ", 4);
        print_item(scenario, op, out);
        return;
    case FTF_FORM_GETITEM: print_item(scenario, op, out); return;
    case FTF_FORM_SETITEM:
        print_item(scenario, op, out);
        print_set(scenario, &op->args[1], out);
        return;
    case FTF_FORM_INFIX:
    case FTF_FORM_INPLACE: print_infix(scenario, op, out); return;
    case FTF_FORM_PREFIX:
        ftf_text_str(out, info->symbol);
        ftf_value_print(scenario, &op->self, out);
        return;
    case FTF_FORM_FUNC:
        ftf_text_str(out, info->symbol);
        ftf_text_char(out, '(');
        ftf_value_print(scenario, &op->self, out);
        ftf_text_char(out, ')');
        return;
    case FTF_FORM_WITH:
        ftf_text_add(out, "with ", 5);
        ftf_value_print(scenario, &op->self, out);
        ftf_text_add(out, ": pass", 6);
        return;
    case FTF_FORM_DROP:
        ftf_text_add(out, "del ", 4);
        ftf_value_print(scenario, &op->self, out);
        return;
    case FTF_FORM_BARE:
        ftf_text_str(out, info->symbol);
        ftf_text_add(out, "()", 2);
        return;
    case FTF_FORM_COUNT: break;
    }
    ftf_bug(__FILE__, __LINE__, "an op of an unknown form");
}

void ftf_op_print(const ftf_scenario *scenario, const ftf_op *op, ftf_text *out) {
    if (op->dest != FTF_NO_SLOT) {
        print_slot(scenario, op->dest, out);
        ftf_text_add(out, " = ", 3);
    }
    print_form(scenario, op, out);
    if (op->repeat != 1) {
        ftf_text_add(out, " * ", 3);
        print_number(out, op->repeat);
    }
}

/* ---- schedule and the whole -------------------------------------------------------------------------------------- */

static void print_switches(const ftf_schedule *schedule, ftf_text *out) {
    for (uint32_t i = 0; i < schedule->count; i++) {
        const ftf_switch *one = &schedule->switches[i];
        ftf_text_char(out, ' ');
        print_number(out, one->lane);
        ftf_text_char(out, ':');
        if (one->in_op != 0) {
            print_number(out, one->in_op - 1u);
            ftf_text_char(out, '.');
        }
        print_number(out, one->point);
        ftf_text_char(out, '>');
        print_number(out, one->to);
    }
}

void ftf_schedule_print(const ftf_schedule *schedule, ftf_text *out) {
    switch (schedule->kind) {
    case FTF_SCHEDULE_FREE: ftf_text_str(out, "schedule free"); return;
    case FTF_SCHEDULE_PCT:
        ftf_text_str(out, "schedule pct seed=");
        print_number(out, schedule->seed);
        ftf_text_str(out, " depth=");
        print_number(out, schedule->depth);
        return;
    case FTF_SCHEDULE_AT:
        ftf_text_str(out, "schedule at");
        print_switches(schedule, out);
        return;
    }
    ftf_bug(__FILE__, __LINE__, "a schedule of an unknown kind");
}

static void print_section(const ftf_scenario *scenario, const char *head, const ftf_section *section, ftf_text *out) {
    ftf_text_str(out, head);
    for (uint32_t i = 0; i < section->count; i++) {
        ftf_text_add(out, "  ", 2);
        ftf_op_print(scenario, &section->ops[i], out);
        ftf_text_char(out, '\n');
    }
}

void ftf_scenario_print(const ftf_scenario *scenario, ftf_text *out) {
    ftf_text_str(out, "ftfuzz 1\ntarget ");
    ftf_text_str(out, scenario->target);
    ftf_text_char(out, '\n');
    if (scenario->setup.count) {
        print_section(scenario, "setup\n", &scenario->setup, out);
    }
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        print_section(scenario, "thread\n", &scenario->lanes[lane], out);
    }
    if (scenario->finish.count) {
        print_section(scenario, "finish\n", &scenario->finish, out);
    }
    ftf_schedule_print(&scenario->schedule, out);
    ftf_text_char(out, '\n');
}
