#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "scenario/actions.h"
#include "scenario/generate.h"
#include "scenario/mutate.h"
#include "scenario/ops.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/shapes.h"
#include "unit/sample_catalog.h"

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

typedef struct fixture {
    ftf_catalog *catalog;
    ftf_arena *arena;
    ftf_arena *again;
    ftf_text text;
    ftf_text second;
} fixture;

static int begin(void **state) {
    static fixture one;
    one = (fixture){.catalog = load_sample_catalog(), .arena = ftf_arena_create(), .again = ftf_arena_create()};
    *state = &one;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    ftf_catalog_destroy(f->catalog);
    ftf_arena_destroy(f->arena);
    ftf_arena_destroy(f->again);
    ftf_text_release(&f->text);
    ftf_text_release(&f->second);
    return 0;
}

/* parse(print(s)) == s, and printing what was parsed gives the same bytes. */
static void check_round_trip(fixture *f, const ftf_scenario *scenario) {
    ftf_scenario parsed;
    ftf_error err = {0};
    ftf_text_clear(&f->text);
    ftf_text_clear(&f->second);
    ftf_scenario_print(scenario, &f->text);
    ftf_arena_reset(f->again);
    if (ftf_scenario_parse(f->text.data, f->text.len, f->again, &parsed, &err) != FTF_OK) {
        fail_msg("line %d: %s\n%s", err.line, err.text, f->text.data);
    }
    if (!ftf_scenario_equal(scenario, &parsed)) {
        fail_msg("read back, this is another scenario:\n%s", f->text.data);
    }
    ftf_scenario_print(&parsed, &f->second);
    assert_string_equal(f->text.data, f->second.data);
}

static void check_limits(const ftf_scenario *s) {
    assert_in_range(s->lane_count, 2, FTF_LANES_MAX);
    for (uint32_t lane = 0; lane < s->lane_count; lane++) {
        uint32_t total = 0;
        assert_in_range(s->lanes[lane].count, 1, 24);
        for (uint32_t i = 0; i < s->lanes[lane].count; i++) {
            total += s->lanes[lane].ops[i].repeat;
        }
        assert_in_range(total, 1, 2000);
    }
    assert_in_range(s->setup.count, 0, 32);
}

static void generate(fixture *f, uint64_t seed, ftf_scenario *out) {
    ftf_rng rng = ftf_rng_seed(seed);
    ftf_arena_reset(f->arena);
    ftf_generate(f->catalog, &rng, f->arena, out);
}

/* ---- properties -------------------------------------------------------------------------------------------------- */

static void test_generate__round_trips(void **state) {
    fixture *f = *state;
    ftf_scenario scenario;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        generate(f, seed, &scenario);
        check_round_trip(f, &scenario);
        check_limits(&scenario);
    }
}

static void test_generate__same_seed_same_bytes(void **state) {
    fixture *f = *state;
    ftf_scenario scenario;
    for (uint64_t seed = 0; seed < 500; seed++) {
        generate(f, seed, &scenario);
        ftf_text_clear(&f->text);
        ftf_scenario_print(&scenario, &f->text);
        generate(f, seed, &scenario);
        ftf_text_clear(&f->second);
        ftf_scenario_print(&scenario, &f->second);
        assert_string_equal(f->text.data, f->second.data);
    }
}

/* ---- storms ------------------------------------------------------------------------------------------------------ */

static void check_same_calls(const ftf_scenario *s) {
    for (uint32_t lane = 1; lane < s->lane_count; lane++) {
        assert_int_equal(s->lanes[lane].count, s->lanes[0].count);
        for (uint32_t i = 0; i < s->lanes[0].count; i++) {
            const ftf_op *x = &s->lanes[0].ops[i];
            const ftf_op *y = &s->lanes[lane].ops[i];
            assert_int_equal(x->code, y->code);
            assert_int_equal(x->repeat, 1);
            assert_true(x->name == y->name || strcmp(x->name, y->name) == 0);
            bool shared = x->self.kind == FTF_VALUE_SLOT && s->slots[x->self.slot].owner == FTF_OWNER_SETUP;
            assert_true(x->self.kind != FTF_VALUE_SLOT || shared == (x->self.slot == y->self.slot));
        }
    }
}

static void test_generate__a_storm_makes_the_same_calls_on_all_lanes(void **state) {
    fixture *f = *state;
    ftf_scenario s;
    for (uint64_t number = 0; number < 2000; number++) {
        ftf_arena_reset(f->arena);
        ftf_generate_storm(f->catalog, 7, number, f->arena, &s);
        check_round_trip(f, &s);
        check_limits(&s);
        check_same_calls(&s);
    }
}

static void test_generate__storm_number_n_is_always_the_same(void **state) {
    fixture *f = *state;
    ftf_scenario s;
    for (uint64_t number = 0; number < 100; number++) {
        ftf_text_clear(&f->text);
        ftf_text_clear(&f->second);
        ftf_arena_reset(f->arena);
        ftf_generate_storm(f->catalog, 3, number, f->arena, &s);
        ftf_scenario_print(&s, &f->text);
        ftf_arena_reset(f->arena);
        ftf_generate_storm(f->catalog, 3, number, f->arena, &s);
        ftf_scenario_print(&s, &f->second);
        assert_string_equal(f->text.data, f->second.data);
    }
}

static bool storm_calls(const ftf_scenario *s, const ftf_callable *callable) {
    ftf_op_code code = callable->owner < 0 ? FTF_OP_CALL : FTF_OP_METHOD;
    for (uint32_t i = 0; i < s->lanes[0].count; i++) {
        const ftf_op *op = &s->lanes[0].ops[i];
        if (op->code == code && strcmp(op->name, callable->name) == 0) {
            return true;
        }
    }
    return false;
}

static void test_generate__storms_call_everything(void **state) {
    enum { STORMS = 200, CALLABLES_MAX = 512 };
    fixture *f = *state;
    ftf_scenario s;
    bool called[CALLABLES_MAX] = {false};
    assert_in_range(f->catalog->callable_count, 1, CALLABLES_MAX);
    for (uint64_t number = 0; number < STORMS; number++) {
        ftf_arena_reset(f->arena);
        ftf_generate_storm(f->catalog, 1, number, f->arena, &s);
        for (uint32_t c = 0; c < f->catalog->callable_count; c++) {
            called[c] = called[c] || storm_calls(&s, &f->catalog->callables[c]);
        }
    }
    for (uint32_t c = 0; c < f->catalog->callable_count; c++) {
        const ftf_callable *callable = &f->catalog->callables[c];
        bool makable = callable->owner < 0 || f->catalog->types[callable->owner].make_count;
        bool dull = callable->owner >= 0 && f->catalog->types[callable->owner].weight <= 1;
        if (callable->pattern_count && makable && !dull && !called[c]) {
            fail_msg("%s is in none of %d storms", callable->name, STORMS);
        }
    }
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static void test_generate__every_shape_can_be_built(void **state) {
    fixture *f = *state;
    for (int shape = 0; shape < FTF_SHAPE_COUNT; shape++) {
        int built = 0;
        for (uint64_t seed = 0; seed < 50; seed++) {
            ftf_rng rng = ftf_rng_seed(seed);
            ftf_scenario scenario;
            ftf_gen gen;
            ftf_arena_reset(f->arena);
            ftf_scenario_init(&scenario, f->arena, "sample");
            scenario.lane_count = 2;
            ftf_gen_init(&gen, f->catalog, &rng, &scenario);
            built += ftf_shape_build(&gen, (ftf_shape)shape);
        }
        if (built < 25) {
            fail_msg("shape %d was built %d times of 50", shape, built);
        }
    }
}

static void test_generate__an_empty_catalog_still_gives_scenarios(void **state) {
    fixture *f = *state;
    static const char json[] =
        "{\"format\": 1, \"target\": \"t\", \"import\": \"t\", \"types\": [], \"callables\": []}";
    ftf_catalog *empty = NULL;
    ftf_scenario scenario;
    assert_int_equal(ftf_catalog_load(json, sizeof json - 1, &empty, NULL), FTF_OK);
    for (uint64_t seed = 0; seed < 200; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_arena_reset(f->arena);
        ftf_generate(empty, &rng, f->arena, &scenario);
        check_round_trip(f, &scenario);
        for (int i = 0; i < 10; i++) {
            ftf_mutate(empty, &rng, &scenario);
            check_round_trip(f, &scenario);
        }
    }
    ftf_catalog_destroy(empty);
}

/* ---- what known races need ------------------------------------------------------------------------------------- */

/* Roles of an op on a shared slot; 0 when it is about something else. */
static uint32_t roles_on(const ftf_op *op, int slot) {
    bool is_receiver = op->self.kind == FTF_VALUE_SLOT && op->self.slot == slot;
    if (!is_receiver) {
        return 0;
    }
    switch (ftf_ops[op->code].form) {
    case FTF_FORM_METHOD: return ftf_roles_of_name(op->name);
    case FTF_FORM_SETATTR:
    case FTF_FORM_DELATTR: return FTF_ROLE_WRITE | FTF_ROLE_ATTRIBUTE;
    case FTF_FORM_GETATTR: return FTF_ROLE_READ | FTF_ROLE_ATTRIBUTE;
    case FTF_FORM_SETITEM:
    case FTF_FORM_DELITEM:
    case FTF_FORM_INPLACE: return FTF_ROLE_WRITE;
    default: break;
    }
    switch (op->code) {
    case FTF_OP_NEXT: return FTF_ROLE_WRITE | FTF_ROLE_ADVANCE;
    case FTF_OP_ITER:
    case FTF_OP_LIST: return FTF_ROLE_READ | FTF_ROLE_ITERATE;
    case FTF_OP_MEMORYVIEW: return FTF_ROLE_READ | FTF_ROLE_EXPORT;
    case FTF_OP_REPR:
    case FTF_OP_LEN:
    case FTF_OP_HASH:
    case FTF_OP_COPY:
    case FTF_OP_PICKLE: return FTF_ROLE_READ | FTF_ROLE_SUMMARY;
    default: return FTF_ROLE_READ;
    }
}

typedef struct sighting {
    const ftf_scenario *scenario;
    uint32_t first, second; /* roles wanted of one op in one lane and of one op in another */
    uint32_t repeat;        /* of both, at least */
} sighting;

static bool lane_has(const ftf_scenario *s, uint32_t lane, int slot, uint32_t roles, uint32_t repeat) {
    for (uint32_t i = 0; i < s->lanes[lane].count; i++) {
        const ftf_op *op = &s->lanes[lane].ops[i];
        if ((roles_on(op, slot) & roles) == roles && roles_on(op, slot) && op->repeat >= repeat) {
            return true;
        }
    }
    return false;
}

/* Some shared object has an op with the first roles on one lane and one with the second roles on another. */
static bool sees(sighting wanted) {
    const ftf_scenario *s = wanted.scenario;
    for (uint32_t slot = 0; slot < s->slot_count; slot++) {
        for (uint32_t x = 0; x < s->lane_count; x++) {
            for (uint32_t y = 0; y < s->lane_count; y++) {
                bool shared = s->slots[slot].owner == FTF_OWNER_SETUP && x != y;
                if (shared && lane_has(s, x, (int)slot, wanted.first, wanted.repeat) &&
                    lane_has(s, y, (int)slot, wanted.second, wanted.repeat)) {
                    return true;
                }
            }
        }
    }
    return false;
}

static bool has_op(const ftf_scenario *s, bool (*wanted)(const ftf_scenario *, const ftf_op *, int lane)) {
    for (uint32_t lane = 0; lane < s->lane_count; lane++) {
        for (uint32_t i = 0; i < s->lanes[lane].count; i++) {
            if (wanted(s, &s->lanes[lane].ops[i], (int)lane)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_named(const ftf_op *op, const char *name) { return op->name && strcmp(op->name, name) == 0; }

static bool is_reinit(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    return is_named(op, "__init__");
}

static bool is_setstate(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    return is_named(op, "__setstate__");
}

static bool is_reduce(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    return is_named(op, "__reduce__");
}

static bool is_collect(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    return op->code == FTF_OP_COLLECT;
}

static bool is_foreign_drop(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)lane;
    return op->code == FTF_OP_DROP && s->slots[op->self.slot].owner == FTF_OWNER_SETUP;
}

static bool is_mutating_callback(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    for (uint32_t i = 0; i < op->argc; i++) {
        if (op->args[i].kind == FTF_VALUE_RECIPE && strcmp(op->args[i].text, "mutates") == 0 && op->args[i].len == 1) {
            return op->args[i].items[0].kind == FTF_VALUE_SLOT;
        }
    }
    return false;
}

static bool is_on_itself(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    for (uint32_t i = 0; op->code == FTF_OP_METHOD && op->self.kind == FTF_VALUE_SLOT && i < op->argc; i++) {
        if (op->args[i].kind == FTF_VALUE_SLOT && op->args[i].slot == op->self.slot) {
            return true;
        }
    }
    return false;
}

static bool is_long(const ftf_scenario *s, const ftf_op *op, int lane) {
    (void)s, (void)lane;
    return op->repeat >= 300;
}

/* A slot is an argument on one lane and changed on another. */
static bool has_shared_argument(const ftf_scenario *s) {
    for (uint32_t lane = 0; lane < s->lane_count; lane++) {
        for (uint32_t i = 0; i < s->lanes[lane].count; i++) {
            const ftf_op *op = &s->lanes[lane].ops[i];
            bool function = op->code == FTF_OP_CALL && op->argc && op->args[0].kind == FTF_VALUE_SLOT;
            for (uint32_t other = 0; function && other < s->lane_count; other++) {
                if (other != lane && lane_has(s, other, op->args[0].slot, FTF_ROLE_WRITE, 1)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Every lane begins with the same call of a global, and nothing was called before. */
static bool is_same_call(const ftf_scenario *s) {
    const ftf_op *first = &s->lanes[0].ops[0];
    for (uint32_t lane = 0; lane < s->lane_count; lane++) {
        const ftf_op *op = &s->lanes[lane].ops[0];
        if (op->code != FTF_OP_CALL || strcmp(op->name, first->name) != 0) {
            return false;
        }
    }
    return s->setup.count == 0;
}

/* a.update(b) on one lane, b.update(a) on another. */
static bool has_crossed_objects(const ftf_scenario *s) {
    const ftf_op *x = &s->lanes[0].ops[0];
    const ftf_op *y = &s->lanes[1].ops[0];
    return x->self.kind == FTF_VALUE_SLOT && y->self.kind == FTF_VALUE_SLOT && x->self.slot != y->self.slot &&
           x->argc && y->argc && x->args[0].kind == FTF_VALUE_SLOT && y->args[0].kind == FTF_VALUE_SLOT &&
           x->args[0].slot == y->self.slot && y->args[0].slot == x->self.slot;
}

static bool has_history(const ftf_scenario *s) {
    for (uint32_t i = 0; i < s->setup.count; i++) {
        const ftf_op *op = &s->setup.ops[i];
        if (op->self.kind == FTF_VALUE_SLOT && (roles_on(op, op->self.slot) & FTF_ROLE_WRITE)) {
            return true;
        }
    }
    return false;
}

enum {
    R = FTF_ROLE_READ,
    W = FTF_ROLE_WRITE,
    D = FTF_ROLE_DESTROY,
    E = FTF_ROLE_EXPORT,
    N = FTF_ROLE_ADVANCE,
    S = FTF_ROLE_SUMMARY,
    A = FTF_ROLE_ATTRIBUTE,
    I = FTF_ROLE_ITERATE,
};

static void test_generate__makes_what_known_races_need(void **state) {
    fixture *f = *state;
    enum { SCENARIOS = 2000, PAIRS = 14 };
    static const struct {
        const char *what;
        uint32_t first, second, repeat;
    } pairs[PAIRS] = {
        {"mutator with reader", W, R, 1},      {"mutator with mutator", W, W, 1},
        {"destroyer with reader", D, R, 1},    {"destroyer with mutator", D, W, 1},
        {"destroyer with destroyer", D, D, 1}, {"iterate with destroyer", I, D, 1},
        {"summary with mutator", S, W, 1},     {"next with next", N, N, 1},
        {"next with next x32", N, N, 32},      {"next with next x300", N, N, 300},
        {"export with mutator", E, W, 1},      {"export with destroyer", E, D, 1},
        {"attribute with attribute", A, A, 1}, {"attribute with mutator", A, W, 1},
    };
    static const struct {
        const char *what;
        bool (*wanted)(const ftf_scenario *, const ftf_op *, int lane);
    } ops[] = {
        {"__init__ again", is_reinit},
        {"__setstate__", is_setstate},
        {"__reduce__", is_reduce},
        {"gc.collect()", is_collect},
        {"drop on a foreign lane", is_foreign_drop},
        {"callback that mutates", is_mutating_callback},
        {"object as its own argument", is_on_itself},
        {"a repeat of 300", is_long},
    };
    static const struct {
        const char *what;
        bool (*wanted)(const ftf_scenario *);
    } whole[] = {
        {"shared argument", has_shared_argument},
        {"the same first call on all lanes", is_same_call},
        {"crossed objects", has_crossed_objects},
        {"history in setup", has_history},
    };
    enum { OPS = sizeof ops / sizeof *ops, WHOLE = sizeof whole / sizeof *whole };
    int seen_pairs[PAIRS] = {0}, seen_ops[OPS] = {0}, seen_whole[WHOLE] = {0};
    for (uint64_t seed = 0; seed < SCENARIOS; seed++) {
        ftf_scenario s;
        generate(f, seed, &s);
        for (int i = 0; i < PAIRS; i++) {
            seen_pairs[i] += sees((sighting){&s, pairs[i].first, pairs[i].second, pairs[i].repeat});
        }
        for (size_t i = 0; i < OPS; i++) {
            seen_ops[i] += has_op(&s, ops[i].wanted);
        }
        for (size_t i = 0; i < WHOLE; i++) {
            seen_whole[i] += whole[i].wanted(&s);
        }
    }
    for (int i = 0; i < PAIRS; i++) {
        print_message("%5d  %s\n", seen_pairs[i], pairs[i].what);
        assert_int_not_equal(seen_pairs[i], 0);
    }
    for (size_t i = 0; i < OPS; i++) {
        print_message("%5d  %s\n", seen_ops[i], ops[i].what);
        assert_int_not_equal(seen_ops[i], 0);
    }
    for (size_t i = 0; i < WHOLE; i++) {
        print_message("%5d  %s\n", seen_whole[i], whole[i].what);
        assert_int_not_equal(seen_whole[i], 0);
    }
}

static void test_generate__most_scenarios_are_short(void **state) {
    fixture *f = *state;
    int two_lanes = 0, short_lanes = 0, lanes = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        ftf_scenario s;
        generate(f, seed, &s);
        two_lanes += s.lane_count == 2;
        for (uint32_t lane = 0; lane < s.lane_count; lane++) {
            lanes++;
            short_lanes += s.lanes[lane].count <= 3;
        }
    }
    assert_in_range(two_lanes, 1600, 1950);
    assert_in_range(short_lanes, lanes * 8 / 10, lanes);
}

static void test_generate__endless_iterators_are_never_exhausted(void **state) {
    fixture *f = *state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        ftf_scenario s;
        generate(f, seed, &s);
        for (uint32_t lane = 0; lane < s.lane_count; lane++) {
            for (uint32_t i = 0; i < s.lanes[lane].count; i++) {
                const ftf_op *op = &s.lanes[lane].ops[i];
                bool exhausts = op->code == FTF_OP_LIST || op->code == FTF_OP_CONTAINS || op->code == FTF_OP_BYTES;
                if (!exhausts || op->self.kind != FTF_VALUE_SLOT) {
                    continue;
                }
                /* The sample's only endless type is Counter. */
                for (uint32_t j = 0; j < s.setup.count; j++) {
                    const ftf_op *make = &s.setup.ops[j];
                    assert_false(make->dest == op->self.slot && is_named(make, "Counter"));
                }
            }
        }
    }
}

static void test_generate__one_more_op_is_valid(void **state) {
    fixture *f = *state;
    static const char text[] =
        "ftfuzz 1\ntarget sample\nsetup\n  o = Ordered()\nthread\n  o.clear()\nthread\n  len(o)\n";
    for (uint64_t seed = 0; seed < 500; seed++) {
        ftf_rng rng = ftf_rng_seed(seed);
        ftf_scenario s;
        ftf_arena_reset(f->arena);
        assert_int_equal(ftf_scenario_parse(text, sizeof text - 1, f->arena, &s, NULL), FTF_OK);
        assert_true(ftf_generate_op(f->catalog, &rng, &s, 1));
        assert_true(s.lanes[1].count >= 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_generate__round_trips, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__same_seed_same_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__a_storm_makes_the_same_calls_on_all_lanes, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__storm_number_n_is_always_the_same, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__storms_call_everything, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__every_shape_can_be_built, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__an_empty_catalog_still_gives_scenarios, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__makes_what_known_races_need, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__most_scenarios_are_short, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__endless_iterators_are_never_exhausted, begin, end),
        cmocka_unit_test_setup_teardown(test_generate__one_more_op_is_valid, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
