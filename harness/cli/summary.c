#include "cli/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "scenario/catalog.h"

static double seconds(const ftf_campaign *campaign) {
    return (double)(campaign->ended_ms - campaign->started_ms) / 1000.0;
}

static double per_second(uint64_t count, const ftf_campaign *campaign) {
    double s = seconds(campaign);
    return s > 0 ? (double)count / s : 0;
}

static bool is_blamed(const ftf_entry *entry) { return strcmp(entry->blame, "extension") == 0; }

/* A campaign that ran no scenario although it had the time proves nothing, least of all that the module is clean. */
static bool nothing_ran(const ftf_campaign *campaign) {
    const double start_up_s = 15;
    return campaign->counters.scenarios == 0 && campaign->hit_count == 0 && seconds(campaign) > start_up_s;
}

int ftf_summary_exit(const ftf_campaign *campaign) {
    if (campaign->bugs > 0 || nothing_ran(campaign)) {
        return FTF_EXIT_BUG;
    }
    if (ftf_campaign_blamed(campaign) > 0) {
        return FTF_EXIT_FINDINGS;
    }
    return campaign->gave_up ? FTF_EXIT_SETUP : FTF_EXIT_CLEAN;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *finding_to_json(const ftf_campaign *campaign, const ftf_entry *entry) {
    const ftf_campaign_hit *hit = ftf_campaign_find_hit(campaign, entry->id);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "id", entry->id, "kind", entry->kind,
                             "blame", entry->blame, "flavour", entry->flavour, "title", entry->title, "signature",
                             entry->signature, "folder", entry->folder, "count", (json_int_t)entry->count_here, "new",
                             (int)entry->found_here);
    if (entry->measured) {
        json_object_set_new(json, "replay",
                            json_pack("{s:i, s:i, s:i, s:i, s:s}", "k", (int)entry->replay.k, "n", (int)entry->replay.n,
                                      "steals", (int)entry->replay.steals, "sequence", (int)entry->replay.sequence,
                                      "verdict", ftf_replay_verdict(&entry->replay)));
    }
    if (hit != NULL) {
        json_object_set_new(json, "after_seconds", json_real((double)hit->after_ms / 1000.0));
        json_object_set_new(json, "after_scenarios", json_integer((json_int_t)hit->scenarios));
        json_object_set_new(json, "after_runs", json_integer((json_int_t)hit->runs));
        json_object_set_new(json, "after_cpu_seconds", json_real((double)hit->cpu_us / 1e6));
        json_object_set_new(json, "wanted", json_boolean(hit->wanted));
    }
    return json;
}

json_t *ftf_summary_to_json(const ftf_campaign *campaign) {
    const ftf_campaign_options *o = &campaign->options;
    const ftf_counters *c = &campaign->counters;
    json_t *flavours = json_array(), *findings = json_array();
    uint32_t accepted, total;
    ftf_learnt_count(o->learnt->catalog, &accepted, &total);
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        if (o->flavours[f]) {
            json_array_append_new(flavours, json_string(ftf_flavour_name((ftf_flavour)f)));
        }
    }
    for (size_t i = 0; i < ftf_store_count(campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(campaign->store, i);
        if (entry->count_here > 0) {
            json_array_append_new(findings, finding_to_json(campaign, entry));
        }
    }
    json_t *summary = json_pack(
        "{s:i, s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I, "
        "s:i, s:b, s:s, s:o}",
        "format", 1, "target", o->target->spec, "version", o->learnt->catalog->version, "command", o->command,
        "flavours", flavours, "schedule", o->schedule, "seed", (json_int_t)o->seed, "jobs",
        (json_int_t)campaign->worker_count, "seconds", seconds(campaign), "scenarios", (json_int_t)c->scenarios, "runs",
        (json_int_t)c->runs, "calls", (json_int_t)c->calls, "accepted", (json_int_t)c->accepted, "scenarios_per_second",
        per_second(c->scenarios, campaign), "calls_per_second", per_second(c->calls, campaign), "features",
        (json_int_t)c->features, "steals", (json_int_t)c->steals, "starts", (json_int_t)c->starts, "slow",
        (json_int_t)c->slow, "bugs", (int)campaign->bugs, "reached_wanted", (int)campaign->enough, "gil",
        o->learnt->catalog->gil, "findings", findings);
    FTF_ASSERT(summary != NULL); /* a format that does not fit its arguments */
    json_object_set_new(summary, "cpu_seconds", json_real((double)c->cpu_us / 1e6));
    json_t *cold = json_pack("{s:I, s:f}", "runs", (json_int_t)c->cold, "seconds", (double)c->cold_ms / 1000.0);
    json_object_set_new(summary, "cold", cold);
    json_object_set_new(summary, "callables", json_pack("{s:i, s:i}", "accepted", (int)accepted, "total", (int)total));
    return summary;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Nobody can rely on its replay: finding.json has the verdict. */
static bool is_weak(const ftf_entry *entry) {
    return entry->measured && (!ftf_replay_is_sure(&entry->replay) || entry->replay.steals > 0);
}

static void print_rate(const ftf_entry *entry, FILE *to) {
    char rate[32] = "not replayed";
    if (entry->measured) {
        snprintf(rate, sizeof rate, "%u/%u%s%s", entry->replay.k, entry->replay.n, is_weak(entry) ? " !" : "",
                 entry->replay.sequence > 1 ? " (seq.)" : "");
    }
    fprintf(to, "  %-14s", rate);
}

/* The worst ones; a table that does not fit on a screen is not read. */
static uint32_t print_table(const ftf_campaign *campaign, bool blamed, FILE *to) {
    const uint32_t rows_max = blamed ? 25 : 8;
    uint32_t rows = 0;
    for (size_t i = 0; i < ftf_store_count(campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(campaign->store, i);
        if (entry->count_here == 0 || is_blamed(entry) != blamed) {
            continue;
        }
        if (rows++ == 0) {
            fprintf(to, "\n%s, in %s/findings\n",
                    blamed ? "findings blamed on the extension" : "not the extension's (not counted)",
                    campaign->options.out);
            fprintf(to, "  %-14s%-7s%s\n", "replayed", "with", "what  [folder]");
        }
        if (rows <= rows_max) {
            print_rate(entry, to);
            fprintf(to, "%-7s%s  [%s%s%s]\n", entry->flavour, entry->title, entry->id, blamed ? "" : ", ",
                    blamed ? "" : entry->blame);
        }
    }
    if (rows > rows_max) {
        fprintf(to, "  and %u more\n", rows - rows_max);
    }
    return rows;
}

static bool is_explained(const ftf_entry *entry) {
    char path[FTF_FS_PATH_MAX];
    return ftf_fs_join(path, entry->folder, "explain.txt", NULL) == FTF_OK && ftf_fs_exists(path);
}

static void print_weak(const ftf_campaign *campaign, FILE *to) {
    uint32_t count = 0;
    for (size_t i = 0; i < ftf_store_count(campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(campaign->store, i);
        count += entry->count_here > 0 && is_weak(entry);
    }
    if (count > 0) {
        fprintf(to,
                "\n! %" PRIu32
                " cannot be relied on to come again: in less than 19 of 20 fresh processes, or depending on time\n",
                count);
    }
}

static void print_next_steps(const ftf_campaign *campaign, FILE *to) {
    for (size_t i = 0; i < ftf_store_count(campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(campaign->store, i);
        if (entry->count_here > 0 && is_blamed(entry)) {
            fprintf(to, "\nto see the first one again:  build/ftfuzz replay %s\nwhat happened:               %s/%s\n",
                    entry->folder, entry->folder, is_explained(entry) ? "explain.txt" : "report.txt");
            return;
        }
    }
}

static void print(const ftf_campaign *campaign, FILE *to) {
    char time[16], scenarios[16], calls[16], rate[16];
    const ftf_counters *c = &campaign->counters;
    fprintf(to,
            "\n%s: %s scenarios, %s calls (%.0f %% accepted) in %s, %s scenarios/s, steals in %.2f %% of the runs\n",
            campaign->options.target->name, ftf_progress_number((double)c->scenarios, scenarios),
            ftf_progress_number((double)c->calls, calls),
            c->calls > 0 ? 100.0 * (double)c->accepted / (double)c->calls : 0.0,
            ftf_progress_time(campaign->ended_ms - campaign->started_ms, time),
            ftf_progress_number(per_second(c->scenarios, campaign), rate),
            c->runs > 0 ? 100.0 * (double)c->steals / (double)c->runs : 0.0);
    fprintf(to,
            "%" PRIu64 " worker starts, %" PRIu64 " for memory, %" PRIu64 " slow scenarios given up; seed %" PRIu64
            "\n",
            c->starts, c->restarts_memory, c->slow, campaign->options.seed);
    if (c->cold > 0) {
        double percent = (double)c->cold_ms / ((double)campaign->worker_count * seconds(campaign) * 10.0);
        fprintf(to, "%" PRIu64 " runs were cold: first calls in a fresh process, %.0f %% of the workers' time\n",
                c->cold, percent);
    }
    uint32_t accepted, total;
    ftf_learnt_count(campaign->options.learnt->catalog, &accepted, &total);
    fprintf(to, "%u of %u callables are called with arguments they accept%s\n", accepted, total,
            accepted < total ? "; `ftfuzz show` names the others" : "");
    uint32_t blamed = print_table(campaign, true, to);
    print_table(campaign, false, to);
    print_weak(campaign, to);
    if (campaign->bugs > 0) {
        fprintf(to, "\n%u bugs of ftfuzz itself; please report them with the files in %s/bugs\n", campaign->bugs,
                campaign->options.out);
    }
    if (nothing_ran(campaign)) {
        fprintf(to, "\nno scenario was run: that is a bug of ftfuzz; please report it with %s/work/*.err\n",
                campaign->options.out);
    } else if (blamed == 0) {
        fprintf(to, "\nno finding is blamed on %s\n", campaign->options.target->name);
    }
    print_next_steps(campaign, to);
}

/* ---- the two of them --------------------------------------------------------------------------------------------- */

/* The caller frees it. */
static char *dump(const ftf_campaign *campaign) {
    json_t *summary = ftf_summary_to_json(campaign);
    char *text = json_dumps(summary, JSON_INDENT(1));
    json_decref(summary);
    FTF_ASSERT(text != NULL);
    return text;
}

void ftf_summary_show(const ftf_campaign *campaign, bool json, FILE *to) {
    if (json) {
        char *text = dump(campaign);
        fprintf(to, "%s\n", text);
        free(text);
    } else {
        print(campaign, to);
    }
    fflush(to);
}

ftf_status ftf_summary_write(const ftf_campaign *campaign, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    char *text = dump(campaign);
    ftf_status status = ftf_path(path, err, "%s/campaign.json", campaign->options.out);
    status = status == FTF_OK ? ftf_fs_write(path, text, strlen(text), err) : status;
    free(text);
    return status;
}
