/* Shapes around one object: two roles on it, iterators over it, views of it, its lifetime. */
#include "scenario/pieces.h"
#include "scenario/shapes.h"

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

/* The backbone of most shapes: one shared object, one role for each of two lanes. */
static bool pair(ftf_gen *gen, uint32_t first, uint32_t second) {
    int slot = ftf_piece_share_type_with(gen, (first == ANY ? 0 : first) | (second == ANY ? 0 : second));
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    bool built = ftf_piece_act_some(gen, 0, slot, first) && ftf_piece_act_some(gen, 1, slot, second);
    ftf_piece_fill_other_lanes(gen, slot, first | second);
    return built;
}

/* A repeat that reaches the end of most iterators. */
static uint32_t long_repeat(ftf_gen *gen) {
    static const uint32_t repeats[] = {4, 8, 32, 32, 100, 100, 300};
    return ftf_gen_chance(gen, 25) ? 1 : repeats[ftf_rng_below(gen->rng, sizeof repeats / sizeof *repeats)];
}

/* ---- two roles on one object ------------------------------------------------------------------------------------- */

bool ftf_shape_write_read(ftf_gen *gen) { return pair(gen, WRITE, READ); }

bool ftf_shape_write_write(ftf_gen *gen) { return pair(gen, WRITE, WRITE); }

bool ftf_shape_destroy_any(ftf_gen *gen) { return pair(gen, DESTROY, ANY); }

bool ftf_shape_anything(ftf_gen *gen) { return pair(gen, ANY, ANY); }

/* No history here: lazy members are filled in once. */
bool ftf_shape_twins(ftf_gen *gen) {
    int type = ftf_gen_type(gen, 0);
    int slot = type >= 0 ? ftf_gen_make(gen, type, FTF_OWNER_SETUP) : FTF_NO_SLOT;
    if (slot == FTF_NO_SLOT || !ftf_piece_act(gen, 0, slot, ANY)) {
        return false;
    }
    if (ftf_gen_chance(gen, 30)) {
        ftf_piece_act(gen, 0, slot, ANY);
    }
    ftf_piece_follow(gen);
    return true;
}

bool ftf_shape_summary_write(ftf_gen *gen) { return pair(gen, SUMMARY, WRITE); }

bool ftf_shape_attributes(ftf_gen *gen) { return pair(gen, ATTRIBUTE, ftf_gen_chance(gen, 50) ? ATTRIBUTE : ANY); }

/* ---- iterators and views ----------------------------------------------------------------------------------------- */

/* An iterator over what a slot holds, kept in a section: iter() where the object has it, else what hands one out. */
static int iterate(ftf_gen *gen, int owner, int slot) {
    int holds = gen->holds[slot];
    if (holds >= 0 && !(gen->catalog->types[holds].traits & FTF_TRAIT_ITERABLE)) {
        return ftf_piece_act_and_keep(gen, owner, slot, ITERATE);
    }
    ftf_op op = {.code = FTF_OP_ITER, .dest = FTF_NO_SLOT, .repeat = 1, .self = ftf_value_slot(slot)};
    return ftf_gen_push(gen, owner, &op, true);
}

/* A shared iterator: an object that is one, or one over an object. *over gets the object, or the iterator itself. */
static int share_iterator(ftf_gen *gen, int *over) {
    bool own = ftf_gen_chance(gen, 60);
    int slot = ftf_piece_share_type_with(gen, own ? ADVANCE : ITERATE);
    if (slot == FTF_NO_SLOT) {
        own = !own;
        slot = ftf_piece_share_type_with(gen, own ? ADVANCE : ITERATE);
    }
    *over = slot;
    if (slot == FTF_NO_SLOT || own) {
        return slot;
    }
    return iterate(gen, FTF_OWNER_SETUP, slot);
}

static bool advance(ftf_gen *gen, int lane, int iterator, uint32_t repeat) {
    int holds = gen->holds[iterator];
    bool is_iterator = holds < 0 || (gen->catalog->types[holds].traits & FTF_TRAIT_ITERATOR);
    if (is_iterator && ftf_gen_chance(gen, 90)) {
        return ftf_gen_line(gen, lane, iterator, "next(a)", repeat);
    }
    return ftf_gen_act(gen, lane, iterator, (ftf_want){.roles = ADVANCE, .repeat = repeat}, NULL);
}

bool ftf_shape_exhaust(ftf_gen *gen) {
    int over;
    int iterator = share_iterator(gen, &over);
    if (iterator == FTF_NO_SLOT) {
        return false;
    }
    uint32_t repeat = long_repeat(gen);
    for (uint32_t lane = 0; lane < gen->scenario->lane_count; lane++) {
        bool other = lane > 0 && ftf_gen_chance(gen, 20);
        repeat = ftf_gen_chance(gen, 70) ? repeat : long_repeat(gen);
        if (!(other ? ftf_piece_act(gen, (int)lane, iterator, ANY) : advance(gen, (int)lane, iterator, repeat))) {
            return false;
        }
    }
    if (over != iterator && ftf_gen_chance(gen, 20)) {
        ftf_piece_act(gen, 1, over, WRITE);
    }
    return true;
}

bool ftf_shape_iterate_destroy(ftf_gen *gen) {
    int slot = ftf_piece_share_type_with(gen, ITERATE | (ftf_gen_chance(gen, 60) ? DESTROY : WRITE));
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    int iterator = FTF_NO_SLOT;
    if (ftf_gen_chance(gen, 60)) {
        iterator = iterate(gen, ftf_gen_chance(gen, 60) ? FTF_OWNER_SETUP : 0, slot);
    }
    bool built = iterator == FTF_NO_SLOT ? ftf_piece_act_some(gen, 0, slot, ITERATE)
                                         : advance(gen, 0, iterator, long_repeat(gen));
    built = built && ftf_piece_act_some(gen, 1, slot, ftf_gen_chance(gen, 60) ? DESTROY | WRITE : WRITE);
    ftf_piece_fill_other_lanes(gen, slot, ITERATE | WRITE);
    return built;
}

bool ftf_shape_export_resize(ftf_gen *gen) {
    int slot = ftf_piece_share_type_with(gen, EXPORT | WRITE);
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    /* The export itself races with the resize, and so does every use of a view that was allowed to live. */
    int owner = ftf_gen_chance(gen, 30) ? FTF_OWNER_SETUP : 0;
    int view = ftf_piece_act_and_keep(gen, owner, slot, EXPORT);
    if (view != FTF_NO_SLOT && ftf_gen_chance(gen, 70)) {
        ftf_piece_act(gen, 0, view, ANY);
    }
    if (view != FTF_NO_SLOT && ftf_gen_chance(gen, 40)) {
        ftf_gen_line(gen, 0, view, "del a", 1);
    }
    if (gen->scenario->lanes[0].count == 0 || ftf_gen_chance(gen, 20)) {
        ftf_piece_act(gen, 0, slot, EXPORT);
    }
    ftf_piece_fill_other_lanes(gen, slot, EXPORT | WRITE);
    return gen->scenario->lanes[0].count > 0 && ftf_piece_act_some(gen, 1, slot, WRITE | DESTROY);
}

bool ftf_shape_result(ftf_gen *gen) {
    int slot = ftf_piece_share_type_with(gen, WRITE);
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    int result = ftf_piece_act_and_keep(gen, 0, slot, ANY);
    if (result == FTF_NO_SLOT || !ftf_piece_act_some(gen, 0, result, ANY)) {
        return false;
    }
    ftf_piece_fill_other_lanes(gen, slot, ANY);
    return ftf_piece_act_some(gen, 1, slot, ftf_gen_chance(gen, 80) ? WRITE : ANY);
}

/* ---- lifetimes --------------------------------------------------------------------------------------------------- */

bool ftf_shape_dropped(ftf_gen *gen) {
    int slot = ftf_piece_share_type_with(gen, 0);
    if (slot == FTF_NO_SLOT) {
        return false;
    }
    /* What an object handed out often borrows from it: let it outlive the object, or the other way round. */
    uint32_t handing_out = ftf_gen_chance(gen, 70) ? EXPORT | ITERATE : READ;
    int result = ftf_gen_chance(gen, 60) ? ftf_piece_act_and_keep(gen, FTF_OWNER_SETUP, slot, handing_out)
                                         : FTF_NO_SLOT;
    bool drop_result = result != FTF_NO_SLOT && ftf_gen_chance(gen, 50);
    int dropped = drop_result ? result : slot;
    int used = drop_result || result == FTF_NO_SLOT ? slot : result;
    if (ftf_gen_chance(gen, 40)) {
        ftf_piece_act(gen, 0, dropped, ANY);
    }
    bool built = ftf_gen_line(gen, 0, dropped, "del a", 1) && ftf_piece_act_some(gen, 1, used, ANY);
    ftf_piece_fill_other_lanes(gen, slot, ANY);
    return built;
}

bool ftf_shape_churn(ftf_gen *gen) {
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
        ftf_piece_act_some(gen, (int)lane, own, ANY);
        if (ftf_gen_chance(gen, 50)) {
            ftf_gen_line(gen, (int)lane, own, "del a", 1);
        }
    }
    return true;
}
