/* The report for programs; report.h documents the format. */
#include "findings/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "findings/report_parts.h"

enum { FORMAT = 1 };

static json_t *files_of(const ftf_report_finding *finding) {
    static const char *const NAMES[] = {"report.txt",  "explain.txt", "repro.py",
                                        "scenario.ft", "original.ft", "record.json"};
    json_t *files = json_array();
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char path[FTF_FS_PATH_MAX];
        if (ftf_fs_join(path, finding->entry->folder, NAMES[i], NULL) == FTF_OK && ftf_fs_exists(path)) {
            (void)json_array_append_new(files, json_string(NAMES[i]));
        }
    }
    return files;
}

static json_t *finding_to_json(const ftf_report_finding *finding) {
    json_t *json = json_copy(finding->json);
    FTF_ASSERT(json);
    ftf_report_set(json, "folder", ftf_report_string(finding->entry->folder));
    ftf_report_set(json, "files", files_of(finding));
    return json;
}

static json_t *counts_to_json(const ftf_report *report) {
    static const char *const BLAMES[] = {"extension", "foreign", "cpython"};
    size_t count;
    ftf_report_tally *tallies = ftf_report_count(report, &count);
    json_t *json = json_pack("{s:I}", "total", (json_int_t)report->count);
    for (size_t i = 0; i < sizeof BLAMES / sizeof *BLAMES; i++) {
        ftf_report_set(json, BLAMES[i], json_object());
    }
    for (size_t i = 0; i < count; i++) {
        json_t *blame = json_object_get(json, tallies[i].blame);
        if (!json_is_object(blame)) {
            blame = json_object();
            ftf_report_set(json, tallies[i].blame, blame);
        }
        ftf_report_set(blame, tallies[i].kind, json_integer((json_int_t)tallies[i].count));
    }
    free(tallies);
    return json;
}

/* Its list of findings is that of one run and would only disagree with ours. */
static json_t *campaign_to_json(const ftf_report *report) {
    if (!report->campaign) {
        return json_null();
    }
    json_t *json = json_copy(report->campaign);
    (void)json_object_del(json, "findings");
    return json;
}

static json_t *damaged_to_json(const ftf_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->damaged_count; i++) {
        json_t *one = json_object();
        ftf_report_set(one, "folder", ftf_report_string(report->damaged[i].folder));
        ftf_report_set(one, "reason", ftf_report_string(report->damaged[i].reason));
        (void)json_array_append_new(list, one);
    }
    return list;
}

json_t *ftf_report_json(const ftf_report *report) {
    json_t *findings = json_array();
    for (size_t i = 0; i < report->count; i++) {
        (void)json_array_append_new(findings, finding_to_json(&report->findings[i]));
    }
    json_t *json = json_pack("{s:i, s:s, s:s}", "format", FORMAT, "tool", "ftfuzz", "version", report->version);
    FTF_ASSERT(json);
    ftf_report_set(json, "folder", ftf_report_string(report->folder));
    ftf_report_set(json, "campaign", campaign_to_json(report));
    ftf_report_set(json, "counts", counts_to_json(report));
    ftf_report_set(json, "findings", findings);
    ftf_report_set(json, "damaged", damaged_to_json(report));
    return json;
}
