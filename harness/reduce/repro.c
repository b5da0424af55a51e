#include "reduce/repro.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/proc.h"
#include "findings/folder.h"
#include "reduce/sighting.h"
#include "scenario/emit.h"
#include "scenario/parse.h"
#include "scenario/sequence.h"

/* Reading order: one run, k of n runs, ways, the whole. */

enum {
    ROUNDS = 1000000,
    TICK_MS = 20,
    LOOK_MS = 250,        /* how often what a sanitizer has printed is read */
    START_MS = 60 * 1000, /* to start and import, on a machine that is busy */
    STUCK_S = 20,         /* STUCK of rounds.py */
    BUSY = 10,            /* rounds.py ends after so many times its CPU time */
    EXIT_FAILED = 70,     /* failed() of rounds.py */
    PRINTED_MAX = 64 << 20,
    TRIALS = 3,
    HOPELESS = 1, /* so many without it end the trials of a way */
};

typedef struct repro {
    const ftf_repro_options *options;
    const ftf_repro_python *sanitizer; /* the one that is tried */
    ftf_store *store;
    const char *id;
    const char *kind;
    json_t *finding; /* finding.json */
    ftf_text scenario;
    uint32_t seconds;
    ftf_sighting sighting;
    char folder[FTF_FS_PATH_MAX]; /* below scratch */
    char script[FTF_FS_PATH_MAX], printed[FTF_FS_PATH_MAX];
    ftf_repro_result *result;
} repro;

/* ---- one run ----------------------------------------------------------------------------------------------------- */

typedef struct run {
    bool sanitizer;
    bool shows;
    char how[64];
    uint64_t ms;
} run;

static bool goes_on(repro *r) {
    const ftf_repro_options *o = r->options;
    r->result->gave_up = r->result->gave_up || (o->tick != NULL && !o->tick(o->self));
    return !r->result->gave_up;
}

static ftf_status start(const repro *r, const ftf_repro_python *python, ftf_proc *proc, ftf_error *err) {
    char rounds[16], seconds[16], path[FTF_FS_PATH_MAX + 16];
    const char *folder = python->path;
    (void)snprintf(rounds, sizeof rounds, "%d", ROUNDS);
    (void)snprintf(seconds, sizeof seconds, "%u", r->seconds);
    (void)snprintf(path, sizeof path, *folder != '\0' ? "PYTHONPATH=%s" : "PYTHONPATH", folder);
    const char *argv[] = {python->executable, "-B", r->script, rounds, seconds, NULL};
    const char *env[] = {
        path,
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONMALLOC",
        "PYTHON_GIL=0",
        "DEBUGINFOD_URLS=",
        "TSAN_OPTIONS=symbolize=0:stack_trace_format='    #%n %p (%m+%o)':history_size=4:exitcode=66:"
        "report_thread_leaks=0:report_signal_unsafe=0:second_deadlock_stack=1:handle_segv=2:"
        "handle_sigbus=2:handle_abort=2:handle_sigfpe=2:handle_sigill=2",
        "ASAN_OPTIONS=symbolize=0:stack_trace_format='    #%n %p (%m+%o)':detect_leaks=0:exitcode=66:"
        "handle_abort=1:detect_odr_violation=0:allocator_may_return_null=1:detect_stack_use_after_return=0:"
        "alloc_dealloc_mismatch=0",
        "UBSAN_OPTIONS=symbolize=0:stack_trace_format='    #%n %p (%m+%o)':print_stacktrace=1",
        NULL};
    const ftf_proc_options options = {.argv = argv,
                                      .env = env,
                                      .cwd = r->folder,
                                      .stderr_path = r->printed,
                                      .cpu = FTF_PROC_ANY_CPU,
                                      .file_bytes_max = PRINTED_MAX};
    return ftf_proc_spawn(&options, proc, err);
}

/* Reads what it has printed. A report that is cut off by the end of the file is whole the next time. */
static ftf_status look(const repro *r, bool *seen, ftf_text *text, ftf_error *err) {
    ftf_text_clear(text);
    ftf_status status = ftf_fs_read(r->printed, PRINTED_MAX + 1, text, err);
    *seen = false;
    return status == FTF_OK && text->len > 0 ? ftf_sighting_look(&r->sighting, text->data, text->len, seen, err)
                                             : status;
}

static bool is_block(const repro *r) { return strcmp(r->kind, "deadlock") == 0 || strcmp(r->kind, "hang") == 0; }

/* The last line that it printed. */
static const char *last_line(ftf_text *text) {
    while (text->len > 0 && text->data[text->len - 1] == '\n') {
        text->data[--text->len] = '\0';
    }
    const char *newline = text->len > 0 ? strrchr(text->data, '\n') : NULL;
    return newline != NULL ? newline + 1 : text->len > 0 ? text->data : "";
}

/* What the end means, where no report said it already. */
static ftf_status judge(const repro *r, const ftf_proc_end *end, bool too_late, ftf_text *text, run *out,
                        ftf_error *err) {
    const char *printed = text->data != NULL ? text->data : "";
    bool stuck = too_late || strstr(printed, "Timeout (") != NULL;
    if (stuck) {
        out->shows = !out->sanitizer || is_block(r);
        (void)snprintf(out->how, sizeof out->how, "threads that are stuck");
    } else if (!end->signaled && end->code == EXIT_FAILED) {
        out->shows = true;
        (void)snprintf(out->how, sizeof out->how, "a SystemError");
    } else if (end->signaled && !out->sanitizer) {
        out->shows = true;
        (void)ftf_proc_end_text(end, out->how);
    } else if (!end->signaled && end->code != 0 && strstr(printed, "Traceback (most recent call last)") != NULL &&
               strstr(printed, "Sanitizer: ") == NULL) {
        return ftf_fail(err, FTF_SETUP, "repro.py does not run under %s: %s",
                        out->sanitizer ? r->sanitizer->flavour : "a stock interpreter", last_line(text));
    } else if (!end->signaled && end->code != 0 && !out->sanitizer) {
        out->shows = true;
        (void)ftf_proc_end_text(end, out->how);
    }
    return FTF_OK;
}

static ftf_status follow(repro *r, ftf_proc *proc, run *out, ftf_error *err) {
    uint64_t began = ftf_proc_now_ms(), looked = began;
    uint64_t until = began + START_MS + 1000 * (uint64_t)(BUSY * r->seconds + STUCK_S);
    ftf_text text = {0};
    ftf_proc_end end = {0};
    ftf_status status = FTF_OK;
    bool ended = false, too_late = false;
    while (status == FTF_OK && !ended && !too_late && !out->shows && goes_on(r)) {
        struct timespec nap = {.tv_nsec = TICK_MS * 1000000L};
        (void)nanosleep(&nap, NULL);
        ended = ftf_proc_poll(proc, &end);
        too_late = ftf_proc_now_ms() >= until;
        if (out->sanitizer && (ended || ftf_proc_now_ms() - looked >= LOOK_MS)) {
            status = look(r, &out->shows, &text, err);
            looked = ftf_proc_now_ms();
        }
    }
    if (!ended) {
        ftf_proc_stop(proc, 0, &end);
    }
    out->ms = ftf_proc_now_ms() - began;
    if (status == FTF_OK && !out->shows && !r->result->gave_up) {
        bool seen;
        status = look(r, &seen, &text, err);
        status = status == FTF_OK ? judge(r, &end, too_late, &text, out, err) : status;
    }
    ftf_text_release(&text);
    return status;
}

static ftf_status run_once(repro *r, bool sanitizer, run *out, ftf_error *err) {
    ftf_proc proc;
    *out = (run){.sanitizer = sanitizer};
    ftf_status status = start(r, sanitizer ? r->sanitizer : &r->options->plain, &proc, err);
    return status == FTF_OK ? follow(r, &proc, out, err) : status;
}

/* k of n, unless the first `hopeless` runs show nothing; *ms is the time that all took together. */
static ftf_status measure(repro *r, bool sanitizer, uint32_t n, uint32_t hopeless, ftf_script_rate *rate, uint64_t *ms,
                          ftf_error *err) {
    ftf_status status = FTF_OK;
    *ms = 0;
    *rate = (ftf_script_rate){0};
    while (status == FTF_OK && rate->n < n && (rate->k > 0 || rate->n < hopeless) && goes_on(r)) {
        run one;
        status = run_once(r, sanitizer, &one, err);
        if (status == FTF_OK && !r->result->gave_up) {
            rate->n++;
            rate->k += one.shows;
            *ms += one.ms;
            if (one.shows && *one.how != '\0') {
                memcpy(rate->how, one.how, sizeof rate->how);
            }
        }
    }
    return status;
}

/* ---- ways -------------------------------------------------------------------------------------------------------- */

static ftf_script_facts facts_of(const repro *r) {
    const json_t *versions = json_object_get(r->finding, "versions");
    return (ftf_script_facts){.id = r->id,
                              .kind = r->kind,
                              .title = ftf_json_text(r->finding, "title"),
                              .signature = ftf_json_text(r->finding, "signature"),
                              .target = ftf_json_text(r->finding, "target"),
                              .target_version = ftf_json_text(versions, "target"),
                              .python_version = ftf_json_text(versions, "python"),
                              .flavour = r->sanitizer->flavour,
                              .path = r->options->plain.path,
                              .package = r->options->catalog->package,
                              .force_gil_off = strcmp(r->options->catalog->gil, "not-declared") == 0,
                              .seconds = r->seconds,
                              .plain = r->result->plain,
                              .sanitizer = r->result->sanitizer};
}

/* Writes the script as it is known by now: beside the finding, or to where it is tried. */
static ftf_status write_script(repro *r, bool for_good, ftf_error *err) {
    ftf_text text = {0};
    ftf_script_facts facts = facts_of(r);
    ftf_status status = ftf_script_write(&facts, &r->result->way, r->scenario.data, r->options->catalog, &text, err);
    if (status == FTF_OK) {
        status = for_good ? ftf_store_set_text(r->store, r->id, "repro.py", text.data, err)
                          : ftf_fs_write_unflushed(r->script, text.data, text.len, err);
    }
    ftf_text_release(&text);
    return status;
}

/* Where a lane gives up an object it has to be the last one who holds it, so it cannot be called twice. */
static bool gives_up(const char *text) {
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario *scenario = FTF_NEW(arena, ftf_scenario, 1);
    bool drops = false;
    for (const char *at = ftf_sequence_first(text); at != NULL && !drops; at = ftf_sequence_next(at)) {
        drops = ftf_scenario_parse(at, ftf_sequence_length(at), arena, scenario, NULL) == FTF_OK &&
                ftf_emit_drops(scenario);
    }
    ftf_arena_destroy(arena);
    return drops;
}

/* The best way under this sanitizer; *most of TRIALS runs showed it. */
static ftf_status choose_way(repro *r, uint32_t *most, ftf_error *err) {
    static const ftf_script_way ways[] = {{.copies = 1, .times = 1},
                                          {.copies = 1, .times = 1, .first = true},
                                          {.copies = 1, .times = 10},
                                          {.copies = 2, .times = 10},
                                          {.copies = 2, .times = 1}};
    ftf_script_way best = ways[0];
    *most = 0;
    uint64_t soonest = UINT64_MAX;
    bool once = gives_up(r->scenario.data);
    ftf_status status = FTF_OK;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && status == FTF_OK && *most < TRIALS && goes_on(r); i++) {
        ftf_script_rate rate;
        uint64_t ms;
        if (once && ways[i].times > 1) {
            continue;
        }
        r->result->way = ways[i];
        status = write_script(r, false, err);
        status = status == FTF_OK ? measure(r, true, TRIALS, HOPELESS, &rate, &ms, err) : status;
        if (status == FTF_OK && (rate.k > *most || (rate.k == *most && rate.k > 0 && ms < soonest))) {
            best = ways[i];
            *most = rate.k;
            soonest = ms;
        }
    }
    r->result->way = best;
    return status;
}

/* The finding's own sanitizer, unless it shows it seldom and the other one more often. */
static ftf_status choose(repro *r, ftf_error *err) {
    const ftf_repro_python *sanitizers = r->options->sanitizers;
    uint32_t own, other = 0;
    ftf_status status = choose_way(r, &own, err);
    ftf_script_way way = r->result->way;
    if (status == FTF_OK && 2 * own < TRIALS && sanitizers[1].executable != NULL) {
        r->sanitizer = &sanitizers[1];
        status = choose_way(r, &other, err);
    }
    if (other <= own) {
        r->sanitizer = &sanitizers[0];
        r->result->way = way;
    }
    r->result->flavour = r->sanitizer->flavour;
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static json_t *rate_json(const ftf_script_rate *rate) {
    json_t *json = json_pack("{s:i, s:i}", "k", (int)rate->k, "n", (int)rate->n);
    if (*rate->how != '\0') {
        json_object_set_new(json, "how", json_string(rate->how));
    }
    return json;
}

static ftf_status store_figures(repro *r, ftf_error *err) {
    const ftf_repro_result *result = r->result;
    json_t *sanitizer = rate_json(&result->sanitizer);
    json_object_set_new(sanitizer, "flavour", json_string(r->sanitizer->flavour));
    json_t *json = json_pack("{s:o, s:o, s:i, s:i, s:i, s:i, s:b}", "plain", rate_json(&result->plain), "sanitizer",
                             sanitizer, "rounds", ROUNDS, "seconds", (int)r->seconds, "copies", (int)result->way.copies,
                             "times", (int)result->way.times, "first_calls", result->way.first);
    ftf_status status = ftf_store_set_part(r->store, r->id, "repro", json, err);
    json_decref(json);
    return status;
}

static ftf_status make(repro *r, ftf_error *err) {
    uint64_t ms;
    uint32_t n = r->options->n;
    r->result->way = (ftf_script_way){.copies = 1, .times = 1};
    ftf_status status = write_script(r, true, err);
    status = status == FTF_OK ? choose(r, err) : status;
    status = status == FTF_OK ? write_script(r, false, err) : status;
    status = status == FTF_OK ? measure(r, true, n, n, &r->result->sanitizer, &ms, err) : status;
    status = status == FTF_OK ? measure(r, false, n, (n + 1) / 2, &r->result->plain, &ms, err) : status;
    if (status != FTF_OK || r->result->gave_up) {
        return status;
    }
    status = write_script(r, true, err);
    return status == FTF_OK ? store_figures(r, err) : status;
}

static ftf_status prepare(repro *r, ftf_error *err) {
    const ftf_entry *entry = ftf_store_find(r->store, r->id);
    if (entry == NULL) {
        return ftf_fail(err, FTF_USAGE, "there is no finding %s here", r->id);
    }
    ftf_status status = ftf_folder_read_json(entry->folder, &r->finding, err);
    status = status == FTF_OK ? ftf_store_load_scenario(r->store, r->id, &r->scenario, err) : status;
    status = status == FTF_OK ? ftf_fs_make_dirs(r->options->scratch, err) : status;
    status = status == FTF_OK ? ftf_fs_make_temporary_dir(r->options->scratch, r->folder, err) : status;
    status = status == FTF_OK ? ftf_fs_make_absolute(r->folder, err) : status;
    status = status == FTF_OK ? ftf_fs_join(r->script, r->folder, "repro.py", err) : status;
    status = status == FTF_OK ? ftf_fs_join(r->printed, r->folder, "stderr", err) : status;
    if (status == FTF_OK) {
        r->kind = ftf_json_text(r->finding, "kind");
        r->sighting = (ftf_sighting){.symbolizer = r->options->symbolizer,
                                     .catalog = r->options->catalog,
                                     .signature = ftf_json_text(r->finding, "signature")};
    }
    return status;
}

ftf_status ftf_repro(const ftf_repro_options *options, ftf_store *store, const char *id, ftf_repro_result *result,
                     ftf_error *err) {
    repro r = {.options = options, .sanitizer = &options->sanitizers[0], .store = store, .id = id, .result = result};
    r.seconds = options->seconds > 0 ? options->seconds : FTF_REPRO_SECONDS;
    *result = (ftf_repro_result){.flavour = options->sanitizers[0].flavour};
    ftf_status status = prepare(&r, err);
    status = status == FTF_OK ? make(&r, err) : status;
    if (*r.folder != '\0') {
        (void)ftf_fs_remove_tree(r.folder, NULL);
    }
    json_decref(r.finding);
    ftf_text_release(&r.scenario);
    return status;
}
