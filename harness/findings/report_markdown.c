/*
 * The report as issue texts: one for each finding, written for a maintainer who has never heard of ftfuzz.
 * What happens comes first, then how sure it is, then what to run; the stacks are last. No path of this
 * machine is in it beyond what the person gave as the campaign's folder.
 *
 * Reading order: Markdown itself, the sentences, the sections, the list of all.
 */
#include "findings/report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "findings/folder.h"
#include "findings/report_parts.h"
#include "oracle/kinds.h"

enum {
    FRAMES_SHOWN = 10,      /* of each stack: where a bug is, is in its innermost frames */
    FILE_LINES_SHOWN = 400, /* of an embedded file: trackers refuse issues of more than 64 KiB */
};

/* ---- Markdown ---------------------------------------------------------------------------------------------------- */

/* Names of C functions are full of underscores, which would become emphasis. */
static void add_escaped(const char *text, ftf_text *out) {
    for (const char *c = text; *c; c++) {
        if (strchr("\\`*_<>[]|#~", *c)) {
            ftf_text_char(out, '\\');
        }
        ftf_text_char(out, *c == '\n' ? ' ' : *c);
    }
}

/* The longest run of backticks in the text: a fence has to be longer. */
static size_t longest_ticks(const char *text) {
    size_t longest = 0, run = 0;
    for (const char *c = text; *c; c++) {
        run = *c == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* `lines_max` lines of the text in a block of code; says how many were left out. */
static void add_code(const char *language, const char *text, size_t lines_max, ftf_text *out) {
    size_t ticks = longest_ticks(text), lines = 0, left = 0;
    const char *end = text;
    for (const char *c = text; *c; c++) {
        lines += *c == '\n';
        end = lines < lines_max || (lines == lines_max && *c == '\n' && left == 0) ? c + 1 : end;
        left += *c == '\n' && lines > lines_max;
    }
    ticks = ticks >= 3 ? ticks + 1 : 3;
    ftf_text fence = {0};
    for (size_t i = 0; i < ticks; i++) {
        ftf_text_char(&fence, '`');
    }
    ftf_text_printf(out, "%s%s\n", fence.data, language);
    ftf_text_add(out, text, (size_t)(end - text));
    if (end == text || end[-1] != '\n') {
        ftf_text_char(out, '\n');
    }
    ftf_text_printf(out, "%s\n", fence.data);
    if (left > 0) {
        ftf_text_printf(out, "\n(%zu more lines are left out here.)\n", left);
    }
    ftf_text_release(&fence);
}

/* ---- sentences --------------------------------------------------------------------------------------------------- */

/* scenario.ft may hold a sequence; the last scenario is the one that shows the finding. */
static const char *last_scenario(const ftf_report_finding *finding) {
    const char *text = finding->scenario.data ? finding->scenario.data : "", *last = text;
    for (const char *at = strstr(text, "\nftfuzz 1\n"); at; at = strstr(at + 1, "\nftfuzz 1\n")) {
        last = at + 1;
    }
    return last;
}

static size_t count_lanes(const char *scenario) {
    size_t lanes = 0;
    for (const char *at = scenario; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        size_t word = strcspn(at, " \n");
        lanes += word == strlen("thread") && strncmp(at, "thread", word) == 0;
    }
    return lanes;
}

/* One sentence: under which circumstances, what kind of trouble, where. */
static void add_what_happens(const ftf_report_finding *finding, ftf_text *out) {
    const ftf_entry *e = finding->entry;
    const ftf_finding_kind_info *info = ftf_finding_kind_find(e->kind);
    const char *colon = strstr(e->title, ": "), *where = colon ? colon + 2 : e->title;
    ftf_text sentence = {0};
    if (strcmp(e->kind, "gil-not-declared") != 0) {
        size_t lanes = count_lanes(last_scenario(finding));
        ftf_text_printf(&sentence,
                        lanes == 1 ? "when one thread uses %s on a free-threaded build, "
                                   : "when several threads use %s at once on a free-threaded build, ",
                        e->target);
    }
    ftf_text_printf(&sentence, "%s%s%s.", info ? info->meaning : "", info && where[0] ? ": " : "", where);
    sentence.data[0] = (char)toupper((unsigned char)sentence.data[0]);
    add_escaped(sentence.data, out);
    ftf_text_str(out, "\n\n");
    ftf_text_release(&sentence);
}

/* How sure it is. A rate is what was measured; where nothing was, that is said. */
static void add_certainty(const ftf_report_finding *finding, ftf_text *out) {
    const ftf_entry *e = finding->entry;
    const ftf_replay *r = &e->replay;
    if (!e->measured) {
        ftf_text_printf(out, "It was seen %" PRIu64 " time%s while fuzzing and has **not been replayed** yet.",
                        e->count, e->count == 1 ? "" : "s");
    } else if (r->k == 0) {
        ftf_text_printf(out,
                        "It was seen %" PRIu64
                        " time%s while fuzzing, but **did not show again** in %u fresh process%s: "
                        "the scenario below is where it was seen, not a reproducer.",
                        e->count, e->count == 1 ? "" : "s", r->n, r->n == 1 ? "" : "es");
    } else {
        ftf_text_printf(out, "The scenario below showed it again in **%u of %u** fresh process%s.", r->k, r->n,
                        r->n == 1 ? "" : "es");
    }
    if (e->measured && r->k > 0 && r->steals > 0) {
        ftf_text_str(out, " Part of its timing is not under control, so another machine may give another rate.");
    }
    if (!ftf_report_is_blamed(finding)) {
        ftf_text_printf(out, " The code at fault is not the extension's: ftfuzz blames `%s`.", e->blame);
    }
    ftf_text_str(out, "\n\n");
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static void add_fact(const char *name, const char *value, ftf_text *out) {
    if (value[0]) {
        ftf_text_printf(out, "* %s: ", name);
        add_escaped(value, out);
        ftf_text_char(out, '\n');
    }
}

static void add_measured_fact(const char *name, void (*part)(const ftf_report_finding *, ftf_text *),
                              const ftf_report_finding *finding, ftf_text *out) {
    ftf_text value = {0};
    part(finding, &value);
    add_fact(name, value.data ? value.data : "", out);
    ftf_text_release(&value);
}

static void add_facts(const ftf_report *report, const ftf_report_finding *finding, ftf_text *out) {
    const json_t *versions = json_object_get(finding->json, "versions");
    const char *version = ftf_json_text(versions, "target"), *python = ftf_json_text(versions, "python");
    ftf_text line = {0};
    ftf_text_printf(&line, "%s%s%s", finding->entry->target, version[0] ? " " : "", version);
    add_fact("module", line.data, out);
    ftf_text_clear(&line);
    ftf_text_printf(&line, "CPython %s, free-threaded build", python[0] ? python : "of a version that was not noted");
    add_fact("interpreter", line.data, out);
    add_fact("compiler", ftf_json_text(versions, "compiler"), out);
    add_fact("found with", ftf_report_sanitizer(finding->entry->flavour), out);
    add_fact("kind", finding->entry->kind, out);
    add_measured_fact("GIL", ftf_report_gil, finding, out);
    add_measured_fact("stand-alone script", ftf_report_repro, finding, out);
    ftf_text_printf(out, "* signature: `%s`\n", finding->entry->signature);
    if (strcmp(ftf_json_text(finding->json, "detail"), finding->entry->kind) != 0) {
        add_fact("detail", ftf_json_text(finding->json, "detail"), out);
    }
    ftf_text_printf(out, "* found by: ftfuzz %s\n\n", report->version);
    ftf_text_release(&line);
}

static void add_file(const char *heading, const char *language, const ftf_text *file, ftf_text *out) {
    if (file->data && file->len > 0) {
        ftf_text_printf(out, "### %s\n\n", heading);
        add_code(language, file->data, FILE_LINES_SHOWN, out);
        ftf_text_char(out, '\n');
    }
}

/* A scenario alone is enough where nothing ran before it and its target's name says what the campaign was
   given. */
static void add_how(const ftf_report *report, const ftf_report_finding *finding, ftf_text *out) {
    const ftf_entry *e = finding->entry;
    bool alone = e->replay.sequence <= 1 && strcmp(ftf_json_text(report->campaign, "target"), e->target) == 0;
    ftf_text command = {0};
    if (alone) {
        ftf_text_str(out, "With ftfuzz, the scenario saved as `finding.ft`:\n\n");
        ftf_text_printf(&command, "build/ftfuzz replay finding.ft --flavour %s -n 20", e->flavour);
    } else {
        ftf_text_str(out, "With ftfuzz, in the folder that it was found from:\n\n");
        ftf_text_str(&command, "build/ftfuzz replay ");
        ftf_report_shell_word(e->folder, &command);
    }
    add_code("sh", command.data, 1, out);
    ftf_text_char(out, '\n');
    ftf_text_release(&command);
}

static void add_scenario(const ftf_report *report, const ftf_report_finding *finding, ftf_text *out) {
    if (finding->scenario.len == 0) {
        ftf_text_str(out, "### Scenario\n\nscenario.ft is missing or too long to be shown.\n\n");
        return;
    }
    bool minimized = json_is_object(json_object_get(finding->json, "minimized"));
    ftf_text words = {0};
    ftf_report_minimized(finding, &words);
    ftf_text_printf(out, "### Scenario (%s)\n\n", minimized ? words.data : "not minimized");
    ftf_text_release(&words);
    if (finding->entry->replay.sequence > 1) {
        ftf_text_str(out, "It needs what is left behind in the process by ");
        ftf_report_plural(finding->entry->replay.sequence - 1, "earlier scenario", out);
        ftf_text_str(out, ", which `scenario.ft` has, too; this is the last one.\n\n");
    }
    add_code("python", last_scenario(finding), FILE_LINES_SHOWN, out);
    ftf_text_str(
        out, "\nEach `thread` is a lane, with a thread of its own; all share what `setup` made. Lanes and ops "
             "count from 0: in a schedule, `0:1.12>2` hands over from lane 0 to lane 2 at the 12th point of lane 0's "
             "op 1, its second line, and `0:12>2` at the 12th point of the whole lane. A point is an access to "
             "memory, a call that blocks, or the boundary between two ops. ");
    add_how(report, finding, out);
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

static void add_frame(const ftf_report_stack *stack, const json_t *frame, size_t number, ftf_text *out) {
    const char *function = ftf_json_text(frame, "function"), *file = ftf_json_text(frame, "file");
    const char *module = strrchr(ftf_json_text(frame, "module"), '/');
    bool here = file[0] && file[0] != '/';
    ftf_text_printf(out, " %c #%-2zu %-36s ", frame == stack->top ? '>' : ' ', number, function[0] ? function : "?");
    ftf_text_str(out, here ? file : module ? module + 1 : "");
    if (here && ftf_json_number(frame, "line") > 0) {
        ftf_text_printf(out, ":%" PRIu64, ftf_json_number(frame, "line"));
    }
    ftf_text_char(out, '\n');
}

/* The innermost frames that say something, and the one that stands for the stack in any case. */
static void add_frames(const ftf_report_stack *stack, ftf_text *out) {
    size_t shown = 0;
    bool gap = false;
    for (size_t i = 0; i < stack->frame_count; i++) {
        const json_t *frame = json_array_get(stack->frames, i);
        bool enough = shown >= FRAMES_SHOWN && frame != stack->top;
        if (enough || ftf_report_frame_quiet(stack, i)) {
            gap = true;
            continue;
        }
        if (gap) {
            ftf_text_str(out, "   ...\n");
        }
        gap = false;
        add_frame(stack, frame, i, out);
        shown++;
    }
}

static void add_stack(const ftf_report_stack *stack, ftf_text *out) {
    if (out->len > 0) {
        ftf_text_char(out, '\n');
    }
    ftf_report_stack_heading(stack, out);
    ftf_text_char(out, '\n');
    if (stack->waits[0]) {
        ftf_text_printf(out, "   waits for %s\n", stack->waits);
    }
    for (const char *at = stack->python; *at;) {
        size_t len = strcspn(at, "\n");
        ftf_text_printf(out, "   %.*s\n", (int)len, at);
        at += len + (at[len] == '\n');
    }
    add_frames(stack, out);
}

/* Those that the signature is made of, and who owned the memory. */
static void add_stacks(const ftf_report_finding *finding, ftf_text *out) {
    ftf_text stacks = {0};
    for (size_t i = 0; i < ftf_report_stack_count(finding); i++) {
        ftf_report_stack stack = ftf_report_stack_at(finding, i);
        bool owner = strcmp(stack.role, "freed") == 0 || strcmp(stack.role, "allocated") == 0;
        if (stack.frame_count > 0 && (stack.counts || owner)) {
            add_stack(&stack, &stacks);
        }
    }
    if (stacks.len > 0) {
        ftf_text_str(out, "### Stacks, shortened (`>` marks where it happens)\n\n");
        add_code("", stacks.data, SIZE_MAX, out);
    }
    ftf_text_release(&stacks);
}

void ftf_report_issue(const ftf_report *report, size_t index, ftf_text *out) {
    const ftf_report_finding *finding = &report->findings[index];
    bool measured = json_is_object(json_object_get(finding->json, "repro"));
    ftf_text_str(out, "# ");
    add_escaped(finding->entry->title, out);
    ftf_text_str(out, "\n\n");
    add_what_happens(finding, out);
    add_certainty(finding, out);
    add_facts(report, finding, out);
    add_file(measured ? "Script that needs nothing but Python"
                      : "Script that needs nothing but Python (its rate was not measured)",
             "python", &finding->repro, out);
    add_scenario(report, finding, out);
    add_file("What happened, step by step", "", &finding->explain, out);
    add_stacks(finding, out);
}

/* ---- the list of all --------------------------------------------------------------------------------------------- */

static void add_index_part(const ftf_report *report, bool blamed, ftf_text *out) {
    bool any = false;
    for (size_t i = 0; i < report->count; i++) {
        const ftf_report_finding *finding = &report->findings[i];
        if (ftf_report_is_blamed(finding) != blamed) {
            continue;
        }
        if (!any) {
            ftf_text_printf(out, "\n## %s\n\n| kind | replayed | with | seen | what |\n|---|---|---|---|---|\n",
                            blamed ? "Blamed on the extension" : "Not the extension's");
        }
        any = true;
        ftf_text_printf(out, "| %s | ", finding->entry->kind);
        ftf_report_rate(finding, out);
        ftf_text_printf(out, " | %s | %" PRIu64 " | [", finding->entry->flavour, finding->entry->count);
        add_escaped(finding->entry->title, out);
        ftf_text_printf(out, "](%s.md)%s%s |\n", finding->entry->id, blamed ? "" : ", ",
                        blamed ? "" : finding->entry->blame);
    }
}

void ftf_report_issue_index(const ftf_report *report, ftf_text *out) {
    ftf_text_str(out, "# Findings of ftfuzz in ");
    add_escaped(report->folder, out);
    ftf_text_str(out, "\n");
    if (report->count == 0) {
        ftf_text_str(out, "\nNone.\n");
    }
    add_index_part(report, true, out);
    add_index_part(report, false, out);
    for (size_t i = 0; i < report->damaged_count; i++) {
        ftf_text_str(out, i == 0 ? "\n## Left out, because it cannot be read\n\n* " : "* ");
        add_escaped(report->damaged[i].folder, out);
        ftf_text_str(out, ": ");
        add_escaped(report->damaged[i].reason, out);
        ftf_text_char(out, '\n');
    }
}
