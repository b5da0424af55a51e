#include "scenario/shapes.h"

#include "base/check.h"
#include "scenario/ops.h"

enum {
    READ = FTF_ROLE_READ,
    WRITE = FTF_ROLE_WRITE,
    DESTROY = FTF_ROLE_DESTROY,
    EXPORT = FTF_ROLE_EXPORT,
    ADVANCE = FTF_ROLE_ADVANCE,
    SUMMARY = FTF_ROLE_SUMMARY,
    ATTRIBUTE = FTF_ROLE_ATTRIBUTE,
    ITERATE = FTF_ROLE_ITERATE,
    ANY = FTF_ROLE_ANY,
};

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

/* Does something of these roles, once in four times repeatedly. */
static bool act(ftf_gen *gen, int lane, int slot, uint32_t roles) {
    return ftf_gen_act(gen, lane, slot, (ftf_want){.roles = roles, .repeat = ftf_gen_repeat(gen)}, NULL);
}

/* The same, and keeps the result; FTF_NO_SLOT when nothing is known that could be done with it. */
static int act_and_keep(ftf_gen *gen, int lane, int slot, uint32_t roles) {
    int kept;
    ftf_gen_act(gen, lane, slot, (ftf_want){.roles = roles, .keep = true, .repeat = 1}, &kept);
    return kept != FTF_NO_SLOT && gen->holds[kept] != FTF_HOLDS_UNKNOWN ? kept : FTF_NO_SLOT;
}

/* One to three things, the first one of these roles, the others as likely anything. */
static bool act_some(ftf_gen *gen, int lane, int slot, uint32_t roles) {
    static const int lengths[] = {1, 1, 1, 2, 2, 3};
    if (!act(gen, lane, slot, roles)) {
        return false;
    }
    int more = lengths[ftf_rng_below(gen->rng, sizeof lengths / sizeof *lengths)] - 1;
    for (int i = 0; i < more; i++) {
        act(gen, lane, slot, ftf_gen_chance(gen, 60) ? roles : (uint32_t)ANY);
    }
    return true;
}

/* What happened to an object before matters: grown and shrunk buffers, advanced cursors, filled caches. */
static void add_history(ftf_gen *gen, int slot) {
    if (!ftf_gen_chance(gen, 35)) {
        return;
    }
    int count = ftf_rng_range(gen->rng, 1, 3);
    for (int i = 0; i < count; i++) {
        uint32_t repeat = ftf_gen_chance(gen, 70) ? 1 : (uint32_t)ftf_rng_range(gen->rng, 2, 8);
        uint32_t roles = ftf_gen_chance(gen, 80) ? WRITE : (uint32_t)ANY;
        ftf_gen_act(gen, FTF_OWNER_SETUP, slot, (ftf_want){.roles = roles, .repeat = repeat}, NULL);
    }
}

static int share(ftf_gen *gen, int type) {
    int slot = type >= 0 ? ftf_gen_make(gen, type, FTF_OWNER_SETUP) : FTF_NO_SLOT;
    if (slot != FTF_NO_SLOT) {
        add_history(gen, slot);
    }
    return slot;
}

static int share_type_with(ftf_gen *gen, uint32_t roles) { return share(gen, ftf_gen_type(gen, roles)); }

/* Lanes beyond the second one join in with either role. */
static void fill_other_lanes(ftf_gen *gen, int slot, uint32_t roles) {
    for (uint32_t lane = 2; lane < gen->scenario->lane_count; lane++) {
        act_some(gen, (int)lane, slot, roles);
    }
}

/* The backbone of most shapes: one shared object, one role for each of two lanes. */
static bool pair(ftf_gen *gen, uint32_t first, uint32_t second) {
    int slot = share_type_with(gen, (first == (uint32_t)ANY ? 0 : first) | (second == (uint32_t)ANY ? 0 : second));
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    bool built = act_some(gen, 0, slot, first) && act_some(gen, 1, slot, second);
    fill_other_lanes(gen, slot, first | second);
    return built;
}

/* A repeat that reaches the end of most iterators. */
static uint32_t long_repeat(ftf_gen *gen) {
    static const uint32_t repeats[] = {4, 8, 32, 32, 100, 100, 300};
    return ftf_gen_chance(gen, 25) ? 1 : repeats[ftf_rng_below(gen->rng, sizeof repeats / sizeof *repeats)];
}

/* ---- two roles on one object ------------------------------------------------------------------------------------- */

static bool shape_write_read(ftf_gen *gen) { return pair(gen, WRITE, READ); }

static bool shape_write_write(ftf_gen *gen) { return pair(gen, WRITE, WRITE); }

static bool shape_destroy_any(ftf_gen *gen) { return pair(gen, DESTROY, (uint32_t)ANY); }

static bool shape_summary_write(ftf_gen *gen) { return pair(gen, SUMMARY, WRITE); }

static bool shape_attributes(ftf_gen *gen) {
    return pair(gen, ATTRIBUTE, ftf_gen_chance(gen, 50) ? (uint32_t)ATTRIBUTE : (uint32_t)ANY);
}

/* ---- iterators and views ----------------------------------------------------------------------------------------- */

/* A shared iterator: an object that is one, or one over an object. *over gets the object, or the iterator itself. */
static int share_iterator(ftf_gen *gen, int *over) {
    bool own = ftf_gen_chance(gen, 60);
    int slot = share_type_with(gen, own ? ADVANCE : ITERATE);
    if (slot == FTF_NO_SLOT) {
        own = !own;
        slot = share_type_with(gen, own ? ADVANCE : ITERATE);
    }
    *over = slot;
    if (slot == FTF_NO_SLOT || own) {
        return slot;
    }
    ftf_op op = {.code = FTF_OP_ITER, .dest = FTF_NO_SLOT, .repeat = 1, .self = ftf_value_slot(slot)};
    return ftf_gen_push(gen, FTF_OWNER_SETUP, &op, true);
}

static bool advance(ftf_gen *gen, int lane, int iterator, uint32_t repeat) {
    int holds = gen->holds[iterator];
    bool is_iterator = holds < 0 || (gen->catalog->types[holds].traits & FTF_TRAIT_ITERATOR);
    if (is_iterator && ftf_gen_chance(gen, 90)) {
        return ftf_gen_line(gen, lane, iterator, "next(a)", repeat);
    }
    return ftf_gen_act(gen, lane, iterator, (ftf_want){.roles = ADVANCE, .repeat = repeat}, NULL);
}

static bool shape_exhaust(ftf_gen *gen) {
    int over;
    int iterator = share_iterator(gen, &over);
    if (iterator == FTF_NO_SLOT) {
        return false;
    }
    uint32_t repeat = long_repeat(gen);
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        bool other = lane > 0 && ftf_gen_chance(gen, 20);
        repeat = ftf_gen_chance(gen, 70) ? repeat : long_repeat(gen);
        if (!(other ? act(gen, (int)lane, iterator, (uint32_t)ANY) : advance(gen, (int)lane, iterator, repeat))) {
            return false;
        }
    }
    if (over != iterator && ftf_gen_chance(gen, 20)) {
        act(gen, 1, over, WRITE);
    }
    return true;
}

static bool shape_iterate_destroy(ftf_gen *gen) {
    int slot = share_type_with(gen, ITERATE | (ftf_gen_chance(gen, 60) ? DESTROY : WRITE));
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    int iterator = FTF_NO_SLOT;
    if (ftf_gen_chance(gen, 60)) {
        ftf_op op = {.code = FTF_OP_ITER, .dest = FTF_NO_SLOT, .repeat = 1, .self = ftf_value_slot(slot)};
        iterator = ftf_gen_push(gen, ftf_gen_chance(gen, 60) ? FTF_OWNER_SETUP : 0, &op, true);
    }
    bool built = iterator == FTF_NO_SLOT ? act_some(gen, 0, slot, ITERATE)
                                         : advance(gen, 0, iterator, long_repeat(gen));
    built = built && act_some(gen, 1, slot, ftf_gen_chance(gen, 60) ? DESTROY | WRITE : (uint32_t)WRITE);
    fill_other_lanes(gen, slot, ITERATE | WRITE);
    return built;
}

static bool shape_export_resize(ftf_gen *gen) {
    int slot = share_type_with(gen, EXPORT | WRITE);
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    /* The export itself races with the resize, and so does every use of a view that was allowed to live. */
    int owner = ftf_gen_chance(gen, 30) ? FTF_OWNER_SETUP : 0;
    int view = act_and_keep(gen, owner, slot, EXPORT);
    if (view != FTF_NO_SLOT && ftf_gen_chance(gen, 70)) {
        act(gen, 0, view, (uint32_t)ANY);
    }
    if (view != FTF_NO_SLOT && ftf_gen_chance(gen, 40)) {
        ftf_gen_line(gen, 0, view, "del a", 1);
    }
    if (gen->scenario->lanes[0].count == 0 || ftf_gen_chance(gen, 20)) {
        act(gen, 0, slot, EXPORT);
    }
    fill_other_lanes(gen, slot, EXPORT | WRITE);
    return gen->scenario->lanes[0].count > 0 && act_some(gen, 1, slot, WRITE | DESTROY);
}

static bool shape_result(ftf_gen *gen) {
    int slot = share_type_with(gen, WRITE);
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    int result = FTF_NO_SLOT;
    for (int tries = 0; tries < 3 && result == FTF_NO_SLOT; tries++) {
        result = act_and_keep(gen, 0, slot, (uint32_t)ANY);
    }
    if (result != FTF_NO_SLOT) {
        act_some(gen, 0, result, (uint32_t)ANY);
    }
    fill_other_lanes(gen, slot, (uint32_t)ANY);
    return gen->scenario->lanes[0].count > 0 && act_some(gen, 1, slot, WRITE);
}

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
    *self = owner < 0 ? FTF_NO_SLOT : share(gen, owner);
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
    add_history(gen, made);
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

static bool shape_argument(ftf_gen *gen) {
    const ftf_catalog *catalog = gen->catalog;
    const ftf_arg_place *place = draw_place(gen, catalog->containers, catalog->container_count);
    int self;
    shared_argument shared;
    if (!place || !share_receiver(gen, place, &self)) {
        return false;
    }
    const ftf_arg *arg = &catalog->callables[place->callable].patterns[place->pattern].args[place->arg];
    if (!share_argument(gen, arg, &shared)) {
        return false;
    }
    ftf_value passed = ftf_value_slot(shared.passed);
    bool built = call_with(gen, 0, self, place, passed) && act_some(gen, 1, shared.changed, WRITE);
    if (self != FTF_NO_SLOT && ftf_gen_chance(gen, 25)) {
        act(gen, 1, self, (uint32_t)ANY);
    }
    for (uint32_t lane = 2; lane < gen->scenario->lane_count; lane++) {
        call_with(gen, (int)lane, self, place, passed);
    }
    return built;
}

static bool shape_callback(ftf_gen *gen) {
    const ftf_catalog *catalog = gen->catalog;
    const ftf_arg_place *place = draw_place(gen, catalog->callbacks, catalog->callback_count);
    int self;
    if (!place || !share_receiver(gen, place, &self)) {
        return false;
    }
    int victim = self != FTF_NO_SLOT ? self : share_type_with(gen, 0);
    if (victim == FTF_NO_SLOT) {
        return false;
    }
    bool built = call_with(gen, 0, self, place, ftf_gen_callback(gen, victim)) &&
                 act_some(gen, 1, victim, (uint32_t)ANY);
    fill_other_lanes(gen, victim, (uint32_t)ANY);
    return built;
}

/* ---- objects as arguments ---------------------------------------------------------------------------------------- */

/* Whether an operator takes objects of the same type: binary ones often do, and say so by failing cheaply if not. */
static bool is_binary(const ftf_operator *operator) {
    ftf_form form = ftf_ops[operator->code].form;
    return form == FTF_FORM_INFIX || form == FTF_FORM_INPLACE;
}

static bool operator_between(ftf_gen *gen, int lane, int left, int right) {
    const ftf_type *type = &gen->catalog->types[gen->holds[left]];
    ftf_op op = {.code = FTF_OP_EQ, .dest = FTF_NO_SLOT, .repeat = ftf_gen_repeat(gen), .self = ftf_value_slot(left)};
    if (type->operator_count) {
        const ftf_operator *drawn = &type->operators[ftf_rng_below(gen->rng, type->operator_count)];
        op.code = is_binary(drawn) ? (ftf_op_code)drawn->code : FTF_OP_EQ;
    }
    op.argc = 1;
    op.args = FTF_NEW(gen->scenario->arena, ftf_value, 1);
    op.args[0] = ftf_value_slot(right);
    ftf_gen_push(gen, lane, &op, false);
    return true;
}

/* left.method(right), for a method that takes an argument; an operator when there is none. */
static bool call_between(ftf_gen *gen, int lane, int left, int right) {
    const ftf_catalog *catalog = gen->catalog;
    const ftf_type *type = &catalog->types[gen->holds[left]];
    for (int tries = 0; tries < 8 && type->method_count; tries++) {
        int index = type->methods[ftf_rng_below(gen->rng, type->method_count)];
        const ftf_callable *method = &catalog->callables[index];
        uint32_t pattern = ftf_rng_below(gen->rng, method->pattern_count);
        if (method->pattern_count == 0 || method->patterns[pattern].argc == 0) {
            continue;
        }
        uint32_t arg = ftf_rng_below(gen->rng, method->patterns[pattern].argc);
        ftf_arg_place place = {.callable = index, .pattern = pattern, .arg = arg};
        return call_with(gen, lane, left, &place, ftf_value_slot(right));
    }
    return operator_between(gen, lane, left, right);
}

static bool meet(ftf_gen *gen, int lane, int left, int right) {
    return ftf_gen_chance(gen, 60) ? call_between(gen, lane, left, right) : operator_between(gen, lane, left, right);
}

static bool shape_itself(ftf_gen *gen) {
    int slot = share_type_with(gen, 0);
    if (slot == FTF_NO_SLOT || !meet(gen, 0, slot, slot)) {
        return false;
    }
    fill_other_lanes(gen, slot, (uint32_t)ANY);
    return ftf_gen_chance(gen, 50) ? meet(gen, 1, slot, slot) : act_some(gen, 1, slot, (uint32_t)ANY);
}

static bool shape_two_objects(ftf_gen *gen) {
    int type = ftf_gen_type(gen, 0);
    int left = share(gen, type);
    int right = share(gen, type);
    if (left == FTF_NO_SLOT || right == FTF_NO_SLOT || !meet(gen, 0, left, right) || !meet(gen, 1, right, left)) {
        return false;
    }
    if (ftf_gen_chance(gen, 40)) {
        act(gen, ftf_rng_range(gen->rng, 0, 1), left, WRITE);
    }
    fill_other_lanes(gen, left, (uint32_t)ANY);
    return true;
}

/* ---- lifetimes --------------------------------------------------------------------------------------------------- */

static bool shape_dropped(ftf_gen *gen) {
    int slot = share_type_with(gen, 0);
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    /* What an object handed out often borrows from it: let it outlive the object, or the other way round. */
    uint32_t handing_out = ftf_gen_chance(gen, 70) ? EXPORT | ITERATE : (uint32_t)READ;
    int result = ftf_gen_chance(gen, 60) ? act_and_keep(gen, FTF_OWNER_SETUP, slot, handing_out) : FTF_NO_SLOT;
    bool drop_result = result != FTF_NO_SLOT && ftf_gen_chance(gen, 50);
    int dropped = drop_result ? result : slot;
    int used = drop_result || result == FTF_NO_SLOT ? slot : result;
    if (ftf_gen_chance(gen, 40)) {
        act(gen, 0, dropped, (uint32_t)ANY);
    }
    bool built = ftf_gen_line(gen, 0, dropped, "del a", 1) && act_some(gen, 1, used, (uint32_t)ANY);
    fill_other_lanes(gen, slot, (uint32_t)ANY);
    return built;
}

static bool shape_churn(ftf_gen *gen) {
    int type = ftf_gen_type(gen, 0);
    if (type < 0) {
        return false;
    }
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        int own = ftf_gen_make(gen, type, (int)lane);
        if (own == FTF_NO_SLOT) {
            return false;
        }
        ftf_section *section = &gen->scenario->lanes[lane];
        section->ops[section->count - 1].repeat = ftf_gen_repeat(gen);
        act_some(gen, (int)lane, own, (uint32_t)ANY);
        if (ftf_gen_chance(gen, 50)) {
            ftf_gen_line(gen, (int)lane, own, "del a", 1);
        }
    }
    return true;
}

/* ---- the same call everywhere ------------------------------------------------------------------------------------ */

static bool shape_storm(ftf_gen *gen) {
    int calls = ftf_gen_chance(gen, 70) ? 1 : 2;
    for (int i = 0; i < calls; i++) {
        if (!ftf_gen_function(gen, 0)) {
            return false;
        }
    }
    const ftf_section *first = &gen->scenario->lanes[0];
    for (uint32_t lane = 1; lane < gen->scenario->lane_count; lane++) {
        for (uint32_t i = 0; i < first->count; i++) {
            ftf_op op = first->ops[i];
            bool keep = op.dest != FTF_NO_SLOT;
            op.dest = FTF_NO_SLOT;
            ftf_gen_push(gen, (int)lane, &op, keep);
        }
        int slot = ftf_gen_visible(gen, (int)lane, FTF_HOLDS_UNKNOWN);
        if (ftf_gen_chance(gen, 30)) {
            act(gen, (int)lane, slot, (uint32_t)ANY);
        }
    }
    return true;
}

static bool shape_random(ftf_gen *gen) {
    int objects = ftf_gen_chance(gen, 75) ? 1 : 2;
    for (int i = 0; i < objects; i++) {
        share_type_with(gen, 0);
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

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
    bool (*build)(ftf_gen *gen);
    uint32_t weight;
} shapes[] = {
#define FTF_SHAPE(name, weight, doc) {shape_##name, weight},
#include "scenario/shapes.def"
#undef FTF_SHAPE
};

bool ftf_shape_build(ftf_gen *gen, ftf_shape shape) {
    FTF_ASSERT((unsigned)shape < FTF_SHAPE_COUNT);
    return shapes[shape].build(gen);
}

ftf_shape ftf_shape_draw(ftf_rng *rng) {
    uint32_t total = 0;
    for (int i = 0; i < FTF_SHAPE_COUNT; i++) {
        total += shapes[i].weight;
    }
    uint32_t left = ftf_rng_below(rng, total);
    int drawn = 0;
    while (left >= shapes[drawn].weight) {
        left -= shapes[drawn++].weight;
    }
    return (ftf_shape)drawn;
}
