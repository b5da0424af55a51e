#ifndef FTF_FINDINGS_REPORT_H
#define FTF_FINDINGS_REPORT_H
/*
 * All findings of a campaign in one document: for a terminal, for programs (JSON), for code scanning (SARIF
 * 2.1.0) and as issue texts to paste upstream (Markdown).
 *
 *     ftf_report report;
 *     status = ftf_report_load(out, "0.1.0", &report, &err);
 *     ftf_report_text(&report, &text);
 *     ftf_report_release(&report);
 *
 * What is shown is what finding.json, campaign.json and the files of each finding's folder say; nothing is
 * run and no symbol is looked up, so a report can be made anywhere the folder is copied to, also while the
 * campaign still runs. Members that a version of ftfuzz before or after this one wrote or did not write are
 * left out, not made up: a finding without a replay figure is called not replayed. The same folder gives the
 * same bytes: no clock, no hash order.
 *
 * Order: the store's (blame, severity, replay rate, id), so findings of one kind stand together; a finding is
 * one signature. What is not the extension's comes last, in a section of its own.
 *
 * JSON, format 1:
 *   {"format": 1, "tool": "ftfuzz", "version": "0.1.0", "folder": "out/collections",
 *    "campaign": {...},                campaign.json without its own list of findings; null when there is none
 *    "counts": {"total": 3, "extension": {"use-after-free": 1, ...}, "foreign": {...}, "cpython": {...}},
 *    "findings": [{...,                every member of finding.json as it is
 *                  "folder": "out/collections/findings/use-after-free-486351d6",
 *                  "files": ["scenario.ft", "repro.py", ...]}],     what of these is in the folder
 *    "damaged": [{"folder": "...", "reason": "..."}]}
 *
 * Ownership: a report owns everything it points to; texts are appended to what the caller owns, json_t are
 * new references. Threads: no shared state.
 */
#include <jansson.h>

#include "base/fs.h"
#include "findings/store.h"

/* The files of a finding's folder that a report embeds or names; data is NULL where there is none. */
typedef struct ftf_report_finding {
    const ftf_entry *entry;
    json_t *json;      /* finding.json */
    ftf_text scenario; /* scenario.ft */
    ftf_text repro;    /* repro.py */
    ftf_text explain;  /* explain.txt */
    ftf_text sanitizer; /* report.txt */
} ftf_report_finding;

/* A folder in findings/ that is no finding, or not any more. */
typedef struct ftf_report_damaged {
    char *folder, *reason;
} ftf_report_damaged;

typedef struct ftf_report {
    char folder[FTF_FS_PATH_MAX]; /* as it was given, without a slash at the end */
    const char *version;          /* ftfuzz's; borrowed */
    ftf_store *store;
    json_t *campaign; /* campaign.json; NULL: the campaign still runs, or did not end in order */
    size_t count, damaged_count;
    ftf_report_finding *findings;
    ftf_report_damaged *damaged;
} ftf_report;

/*
 * Reads <out>. FTF_USAGE, saying which folder was probably meant, when it is none of a campaign; a finding
 * that cannot be read is no error but one of `damaged`. The report is released by the caller also after an
 * error.
 */
ftf_status ftf_report_load(const char *folder, const char *version, ftf_report *out, ftf_error *err);
void ftf_report_release(ftf_report *report);

void ftf_report_text(const ftf_report *report, ftf_text *out);
json_t *ftf_report_json(const ftf_report *report);
json_t *ftf_report_sarif(const ftf_report *report);

/* The issue text of one finding, and a list of all with links to <id>.md. */
void ftf_report_issue(const ftf_report *report, size_t index, ftf_text *out);
void ftf_report_issue_index(const ftf_report *report, ftf_text *out);

#endif
