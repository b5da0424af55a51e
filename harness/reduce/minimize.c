#include "reduce/minimize.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/text.h"
#include "reduce/predicate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/sequence.h"

/*
 * Reading order: members (the scenarios of the text), progress (what is on disk meanwhile), the steps, the start (does
 * it show at all, and how surely), the end.
 */

enum { SAVE_MS = 2000, MEMBERS_MAX = FTF_BLACKBOX_HISTORY + 3 /* its rounds, and itself */, PROGRESS_FORMAT = 1 };

typedef struct member {
    ftf_arena *arena;
    ftf_scenario scenario;
} member;

typedef struct minimizer {
    const ftf_minimize_options *options;
    ftf_attempt_options attempt; /* with our tick */
    ftf_store *store;
    const char *id;
    ftf_predicate *predicate;
    member members[MEMBERS_MAX]; /* the finding shows in the last one */
    uint32_t count;
    uint64_t from; /* hash of scenario.ft */
    uint64_t started_ms, deadline_ms, saved_ms;
    uint64_t earlier_ms, earlier_processes; /* of calls before this one */
    bool out_of_time;
} minimizer;

/* ---- members ----------------------------------------------------------------------------------------------------- */

static void release_members(minimizer *m) {
    for (uint32_t i = 0; i < m->count; i++) {
        ftf_arena_destroy(m->members[i].arena);
    }
    m->count = 0;
}

static ftf_status parse_members(minimizer *m, const char *text, ftf_error *err) {
    release_members(m);
    for (const char *at = ftf_sequence_first(text); at != NULL; at = ftf_sequence_next(at)) {
        if (m->count == MEMBERS_MAX) {
            return ftf_fail(err, FTF_LIMIT, "%s needs more than %d scenarios", m->id, MEMBERS_MAX);
        }
        member *one = &m->members[m->count++];
        one->arena = ftf_arena_create();
        ftf_status status = ftf_scenario_parse(at, ftf_sequence_length(at), one->arena, &one->scenario, err);
        if (status != FTF_OK) {
            return status;
        }
    }
    return m->count > 0 ? FTF_OK : ftf_fail(err, FTF_INPUT, "the finding %s has no scenario", m->id);
}

static void print_members(const minimizer *m, uint32_t from, uint32_t to, ftf_text *out) {
    ftf_text_str(out, "");
    for (uint32_t i = from; i < to; i++) {
        ftf_scenario_print(&m->members[i].scenario, out);
    }
}

static void replace_member(member *one, const ftf_scenario *by) {
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario copy;
    ftf_scenario_copy(&copy, arena, by);
    ftf_arena_destroy(one->arena);
    *one = (member){arena, copy};
}

static uint64_t hash_text(const char *text) { return ftf_hash_bytes(FTF_HASH_START, text, strlen(text)); }

/* ---- progress ---------------------------------------------------------------------------------------------------- */

static uint64_t spent_ms(const minimizer *m) { return m->earlier_ms + ftf_proc_now_ms() - m->started_ms; }

static uint64_t spent_processes(const minimizer *m) {
    return m->earlier_processes + ftf_predicate_processes(m->predicate);
}

/* A hash as text: JSON's integers have a sign. */
static json_t *hash_json(uint64_t hash) {
    char digits[20];
    snprintf(digits, sizeof digits, "%016" PRIx64, hash);
    return json_string(digits);
}

static uint64_t json_hash(const json_t *json) {
    const char *digits = json_string_value(json);
    return digits != NULL ? strtoull(digits, NULL, 16) : 0;
}

static ftf_status save(minimizer *m, ftf_error *err) {
    ftf_text best = {0};
    size_t count;
    const uint64_t *refused = ftf_predicate_refused(m->predicate, &count);
    json_t *hashes = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(hashes, hash_json(refused[i]));
    }
    print_members(m, 0, m->count, &best);
    json_t *json = json_pack("{s:i, s:o, s:s, s:o, s:I, s:I}", "format", PROGRESS_FORMAT, "from", hash_json(m->from),
                             "best", best.data, "refused", hashes, "processes", (json_int_t)spent_processes(m), "ms",
                             (json_int_t)spent_ms(m));
    ftf_status status = ftf_store_save_progress(m->store, m->id, json, err);
    json_decref(json);
    ftf_text_release(&best);
    m->saved_ms = ftf_proc_now_ms();
    return status;
}

/* Goes on where an earlier call stopped, when that was about the same scenario. */
static ftf_status resume(minimizer *m, ftf_error *err) {
    json_t *json = ftf_store_load_progress(m->store, m->id);
    const char *best = json_string_value(json_object_get(json, "best"));
    ftf_status status = FTF_OK;
    if (best != NULL && json_integer_value(json_object_get(json, "format")) == PROGRESS_FORMAT &&
        json_hash(json_object_get(json, "from")) == m->from) {
        status = parse_members(m, best, err);
        m->earlier_ms = (uint64_t)json_integer_value(json_object_get(json, "ms"));
        m->earlier_processes = (uint64_t)json_integer_value(json_object_get(json, "processes"));
        size_t index;
        const json_t *one;
        json_array_foreach(json_object_get(json, "refused"), index, one) {
            ftf_predicate_refuse(m->predicate, json_hash(one));
        }
    }
    json_decref(json);
    return status;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static bool goes_on(void *self) {
    minimizer *m = self;
    m->out_of_time = m->out_of_time || ftf_proc_now_ms() >= m->deadline_ms;
    return !m->out_of_time && (m->options->attempt.tick == NULL || m->options->attempt.tick(m->options->attempt.self));
}

static ftf_status save_now_and_then(minimizer *m, ftf_error *err) {
    return ftf_proc_now_ms() - m->saved_ms >= SAVE_MS ? save(m, err) : FTF_OK;
}

/* Whether the text with member `index` replaced by the candidate shows it. */
static ftf_status holds(minimizer *m, uint32_t index, const ftf_scenario *candidate, bool *yes, ftf_error *err) {
    ftf_text text = {0};
    print_members(m, 0, index, &text);
    ftf_scenario_print(candidate, &text);
    print_members(m, index + 1, m->count, &text);
    ftf_status status = ftf_predicate_holds(m->predicate, text.data, yes, err);
    ftf_text_release(&text);
    return status;
}

/* Only for the member in which it shows: what the others do with their lanes is not looked at. */
static ftf_status search(minimizer *m, const ftf_scenario *candidate, ftf_arena *arena, ftf_scenario *found, bool *yes,
                         ftf_error *err) {
    ftf_text lead = {0};
    print_members(m, 0, m->count - 1, &lead);
    ftf_status status = ftf_predicate_search(m->predicate, lead.data, candidate, arena, found, yes, err);
    ftf_text_release(&lead);
    return status;
}

/* Apart from the schedule. */
static bool same_program(const ftf_scenario *a, const ftf_scenario *b) {
    ftf_scenario copy = *a;
    copy.schedule = b->schedule;
    return ftf_scenario_equal(&copy, b);
}

static ftf_status shrink_member(minimizer *m, uint32_t index, ftf_error *err) {
    ftf_shrink *shrink = ftf_shrink_create(&m->members[index].scenario);
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario candidate, found;
    ftf_status status = FTF_OK;
    while (status == FTF_OK && goes_on(m) && ftf_shrink_propose(shrink, arena, &candidate)) {
        const ftf_scenario *accepted = &candidate;
        bool yes = false;
        status = holds(m, index, &candidate, &yes, err);
        if (status == FTF_OK && !yes && index + 1 == m->count && ftf_shrink_may_search(shrink) && goes_on(m)) {
            status = search(m, &candidate, arena, &found, &yes, err);
            yes = yes && same_program(&found, &candidate); /* not what another scenario of the process showed */
            accepted = &found;
        }
        if (status != FTF_OK || (!yes && ftf_predicate_gave_up(m->predicate))) {
            break;
        }
        ftf_shrink_answer(shrink, yes ? accepted : NULL);
        if (yes) {
            replace_member(&m->members[index], accepted);
        }
        ftf_arena_reset(arena);
        status = save_now_and_then(m, err);
    }
    ftf_arena_destroy(arena);
    ftf_shrink_destroy(shrink);
    return status;
}

static ftf_status try_without(minimizer *m, uint32_t from, uint32_t count, bool *yes, ftf_error *err) {
    ftf_text text = {0};
    print_members(m, 0, from, &text);
    print_members(m, from + count, m->count, &text);
    ftf_status status = ftf_predicate_holds(m->predicate, text.data, yes, err);
    ftf_text_release(&text);
    return status;
}

static void remove_members(minimizer *m, uint32_t from, uint32_t count) {
    for (uint32_t i = from; i < from + count; i++) {
        ftf_arena_destroy(m->members[i].arena);
    }
    memmove(&m->members[from], &m->members[from + count], (m->count - from - count) * sizeof m->members[0]);
    m->count -= count;
}

/* The scenarios before the last one: all, half of them, ... */
static ftf_status shrink_sequence(minimizer *m, ftf_error *err) {
    ftf_status status = FTF_OK;
    for (uint32_t chunk = m->count - 1; chunk > 0 && status == FTF_OK; chunk /= 2) {
        for (uint32_t at = 0; at + 1 < m->count && status == FTF_OK && goes_on(m);) {
            uint32_t left = m->count - 1 - at, length = chunk < left ? chunk : left;
            bool yes = false;
            status = try_without(m, at, length, &yes, err);
            if (status == FTF_OK && yes) {
                remove_members(m, at, length);
            } else {
                at += length;
            }
            status = status == FTF_OK ? save_now_and_then(m, err) : status;
        }
    }
    return status;
}

/* Where those before it show it alone, the last one is not what the finding is about. */
static ftf_status drop_last_ones(minimizer *m, ftf_error *err) {
    bool yes = true;
    ftf_status status = FTF_OK;
    while (status == FTF_OK && yes && m->count > 1 && goes_on(m)) {
        status = try_without(m, m->count - 1, 1, &yes, err);
        if (status == FTF_OK && yes) {
            remove_members(m, m->count - 1, 1);
        }
    }
    return status;
}

static ftf_status shrink_all(minimizer *m, ftf_error *err) {
    ftf_status status = drop_last_ones(m, err);
    status = status == FTF_OK ? shrink_sequence(m, err) : status;
    for (uint32_t index = m->count; index-- > 0 && status == FTF_OK;) {
        status = shrink_member(m, index, err);
    }
    return status == FTF_OK ? shrink_sequence(m, err) : status; /* what made one necessary may have gone */
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

static ftf_status search_sure(minimizer *m, bool *yes, ftf_error *err) {
    member *last = &m->members[m->count - 1];
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario found;
    ftf_status status = search(m, &last->scenario, arena, &found, yes, err);
    if (status == FTF_OK && *yes) {
        replace_member(last, &found);
    }
    ftf_arena_destroy(arena);
    return status;
}

/* Whether it shows, and from now on what counts as showing. */
static ftf_status begin(minimizer *m, bool *shows, ftf_error *err) {
    ftf_text text = {0};
    print_members(m, 0, m->count, &text);
    ftf_status status = ftf_predicate_holds(m->predicate, text.data, shows, err);
    if (status == FTF_OK && !*shows) {
        status = search_sure(m, shows, err);
    }
    if (status == FTF_OK && !*shows) {
        ftf_attempt_result result;
        status = ftf_predicate_measure(m->predicate, text.data, FTF_MINIMIZE_RUNS, &result, err);
        *shows = status == FTF_OK && result.k > 0;
        if (*shows) {
            double rate = (double)result.k / result.n;
            const ftf_sequential test = {.good = 0.9 * rate, .bad = 0.45 * rate};
            ftf_predicate_use(m->predicate, &test);
        }
    }
    ftf_text_release(&text);
    return status;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static json_t *facts(const ftf_minimized *out) {
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:I, s:f}", "lanes", (int)out->after.lanes, "ops",
                     (int)out->after.lane_ops, "setup_ops", (int)out->after.other_ops, "switches",
                     (int)out->after.switches, "scenarios", (int)out->scenarios_after, "bytes", (int)out->bytes_after,
                     "finished", out->finished, "processes", (json_int_t)out->processes, "seconds",
                     (double)out->ms / 1000);
}

static void measure_size(const minimizer *m, ftf_minimized *out) {
    ftf_text text = {0};
    print_members(m, 0, m->count, &text);
    out->after = ftf_shrink_measure(&m->members[m->count - 1].scenario);
    out->scenarios_after = m->count;
    out->bytes_after = text.len;
    out->processes = spent_processes(m);
    out->ms = spent_ms(m);
    ftf_text_release(&text);
}

/* Measures the result and puts it in the place of the finding's scenario, unless it is worse at showing it than each step had to
   be: hundreds were taken, each with a small risk. */
static ftf_status conclude(minimizer *m, ftf_minimized *out, ftf_error *err) {
    ftf_text text = {0};
    ftf_attempt_result result = {0};
    print_members(m, 0, m->count, &text);
    m->deadline_ms = UINT64_MAX;
    m->out_of_time = false;
    ftf_status status = ftf_predicate_measure(m->predicate, text.data, m->options->runs, &result, err);
    out->processes = spent_processes(m);
    out->stopped = result.gave_up;
    out->replay = (ftf_replay){.k = result.k, .n = result.n, .steals = result.steals, .sequence = m->count};
    out->stored = status == FTF_OK && !result.gave_up && result.k > 0 && !ftf_predicate_refutes(m->predicate, &result);
    out->finished = out->finished && out->stored;
    if (out->stored) {
        json_t *json = facts(out);
        status = ftf_store_set_minimized(m->store, m->id, text.data, &out->replay, json, err);
        json_decref(json);
        m->from = hash_text(text.data);
    }
    if (status == FTF_OK) {
        bool keep = out->stopped || (out->stored && !out->finished);
        status = keep ? save(m, err) : ftf_store_save_progress(m->store, m->id, NULL, err);
    }
    ftf_text_release(&text);
    return status;
}

/* What an earlier call had reached may not show any more, when the module or its interpreter was built anew. */
static ftf_status begin_again(minimizer *m, const char *text, bool *shows, ftf_error *err) {
    ftf_status status = ftf_store_save_progress(m->store, m->id, NULL, err);
    status = status == FTF_OK ? parse_members(m, text, err) : status;
    return status == FTF_OK ? begin(m, shows, err) : status;
}

static ftf_status run(minimizer *m, const char *text, ftf_minimized *out, ftf_error *err) {
    ftf_status status = begin(m, &out->shows, err);
    if (status == FTF_OK && !out->shows && m->earlier_processes > 0 && goes_on(m)) {
        status = begin_again(m, text, &out->shows, err);
    }
    if (status == FTF_OK && out->shows) {
        status = shrink_all(m, err);
    }
    if (status != FTF_OK) {
        return status;
    }
    bool on = goes_on(m);
    out->stopped = !on && !m->out_of_time;
    out->finished = on;
    measure_size(m, out);
    if (!out->shows) {
        return FTF_OK;
    }
    return out->stopped ? save(m, err) : conclude(m, out, err);
}

ftf_status ftf_minimize(const ftf_minimize_options *options, ftf_store *store, const char *id, ftf_minimized *out,
                        ftf_error *err) {
    ftf_text text = {0};
    *out = (ftf_minimized){0};
    minimizer *m = calloc(1, sizeof *m);
    FTF_ASSERT(m != NULL);
    *m = (minimizer){.options = options, .attempt = options->attempt, .store = store, .id = id};
    m->started_ms = m->saved_ms = ftf_proc_now_ms();
    m->deadline_ms = m->started_ms + options->time_ms;
    m->attempt.tick = goes_on;
    m->attempt.self = m;
    ftf_status status = ftf_store_load_scenario(store, id, &text, err);
    if (status == FTF_OK && (status = parse_members(m, text.data, err)) == FTF_OK) {
        m->from = hash_text(text.data);
        m->predicate = ftf_predicate_create(&m->attempt, store, ftf_store_find(store, id)->signature);
        out->before = ftf_shrink_measure(&m->members[m->count - 1].scenario);
        out->scenarios_before = m->count;
        out->bytes_before = text.len;
        status = resume(m, err);
    }
    status = status == FTF_OK ? run(m, text.data, out, err) : status;
    ftf_predicate_destroy(m->predicate);
    release_members(m);
    free(m);
    ftf_text_release(&text);
    return status;
}
