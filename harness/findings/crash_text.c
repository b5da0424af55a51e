#include "findings/crash_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/*
 * Reading order: tables (what means what), lines, frames and stacks, the headline, the cause before it.
 */

enum {
    TEXT_KEPT = 24 * 1024,      /* of the report, for report.txt */
    LINES_BEFORE_HEADLINE = 80, /* where the cause of an abort is looked for */
    DETAIL_MAX = 400,
};

typedef struct phrase {
    const char *needle;
    const char *kind;
} phrase;

/* A line that holds one of these ends the process. The first match wins, so the more telling phrase comes first. */
static const phrase HEADLINES[] = {
    {"AddressSanitizer: heap-use-after-free", "use-after-free"},
    {"AddressSanitizer: use-after-poison", "use-after-free"}, /* how mimalloc's tracking marks freed memory */
    {"AddressSanitizer: stack-use-after", "use-after-free"},
    {"AddressSanitizer: heap-buffer-overflow", "heap-overflow"},
    {"AddressSanitizer: container-overflow", "heap-overflow"},
    {"AddressSanitizer: negative-size-param", "heap-overflow"},
    {"AddressSanitizer: stack-buffer", "buffer-overflow"},
    {"AddressSanitizer: dynamic-stack-buffer-overflow", "buffer-overflow"},
    {"AddressSanitizer: global-buffer-overflow", "buffer-overflow"},
    {"AddressSanitizer: attempting double-free", "double-free"},
    {"AddressSanitizer: attempting free on address", "double-free"},
    {"AddressSanitizer: attempting to call malloc_usable_size", "double-free"},
    {"AddressSanitizer: alloc-dealloc-mismatch", "heap-corruption"},
    {"AddressSanitizer: memcpy-param-overlap", "undefined-behaviour"},
    {"AddressSanitizer: strcpy-param-overlap", "undefined-behaviour"},
    {"AddressSanitizer: requested allocation size", "out-of-memory"},
    {"AddressSanitizer: calloc parameters overflow", "out-of-memory"},
    {"AddressSanitizer: allocator is out of memory", "out-of-memory"},
    {"AddressSanitizer: out of memory", "out-of-memory"},
    {"Sanitizer: stack-overflow on address", "stack-overflow"},
    {"Sanitizer: SEGV on", "segv"},
    {"Sanitizer: BUS on", "segv"},
    {"Sanitizer: ABRT on", "abort"},
    {"Sanitizer: ILL on", "abort"},
    {"Sanitizer: FPE on", "abort"},
    {"Sanitizer: TRAP on", "abort"},
    {"AddressSanitizer: unknown-crash", "segv"},
    {"AddressSanitizer: CHECK failed", "heap-corruption"}, /* its allocator met an overwritten header */
    {"ThreadSanitizer: CHECK failed", "heap-corruption"},
    {"ERROR: libFuzzer: deadly signal", "abort"},
    {"ERROR: libFuzzer: fuzz target exited", "abort"},
};

/* What a process says before it aborts itself. These turn into the detail, and decide the kind of an abort. */
static const phrase CAUSES[] = {
    {"Fatal Python error: Segmentation fault", "segv"},
    {"Fatal Python error: Bus error", "segv"},
    {"Fatal Python error: Aborted", "abort"},
    {"Fatal Python error: ", "abort"},
    {"Assertion `", "abort"},
    {": Assertion \"", "abort"},
    {"double free or corruption", "heap-corruption"},
    {"double free detected", "heap-corruption"},
    {"free(): ", "heap-corruption"},
    {"malloc(): ", "heap-corruption"},
    {"realloc(): ", "heap-corruption"},
    {"munmap_chunk(): ", "heap-corruption"},
    {"malloc_consolidate(): ", "heap-corruption"},
    {"corrupted size vs. prev_size", "heap-corruption"},
    {"corrupted double-linked list", "heap-corruption"},
    {"mimalloc: error: ", "heap-corruption"},
    {"mimalloc: assertion failed: ", "heap-corruption"},
    {"*** stack smashing detected", "buffer-overflow"},
    {"*** buffer overflow detected", "buffer-overflow"},
    {"terminate called ", "abort"},
    {"The futex facility returned an unexpected error code", "abort"},
};

/* ---- lines ------------------------------------------------------------------------------------------------------- */

typedef struct line {
    const char *start;
    size_t len;
} line;

/* The line at *at, and *at moved behind it; false at the end. */
static bool next_line(const char **at, const char *end, line *out) {
    if (*at >= end) {
        return false;
    }
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline ? newline : end;
    *out = (line){.start = *at, .len = (size_t)(stop - *at)};
    *at = newline ? newline + 1 : end;
    return true;
}

static const char *find_in(line l, const char *needle) { return memmem(l.start, l.len, needle, strlen(needle)); }

static bool contains(line l, const char *needle) { return find_in(l, needle) != NULL; }

static const phrase *match(line l, const phrase *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (contains(l, table[i].needle)) {
            return &table[i];
        }
    }
    return NULL;
}

#define MATCH(l, table) match((l), (table), sizeof(table) / sizeof *(table))

static char *copy_line(line l, size_t bytes_max) {
    while (l.len > 0 && isspace((unsigned char)l.start[0])) {
        l.start++;
        l.len--;
    }
    char *copy = strndup(l.start, l.len < bytes_max ? l.len : bytes_max);
    FTF_ASSERT(copy);
    return copy;
}

/* ---- frames and stacks ------------------------------------------------------------------------------------------- */

static bool is_frame(line l) {
    size_t i = 0;
    while (i < l.len && l.start[i] == ' ') {
        i++;
    }
    return i + 1 < l.len && l.start[i] == '#' && isdigit((unsigned char)l.start[i + 1]);
}

/* Finds the `(module+0x12)` of a frame's line. The module's name may hold spaces and parentheses, so it is found from
   its end: the last "+0x...)" whose digits are followed by the closing parenthesis. */
static bool parse_frame(line l, ftf_frame *frame) {
    const char *open = find_in(l, "(");
    for (size_t i = l.len; open && i-- > 3;) {
        if (memcmp(l.start + i - 3, "+0x", 3) != 0 || l.start + i - 3 <= open) {
            continue;
        }
        char *after;
        char digits[20] = "";
        (void)snprintf(digits, sizeof digits, "%.*s", (int)(l.len - i), l.start + i);
        uint64_t offset = strtoull(digits, &after, 16);
        if (after == digits || *after != ')') {
            continue;
        }
        frame->module = strndup(open + 1, (size_t)(l.start + i - 3 - (open + 1)));
        FTF_ASSERT(frame->module);
        frame->offset = offset;
        return true;
    }
    return false;
}

/* Frames without a module (unmapped code, a wild jump) are kept out: they have no name in any build. */
static void add_frame(ftf_stack *stack, line l) {
    if (stack->frame_count < FTF_FRAMES_MAX && parse_frame(l, &stack->frames[stack->frame_count])) {
        stack->frame_count++;
    }
}

static ftf_stack *add_stack(ftf_record *record, const char *role) {
    if (record->stack_count == FTF_STACKS_MAX) {
        return NULL;
    }
    ftf_stack *stack = &record->stacks[record->stack_count++];
    (void)snprintf(stack->role, sizeof stack->role, "%s", role);
    stack->lane = stack->op = -1;
    return stack;
}

/* The number behind the first `key`, or -1. */
static int number_after(line l, const char *key) {
    const char *at = find_in(l, key);
    char digits[12] = "";
    if (!at) {
        return -1;
    }
    at += strlen(key);
    (void)snprintf(digits, sizeof digits, "%.*s", (int)(l.start + l.len - at), at);
    char *after;
    long value = strtol(digits, &after, 10);
    return after == digits || value < 0 || value > INT32_MAX ? -1 : (int)value;
}

static uint64_t address_after(line l, const char *key) {
    const char *at = find_in(l, key);
    char digits[20] = "";
    if (!at) {
        return 0;
    }
    at += strlen(key);
    (void)snprintf(digits, sizeof digits, "%.*s", (int)(l.start + l.len - at), at);
    return strtoull(digits, NULL, 16);
}

/* What the line above a stack says about it; NULL: the stack is not wanted, "": this line is above no stack. */
static const char *role_of(line l) {
    if (contains(l, "READ of size ")) {
        return "read";
    }
    if (contains(l, "WRITE of size ")) {
        return "write";
    }
    if (contains(l, "previously allocated by thread") || contains(l, "allocated by thread")) {
        return "allocated";
    }
    if (contains(l, "freed by thread")) {
        return "freed";
    }
    /* Where threads were created, and the frame a stack variable lives in, do not tell one bug from another. */
    if (contains(l, "created by ") || contains(l, "is located in stack of thread")) {
        return NULL;
    }
    return "";
}

/* Everything from the headline on. */
static void parse_stacks(const char *at, const char *end, line headline, ftf_record *record) {
    const char *role = "signal";
    line above = headline;
    ftf_stack *stack = NULL;
    bool inside = false;
    for (line l; next_line(&at, end, &l);) {
        if (is_frame(l)) {
            if (!inside) {
                stack = role ? add_stack(record, role) : NULL;
                if (stack) {
                    int size = number_after(above, "of size ");
                    stack->lane = number_after(above, "(lane ");
                    stack->size = size > 0 ? (uint32_t)size : 0;
                    uint64_t address = address_after(above, " at 0x");
                    stack->address = address ? address : address_after(headline, "address 0x");
                }
            }
            inside = true;
            if (stack) {
                add_frame(stack, l);
            }
            continue;
        }
        if (inside) {
            role = NULL; /* a stack that nothing introduces is none of the report's */
        }
        inside = false;
        const char *found = role_of(l);
        if (!found || found[0] != '\0') {
            role = found;
            above = l;
        }
        if (contains(l, "SUMMARY: ")) {
            return; /* what follows is shadow memory and libFuzzer's artifact */
        }
    }
}

/*
 * TSan's own form of a frame has no more than the module's last name, but its summary has a whole path. Modules of that
 * name get it; for the symbolizer a name alone is worth nothing.
 */
static void complete_modules(const char *text, const char *end, ftf_record *record) {
    for (line l; next_line(&text, end, &l);) {
        ftf_frame whole;
        if (!contains(l, "SUMMARY: ") || !contains(l, " (/") || !parse_frame(l, &whole)) {
            continue;
        }
        const char *slash = strrchr(whole.module, '/');
        const char *name = slash ? slash + 1 : whole.module;
        for (uint32_t i = 0; i < record->stack_count; i++) {
            for (uint32_t j = 0; j < record->stacks[i].frame_count; j++) {
                ftf_frame *frame = &record->stacks[i].frames[j];
                if (strcmp(frame->module, name) == 0) {
                    free(frame->module);
                    frame->module = strdup(whole.module);
                    FTF_ASSERT(frame->module);
                }
            }
        }
        free(whole.module);
        return;
    }
}

/* ---- the headline and the cause ---------------------------------------------------------------------------------- */

typedef struct finding_text {
    line headline;      /* len 0: none */
    const phrase *what; /* the headline's, else the cause's */
    line cause;         /* len 0: none */
    const phrase *why;
} finding_text;

/* The first headline, and the nearest cause before it (or in the whole text when nothing is a headline). */
static bool find_what(const char *text, const char *end, finding_text *out) {
    *out = (finding_text){0};
    int since_cause = 0;
    for (line l; next_line(&text, end, &l);) {
        since_cause++;
        const phrase *what = MATCH(l, HEADLINES);
        if (what) {
            out->headline = l;
            out->what = what;
            if (since_cause > LINES_BEFORE_HEADLINE) {
                out->cause.len = 0;
            }
            return true;
        }
        const phrase *why = MATCH(l, CAUSES);
        if (why) {
            out->cause = l;
            out->why = why;
            since_cause = 0;
        }
    }
    out->what = out->why;
    return out->what != NULL;
}

/* UBSan prints and goes on unless built to stop; such a line counts only when nothing else explains the death. */
static bool find_undefined(const char *text, const char *end, line *out) {
    bool found = false;
    for (line l; next_line(&text, end, &l);) {
        if (contains(l, ": runtime error: ")) {
            *out = l;
            found = true;
        }
    }
    return found;
}

/* "==123==ERROR: AddressSanitizer: x on address 0x.. at pc ..." without process id, addresses and registers. */
static char *headline_detail(line l) {
    const char *colon = find_in(l, "ERROR: ");
    if (colon) {
        l.len -= (size_t)(colon + 7 - l.start);
        l.start = colon + 7;
    }
    static const char *const CUTS[] = {" at pc 0x", " (pc 0x", " in thread T"};
    for (size_t i = 0; i < sizeof CUTS / sizeof *CUTS; i++) {
        const char *cut = find_in(l, CUTS[i]);
        if (cut) {
            l.len = (size_t)(cut - l.start);
        }
    }
    return copy_line(l, DETAIL_MAX);
}

static void keep_text(ftf_record *record, const char *from, const char *end) {
    size_t len = (size_t)(end - from);
    record->text = strndup(from, len < TEXT_KEPT ? len : TEXT_KEPT);
    FTF_ASSERT(record->text);
}

static void set_kind(ftf_record *record, const char *kind) {
    (void)snprintf(record->kind, sizeof record->kind, "%s", kind);
}

bool ftf_crash_text_parse(const char *text, size_t len, ftf_record *record) {
    const char *end = text + len;
    finding_text found;
    line undefined;
    if (find_what(text, end, &found)) {
        bool explained = found.cause.len > 0 && (found.headline.len == 0 || strcmp(found.what->kind, "abort") == 0);
        set_kind(record, explained ? found.why->kind : found.what->kind);
        record->detail = explained ? copy_line(found.cause, DETAIL_MAX) : headline_detail(found.headline);
        line first = found.cause.len > 0 ? found.cause : found.headline;
        keep_text(record, first.start, end);
        line above = found.headline.len > 0 ? found.headline : found.cause;
        parse_stacks(above.start + above.len, end, above, record);
        complete_modules(text, end, record);
        return true;
    }
    if (find_undefined(text, end, &undefined)) {
        set_kind(record, "undefined-behaviour");
        record->detail = copy_line(undefined, DETAIL_MAX);
        keep_text(record, undefined.start, end);
        parse_stacks(undefined.start + undefined.len, end, undefined, record);
        return true;
    }
    return false;
}

/* ---- verdicts of the watchdog ------------------------------------------------------------------------------------ */

static bool begins_with(line l, const char *prefix) {
    size_t len = strlen(prefix);
    return l.len >= len && memcmp(l.start, prefix, len) == 0;
}

static ftf_stack *add_lane(ftf_record *record, line heading) {
    const char *role = contains(heading, "(running") ? "running" : contains(heading, "(done") ? "done" : "blocked";
    ftf_stack *stack = add_stack(record, role);
    if (stack) {
        stack->lane = number_after(heading, "lane ");
        stack->op = number_after(heading, " op ");
    }
    return stack;
}

/* Appends the line, without the blanks before it. */
static void add_python(ftf_stack *stack, line l) {
    char *fresh = copy_line(l, DETAIL_MAX);
    char *both = NULL;
    int rc = asprintf(&both, "%s%s\n", stack->python ? stack->python : "", fresh);
    FTF_ASSERT(rc >= 0);
    free(stack->python);
    free(fresh);
    stack->python = both;
}

void ftf_crash_text_add_lanes(const char *text, size_t len, ftf_record *record) {
    static const char WAITS[] = "  waits for ";
    const char *end = text + len;
    ftf_stack *stack = NULL;
    for (line l; next_line(&text, end, &l);) {
        if (begins_with(l, "lane ") && l.len > 5) {
            stack = add_lane(record, l);
        } else if (!begins_with(l, "  ")) {
            stack = NULL; /* what belongs to a lane is indented */
        } else if (stack && is_frame(l)) {
            add_frame(stack, l);
        } else if (stack && begins_with(l, WAITS) && !stack->waits) {
            line what = {.start = l.start + sizeof WAITS - 1, .len = l.len - (sizeof WAITS - 1)};
            stack->waits = copy_line(what, DETAIL_MAX);
        } else if (stack && begins_with(l, "  File ")) {
            add_python(stack, l);
        }
    }
}
