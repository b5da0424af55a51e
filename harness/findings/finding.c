#include "findings/finding.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "findings/known.h"
#include "findings/naming.h"
#include "findings/signature.h"
#include "oracle/kinds.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/*
 * Reading order: the ops that lanes were in, the JSON, the report.
 *
 * A finding keeps what it needs of the record, because the record's owner drops it as soon as it was filed. Function
 * and file names stay the symbolizer's, which outlives all findings.
 */

struct ftf_finding {
    ftf_record *record; /* an own copy */
    ftf_identity identity;
    uint32_t stack_count;
    ftf_named_stack *stacks;
    char *ops[FTF_STACKS_MAX]; /* the line of the scenario that the stack's lane was in; NULL: not known */
    bool has_callee;
    ftf_callee callee; /* of the first stack's line */
};

/* ---- ops --------------------------------------------------------------------------------------------------------- */

/* The line that a stack belongs to: of its lane, or of the section that only the main thread runs. */
static const ftf_op *op_of(const ftf_scenario *scenario, const ftf_record *record, const ftf_stack *stack) {
    const ftf_section *section = NULL;
    if (stack->lane >= 0 && (uint32_t)stack->lane < scenario->lane_count) {
        section = &scenario->lanes[stack->lane];
    } else if (stack->lane < 0 && strcmp(record->section, "setup") == 0) {
        section = &scenario->setup;
    } else if (stack->lane < 0 && strcmp(record->section, "finish") == 0) {
        section = &scenario->finish;
    }
    bool known = section && stack->op >= 0 && (uint32_t)stack->op < section->count;
    return known ? &section->ops[stack->op] : NULL;
}

/* A violation's detail begins with the op as it was written, whose arguments are chance; the callee says the rest. */
static void drop_op_from_detail(ftf_finding *finding) {
    char *detail = finding->record->detail;
    size_t len = finding->ops[0] ? strlen(finding->ops[0]) : 0;
    if (detail && len > 0 && strncmp(detail, finding->ops[0], len) == 0 && strncmp(detail + len, ": ", 2) == 0) {
        memmove(detail, detail + len + 2, strlen(detail + len + 2) + 1);
    }
}

static void find_ops(ftf_finding *finding, const ftf_catalog *catalog) {
    const char *text = finding->record->scenario;
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario *scenario = FTF_NEW(arena, ftf_scenario, 1);
    if (text && ftf_scenario_parse(text, strlen(text), arena, scenario, NULL) == FTF_OK) {
        for (uint32_t i = 0; i < finding->stack_count; i++) {
            const ftf_op *op = op_of(scenario, finding->record, finding->stacks[i].raw);
            ftf_text line = {0};
            if (op) {
                ftf_op_print(scenario, op, &line);
                finding->ops[i] = line.data;
            }
            if (op && i == 0) {
                ftf_callee_describe(scenario, catalog, op, &finding->callee);
                finding->has_callee = true;
            }
        }
    }
    ftf_arena_destroy(arena);
}

/* ---- making one -------------------------------------------------------------------------------------------------- */

ftf_status ftf_finding_from_record(ftf_symbolizer *symbolizer, const ftf_catalog *catalog, const ftf_record *record,
                                   ftf_finding **out, ftf_error *err) {
    ftf_finding *finding = calloc(1, sizeof *finding);
    FTF_ASSERT(finding);
    ftf_status status = ftf_record_copy(record, &finding->record, err);
    if (status != FTF_OK) {
        free(finding);
        *out = NULL;
        return status;
    }
    finding->stack_count = finding->record->stack_count;
    finding->stacks = calloc(finding->stack_count + 1, sizeof *finding->stacks);
    FTF_ASSERT(finding->stacks);
    bool race = strcmp(record->kind, "data-race") == 0;
    for (uint32_t i = 0; i < finding->stack_count; i++) {
        ftf_stack_name(symbolizer, catalog, &finding->record->stacks[i], race, &finding->stacks[i]);
    }
    find_ops(finding, catalog);
    drop_op_from_detail(finding);
    ftf_identity_make(finding->record, finding->stacks, finding->stack_count,
                      finding->has_callee ? &finding->callee : NULL, &finding->identity);
    *out = finding;
    return FTF_OK;
}

void ftf_finding_destroy(ftf_finding *finding) {
    if (!finding) {
        return;
    }
    for (uint32_t i = 0; i < finding->stack_count; i++) {
        free(finding->ops[i]);
    }
    free(finding->stacks);
    ftf_record_destroy(finding->record);
    free(finding);
}

const char *ftf_finding_id(const ftf_finding *finding) { return finding->identity.id; }
const char *ftf_finding_kind(const ftf_finding *finding) { return finding->record->kind; }
const char *ftf_finding_signature(const ftf_finding *finding) { return finding->identity.signature; }
const char *ftf_finding_blame(const ftf_finding *finding) { return finding->identity.blame; }
const char *ftf_finding_title(const ftf_finding *finding) { return finding->identity.title; }

const char *ftf_finding_known(const ftf_finding *finding, const char *python_version) {
    return ftf_known_race(finding->record, finding->stacks, finding->stack_count, python_version);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static const char *sort_name(ftf_frame_sort sort) {
    static const char *const NAMES[] = {"extension", "interpreter", "foreign", "plumbing",
                                        "helper",    "runtime",     "harness"};
    FTF_ASSERT((size_t)sort < sizeof NAMES / sizeof *NAMES);
    return NAMES[sort];
}

static json_t *frame_to_json(const ftf_named_frame *frame) {
    char offset[24];
    (void)snprintf(offset, sizeof offset, "0x%" PRIx64, frame->offset);
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "function", frame->function, "file", frame->file, "line",
                     (int)frame->line, "sort", sort_name(frame->sort), "module", frame->module, "offset", offset);
}

static json_t *stack_to_json(const ftf_finding *finding, uint32_t index) {
    const ftf_named_stack *stack = &finding->stacks[index];
    json_t *frames = json_array();
    for (uint32_t i = 0; i < stack->count; i++) {
        (void)json_array_append_new(frames, frame_to_json(&stack->frames[i]));
    }
    bool counts = ftf_stack_counts(finding->record, finding->stacks, finding->stack_count, index);
    return json_pack("{s:s, s:i, s:i, s:s?, s:s?, s:s?, s:i, s:b, s:i, s:o}", "role", stack->raw->role, "lane",
                     stack->raw->lane, "op", stack->raw->op, "text", finding->ops[index], "waits", stack->raw->waits,
                     "python", stack->raw->python, "size", (int)stack->raw->size, "signature", counts, "top",
                     stack->top, "frames", frames);
}

json_t *ftf_finding_to_json(const ftf_finding *finding) {
    const ftf_record *record = finding->record;
    json_t *stacks = json_array();
    for (uint32_t i = 0; i < finding->stack_count; i++) {
        (void)json_array_append_new(stacks, stack_to_json(finding, i));
    }
    json_t *json = json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:s?, s:s, s:s, s:s?, s:I, s:o}", "id", finding->identity.id, "kind",
        record->kind, "severity", ftf_finding_kind_severity(record->kind), "title", finding->identity.title,
        "signature", finding->identity.signature, "blame", finding->identity.blame, "target", record->target,
        "flavour", record->flavour, "section", record->section, "detail", record->detail, "steals",
        (json_int_t)record->steals, "stacks", stacks);
    FTF_ASSERT(json);
    return json;
}

/* ---- report ------------------------------------------------------------------------------------------------------ */

const char *ftf_finding_role_text(const char *role) {
    static const char *const TEXTS[][2] = {
        {"read", "reads"},
        {"write", "writes"},
        {"atomic-read", "reads atomically"},
        {"atomic-write", "writes atomically"},
        {"freed", "freed the memory"},
        {"allocated", "had allocated the memory"},
        {"mutex", "took the lock"},
        {"created", "was created"},
        {"signal", "crashed"},
        {"call", "called"},
        {"blocked", "is blocked"},
        {"running", "runs on and on"},
        {"done", "has ended"},
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        if (strcmp(TEXTS[i][0], role) == 0) {
            return TEXTS[i][1];
        }
    }
    return role;
}

static void report_heading(const ftf_finding *finding, uint32_t index, ftf_text *out) {
    const ftf_stack *raw = finding->stacks[index].raw;
    if (raw->lane >= 0) {
        ftf_text_printf(out, "lane %d ", raw->lane);
    } else {
        ftf_text_str(out, "a thread ");
    }
    ftf_text_str(out, ftf_finding_role_text(raw->role));
    if (raw->size > 0) {
        ftf_text_printf(out, ", %u byte%s", raw->size, raw->size == 1 ? "" : "s");
    }
    if (raw->address) {
        ftf_text_printf(out, " at 0x%" PRIx64, raw->address);
    }
    if (finding->ops[index]) {
        ftf_text_printf(out, ", in its line %d: %s", raw->op + 1, finding->ops[index]);
    }
    ftf_text_str(out, "\n");
}

/* Helpers further in than the frame that stands for the stack say how it does its work; further out, nothing. */
static bool is_quiet(const ftf_named_stack *stack, uint32_t index) {
    ftf_frame_sort sort = stack->frames[index].sort;
    bool outer_helper = sort == FTF_SORT_HELPER && (int)index > stack->top;
    bool dull = sort == FTF_SORT_PLUMBING || sort == FTF_SORT_HARNESS || sort == FTF_SORT_RUNTIME;
    return (int)index != stack->top && (dull || outer_helper);
}

static void report_frame(const ftf_named_frame *frame, uint32_t number, bool top, ftf_text *out) {
    char mark = top ? '>' : frame->sort == FTF_SORT_EXTENSION ? '*' : ' ';
    ftf_text_printf(out, "  %c #%-2u %-36s ", mark, number, frame->function[0] ? frame->function : "?");
    if (frame->file[0] && frame->line > 0) {
        ftf_text_printf(out, "%s:%u\n", frame->file, frame->line);
    } else if (frame->file[0]) {
        ftf_text_printf(out, "%s\n", frame->file);
    } else {
        ftf_text_printf(out, "(%s+0x%" PRIx64 ")\n", frame->module, frame->offset);
    }
}

/* What a lane of a deadlock or hang waits for, and where it is in Python. */
static void report_wait(const ftf_stack *raw, ftf_text *out) {
    if (raw->waits) {
        ftf_text_printf(out, "    waits for %s\n", raw->waits);
    }
    if (raw->python) {
        ftf_text_str(out, "    in Python:\n");
    }
    for (const char *at = raw->python ? raw->python : "", *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        ftf_text_printf(out, "      %.*s\n", (int)(end - at), at);
    }
}

/* Runs of frames that say nothing become one line; the frame that stands for the stack is always shown. */
static void report_stack(const ftf_finding *finding, uint32_t index, ftf_text *out) {
    const ftf_named_stack *stack = &finding->stacks[index];
    report_heading(finding, index, out);
    report_wait(stack->raw, out);
    for (uint32_t i = 0; i < stack->count;) {
        uint32_t quiet = 0;
        while (i + quiet < stack->count && is_quiet(stack, i + quiet)) {
            quiet++;
        }
        if (quiet > 1) {
            ftf_text_printf(out, "    ... %u frames of calls, harness and runtime\n", quiet);
            i += quiet;
            continue;
        }
        report_frame(&stack->frames[i], i, (int)i == stack->top, out);
        i++;
    }
    if (stack->count == 0 && strcmp(stack->raw->role, "done") != 0) {
        ftf_text_str(out, "    (no stack)\n");
    }
    ftf_text_char(out, '\n');
}

void ftf_finding_report(const ftf_finding *finding, ftf_text *out) {
    const ftf_record *record = finding->record;
    const ftf_finding_kind_info *kind = ftf_finding_kind_find(record->kind);
    ftf_text_printf(out, "kind       %s%s%s%s\n", record->kind, kind ? " (" : "", kind ? kind->meaning : "",
                    kind ? ")" : "");
    ftf_text_printf(out, "signature  %s\n", finding->identity.signature);
    ftf_text_printf(out, "blame      %s\n", finding->identity.blame);
    ftf_text_printf(out, "seen in    %s, flavour %s, scenario %" PRIu64 " of its process\n",
                    record->section[0] ? record->section : "lanes", record->flavour, record->sequence);
    if (record->detail && strcmp(record->detail, record->kind) != 0) {
        ftf_text_printf(out, "detail     %s\n", record->detail);
    }
    if (finding->stack_count > 0) {
        ftf_text_str(out, "\nstacks     (> stands for the stack in the signature, * is the extension's code)\n\n");
    }
    for (uint32_t i = 0; i < finding->stack_count; i++) {
        report_stack(finding, i, out);
    }
    if (record->scenario) {
        ftf_text_printf(out, "scenario\n\n%s\n", record->scenario);
    }
    if (record->text) {
        ftf_text_printf(out, "as printed\n\n%s\n", record->text);
    }
}
