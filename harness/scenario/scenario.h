#ifndef FTF_SCENARIO_SCENARIO_H
#define FTF_SCENARIO_SCENARIO_H
/*
 * A scenario: what the fuzzer's input means. It is a little concurrent program in a subset of Python's syntax,
 *
 *     ftfuzz 1
 *     target collections
 *     setup
 *       a = OrderedDict([("k", 1)])
 *       it = iter(a)
 *     thread
 *       a.move_to_end("k") * 32
 *     thread
 *       a.clear()
 *       x = a.popitem()
 *       repr(x)
 *     finish
 *       len(a)
 *     schedule pct seed=77 depth=3
 *
 * `setup` runs on one thread and makes the shared slots, each `thread` is a lane, `finish` runs on one thread after
 * all lanes have ended. A result may be kept in a slot: a slot assigned in setup is shared by everything after it, one
 * assigned in a lane (or in finish) is private to it and hides a shared one of the same name. A name that is no slot
 * where it stands is a *global*: a name of the target module, else of builtins.
 *
 * This folder is pure: it knows neither Python nor threads. Bytes -> scenario -> bytes depends on nothing else,
 * and parse(print(s)) == s for every valid scenario.
 *
 * Ownership: all nodes and texts of a scenario live in the arena it was made in. A scenario is a value: copy it
 * with ftf_scenario_copy, edit the copy, never share nodes between arenas. Threads: immutable once built, so any
 * thread may read it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum {
    FTF_LANES_MAX = 8,         /* TSan keeps 4 shadow cells per 8 bytes: more lanes lose races, not find them */
    FTF_OPS_MAX = 64,          /* per section; a reader cannot hold more, and a longer one finds nothing sooner */
    FTF_SLOTS_MAX = 64,        /* per scenario, all sections together */
    FTF_REPEAT_MAX = 4096,     /* of one line */
    FTF_ARGS_MAX = 16,         /* of one call, keywords included */
    FTF_SWITCHES_MAX = 4096,   /* of an explicit schedule */
    FTF_NAME_MAX = 200,        /* bytes of one name */
    FTF_VALUE_DEPTH_MAX = 8,   /* nesting of one literal */
    FTF_VALUE_ITEMS_MAX = 256, /* items of one literal */
    FTF_SCENARIO_BYTES_MAX = 32 * 1024, /* text; the -max_len of the fuzzer */
    FTF_NO_SLOT = -1,
};

/* ---- values ---------------------------------------------------------------------------------------------------- */

typedef enum ftf_value_kind {
#define FTF_VALUE(name) FTF_VALUE_##name,
#include "scenario/values.def"
#undef FTF_VALUE
    FTF_VALUE_COUNT
} ftf_value_kind;

typedef struct ftf_value ftf_value;
struct ftf_value {
    ftf_value_kind kind;
    int slot;               /* SLOT: index into ftf_scenario.slots */
    uint32_t len;           /* STR, BYTES: bytes of text; TUPLE, LIST, SET, DICT, RECIPE: number of items */
    const char *text;       /* INT, FLOAT: the literal as written; STR: UTF-8 (lone surrogates as in WTF-8); BYTES:
                               the bytes; GLOBAL: dotted name; RECIPE: its name without the dollar sign */
    const ftf_value *items; /* DICT: key, value, key, value (len counts both); RECIPE: its arguments */
};

/* ---- ops --------------------------------------------------------------------------------------------------------- */

typedef enum ftf_op_code {
#define FTF_OP(name, form, symbol) FTF_OP_##name,
#include "scenario/ops.def"
#undef FTF_OP
    FTF_OP_COUNT
} ftf_op_code;

typedef struct ftf_kwarg {
    const char *name;
    ftf_value value;
} ftf_kwarg;

/*
 * One line. Which members mean something is the op's form (ops.def): `self` is the receiver or the left operand,
 * `name` the callable, method or attribute, args[0..argc) the arguments or the remaining operands in textual order.
 */
typedef struct ftf_op {
    ftf_op_code code;
    int dest;        /* slot that keeps the result, or FTF_NO_SLOT */
    uint32_t repeat; /* >= 1 */
    const char *name;
    ftf_value self;
    uint32_t argc;
    ftf_value *args;
    uint32_t kwargc;
    ftf_kwarg *kwargs;
} ftf_op;

typedef struct ftf_section {
    uint32_t count; /* at most FTF_OPS_MAX */
    ftf_op *ops;    /* grows through ftf_scenario_push and _add, which may move it: keep indices, not pointers */
} ftf_section;

/* ---- schedule
   ------------------------------------------------------------------------------------------------------ */

typedef enum ftf_schedule_kind {
    FTF_SCHEDULE_FREE, /* all lanes run at once */
    FTF_SCHEDULE_PCT,  /* one at a time, priorities and depth-1 random drops (Burckhardt et al., ASPLOS 2010) */
    FTF_SCHEDULE_AT,   /* one at a time, exactly these switches */
} ftf_schedule_kind;

/* Lane `lane` hands the token to lane `to` when it reaches a point. Written `lane:op.point>to`: the point is counted
   from 1 in that op, the boundary before its first execution being 1, so that it stays where it was meant when another
   op goes, or goes another way. Or `lane:point>to`, where every point of that lane in this run counts; a schedule has
   one form. */
typedef struct ftf_switch {
    uint8_t lane;
    uint8_t to;
    uint16_t in_op; /* the op's index plus 1; 0: the point is one of the lane */
    uint32_t point;
} ftf_switch;

typedef struct ftf_schedule {
    ftf_schedule_kind kind;
    uint64_t seed;  /* PCT */
    uint32_t depth; /* PCT: 1..16 */
    uint32_t count; /* AT */
    const ftf_switch *switches;
} ftf_schedule;

/* ---- the whole
   ----------------------------------------------------------------------------------------------------- */

/* Where a slot was assigned first; also indexes sections in ftf_scenario_section. Lanes are 0..FTF_LANES_MAX-1. */
enum { FTF_OWNER_SETUP = -1, FTF_OWNER_FINISH = -2 };

typedef struct ftf_slot {
    const char *name;
    int owner; /* FTF_OWNER_SETUP (shared), a lane, or FTF_OWNER_FINISH */
} ftf_slot;

typedef struct ftf_scenario {
    ftf_arena *arena;
    const char *target;
    ftf_section setup;
    uint32_t lane_count; /* 1..FTF_LANES_MAX */
    ftf_section lanes[FTF_LANES_MAX];
    ftf_section finish;
    ftf_schedule schedule;
    uint32_t slot_count;
    ftf_slot slots[FTF_SLOTS_MAX];
} ftf_scenario;

/* An empty scenario with one lane and `schedule free`. */
void ftf_scenario_init(ftf_scenario *scenario, ftf_arena *arena, const char *target);

/* A deep copy whose nodes all live in arena. */
void ftf_scenario_copy(ftf_scenario *to, ftf_arena *arena, const ftf_scenario *from);

ftf_section *ftf_scenario_section(ftf_scenario *scenario, int owner);

/* The slot that `name` means inside section `owner`, or FTF_NO_SLOT. */
int ftf_scenario_find_slot(const ftf_scenario *scenario, const char *name, int owner);

/* The slot of that name owned by that section; a new one when there is none yet; FTF_NO_SLOT when all are taken. */
int ftf_scenario_add_slot(ftf_scenario *scenario, const char *name, size_t len, int owner);

/* Appends an empty op (repeat 1, no slot) to a section and returns it, valid until the next op is added to that
   section; NULL when the section is full. */
ftf_op *ftf_scenario_add(ftf_scenario *scenario, int owner, ftf_op_code code);

/* Appends a copy of *op (its operands are shared, so they must live in the scenario's arena); false when it is full. */
bool ftf_scenario_push(ftf_scenario *scenario, int owner, const ftf_op *op);

/* The op as it would be in a scenario of another arena; slots keep their indices. */
ftf_op ftf_op_copy(ftf_arena *arena, const ftf_op *op);

/* The slots that an op reads: bit i for slot i. Its dest is none of them. */
uint64_t ftf_op_slots(const ftf_op *op);

/* The slots that setup made, which every lane sees: bit i for slot i. */
uint64_t ftf_scenario_shared(const ftf_scenario *scenario);

/* A hash of what an op calls: its form and name, without receiver and arguments. */
uint64_t ftf_op_call_hash(const ftf_op *op);

/* True when both say the same: same ops, values, slots by name and schedule. */
bool ftf_scenario_equal(const ftf_scenario *a, const ftf_scenario *b);

#endif
