#include "cli/follow_up.h"

#include <inttypes.h>
#include <string.h>

#include "reduce/explain.h"
#include "reduce/minimize.h"

typedef struct follow_up {
    ftf_campaign *campaign;
    uint64_t deadline_ms;
    uint32_t count;
    char done[FTF_CAMPAIGN_HITS_MAX][FTF_FINDING_ID_MAX]; /* looked at in this campaign */
} follow_up;

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
           !entry->minimized && !was_done(f, entry->id);
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

/* One that cannot be minimized for a reason of ours keeps others from nothing; a disk that is full does. */
/* explain.txt of the scenario as it is now. That it did not show is nothing to talk about: its rate says so. */
static ftf_status explain(follow_up *f, const char *id, ftf_flavour flavour, ftf_error *err) {
    const char *paths[2];
    char path[FTF_FS_PATH_MAX];
    const ftf_attempt_options options = ftf_campaign_attempts(f->campaign, flavour, paths);
    ftf_text scenario = {0}, text = {0};
    bool shows = false;
    const ftf_entry *entry = ftf_store_find(f->campaign->store, id);
    ftf_status status = ftf_store_load_scenario(f->campaign->store, id, &scenario, err);
    if (status == FTF_OK) {
        status = ftf_explain(&options, scenario.data, entry->signature, &text, &shows, err);
    }
    if (status == FTF_OK && shows) {
        entry = ftf_store_find(f->campaign->store, id);
        status = ftf_fs_join(path, entry->folder, "explain.txt", err);
        status = status == FTF_OK ? ftf_fs_write(path, text.data, text.len, err) : status;
    }
    ftf_text_release(&scenario);
    ftf_text_release(&text);
    return status;
}

static ftf_status minimize(follow_up *f, const char *id, ftf_flavour flavour, uint64_t left_ms, ftf_error *err) {
    const char *paths[2];
    ftf_minimized result;
    const ftf_minimize_options options = {.attempt = ftf_campaign_attempts(f->campaign, flavour, paths),
                                          .time_ms = left_ms < FTF_MINIMIZE_MS ? left_ms : FTF_MINIMIZE_MS,
                                          .runs = FTF_MINIMIZE_RUNS};
    ftf_status status = ftf_minimize(&options, f->campaign->store, id, &result, err);
    if (status != FTF_OK && status != FTF_IO) {
        ftf_progress_view_say(&f->campaign->view, "cannot minimize %s: %s", id, err->text);
        return FTF_OK;
    }
    if (status == FTF_OK && !f->campaign->options.quiet && result.replay.n > 0) {
        ftf_progress_view_say(&f->campaign->view, "%s: %u lanes, %u calls, %u switches; replayed %u/%u", id,
                              result.after.lanes, result.after.lane_ops, result.after.switches, result.replay.k,
                              result.replay.n);
    }
    return status;
}

ftf_status ftf_follow_up(ftf_campaign *campaign, ftf_error *err) {
    static follow_up f;
    const ftf_entry *entry;
    ftf_status status = FTF_OK;
    f = (follow_up){.campaign = campaign, .deadline_ms = ftf_proc_now_ms() + campaign->options.follow_up_ms};
    if (!campaign->options.quiet && next_due(&f) != NULL) {
        ftf_progress_view_say(&campaign->view, "making scenarios smaller, for at most %" PRIu64 " s",
                              campaign->options.follow_up_ms / 1000);
    }
    while (status == FTF_OK && *campaign->options.stop == 0 && f.count < FTF_CAMPAIGN_HITS_MAX &&
           ftf_proc_now_ms() < f.deadline_ms && (entry = next_due(&f)) != NULL) {
        char *id = f.done[f.count++];
        snprintf(id, FTF_FINDING_ID_MAX, "%s", entry->id); /* the entry is gone once the store changes */
        ftf_flavour flavour = ftf_flavour_find(entry->flavour);
        status = minimize(&f, id, flavour, f.deadline_ms - ftf_proc_now_ms(), err);
        if (status == FTF_OK && *campaign->options.stop == 0) {
            status = explain(&f, id, flavour, err);
        }
    }
    return status;
}
