#include "cli/replay_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/rig.h"
#include "cli/stop.h"
#include "cli/subject.h"

typedef enum verdict { GONE, REMAINS, CHANGED, UNKNOWN, VERDICTS } verdict;

static const char *const names[VERDICTS] = {"gone", "remains", "changed", "unknown"};

typedef struct replayed {
    const ftf_replay_all_options *options;
    ftf_rig rig;
    bool open; /* the rig is, for `spec` */
    char spec[FTF_FS_PATH_MAX];
    ftf_crew *crews[FTF_FLAVOUR_COUNT];
    bool other_of_extension; /* seen while the finding at hand was replayed */
    char other[FTF_SIGNATURE_MAX];
    uint32_t count[VERDICTS];
    uint32_t failed; /* could not be run; the last reason is in why */
    ftf_error why;
    json_t *results;
} replayed;

static void close_rig(replayed *r) {
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        ftf_crew_destroy(r->crews[f]);
        r->crews[f] = NULL;
    }
    if (r->open) {
        ftf_rig_close(&r->rig);
    }
    r->open = false;
}

/* A folder has findings of one target, but nobody keeps people from putting two together. */
static ftf_status need_rig(replayed *r, const char *spec, ftf_error *err) {
    if (r->open && strcmp(r->spec, spec) == 0) {
        return FTF_OK;
    }
    close_rig(r);
    snprintf(r->spec, sizeof r->spec, "%s", spec);
    r->open = true;
    ftf_status status = ftf_rig_open(spec, &r->rig, err);
    if (status != FTF_OK) {
        close_rig(r);
    }
    return status;
}

static void on_seen(void *self, const ftf_record *record, const ftf_finding *finding) {
    replayed *r = self;
    (void)record;
    if (strcmp(ftf_finding_blame(finding), "extension") == 0) {
        r->other_of_extension = true;
        snprintf(r->other, sizeof r->other, "%s", ftf_finding_title(finding));
    }
}

/* Its own signature is seen by on_seen, too, so what that noted counts only when k is 0. */
static verdict judge(const replayed *r, const ftf_entry *entry, const ftf_attempt_result *result) {
    if (result->k > 0) {
        return REMAINS;
    }
    if (r->other_of_extension) {
        return CHANGED;
    }
    return result->n > 0 && entry->measured && entry->replay.k > 0 ? GONE : UNKNOWN;
}

static void print(replayed *r, const ftf_entry *entry, verdict v, const ftf_attempt_result *result, const char *why) {
    r->count[v]++;
    json_array_append_new(r->results, json_pack("{s:s, s:s, s:s, s:i, s:i, s:s?}", "id", entry->id, "verdict", names[v],
                                                "signature", entry->signature, "k", (int)result->k, "n", (int)result->n,
                                                "now", v == CHANGED ? r->other : why));
    if (r->options->json) {
        return;
    }
    printf("%-8s %2u/%-3u %s  [%s]\n", names[v], result->k, result->n, entry->title, entry->id);
    if (v == CHANGED) {
        printf("                now %s\n", r->other);
    } else if (why != NULL) {
        printf("                %s\n", why);
    }
    fflush(stdout);
}

/* A finding that cannot be run (its target is gone, a file is damaged) is said to be unknown, and the others go on. */
static void replay_one(replayed *r, const ftf_entry *entry) {
    ftf_subject subject = {0};
    ftf_attempt_options options;
    ftf_attempt_result result = {0};
    ftf_error why = {0};
    r->other_of_extension = false;
    ftf_status status = ftf_subject_load(entry->folder, &subject, &why);
    ftf_flavour flavour = ftf_subject_flavour(&subject);
    if (status == FTF_OK && (flavour == FTF_FLAVOUR_COUNT || flavour == FTF_FLAVOUR_PLAIN)) {
        status = ftf_fail(&why, FTF_USAGE, "it is seen by importing: `ftfuzz replay` it alone");
    }
    status = status == FTF_OK ? need_rig(r, subject.spec, &why) : status;
    status = status == FTF_OK ? ftf_rig_options(&r->rig, flavour, r->options->jobs, &options, &why) : status;
    if (status == FTF_OK) {
        if (r->crews[flavour] == NULL) {
            r->crews[flavour] = ftf_crew_create();
        }
        options.crew = r->crews[flavour];
        options.tick = ftf_stop_not_yet;
        options.on_seen = on_seen;
        options.witness = r;
        status = ftf_attempt_replay(&options, subject.text.data, subject.signature, r->options->n, &result, &why);
    }
    if (status != FTF_OK) {
        r->failed++;
        r->why = why;
    }
    if (!result.gave_up) {
        print(r, entry, status == FTF_OK ? judge(r, entry, &result) : UNKNOWN, &result,
              status == FTF_OK ? NULL : why.text);
    }
    ftf_subject_release(&subject);
}

static void print_summary(const replayed *r) {
    if (r->options->json) {
        json_dumpf(r->results, stdout, JSON_INDENT(1));
        putchar('\n');
        return;
    }
    const char *before = "";
    for (int v = 0; v < VERDICTS; v++) {
        if (r->count[v] > 0) {
            printf("%s%u %s", before, r->count[v], names[v]);
            before = ", ";
        }
    }
    puts(*before != '\0' || ftf_stop_signals > 0 ? "" : "there are no findings");
}

ftf_status ftf_replay_all(const ftf_replay_all_options *options, uint32_t *remain, ftf_error *err) {
    static replayed r;
    r = (replayed){.options = options, .results = json_array()};
    const ftf_store_options store_options = {.folder = options->folder, .read_only = true};
    ftf_store *store = NULL;
    char findings[FTF_FS_PATH_MAX];
    ftf_status status = ftf_path(findings, err, "%s/findings", options->folder);
    if (status == FTF_OK && !ftf_fs_is_dir(findings)) {
        return ftf_fail(err, FTF_USAGE, "%s has no folder findings: give the folder of a campaign, such as out/csv",
                        options->folder);
    }
    status = status == FTF_OK ? ftf_store_open(&store_options, &store, err) : status;
    for (size_t i = 0; status == FTF_OK && i < ftf_store_count(store) && ftf_stop_signals == 0; i++) {
        replay_one(&r, ftf_store_at(store, i));
    }
    if (status == FTF_OK) {
        print_summary(&r);
        ftf_store_close(store, NULL);
    }
    close_rig(&r);
    json_decref(r.results);
    *remain = r.count[REMAINS] + r.count[CHANGED];
    if (status == FTF_OK && ftf_stop_signals > 0) {
        return ftf_fail(err, FTF_USAGE, "stopped before all findings were replayed");
    }
    if (status == FTF_OK && r.failed > 0 && *remain == 0) { /* nobody may take that for a module without bugs */
        return ftf_fail(err, FTF_SETUP, "%u findings could not be replayed: %s", r.failed, r.why.text);
    }
    return status;
}
