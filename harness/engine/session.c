/*
 * Reading order: ftf_session_run (one scenario), run_rounds (its schedules), run_once (one of them), report_* (what came of
 * it).
 */
#include "engine/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/trace.h"
#include "engine/alone.h"
#include "engine/exercise.h"
#include "engine/feedback.h"
#include "engine/modules.h"
#include "engine/verdict.h"
#include "engine/watch.h"
#include "findings/record.h"
#include "oracle/raw.h"
#include "oracle/repeats.h"
#include "python/pyvm.h"
#include "scenario/executed.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/* How many scenarios go by before memory that TSan has reported on is re-armed: doing it each time costs a millisecond an
   execution with a module that always races, doing it never leaves its other races in the same bytes unseen. */
enum { REARM_EVERY = 200 };

/* A report costs TSan a millisecond even when it is swallowed. A scenario that has reported this often, and nothing new, is not
   run under further schedules. */
enum { REPEATS_ENOUGH = 4 };

/* Rounds in which lanes take turns at op boundaries, at one boundary in how many at most, and rounds that are walks:
   many drops anywhere, where PCT has few at chosen points. TSan needs no collision, but two accesses with nothing
   between them that orders the lanes; most ops take a lock that does (a critical section, a mutex of the extension), so
   of a lane that runs to its end only the last op can race. For ASan a switch at the right point inside an op is what
   counts. */
#ifdef FTF_TSAN
enum { TURN_ROUNDS = 1, TURNS_MAX = 4, WALK_ROUNDS = 2 };
#else
enum { TURN_ROUNDS = 0, TURNS_MAX = 1, WALK_ROUNDS = 2 };
#endif

/* Points between two drops of a walk, on average: octaves from the shortest up to so many drops in the longest lane. */
enum { WALK_SHORTEST = 4, WALK_DROPS_FEWEST = 4, WALK_OCTAVES = 8 };

/* Of sixteen drops of PCT, how many are at any point, and how many a little before a candidate, up to 2^BACK_BITS points. */
enum { ANYWHERE_OF_16 = 1, BEFORE_OF_16 = 5, BACK_BITS = 5, DROPS_MAX = 16 };

struct ftf_session {
    const ftf_options *options;
    const ftf_catalog *catalog;
    ftf_vm *vm;
    ftf_pool *pool;
    ftf_blackbox *box;
    ftf_arena *arena;
    ftf_scenario scenario;
    const ftf_run_plan *plan; /* NULL: each scenario has its own */
    uint64_t records;
    uint64_t reports_at_rearm;
    uint32_t since_rearm;
    bool cut; /* in a run of the last scenario */
};

/* ---- records ------------------------------------------------------------------------------------------------------------- */

static int lane_of(const ftf_session *session, uint64_t os_thread) {
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        if (os_thread != 0 && (uint64_t)ftf_pool_tid(session->pool, i) == os_thread) {
            return i;
        }
    }
    return -1;
}

static void copy_stack(const ftf_session *session, const ftf_raw_stack *raw, ftf_stack *stack) {
    snprintf(stack->role, sizeof stack->role, "%s", raw->role);
    stack->lane = lane_of(session, raw->os_thread);
    stack->op = -1;
    stack->address = raw->address;
    stack->size = raw->size;
    stack->frame_count = raw->frame_count < FTF_FRAMES_MAX ? raw->frame_count : FTF_FRAMES_MAX;
    for (uint32_t i = 0; i < stack->frame_count; i++) {
        const char *module = ftf_modules_find(raw->frames[i], &stack->frames[i].offset);
        stack->frames[i].module = strdup(module != NULL ? module : "?");
    }
}

/* The scenario with the schedule that was executed in the run that has just ended. */
static char *executed_scenario(ftf_session *session) {
    ftf_scenario copy = session->scenario; /* shares the nodes: only the schedule differs */
    ftf_schedule_executed(session->box, session->arena, &copy.schedule);
    ftf_text text = {0};
    ftf_scenario_print(&copy, &text);
    return text.data;
}

static void fill_history(const ftf_session *session, ftf_record *record) {
    const ftf_blackbox *box = session->box;
    uint64_t first = box->sequence > FTF_BLACKBOX_HISTORY ? box->sequence - FTF_BLACKBOX_HISTORY : 1;
    for (uint64_t n = first; n < box->sequence; n++) {
        const char *text = box->history[n % FTF_BLACKBOX_HISTORY];
        if (text[0] == 0) {
            record->history_count = 0; /* one was too long to keep: what came before it is no use */
            continue;
        }
        record->history[record->history_count++] = strdup(text);
    }
}

static ftf_record *new_record(ftf_session *session, const char *kind, const char *detail, const char *section) {
    ftf_record *record = ftf_record_create();
    snprintf(record->kind, sizeof record->kind, "%s", kind);
    snprintf(record->flavour, sizeof record->flavour, "%s", FTF_FLAVOUR);
    snprintf(record->section, sizeof record->section, "%s", section);
    record->target = strdup(session->catalog->target);
    record->detail = strdup(detail);
    record->original = strndup(session->box->scenario, session->box->scenario_len);
    record->scenario = executed_scenario(session);
    record->sequence = session->box->sequence;
    snprintf(record->worker, sizeof record->worker, "%s", session->options->name);
    record->runs = session->box->runs + 1; /* with the one that has just ended */
    record->cpu_us = ftf_proc_cpu_us(0);
    record->steals = session->box->run_steals;
    record->cold = session->box->run_cold != 0;
    fill_history(session, record);
    return record;
}

static void spool(ftf_session *session, ftf_record *record) {
    char name[128];
    ftf_error err;
    snprintf(name, sizeof name, "%s-%06llu", session->options->name, (unsigned long long)session->box->records + 1);
    ftf_status status = FTF_OK;
    if (FTF_IS_ALONE) {
        ftf_alone_judge(session->catalog, record);
    }
    if (session->options->spool != NULL) {
        status = ftf_record_write(record, session->options->spool, name, &err);
    }
    if (status == FTF_HEAP) {
        ftf_verdict_destroyed(err.text); /* nobody but the target writes where it must not; replays say how surely */
    }
    if (status != FTF_OK) {
        fprintf(stderr, "ftfuzz-worker: error: %s\n", err.text);
        ftf_exit(FTF_WORKER_EXIT_SETUP);
    }
    session->records++;
    session->box->records++;
    ftf_record_destroy(record);
}

static void report_raw(ftf_session *session, const char *section) {
    for (uint32_t i = 0; i < ftf_raw_count(); i++) {
        const ftf_raw_report *raw = ftf_raw_get(i);
        if (raw->kind == NULL) {
            continue;
        }
        ftf_record *record = new_record(session, raw->kind, raw->detail, section);
        for (uint32_t k = 0; k < raw->stack_count; k++) {
            copy_stack(session, &raw->stacks[k], &record->stacks[record->stack_count++]);
        }
        spool(session, record);
    }
    ftf_raw_clear();
}

/* An error-protocol violation has no stack; the op's line says where it was. */
static void report_violation(ftf_session *session, const ftf_section *source, uint32_t op, const char *what,
                             const char *section, int lane) {
    ftf_text detail = {0};
    if (op < source->count) {
        ftf_op_print(&session->scenario, &source->ops[op], &detail);
        ftf_text_str(&detail, ": ");
    }
    ftf_text_str(&detail, what);
    ftf_record *record = new_record(session, "error-protocol", detail.data, section);
    ftf_stack *stack = &record->stacks[record->stack_count++];
    snprintf(stack->role, sizeof stack->role, "call");
    stack->lane = lane;
    stack->op = (int)op;
    ftf_text_release(&detail);
    spool(session, record);
}

/* ---- one run ---------------------------------------------------------------------------------------------------------------- */

static void set_phase(ftf_session *session, ftf_phase phase) { session->box->phase = (uint32_t)phase; }

static void run_once(ftf_session *session, const ftf_run_plan *plan) {
    ftf_blackbox *box = session->box;
    ftf_tally tally;
    box->run_kind = plan->mode == FTF_RUN_FREE ? FTF_SCHEDULE_FREE : FTF_SCHEDULE_AT;
    box->switch_count = 0;
    set_phase(session, FTF_PHASE_BUILDING);
    ftf_trace_begin_run();
    session->vm->start(session->vm);
    report_raw(session, "setup");
    set_phase(session, FTF_PHASE_RUNNING);
    ftf_pool_run(session->pool, &session->scenario, plan, &tally);
    set_phase(session, FTF_PHASE_FINISHING);
    ftf_exercise_run(session->pool);
    if (plan->mode != FTF_RUN_FREE && tally.run.steals == 0 && !session->options->no_feedback) {
        ftf_feedback_publish();
        box->features = ftf_feedback_count();
    }
    box->reports = ftf_raw_total();
    report_raw(session, "lanes");
    if (tally.broken != 0) {
        report_violation(session, &session->scenario.lanes[tally.broken_lane], tally.broken_op,
                         ftf_pyvm_violation(session->vm, tally.broken_lane), "lanes", tally.broken_lane);
    }
    session->vm->finish(session->vm);
    report_raw(session, "finish");
    box->runs++;
    box->calls += tally.calls;
    box->accepted += tally.accepted;
    session->cut = session->cut || tally.cut;
    box->round++;
}

/* A random order of the lanes. */
static void shuffle(ftf_rng *rng, ftf_run_plan *plan) {
    for (int i = 0; i < plan->lanes; i++) {
        plan->order[i] = (uint8_t)i;
    }
    for (int i = plan->lanes - 1; i > 0; i--) {
        uint32_t k = ftf_rng_below(rng, (uint32_t)i + 1);
        uint8_t swap = plan->order[i];
        plan->order[i] = plan->order[k];
        plan->order[k] = swap;
    }
}

static void reverse(ftf_run_plan *plan) {
    for (int i = 0, k = plan->lanes - 1; i < k; i++, k--) {
        uint8_t swap = plan->order[i];
        plan->order[i] = plan->order[k];
        plan->order[k] = swap;
    }
}

/* Some points before a candidate, the nearer the likelier: what decides that a lane goes on to touch shared memory may be an
   atomic access (a reference count of one, a flag), and those are no points. */
static uint32_t before(ftf_rng *rng, uint32_t point) {
    uint32_t back = 1 + ftf_rng_below(rng, 1u << (1 + ftf_rng_below(rng, BACK_BITS)));
    return point > back ? point - back : 1;
}

/* A point at which a lane's priority drops: mostly one where it touches what another lane touches, sometimes one before it,
   sometimes any. */
static bool choose_drop(ftf_rng *rng, int lanes, ftf_switch *out) {
    int lane = (int)ftf_rng_below(rng, (uint32_t)lanes);
    uint32_t points = ftf_sched_points(lane);
    *out = (ftf_switch){.lane = (uint8_t)lane};
    uint32_t dice = ftf_rng_below(rng, 16);
    if (dice >= ANYWHERE_OF_16 && ftf_profile_draw(rng, lane, &out->point)) {
        if (dice < ANYWHERE_OF_16 + BEFORE_OF_16) {
            out->point = before(rng, out->point);
        }
        return true;
    }
    out->point = 1 + ftf_rng_below(rng, points);
    return points > 1;
}

/* Drops must come in the order of their points within a lane. */
static int compare_switches(const void *a, const void *b) {
    const ftf_switch *x = a, *y = b;
    return x->lane != y->lane ? (int)x->lane - (int)y->lane : (x->point > y->point) - (x->point < y->point);
}

static uint32_t choose_drops(ftf_rng *rng, const ftf_run_plan *plan, uint32_t depth, ftf_switch *drops) {
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < depth && i < DROPS_MAX; i++) {
        count += choose_drop(rng, plan->lanes, &drops[count]);
    }
    qsort(drops, count, sizeof drops[0], compare_switches);
    return count;
}

static uint32_t choose_gap(ftf_rng *rng, const ftf_run_plan *plan) {
    uint32_t longest = 0, octaves = 1;
    for (int lane = 0; lane < plan->lanes; lane++) {
        uint32_t points = ftf_sched_points(lane); /* of the last run */
        longest = points > longest ? points : longest;
    }
    while (((uint32_t)WALK_SHORTEST << octaves) * WALK_DROPS_FEWEST <= longest && octaves < WALK_OCTAVES) {
        octaves++;
    }
    return (uint32_t)WALK_SHORTEST << ftf_rng_below(rng, octaves);
}

/* Not before the serial rounds. */
static void choose_policy(const ftf_session *session, ftf_rng *rng, ftf_run_plan *plan, int round) {
    bool turns = round < 2 + TURN_ROUNDS, walk = round >= session->options->rounds - WALK_ROUNDS;
    plan->turns = turns ? 1 + ftf_rng_below(rng, TURNS_MAX) : 0;
    plan->walk = walk && !turns ? choose_gap(rng, plan) : 0;
    plan->turns_seed = ftf_rng_next(rng);
}

static bool only_repeats(const ftf_session *session, uint64_t reports_before, uint64_t records_before) {
    return ftf_raw_total() - reports_before >= REPEATS_ENOUGH && session->records == records_before;
}

static void run_rounds(ftf_session *session, const ftf_schedule *schedule) {
    uint64_t reports = ftf_raw_total(), records = session->records;
    ftf_rng rng = ftf_rng_seed(schedule->seed);
    ftf_run_plan plan = {.mode = FTF_RUN_SERIAL, .lanes = (int)session->scenario.lane_count};
    ftf_switch drops[DROPS_MAX];
    ftf_profile_clear();
    shuffle(&rng, &plan);
    for (int round = 0; round < session->options->rounds; round++) {
        if (round >= 2) {
            plan.mode = FTF_RUN_PCT;
            plan.switches = drops;
            shuffle(&rng, &plan);
            choose_policy(session, &rng, &plan, round);
            bool pct = plan.turns == 0 && plan.walk == 0;
            plan.switch_count = pct ? choose_drops(&rng, &plan, schedule->depth, drops) : 0;
        } else if (round == 1) {
            reverse(&plan);
        }
        run_once(session, &plan);
        if (round >= 1 && only_repeats(session, reports, records)) {
            return;
        }
    }
}

static ftf_schedule chosen_schedule(const ftf_session *session) {
    ftf_schedule schedule = session->scenario.schedule;
    if (session->options->schedule == FTF_CHOICE_FREE) {
        schedule.kind = FTF_SCHEDULE_FREE;
    } else if (session->options->schedule == FTF_CHOICE_PCT && schedule.kind == FTF_SCHEDULE_FREE) {
        schedule = (ftf_schedule){.kind = FTF_SCHEDULE_PCT, .seed = 1, .depth = 2};
    }
    return schedule;
}

static void run_schedule(ftf_session *session) {
    ftf_schedule schedule = chosen_schedule(session);
    ftf_run_plan plan = {.lanes = (int)session->scenario.lane_count};
    switch (schedule.kind) {
    case FTF_SCHEDULE_PCT: run_rounds(session, &schedule); return;
    case FTF_SCHEDULE_AT:
        plan.mode = FTF_RUN_AT;
        plan.switches = schedule.switches;
        plan.switch_count = schedule.count;
        run_once(session, &plan);
        return;
    case FTF_SCHEDULE_FREE:
        plan.mode = FTF_RUN_FREE;
        plan.no_delays = session->options->no_delays;
        plan.seed = ftf_hash_bytes(FTF_HASH_START, session->box->scenario, session->box->scenario_len);
        run_once(session, &plan);
        return;
    }
}

/* ---- one scenario ------------------------------------------------------------------------------------------------------------- */

/* The scenario that ran last becomes history; this one is the current. */
static void begin_scenario(ftf_session *session, const char *text, size_t len) {
    ftf_blackbox *box = session->box;
    char *kept = box->history[box->sequence % FTF_BLACKBOX_HISTORY];
    if (box->sequence > 0 && box->scenario_len < FTF_BLACKBOX_HISTORY_BYTES) {
        memcpy(kept, box->scenario, box->scenario_len);
        kept[box->scenario_len] = 0;
    } else {
        kept[0] = 0;
    }
    box->scenario_len = (uint32_t)len;
    memcpy(box->scenario, text, len);
    box->scenario[len < sizeof box->scenario ? len : len - 1] = 0;
    box->round = 0;
    box->lane_count = session->scenario.lane_count;
    box->sequence++;
}

static void rearm(ftf_session *session) {
    if (ftf_raw_total() != session->reports_at_rearm && ++session->since_rearm >= REARM_EVERY) {
        ftf_raw_rearm();
        session->reports_at_rearm = ftf_raw_total();
        session->since_rearm = 0;
    }
}

bool ftf_session_was_cut(const ftf_session *session) { return session->cut; }

void ftf_session_use_plan(ftf_session *session, const ftf_run_plan *plan) { session->plan = plan; }

ftf_status ftf_session_run(ftf_session *session, const char *text, size_t len, ftf_error *err) {
    ftf_blackbox *box = session->box;
    ftf_arena_reset(session->arena);
    if (len > FTF_SCENARIO_BYTES_MAX) {
        box->refused++;
        return ftf_fail_at(err, 1, "the scenario has more than %d bytes", FTF_SCENARIO_BYTES_MAX);
    }
    ftf_status status = ftf_scenario_parse(text, len, session->arena, &session->scenario, err);
    if (status != FTF_OK) {
        box->refused++;
        return status;
    }
    begin_scenario(session, text, len);
    session->cut = false;
    set_phase(session, FTF_PHASE_BUILDING);
    status = session->vm->prepare(session->vm, &session->scenario, err);
    if (status == FTF_OK) {
        ftf_feedback_begin(&session->scenario);
        ftf_exercise_begin(&session->scenario);
        ftf_repeats_begin(&session->scenario);
        if (session->plan != NULL) {
            run_once(session, session->plan);
        } else {
            run_schedule(session);
        }
        session->vm->release(session->vm);
        box->scenarios++;
    }
    set_phase(session, FTF_PHASE_IDLE);
    rearm(session);
    return status;
}

ftf_session *ftf_session_create(const ftf_options *options, const ftf_catalog *catalog, ftf_vm *vm, ftf_pool *pool,
                                ftf_blackbox *box) {
    ftf_session *session = calloc(1, sizeof *session);
    FTF_ASSERT(session != NULL);
    session->options = options;
    session->catalog = catalog;
    session->vm = vm;
    session->pool = pool;
    session->box = box;
    session->arena = ftf_arena_create();
    return session;
}

void ftf_session_destroy(ftf_session *session) {
    ftf_arena_destroy(session->arena);
    free(session);
}
