#include "findings/race_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* The words of a report, and the kind of finding it is; other reports (leaked threads, signals) are none. */
static const struct {
    const char *words, *kind;
} kinds[] = {
    {"ThreadSanitizer: data race", "data-race"},
    {"ThreadSanitizer: heap-use-after-free", "use-after-free"},
    {"ThreadSanitizer: lock-order-inversion", "lock-order"},
    {"ThreadSanitizer: destroy of a locked mutex", "lock-misuse"},
    {"ThreadSanitizer: double lock of a mutex", "lock-misuse"},
    {"ThreadSanitizer: use of an invalid mutex", "lock-misuse"},
    {"ThreadSanitizer: unlock of an unlocked mutex", "lock-misuse"},
};

static const char *line_end(const char *at, const char *end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline != NULL ? newline : end;
}

static bool has(const char *line, const char *stop, const char *words) {
    return memmem(line, (size_t)(stop - line), words, strlen(words)) != NULL;
}

/* What the line above a stack says about it; NULL: the stack tells nothing about the trouble. */
static const char *role_of(const char *line, const char *stop) {
    bool atomic = has(line, stop, "atomic ");
    if (has(line, stop, "ead of size ")) {
        return atomic ? "atomic-read" : "read";
    }
    if (has(line, stop, "rite of size ")) {
        return atomic ? "atomic-write" : "write";
    }
    return has(line, stop, " acquired here") ? "mutex" : NULL;
}

/* `    #3 0x55fd0915e5f1 (/path/module+0x4f5f1)` */
static bool is_frame(const char *line, const char *stop) {
    size_t blanks = strspn(line, " ");
    return line + blanks + 1 < stop && line[blanks] == '#' && line[blanks + 1] >= '0' && line[blanks + 1] <= '9';
}

static void add_frame(ftf_stack *stack, const char *line, const char *stop) {
    const char *open = memchr(line, '(', (size_t)(stop - line));
    const char *plus = open != NULL ? memmem(open, (size_t)(stop - open), "+0x", 3) : NULL;
    for (const char *more = plus; more != NULL;) { /* a file's name may hold one, too */
        plus = more;
        more = memmem(plus + 1, (size_t)(stop - plus - 1), "+0x", 3);
    }
    if (plus != NULL && stack->frame_count < FTF_FRAMES_MAX) {
        ftf_frame *frame = &stack->frames[stack->frame_count++];
        frame->module = strndup(open + 1, (size_t)(plus - open - 1));
        FTF_ASSERT(frame->module != NULL);
        frame->offset = strtoull(plus + 1, NULL, 16);
    }
}

static ftf_stack *add_stack(ftf_record *record, const char *role) {
    if (role == NULL || record->stack_count == FTF_STACKS_MAX) {
        return NULL;
    }
    ftf_stack *stack = &record->stacks[record->stack_count++];
    bool freed = record->stack_count == 2 && strcmp(record->kind, "use-after-free") == 0; /* shown as a write */
    (void)snprintf(stack->role, sizeof stack->role, "%s", freed ? "freed" : role);
    stack->lane = stack->op = -1;
    return stack;
}

static const char *parse_stacks(const char *at, const char *end, ftf_record *record) {
    ftf_stack *stack = NULL;
    const char *role = NULL;
    bool inside = false;
    while (at < end) {
        const char *stop = line_end(at, end);
        if (has(at, stop, "SUMMARY: ") || has(at, stop, "WARNING: ThreadSanitizer: ")) {
            return at;
        }
        if (is_frame(at, stop)) {
            stack = inside ? stack : add_stack(record, role);
            inside = true;
            if (stack != NULL) {
                add_frame(stack, at, stop);
            }
        } else {
            role = role_of(at, stop);
            inside = false;
        }
        at = stop < end ? stop + 1 : end;
    }
    return at;
}

const char *ftf_race_text_next(const char *at, const char *end, ftf_record *record) {
    while (at < end) {
        const char *stop = line_end(at, end), *next = stop < end ? stop + 1 : end;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (has(at, stop, kinds[i].words) && has(at, stop, "WARNING: ")) {
                (void)snprintf(record->kind, sizeof record->kind, "%s", kinds[i].kind);
                return parse_stacks(next, end, record);
            }
        }
        at = next;
    }
    return NULL;
}
