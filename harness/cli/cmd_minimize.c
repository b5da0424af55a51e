/*
 * `ftfuzz minimize FINDING`: makes the scenario of a finding as small as it can be made.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/rig.h"
#include "cli/stop.h"
#include "cli/subject.h"
#include "reduce/minimize.h"

enum { TIME_MAX_S = 24 * 3600, RUNS_MAX = 1000 };

typedef struct arguments {
    const char *finding;
    uint64_t time_s, jobs, n;
    bool json, again, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--time", FTF_OPTION_SECONDS, &a->time_s, "S", "at most so long for each finding; default 60"},
        {"-n", FTF_OPTION_NUMBER, &a->n, "N", "fresh processes that measure the result; default 20"},
        {"--jobs", FTF_OPTION_NUMBER, &a->jobs, "N", "processes at a time; default one for each CPU"},
        {"--again", FTF_OPTION_FLAG, &a->again, NULL, "also where nothing smaller was left to try"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "the result as JSON on standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "minimize",
        .operand = "FINDING",
        .summary = "Makes the scenario of a finding (its folder) smaller while it shows the same signature.",
        .rows = rows,
        .notes = "original.ft stays. Ctrl-C keeps what was reached; the next call goes on from there.\n"
                 "Exit codes: 0 it did not show, so nothing was changed, 1 it shows, 2 usage or set-up,\n"
                 "3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->finding, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    }
    if (status == FTF_OK && (a->n == 0 || a->n > RUNS_MAX)) {
        return ftf_fail(err, FTF_USAGE, "-n is between 1 and %d", RUNS_MAX);
    }
    if (status == FTF_OK && (a->time_s == 0 || a->time_s > TIME_MAX_S)) {
        return ftf_fail(err, FTF_USAGE, "--time is between 1 second and a day");
    }
    if (status == FTF_OK && a->jobs > FTF_ATTEMPT_JOBS_MAX) {
        return ftf_fail(err, FTF_USAGE, "--jobs is at most %d", FTF_ATTEMPT_JOBS_MAX);
    }
    return status;
}

static json_t *size_json(const ftf_shrink_size *size, uint32_t scenarios, size_t bytes) {
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "lanes", (int)size->lanes, "ops", (int)size->lane_ops,
                     "setup_ops", (int)size->other_ops, "switches", (int)size->switches, "scenarios", (int)scenarios,
                     "bytes", (int)bytes);
}

static void print_size(const char *label, const ftf_shrink_size *size, uint32_t scenarios, size_t bytes) {
    printf("%s  %u lanes, %u ops in them, %u in setup and finish, %u switches, %zu bytes", label, size->lanes,
           size->lane_ops, size->other_ops, size->switches, bytes);
    printf(scenarios > 1 ? ", %u scenarios before it\n" : "\n", scenarios - 1);
}

static void print_json(const ftf_subject *subject, const ftf_minimized *m) {
    json_t *json = json_pack(
        "{s:s, s:b, s:b, s:b, s:o, s:o, s:i, s:i, s:i, s:I, s:f}", "id", subject->id, "shows", m->shows, "stored",
        m->stored, "finished", m->finished, "before", size_json(&m->before, m->scenarios_before, m->bytes_before),
        "after", size_json(&m->after, m->scenarios_after, m->bytes_after), "k", (int)m->replay.k, "n", (int)m->replay.n,
        "steals", (int)m->replay.steals, "processes", (json_int_t)m->processes, "seconds", (double)m->ms / 1000);
    json_dumpf(json, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(json);
}

static void print(const arguments *a, const ftf_subject *subject, const ftf_minimized *m) {
    if (a->json) {
        print_json(subject, m);
        return;
    }
    if (!m->shows) {
        printf("%s did not show again in %" PRIu64 " fresh processes, so nothing was changed\n", subject->id,
               m->processes);
        return;
    }
    print_size("before", &m->before, m->scenarios_before, m->bytes_before);
    print_size("after ", &m->after, m->scenarios_after, m->bytes_after);
    const char *rest = !m->stored     ? "; that is too seldom, so the finding is left as it was"
                       : !m->finished ? "; there may be smaller ones: run it again"
                                      : "";
    printf("replayed %u/%u after %.1f s and %" PRIu64 " processes%s\n", m->replay.k, m->replay.n, (double)m->ms / 1000,
           m->processes, rest);
}

static ftf_status minimize(const arguments *a, const ftf_subject *subject, ftf_rig *rig, ftf_minimized *result,
                           ftf_error *err) {
    ftf_minimize_options options = {.time_ms = a->time_s * 1000, .runs = (uint32_t)a->n};
    ftf_store *store = NULL;
    ftf_status status = ftf_rig_open_store(rig, subject, &store, err);
    status = status == FTF_OK ? ftf_rig_options(rig, ftf_subject_flavour(subject), a->jobs, &options.attempt, err)
                              : status;
    if (status == FTF_OK && ftf_store_find(store, subject->id)->minimized && !a->again) {
        status = ftf_fail(err, FTF_USAGE, "%s is as small as it gets; --again tries all the same", subject->id);
    }
    if (status == FTF_OK) {
        options.attempt.crew = ftf_crew_create();
        options.attempt.tick = ftf_stop_not_yet;
        status = ftf_minimize(&options, store, subject->id, result, err);
        if (status == FTF_OK && result->stopped) {
            status = ftf_fail(err, FTF_USAGE,
                              "stopped; what was reached is kept, and the next call goes on from there");
        }
        ftf_crew_destroy(options.attempt.crew);
    }
    ftf_status closed = ftf_store_close(store, status == FTF_OK ? err : NULL);
    return status == FTF_OK ? closed : status;
}

int ftf_command_minimize(int argc, char **argv) {
    static ftf_subject subject;
    static ftf_rig rig;
    ftf_minimized result = {0};
    arguments a = {.n = FTF_MINIMIZE_RUNS, .time_s = FTF_MINIMIZE_MS / 1000};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    status = status == FTF_OK ? ftf_rig_open_finding(a.finding, &subject, &rig, &err) : status;
    if (status == FTF_OK) {
        status = minimize(&a, &subject, &rig, &result, &err);
    }
    ftf_rig_close(&rig);
    if (status == FTF_OK) {
        print(&a, &subject, &result);
    }
    ftf_subject_release(&subject);
    return status != FTF_OK ? ftf_command_fail(&err) : result.shows ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}
