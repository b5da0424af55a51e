/* Arguments. Most are ordinary, because valid calls reach deep; some are shared, because that is where races are. */
#include <string.h>

#include "base/check.h"
#include "scenario/gen.h"
#include "scenario/kinds.h"
#include "scenario/parse.h"

ftf_value ftf_value_slot(int slot) { return (ftf_value){.kind = FTF_VALUE_SLOT, .slot = slot}; }

ftf_value ftf_value_recipe(ftf_arena *arena, const char *name, const ftf_value *argument) {
    ftf_value value = {.kind = FTF_VALUE_RECIPE, .text = name};
    if (argument) {
        ftf_value *items = FTF_NEW(arena, ftf_value, 1);
        items[0] = *argument;
        value.items = items;
        value.len = 1;
    }
    return value;
}

static ftf_value parse_literal(ftf_gen *gen, const char *text) {
    ftf_value value = {.kind = FTF_VALUE_NONE};
    ftf_status status = ftf_value_parse(text, strlen(text), gen->scenario->arena, &value, NULL);
    FTF_ASSERT(status == FTF_OK); /* the tables and the catalog are checked before they get here */
    return value;
}

/* ---- by kind ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *kind;
    ftf_builtin builtin;
} containers[] = {
    {"list", FTF_BUILTIN_LIST},         {"strlist", FTF_BUILTIN_LIST}, {"pairs", FTF_BUILTIN_LIST},
    {"dict", FTF_BUILTIN_DICT},         {"set", FTF_BUILTIN_SET},
    {"iterator", FTF_BUILTIN_ITERATOR},
};

int ftf_gen_container_of(const ftf_arg *arg) {
    for (size_t i = 0; arg->source == FTF_ARG_KIND && i < sizeof containers / sizeof *containers; i++) {
        if (strcmp(ftf_kinds[arg->index].name, containers[i].kind) == 0) {
            return (int)containers[i].builtin;
        }
    }
    return -1;
}

static const char *draw_sample(ftf_gen *gen, int kind) {
    const char *const *samples = ftf_kinds[kind].samples;
    uint32_t count = (uint32_t)ftf_kinds[kind].sample_count;
    const char **extra = gen->catalog->extra_samples[kind];
    if (extra && ftf_gen_chance(gen, 60)) {
        samples = (const char *const *)extra;
        for (count = 0; extra[count]; count++) {
        }
        return samples[ftf_rng_below(gen->rng, count)];
    }
    return ftf_gen_chance(gen, 40) ? samples[0] : samples[ftf_rng_below(gen->rng, count)];
}

ftf_value ftf_gen_callback(ftf_gen *gen, int slot) {
    static const struct {
        const char *name;
        bool takes_slot;
    } callbacks[] = {
        {"mutates", true}, {"mutates", true},  {"mutates", true},    {"returns", true},
        {"del", true},     {"evil_eq", false}, {"evil_hash", false}, {"raises", false},
    };
    uint32_t drawn = ftf_rng_below(gen->rng, sizeof callbacks / sizeof *callbacks);
    bool takes_slot = callbacks[drawn].takes_slot && slot != FTF_NO_SLOT;
    ftf_value argument = ftf_value_slot(slot);
    const char *name = callbacks[drawn].takes_slot && !takes_slot ? "raises" : callbacks[drawn].name;
    return ftf_value_recipe(gen->scenario->arena, name, takes_slot ? &argument : NULL);
}

/* The chance in 100 that an argument of this kind runs code of ours instead of being a plain sample. */
static uint32_t callback_chance(const char *kind) {
    static const struct {
        const char *kind;
        uint32_t percent;
    } rows[] = {{"callable", 40}, {"object", 25}, {"index", 40}, {"int", 2}, {"str", 1}, {"iterator", 15}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].kind, kind) == 0) {
            return rows[i].percent;
        }
    }
    return 0;
}

/* ---- values that are there already ------------------------------------------------------------------------------- */

/* Draws one of the values that it is shown, each with the same chance (reservoir sampling). */
typedef struct reservoir {
    ftf_gen *gen;
    ftf_value_kind kind;
    uint32_t seen;
    ftf_value drawn;
} reservoir;

static void show(reservoir *pool, const ftf_value *value) {
    bool fits = pool->kind == FTF_VALUE_COUNT ? value->kind == FTF_VALUE_STR || value->kind == FTF_VALUE_INT
                                              : value->kind == pool->kind;
    if (fits && ftf_rng_one_in(pool->gen->rng, ++pool->seen)) {
        pool->drawn = *value;
    }
    for (uint32_t i = 0; value->items && i < value->len; i++) {
        show(pool, &value->items[i]);
    }
}

static void show_section(reservoir *pool, const ftf_section *section) {
    for (uint32_t i = 0; i < section->count; i++) {
        for (uint32_t k = 0; k < section->ops[i].argc; k++) {
            show(pool, &section->ops[i].args[k]);
        }
    }
}

bool ftf_gen_known(ftf_gen *gen, ftf_value_kind kind, ftf_value *out) {
    reservoir pool = {.gen = gen, .kind = kind};
    show_section(&pool, &gen->scenario->setup);
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        show_section(&pool, &gen->scenario->lanes[lane]);
    }
    *out = pool.drawn;
    return pool.seen > 0;
}

static bool draw_known(ftf_gen *gen, const char *kind, ftf_value *out) {
    static const struct {
        const char *kind;
        ftf_value_kind value;
    } rows[] = {{"str", FTF_VALUE_STR}, {"int", FTF_VALUE_INT}, {"char", FTF_VALUE_STR}, {"object", FTF_VALUE_COUNT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].kind, kind) == 0) {
            return ftf_gen_known(gen, rows[i].value, out);
        }
    }
    return false;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static ftf_value draw_kind(ftf_gen *gen, int owner, const ftf_arg *arg) {
    const char *kind = ftf_kinds[arg->index].name;
    int container = ftf_gen_container_of(arg);
    if (container >= 0 && ftf_gen_chance(gen, 50)) {
        int shared = ftf_gen_visible(gen, owner, ftf_holds_builtin((ftf_builtin)container));
        if (shared != FTF_NO_SLOT) {
            return ftf_value_slot(shared);
        }
    }
    if (ftf_gen_chance(gen, callback_chance(kind))) {
        return ftf_gen_callback(gen, ftf_gen_visible(gen, owner, FTF_HOLDS_UNKNOWN));
    }
    ftf_value known;
    if (ftf_gen_chance(gen, 40) && draw_known(gen, kind, &known)) {
        return known;
    }
    if (strcmp(kind, "object") == 0 && ftf_gen_chance(gen, 30)) {
        int any = ftf_gen_visible(gen, owner, FTF_HOLDS_UNKNOWN);
        if (any != FTF_NO_SLOT) {
            return ftf_value_slot(any);
        }
    }
    return parse_literal(gen, draw_sample(gen, arg->index));
}

/* An object of the target as an argument: one that is there already, so that lanes meet in it, or a new shared one. */
static ftf_value draw_object(ftf_gen *gen, int owner, int type) {
    int slot = ftf_gen_chance(gen, 85) ? ftf_gen_visible(gen, owner, type) : FTF_NO_SLOT;
    if (slot == FTF_NO_SLOT) {
        slot = ftf_gen_make(gen, type, FTF_OWNER_SETUP);
    }
    if (slot == FTF_NO_SLOT) {
        slot = ftf_gen_visible(gen, owner, type);
    }
    return slot == FTF_NO_SLOT ? (ftf_value){.kind = FTF_VALUE_NONE} : ftf_value_slot(slot);
}

ftf_value ftf_gen_arg(ftf_gen *gen, int owner, const ftf_arg *arg) {
    switch (arg->source) {
    case FTF_ARG_LITERAL: return parse_literal(gen, arg->text);
    case FTF_ARG_TYPE: return draw_object(gen, owner, arg->index);
    case FTF_ARG_KIND: break;
    }
    return draw_kind(gen, owner, arg);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

const ftf_pattern *ftf_gen_pattern(ftf_gen *gen, const ftf_callable *callable) {
    enum { RETURNED = 3, WEIGHT_RETURNED = 8 };
    uint32_t total = 0;
    for (uint32_t i = 0; i < callable->pattern_count; i++) {
        total += callable->patterns[i].score >= RETURNED ? WEIGHT_RETURNED : 1;
    }
    uint32_t left = ftf_rng_below(gen->rng, total);
    for (uint32_t i = 0; i < callable->pattern_count; i++) {
        uint32_t weight = callable->patterns[i].score >= RETURNED ? WEIGHT_RETURNED : 1;
        if (left < weight) {
            return &callable->patterns[i];
        }
        left -= weight;
    }
    return NULL;
}

void ftf_gen_call(ftf_gen *gen, int owner, const ftf_callable *callable, const ftf_pattern *pattern,
                  const ftf_given *given, ftf_op *op) {
    ftf_arena *arena = gen->scenario->arena;
    op->code = callable->owner >= 0 ? FTF_OP_METHOD : FTF_OP_CALL;
    op->name = ftf_arena_copy(arena, callable->name, strlen(callable->name));
    op->argc = pattern->argc;
    op->args = pattern->argc ? FTF_NEW(arena, ftf_value, pattern->argc) : NULL;
    for (uint32_t i = 0; i < pattern->argc; i++) {
        bool is_given = given && given->arg == i;
        op->args[i] = is_given ? given->value : ftf_gen_arg(gen, owner, &pattern->args[i]);
    }
    op->kwargc = pattern->kwargc;
    op->kwargs = pattern->kwargc ? FTF_NEW(arena, ftf_kwarg, pattern->kwargc) : NULL;
    for (uint32_t i = 0; i < pattern->kwargc; i++) {
        op->kwargs[i].name = ftf_arena_copy(arena, pattern->kwnames[i], strlen(pattern->kwnames[i]));
        op->kwargs[i].value = ftf_gen_arg(gen, owner, &pattern->kwargs[i]);
    }
}
