#include "findings/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "findings/folder.h"

enum { EMBED_MAX = 1024 * 1024, CAMPAIGN_MAX = 64 * 1024 * 1024 };

/* Reading order: is it a campaign, its findings, those that cannot be read, its summary. */

/* ---- is it a campaign -------------------------------------------------------------------------------------------- */

static bool has(const char *folder, const char *name) {
    char path[FTF_FS_PATH_MAX];
    return ftf_fs_join(path, folder, name, NULL) == FTF_OK && ftf_fs_exists(path);
}

static bool has_folder(const char *folder, const char *name) {
    char path[FTF_FS_PATH_MAX];
    return ftf_fs_join(path, folder, name, NULL) == FTF_OK && ftf_fs_is_dir(path);
}

/* A campaign one level below: people give the --out of `ftfuzz fuzz`, which holds a folder for each target.
   */
static ftf_status fail_with_child(const char *folder, ftf_error *err) {
    ftf_names names = {0};
    char example[256] = "";
    if (ftf_fs_list(folder, &names, NULL) == FTF_OK) {
        for (size_t i = 0; i < names.count && example[0] == '\0'; i++) {
            char child[FTF_FS_PATH_MAX];
            if (ftf_fs_join(child, folder, names.names[i], NULL) == FTF_OK && has_folder(child, "findings")) {
                (void)snprintf(example, sizeof example, "%s", names.names[i]);
            }
        }
    }
    ftf_names_release(&names);
    if (example[0]) {
        return ftf_fail(err, FTF_USAGE, "%s holds campaigns and is none: give one of them, such as %s/%s", folder,
                        folder, example);
    }
    return ftf_fail(err, FTF_USAGE, "%s is not the folder of a campaign: it has no folder `findings`", folder);
}

static ftf_status check_folder(const char *folder, ftf_error *err) {
    if (!ftf_fs_exists(folder)) {
        return ftf_fail(err, FTF_USAGE, "there is no folder %s", folder);
    }
    if (!ftf_fs_is_dir(folder)) {
        return ftf_fail(err, FTF_USAGE, "%s is a file; give the folder of a campaign, such as out/collections", folder);
    }
    if (has_folder(folder, "findings")) {
        return FTF_OK;
    }
    if (has(folder, "finding.json")) {
        return ftf_fail(err, FTF_USAGE, "%s is one finding; give the folder of its campaign, %s/../..", folder, folder);
    }
    const char *slash = strrchr(folder, '/');
    if (strcmp(slash ? slash + 1 : folder, "findings") == 0) {
        return ftf_fail(err, FTF_USAGE, "%s is only a part of a campaign's folder; give %s/..", folder, folder);
    }
    return fail_with_child(folder, err);
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

/* A file that is missing or absurdly long is left out; the report then says where it would be. */
static void load_file(const char *folder, const char *name, ftf_text *out) {
    char path[FTF_FS_PATH_MAX];
    if (ftf_fs_join(path, folder, name, NULL) != FTF_OK || ftf_fs_read(path, EMBED_MAX, out, NULL) != FTF_OK) {
        ftf_text_release(out);
    }
}

/* The reason does not repeat the folder where it begins with it. */
static void add_damaged(ftf_report *report, const char *folder, const char *reason) {
    size_t len = strlen(folder);
    if (strncmp(reason, folder, len) == 0 && reason[len] == '/') {
        reason += len + 1;
    }
    ftf_report_damaged *grown = realloc(report->damaged, (report->damaged_count + 1) * sizeof *grown);
    FTF_ASSERT(grown);
    report->damaged = grown;
    report->damaged[report->damaged_count] = (ftf_report_damaged){strdup(folder), strdup(reason)};
    FTF_ASSERT(report->damaged[report->damaged_count].folder && report->damaged[report->damaged_count].reason);
    report->damaged_count++;
}

static void load_finding(ftf_report *report, const ftf_entry *entry) {
    ftf_report_finding *finding = &report->findings[report->count];
    ftf_error why = {0};
    if (ftf_folder_read_json(entry->folder, &finding->json, &why) != FTF_OK) { /* readable a moment ago */
        add_damaged(report, entry->folder, why.text);
        return;
    }
    finding->entry = entry;
    load_file(entry->folder, "scenario.ft", &finding->scenario);
    load_file(entry->folder, "repro.py", &finding->repro);
    load_file(entry->folder, "explain.txt", &finding->explain);
    load_file(entry->folder, "report.txt", &finding->sanitizer);
    report->count++;
}

static void load_findings(ftf_report *report) {
    size_t count = ftf_store_count(report->store);
    report->findings = calloc(count + 1, sizeof *report->findings);
    FTF_ASSERT(report->findings);
    for (size_t i = 0; i < count; i++) {
        load_finding(report, ftf_store_at(report->store, i));
    }
}

/* ---- those that cannot be read ----------------------------------------------------------------------------------- */

/* The store only counts them. */
static void name_damaged(ftf_report *report, const char *folder, const char *name) {
    ftf_error why = {0};
    json_t *json = NULL;
    if (!ftf_fs_is_dir(folder)) {
        (void)ftf_fail(&why, FTF_INPUT, "a file, where only folders of findings belong");
    } else if (ftf_folder_read_json(folder, &json, &why) == FTF_OK && strcmp(ftf_json_text(json, "id"), name) != 0) {
        (void)ftf_fail(&why, FTF_INPUT, "finding.json is of another finding, \"%.100s\"", ftf_json_text(json, "id"));
    } else if (json) {
        (void)ftf_fail(&why, FTF_INPUT, "finding.json is in a format of another version of ftfuzz");
    }
    json_decref(json);
    add_damaged(report, folder, why.text);
}

static ftf_status load_damaged(ftf_report *report, const ftf_names *names, ftf_error *err) {
    char findings[FTF_FS_PATH_MAX], folder[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(findings, report->folder, "findings", err);
    for (size_t i = 0; i < names->count && status == FTF_OK; i++) {
        status = ftf_fs_join(folder, findings, names->names[i], err);
        if (status == FTF_OK && !ftf_store_find(report->store, names->names[i])) {
            name_damaged(report, folder, names->names[i]);
        }
    }
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* What the campaign came to. Without it the findings are as good; so trouble with it is none. */
static json_t *load_campaign(const char *folder) {
    char path[FTF_FS_PATH_MAX];
    ftf_text text = {0};
    json_t *json = NULL;
    if (ftf_fs_join(path, folder, "campaign.json", NULL) == FTF_OK &&
        ftf_fs_read(path, CAMPAIGN_MAX, &text, NULL) == FTF_OK) {
        json = json_loadb(text.data, text.len, 0, NULL);
    }
    ftf_text_release(&text);
    if (!json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static ftf_status copy_folder(const char *folder, ftf_report *out, ftf_error *err) {
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/') {
        len--;
    }
    if (len >= sizeof out->folder) {
        return ftf_fail(err, FTF_LIMIT, "a path is longer than %d bytes: %.100s...", FTF_FS_PATH_MAX - 1, folder);
    }
    memcpy(out->folder, folder, len);
    out->folder[len] = '\0';
    return FTF_OK;
}

/* Listed before the store looks, so that what a running campaign adds in between is not taken for damaged. */
static ftf_status list_findings(const ftf_report *report, ftf_names *names, ftf_error *err) {
    char findings[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(findings, report->folder, "findings", err);
    return status == FTF_OK ? ftf_fs_list(findings, names, err) : status;
}

ftf_status ftf_report_load(const char *folder, const char *version, ftf_report *out, ftf_error *err) {
    ftf_names names = {0};
    memset(out, 0, sizeof *out);
    out->version = version;
    ftf_status status = copy_folder(folder, out, err);
    status = status == FTF_OK ? check_folder(out->folder, err) : status;
    status = status == FTF_OK ? list_findings(out, &names, err) : status;
    if (status == FTF_OK) {
        const ftf_store_options options = {.folder = out->folder, .read_only = true};
        status = ftf_store_open(&options, &out->store, err);
    }
    if (status == FTF_OK) {
        load_findings(out);
        out->campaign = load_campaign(out->folder);
        status = load_damaged(out, &names, err);
    }
    ftf_names_release(&names);
    return status;
}

void ftf_report_release(ftf_report *report) {
    for (size_t i = 0; i < report->count; i++) {
        json_decref(report->findings[i].json);
        ftf_text_release(&report->findings[i].scenario);
        ftf_text_release(&report->findings[i].repro);
        ftf_text_release(&report->findings[i].explain);
        ftf_text_release(&report->findings[i].sanitizer);
    }
    for (size_t i = 0; i < report->damaged_count; i++) {
        free(report->damaged[i].folder);
        free(report->damaged[i].reason);
    }
    free(report->findings);
    free(report->damaged);
    json_decref(report->campaign);
    (void)ftf_store_close(report->store, NULL);
    memset(report, 0, sizeof *report);
}
