/*
 * `ftfuzz control FINDING`: the same scenario with the GIL on. Does the finding need it to be off?
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/rig.h"
#include "cli/stop.h"
#include "reduce/control.h"

enum { RUNS_MAX = 1000 };

typedef struct arguments {
    const char *finding;
    uint64_t n, jobs;
    bool json, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"-n", FTF_OPTION_NUMBER, &a->n, "N", "fresh processes; default 10"},
        {"--jobs", FTF_OPTION_NUMBER, &a->jobs, "N", "processes at a time; default one for each CPU"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "the result as JSON on standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "control",
        .operand = "FINDING",
        .summary = "Replays a finding (its folder) with the GIL on: does it need the GIL to be off?",
        .rows = rows,
        .notes = "Labels it `" FTF_CONTROL_ONLY "` or `" FTF_CONTROL_ALSO "`. Exit codes: 0 it did not show, not\n"
                 "even without the GIL, 1 it did, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->finding, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    }
    if (status == FTF_OK && (a->n == 0 || a->n > RUNS_MAX)) {
        return ftf_fail(err, FTF_USAGE, "-n is between 1 and %d", RUNS_MAX);
    }
    if (status == FTF_OK && a->jobs > FTF_ATTEMPT_JOBS_MAX) {
        return ftf_fail(err, FTF_USAGE, "--jobs is at most %d", FTF_ATTEMPT_JOBS_MAX);
    }
    return status;
}

static void print(const arguments *a, const ftf_subject *subject, const ftf_control_result *r) {
    const char *label = r->label != NULL ? r->label : "did not show";
    if (!a->json) {
        printf("%s%s\n  without the GIL %u/%u\n  with the GIL    %u/%u\n", label,
               r->gave_up ? " (interrupted: not stored)" : "", r->without_gil.k, r->without_gil.n, r->with_gil.k,
               r->with_gil.n);
        return;
    }
    json_t *json = json_pack("{s:s, s:s, s:{s:i, s:i}, s:{s:i, s:i}, s:b}", "id", subject->id, "label", label,
                             "with_gil", "k", (int)r->with_gil.k, "n", (int)r->with_gil.n, "without_gil", "k",
                             (int)r->without_gil.k, "n", (int)r->without_gil.n, "gave_up", r->gave_up);
    json_dumpf(json, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(json);
}

static ftf_status control(const arguments *a, const ftf_subject *subject, ftf_rig *rig, ftf_control_result *result,
                          ftf_error *err) {
    ftf_attempt_options options;
    ftf_store *store = NULL;
    ftf_status status = ftf_rig_open_store(rig, subject, &store, err);
    status = status == FTF_OK ? ftf_rig_options(rig, ftf_subject_flavour(subject), a->jobs, &options, err) : status;
    if (status == FTF_OK) {
        options.tick = ftf_stop_not_yet;
        status = ftf_control(&options, store, subject->id, (uint32_t)a->n, result, err);
    }
    ftf_status closed = ftf_store_close(store, status == FTF_OK ? err : NULL);
    return status == FTF_OK ? closed : status;
}

int ftf_command_control(int argc, char **argv) {
    static ftf_subject subject;
    static ftf_rig rig;
    ftf_control_result result = {0};
    arguments a = {.n = FTF_CONTROL_RUNS};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    status = status == FTF_OK ? ftf_rig_open_finding(a.finding, &subject, &rig, &err) : status;
    if (status == FTF_OK) {
        status = control(&a, &subject, &rig, &result, &err);
    }
    ftf_rig_close(&rig);
    if (status == FTF_OK) {
        print(&a, &subject, &result);
    }
    ftf_subject_release(&subject);
    return status != FTF_OK ? ftf_command_fail(&err) : result.label != NULL ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}
