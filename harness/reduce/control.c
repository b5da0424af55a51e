#include "reduce/control.h"

#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "reduce/predicate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/sequence.h"

/* Where the last scenario of the text starts: it is the one that shows it. */
static const char *last_of(const char *text) {
    const char *at = ftf_sequence_first(text);
    for (const char *next = at; next != NULL; next = ftf_sequence_next(next)) {
        at = next;
    }
    return at;
}

/* One of a few dozen other schedules may show it; then how often that one does. */
static ftf_status search(ftf_predicate *predicate, const char *text, uint32_t n, ftf_attempt_result *result,
                         ftf_error *err) {
    /* Rare is enough: what is asked is whether it can be seen at all. */
    static const ftf_sequential test = {.good = 0.5, .bad = 0.05};
    ftf_arena *arena = ftf_arena_create();
    ftf_text lead = {0};
    ftf_scenario scenario, found;
    bool shows = false;
    const char *last = last_of(text);
    ftf_status status = last != NULL ? ftf_scenario_parse(last, strlen(last), arena, &scenario, err)
                                     : ftf_fail(err, FTF_INPUT, "there is no scenario to run");
    if (status == FTF_OK) {
        ftf_text_add(&lead, text, (size_t)(last - text));
        ftf_predicate_use(predicate, &test);
        status = ftf_predicate_search(predicate, lead.data, &scenario, arena, &found, &shows, err);
    }
    if (status == FTF_OK && shows) {
        ftf_scenario_print(&found, &lead);
        status = ftf_predicate_measure(predicate, lead.data, n, result, err);
    }
    ftf_text_release(&lead);
    ftf_arena_destroy(arena);
    return status;
}

static ftf_replay replay_of(const ftf_attempt_result *result) {
    return (ftf_replay){.k = result->k, .n = result->n, .steals = result->steals};
}

/* Whether processes with these arguments show it. */
static ftf_status measure(const ftf_attempt_options *given, ftf_store *store, const char *signature, const char *text,
                          bool gil, uint32_t n, ftf_control_result *out, ftf_error *err) {
    static const char *const with_gil[] = {"--gil", NULL};
    ftf_attempt_options options = *given;
    ftf_attempt_result result = {0};
    options.extra = gil ? with_gil : NULL;
    options.crew = ftf_crew_create(); /* a zygote has started its interpreter, with or without a GIL */
    ftf_predicate *predicate = ftf_predicate_create(&options, store, signature);
    ftf_status status = ftf_predicate_measure(predicate, text, n, &result, err);
    if (status == FTF_OK && gil && result.k == 0 && !ftf_predicate_gave_up(predicate)) {
        status = search(predicate, text, n, &result, err);
    }
    out->gave_up = out->gave_up || ftf_predicate_gave_up(predicate);
    *(gil ? &out->with_gil : &out->without_gil) = replay_of(&result);
    ftf_predicate_destroy(predicate);
    ftf_crew_destroy(options.crew);
    return status;
}

static ftf_status store_label(ftf_store *store, const char *id, const ftf_control_result *r, ftf_error *err) {
    json_t *json = json_pack("{s:s, s:{s:i, s:i}, s:{s:i, s:i}}", "label", r->label, "with_gil", "k",
                             (int)r->with_gil.k, "n", (int)r->with_gil.n, "without_gil", "k", (int)r->without_gil.k,
                             "n", (int)r->without_gil.n);
    ftf_status status = ftf_store_set_part(store, id, "gil", json, err);
    json_decref(json);
    return status;
}

ftf_status ftf_control(const ftf_attempt_options *options, ftf_store *store, const char *id, uint32_t n,
                       ftf_control_result *result, ftf_error *err) {
    ftf_text text = {0};
    *result = (ftf_control_result){0};
    const ftf_entry *entry = ftf_store_find(store, id);
    if (entry == NULL) {
        return ftf_fail(err, FTF_USAGE, "there is no finding %s here", id);
    }
    char signature[1300];
    (void)snprintf(signature, sizeof signature, "%s", entry->signature); /* the entry is gone once others are filed */
    bool known = entry->measured && entry->replay.k > 0 && entry->replay.n >= n;
    result->without_gil = entry->replay;
    ftf_status status = ftf_store_load_scenario(store, id, &text, err);
    if (status == FTF_OK && !known) {
        status = measure(options, store, signature, text.data, false, n, result, err);
    }
    if (status == FTF_OK && result->without_gil.k > 0 && !result->gave_up) {
        status = measure(options, store, signature, text.data, true, n, result, err);
        result->label = result->with_gil.k > 0 ? FTF_CONTROL_ALSO : FTF_CONTROL_ONLY;
    }
    if (status == FTF_OK && result->label != NULL && !result->gave_up) {
        status = store_label(store, id, result, err);
    }
    ftf_text_release(&text);
    return status;
}
