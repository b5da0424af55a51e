/*
 * Reading order: ftf_cold_serve (numbers), serve_scenario (the runs of one), make_plan (their schedules), run_in_child.
 */
#include "engine/cold.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/watch.h"
#include "oracle/raw.h"
#include "scenario/generate.h"
#include "scenario/print.h"

enum {
    ORDINARY_ONE_IN = 4,
    ANYWHERE_ONE_IN = 8,
    DROP_PERCENT = 90, /* of the ops of a lane are interrupted */
};

typedef struct server {
    const ftf_options *options;
    const ftf_catalog *catalog;
    ftf_blackbox *box;
    ftf_cold_run run;
    ftf_arena *arena;
} server;

/* ---- one process ------------------------------------------------------------------------------------------------- */

static bool ended_in_order(const server *s, int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && s->box->phase == FTF_PHASE_DONE;
}

/* Ends as the child did: whoever looks at us is to see its end. */
static _Noreturn void follow(int status) {
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    ftf_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* The box as it is at the start of a process; its counters go on. */
static void reset_box(ftf_blackbox *box) {
    box->sequence = 0;
    box->scenario_len = 0;
    box->phase = FTF_PHASE_IDLE;
    box->run_cold = 1;
}

static void run_in_child(const server *s, const ftf_text *text, const ftf_run_plan *plan) {
    pid_t server_pid = getpid();
    reset_box(s->box);
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "ftfuzz-worker: error: cannot fork: %s\n", strerror(errno));
        ftf_exit(FTF_WORKER_EXIT_SETUP);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == server_pid) {
            s->run(text->data, text->len, plan);
            s->box->phase = FTF_PHASE_DONE;
        }
        ftf_exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        FTF_ASSERT(errno == EINTR);
    }
    s->box->cold++;
    if (!ended_in_order(s, status)) {
        follow(status);
    }
}

/* ---- schedules --------------------------------------------------------------------------------------------------- */

/* One of count, in order, but not the first: to stop before it is to stop before the op. Half of the time near an end:
   what looks whether something is there comes first, what uses it comes last, and in between there may be a loop that
   fills it in, with hundreds of points. */
static uint32_t choose_candidate(ftf_rng *rng, uint32_t count) {
    if (count < 2) {
        return 0;
    }
    uint32_t left = count - 1, reach = 1;
    while (reach < left && !ftf_rng_one_in(rng, 3)) {
        reach *= 2;
    }
    bool anywhere = reach >= left || ftf_rng_one_in(rng, 2);
    uint32_t at = ftf_rng_below(rng, anywhere ? left : reach);
    return 1 + (ftf_rng_one_in(rng, 2) ? at : left - 1 - at);
}

/* A point in an op at which the serial run touched shared memory, else any; counted from the boundary. */
static bool choose_offset(ftf_rng *rng, int lane, uint32_t op, uint32_t *offset) {
    uint32_t from = ftf_profile_op_start(lane, op), to = ftf_profile_op_start(lane, op + 1), count;
    const ftf_candidate *candidates = ftf_profile_candidates(lane, &count);
    if (from == 0 || to <= from + 1) {
        return false;
    }
    uint32_t first = 0;
    while (first < count && candidates[first].point < from) {
        first++;
    }
    uint32_t end = first;
    while (end < count && candidates[end].point < to) {
        end++;
    }
    bool any = end == first || ftf_rng_one_in(rng, ANYWHERE_ONE_IN);
    *offset = any ? ftf_rng_below(rng, to - from) : candidates[first + choose_candidate(rng, end - first)].point - from;
    return true;
}

/* One drop in most ops of each lane. In a storm the lanes do the same, and lane 0, which ran first, knows how it is cold. */
static uint32_t choose_drops(const ftf_scenario *scenario, ftf_rng *rng, bool is_storm, ftf_op_drop *drops) {
    uint32_t used = 0;
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        for (uint32_t op = 0; op < scenario->lanes[lane].count; op++) {
            uint32_t offset;
            if (ftf_rng_below(rng, 100) < DROP_PERCENT && choose_offset(rng, is_storm ? 0 : (int)lane, op, &offset)) {
                drops[used++] = (ftf_op_drop){.lane = (uint8_t)lane, .op = (uint16_t)op, .offset = offset};
            }
        }
    }
    return used;
}

static uint32_t drop_at_boundaries(const ftf_scenario *scenario, ftf_op_drop *drops) {
    uint32_t used = 0;
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        for (uint32_t op = 1; op < scenario->lanes[lane].count; op++) {
            drops[used++] = (ftf_op_drop){.lane = (uint8_t)lane, .op = (uint16_t)op};
        }
    }
    return used;
}

static void make_plan(const ftf_scenario *scenario, ftf_rng *rng, int round, bool is_storm, ftf_run_plan *plan) {
    static ftf_op_drop drops[FTF_LANES_MAX * FTF_OPS_MAX];
    *plan = (ftf_run_plan){.mode = round == 0 ? FTF_RUN_SERIAL : FTF_RUN_PCT, .lanes = (int)scenario->lane_count, .alike = is_storm};
    for (int i = 0; i < plan->lanes; i++) {
        plan->order[i] = (uint8_t)i;
    }
    if (round > 0) {
        plan->op_drops = drops;
        plan->op_drop_count =
            round == 1 ? drop_at_boundaries(scenario, drops) : choose_drops(scenario, rng, is_storm, drops);
    }
}

/* ---- serving ----------------------------------------------------------------------------------------------------- */

static void serve_scenario(const server *s, uint64_t number) {
    ftf_scenario scenario;
    ftf_text text = {0};
    ftf_rng rng = ftf_rng_seed((uint64_t)s->options->cold_seed << 32 ^ number);
    bool is_storm = number % ORDINARY_ONE_IN != ORDINARY_ONE_IN - 1;
    ftf_arena_reset(s->arena);
    if (is_storm) {
        ftf_generate_storm(s->catalog, (uint64_t)s->options->cold_seed, number - number / ORDINARY_ONE_IN, s->arena,
                           &scenario);
    } else {
        ftf_generate(s->catalog, &rng, s->arena, &scenario);
    }
    ftf_scenario_print(&scenario, &text);
    ftf_profile_clear();
    for (int round = 0; round < s->options->rounds; round++) {
        ftf_run_plan plan;
        make_plan(&scenario, &rng, round, is_storm, &plan);
        run_in_child(s, &text, &plan);
    }
    ftf_text_release(&text);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

_Noreturn void ftf_cold_serve(const ftf_options *options, const ftf_catalog *catalog, ftf_blackbox *box,
                              ftf_cold_run run) {
    server s = {.options = options, .catalog = catalog, .box = box, .run = run, .arena = ftf_arena_create()};
    ftf_raw_share_repeats();
    uint64_t until = now_ms() + (uint64_t)options->cold_ms;
    for (uint64_t number = (uint64_t)options->cold; now_ms() < until; number++) {
        box->cold_next = number + 1;
        serve_scenario(&s, number);
    }
    ftf_exit(0);
}
