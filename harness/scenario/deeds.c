#include "scenario/deeds.h"

#include <stdio.h>
#include <string.h>

#include "scenario/actions.h"
#include "scenario/gen.h"
#include "scenario/ops.h"

static const char *const builtin_types[FTF_BUILTIN_COUNT] = {
    [FTF_BUILTIN_LIST] = "list",         [FTF_BUILTIN_DICT] = "dict",       [FTF_BUILTIN_SET] = "set",
    [FTF_BUILTIN_ITERATOR] = "iterator", [FTF_BUILTIN_VIEW] = "memoryview",
};

const char *ftf_deed_type(const ftf_catalog *catalog, int holds) {
    if (holds >= 0) {
        return catalog->types[holds].name;
    }
    return holds <= FTF_HOLDS_BUILTIN ? builtin_types[FTF_HOLDS_BUILTIN - holds] : "";
}

int ftf_deed_object(const ftf_op *op) {
    if (op->code == FTF_OP_CONTAINS && op->args[0].kind == FTF_VALUE_SLOT) {
        return op->args[0].slot;
    }
    bool has_self = op->code != FTF_OP_CALL && op->code != FTF_OP_COLLECT;
    return has_self && op->self.kind == FTF_VALUE_SLOT ? op->self.slot : FTF_NO_SLOT;
}

ftf_deed ftf_deed_of(const ftf_op *op, int slot) {
    ftf_deed deed = {.code = op->code, .name = op->name != NULL ? op->name : ""};
    if (slot != FTF_NO_SLOT) {
        bool is_self = op->code != FTF_OP_CALL && op->self.kind == FTF_VALUE_SLOT && op->self.slot == slot;
        deed.place = is_self ? FTF_DEED_SELF : FTF_DEED_ARGUMENT;
    }
    return deed;
}

ftf_deed ftf_deed_of_action(const ftf_catalog *catalog, const ftf_type *type, const ftf_action *action) {
    ftf_deed deed = {.code = action->code, .place = FTF_DEED_SELF, .name = ""};
    switch (ftf_ops[action->code].form) {
    case FTF_FORM_METHOD: deed.name = catalog->callables[action->index].name; break;
    case FTF_FORM_GETATTR:
    case FTF_FORM_SETATTR:
    case FTF_FORM_DELATTR: deed.name = type->attributes[action->index].name; break;
    default: deed.place = action->code == FTF_OP_CONTAINS ? FTF_DEED_ARGUMENT : FTF_DEED_SELF; break;
    }
    return deed;
}

static const char *const builtin_lines[] = {
#define FTF_BUILTIN(name, make)
#define FTF_BUILTIN_ACTION(name, roles, line) line,
#include "scenario/builtins.def"
#undef FTF_BUILTIN
#undef FTF_BUILTIN_ACTION
};

static bool builtins_have(const ftf_deed *deed) {
    char call[FTF_NAME_MAX + 8];
    snprintf(call, sizeof call, "a.%s(", deed->name);
    for (size_t i = 0; deed->code == FTF_OP_METHOD && i < sizeof builtin_lines / sizeof *builtin_lines; i++) {
        if (strncmp(builtin_lines[i], call, strlen(call)) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_attribute(const ftf_type *type, const char *name) {
    for (uint32_t i = 0; i < type->attribute_count; i++) {
        if (strcmp(type->attributes[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool ftf_deed_fits(const ftf_catalog *catalog, const char *type, const ftf_deed *deed) {
    int index = ftf_catalog_find_type(catalog, type);
    if (deed->place != FTF_DEED_SELF || *deed->name == '\0') {
        return true;
    }
    return index < 0 ? builtins_have(deed)
                     : ftf_catalog_find_callable(catalog, deed->name, index) >= 0 ||
                           has_attribute(&catalog->types[index], deed->name);
}

/* How a form reads where the object is the receiver, and where it is something else: %1$s is the object, %2$s the name or symbol. */
static const struct {
    const char *self, *argument;
} words[FTF_FORM_COUNT] = {
    [FTF_FORM_CALL] = {"%2$s(%1$s)", "%2$s(%1$s)"},
    [FTF_FORM_METHOD] = {"%1$s.%2$s", "x.%2$s(%1$s)"},
    [FTF_FORM_GETATTR] = {"%1$s.%2$s (get)", "x.%2$s"},
    [FTF_FORM_SETATTR] = {"%1$s.%2$s (set)", "x.%2$s = %1$s"},
    [FTF_FORM_DELATTR] = {"%1$s.%2$s (delete)", "x.%2$s"},
    [FTF_FORM_GETITEM] = {"%1$s[k]", "x[%1$s]"},
    [FTF_FORM_SETITEM] = {"%1$s[k] = v", "x[k] = %1$s"},
    [FTF_FORM_DELITEM] = {"del %1$s[k]", "del x[%1$s]"},
    [FTF_FORM_INFIX] = {"%1$s %2$s x", "x %2$s %1$s"},
    [FTF_FORM_INPLACE] = {"%1$s %2$s x", "x %2$s %1$s"},
    [FTF_FORM_PREFIX] = {"%2$s%1$s", "%2$s%1$s"},
    [FTF_FORM_FUNC] = {"%2$s(%1$s)", "%2$s(%1$s)"},
    [FTF_FORM_WITH] = {"with %1$s", "with %1$s"},
    [FTF_FORM_DROP] = {"giving up %1$s", "giving up %1$s"},
    [FTF_FORM_BARE] = {"%2$s()", "%2$s()"},
};

/* Puts the two texts in the place of %1$s and %2$s. (printf does so, too, but takes no format that is not a literal.) */
static void fill(const char *pattern, const char *object, const char *name, ftf_text *out) {
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '%') {
            ftf_text_str(out, at[1] == '1' ? object : name);
            at += 3;
        } else {
            ftf_text_char(out, *at);
        }
    }
}

void ftf_deed_print(const ftf_deed *deed, const char *object, ftf_text *out) {
    ftf_form form = ftf_ops[deed->code].form;
    const char *name = *deed->name != '\0' ? deed->name : ftf_ops[deed->code].symbol;
    if (deed->place == FTF_DEED_ALONE && form == FTF_FORM_CALL) {
        ftf_text_str(out, name);
        return;
    }
    fill(deed->place == FTF_DEED_ARGUMENT ? words[form].argument : words[form].self, object, name, out);
}
