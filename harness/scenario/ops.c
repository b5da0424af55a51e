#include "scenario/ops.h"

#include <string.h>

enum {
    YIELDS_CALL = 1,
    YIELDS_METHOD = 1,
    YIELDS_GETATTR = 1,
    YIELDS_SETATTR = 0,
    YIELDS_DELATTR = 0,
    YIELDS_GETITEM = 1,
    YIELDS_SETITEM = 0,
    YIELDS_DELITEM = 0,
    YIELDS_INFIX = 1,
    YIELDS_INPLACE = 0,
    YIELDS_PREFIX = 1,
    YIELDS_FUNC = 1,
    YIELDS_WITH = 0,
    YIELDS_DROP = 0,
    YIELDS_BARE = 1,
};

const ftf_op_info ftf_ops[FTF_OP_COUNT] = {
#define FTF_OP(op, shape, text) {.name = #op, .symbol = text, .form = FTF_FORM_##shape, .yields = YIELDS_##shape},
#include "scenario/ops.def"
#undef FTF_OP
};

const ftf_recipe ftf_recipes[] = {
#define FTF_RECIPE(recipe, min, max, text) {.name = #recipe, .min_args = min, .max_args = max, .doc = text},
#include "scenario/recipes.def"
#undef FTF_RECIPE
};

const size_t ftf_recipe_count = sizeof ftf_recipes / sizeof *ftf_recipes;

static bool same(const char *a, const char *b, size_t len) { return strncmp(a, b, len) == 0 && a[len] == '\0'; }

int ftf_op_find(ftf_form form, const char *symbol, size_t len) {
    for (int i = 0; i < FTF_OP_COUNT; i++) {
        if (ftf_ops[i].form == form && same(ftf_ops[i].symbol, symbol, len)) {
            return i;
        }
    }
    return -1;
}

int ftf_op_find_function(const char *name, size_t len) {
    for (int i = 0; i < FTF_OP_COUNT; i++) {
        const ftf_op_info *op = &ftf_ops[i];
        bool function = op->form == FTF_FORM_FUNC || op->form == FTF_FORM_BARE;
        if (function && op->symbol[0] == name[0] && same(op->symbol, name, len)) {
            return i;
        }
    }
    return -1;
}

static const char *const keywords[] = {
    "False",  "None",     "True", "and",    "as",   "assert",  "async",  "await",  "break", "class",  "continue", "def",
    "del",    "elif",     "else", "except", "for",  "finally", "from",   "global", "if",    "import", "in",       "is",
    "lambda", "nonlocal", "not",  "or",     "pass", "raise",   "return", "try",    "while", "with",   "yield",
};

bool ftf_name_is_keyword(const char *name, size_t len) {
    if (len < 2 || len > 8) {
        return false;
    }
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (keywords[i][0] == name[0] && same(keywords[i], name, len)) {
            return true;
        }
    }
    return false;
}

/* `copy` begins copy.copy and `len` is len: a slot of such a name would make the text of an op mean two things. */
bool ftf_name_is_reserved(const char *name, size_t len) {
    for (int i = 0; i < FTF_OP_COUNT; i++) {
        const ftf_op_info *op = &ftf_ops[i];
        if (op->form != FTF_FORM_FUNC && op->form != FTF_FORM_BARE) {
            continue;
        }
        size_t head = strcspn(op->symbol, ".");
        if (head == len && memcmp(op->symbol, name, len) == 0) {
            return true;
        }
    }
    return ftf_name_is_keyword(name, len);
}

bool ftf_value_is_numeral(const ftf_value *value) {
    if (value->kind == FTF_VALUE_INT) {
        return true;
    }
    const char *digit = value->kind == FTF_VALUE_FLOAT ? value->text + (value->text[0] == '-') : "";
    return *digit >= '0' && *digit <= '9';
}

const ftf_recipe *ftf_recipe_find(const char *name, size_t len) {
    for (size_t i = 0; i < ftf_recipe_count; i++) {
        if (same(ftf_recipes[i].name, name, len)) {
            return &ftf_recipes[i];
        }
    }
    return NULL;
}
