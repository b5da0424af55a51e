#include "cli/follow_up.h"

#include <inttypes.h>
#include <string.h>

#include "cli/rig.h"
#include "reduce/control.h"
#include "reduce/explain.h"
#include "reduce/minimize.h"
#include "reduce/repro.h"

enum { REPRO_SECONDS = 2 /* of CPU time for each run of a script */ };

typedef struct follow_up {
    ftf_campaign *campaign;
    ftf_rig rig; /* of the campaign, and owned by it */
    uint64_t deadline_ms;
    uint32_t count;
    char done[FTF_CAMPAIGN_HITS_MAX][FTF_FINDING_ID_MAX]; /* looked at in this campaign */
} follow_up;

/* One thing to do with a finding. What cannot be done for a reason of ours keeps others from nothing; a disk that is full does. */
typedef ftf_status step(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err);

static bool is_stopped(const follow_up *f) { return !ftf_campaign_goes_on(f->campaign); }

static bool has_time(void *self) {
    const follow_up *f = self;
    return !is_stopped(f) && ftf_proc_now_ms() < f->deadline_ms;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static ftf_status minimize(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err) {
    const char *paths[2];
    ftf_minimized result;
    if (ftf_store_find(f->campaign->store, id)->minimized) {
        return FTF_OK; /* by an earlier campaign, which did not come to the rest */
    }
    uint64_t now_ms = ftf_proc_now_ms(), left_ms = now_ms < f->deadline_ms ? f->deadline_ms - now_ms : 1;
    uint64_t most_ms = f->campaign->options.minimize_ms;
    most_ms = most_ms > 0 && most_ms < FTF_MINIMIZE_MS ? most_ms : FTF_MINIMIZE_MS;
    const ftf_minimize_options options = {.attempt = ftf_campaign_attempts(f->campaign, flavour, paths),
                                          .time_ms = left_ms < most_ms ? left_ms : most_ms,
                                          .runs = FTF_MINIMIZE_RUNS};
    ftf_status status = ftf_minimize(&options, f->campaign->store, id, &result, err);
    if (status == FTF_OK && !f->campaign->options.quiet && result.replay.n > 0) {
        ftf_progress_view_say(&f->campaign->view, "%s: %u lanes, %u calls, %u switches; replayed %u/%u", id,
                              result.after.lanes, result.after.lane_ops, result.after.switches, result.replay.k,
                              result.replay.n);
    }
    return status;
}

/* That it did not show is nothing to talk about: its rate says so. */
static ftf_status explain(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err) {
    const char *paths[2];
    const ftf_attempt_options options = ftf_campaign_attempts(f->campaign, flavour, paths);
    ftf_store *store = f->campaign->store;
    ftf_text scenario = {0}, text = {0};
    bool shows = false;
    ftf_status status = ftf_store_load_scenario(store, id, &scenario, err);
    if (status == FTF_OK) {
        char signature[FTF_SIGNATURE_MAX];
        snprintf(signature, sizeof signature, "%s", ftf_store_find(store, id)->signature);
        status = ftf_explain(&options, scenario.data, signature, &text, &shows, err);
    }
    if (status == FTF_OK && shows) {
        status = ftf_store_set_text(store, id, "explain.txt", text.data, err);
    }
    ftf_text_release(&scenario);
    ftf_text_release(&text);
    return status;
}

static ftf_status control(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err) {
    const char *paths[2];
    ftf_control_result result;
    const ftf_attempt_options options = ftf_campaign_attempts(f->campaign, flavour, paths);
    return ftf_control(&options, f->campaign->store, id, FTF_CONTROL_RUNS, &result, err);
}

static bool never(void *unused) {
    (void)unused;
    return false;
}

static ftf_status write_script(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err) {
    ftf_repro_options options;
    ftf_repro_result result;
    ftf_status status = ftf_rig_repro_options(&f->rig, flavour, &options, err);
    options.tick = never; /* without figures for now */
    return status == FTF_OK ? ftf_repro(&options, f->campaign->store, id, &result, err) : status;
}

static ftf_status measure_script(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err) {
    ftf_repro_options options;
    ftf_repro_result result;
    ftf_status status = ftf_rig_repro_options(&f->rig, flavour, &options, err);
    options.seconds = REPRO_SECONDS;
    options.tick = has_time;
    options.self = f;
    status = status == FTF_OK ? ftf_repro(&options, f->campaign->store, id, &result, err) : status;
    if (status == FTF_OK && !f->campaign->options.quiet && !result.gave_up) {
        ftf_progress_view_say(&f->campaign->view, "%s/repro.py: %u/%u on a stock interpreter, %u/%u with %s", id,
                              result.plain.k, result.plain.n, result.sanitizer.k, result.sanitizer.n, result.flavour);
    }
    return status;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static bool was_done(const follow_up *f, const char *id) {
    for (uint32_t i = 0; i < f->count; i++) {
        if (strcmp(f->done[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_due(const follow_up *f, const ftf_entry *entry) {
    const ftf_campaign_options *o = &f->campaign->options;
    const ftf_campaign_hit *hit = ftf_campaign_find_hit(f->campaign, entry->id);
    bool all = o->until == NULL && !o->until_any;
    ftf_flavour flavour = ftf_flavour_find(entry->flavour);
    return strcmp(entry->blame, "extension") == 0 && hit != NULL && (hit->wanted || all) &&
           flavour != FTF_FLAVOUR_PLAIN && flavour != FTF_FLAVOUR_COUNT && entry->measured && entry->replay.k > 0 &&
           !(entry->minimized && entry->controlled) && !was_done(f, entry->id);
}

static const ftf_entry *next_due(const follow_up *f) {
    for (size_t i = 0; i < ftf_store_count(f->campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(f->campaign->store, i);
        if (is_due(f, entry)) {
            return entry;
        }
    }
    return NULL;
}

static ftf_status take(follow_up *f, const char *id, step *const *steps, size_t count, ftf_error *err) {
    ftf_flavour flavour = ftf_flavour_find(ftf_store_find(f->campaign->store, id)->flavour);
    for (size_t i = 0; i < count && !is_stopped(f); i++) {
        ftf_status status = steps[i](f, id, flavour, err);
        if (status == FTF_IO) {
            return status;
        }
        if (status != FTF_OK && !is_stopped(f)) {
            ftf_progress_view_say(&f->campaign->view, "%s: %s", id, err->text);
        }
    }
    return FTF_OK;
}

static void borrow_rig(follow_up *f) {
    const ftf_campaign_options *o = &f->campaign->options;
    f->rig = (ftf_rig){
        .paths = *o->paths, .target = *o->target, .learnt = *o->learnt, .symbolizer = f->campaign->symbolizer};
    snprintf(f->rig.scratch, sizeof f->rig.scratch, "%s", f->campaign->work);
}

ftf_status ftf_follow_up(ftf_campaign *campaign, ftf_error *err) {
    static step *const first[] = {minimize, explain, control, write_script}, *const then[] = {measure_script};
    static follow_up f;
    const ftf_entry *entry;
    ftf_status status = FTF_OK;
    f = (follow_up){.campaign = campaign, .deadline_ms = ftf_proc_now_ms() + campaign->options.follow_up_ms};
    borrow_rig(&f);
    if (!campaign->options.quiet && next_due(&f) != NULL) {
        ftf_progress_view_say(&campaign->view, "making reproducers, for at most %" PRIu64 " s",
                              campaign->options.follow_up_ms / 1000);
    }
    while (status == FTF_OK && has_time(&f) && f.count < FTF_CAMPAIGN_HITS_MAX && (entry = next_due(&f)) != NULL) {
        char *id = f.done[f.count++];
        snprintf(id, FTF_FINDING_ID_MAX, "%s", entry->id); /* the entry is gone once the store changes */
        status = take(&f, id, first, sizeof first / sizeof *first, err);
    }
    for (uint32_t i = 0; i < f.count && status == FTF_OK && has_time(&f); i++) {
        status = take(&f, f.done[i], then, 1, err);
    }
    return status;
}
