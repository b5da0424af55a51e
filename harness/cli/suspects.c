/* Reading order: ftf_suspects_find, then collect (all pairs of a scenario) and score (how likely one is meant). */
#include "cli/suspects.h"

#include <stdio.h>
#include <string.h>

#include "scenario/gen.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/sequence.h"

enum { QUOTES_MAX = 2, PAIRS_MAX = 256, EXPLAINED = 2, AROUND_SWITCH = 1 };

typedef struct op_place {
    uint32_t lane, op;
} op_place;

typedef struct candidate {
    op_place a, b;
    int slot;
    int score;
} candidate;

typedef struct search {
    ftf_scenario scenario;
    ftf_gen gen;
    char quotes[QUOTES_MAX][512]; /* the calls in which explain.txt says the accesses were */
    int quote_count;
    bool has_switch; /* before and after say around what the last hand-over was */
    op_place before, after;
    uint32_t count;
    candidate pairs[PAIRS_MAX];
} search;

static const ftf_op *op_at(const search *s, op_place place) { return &s->scenario.lanes[place.lane].ops[place.op]; }

/* The last scenario of a sequence is the one that shows it. */
static bool parse(search *s, const char *text, ftf_arena *arena) {
    const char *last = text != NULL ? ftf_sequence_first(text) : NULL;
    for (const char *at = last; at != NULL; at = ftf_sequence_next(at)) {
        last = at;
    }
    return last != NULL && ftf_scenario_parse(last, ftf_sequence_length(last), arena, &s->scenario, NULL) == FTF_OK;
}

/* "`f` (lane 1, in `repr(x)`) reads ...": what stands in the first paragraph of explain.txt. */
static void read_quotes(search *s, const char *explain) {
    static const char mark[] = ", in `";
    const char *end = explain != NULL ? strstr(explain, "\n\n") : NULL;
    for (const char *at = explain; at != NULL && s->quote_count < QUOTES_MAX;) {
        at = strstr(at, mark);
        if (at == NULL || (end != NULL && at > end)) {
            return;
        }
        at += strlen(mark);
        const char *close = strstr(at, "`)");
        if (close != NULL && (size_t)(close - at) < sizeof s->quotes[0]) {
            snprintf(s->quotes[s->quote_count++], sizeof s->quotes[0], "%.*s", (int)(close - at), at);
        }
    }
}

/* Where a lane is follows from where it was interrupted last. */
static void find_last_switch(search *s) {
    const ftf_schedule *schedule = &s->scenario.schedule;
    uint32_t inside[FTF_LANES_MAX] = {0};
    for (uint32_t i = 0; schedule->kind == FTF_SCHEDULE_AT && i < schedule->count; i++) {
        const ftf_switch *sw = &schedule->switches[i];
        if (sw->in_op == 0 || sw->lane >= s->scenario.lane_count || sw->to >= s->scenario.lane_count) {
            return;
        }
        inside[sw->lane] = sw->in_op - 1u;
        s->has_switch = true;
        s->before = (op_place){sw->lane, inside[sw->lane]};
        s->after = (op_place){sw->to, inside[sw->to]};
    }
}

static bool is_quoted(const search *s, op_place place) {
    ftf_text text = {0};
    bool found = false;
    ftf_op_print(&s->scenario, op_at(s, place), &text);
    for (int i = 0; i < s->quote_count && text.data != NULL; i++) {
        found = found || strcmp(text.data, s->quotes[i]) == 0;
    }
    ftf_text_release(&text);
    return found;
}

static bool is_at(op_place a, op_place b) { return a.lane == b.lane && a.op == b.op; }

static int score(const search *s, op_place a, op_place b) {
    bool around = s->has_switch &&
                  ((is_at(a, s->before) && is_at(b, s->after)) || (is_at(b, s->before) && is_at(a, s->after)));
    return EXPLAINED * (is_quoted(s, a) + is_quoted(s, b)) + AROUND_SWITCH * around;
}

static void collect_pair(search *s, op_place a, op_place b) {
    uint64_t common = ftf_op_slots(op_at(s, a)) & ftf_op_slots(op_at(s, b)) & ftf_scenario_shared(&s->scenario);
    for (int slot = 0; common != 0; slot++, common >>= 1) {
        if ((common & 1) != 0 && s->count < PAIRS_MAX) {
            s->pairs[s->count++] = (candidate){a, b, slot, score(s, a, b)};
        }
    }
}

static void collect(search *s) {
    for (uint32_t lane = 0; lane < s->scenario.lane_count; lane++) {
        for (uint32_t other = lane + 1; other < s->scenario.lane_count; other++) {
            for (uint32_t i = 0; i < s->scenario.lanes[lane].count; i++) {
                for (uint32_t k = 0; k < s->scenario.lanes[other].count; k++) {
                    collect_pair(s, (op_place){lane, i}, (op_place){other, k});
                }
            }
        }
    }
}

static bool is_same_deed(const ftf_deed *a, const ftf_deed *b) {
    return a->code == b->code && a->place == b->place && strcmp(a->name, b->name) == 0;
}

static bool is_known(const ftf_suspect *list, size_t count, const ftf_suspect *one) {
    for (size_t i = 0; i < count; i++) {
        bool straight = is_same_deed(&list[i].a, &one->a) && is_same_deed(&list[i].b, &one->b);
        bool crossed = is_same_deed(&list[i].a, &one->b) && is_same_deed(&list[i].b, &one->a);
        if (strcmp(list[i].type, one->type) == 0 && (straight || crossed)) {
            return true;
        }
    }
    return false;
}

/* All with the best score; where nothing speaks for any of them and they are many, none. */
static size_t choose(const search *s, const ftf_catalog *catalog, const char *id, ftf_suspect *out) {
    int best = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        best = s->pairs[i].score > best ? s->pairs[i].score : best;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        const candidate *c = &s->pairs[i];
        if (c->score < best) {
            continue;
        }
        ftf_suspect one = {.type = ftf_deed_type(catalog, s->gen.holds[c->slot]),
                           .a = ftf_deed_of(op_at(s, c->a), c->slot),
                           .b = ftf_deed_of(op_at(s, c->b), c->slot)};
        snprintf(one.finding, sizeof one.finding, "%s", id);
        if (is_known(out, count, &one)) {
            continue;
        }
        if (count == FTF_SUSPECTS_MAX) {
            return best > 0 ? count : 0;
        }
        out[count++] = one;
    }
    return count;
}

size_t ftf_suspects_find(const ftf_catalog *catalog, const ftf_report_finding *finding, ftf_arena *arena,
                         ftf_suspect out[FTF_SUSPECTS_MAX]) {
    search *s = FTF_NEW(arena, search, 1);
    if (!parse(s, finding->scenario.data, arena)) {
        return 0;
    }
    ftf_gen_init(&s->gen, catalog, NULL, &s->scenario);
    read_quotes(s, finding->explain.data);
    find_last_switch(s);
    collect(s);
    return choose(s, catalog, finding->entry->id, out);
}
