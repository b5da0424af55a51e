/*
 * Sections. A line that begins at its first column is a head (ftfuzz, target, setup, thread, finish, schedule), in this
 * order; an indented line is an operation of the section above it.
 */
#include "scenario/parse.h"

#include <string.h>

#include "scenario/parser.h"
#include "scenario/print.h"

/* What has been read so far; heads only move it forward. */
typedef enum stage {
    STAGE_START,
    STAGE_VERSION,
    STAGE_TARGET,
    STAGE_SETUP,
    STAGE_THREAD,
    STAGE_FINISH,
    STAGE_SCHEDULE,
} stage;

typedef struct reader {
    ftf_parser parser;
    const char *rest; /* the lines after the current one */
    const char *text_end;
    stage stage;
} reader;

/* Goes on to the next line that says something; false at the end of the text. */
static bool next_line(reader *in) {
    while (in->rest < in->text_end) {
        const char *newline = memchr(in->rest, '\n', (size_t)(in->text_end - in->rest));
        in->parser.at = in->rest;
        in->parser.end = newline ? newline : in->text_end;
        in->parser.line++;
        in->rest = newline ? newline + 1 : in->text_end;
        const char *start = in->parser.at;
        if (ftf_lex_peek(&in->parser) != '\0' || in->parser.at < in->parser.end) {
            in->parser.at = start;
            return true;
        }
    }
    return false;
}

/* ---- the schedule ------------------------------------------------------------------------------------------------ */

static bool lex_setting(ftf_parser *parser, const char *name, uint64_t max, uint64_t *out) {
    ftf_lex_blanks(parser);
    if (!ftf_span_is(ftf_lex_word(parser), name) || parser->at == parser->end || *parser->at != '=') {
        return ftf_parse_refuse(parser, "schedule pct is written `schedule pct seed=S depth=D`");
    }
    parser->at++;
    return ftf_lex_number(parser, name, max, out);
}

static bool parse_pct(ftf_parser *parser, ftf_schedule *schedule) {
    enum { DEPTH_MAX = 16 };
    uint64_t depth = 0;
    schedule->kind = FTF_SCHEDULE_PCT;
    if (!lex_setting(parser, "seed", UINT64_MAX, &schedule->seed) || !lex_setting(parser, "depth", DEPTH_MAX, &depth)) {
        return false;
    }
    schedule->depth = (uint32_t)depth;
    return depth > 0 || ftf_parse_refuse(parser, "the depth of a schedule is at least 1");
}

static bool lex_lane(ftf_parser *parser, uint8_t *out) {
    uint64_t lane = 0;
    if (!ftf_lex_number(parser, "a lane", FTF_LANES_MAX - 1, &lane)) {
        return false;
    }
    *out = (uint8_t)lane;
    return lane < parser->scenario->lane_count || ftf_parse_refuse(parser, "there is no lane %u", (unsigned)lane);
}

/* lane:op.point>to or lane:point>to */
static bool parse_switch(ftf_parser *parser, ftf_switch *out) {
    uint64_t point = 0;
    if (!lex_lane(parser, &out->lane) || !ftf_lex_expect(parser, ':') ||
        !ftf_lex_number(parser, "a point", UINT32_MAX, &point)) {
        return false;
    }
    if (parser->at < parser->end && *parser->at == '.') {
        if (point >= FTF_OPS_MAX) {
            return ftf_parse_refuse(parser, "a lane has at most %d ops, counted from 0", FTF_OPS_MAX);
        }
        parser->at++;
        out->in_op = (uint16_t)(point + 1);
        if (!ftf_lex_number(parser, "a point", UINT32_MAX, &point)) {
            return false;
        }
    }
    out->point = (uint32_t)point;
    if (!ftf_lex_expect(parser, '>') || !lex_lane(parser, &out->to)) {
        return false;
    }
    if (point == 0) {
        return ftf_parse_refuse(parser, "points are counted from 1");
    }
    return out->lane != out->to || ftf_parse_refuse(parser, "a switch leads from lane %u to itself", out->lane);
}

static bool parse_at(ftf_parser *parser, ftf_schedule *schedule) {
    uint32_t count = 0;
    for (const char *p = parser->at; p < parser->end && *p != '#'; p++) {
        count += *p == '>';
    }
    if (count > FTF_SWITCHES_MAX) {
        return ftf_parse_refuse(parser, "a schedule has at most %d switches", FTF_SWITCHES_MAX);
    }
    schedule->kind = FTF_SCHEDULE_AT;
    ftf_switch *switches = count ? FTF_NEW(parser->arena, ftf_switch, count) : NULL;
    schedule->switches = switches;
    while (ftf_lex_peek(parser) != '\0') {
        if (schedule->count == count) {
            return ftf_parse_refuse(parser, "a switch is written lane:op.point>lane or lane:point>lane");
        }
        ftf_switch *one = &switches[schedule->count];
        if (!parse_switch(parser, one)) {
            return false;
        }
        if ((one->in_op != 0) != (switches[0].in_op != 0)) {
            return ftf_parse_refuse(parser, "a schedule counts points in ops or in lanes, not both");
        }
        schedule->count++;
    }
    return true;
}

static bool parse_schedule(ftf_parser *parser, ftf_schedule *schedule) {
    *schedule = (ftf_schedule){.kind = FTF_SCHEDULE_FREE};
    ftf_lex_blanks(parser);
    ftf_span kind = ftf_lex_word(parser);
    bool parsed = true;
    if (ftf_span_is(kind, "pct")) {
        parsed = parse_pct(parser, schedule);
    } else if (ftf_span_is(kind, "at")) {
        parsed = parse_at(parser, schedule);
    } else if (!ftf_span_is(kind, "free")) {
        return ftf_parse_refuse(parser, "a schedule is free, pct or at");
    }
    return parsed && ftf_lex_end(parser);
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

static bool parse_version(ftf_parser *parser) {
    uint64_t version = 0;
    ftf_lex_blanks(parser);
    return ftf_lex_number(parser, "the version", 1, &version) && ftf_lex_end(parser) &&
           (version == 1 || ftf_parse_refuse(parser, "only version 1 is known"));
}

/* The rest of the line up to a blank: whatever the person called the target. */
static bool parse_target(ftf_parser *parser) {
    ftf_lex_blanks(parser);
    const char *start = parser->at;
    while (parser->at < parser->end && *parser->at > ' ' && *parser->at < 0x7f && *parser->at != '#') {
        parser->at++;
    }
    size_t len = (size_t)(parser->at - start);
    if (len == 0 || len > FTF_NAME_MAX) {
        return ftf_parse_refuse(parser, "the name of a target is 1 to %d bytes long", FTF_NAME_MAX);
    }
    parser->scenario->target = ftf_arena_copy(parser->arena, start, len);
    return ftf_lex_end(parser);
}

static bool parse_thread(ftf_parser *parser) {
    ftf_scenario *scenario = parser->scenario;
    if (scenario->lane_count == FTF_LANES_MAX) {
        return ftf_parse_refuse(parser, "a scenario has at most %d threads", FTF_LANES_MAX);
    }
    parser->owner = (int)scenario->lane_count++;
    return ftf_lex_end(parser);
}

static bool parse_plain_head(ftf_parser *parser, int owner) {
    parser->owner = owner;
    return ftf_lex_end(parser);
}

static const struct {
    const char *name;
    stage stage;
    stage after; /* at least this far */
} heads[] = {
    {"ftfuzz", STAGE_VERSION, STAGE_START}, {"target", STAGE_TARGET, STAGE_VERSION},
    {"setup", STAGE_SETUP, STAGE_TARGET},   {"thread", STAGE_THREAD, STAGE_TARGET},
    {"finish", STAGE_FINISH, STAGE_THREAD}, {"schedule", STAGE_SCHEDULE, STAGE_THREAD},
};

static bool parse_head_line(reader *in, stage found) {
    ftf_parser *parser = &in->parser;
    in->stage = found;
    switch (found) {
    case STAGE_VERSION: return parse_version(parser);
    case STAGE_TARGET: return parse_target(parser);
    case STAGE_SETUP: return parse_plain_head(parser, FTF_OWNER_SETUP);
    case STAGE_THREAD: return parse_thread(parser);
    case STAGE_FINISH: return parse_plain_head(parser, FTF_OWNER_FINISH);
    default: return parse_schedule(parser, &parser->scenario->schedule);
    }
}

static bool parse_head(reader *in) {
    ftf_parser *parser = &in->parser;
    ftf_span word = ftf_lex_word(parser);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (!ftf_span_is(word, heads[i].name)) {
            continue;
        }
        bool again = in->stage == heads[i].stage && heads[i].stage != STAGE_THREAD;
        if (in->stage < heads[i].after || in->stage > heads[i].stage || again) {
            return ftf_parse_refuse(
                parser, "'%s' is out of order; the order is ftfuzz, target, setup, thread, finish, schedule",
                heads[i].name);
        }
        return parse_head_line(in, heads[i].stage);
    }
    if (in->stage == STAGE_START) {
        return ftf_parse_refuse(parser, "a scenario begins with `ftfuzz 1`");
    }
    return ftf_parse_refuse(parser, "unknown head; an operation must be indented");
}

static bool parse_indented(reader *in) {
    if (in->stage < STAGE_SETUP || in->stage > STAGE_FINISH) {
        return ftf_parse_refuse(&in->parser, "an operation stands outside of setup, thread and finish");
    }
    return ftf_parse_op(&in->parser);
}

/* ---- entry points ------------------------------------------------------------------------------------------------ */

/*
 * The canonical text must fit where the text did, or a saved scenario could not be read again. Only raw control
 * characters and narrow spacing make it longer, by at most a factor of 4, so most inputs need no second look.
 */
static bool canonical_fits(const ftf_scenario *scenario, size_t len) {
    if (len <= FTF_SCENARIO_BYTES_MAX / 4) {
        return true;
    }
    ftf_text text = {0};
    ftf_scenario_print(scenario, &text);
    bool fits = text.len <= FTF_SCENARIO_BYTES_MAX;
    ftf_text_release(&text);
    return fits;
}

ftf_status ftf_scenario_parse(const char *text, size_t len, ftf_arena *arena, ftf_scenario *out, ftf_error *err) {
    if (len > FTF_SCENARIO_BYTES_MAX) {
        return ftf_fail_at(err, 1, "a scenario is longer than %d bytes", FTF_SCENARIO_BYTES_MAX);
    }
    *out = (ftf_scenario){.arena = arena, .target = ""};
    reader in = {.parser = {.arena = arena, .scenario = out, .err = err, .owner = FTF_OWNER_SETUP},
                 .stage = STAGE_START};
    in.rest = text;
    in.text_end = text + len;
    while (next_line(&in)) {
        char first = *in.parser.at;
        bool indented = first == ' ' || first == '\t';
        if (!(indented ? parse_indented(&in) : parse_head(&in))) {
            return FTF_INPUT;
        }
    }
    if (in.stage < STAGE_THREAD) {
        return ftf_fail_at(err, in.parser.line ? in.parser.line : 1, "%s",
                           in.stage == STAGE_START ? "a scenario begins with `ftfuzz 1`"
                                                   : "a scenario has a target and at least one thread");
    }
    if (!canonical_fits(out, len)) {
        return ftf_fail_at(err, in.parser.line, "printed, a scenario is longer than %d bytes", FTF_SCENARIO_BYTES_MAX);
    }
    return FTF_OK;
}

ftf_status ftf_value_parse(const char *text, size_t len, ftf_arena *arena, ftf_value *out, ftf_error *err) {
    ftf_parser parser = {
        .at = text, .end = text + len, .line = 1, .owner = FTF_OWNER_SETUP, .arena = arena, .err = err};
    *out = (ftf_value){0};
    if (memchr(text, '\n', len)) {
        return ftf_fail_at(err, 1, "a value stands on one line");
    }
    return ftf_parse_value(&parser, 0, out) && ftf_lex_end(&parser) ? FTF_OK : FTF_INPUT;
}
