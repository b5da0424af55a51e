/*
 * The report for a terminal: what there is in figures, then the extension's findings with what to run next,
 * then those of others in a line each, since a maintainer of the extension cannot fix them.
 */
#include "findings/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "findings/folder.h"
#include "findings/report_parts.h"
#include "oracle/kinds.h"

/* ---- heading ----------------------------------------------------------------------------------------------------- */

static size_t count_blamed(const ftf_report *report) {
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++) {
        count += ftf_report_is_blamed(&report->findings[i]);
    }
    return count;
}

static void add_heading(const ftf_report *report, ftf_text *out) {
    const char *target = ftf_json_text(report->campaign, "target");
    const char *version = ftf_json_text(report->campaign, "version");
    if (!target[0] && report->count > 0) {
        target = report->findings[0].entry->target;
    }
    if (target[0]) {
        ftf_text_printf(out, "%s%s%s, ", target, version[0] ? " " : "", version);
    }
    ftf_text_printf(out, "%s: ", report->folder);
    if (report->count == 0) {
        ftf_text_str(out, "no findings\n");
    } else {
        ftf_report_plural(report->count, "finding", out);
        ftf_text_printf(out, ", %zu blamed on the extension\n", count_blamed(report));
    }
}

static void add_campaign(const ftf_report *report, ftf_text *out) {
    const json_t *campaign = report->campaign;
    if (!campaign) {
        ftf_text_str(out, "there is no campaign.json: the campaign still runs, or did not end in order\n");
        return;
    }
    ftf_text_printf(out, "fuzzed for %.0f s, %" PRIu64 " scenarios",
                    json_number_value(json_object_get(campaign, "seconds")), ftf_json_number(campaign, "scenarios"));
    if (ftf_json_text(campaign, "command")[0]) {
        ftf_text_printf(out, ", by: %s", ftf_json_text(campaign, "command"));
    }
    ftf_text_char(out, '\n');
}

static void add_counts(const ftf_report *report, ftf_text *out) {
    size_t count;
    ftf_report_tally *tallies = ftf_report_count(report, &count);
    if (count > 0) {
        ftf_text_printf(out, "\n  %-11s%-22s%9s%12s\n", "blame", "kind", "findings", "reproduced");
    }
    for (size_t i = 0; i < count; i++) {
        ftf_text_printf(out, "  %-11s%-22s%9zu%12zu\n", tallies[i].blame, tallies[i].kind, tallies[i].count,
                        tallies[i].reproduced);
    }
    free(tallies);
}

static void add_damaged(const ftf_report *report, ftf_text *out) {
    if (report->damaged_count == 0) {
        return;
    }
    ftf_text_str(out, "\nleft out, because it cannot be read\n");
    for (size_t i = 0; i < report->damaged_count; i++) {
        ftf_text_printf(out, "  %s: %s\n", report->damaged[i].folder, report->damaged[i].reason);
    }
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

static void add_row(const ftf_report_finding *finding, ftf_text *out) {
    ftf_text rate = {0};
    ftf_report_rate(finding, &rate);
    ftf_text_printf(out, "  %-14s%-7s%6" PRIu64 "x  %s", rate.data, finding->entry->flavour, finding->entry->count,
                    finding->entry->title);
    ftf_text_release(&rate);
}

static void add_indent(ftf_text *out) { ftf_text_printf(out, "\n  %-14s%-7s%7s  ", "", "", ""); }

/* What else was measured, on a line of its own where there is any of it. */
static void add_extras(const ftf_report_finding *finding, ftf_text *out) {
    void (*const parts[])(const ftf_report_finding *, ftf_text *) = {ftf_report_gil, ftf_report_minimized,
                                                                     ftf_report_repro};
    ftf_text line = {0}, part = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ftf_text_clear(&part);
        parts[i](finding, &part);
        if (part.len > 0) {
            ftf_text_printf(&line, "%s%s", line.len > 0 ? "; " : "", part.data);
        }
    }
    if (line.len > 0) {
        add_indent(out);
        ftf_text_str(out, line.data);
    }
    ftf_text_release(&line);
    ftf_text_release(&part);
}

static void add_blamed(const ftf_report *report, ftf_text *out) {
    const char *kind = "";
    bool any = false;
    for (size_t i = 0; i < report->count; i++) {
        const ftf_report_finding *finding = &report->findings[i];
        if (!ftf_report_is_blamed(finding)) {
            continue;
        }
        if (!any) {
            ftf_text_printf(out, "\nfindings blamed on the extension\n\n  %-14s%-7s%7s  %s\n", "replayed", "with",
                            "seen", "what, and how to see it again");
        }
        any = true;
        if (strcmp(kind, finding->entry->kind) != 0) {
            const ftf_finding_kind_info *info = ftf_finding_kind_find(finding->entry->kind);
            kind = finding->entry->kind;
            ftf_text_printf(out, "\n%s%s%s\n", kind, info ? ": " : "", info ? info->meaning : "");
        }
        add_row(finding, out);
        add_extras(finding, out);
        add_indent(out);
        ftf_text_str(out, "build/ftfuzz replay ");
        ftf_report_shell_word(finding->entry->folder, out);
        ftf_text_char(out, '\n');
    }
}

static void add_others(const ftf_report *report, ftf_text *out) {
    bool any = false;
    for (size_t i = 0; i < report->count; i++) {
        const ftf_report_finding *finding = &report->findings[i];
        if (ftf_report_is_blamed(finding)) {
            continue;
        }
        if (!any) {
            ftf_text_printf(out, "\nnot the extension's, in %s/findings\n\n", report->folder);
        }
        any = true;
        add_row(finding, out);
        ftf_text_printf(out, "  [%s, %s]\n", finding->entry->id, finding->entry->blame);
    }
}

/* The first one is the worst and best reproduced. */
static void add_next_steps(const ftf_report *report, ftf_text *out) {
    if (report->count == 0 || !ftf_report_is_blamed(&report->findings[0])) {
        return;
    }
    ftf_text_str(out, "\nwhat happened in the first one:  ");
    ftf_report_shell_word(report->findings[0].entry->folder, out);
    ftf_text_str(out, report->findings[0].explain.data ? "/explain.txt\n" : "/report.txt\n");
    ftf_text_str(out, "issue texts to paste upstream:   build/ftfuzz report ");
    ftf_report_shell_word(report->folder, out);
    ftf_text_str(out, " --format markdown --output issues\n");
}

void ftf_report_text(const ftf_report *report, ftf_text *out) {
    add_heading(report, out);
    add_campaign(report, out);
    add_counts(report, out);
    add_damaged(report, out);
    add_blamed(report, out);
    add_others(report, out);
    add_next_steps(report, out);
}
