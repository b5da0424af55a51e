#include "reduce/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/*
 * Confirming a finding: which scenarios have to run, how often it then shows, and what else showed.
 *
 * Reading order: sequences (what may have to run before the scenario), what else a replay showed, the verdict.
 */

/* ---- sequences --------------------------------------------------------------------------------------------------- */

static void add_scenario(ftf_text *out, const char *text) {
    ftf_text_str(out, text);
    if (out->len > 0 && out->data[out->len - 1] != '\n') {
        ftf_text_char(out, '\n');
    }
}

/* What may have to run before the scenario as it was executed: itself; or itself in all the rounds that the campaign ran
   it in; or those behind the end of what its process had run before, which leads to the state that the process was in. */
typedef enum lead_kind { LEAD_NONE, LEAD_ITSELF, LEAD_ROUNDS, LEAD_HISTORY } lead_kind;

typedef struct lead {
    lead_kind kind;
    uint32_t tail; /* of LEAD_HISTORY: so many of the history */
} lead;

static bool has_rounds(const ftf_record *record) {
    return record->original != NULL && strcmp(record->original, record->scenario) != 0;
}

static uint32_t lead_length(const ftf_record *record, const lead *before) {
    bool rounds = before->kind >= LEAD_ROUNDS && has_rounds(record);
    return before->tail + (rounds || before->kind == LEAD_ITSELF ? 1 : 0);
}

/* By length: itself, its rounds, then the last 1, 2, 4, ... of the history. False when there are no more. */
static bool next_lead(const ftf_record *record, lead *before) {
    if (before->kind == LEAD_NONE || (before->kind == LEAD_ITSELF && has_rounds(record))) {
        before->kind++;
        return true;
    }
    uint32_t longer = before->tail == 0 ? 1 : before->tail * 2;
    longer = longer < record->history_count ? longer : record->history_count;
    bool more = longer > before->tail;
    *before = (lead){LEAD_HISTORY, longer};
    return more;
}

static void make_sequence(const ftf_record *record, const lead *before, ftf_text *out) {
    ftf_text_clear(out);
    for (uint32_t i = 0; i < before->tail; i++) {
        add_scenario(out, record->history[record->history_count - before->tail + i]);
    }
    if (before->kind == LEAD_ITSELF) {
        add_scenario(out, record->scenario);
    } else if (before->kind >= LEAD_ROUNDS && has_rounds(record)) {
        add_scenario(out, record->original);
    }
    add_scenario(out, record->scenario);
}

/* ---- what else a replay showed ----------------------------------------------------------------------------------- */

/* The first record of each finding that the processes of one attempt showed. */
typedef struct witness {
    uint32_t count;
    struct {
        char id[FTF_FINDING_ID_MAX];
        ftf_record *record;
    } seen[FTF_ATTEMPT_OTHERS_MAX + 1];
} witness;

static void forget(witness *w) {
    for (uint32_t i = 0; i < w->count; i++) {
        ftf_record_destroy(w->seen[i].record);
    }
    w->count = 0;
}

static void remember(void *self, const ftf_record *record, const ftf_finding *finding) {
    witness *w = self;
    for (uint32_t i = 0; i < w->count; i++) {
        if (strcmp(w->seen[i].id, ftf_finding_id(finding)) == 0) {
            return;
        }
    }
    if (w->count <= FTF_ATTEMPT_OTHERS_MAX && ftf_record_copy(record, &w->seen[w->count].record, NULL) == FTF_OK) {
        (void)snprintf(w->seen[w->count].id, FTF_FINDING_ID_MAX, "%s", ftf_finding_id(finding));
        w->count++;
    }
}

static bool every_process_showed(const ftf_attempt_result *result, const char *id) {
    for (uint32_t i = 0; i < result->other_count; i++) {
        if (strcmp(result->others[i].id, id) == 0) {
            return result->others[i].seen == result->n;
        }
    }
    return false;
}

static ftf_status adopt_others(ftf_store *store, const witness *w, const ftf_attempt_result *result, const char *text,
                               ftf_error *err) {
    ftf_status status = FTF_OK;
    for (uint32_t i = 0; i < w->count && status == FTF_OK; i++) {
        ftf_filed filed;
        ftf_replay replay = {.k = result->n, .n = result->n, .steals = result->steals, .sequence = 1};
        if (every_process_showed(result, w->seen[i].id)) {
            status = ftf_store_adopt(store, w->seen[i].record, text, &replay, &filed, err);
        }
    }
    return status;
}

/* ---- confirming -------------------------------------------------------------------------------------------------- */

/* One figure for one text: what has been measured so far, of which sequence. */
typedef struct verdict {
    ftf_text text;
    uint32_t before; /* scenarios that run before the one of the finding */
    ftf_attempt_result result;
    witness seen;
} verdict;

static verdict *new_verdict(void) {
    verdict *v = calloc(1, sizeof *v);
    FTF_ASSERT(v);
    return v;
}

static void destroy_verdict(verdict *v) {
    forget(&v->seen);
    ftf_text_release(&v->text);
    free(v);
}

static bool is_sure(const ftf_attempt_result *result) {
    return ftf_replay_is_sure(&(const ftf_replay){.k = result->k, .n = result->n});
}

static ftf_status measure(const ftf_attempt_options *options, verdict *v, const char *signature, uint32_t n,
                          uint32_t hopeless, ftf_error *err) {
    ftf_attempt_options watched = *options;
    watched.hopeless = hopeless;
    watched.on_seen = remember;
    watched.witness = &v->seen;
    forget(&v->seen);
    return ftf_attempt_replay(&watched, v->text.data, signature, n, &v->result, err);
}

static bool is_better(const ftf_attempt_result *a, const ftf_attempt_result *b) {
    return (uint64_t)a->k * b->n > (uint64_t)b->k * a->n;
}

/* Whether a full measurement is worth its processes: not when a few show that it is no better than what there is. */
static ftf_status looks_better(const ftf_attempt_options *options, const verdict *v, const verdict *best,
                               const char *signature, bool *better, bool *gave_up, ftf_error *err) {
    ftf_attempt_options quick = *options;
    ftf_attempt_result tried = {0};
    quick.hopeless = FTF_CONFIRM_SEQUENCE;
    quick.enough = best->result.k == 0 ? 1 : 0;
    ftf_status status = ftf_attempt_replay(&quick, v->text.data, signature, FTF_CONFIRM_SEQUENCE, &tried, err);
    *better = is_better(&tried, &best->result);
    *gave_up = tried.gave_up;
    return status;
}

static void take(verdict *best, verdict *v) {
    verdict old = *best;
    *best = *v;
    *v = old;
}

/* Looks for what has to run before: the first sequence that replays surely, else the one that does most often. */
static ftf_status find_sequence(const ftf_attempt_options *options, const ftf_record *record, const char *signature,
                                uint32_t n, verdict *best, verdict *v, ftf_error *err) {
    ftf_status status = FTF_OK;
    lead before = {0};
    bool gave_up = false;
    while (status == FTF_OK && !gave_up && !is_sure(&best->result) && next_lead(record, &before)) {
        bool better = false;
        make_sequence(record, &before, &v->text);
        v->before = lead_length(record, &before);
        status = looks_better(options, v, best, signature, &better, &gave_up, err);
        if (status != FTF_OK || gave_up || !better) {
            continue;
        }
        status = measure(options, v, signature, n, 0, err);
        gave_up = v->result.gave_up;
        if (status == FTF_OK && is_better(&v->result, &best->result) && (!gave_up || best->result.k == 0)) {
            take(best, v);
        }
    }
    best->result.gave_up = gave_up;
    return status;
}

/* Replays the scenario alone, then, when that does not show it surely, looks for a sequence. `best` is the best there
   is in the end. */
static ftf_status find_verdict(const ftf_attempt_options *options, const ftf_record *record, const char *signature,
                               uint32_t n, verdict *best, ftf_error *err) {
    make_sequence(record, &(const lead){0}, &best->text);
    ftf_status status = measure(options, best, signature, n, FTF_CONFIRM_FIRST, err);
    if (status != FTF_OK || best->result.gave_up) {
        return status;
    }
    verdict *v = new_verdict();
    status = find_sequence(options, record, signature, n, best, v, err);
    destroy_verdict(v);
    return status;
}

static ftf_status store_verdict(ftf_store *store, const char *id, const verdict *v, ftf_error *err) {
    const ftf_attempt_result *r = &v->result;
    uint32_t sequence = v->before + 1;
    ftf_replay replay = {.k = r->k, .n = r->n, .steals = r->steals, .sequence = sequence};
    if (r->n == 0 || (r->k == 0 && r->gave_up)) {
        return FTF_OK; /* decides nothing: it may be tried again */
    }
    ftf_status status = ftf_store_set_scenario(store, id, v->text.data, err); /* an earlier verdict may have had another */
    status = status == FTF_OK ? ftf_store_set_replay(store, id, &replay, err) : status;
    /* A sequence shows much, but most of that replays alone: those findings wait for their own turn. */
    return status == FTF_OK && v->before == 0 ? adopt_others(store, &v->seen, r, v->text.data, err) : status;
}

ftf_status ftf_attempt_confirm(const ftf_attempt_options *options, ftf_store *store, const char *id, uint32_t n,
                               ftf_attempt_result *result, ftf_error *err) {
    ftf_record *record = NULL;
    char *signature = NULL;
    verdict *v = new_verdict();
    ftf_status status = ftf_store_load_record(store, id, &record, err);
    if (status == FTF_OK && !record->scenario) {
        status = ftf_fail(err, FTF_INPUT, "the finding %s has no scenario to replay", id);
    }
    if (status == FTF_OK) {
        signature = strdup(ftf_store_find(store, id)->signature);
        FTF_ASSERT(signature);
        status = find_verdict(options, record, signature, n, v, err);
    }
    status = status == FTF_OK ? store_verdict(store, id, v, err) : status;
    *result = v->result;
    destroy_verdict(v);
    free(signature);
    ftf_record_destroy(record);
    return status;
}
