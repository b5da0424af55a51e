/*
 * `ftfuzz repro FINDING`: repro.py, which shows the finding to people who have no ftfuzz, and how often it does.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/rig.h"
#include "cli/stop.h"

enum { RUNS_MAX = 1000, SECONDS_MAX = 3600 };

typedef struct arguments {
    const char *finding;
    uint64_t n, seconds;
    bool json, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"-n", FTF_OPTION_NUMBER, &a->n, "N", "runs on each of the two interpreters; default 10"},
        {"--seconds", FTF_OPTION_SECONDS, &a->seconds, "S", "that a run may take; default 5"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "the result as JSON on standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "repro",
        .operand = "FINDING",
        .summary = "Writes repro.py into a finding's folder: threads that run freely, on any free-threaded Python.",
        .rows = rows,
        .notes = "Measures it on the plain interpreter, where anything bad counts, and on that of the finding's\n"
                 "sanitizer, where a report of this finding does. Smaller scenarios make better scripts: minimize\n"
                 "first. Exit codes: 0 it did not show, 1 it did, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->finding, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    }
    if (status == FTF_OK && (a->n == 0 || a->n > RUNS_MAX)) {
        return ftf_fail(err, FTF_USAGE, "-n is between 1 and %d", RUNS_MAX);
    }
    if (status == FTF_OK && (a->seconds == 0 || a->seconds > SECONDS_MAX)) {
        return ftf_fail(err, FTF_USAGE, "--seconds is between 1 and %d", SECONDS_MAX);
    }
    return status;
}

static void print_json(const ftf_subject *subject, const ftf_repro_result *r) {
    json_t *json = json_pack("{s:s, s:{s:i, s:i, s:s}, s:{s:i, s:i, s:s}, s:i, s:i, s:b, s:b}", "id", subject->id,
                             "plain", "k", (int)r->plain.k, "n", (int)r->plain.n, "how", r->plain.how, "sanitizer", "k",
                             (int)r->sanitizer.k, "n", (int)r->sanitizer.n, "flavour", r->flavour, "copies",
                             (int)r->way.copies, "times", (int)r->way.times, "first_calls", r->way.first, "gave_up",
                             r->gave_up);
    json_dumpf(json, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(json);
}

static void print(const arguments *a, const ftf_subject *subject, const ftf_repro_result *r) {
    if (a->json) {
        print_json(subject, r);
        return;
    }
    printf("%s/findings/%s/repro.py\n", subject->store, subject->id);
    printf("stock interpreter %u/%u%s%s\n", r->plain.k, r->plain.n, *r->plain.how != '\0' ? ": " : "", r->plain.how);
    printf("%s interpreter  %u/%u%s\n", r->flavour, r->sanitizer.k, r->sanitizer.n,
           r->gave_up ? " (interrupted: not stored)" : "");
}

static ftf_status make(const arguments *a, const ftf_subject *subject, ftf_rig *rig, ftf_repro_result *result,
                       ftf_error *err) {
    ftf_repro_options options;
    ftf_store *store = NULL;
    ftf_status status = ftf_rig_open_store(rig, subject, &store, err);
    status = status == FTF_OK ? ftf_rig_repro_options(rig, ftf_subject_flavour(subject), &options, err) : status;
    if (status == FTF_OK) {
        options.n = (uint32_t)a->n;
        options.seconds = (uint32_t)a->seconds;
        options.tick = ftf_stop_not_yet;
        status = ftf_repro(&options, store, subject->id, result, err);
    }
    ftf_status closed = ftf_store_close(store, status == FTF_OK ? err : NULL);
    return status == FTF_OK ? closed : status;
}

int ftf_command_repro(int argc, char **argv) {
    static ftf_subject subject;
    static ftf_rig rig;
    ftf_repro_result result = {0};
    arguments a = {.n = FTF_REPRO_RUNS, .seconds = FTF_REPRO_SECONDS};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    status = status == FTF_OK ? ftf_rig_open_finding(a.finding, &subject, &rig, &err) : status;
    if (status == FTF_OK) {
        status = make(&a, &subject, &rig, &result, &err);
    }
    ftf_rig_close(&rig);
    if (status == FTF_OK) {
        print(&a, &subject, &result);
    }
    ftf_subject_release(&subject);
    bool shows = result.plain.k > 0 || result.sanitizer.k > 0;
    return status != FTF_OK ? ftf_command_fail(&err) : shows ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}
