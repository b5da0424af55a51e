/*
 * `ftfuzz replay FINDING`: the finding's scenario in fresh processes, n times; prints `replayed k/n`.
 *
 * FINDING is a finding's folder (its finding.json says which signature counts) or a .ft file (any finding counts).
 * The target is found the way the campaign found it: <out>/campaign.json has what the person gave, since the
 * scenario knows the module's name only. --target says it of a scenario that comes from no campaign (a seed of corpora/), or
 * another build of what a finding was found in.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/replay_all.h"
#include "cli/rig.h"
#include "cli/stop.h"
#include "cli/subject.h"

enum { RUNS_DEFAULT = 20, RUNS_ALL_DEFAULT = 5, RUNS_MAX = 10000 };

typedef struct arguments {
    const char *finding, *flavour, *target;
    uint64_t n, jobs;
    bool json, all, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"-n", FTF_OPTION_NUMBER, &a->n, "N", "how many fresh processes; default 20, with --all 5 for each"},
        {"--all", FTF_OPTION_FLAG, &a->all, NULL,
         "FINDING is a campaign's folder: which of its findings are gone, which remain"},
        {"--flavour", FTF_OPTION_CHOICE, &a->flavour, "tsan|asan|both", "default: the finding's; both for a .ft file"},
        {"--target", FTF_OPTION_TEXT, &a->target, "TARGET",
         "what to run it in (multidict==6.7.1, ./build/lib:_speedups); default: what the campaign was given"},
        {"--jobs", FTF_OPTION_NUMBER, &a->jobs, "N", "processes at a time; default one for each CPU"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "the result as JSON on standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "replay",
        .operand = "FINDING",
        .summary = "Runs a finding (its folder, or a .ft file) again in fresh processes.",
        .rows = rows,
        .notes = "Prints `replayed k/n`. Exit codes: 0 it did not show (k = 0), 1 it did, 2 usage or\n"
                 "set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->finding, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    }
    if (status == FTF_OK && a->n == UINT64_MAX) {
        a->n = a->all ? RUNS_ALL_DEFAULT : RUNS_DEFAULT;
    }
    if (status == FTF_OK && a->all && a->flavour != NULL) {
        return ftf_fail(err, FTF_USAGE, "--flavour does not go with --all: each finding has its own");
    }
    if (status == FTF_OK && a->all && a->target != NULL) {
        return ftf_fail(err, FTF_USAGE, "--target does not go with --all: a campaign has a target; replay one finding");
    }
    if (status == FTF_OK && (a->n == 0 || a->n > RUNS_MAX)) {
        return ftf_fail(err, FTF_USAGE, "-n is between 1 and %d", RUNS_MAX);
    }
    if (status == FTF_OK && a->jobs > FTF_ATTEMPT_JOBS_MAX) {
        return ftf_fail(err, FTF_USAGE, "--jobs is at most %d", FTF_ATTEMPT_JOBS_MAX);
    }
    return status;
}

static void choose_flavours(const arguments *a, ftf_subject *s) {
    bool chosen = false;
    for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT; f++) {
        if (a->flavour != NULL) {
            s->flavours[f] = strcmp(a->flavour, "both") == 0 ||
                             strcmp(a->flavour, ftf_flavour_name((ftf_flavour)f)) == 0;
        }
        chosen = chosen || s->flavours[f];
    }
    for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT && !chosen; f++) {
        s->flavours[f] = true;
    }
}

/* ---- replaying --------------------------------------------------------------------------------------------------- */

typedef struct setting {
    const arguments *arguments;
    const ftf_subject *subject;
    ftf_rig rig;
    json_t *results;
    uint32_t k;
} setting;

static void report(setting *s, ftf_flavour flavour, const ftf_attempt_result *result) {
    json_t *others = json_array();
    for (uint32_t i = 0; i < result->other_count; i++) {
        json_array_append_new(others, json_pack("{s:s, s:s, s:i}", "id", result->others[i].id, "title",
                                                result->others[i].title, "seen", (int)result->others[i].seen));
    }
    json_array_append_new(s->results,
                          json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:o}", "flavour", ftf_flavour_name(flavour), "k",
                                    (int)result->k, "n", (int)result->n, "steals", (int)result->steals, "timeouts",
                                    (int)result->timeouts, "broken", (int)result->broken, "others", others));
    if (s->arguments->json) {
        return;
    }
    printf("replayed %u/%u (%s%s%s)", result->k, result->n, ftf_flavour_name(flavour),
           *s->subject->signature != '\0' ? "; " : "", s->subject->signature);
    printf(result->steals > 0 ? ", up to %u steals\n" : "\n", result->steals);
    for (uint32_t i = 0; i < result->other_count; i++) {
        printf("  %s %u/%u: %s (%s)\n", *s->subject->signature != '\0' ? "also seen" : "seen", result->others[i].seen,
               result->n, result->others[i].title, result->others[i].id);
    }
    if (result->timeouts > 0) {
        printf("  %u of %u processes ran into the deadline\n", result->timeouts, result->n);
    }
    if (result->broken > 0) {
        printf("  %u processes failed for a reason of ours: %s\n", result->broken, result->trouble);
    }
}

static ftf_status replay_flavour(setting *s, ftf_flavour flavour, ftf_error *err) {
    ftf_attempt_options options;
    ftf_attempt_result result = {0};
    ftf_status status = ftf_rig_options(&s->rig, flavour, s->arguments->jobs, &options, err);
    if (status == FTF_OK) {
        const char *signature = *s->subject->signature != '\0' ? s->subject->signature : NULL;
        status = ftf_attempt_replay(&options, s->subject->text.data, signature, (uint32_t)s->arguments->n, &result,
                                    err);
    }
    if (status == FTF_OK) {
        report(s, flavour, &result);
        s->k += result.k;
    }
    return status;
}

/* gil-not-declared is seen by importing: it is replayed by learning the catalog again, which ftf_learn has done. */
static void replay_gil(setting *s) {
    bool shows = strcmp(s->rig.learnt.catalog->gil, "not-declared") == 0;
    ftf_attempt_result result = {.k = shows, .n = 1};
    report(s, FTF_FLAVOUR_PLAIN, &result);
    s->k = result.k;
}

/* Names of another module's types would all be unknown: each replay would end at its first line, and count as clean. */
static ftf_status check_module(const setting *s, ftf_error *err) {
    const char *wanted = s->subject->module, *is = s->rig.target.name;
    return s->arguments->target == NULL || strcmp(wanted, is) == 0
               ? FTF_OK
               : ftf_fail(err, FTF_USAGE, "--target %s is the module %s, but the scenario is one of %s; name that one",
                          s->arguments->target, is, wanted);
}

static ftf_status replay(setting *s, ftf_error *err) {
    const char *given = s->arguments->target;
    ftf_status status = ftf_rig_open(given != NULL ? given : s->subject->spec, &s->rig, err);
    status = status == FTF_OK ? check_module(s, err) : status;
    if (status == FTF_OK && strcmp(s->subject->kind, "gil-not-declared") == 0) {
        replay_gil(s);
        return FTF_OK;
    }
    for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT && status == FTF_OK; f++) {
        status = s->subject->flavours[f] ? replay_flavour(s, (ftf_flavour)f, err) : FTF_OK;
    }
    if (status == FTF_OK && s->arguments->json) {
        json_dumpf(s->results, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    return status;
}

static int replay_all(const arguments *a, ftf_error *err) {
    const ftf_replay_all_options options = {
        .folder = a->finding, .n = (uint32_t)a->n, .jobs = a->jobs, .json = a->json};
    uint32_t remain = 0;
    ftf_stop_on_signals();
    if (ftf_replay_all(&options, &remain, err) != FTF_OK) {
        return ftf_command_fail(err);
    }
    return remain > 0 ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}

int ftf_command_replay(int argc, char **argv) {
    static ftf_subject subject;
    static setting s;
    arguments a = {.n = UINT64_MAX};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    if (status == FTF_OK && a.all) {
        return replay_all(&a, &err);
    }
    s = (setting){.arguments = &a, .subject = &subject, .results = json_array()};
    if (status == FTF_OK && (status = ftf_subject_load(a.finding, &subject, &err)) == FTF_OK) {
        choose_flavours(&a, &subject);
        status = replay(&s, &err);
    }
    ftf_rig_close(&s.rig);
    ftf_subject_release(&subject);
    json_decref(s.results);
    if (status != FTF_OK) {
        return ftf_command_fail(&err);
    }
    return s.k > 0 ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}
