/* Shapes around a call: what it is given, who else makes it. */
#include <string.h>

#include "scenario/kinds.h"
#include "scenario/ops.h"
#include "scenario/pieces.h"
#include "scenario/shapes.h"

enum {
    WRITE = FTF_ROLE_WRITE,
    ANY = FTF_ROLE_ANY,
};

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* One of these places, in native code nine times in ten; NULL when there is none. */
static const ftf_arg_place *draw_place(ftf_gen *gen, const ftf_arg_place *places, uint32_t count) {
    const ftf_arg_place *place = NULL;
    for (int tries = 0; count && tries < 4; tries++) {
        place = &places[ftf_rng_below(gen->rng, count)];
        if (gen->catalog->callables[place->callable].native || ftf_gen_chance(gen, 10)) {
            break;
        }
    }
    return place;
}

/* A call with one argument given. The receiver of a method is `self`. */
static bool call_with(ftf_gen *gen, int lane, int self, const ftf_arg_place *place, ftf_value value) {
    const ftf_callable *callable = &gen->catalog->callables[place->callable];
    ftf_given given = {.arg = place->arg, .value = value};
    ftf_op op = {.dest = FTF_NO_SLOT, .repeat = ftf_gen_repeat(gen), .self = ftf_value_slot(self)};
    if (callable->owner < 0) {
        op.self = (ftf_value){0};
    }
    ftf_gen_call(gen, lane, callable, &callable->patterns[place->pattern], &given, &op);
    uint32_t before = gen->scenario->lanes[lane].count;
    ftf_gen_push(gen, lane, &op, ftf_gen_chance(gen, 15));
    return gen->scenario->lanes[lane].count > before;
}

/* The receiver for a call, shared; FTF_NO_SLOT for a function. False when it cannot be made. */
static bool share_receiver(ftf_gen *gen, const ftf_arg_place *place, int *self) {
    int owner = gen->catalog->callables[place->callable].owner;
    *self = owner < 0 ? FTF_NO_SLOT : ftf_piece_share(gen, owner);
    return owner < 0 || *self != FTF_NO_SLOT;
}

/* A container to be read by a call, in a shared slot. */
typedef struct shared_argument {
    int passed;  /* what the call gets */
    int changed; /* what the other lane changes: the same, or something inside of it, or below it */
} shared_argument;

/* setup: b = list([a]), for a callee that walks what it gets to the bottom. */
static int wrap(ftf_gen *gen, int inner, bool in_dict) {
    ftf_arena *arena = gen->scenario->arena;
    ftf_value *items = FTF_NEW(arena, ftf_value, 2);
    items[0] = in_dict ? (ftf_value){.kind = FTF_VALUE_STR, .text = "k", .len = 1} : ftf_value_slot(inner);
    items[1] = ftf_value_slot(inner);
    ftf_op op = {.code = FTF_OP_CALL, .name = in_dict ? "dict" : "list", .dest = FTF_NO_SLOT, .repeat = 1, .argc = 1};
    op.args = FTF_NEW(arena, ftf_value, 1);
    op.args[0] = (ftf_value){.kind = in_dict ? FTF_VALUE_DICT : FTF_VALUE_LIST, .len = 2, .items = items};
    int outer = ftf_gen_push(gen, FTF_OWNER_SETUP, &op, true);
    if (outer != FTF_NO_SLOT) {
        gen->holds[outer] = ftf_holds_builtin(in_dict ? FTF_BUILTIN_DICT : FTF_BUILTIN_LIST);
    }
    return outer;
}

static bool share_argument(ftf_gen *gen, const ftf_arg *arg, shared_argument *out) {
    static const ftf_builtin any[] = {FTF_BUILTIN_LIST, FTF_BUILTIN_DICT, FTF_BUILTIN_LIST, FTF_BUILTIN_DICT,
                                      FTF_BUILTIN_SET};
    int fitting = ftf_gen_container_of(arg);
    uint32_t drawn = ftf_rng_below(gen->rng, sizeof any / sizeof *any);
    ftf_builtin builtin = fitting < 0 || fitting == FTF_BUILTIN_ITERATOR ? any[drawn] : (ftf_builtin)fitting;
    int made = ftf_gen_make_builtin(gen, builtin, FTF_OWNER_SETUP);
    *out = (shared_argument){.passed = made, .changed = made};
    if (made == FTF_NO_SLOT) {
        return false;
    }
    ftf_piece_add_history(gen, made);
    if (fitting == FTF_BUILTIN_ITERATOR) {
        ftf_op op = {.code = FTF_OP_ITER, .dest = FTF_NO_SLOT, .repeat = 1, .self = ftf_value_slot(made)};
        out->passed = ftf_gen_push(gen, FTF_OWNER_SETUP, &op, true);
        out->changed = ftf_gen_chance(gen, 50) ? made : out->passed;
    } else if ((builtin == FTF_BUILTIN_LIST || builtin == FTF_BUILTIN_DICT) && ftf_gen_chance(gen, 25)) {
        out->passed = wrap(gen, made, builtin == FTF_BUILTIN_DICT);
        out->changed = ftf_gen_chance(gen, 60) ? made : out->passed;
    }
    return out->passed != FTF_NO_SLOT;
}

static const ftf_arg *arg_at(const ftf_gen *gen, const ftf_arg_place *place) {
    return &gen->catalog->callables[place->callable].patterns[place->pattern].args[place->arg];
}

/* Another call that takes the same kind of container, on the same receiver if it is a method. */
static const ftf_arg_place *draw_other_call(ftf_gen *gen, const ftf_arg_place *place) {
    enum { TRIES = 4 };
    const ftf_catalog *catalog = gen->catalog;
    int owner = catalog->callables[place->callable].owner;
    int wanted = ftf_gen_container_of(arg_at(gen, place));
    for (int i = 0; i < TRIES; i++) {
        const ftf_arg_place *other = draw_place(gen, catalog->containers, catalog->container_count);
        int other_owner = catalog->callables[other->callable].owner;
        if ((other_owner < 0 || other_owner == owner) && ftf_gen_container_of(arg_at(gen, other)) == wanted) {
            return other;
        }
    }
    return place;
}

/*
 * Probing keeps the first kinds that it finds accepted, and for dumps(x) that is a string. Now and then the first
 * argument of any function is tried with a container.
 */
static bool draw_unproven_place(ftf_gen *gen, ftf_arg_place *out) {
    const ftf_catalog *catalog = gen->catalog;
    if (catalog->function_count == 0) {
        return false;
    }
    int index = catalog->functions[ftf_rng_below(gen->rng, catalog->function_count)];
    const ftf_callable *callable = &catalog->callables[index];
    *out = (ftf_arg_place){.callable = index, .pattern = ftf_rng_below(gen->rng, callable->pattern_count)};
    return callable->patterns[out->pattern].argc > 0;
}

bool ftf_shape_argument(ftf_gen *gen) {
    const ftf_catalog *catalog = gen->catalog;
    ftf_arg_place unproven;
    const ftf_arg_place *place = draw_place(gen, catalog->containers, catalog->container_count);
    if ((!place || ftf_gen_chance(gen, 15)) && draw_unproven_place(gen, &unproven)) {
        place = &unproven;
    }
    int self;
    shared_argument shared;
    if (!place || !share_receiver(gen, place, &self) || !share_argument(gen, arg_at(gen, place), &shared)) {
        return false;
    }
    ftf_value passed = ftf_value_slot(shared.passed);
    bool built = call_with(gen, 0, self, place, passed);
    if (catalog->container_count && ftf_gen_chance(gen, 30)) {
        built = built && call_with(gen, 1, self, draw_other_call(gen, place), passed);
    } else {
        built = built && ftf_piece_act_some(gen, 1, shared.changed, ftf_gen_chance(gen, 80) ? WRITE : ANY);
    }
    if (self != FTF_NO_SLOT && ftf_gen_chance(gen, 25)) {
        ftf_piece_act(gen, 1, self, ANY);
    }
    for (uint32_t lane = 2; lane < gen->scenario->lane_count; lane++) {
        call_with(gen, (int)lane, self, place, passed);
    }
    return built;
}

bool ftf_shape_callback(ftf_gen *gen) {
    const ftf_catalog *catalog = gen->catalog;
    const ftf_arg_place *place = draw_place(gen, catalog->callbacks, catalog->callback_count);
    int self;
    if (!place || !share_receiver(gen, place, &self)) {
        return false;
    }
    int victim = self != FTF_NO_SLOT ? self : ftf_piece_share_type_with(gen, 0);
    if (victim == FTF_NO_SLOT) {
        return false;
    }
    bool built = call_with(gen, 0, self, place, ftf_gen_callback(gen, victim)) &&
                 ftf_piece_act_some(gen, 1, victim, ANY);
    ftf_piece_fill_other_lanes(gen, victim, ANY);
    return built;
}

/* ---- objects as arguments ---------------------------------------------------------------------------------------- */

/* An operator of a type that has two operands; NULL when there is none. */
static const ftf_operator *draw_binary(ftf_gen *gen, int index) {
    const ftf_type *type = &gen->catalog->types[index];
    const ftf_operator *drawn = NULL;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < type->operator_count; i++) {
        ftf_form form = ftf_ops[type->operators[i].code].form;
        bool binary = form == FTF_FORM_INFIX || form == FTF_FORM_INPLACE;
        if (binary && ftf_rng_one_in(gen->rng, ++seen)) {
            drawn = &type->operators[i];
        }
    }
    return drawn;
}

static bool operator_between(ftf_gen *gen, int lane, int left, int right) {
    const ftf_operator *drawn = draw_binary(gen, gen->holds[left]);
    ftf_op op = {.dest = FTF_NO_SLOT, .repeat = ftf_gen_repeat(gen), .self = ftf_value_slot(left), .argc = 1};
    if (!drawn) {
        return false;
    }
    op.code = (ftf_op_code)drawn->code;
    op.args = FTF_NEW(gen->scenario->arena, ftf_value, 1);
    op.args[0] = ftf_value_slot(right);
    uint32_t before = gen->scenario->lanes[lane].count;
    ftf_gen_push(gen, lane, &op, false);
    return gen->scenario->lanes[lane].count > before;
}

/* How well an argument takes an object of this type: it is known to, it may, it hardly does (0). */
static uint32_t fitness(const ftf_catalog *catalog, const ftf_arg *arg, int type) {
    enum { KNOWN = 4, LIKELY = 1 };
    if (arg->source == FTF_ARG_TYPE) {
        return arg->index == type ? KNOWN : 0;
    }
    if (arg->source == FTF_ARG_LITERAL) {
        return 0;
    }
    uint32_t traits = catalog->types[type].traits;
    bool walked = ftf_gen_container_of(arg) >= 0 && (traits & FTF_TRAIT_ITERABLE) && !(traits & FTF_TRAIT_ENDLESS);
    bool viewed = strcmp(ftf_kinds[arg->index].name, "buffer") == 0 && (traits & FTF_TRAIT_BUFFER);
    bool anything = strcmp(ftf_kinds[arg->index].name, "object") == 0;
    return walked || viewed || anything ? LIKELY : 0;
}

/* A method argument that takes an object of the method's own type; callable -1 when there is none. */
static ftf_arg_place draw_own_argument(ftf_gen *gen, int type) {
    const ftf_catalog *catalog = gen->catalog;
    ftf_arg_place drawn = {.callable = -1};
    uint32_t total = 0;
    for (uint32_t m = 0; m < catalog->types[type].method_count; m++) {
        int index = catalog->types[type].methods[m];
        const ftf_callable *method = &catalog->callables[index];
        for (uint32_t p = 0; p < method->pattern_count; p++) {
            for (uint32_t a = 0; a < method->patterns[p].argc; a++) {
                uint32_t weight = fitness(catalog, &method->patterns[p].args[a], type);
                total += weight;
                if (ftf_rng_below(gen->rng, total) < weight) {
                    drawn = (ftf_arg_place){.callable = index, .pattern = p, .arg = a};
                }
            }
        }
    }
    return drawn;
}

/* left.method(right) */
static bool call_between(ftf_gen *gen, int lane, int left, int right) {
    ftf_arg_place place = draw_own_argument(gen, gen->holds[left]);
    return place.callable >= 0 && call_with(gen, lane, left, &place, ftf_value_slot(right));
}

/* Left and right meet in one operation on a lane. */
static bool meet(ftf_gen *gen, int lane, int left, int right) {
    if (ftf_gen_chance(gen, 65)) {
        return call_between(gen, lane, left, right) || operator_between(gen, lane, left, right);
    }
    return operator_between(gen, lane, left, right) || call_between(gen, lane, left, right);
}

/* A type whose objects can be arguments of each other, as far as the catalog tells; -1 when none was drawn. */
static int draw_meeting_type(ftf_gen *gen) {
    for (int tries = 0; tries < 8; tries++) {
        int type = ftf_gen_type(gen, 0);
        if (type >= 0 && (draw_binary(gen, type) || draw_own_argument(gen, type).callable >= 0)) {
            return type;
        }
    }
    return -1;
}

bool ftf_shape_itself(ftf_gen *gen) {
    int slot = ftf_piece_share(gen, draw_meeting_type(gen));
    if (slot == FTF_NO_SLOT || !meet(gen, 0, slot, slot)) {
        return false;
    }
    ftf_piece_fill_other_lanes(gen, slot, ANY);
    return ftf_gen_chance(gen, 50) ? meet(gen, 1, slot, slot) : ftf_piece_act_some(gen, 1, slot, ANY);
}

bool ftf_shape_two_objects(ftf_gen *gen) {
    int type = draw_meeting_type(gen);
    int left = ftf_piece_share(gen, type);
    int right = ftf_piece_share(gen, type);
    if (left == FTF_NO_SLOT || right == FTF_NO_SLOT || !meet(gen, 0, left, right) || !meet(gen, 1, right, left)) {
        return false;
    }
    if (ftf_gen_chance(gen, 40)) {
        ftf_piece_act(gen, ftf_rng_range(gen->rng, 0, 1), left, WRITE);
    }
    ftf_piece_fill_other_lanes(gen, left, ANY);
    return true;
}

/* ---- the same call everywhere ------------------------------------------------------------------------------------ */

bool ftf_shape_same_call(ftf_gen *gen) {
    int calls = ftf_gen_chance(gen, 70) ? 1 : 2;
    for (int i = 0; i < calls; i++) {
        if (!ftf_gen_function(gen, 0)) {
            return false;
        }
    }
    ftf_piece_follow(gen);
    for (uint32_t lane = 1; lane < gen->scenario->lane_count; lane++) {
        if (ftf_gen_chance(gen, 30)) {
            ftf_piece_act(gen, (int)lane, ftf_gen_visible(gen, (int)lane, FTF_HOLDS_UNKNOWN), ANY);
        }
    }
    return true;
}

/* What they share is the module's own state: registries, caches, settings. */
bool ftf_shape_functions(ftf_gen *gen) {
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        int calls = ftf_rng_range(gen->rng, 1, 2);
        for (int i = 0; i < calls; i++) {
            if (!ftf_gen_function(gen, (int)lane)) {
                return false;
            }
        }
    }
    return true;
}

bool ftf_shape_random(ftf_gen *gen) {
    int objects = ftf_gen_chance(gen, 75) ? 1 : 2;
    for (int i = 0; i < objects; i++) {
        ftf_piece_share_type_with(gen, 0);
    }
    if (ftf_gen_chance(gen, 25)) {
        ftf_gen_make_builtin(gen, (ftf_builtin)ftf_rng_below(gen->rng, FTF_BUILTIN_ITERATOR), FTF_OWNER_SETUP);
    }
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        int count = ftf_rng_range(gen->rng, 1, 6);
        for (int i = 0; i < count; i++) {
            ftf_gen_any(gen, (int)lane);
        }
        if (gen->scenario->lanes[lane].count == 0) {
            return false;
        }
    }
    return true;
}
