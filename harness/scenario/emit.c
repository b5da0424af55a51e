#include "scenario/emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "scenario/emit_names.h"
#include "scenario/emitter.h"
#include "scenario/ops.h"

/* Reading order: sections, what comes before the functions, the whole. emit_op.c has what is in them. */

/* ---- sections ---------------------------------------------------------------------------------------------------- */

/* `a, b` */
static void emit_shared(const ftf_emitter *e) {
    const char *comma = "";
    for (uint32_t i = 0; i < e->scenario->slot_count; i++) {
        if (e->scenario->slots[i].owner == FTF_OWNER_SETUP) {
            ftf_text_str(e->out, comma);
            ftf_emit_slot(e, (int)i);
            comma = ", ";
        }
    }
}

static uint32_t count_shared(const ftf_scenario *scenario) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        count += scenario->slots[i].owner == FTF_OWNER_SETUP;
    }
    return count;
}

/* "_2" where there are several. */
static void emit_number(const ftf_emitter *e, uint32_t scenario) {
    if (e->count > 1) {
        ftf_text_printf(e->out, "_%u", scenario + 1);
    }
}

static void emit_setup(ftf_emitter *e, uint32_t number) {
    uint32_t shared = count_shared(e->scenario);
    ftf_text_str(e->out, "def setup");
    emit_number(e, number);
    ftf_text_str(e->out, "():\n");
    for (uint32_t i = 0; i < e->scenario->slot_count; i++) {
        if (e->scenario->slots[i].owner == FTF_OWNER_SETUP) {
            ftf_text_str(e->out, "    ");
            ftf_emit_slot(e, (int)i);
            ftf_text_str(e->out, " = None\n");
        }
    }
    for (uint32_t i = 0; i < e->scenario->setup.count; i++) {
        ftf_emit_op(e, &e->scenario->setup.ops[i], FTF_OWNER_SETUP);
    }
    ftf_text_str(e->out, "    return (");
    emit_shared(e);
    ftf_text_str(e->out, shared == 1 ? ",)\n\n\n" : ")\n\n\n");
}

static void emit_body(ftf_emitter *e, const ftf_section *section, int owner) {
    ftf_text_char(e->out, '(');
    emit_shared(e);
    ftf_text_str(e->out, section->count > 0 ? "):\n" : "):\n    pass\n");
    for (uint32_t i = 0; i < section->count; i++) {
        ftf_emit_op(e, &section->ops[i], owner);
    }
    ftf_text_str(e->out, "\n\n");
}

static void emit_functions(ftf_emitter *e, uint32_t number) {
    emit_setup(e, number);
    for (uint32_t lane = 0; lane < e->scenario->lane_count; lane++) {
        ftf_text_str(e->out, "def lane");
        emit_number(e, number);
        ftf_text_printf(e->out, "_%u", lane + 1);
        emit_body(e, &e->scenario->lanes[lane], (int)lane);
    }
    if (e->scenario->finish.count > 0) {
        ftf_text_str(e->out, "def finish");
        emit_number(e, number);
        emit_body(e, &e->scenario->finish, FTF_OWNER_FINISH);
    }
}

bool ftf_emit_drops(const ftf_scenario *scenario) {
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        for (uint32_t i = 0; i < scenario->lanes[lane].count; i++) {
            const ftf_op *op = &scenario->lanes[lane].ops[i];
            if (op->code == FTF_OP_DROP && scenario->slots[op->self.slot].owner == FTF_OWNER_SETUP) {
                return true;
            }
        }
    }
    return false;
}

static void emit_row(ftf_emitter *e, uint32_t number) {
    bool finish = e->scenario->finish.count > 0;
    ftf_text_str(e->out, "    (setup");
    emit_number(e, number);
    for (uint32_t lane = 0; lane < e->scenario->lane_count; lane++) {
        ftf_text_str(e->out, lane == 0 ? ", [lane" : ", lane");
        emit_number(e, number);
        ftf_text_printf(e->out, "_%u", lane + 1);
    }
    ftf_text_str(e->out, finish ? "], finish" : "], None");
    if (finish) {
        emit_number(e, number);
    }
    ftf_text_str(e->out, finish || !ftf_emit_drops(e->scenario) ? ", True),\n" : ", False),\n");
}

static bool section_has(const ftf_section *section, ftf_op_code first, ftf_op_code last) {
    for (uint32_t i = 0; i < section->count; i++) {
        if (section->ops[i].code >= first && section->ops[i].code <= last) {
            return true;
        }
    }
    return false;
}

static bool has_op(const ftf_emitter *e, ftf_op_code first, ftf_op_code last) {
    for (uint32_t i = 0; i < e->count; i++) {
        const ftf_scenario *s = e->scenarios[i];
        bool has = section_has(&s->setup, first, last) || section_has(&s->finish, first, last);
        for (uint32_t lane = 0; !has && lane < s->lane_count; lane++) {
            has = section_has(&s->lanes[lane], first, last);
        }
        if (has) {
            return true;
        }
    }
    return false;
}

/* ---- what comes before ------------------------------------------------------------------------------------------- */

/* First parts of globals, each once. */
typedef struct name_list {
    char (*names)[FTF_NAME_MAX + 1];
    size_t count, room;
} name_list;

static bool collect(void *self, const ftf_value *value) {
    name_list *list = self;
    char first[FTF_NAME_MAX + 1];
    if (value->kind != FTF_VALUE_GLOBAL) {
        return true;
    }
    ftf_emit_first_part(value->text, first);
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->names[i], first) == 0) {
            return true;
        }
    }
    if (list->count == list->room) {
        list->room = list->room > 0 ? 2 * list->room : 16;
        list->names = realloc(list->names, list->room * sizeof *list->names);
        FTF_ASSERT(list->names != NULL);
    }
    memcpy(list->names[list->count++], first, sizeof first);
    return true;
}

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

/* The modules that ops stand for and rounds.py does without. */
static void emit_modules(const ftf_emitter *e) {
    static const struct {
        const char *name;
        ftf_op_code first, last;
    } modules[] = {{"copy", FTF_OP_COPY, FTF_OP_DEEPCOPY},
                   {"operator", FTF_OP_IADD, FTF_OP_IXOR},
                   {"pickle", FTF_OP_PICKLE, FTF_OP_PICKLE}};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        if (has_op(e, modules[i].first, modules[i].last)) {
            ftf_text_printf(e->out, "import %s\n", modules[i].name);
        }
    }
}

/* The module to import, without the version that may be behind the target's name. */
static void import_name(const ftf_emitter *e, char name[FTF_NAME_MAX + 1]) {
    const char *target = e->options->catalog != NULL ? e->options->catalog->import_name : e->scenarios[0]->target;
    size_t len = strcspn(target, "=");
    FTF_ASSERT(len <= FTF_NAME_MAX);
    memcpy(name, target, len);
    name[len] = '\0';
}

/* The executor looks in the target, in builtins, and then imports (python/build.c). */
static void emit_imports(const ftf_emitter *e) {
    char target[FTF_NAME_MAX + 1];
    const ftf_catalog *catalog = e->options->catalog;
    import_name(e, target);
    name_list list = {0};
    ftf_text own = {0}, unknown = {0};
    (void)ftf_emit_visit(e, collect, &list);
    if (list.count > 0) {
        qsort(list.names, list.count, sizeof *list.names, compare_names);
    }
    bool module = false;
    for (size_t i = 0; i < list.count; i++) {
        const char *name = list.names[i];
        bool has = catalog != NULL && ftf_catalog_has_global(catalog, name);
        if (has && ftf_emit_is_script_name(name)) {
            module = true;
        } else if (has) {
            ftf_text_printf(&own, "%s%s", own.len > 0 ? ", " : "", name);
        } else if (!ftf_emit_is_builtin(name)) {
            ftf_text_printf(&unknown, "try: from %s import %s\nexcept ImportError: import %s\n", target, name, name);
        }
    }
    if (own.len > 0) {
        ftf_text_printf(e->out, "from %s import %s\n", target, own.data);
    }
    if (module || own.len == 0) {
        ftf_text_printf(e->out, "import %s as target\n", target);
    }
    ftf_text_str(e->out, unknown.len > 0 ? unknown.data : "");
    ftf_text_str(e->out, "\n\n");
    ftf_text_release(&own);
    ftf_text_release(&unknown);
    free(list.names);
}

static bool is_another_recipe(void *self, const ftf_value *value) {
    return value->kind != FTF_VALUE_RECIPE || strcmp(value->text, self) != 0;
}

/* `class recipe_x:` or `def recipe_x(...):` up to the next line that is not indented. */
static void emit_recipe(const ftf_emitter *e, const char *name) {
    for (const char *at = e->options->recipes; at != NULL && *at != '\0';) {
        const char *next = strchr(at, '\n');
        size_t skip = strncmp(at, "def recipe_", 11) == 0 ? 11 : strncmp(at, "class recipe_", 13) == 0 ? 13 : 0;
        size_t len = strlen(name);
        bool found = skip > 0 && strncmp(at + skip, name, len) == 0 && (at[skip + len] == '(' || at[skip + len] == ':');
        while (found && next != NULL && (next[1] == ' ' || next[1] == '\n')) {
            next = strchr(next + 1, '\n');
        }
        if (found) {
            size_t length = next != NULL ? (size_t)(next - at) : strlen(at);
            while (length > 0 && at[length - 1] == '\n') {
                length--;
            }
            ftf_text_add(e->out, at, length);
            ftf_text_str(e->out, "\n\n\n");
            return;
        }
        at = next != NULL ? next + 1 : NULL;
    }
    ftf_bug(__FILE__, __LINE__, "recipes.py lacks a recipe of recipes.def");
}

static void emit_recipes(const ftf_emitter *e) {
    for (size_t i = 0; i < ftf_recipe_count; i++) {
        char name[64];
        size_t len = strlen(ftf_recipes[i].name);
        FTF_ASSERT(len < sizeof name);
        memcpy(name, ftf_recipes[i].name, len + 1);
        if (!ftf_emit_visit(e, is_another_recipe, name)) {
            emit_recipe(e, name);
        }
    }
}

void ftf_emit(const ftf_scenario *const *scenarios, uint32_t count, const ftf_emit_options *options, ftf_text *out) {
    FTF_ASSERT(count > 0);
    ftf_emitter e = {.scenarios = scenarios, .count = count, .options = options, .out = out};
    emit_modules(&e);
    emit_imports(&e);
    emit_recipes(&e);
    for (uint32_t i = 0; i < count; i++) {
        e.scenario = scenarios[i];
        emit_functions(&e, i);
    }
    ftf_text_str(out, "SCENARIOS = [\n");
    for (uint32_t i = 0; i < count; i++) {
        e.scenario = scenarios[i];
        emit_row(&e, i);
    }
    ftf_text_str(out, "]\n");
}
