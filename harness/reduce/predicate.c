#include "reduce/predicate.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/text.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/sequence.h"

/*
 * Reading order: what is remembered, what processes show (on_seen), holds, search.
 */

enum { SEARCH_SCHEDULES = 24, SEARCH_DEPTH = 3 };

/* Texts that had a verdict. Hundreds, so a list does. */
typedef struct hashes {
    uint64_t *hash;
    size_t count, room;
} hashes;

struct ftf_predicate {
    const ftf_attempt_options *options;
    ftf_store *store;
    char *signature;
    ftf_sequential test;
    hashes accepted, refused;
    uint64_t processes;
    bool gave_up;
    char *found;      /* the shortest scenario that showed it in this attempt */
    ftf_status filed; /* whether others could be filed, and why not */
    ftf_error trouble;
};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static bool knows(const hashes *h, uint64_t hash) {
    for (size_t i = 0; i < h->count; i++) {
        if (h->hash[i] == hash) {
            return true;
        }
    }
    return false;
}

static void add(hashes *h, uint64_t hash) {
    if (h->count == h->room) {
        h->room = h->room > 0 ? 2 * h->room : 64;
        h->hash = realloc(h->hash, h->room * sizeof *h->hash);
        FTF_ASSERT(h->hash != NULL);
    }
    h->hash[h->count++] = hash;
}

/* ---- what a process showed --------------------------------------------------------------------------------------- */

/* A finding that nobody had seen must not be lost, whatever brought it up. */
static void file_other(ftf_predicate *p, const ftf_record *record, const ftf_finding *finding) {
    bool is_new = ftf_store_find(p->store, ftf_finding_id(finding)) == NULL;
    if (is_new && p->filed == FTF_OK && !ftf_finding_known(finding, NULL)) {
        ftf_filed filed;
        p->filed = ftf_store_add(p->store, record, &filed, &p->trouble);
    }
}

static void on_seen(void *self, const ftf_record *record, const ftf_finding *finding) {
    ftf_predicate *p = self;
    if (strcmp(ftf_finding_signature(finding), p->signature) != 0) {
        file_other(p, record, finding);
    } else if (record->scenario != NULL && (p->found == NULL || strlen(record->scenario) < strlen(p->found))) {
        free(p->found);
        p->found = strdup(record->scenario);
        FTF_ASSERT(p->found != NULL);
    }
}

static ftf_status attempt(ftf_predicate *p, const char *text, const ftf_sequential *test, uint32_t n,
                          ftf_attempt_result *result, ftf_error *err) {
    ftf_attempt_options options = *p->options;
    options.test = test;
    options.on_seen = on_seen;
    options.witness = p;
    free(p->found);
    p->found = NULL;
    ftf_status status = ftf_attempt_replay(&options, text, p->signature, n, result, err);
    p->processes += result->n + result->broken;
    p->gave_up = p->gave_up || result->gave_up;
    if (status == FTF_OK && p->filed != FTF_OK) {
        return ftf_fail(err, p->filed, "%s", p->trouble.text);
    }
    return status;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

ftf_status ftf_predicate_holds(ftf_predicate *p, const char *text, bool *holds, ftf_error *err) {
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, text, strlen(text));
    *holds = knows(&p->accepted, hash);
    if (*holds || knows(&p->refused, hash)) {
        return FTF_OK;
    }
    ftf_attempt_result result = {0};
    ftf_status status = attempt(p, text, &p->test, FTF_SEQUENTIAL_MAX, &result, err);
    *holds = ftf_sequential_decide(&p->test, result.k, result.n) == FTF_SEQUENTIAL_GOOD;
    if (status == FTF_OK && !result.gave_up) {
        add(*holds ? &p->accepted : &p->refused, hash);
    }
    return status;
}

ftf_status ftf_predicate_measure(ftf_predicate *p, const char *text, uint32_t n, ftf_attempt_result *result,
                                 ftf_error *err) {
    return attempt(p, text, NULL, n, result, err);
}

/* The scenario again and again, each time under another schedule. Seeds follow from the text, so that all is as it was when
   somebody asks again. */
static void add_schedules(const ftf_scenario *scenario, ftf_text *out) {
    ftf_scenario copy = *scenario; /* shares the nodes: only the schedule differs */
    copy.schedule = (ftf_schedule){.kind = FTF_SCHEDULE_PCT, .depth = SEARCH_DEPTH};
    ftf_text text = {0};
    ftf_scenario_print(&copy, &text);
    uint64_t seed = ftf_hash_bytes(FTF_HASH_START, text.data, text.len);
    for (uint64_t i = 0; i < SEARCH_SCHEDULES; i++) {
        copy.schedule.seed = (seed >> 16) + i;
        ftf_scenario_print(&copy, out);
    }
    ftf_text_release(&text);
}

ftf_status ftf_predicate_search(ftf_predicate *p, const char *lead, const ftf_scenario *scenario, ftf_arena *arena,
                                ftf_scenario *out, bool *holds, ftf_error *err) {
    ftf_text text = {0};
    *holds = false;
    ftf_text_str(&text, lead);
    add_schedules(scenario, &text);
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, text.data, text.len);
    ftf_attempt_result result = {0};
    ftf_status status = knows(&p->refused, hash) ? FTF_OK : attempt(p, text.data, NULL, 1, &result, err);
    if (status == FTF_OK && result.k > 0 && p->found != NULL) {
        ftf_text_clear(&text);
        ftf_text_str(&text, lead);
        ftf_text_str(&text, p->found);
        if (ftf_scenario_parse(p->found, strlen(p->found), arena, out, NULL) == FTF_OK) {
            status = ftf_predicate_holds(p, text.data, holds, err);
        }
    }
    if (status == FTF_OK && !*holds && !p->gave_up && !knows(&p->refused, hash)) {
        add(&p->refused, hash);
    }
    ftf_text_release(&text);
    return status;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

void ftf_predicate_use(ftf_predicate *p, const ftf_sequential *test) {
    p->test = *test;
    p->refused.count = p->accepted.count = 0;
}

bool ftf_predicate_refutes(const ftf_predicate *p, const ftf_attempt_result *result) {
    return ftf_sequential_decide(&p->test, result->k, result->n) == FTF_SEQUENTIAL_BAD;
}

bool ftf_predicate_gave_up(const ftf_predicate *p) { return p->gave_up; }

uint64_t ftf_predicate_processes(const ftf_predicate *p) { return p->processes; }

const uint64_t *ftf_predicate_refused(const ftf_predicate *p, size_t *count) {
    *count = p->refused.count;
    return p->refused.hash;
}

void ftf_predicate_refuse(ftf_predicate *p, uint64_t hash) { add(&p->refused, hash); }

ftf_predicate *ftf_predicate_create(const ftf_attempt_options *options, ftf_store *store, const char *signature) {
    ftf_predicate *p = calloc(1, sizeof *p);
    FTF_ASSERT(p != NULL);
    p->options = options;
    p->store = store;
    p->signature = strdup(signature);
    FTF_ASSERT(p->signature != NULL);
    p->test = (ftf_sequential){.good = 0.95, .bad = 0.5};
    return p;
}

void ftf_predicate_destroy(ftf_predicate *p) {
    if (p != NULL) {
        free(p->accepted.hash);
        free(p->refused.hash);
        free(p->signature);
        free(p->found);
        free(p);
    }
}
