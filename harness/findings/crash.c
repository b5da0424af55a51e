#include "findings/crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "findings/crash_text.h"
#include "scenario/executed.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/*
 * Reading order: small text helpers, the record from the black box, one function per way to die, the judge that picks
 * among them.
 */

enum {
    STDERR_TAIL = 512 * 1024,
    LIBFUZZER_EXIT_TIMEOUT = 70, /* libFuzzer's own defaults */
    LIBFUZZER_EXIT_MEMORY = 71,
};

typedef struct scene {
    const ftf_crash_options *options;
    const ftf_blackbox *box; /* NULL: it never made one */
    const char *text;        /* the tail of stderr, NUL-terminated */
    size_t len;
    ftf_crash *out;
} scene;

const char *ftf_death_name(ftf_death death) {
    static const char *const NAMES[] = {"none", "finding", "setup", "bug", "slow", "killed"};
    FTF_ASSERT((size_t)death < sizeof NAMES / sizeof *NAMES);
    return NAMES[death];
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void say(ftf_crash *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(ftf_crash *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out->text, sizeof out->text, format, args);
    va_end(args);
}

/* The first line that begins with prefix, without its newline; false when there is none. */
static bool line_with(const scene *s, const char *prefix, char *out, size_t room) {
    for (const char *at = s->text; at && *at;) {
        if (strncmp(at, prefix, strlen(prefix)) == 0) {
            (void)snprintf(out, room, "%.*s", (int)strcspn(at, "\n"), at);
            return true;
        }
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return false;
}

/* The last line that says anything, for deaths that nothing else explains. */
static void last_line(const scene *s, char *out, size_t room) {
    size_t end = s->len;
    while (end > 0 && (s->text[end - 1] == '\n' || s->text[end - 1] == ' ')) {
        end--;
    }
    size_t start = end;
    while (start > 0 && s->text[start - 1] != '\n') {
        start--;
    }
    (void)snprintf(out, room, "%.*s", (int)(end - start), s->text + start);
}

/* ---- the record from the black box ------------------------------------------------------------------------------- */

/* The box's text ends where scenario_len says; behind it there may be the rest of a longer one. */
static size_t scenario_len(const ftf_blackbox *box) {
    size_t len = box->scenario_len < sizeof box->scenario ? box->scenario_len : sizeof box->scenario;
    return strnlen(box->scenario, len);
}

static char *copy(const char *text, size_t len) {
    char *made = strndup(text, len);
    FTF_ASSERT(made);
    return made;
}

/* The scenario with the executed hand-overs as its schedule; NULL when the text does not parse (half-written). */
static char *with_executed_schedule(const ftf_blackbox *box, char **target) {
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario *scenario = FTF_NEW(arena, ftf_scenario, 1);
    char *made = NULL;
    if (ftf_scenario_parse(box->scenario, scenario_len(box), arena, scenario, NULL) == FTF_OK) {
        ftf_schedule_executed(box, arena, &scenario->schedule);
        ftf_text text = {0};
        ftf_scenario_print(scenario, &text);
        made = text.data;
        *target = copy(scenario->target, strlen(scenario->target));
    }
    ftf_arena_destroy(arena);
    return made;
}

/* The ring holds the scenarios before the current one; a gap (one that was too long to keep) ends the usable tail. */
static void take_history(const ftf_blackbox *box, ftf_record *record) {
    uint64_t first = box->sequence > FTF_BLACKBOX_HISTORY ? box->sequence - FTF_BLACKBOX_HISTORY : 1;
    uint64_t start = box->sequence;
    while (start > first && box->history[(start - 1) % FTF_BLACKBOX_HISTORY][0] != '\0') {
        start--;
    }
    for (uint64_t n = start; n < box->sequence; n++) {
        const char *text = box->history[n % FTF_BLACKBOX_HISTORY];
        record->history[record->history_count++] = copy(text, strnlen(text, FTF_BLACKBOX_HISTORY_BYTES));
    }
}

static const char *section_of(uint32_t phase) {
    switch (phase) {
    case FTF_PHASE_BUILDING: return "setup";
    case FTF_PHASE_RUNNING: return "lanes";
    default: return "finish";
    }
}

/* Where a stack names its lane, the black box knows which op the lane was in. */
static void name_ops(const ftf_blackbox *box, ftf_record *record) {
    for (uint32_t i = 0; i < record->stack_count; i++) {
        ftf_stack *stack = &record->stacks[i];
        bool current = strcmp(stack->role, "freed") != 0 && strcmp(stack->role, "allocated") != 0 &&
                       strcmp(stack->role, "done") != 0;
        if (current && stack->op < 0 && stack->lane >= 0 && stack->lane < FTF_BLACKBOX_LANES) {
            uint32_t op = box->lane_op[stack->lane];
            stack->op = op < INT32_MAX ? (int)op : -1;
        }
    }
}

static ftf_record *new_record(const scene *s) {
    const ftf_blackbox *box = s->box;
    ftf_record *record = ftf_record_create();
    (void)snprintf(record->flavour, sizeof record->flavour, "%s", s->options->flavour);
    (void)snprintf(record->section, sizeof record->section, "%s", section_of(box->phase));
    record->original = copy(box->scenario, scenario_len(box));
    record->scenario = with_executed_schedule(box, &record->target);
    if (!record->scenario) {
        record->scenario = copy(record->original, strlen(record->original));
        record->target = copy("", 0);
    }
    record->sequence = box->sequence;
    record->runs = box->runs + 1; /* with the one it died in */
    record->cpu_us = s->options->end.cpu_us;
    record->steals = box->run_steals;
    record->cold = box->run_cold != 0;
    take_history(box, record);
    return record;
}

/* ---- ways to die ------------------------------------------------------------------------------------------------- */

static bool had_scenario(const ftf_blackbox *box) {
    return box && scenario_len(box) > 0 &&
           (box->phase == FTF_PHASE_BUILDING || box->phase == FTF_PHASE_RUNNING || box->phase == FTF_PHASE_FINISHING);
}

static bool was_up(const ftf_blackbox *box) {
    return box && box->phase != FTF_PHASE_STARTING && box->phase != FTF_PHASE_IMPORTING;
}

static void judge_verdict(scene *s) {
    const ftf_blackbox *box = s->box;
    if (!box || box->verdict_kind[0] == '\0') {
        s->out->death = FTF_DEATH_BUG;
        say(s->out, "the worker ended with a verdict (exit %d) but its black box holds none", FTF_WORKER_EXIT_VERDICT);
        return;
    }
    ftf_record *record = new_record(s);
    size_t len = strnlen(box->verdict_text, sizeof box->verdict_text);
    (void)snprintf(record->kind, sizeof record->kind, "%.*s", (int)sizeof record->kind - 1, box->verdict_kind);
    record->text = copy(box->verdict_text, len);
    char detail[64];
    (void)snprintf(detail, sizeof detail, "%s in %s", record->kind, record->section);
    record->detail = copy(detail, strlen(detail));
    ftf_crash_text_add_lanes(record->text, len, record);
    name_ops(box, record);
    s->out->death = FTF_DEATH_FINDING;
    s->out->record = record;
    say(s->out, "%s", record->detail);
}

static void judge_killed(scene *s, const char *why) {
    s->out->death = FTF_DEATH_KILLED;
    s->out->record = had_scenario(s->box) ? new_record(s) : NULL;
    if (s->out->record) {
        (void)snprintf(s->out->record->kind, sizeof s->out->record->kind, "killed");
        s->out->record->detail = copy(why, strlen(why));
    }
    say(s->out, "the worker was ended from outside: %s", why);
}

/* The kind of a death that left no text. */
static const char *kind_of_end(const ftf_proc_end *end) {
    return end->signaled && (end->code == SIGSEGV || end->code == SIGBUS) ? "segv" : "abort";
}

static void judge_crash(scene *s) {
    const ftf_crash_options *o = s->options;
    char how[32], line[300];
    (void)ftf_proc_end_text(&o->end, how);
    last_line(s, line, sizeof line);
    ftf_record *record = s->box ? new_record(s) : ftf_record_create();
    bool explained = ftf_crash_text_parse(s->text, s->len, record);
    if (!explained) {
        (void)snprintf(record->kind, sizeof record->kind, "%s", kind_of_end(&o->end));
        record->detail = copy(how, strlen(how));
        record->text = copy(s->text + (s->len > 4096 ? s->len - 4096 : 0), 4096);
    }
    const char *what = explained ? record->detail : line[0] ? line : how;
    uint32_t phase = s->box ? s->box->phase : (uint32_t)FTF_PHASE_STARTING;
    if (phase == FTF_PHASE_STARTING) {
        s->out->death = FTF_DEATH_SETUP;
        say(s->out, "the worker died before its interpreter was up (%s): %s", how, what);
    } else if (phase == FTF_PHASE_IMPORTING) {
        s->out->death = FTF_DEATH_SETUP;
        say(s->out, "the target crashes when it is imported (%s): %s", how, what);
    } else if (phase == FTF_PHASE_DONE || s->box->sequence == 0) {
        s->out->death = FTF_DEATH_BUG;
        say(s->out, "the worker died without a scenario running (%s): %s", how, what);
    } else {
        name_ops(s->box, record);
        s->out->death = FTF_DEATH_FINDING;
        s->out->record = record;
        say(s->out, "%s: %s", record->kind, what);
        return;
    }
    ftf_record_destroy(record);
}

/* ---- the judge --------------------------------------------------------------------------------------------------- */

static bool judge_exit(scene *s) {
    ftf_crash *out = s->out;
    switch (s->options->end.code) {
    case 0:
    case FTF_WORKER_EXIT_RECORD:
        /* TSan ends a process that crashed with its own `exitcode`, which is 0 in a worker. What a scenario has done to the
           heap may come to light behind it, in our own code or libFuzzer's. */
        if (had_scenario(s->box) || !was_up(s->box) || strstr(s->text, "==ERROR: ThreadSanitizer") != NULL) {
            return false;
        }
        out->death = FTF_DEATH_NONE;
        return true;
    case FTF_WORKER_EXIT_SETUP:
        out->death = FTF_DEATH_SETUP;
        if (!line_with(s, "ftfuzz-worker: error: ", out->text, sizeof out->text)) {
            last_line(s, out->text, sizeof out->text);
        }
        return true;
    case FTF_WORKER_EXIT_SLOW:
        out->death = FTF_DEATH_SLOW;
        say(out, "a scenario was too slow to go on");
        return true;
    case FTF_WORKER_EXIT_VERDICT: judge_verdict(s); return true;
    case LIBFUZZER_EXIT_TIMEOUT:
        out->death = FTF_DEATH_SLOW;
        say(out, "libFuzzer's own timeout ended the worker");
        return true;
    case LIBFUZZER_EXIT_MEMORY: judge_killed(s, "memory limit"); return true;
    default: return false;
    }
}

static bool is_foreign_signal(int code) {
    return code == SIGKILL || code == SIGTERM || code == SIGINT || code == SIGHUP || code == SIGQUIT;
}

static void judge(scene *s) {
    const ftf_proc_end *end = &s->options->end;
    char how[32];
    if (!end->signaled && end->code == FTF_WORKER_EXIT_BUG) {
        s->out->death = FTF_DEATH_BUG;
        if (!line_with(s, "FTF-BUG ", s->out->text, sizeof s->out->text)) {
            last_line(s, s->out->text, sizeof s->out->text);
        }
    } else if (!end->signaled && judge_exit(s)) {
        return;
    } else if (end->signaled && is_foreign_signal(end->code)) {
        judge_killed(s, ftf_proc_end_text(end, how));
    } else {
        judge_crash(s);
    }
}

ftf_status ftf_crash_judge(const ftf_crash_options *options, ftf_crash *out, ftf_error *err) {
    *out = (ftf_crash){.death = FTF_DEATH_NONE};
    ftf_text text = {0};
    ftf_status status = ftf_fs_read_tail(options->stderr_path, STDERR_TAIL, &text, err);
    if (status == FTF_OK) {
        for (size_t i = 0; i < text.len; i++) { /* a dying process may print anything; from here on it is a C string */
            text.data[i] = text.data[i] ? text.data[i] : ' ';
        }
        scene s = {.options = options, .text = text.data, .len = text.len, .out = out};
        s.box = ftf_blackbox_open(options->blackbox_path, NULL);
        judge(&s);
        ftf_blackbox_close(s.box);
    }
    ftf_text_release(&text);
    return status;
}

void ftf_crash_release(ftf_crash *crash) {
    ftf_record_destroy(crash->record);
    crash->record = NULL;
}
