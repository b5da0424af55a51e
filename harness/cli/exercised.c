/*
 * Reading order: ftf_exercised_tell at the end. First the callables; then the types, whose rows are found again by the number
 * that the map has given to an operation; then the pairs, sorted into their types.
 */
#include "cli/exercised.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "findings/report_parts.h"
#include "scenario/actions.h"

enum { NOWHERE = UINT32_MAX };

/* One operation in the document. */
typedef struct row {
    uint32_t type,
        index; /* of its type in `types`, its own among that one's operations; NOWHERE: not in the document */
    bool listed;
} row;

/* What is said about a pair; a <= b. */
typedef struct meeting {
    uint32_t type, a, b;
    uint64_t inside, around;
    const char *finding; /* NULL: this is a count */
} meeting;

typedef struct telling {
    const ftf_catalog *catalog;
    const ftf_exercise *map;
    json_t *types;
    row rows[FTF_EXERCISE_OPS]; /* by number in the map */
    meeting *meetings;
    size_t meeting_count, meeting_room;
} telling;

static void set_deed(json_t *object, const char *key, const ftf_deed *deed, const char *of) {
    ftf_text text = {0};
    ftf_deed_print(deed, of, &text);
    ftf_report_set(object, key, ftf_report_string(text.data));
    ftf_text_release(&text);
}

static void set_counts(json_t *object, const ftf_exercise_counts *counts) {
    ftf_report_set_number(object, "calls", counts->calls);
    ftf_report_set_number(object, "accepted", counts->accepted);
    ftf_report_set_number(object, "overlapped", counts->met);
}

static uint32_t number_of(const telling *t, const ftf_deed *deed, const char *type) {
    const ftf_exercise_key key = {
        .type = type, .name = deed->name, .code = (uint32_t)deed->code, .place = (uint32_t)deed->place};
    return ftf_exercise_look_up(t->map, &key);
}

static ftf_exercise_counts counts_of(const telling *t, uint32_t number) {
    return number != FTF_EXERCISE_NONE ? t->map->ops[number].counts : (ftf_exercise_counts){0};
}

/* ---- callables --------------------------------------------------------------------------------------------------- */

static const char *status_of(const ftf_callable *callable, const ftf_exercise_counts *counts) {
    if (counts->met > 0) {
        return "overlapped";
    }
    if (counts->accepted > 0) {
        return "called";
    }
    return counts->calls > 0 ? "refused" : callable->pattern_count > 0 ? "never" : "unknown";
}

static json_t *callable_to_json(const telling *t, const ftf_callable *callable) {
    bool is_method = callable->owner >= 0;
    const char *type = is_method ? t->catalog->types[callable->owner].name : "";
    const ftf_deed deed = {.code = is_method ? FTF_OP_METHOD : FTF_OP_CALL,
                           .place = is_method ? FTF_DEED_SELF : FTF_DEED_ALONE,
                           .name = callable->name};
    const ftf_exercise_counts counts = counts_of(t, number_of(t, &deed, type));
    json_t *json = json_object();
    set_deed(json, "name", &deed, type);
    ftf_report_set(json, "kind", json_string(is_method ? "method" : callable->is_type ? "type" : "function"));
    ftf_report_set(json, "native", json_boolean(callable->native));
    ftf_report_set(json, "status", json_string(status_of(callable, &counts)));
    set_counts(json, &counts);
    bool makeable = !is_method || t->catalog->types[callable->owner].make_count > 0;
    ftf_report_set(json, "reason",
                   json_string(counts.calls > 0 || makeable ? "" : "nobody knows how to make an object of its type"));
    return json;
}

static void add_not_called(json_t *list, const ftf_skip *skips, uint32_t count, const char *status) {
    for (uint32_t i = 0; i < count; i++) {
        const ftf_exercise_counts none = {0};
        json_t *json = json_object();
        ftf_report_set(json, "name", ftf_report_string(skips[i].name));
        ftf_report_set(json, "kind", json_null());
        ftf_report_set(json, "native", json_null());
        ftf_report_set(json, "status", json_string(status));
        set_counts(json, &none);
        ftf_report_set(json, "reason", ftf_report_string(skips[i].reason));
        (void)json_array_append_new(list, json);
    }
}

/* Those without an accepted call are in the catalog's list of unknown ones, too, with the reason. */
static json_t *callables_to_json(const telling *t) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < t->catalog->callable_count; i++) {
        if (t->catalog->callables[i].pattern_count > 0) {
            (void)json_array_append_new(list, callable_to_json(t, &t->catalog->callables[i]));
        }
    }
    add_not_called(list, t->catalog->unknown, t->catalog->unknown_count, "unknown");
    add_not_called(list, t->catalog->skipped, t->catalog->skip_count, "skipped");
    return list;
}

static json_t *count_statuses(const json_t *callables) {
    static const char *const statuses[] = {"overlapped", "called", "refused", "never", "unknown", "skipped"};
    json_t *counts = json_object();
    ftf_report_set_number(counts, "total", json_array_size(callables));
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        uint64_t count = 0;
        for (size_t k = 0; k < json_array_size(callables); k++) {
            const json_t *status = json_object_get(json_array_get(callables, k), "status");
            count += strcmp(json_string_value(status), statuses[i]) == 0;
        }
        ftf_report_set_number(counts, statuses[i], count);
    }
    return counts;
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static uint32_t add_type(telling *t, const char *name, bool is_public, bool builtin) {
    json_t *type = json_object();
    ftf_report_set(type, "name", ftf_report_string(name));
    ftf_report_set(type, "public", json_boolean(is_public));
    ftf_report_set(type, "builtin", json_boolean(builtin));
    ftf_report_set(type, "operations", json_array());
    ftf_report_set(type, "pairs", json_array());
    (void)json_array_append_new(t->types, type);
    return (uint32_t)json_array_size(t->types) - 1;
}

static row add_operation(telling *t, uint32_t type, const ftf_deed *deed, uint32_t number, bool listed) {
    json_t *document = json_array_get(t->types, type), *list = json_object_get(document, "operations");
    json_t *json = json_object();
    const ftf_exercise_counts counts = counts_of(t, number);
    set_deed(json, "name", deed, json_string_value(json_object_get(document, "name")));
    bool plain = deed->code == FTF_OP_METHOD && deed->place == FTF_DEED_SELF;
    if (plain) {
        ftf_report_set(json, "short", ftf_report_string(deed->name));
    } else {
        set_deed(json, "short", deed, "_");
    }
    ftf_report_set(json, "listed", json_boolean(listed));
    set_counts(json, &counts);
    (void)json_array_append_new(list, json);
    return (row){.type = type, .index = (uint32_t)json_array_size(list) - 1, .listed = listed};
}

static void add_listed(telling *t, const ftf_type *type) {
    uint32_t place = add_type(t, type->name, type->is_public, false);
    for (uint32_t i = 0; i < type->action_count; i++) {
        const ftf_deed deed = ftf_deed_of_action(t->catalog, type, &type->actions[i]);
        uint32_t number = number_of(t, &deed, type->name);
        const row added = add_operation(t, place, &deed, number, true);
        if (number != FTF_EXERCISE_NONE) {
            t->rows[number] = added;
        }
    }
    uint64_t n = type->action_count;
    ftf_report_set_number(json_array_get(t->types, place), "pair_total", n * (n + 1) / 2);
}

static int compare_types(const void *left, const void *right) {
    const ftf_type *const *a = left, *const *b = right;
    return (*a)->weight != (*b)->weight ? ((*a)->weight < (*b)->weight ? 1 : -1) : strcmp((*a)->name, (*b)->name);
}

/* Types of which an object can be shared, those first that the generator shares most. */
static void add_listed_types(telling *t) {
    const ftf_type **sorted = calloc(t->catalog->type_count + 1, sizeof *sorted);
    FTF_ASSERT(sorted != NULL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->catalog->type_count; i++) {
        if (t->catalog->types[i].weight > 0 && t->catalog->types[i].action_count > 0) {
            sorted[count++] = &t->catalog->types[i];
        }
    }
    qsort(sorted, count, sizeof *sorted, compare_types);
    for (uint32_t i = 0; i < count; i++) {
        add_listed(t, sorted[i]);
    }
    free(sorted);
}

static uint32_t find_type(telling *t, const char *name) {
    for (size_t i = 0; i < json_array_size(t->types); i++) {
        if (strcmp(json_string_value(json_object_get(json_array_get(t->types, i), "name")), name) == 0) {
            return (uint32_t)i;
        }
    }
    uint32_t place = add_type(t, name, false, ftf_catalog_find_type(t->catalog, name) < 0);
    ftf_report_set_number(json_array_get(t->types, place), "pair_total", 0);
    return place;
}

static bool is_sound(const ftf_exercise_op *op) {
    return op->hash != 0 && op->code < FTF_OP_COUNT && op->place < FTF_DEED_PLACE_COUNT;
}

/* What was done to objects besides what the catalog lists. */
static void add_unlisted(telling *t) {
    for (uint32_t i = 0; i < t->map->op_count; i++) {
        const ftf_exercise_op *op = &t->map->ops[i];
        if (t->rows[i].type == NOWHERE && is_sound(op) && *op->type != '\0') {
            const ftf_deed deed = {.code = (ftf_op_code)op->code, .place = (ftf_deed_place)op->place, .name = op->name};
            if (ftf_deed_fits(t->catalog, op->type, &deed)) {
                t->rows[i] = add_operation(t, find_type(t, op->type), &deed, i, false);
            }
        }
    }
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static void note(telling *t, row inside, row other, uint64_t runs, const char *finding) {
    if (inside.type == NOWHERE || inside.type != other.type) {
        return;
    }
    if (t->meeting_count == t->meeting_room) {
        t->meeting_room = 2 * t->meeting_room + 256;
        t->meetings = realloc(t->meetings, t->meeting_room * sizeof *t->meetings);
        FTF_ASSERT(t->meetings != NULL);
    }
    bool swap = inside.index > other.index;
    t->meetings[t->meeting_count++] = (meeting){.type = inside.type,
                                                .a = swap ? other.index : inside.index,
                                                .b = swap ? inside.index : other.index,
                                                .inside = swap ? 0 : runs,
                                                .around = swap ? runs : 0,
                                                .finding = finding};
}

static void note_counts(telling *t) {
    for (uint32_t place = 0; place < FTF_EXERCISE_PAIRS; place++) {
        uint32_t inside, other;
        if (ftf_exercise_pair_at(t->map, place, &inside, &other)) {
            note(t, t->rows[inside], t->rows[other], t->map->pairs[place].runs, NULL);
        }
    }
}

static void note_suspects(telling *t, const ftf_suspect *suspects, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t a = number_of(t, &suspects[i].a, suspects[i].type), b = number_of(t, &suspects[i].b, suspects[i].type);
        if (a != FTF_EXERCISE_NONE && b != FTF_EXERCISE_NONE) {
            note(t, t->rows[a], t->rows[b], 0, suspects[i].finding);
        }
    }
}

static int compare_meetings(const void *left, const void *right) {
    const meeting *a = left, *b = right;
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (a->a != b->a || a->b != b->b) {
        return a->a != b->a ? (a->a < b->a ? -1 : 1) : (a->b < b->b ? -1 : 1);
    }
    return strcmp(a->finding != NULL ? a->finding : "", b->finding != NULL ? b->finding : "");
}

static bool is_listed(const json_t *operations, uint32_t index) {
    return json_is_true(json_object_get(json_array_get(operations, index), "listed"));
}

/* All that is said about one pair; how many meetings that are. */
static size_t add_pair(const telling *t, const meeting *first, const meeting *end) {
    json_t *type = json_array_get(t->types, first->type), *findings = json_array(), *pair = json_object();
    uint64_t inside = 0, around = 0;
    const meeting *m = first;
    for (; m < end && m->type == first->type && m->a == first->a && m->b == first->b; m++) {
        inside += m->inside;
        around += m->around;
        if (m->finding != NULL) {
            (void)json_array_append_new(findings, ftf_report_string(m->finding));
        }
    }
    ftf_report_set_number(pair, "a", first->a);
    ftf_report_set_number(pair, "b", first->b);
    ftf_report_set_number(pair, "inside", inside);
    ftf_report_set_number(pair, "around", around);
    ftf_report_set(pair, "findings", findings);
    (void)json_array_append_new(json_object_get(type, "pairs"), pair);
    const json_t *operations = json_object_get(type, "operations");
    if (inside + around > 0 && is_listed(operations, first->a) && is_listed(operations, first->b)) {
        json_t *count = json_object_get(type, "pair_overlapped");
        ftf_report_set_number(type, "pair_overlapped", (uint64_t)json_integer_value(count) + 1);
    }
    return (size_t)(m - first);
}

static json_t *count_pairs(const telling *t) {
    json_t *sum = json_object();
    uint64_t total = 0, overlapped = 0;
    for (size_t i = 0; i < json_array_size(t->types); i++) {
        const json_t *type = json_array_get(t->types, i);
        total += (uint64_t)json_integer_value(json_object_get(type, "pair_total"));
        overlapped += (uint64_t)json_integer_value(json_object_get(type, "pair_overlapped"));
    }
    ftf_report_set_number(sum, "total", total);
    ftf_report_set_number(sum, "overlapped", overlapped);
    return sum;
}

static void add_pairs(telling *t) {
    for (size_t i = 0; i < json_array_size(t->types); i++) {
        ftf_report_set_number(json_array_get(t->types, i), "pair_overlapped", 0);
    }
    if (t->meeting_count > 0) {
        qsort(t->meetings, t->meeting_count, sizeof *t->meetings, compare_meetings);
    }
    for (size_t i = 0; i < t->meeting_count;) {
        i += add_pair(t, &t->meetings[i], &t->meetings[t->meeting_count]);
    }
}

void ftf_exercised_tell(const ftf_catalog *catalog, const ftf_exercise *map, const ftf_suspect *suspects, size_t count,
                        ftf_exercised *out) {
    telling *t = calloc(1, sizeof *t);
    FTF_ASSERT(t != NULL);
    t->catalog = catalog;
    t->map = map;
    t->types = json_array();
    for (size_t i = 0; i < FTF_EXERCISE_OPS; i++) {
        t->rows[i] = (row){.type = NOWHERE};
    }
    add_listed_types(t);
    add_unlisted(t);
    note_counts(t);
    note_suspects(t, suspects, count);
    add_pairs(t);
    out->callables = callables_to_json(t);
    out->types = t->types;
    out->coverage = json_object();
    ftf_report_set(out->coverage, "callables", count_statuses(out->callables));
    ftf_report_set(out->coverage, "pairs", count_pairs(t));
    ftf_report_set_number(out->coverage, "lost", map->lost);
    free(t->meetings);
    free(t);
}
