#include "cli/confirm.h"

#include <inttypes.h>
#include <string.h>

#include "reduce/attempt.h"

typedef struct confirmation {
    ftf_campaign *campaign;
    uint64_t deadline_ms;
    bool wanted_only;
    uint32_t runs; /* of this pass */
    uint32_t tried_count;
    char tried[FTF_CAMPAIGN_HITS_MAX][FTF_FINDING_ID_MAX]; /* in this pass */
} confirmation;

static bool goes_on(void *self) {
    const confirmation *c = self;
    return ftf_campaign_goes_on(c->campaign) && ftf_proc_now_ms() < c->deadline_ms;
}

static bool was_tried(const confirmation *c, const char *id) {
    for (uint32_t i = 0; i < c->tried_count; i++) {
        if (strcmp(c->tried[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* Only what this campaign saw, in a flavour that has a worker, and that has no figure as good as this pass would give. */
static bool is_due(const confirmation *c, const ftf_entry *entry) {
    const ftf_campaign_hit *hit = ftf_campaign_find_hit(c->campaign, entry->id);
    ftf_flavour flavour = ftf_flavour_find(entry->flavour);
    return hit != NULL && (hit->wanted || !c->wanted_only) && flavour != FTF_FLAVOUR_PLAIN &&
           flavour != FTF_FLAVOUR_COUNT && !entry->reduced && (!entry->measured || entry->replay.n < c->runs) &&
           !was_tried(c, entry->id);
}

static const ftf_entry *next_due(const confirmation *c) {
    for (size_t i = 0; i < ftf_store_count(c->campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(c->campaign->store, i);
        if (is_due(c, entry)) {
            return entry;
        }
    }
    return NULL;
}

/* A finding that cannot be replayed for a reason of ours keeps others from nothing; a disk that is full does. */
static ftf_status confirm_one(confirmation *c, const char *id, ftf_flavour flavour, ftf_error *err) {
    const char *paths[2];
    ftf_attempt_options options = ftf_campaign_attempts(c->campaign, flavour, paths);
    options.tick = goes_on;
    options.self = c;
    ftf_attempt_result result = {0};
    ftf_status status = ftf_attempt_confirm(&options, c->campaign->store, id, c->runs, &result, err);
    if (status != FTF_OK && status != FTF_IO) {
        ftf_progress_view_say(&c->campaign->view, "cannot replay %s: %s", id, err->text);
        return FTF_OK;
    }
    if (status == FTF_OK && !c->campaign->options.quiet && result.n > 0) {
        ftf_progress_view_say(&c->campaign->view, "replayed %u/%u: %s", result.k, result.n, id);
    }
    return status;
}

static ftf_status pass(confirmation *c, bool wanted_only, uint32_t runs, ftf_error *err) {
    ftf_status status = FTF_OK;
    c->wanted_only = wanted_only;
    c->runs = runs;
    c->tried_count = 0;
    while (status == FTF_OK && goes_on(c) && c->tried_count < FTF_CAMPAIGN_HITS_MAX) {
        const ftf_entry *entry = next_due(c);
        if (entry == NULL) {
            break;
        }
        char *id = c->tried[c->tried_count++];
        snprintf(id, FTF_FINDING_ID_MAX, "%s", entry->id); /* the entry is gone once the store changes */
        status = confirm_one(c, id, ftf_flavour_find(entry->flavour), err);
    }
    return status;
}

ftf_status ftf_confirm(ftf_campaign *campaign, ftf_error *err) {
    static confirmation c;
    c = (confirmation){.campaign = campaign, .deadline_ms = ftf_proc_now_ms() + campaign->options.confirm_ms};
    if (!campaign->options.quiet && campaign->hit_count > 0) {
        ftf_progress_view_say(&campaign->view, "replaying findings in fresh processes, for at most %" PRIu64 " s",
                              campaign->options.confirm_ms / 1000);
    }
    ftf_status status = pass(&c, true, FTF_CONFIRM_RUNS, err);
    if (status == FTF_OK) {
        status = pass(&c, false, FTF_CONFIRM_GLANCE, err);
    }
    return status == FTF_OK ? pass(&c, false, FTF_CONFIRM_RUNS, err) : status;
}
