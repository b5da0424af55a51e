#include "findings/report_parts.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "findings/folder.h"

/* ---- words ------------------------------------------------------------------------------------------------------- */

bool ftf_report_is_blamed(const ftf_report_finding *finding) { return strcmp(finding->entry->blame, "extension") == 0; }

void ftf_report_plural(size_t count, const char *one, ftf_text *out) {
    size_t len = strlen(one);
    bool hiss = len > 2 && strcmp(one + len - 2, "ch") == 0;
    ftf_text_printf(out, "%zu %s%s", count, one, count == 1 ? "" : hiss ? "es" : "s");
}

void ftf_report_rate(const ftf_report_finding *finding, ftf_text *out) {
    const ftf_entry *e = finding->entry;
    if (!e->measured) {
        ftf_text_str(out, "not replayed");
        return;
    }
    ftf_text_printf(out, "%u/%u%s", e->replay.k, e->replay.n, e->replay.sequence > 1 ? " (seq.)" : "");
}

/* "3/10"; false when this was not measured. */
static bool add_rate(const json_t *rate, ftf_text *out) {
    uint64_t n = ftf_json_number(rate, "n");
    if (n > 0) {
        ftf_text_printf(out, "%" PRIu64 "/%" PRIu64, ftf_json_number(rate, "k"), n);
    }
    return n > 0;
}

void ftf_report_gil(const ftf_report_finding *finding, ftf_text *out) {
    const json_t *gil = json_object_get(finding->json, "gil");
    const char *label = ftf_json_text(gil, "label");
    if (!label[0]) {
        return;
    }
    ftf_text rate = {0};
    ftf_text_str(out, label);
    if (add_rate(json_object_get(gil, "with_gil"), &rate)) {
        ftf_text_printf(out, " (%s with it", rate.data);
        ftf_text_clear(&rate);
        if (add_rate(json_object_get(gil, "without_gil"), &rate)) {
            ftf_text_printf(out, ", %s without", rate.data);
        }
        ftf_text_char(out, ')');
    }
    ftf_text_release(&rate);
}

void ftf_report_minimized(const ftf_report_finding *finding, ftf_text *out) {
    const json_t *minimized = json_object_get(finding->json, "minimized");
    if (!json_is_object(minimized)) {
        return;
    }
    bool halfway = json_is_false(json_object_get(minimized, "finished"));
    ftf_text_str(out, halfway ? "minimized so far to " : "minimized to ");
    ftf_report_plural((size_t)ftf_json_number(minimized, "lanes"), "lane", out);
    ftf_text_str(out, ", ");
    ftf_report_plural((size_t)ftf_json_number(minimized, "ops"), "op", out);
    ftf_text_str(out, ", ");
    ftf_report_plural((size_t)ftf_json_number(minimized, "switches"), "switch", out);
}

void ftf_report_repro(const ftf_report_finding *finding, ftf_text *out) {
    const json_t *repro = json_object_get(finding->json, "repro");
    const json_t *sanitizer = json_object_get(repro, "sanitizer");
    ftf_text plain = {0}, other = {0};
    bool has_plain = add_rate(json_object_get(repro, "plain"), &plain), has_other = add_rate(sanitizer, &other);
    if (has_plain) {
        ftf_text_printf(out, "repro.py shows it %s on a plain build", plain.data);
    }
    if (has_other) {
        ftf_text_printf(out, "%s%s with %s", has_plain ? ", " : "repro.py shows it ", other.data,
                        ftf_json_text(sanitizer, "flavour"));
    }
    ftf_text_release(&plain);
    ftf_text_release(&other);
}

const char *ftf_report_sanitizer(const char *flavour) {
    if (strcmp(flavour, "tsan") == 0) {
        return "ThreadSanitizer";
    }
    return strcmp(flavour, "asan") == 0 ? "AddressSanitizer" : flavour;
}

void ftf_report_shell_word(const char *path, ftf_text *out) {
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+=@%";
    if (path[0] != '\0' && path[strspn(path, PLAIN)] == '\0') {
        ftf_text_str(out, path);
        return;
    }
    ftf_text_char(out, '\'');
    for (const char *c = path; *c; c++) {
        if (*c == '\'') {
            ftf_text_str(out, "'\\''");
        } else {
            ftf_text_char(out, *c);
        }
    }
    ftf_text_char(out, '\'');
}

void ftf_report_set(json_t *object, const char *key, json_t *value) {
    int failed = json_object_set_new(object, key, value);
    FTF_ASSERT(failed == 0);
}

void ftf_report_set_number(json_t *object, const char *key, uint64_t number) {
    ftf_report_set(object, key, json_integer((json_int_t)number));
}

json_t *ftf_report_string(const char *text) {
    json_t *json = json_string(text);
    if (json) {
        return json;
    }
    char *clean = strdup(text);
    FTF_ASSERT(clean);
    for (char *c = clean; *c; c++) {
        if ((unsigned char)*c >= 0x80) {
            *c = '?';
        }
    }
    json = json_string(clean);
    FTF_ASSERT(json);
    free(clean);
    return json;
}

/* ---- counts ------------------------------------------------------------------------------------------------------ */

static ftf_report_tally *find_tally(ftf_report_tally *tallies, size_t count, const ftf_entry *e) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tallies[i].blame, e->blame) == 0 && strcmp(tallies[i].kind, e->kind) == 0) {
            return &tallies[i];
        }
    }
    return NULL;
}

ftf_report_tally *ftf_report_count(const ftf_report *report, size_t *count) {
    ftf_report_tally *tallies = calloc(report->count + 1, sizeof *tallies);
    FTF_ASSERT(tallies);
    *count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const ftf_entry *e = report->findings[i].entry;
        ftf_report_tally *tally = find_tally(tallies, *count, e);
        if (!tally) {
            tally = &tallies[(*count)++];
            *tally = (ftf_report_tally){.blame = e->blame, .kind = e->kind};
        }
        tally->count++;
        tally->reproduced += e->measured && e->replay.k > 0;
    }
    return tallies;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

size_t ftf_report_stack_count(const ftf_report_finding *finding) {
    return json_array_size(json_object_get(finding->json, "stacks"));
}

/* -1 where it is missing or out of reason. */
static int small_number(const json_t *json, const char *key) {
    const json_t *value = json_object_get(json, key);
    json_int_t number = json_integer_value(value);
    return json_is_integer(value) && number >= 0 && number < INT32_MAX ? (int)number : -1;
}

ftf_report_stack ftf_report_stack_at(const ftf_report_finding *finding, size_t index) {
    const json_t *json = json_array_get(json_object_get(finding->json, "stacks"), index);
    ftf_report_stack stack = {
        .role = ftf_json_text(json, "role"),
        .line = ftf_json_text(json, "text"),
        .waits = ftf_json_text(json, "waits"),
        .python = ftf_json_text(json, "python"),
        .lane = small_number(json, "lane"),
        .op = small_number(json, "op"),
        .size = (unsigned)ftf_json_number(json, "size"),
        .counts = json_is_true(json_object_get(json, "signature")),
        .frames = json_object_get(json, "frames"),
    };
    int top = small_number(json, "top");
    stack.frame_count = json_array_size(stack.frames);
    stack.top = top >= 0 ? json_array_get(stack.frames, (size_t)top) : NULL;
    stack.top_index = stack.top ? top : -1;
    return stack;
}

size_t ftf_report_stack_main(const ftf_report_finding *finding) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < ftf_report_stack_count(finding); i++) {
        ftf_report_stack stack = ftf_report_stack_at(finding, i);
        if (!stack.counts || !stack.top) {
            continue;
        }
        if (strcmp(ftf_json_text(stack.top, "sort"), "extension") == 0) {
            return i;
        }
        first = first == SIZE_MAX ? i : first;
    }
    return first;
}

bool ftf_report_frame_quiet(const ftf_report_stack *stack, size_t index) {
    const char *sort = ftf_json_text(json_array_get(stack->frames, index), "sort");
    if ((int)index == stack->top_index) {
        return false;
    }
    bool outer_helper = strcmp(sort, "helper") == 0 && stack->top_index >= 0 && (int)index > stack->top_index;
    return outer_helper || strcmp(sort, "plumbing") == 0 || strcmp(sort, "harness") == 0 ||
           strcmp(sort, "runtime") == 0;
}

void ftf_report_stack_heading(const ftf_report_stack *stack, ftf_text *out) {
    if (stack->lane >= 0) {
        ftf_text_printf(out, "lane %d ", stack->lane);
    } else {
        ftf_text_str(out, "a thread ");
    }
    ftf_text_str(out, ftf_finding_role_text(stack->role));
    if (stack->size > 0) {
        ftf_text_printf(out, ", %u byte%s", stack->size, stack->size == 1 ? "" : "s");
    }
    if (stack->line[0]) {
        ftf_text_printf(out, ", in its line %d: %s", stack->op + 1, stack->line);
    }
}
