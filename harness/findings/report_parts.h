#ifndef FTF_FINDINGS_REPORT_PARTS_H
#define FTF_FINDINGS_REPORT_PARTS_H
/*
 * What the formats of a report have in common: words for the figures of a finding, and its stacks as
 * finding.json has them. Only report_*.c and the documents of cli/check.h include this.
 *
 * The words are put together once, because they are promises: "replayed 20/20" in a terminal and in an issue
 * must mean the same, and a figure that was not measured must nowhere look like one that was.
 *
 * Ownership: views point into the report. Threads: no state.
 */
#include <stdbool.h>

#include "findings/report.h"

/* ---- words ------------------------------------------------------------------------------------------------------- */

bool ftf_report_is_blamed(const ftf_report_finding *finding); /* on the extension */

/* "20/20", "20/20 (seq.)" or "not replayed". */
void ftf_report_rate(const ftf_report_finding *finding, ftf_text *out);

/* "only without the GIL (0/20 with it)"; nothing when the control run was not made. */
void ftf_report_gil(const ftf_report_finding *finding, ftf_text *out);

/* "minimized to 2 lanes, 3 ops, 1 switch", "so far" while that is not finished; nothing when it was not begun. */
void ftf_report_minimized(const ftf_report_finding *finding, ftf_text *out);

/* "repro.py shows it 3/10 on a plain build, 10/10 with asan"; nothing when it was not measured. */
void ftf_report_repro(const ftf_report_finding *finding, ftf_text *out);

/* "ThreadSanitizer" for "tsan"; a flavour that is none of ours as it is. */
const char *ftf_report_sanitizer(const char *flavour);

/* The path as one word of a shell's command line. */
void ftf_report_shell_word(const char *path, ftf_text *out);

/* "1 finding", "3 findings". */
void ftf_report_plural(size_t count, const char *one, ftf_text *out);

/* A string for JSON. A path may hold any bytes: where they are no UTF-8, those beyond ASCII become question
   marks. */
json_t *ftf_report_string(const char *text);

/* ---- counts ------------------------------------------------------------------------------------------------------ */

/* How many findings of one kind have one blame, and how many of them came again. */
typedef struct ftf_report_tally {
    const char *blame, *kind;
    size_t count, reproduced;
} ftf_report_tally;

/* In the report's order. The caller frees the array. */
ftf_report_tally *ftf_report_count(const ftf_report *report, size_t *count);

/* Set a member of a JSON object: to a new reference, which is taken, and to a number. */
void ftf_report_set(json_t *object, const char *key, json_t *value);
void ftf_report_set_number(json_t *object, const char *key, uint64_t number);

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

typedef struct ftf_report_stack {
    const char *role, *line, *waits, *python; /* "" where there is none; `line` is the op of the scenario */
    int lane, op;                             /* -1: not known */
    unsigned size;
    bool counts; /* the signature is made of it */
    size_t frame_count;
    const json_t *frames; /* {"function", "file", "line", "sort", "module", "offset"}, innermost first */
    int top_index;        /* the frame that stands for the stack; -1: there is none */
    const json_t *top;    /* that frame, or NULL */
} ftf_report_stack;

size_t ftf_report_stack_count(const ftf_report_finding *finding);
ftf_report_stack ftf_report_stack_at(const ftf_report_finding *finding, size_t index);

/* The stack to begin with: of those that count, the first whose top is the extension's, else the first.
   SIZE_MAX: none. */
size_t ftf_report_stack_main(const ftf_report_finding *finding);

/* Whether a frame says nothing about the bug: call plumbing, harness, runtime, and helpers further out than
   the top. */
bool ftf_report_frame_quiet(const ftf_report_stack *stack, size_t index);

/* "lane 0 reads, 8 bytes, in its line 2: a.append(1)" */
void ftf_report_stack_heading(const ftf_report_stack *stack, ftf_text *out);

#endif
