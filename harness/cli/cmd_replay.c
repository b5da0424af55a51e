/*
 * `ftfuzz replay FINDING`: the finding's scenario in fresh processes, n times; prints `replayed k/n`.
 *
 * FINDING is a finding's folder (its finding.json says which signature counts) or a .ft file (any finding counts).
 * The target is found the way the campaign found it: <out>/campaign.json has what the person gave, since the
 * scenario knows the module's name only.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/proc.h"
#include "cli/commands.h"
#include "cli/learn.h"
#include "cli/options.h"
#include "reduce/attempt.h"
#include "scenario/parse.h"
#include "scenario/print.h"

enum { RUNS_DEFAULT = 20, RUNS_MAX = 10000, SIGNATURE_MAX = 1000 };

/* What is replayed. */
typedef struct subject {
    ftf_text text; /* one scenario or a sequence */
    char spec[FTF_FS_PATH_MAX];
    char signature[SIGNATURE_MAX]; /* "": any finding counts */
    char kind[64];
    bool flavours[FTF_FLAVOUR_COUNT];
} subject;

typedef struct arguments {
    const char *finding, *flavour;
    uint64_t n, jobs;
    bool json, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"-n", FTF_OPTION_NUMBER, &a->n, "N", "how many fresh processes; default 20"},
        {"--flavour", FTF_OPTION_CHOICE, &a->flavour, "tsan|asan|both", "default: the finding's; both for a .ft file"},
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
    if (status == FTF_OK && (a->n == 0 || a->n > RUNS_MAX)) {
        return ftf_fail(err, FTF_USAGE, "-n is between 1 and %d", RUNS_MAX);
    }
    if (status == FTF_OK && a->jobs > FTF_ATTEMPT_JOBS_MAX) {
        return ftf_fail(err, FTF_USAGE, "--jobs is at most %d", FTF_ATTEMPT_JOBS_MAX);
    }
    return status;
}

/* ---- what to replay ---------------------------------------------------------------------------------------------- */

static void copy_string(char *to, size_t room, const json_t *json, const char *member) {
    const char *text = json_string_value(json_object_get(json, member));
    snprintf(to, room, "%s", text != NULL ? text : "");
}

/* The spec that the campaign of this finding was given; leaves `spec` alone when there is no campaign.json. */
static void find_spec(const char *folder, subject *s) {
    char path[FTF_FS_PATH_MAX];
    if (ftf_path(path, NULL, "%s/../../campaign.json", folder) != FTF_OK) {
        return;
    }
    json_t *campaign = json_load_file(path, 0, NULL);
    if (campaign != NULL && json_is_string(json_object_get(campaign, "target"))) {
        copy_string(s->spec, sizeof s->spec, campaign, "target");
    }
    json_decref(campaign);
}

static ftf_status load_finding(const char *folder, subject *s, ftf_error *err) {
    char path[FTF_FS_PATH_MAX], flavour[16];
    json_error_t where;
    ftf_status status = ftf_fs_join(path, folder, "finding.json", err);
    if (status != FTF_OK) {
        return status;
    }
    json_t *finding = json_load_file(path, 0, &where);
    if (finding == NULL) {
        return ftf_fail(err, FTF_INPUT, "%s is no finding: %s%s%s", folder, where.line > 0 ? "finding.json: " : "",
                        where.text, "");
    }
    copy_string(s->spec, sizeof s->spec, finding, "target");
    copy_string(s->signature, sizeof s->signature, finding, "signature");
    copy_string(s->kind, sizeof s->kind, finding, "kind");
    copy_string(flavour, sizeof flavour, finding, "flavour");
    json_decref(finding);
    ftf_flavour f = ftf_flavour_find(flavour);
    if (f < FTF_FLAVOUR_COUNT) {
        s->flavours[f] = true;
    }
    find_spec(folder, s);
    status = ftf_fs_join(path, folder, "scenario.ft", err);
    return status == FTF_OK ? ftf_fs_read(path, FTF_FS_READ_MAX, &s->text, err) : status;
}

/* The first line `ftfuzz 1` at or after `text`; NULL when there is none. */
static const char *find_header(const char *text) {
    static const char header[] = "ftfuzz 1\n";
    if (strncmp(text, header, sizeof header - 1) == 0) {
        return text;
    }
    const char *found = strstr(text, "\nftfuzz 1\n");
    return found != NULL ? found + 1 : NULL;
}

static int count_lines(const char *text, size_t len) {
    int lines = 0;
    for (size_t i = 0; i < len; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

/* Each member of a sequence must parse; the target is the first one's. What the workers get is the canonical text: what
   a person wrote between the members as a comment is none of theirs. */
static ftf_status canonize(const char *name, subject *s, ftf_error *err) {
    ftf_arena *arena = ftf_arena_create();
    ftf_text canonical = {0};
    ftf_status status = FTF_OK;
    const char *start = s->text.data != NULL ? s->text.data : "";
    for (const char *at = start; at != NULL && status == FTF_OK;) {
        ftf_scenario scenario;
        ftf_error why = {0};
        const char *header = find_header(at);
        const char *next = header != NULL ? find_header(header + 1) : NULL;
        status = ftf_scenario_parse(at, next != NULL ? (size_t)(next - at) : strlen(at), arena, &scenario, &why);
        if (status != FTF_OK) {
            ftf_fail(err, FTF_INPUT, "%s:%d: %s", name, count_lines(start, (size_t)(at - start)) + why.line, why.text);
        } else {
            ftf_scenario_print(&scenario, &canonical);
        }
        if (status == FTF_OK && *s->spec == '\0') {
            snprintf(s->spec, sizeof s->spec, "%s", scenario.target);
        }
        at = next;
    }
    ftf_arena_destroy(arena);
    ftf_text_release(&s->text);
    s->text = canonical;
    return status;
}

static ftf_status load(const arguments *a, subject *s, ftf_error *err) {
    ftf_status status = ftf_fs_is_dir(a->finding) ? load_finding(a->finding, s, err)
                                                  : ftf_fs_read(a->finding, FTF_FS_READ_MAX, &s->text, err);
    if (status == FTF_OK) {
        status = canonize(a->finding, s, err);
    }
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
    return status;
}

/* ---- replaying --------------------------------------------------------------------------------------------------- */

typedef struct setting {
    const arguments *arguments;
    const subject *subject;
    ftf_paths paths;
    ftf_target target;
    ftf_learnt learnt;
    ftf_symbolizer *symbolizer;
    char scratch[FTF_FS_PATH_MAX];
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
    const char *path = s->target.path[flavour];
    const char *paths[] = {*path != '\0' ? path : NULL, NULL};
    int cpus = ftf_proc_cpu_count();
    ftf_attempt_options options = {.worker = s->paths.worker[flavour],
                                   .flavour = ftf_flavour_name(flavour),
                                   .home = s->paths.python[flavour],
                                   .paths = paths,
                                   .catalog_path = s->learnt.path,
                                   .catalog = s->learnt.catalog,
                                   .symbolizer = s->symbolizer,
                                   .scratch = s->scratch,
                                   .zygote = true,
                                   .jobs = s->arguments->jobs > 0        ? (uint32_t)s->arguments->jobs
                                           : cpus < FTF_ATTEMPT_JOBS_MAX ? (uint32_t)cpus
                                                                         : FTF_ATTEMPT_JOBS_MAX};
    ftf_attempt_result result = {0};
    ftf_status status = ftf_paths_need(&s->paths, flavour, err);
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
    bool shows = strcmp(s->learnt.catalog->gil, "not-declared") == 0;
    ftf_attempt_result result = {.k = shows, .n = 1};
    report(s, FTF_FLAVOUR_PLAIN, &result);
    s->k = result.k;
}

static ftf_status prepare(setting *s, ftf_error *err) {
    char work[FTF_FS_PATH_MAX];
    ftf_status status = ftf_paths_find(&s->paths, err);
    if (status == FTF_OK && (status = ftf_target_resolve(&s->paths, s->subject->spec, &s->target, err)) == FTF_OK &&
        (status = ftf_learn(&s->paths, &s->target, &s->learnt, err)) == FTF_OK &&
        (status = ftf_symbolizer_create(&s->symbolizer, err)) == FTF_OK &&
        (status = ftf_path(work, err, "%s/work", s->paths.cache)) == FTF_OK &&
        (status = ftf_fs_make_dirs(work, err)) == FTF_OK) {
        status = ftf_fs_make_temporary_dir(work, s->scratch, err);
    }
    return status;
}

static ftf_status replay(setting *s, ftf_error *err) {
    ftf_status status = prepare(s, err);
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

int ftf_command_replay(int argc, char **argv) {
    static subject what;
    static setting s;
    arguments a = {.n = RUNS_DEFAULT};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    s = (setting){.arguments = &a, .subject = &what, .results = json_array()};
    if (status == FTF_OK && (status = load(&a, &what, &err)) == FTF_OK) {
        status = replay(&s, &err);
    }
    if (*s.scratch != '\0') {
        ftf_fs_remove_tree(s.scratch, NULL);
    }
    if (s.symbolizer != NULL) {
        ftf_symbolizer_destroy(s.symbolizer);
    }
    ftf_learnt_release(&s.learnt);
    ftf_text_release(&what.text);
    json_decref(s.results);
    if (status != FTF_OK) {
        return ftf_command_fail(&err);
    }
    return s.k > 0 ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}
