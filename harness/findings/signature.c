#include "findings/signature.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Reading order: which stacks count, blame, signature, title. */

static bool is_role(const ftf_named_stack *stack, const char *role) { return strcmp(stack->raw->role, role) == 0; }

static bool is_access(const ftf_named_stack *stack) {
    return is_role(stack, "read") || is_role(stack, "write") || is_role(stack, "atomic-read") ||
           is_role(stack, "atomic-write");
}

static bool is_kind(const ftf_record *record, const char *kind) { return strcmp(record->kind, kind) == 0; }

/* ---- which stacks count ------------------------------------------------------------------------------------------ */

/* How many of the stacks before `index` have one of the roles that `wanted` accepts. */
static uint32_t before(const ftf_named_stack *stacks, uint32_t index, bool (*wanted)(const ftf_named_stack *)) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < index; i++) {
        n += wanted(&stacks[i]);
    }
    return n;
}

static bool is_place(const ftf_named_stack *stack) { return is_access(stack) || is_role(stack, "signal"); }
static bool is_freed(const ftf_named_stack *stack) { return is_role(stack, "freed"); }
/* A lane that is done, or not started, is parked in our own code; it says nothing about who waits for whom. */
static bool is_parked(const ftf_named_stack *stack) {
    ftf_frame_sort sort = stack->top >= 0 ? stack->frames[stack->top].sort : FTF_SORT_HARNESS;
    return sort == FTF_SORT_HARNESS || sort == FTF_SORT_RUNTIME;
}

static bool is_blocked(const ftf_named_stack *stack) { return is_role(stack, "blocked") && !is_parked(stack); }
static bool is_running(const ftf_named_stack *stack) { return is_role(stack, "running") && !is_parked(stack); }
/* The lane that found out about a deadlock runs our code to say so; it is one of those that wait. */
static bool is_stuck(const ftf_named_stack *stack) { return is_blocked(stack) || is_running(stack); }
static bool is_mutex(const ftf_named_stack *stack) { return is_role(stack, "mutex"); }

bool ftf_stack_counts(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count, uint32_t index) {
    const ftf_named_stack *stack = &stacks[index];
    if (stack->count == 0) {
        return false;
    }
    if (is_kind(record, "data-race")) {
        return is_access(stack) && before(stacks, index, is_access) < 2;
    }
    if (is_kind(record, "hang") && before(stacks, count, is_running) > 0) {
        return is_running(stack) && before(stacks, index, is_running) == 0; /* the others only wait for their turn */
    }
    if (is_kind(record, "deadlock") || is_kind(record, "hang")) {
        return is_stuck(stack) && before(stacks, index, is_stuck) < FTF_PAIR_MAX;
    }
    if (is_kind(record, "lock-order") && before(stacks, count, is_mutex) > 0) {
        return is_mutex(stack) && before(stacks, index, is_mutex) < FTF_PAIR_MAX;
    }
    if (is_freed(stack)) {
        bool pair = is_kind(record, "use-after-free") || is_kind(record, "double-free");
        return pair && before(stacks, index, is_freed) == 0;
    }
    /* One place; a record that only knows other roles (a UBSan line seen by a live worker) gives its first stack. */
    if (before(stacks, count, is_place) == 0) {
        return index == 0;
    }
    return is_place(stack) && before(stacks, index, is_place) == 0;
}

/* The special case of signature.h: nothing but call plumbing between the trouble and us. */
static bool is_handed(const ftf_named_stack *stack) {
    bool known = ftf_stack_has(stack, FTF_SORT_EXTENSION) || ftf_stack_has(stack, FTF_SORT_INTERPRETER) ||
                 ftf_stack_has(stack, FTF_SORT_FOREIGN);
    bool through_python = ftf_stack_has(stack, FTF_SORT_PLUMBING) || ftf_stack_has(stack, FTF_SORT_HELPER);
    return !known && through_python && ftf_stack_has(stack, FTF_SORT_HARNESS);
}

static bool is_memory_error(const ftf_record *record) {
    return is_kind(record, "use-after-free") || is_kind(record, "double-free") || is_kind(record, "segv") ||
           is_kind(record, "heap-corruption");
}

static bool is_destroyed_heap(const ftf_record *record, const ftf_named_stack *stack) {
    return is_memory_error(record) && ftf_stack_in_allocation(stack);
}

/* ---- blame ------------------------------------------------------------------------------------------------------- */

/* True when nothing but our own code (and the runtime above it) stands between the trouble and a lane. */
static bool is_ours(const ftf_named_stack *stack) {
    return stack->top >= 0 && stack->frames[stack->top].sort == FTF_SORT_HARNESS;
}

static const char *blame_of(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count,
                            const ftf_callee *callee) {
    bool extension = false, foreign = false, all_ours = true, any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!ftf_stack_counts(record, stacks, count, i)) {
            continue;
        }
        any = true;
        bool inside = stacks[i].top >= 0 && stacks[i].frames[stacks[i].top].sort == FTF_SORT_EXTENSION;
        extension = extension || inside || (is_memory_error(record) && is_handed(&stacks[i])) ||
                    is_destroyed_heap(record, &stacks[i]);
        foreign = foreign || (stacks[i].top >= 0 && stacks[i].frames[stacks[i].top].sort == FTF_SORT_FOREIGN);
        all_ours = all_ours && is_ours(&stacks[i]);
    }
    if (extension || !any) {
        return !any && callee && !callee->of_target ? "cpython" : "extension";
    }
    return all_ours ? "harness" : foreign ? "foreign" : "cpython";
}

/* ---- signature --------------------------------------------------------------------------------------------------- */

typedef struct tops {
    uint32_t count;
    char names[FTF_PAIR_MAX][FTF_FRAME_NAME_MAX];
    const ftf_named_stack *stacks[FTF_PAIR_MAX];
} tops;

static bool is_known(const tops *t, const char *name) {
    for (uint32_t i = 0; i < t->count; i++) {
        if (strcmp(t->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Two accesses by one function are a race; but whether two or three lanes wait in one function is chance. */
static void collect(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count, tops *out) {
    bool set = is_kind(record, "deadlock") || is_kind(record, "hang") || is_kind(record, "lock-order");
    out->count = 0;
    for (uint32_t i = 0; i < count && out->count < FTF_PAIR_MAX; i++) {
        char *name = out->names[out->count];
        if (!ftf_stack_counts(record, stacks, count, i) || stacks[i].top < 0) {
            continue;
        }
        if (is_destroyed_heap(record, &stacks[i])) {
            (void)snprintf(name, FTF_FRAME_NAME_MAX, "a-destroyed-heap");
        } else if (is_handed(&stacks[i])) {
            (void)snprintf(name, FTF_FRAME_NAME_MAX, "a-referenced-object");
        } else {
            ftf_frame_name(&stacks[i].frames[stacks[i].top], name);
        }
        if (!set || !is_known(out, name)) {
            out->stacks[out->count++] = &stacks[i];
        }
    }
}

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

/* The detail with what differs from run to run (numbers, addresses) as '#'. */
static void normalise(const char *detail, char *out, size_t room) {
    size_t n = 0;
    for (const char *c = detail; *c && n + 1 < room; c++) {
        bool hex = c[0] == '0' && c[1] == 'x';
        if (!isdigit((unsigned char)*c)) {
            out[n++] = *c;
            continue;
        }
        out[n++] = '#';
        c += hex ? 2 : 0;
        while (hex ? isxdigit((unsigned char)*c) : isdigit((unsigned char)*c)) {
            c++;
        }
        c--;
    }
    out[n] = '\0';
}

static void make_signature(const ftf_record *record, const tops *t, const ftf_callee *callee,
                           char out[FTF_SIGNATURE_MAX]) {
    if (t->count == 0) {
        char detail[300];
        normalise(record->detail ? record->detail : "", detail, sizeof detail);
        (void)snprintf(out, FTF_SIGNATURE_MAX, "%s %s%s%s", record->kind, callee ? callee->name : "",
                       callee ? ": " : "", detail);
        return;
    }
    char sorted[FTF_PAIR_MAX][FTF_FRAME_NAME_MAX];
    memcpy(sorted, t->names, sizeof sorted);
    qsort(sorted, t->count, sizeof sorted[0], compare_names);
    int n = snprintf(out, FTF_SIGNATURE_MAX, "%s", record->kind);
    for (uint32_t i = 0; i < t->count; i++) {
        n += snprintf(out + n, FTF_SIGNATURE_MAX - (size_t)n, "%s%s", i ? " | " : " ", sorted[i]);
    }
}

/* ---- title ------------------------------------------------------------------------------------------------------- */

static const char *function_of(const tops *t, uint32_t index) {
    const ftf_named_stack *stack = t->stacks[index];
    const char *function = stack->frames[stack->top].function;
    if (is_handed(stack) && t->count > 1) {
        return "the caller";
    }
    return function[0] ? function : "a function without a name";
}

static const char *verb_of(const ftf_named_stack *stack) {
    if (is_role(stack, "write") || is_role(stack, "atomic-write")) {
        return "writes";
    }
    return is_role(stack, "read") || is_role(stack, "atomic-read") ? "reads" : "uses";
}

static void title_of_race(const tops *t, char out[FTF_TITLE_MAX]) {
    /* The writer is the subject: it is the one that surprises the other. */
    bool swap = strcmp(verb_of(t->stacks[0]), "writes") != 0 && strcmp(verb_of(t->stacks[1]), "writes") == 0;
    uint32_t first = swap ? 1 : 0, second = swap ? 0 : 1;
    bool same = strcmp(function_of(t, first), function_of(t, second)) == 0;
    (void)snprintf(out, FTF_TITLE_MAX, "data race: %s %s what %s%s %s", function_of(t, first),
                   verb_of(t->stacks[first]), same ? "another " : "", function_of(t, second),
                   verb_of(t->stacks[second]));
}

static void title_of_block(const ftf_record *record, const tops *t, char out[FTF_TITLE_MAX]) {
    bool many = t->count > 1;
    const char *verb = is_kind(record, "hang")         ? (many ? "do not return" : "does not return")
                       : is_kind(record, "lock-order") ? (many ? "lock in opposite order" : "locks in both orders")
                                                       : (many ? "wait for ever" : "waits for ever");
    int n = snprintf(out, FTF_TITLE_MAX, "%s: ", record->kind);
    for (uint32_t i = 0; i < t->count && n < FTF_TITLE_MAX; i++) {
        n += snprintf(out + n, FTF_TITLE_MAX - (size_t)n, "%s%s", i ? " and " : "", function_of(t, i));
    }
    if (n < FTF_TITLE_MAX) {
        (void)snprintf(out + n, FTF_TITLE_MAX - (size_t)n, " %s", verb);
    }
}

/* What a message says after the words that are the same for every such message, and before its addresses. */
static void short_detail(const ftf_record *record, char out[FTF_TITLE_MAX]) {
    static const char *const LEADS[] = {"runtime error: ", "Fatal Python error: ", "Sanitizer: "};
    static const char *const TAILS[] = {" on address 0x", " on unknown address", ": 0x", " (0x"};
    const char *detail = record->detail ? record->detail : "";
    for (size_t i = 0; i < sizeof LEADS / sizeof *LEADS; i++) {
        const char *at = strstr(detail, LEADS[i]);
        detail = at ? at + strlen(LEADS[i]) : detail;
    }
    (void)snprintf(out, FTF_TITLE_MAX, "%s", detail);
    for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++) {
        char *at = strstr(out, TAILS[i]);
        if (at) {
            *at = '\0';
        }
    }
}

static void make_title(const ftf_record *record, const tops *t, const ftf_callee *callee, char out[FTF_TITLE_MAX]) {
    char detail[FTF_TITLE_MAX];
    short_detail(record, detail);
    if (t->count == 0) {
        (void)snprintf(out, FTF_TITLE_MAX, "%s%s%s: %.150s", record->kind, callee ? " in " : "",
                       callee ? callee->name : "", detail);
    } else if (is_kind(record, "data-race") && t->count == 2) {
        title_of_race(t, out);
    } else if (is_destroyed_heap(record, t->stacks[0])) {
        (void)snprintf(out, FTF_TITLE_MAX, "%s: the allocator's lists are destroyed (noticed in %s)", record->kind,
                       function_of(t, 0));
    } else if (is_memory_error(record) && is_handed(t->stacks[0])) {
        const ftf_named_frame *top = &t->stacks[0]->frames[t->stacks[0]->top];
        bool telling = top->sort == FTF_SORT_PLUMBING; /* a reference count goes wrong in the same few helpers always */
        (void)snprintf(out, FTF_TITLE_MAX, "%s: an object is gone that is still referenced%s%s%s", record->kind,
                       telling ? " (noticed in " : "", telling ? top->function : "", telling ? ")" : "");
    } else if (is_kind(record, "use-after-free") && t->count == 2) {
        (void)snprintf(out, FTF_TITLE_MAX, "use after free: %s %s memory that %s freed", function_of(t, 0),
                       verb_of(t->stacks[0]), function_of(t, 1));
    } else if (is_kind(record, "use-after-free")) {
        (void)snprintf(out, FTF_TITLE_MAX, "use after free: %s %s memory that was freed", function_of(t, 0),
                       verb_of(t->stacks[0]));
    } else if (is_kind(record, "double-free") && t->count == 2) {
        (void)snprintf(out, FTF_TITLE_MAX, "double free: %s frees what %s had freed", function_of(t, 0),
                       function_of(t, 1));
    } else if (is_kind(record, "heap-overflow") || is_kind(record, "buffer-overflow")) {
        (void)snprintf(out, FTF_TITLE_MAX, "%s: %s %s beyond its memory", record->kind, function_of(t, 0),
                       verb_of(t->stacks[0]));
    } else if (is_kind(record, "deadlock") || is_kind(record, "hang") || is_kind(record, "lock-order")) {
        title_of_block(record, t, out);
    } else if (is_kind(record, "segv") || is_kind(record, "stack-overflow")) {
        (void)snprintf(out, FTF_TITLE_MAX, "%s in %s", record->kind, function_of(t, 0));
    } else {
        (void)snprintf(out, FTF_TITLE_MAX, "%s in %.150s: %.200s", record->kind, function_of(t, 0), detail);
    }
}

void ftf_identity_make(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count,
                       const ftf_callee *callee, ftf_identity *out) {
    tops t;
    collect(record, stacks, count, &t);
    make_signature(record, &t, callee, out->signature);
    make_title(record, &t, callee, out->title);
    out->blame = blame_of(record, stacks, count, callee);
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, out->signature, strlen(out->signature));
    (void)snprintf(out->id, sizeof out->id, "%s-%08x", record->kind, (unsigned)(hash ^ (hash >> 32)));
}
