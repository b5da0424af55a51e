/*
 * `ftfuzz harvest TARGET -- COMMAND...`: runs the target's own tests once on the plain interpreter, watched, and keeps what they
 * show about its API (python/harvest.py has the how). From then on every command that learns the target has it (learn.h).
 *
 * Reading order: do_harvest at the end, then run (the tests), install, and print.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/proc.h"
#include "cli/commands.h"
#include "cli/learn.h"
#include "cli/options.h"
#include "cli/python_job.h"
#include "cli/stop.h"
#include "python_sources.h"
#include "scenario/parse.h"

enum {
    ARGUMENTS_MAX = 200, /* of the test command; a shell script holds more */
    WAIT_MS = 100,
};

typedef struct arguments {
    const char *spec, *output;
    char *const *command; /* NULL-terminated */
    int command_count;
    bool json, help;
} arguments;

typedef struct harvest {
    ftf_paths paths;
    ftf_target target, helper;
    ftf_learnt before, after;
    char work[FTF_FS_PATH_MAX];   /* scratch, "" before it is there */
    char folder[FTF_FS_PATH_MAX]; /* where the harvest is kept */
    json_t *figures;              /* what harvest.py counted */
    int seed_count;
} harvest;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--output", FTF_OPTION_TEXT, &a->output, "DIR",
         "write what was accepted to DIR, too: <name>.toml and <name>/*.ft, for targets/ and corpora/"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "the figures as JSON on standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "harvest",
        .operand = "TARGET",
        .summary = "Runs a test command once and learns from it how TARGET is called: which arguments, in which order.",
        .rows = rows,
        .notes =
            "The command follows after `--`, as you would type it:\n\n"
            "    ftfuzz harvest ./lib:_speedups -- python -m pytest tests\n\n"
            "`python` is then the plain interpreter of ftfuzz, which imports TARGET; PYTHONPATH is kept, behind it.\n"
            "What was seen counts in every later fuzz and show of TARGET, until the folder that is named at the end\n"
            "is deleted or there is a new harvest. Ctrl-C ends the tests and keeps what was seen.\n\n"
            "Exit codes: 0 something was harvested, however the tests ended, 2 usage, set-up, or nothing of TARGET\n"
            "was called, 3 a bug of ftfuzz itself."};
    int split = 1;
    while (split < argc && strcmp(argv[split], "--") != 0) {
        split++;
    }
    ftf_status status = ftf_options_parse(&usage, split, argv, &a->spec, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
        return FTF_OK;
    }
    a->command = argv + split + (split < argc);
    a->command_count = argc > split ? argc - split - 1 : 0;
    if (status == FTF_OK && a->command_count == 0) {
        return ftf_fail(err, FTF_USAGE, "harvest needs a test command: ftfuzz harvest %s -- python -m pytest tests",
                        a->spec);
    }
    if (status == FTF_OK && a->command_count > ARGUMENTS_MAX) {
        return ftf_fail(err, FTF_USAGE, "a test command has at most %d words; put it into a script", ARGUMENTS_MAX);
    }
    return status;
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

/* The scripts and tables that harvest.py wants, and the module that watches. */
static ftf_status prepare(harvest *h, ftf_error *err) {
    char scripts[FTF_FS_PATH_MAX], kinds[FTF_FS_PATH_MAX];
    ftf_status status = ftf_path(h->helper.source, err, "%s/harness/python/recorder", h->paths.root);
    if (status == FTF_OK && (status = ftf_target_build(&h->paths, &h->helper, FTF_FLAVOUR_PLAIN, err)) == FTF_OK &&
        (status = ftf_paths_make_scratch(&h->paths, h->work, err)) == FTF_OK &&
        (status = ftf_path(scripts, err, "%s/scripts", h->work)) == FTF_OK &&
        (status = ftf_path(kinds, err, "%s/kinds.json", h->work)) == FTF_OK &&
        (status = ftf_fs_make_dirs(scripts, err)) == FTF_OK &&
        (status = ftf_python_job_write(ftf_py_sources, scripts, err)) == FTF_OK) {
        status = ftf_python_job_write_kinds(kinds, err);
    }
    return status;
}

/* Waits as long as the tests take. The first Ctrl-C is passed on to them, the second ends us all (stop.h). */
static void wait_for(ftf_proc *proc, ftf_proc_end *end) {
    bool told = false;
    while (!ftf_proc_wait(proc, WAIT_MS, end)) {
        if (ftf_stop_signals > 0 && !told) {
            ftf_proc_signal(proc, SIGINT);
            told = true;
        }
    }
}

/* Runs harvest.py without the person's Python set-up, which is for the tests. arguments: NULL-terminated. */
static ftf_status run_script(harvest *h, const char *const *arguments, ftf_proc_end *end, ftf_error *err) {
    char python[FTF_FS_PATH_MAX], script[FTF_FS_PATH_MAX];
    const char *argv[ARGUMENTS_MAX + 30] = {python, "-B", "-E", "-s", "-P", script};
    int argc = 6;
    while (*arguments != NULL) {
        FTF_ASSERT(argc < (int)(sizeof argv / sizeof *argv) - 1);
        argv[argc++] = *arguments++;
    }
    ftf_proc_options options = {.argv = argv, .inherit_output = true, .cpu = FTF_PROC_ANY_CPU};
    ftf_proc proc;
    ftf_status status = ftf_paths_python(&h->paths, FTF_FLAVOUR_PLAIN, python, err);
    status = status == FTF_OK ? ftf_path(script, err, "%s/scripts/harvest.py", h->work) : status;
    status = status == FTF_OK ? ftf_proc_spawn(&options, &proc, err) : status;
    if (status == FTF_OK) {
        wait_for(&proc, end);
    }
    return status;
}

/* Watches the command. *refused: the script has said itself why there is nothing. */
static ftf_status run(harvest *h, const arguments *a, bool *refused, ftf_error *err) {
    char kinds[FTF_FS_PATH_MAX], text[32];
    const char *argv[ARGUMENTS_MAX + 20] = {"--catalog", h->before.path, "--work",   h->work,
                                            "--kinds",   kinds,          "--helper", h->helper.path[FTF_FLAVOUR_PLAIN]};
    int argc = 8;
    ftf_proc_end end = {0};
    if (*h->target.path[FTF_FLAVOUR_PLAIN] != '\0') {
        argv[argc++] = "--path";
        argv[argc++] = h->target.path[FTF_FLAVOUR_PLAIN];
    }
    if (*h->target.file != '\0') {
        argv[argc++] = "--target-file";
        argv[argc++] = h->target.file;
    }
    argv[argc++] = "--";
    for (int i = 0; i < a->command_count; i++) {
        argv[argc++] = a->command[i];
    }
    ftf_status status = ftf_path(kinds, err, "%s/kinds.json", h->work);
    status = status == FTF_OK ? run_script(h, argv, &end, err) : status;
    *refused = status == FTF_OK && !end.signaled && end.code == FTF_EXIT_SETUP;
    if (status == FTF_OK && !*refused && (end.signaled || end.code != 0)) {
        return ftf_fail(err, FTF_SETUP, "making sense of what the tests did failed (%s)",
                        ftf_proc_end_text(&end, text));
    }
    return status;
}

/* ---- keeping it -------------------------------------------------------------------------------------------------- */

static bool parses(const char *path) {
    ftf_text text = {0};
    ftf_scenario scenario;
    ftf_arena *arena = ftf_arena_create();
    bool ok = ftf_fs_read(path, FTF_FS_READ_MAX, &text, NULL) == FTF_OK &&
              ftf_scenario_parse(text.data, text.len, arena, &scenario, NULL) == FTF_OK;
    ftf_arena_destroy(arena);
    ftf_text_release(&text);
    return ok;
}

/* Removes the seeds that the language refuses after all. */
static ftf_status check_seeds(harvest *h, const char *folder, ftf_error *err) {
    ftf_names names = {0};
    char path[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_list(folder, &names, err);
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        status = ftf_fs_join(path, folder, names.names[i], err);
        if (status == FTF_OK && !parses(path)) {
            status = ftf_fs_remove(path, err);
        } else {
            h->seed_count++;
        }
    }
    ftf_names_release(&names);
    return status;
}

/* A new harvest takes the place of the old one. */
static ftf_status install(harvest *h, ftf_error *err) {
    char result[FTF_FS_PATH_MAX], path[FTF_FS_PATH_MAX];
    ftf_status status = ftf_path(result, err, "%s/result", h->work);
    if (status == FTF_OK && (status = ftf_path(path, err, "%s/seeds", result)) == FTF_OK &&
        (status = check_seeds(h, path, err)) == FTF_OK &&
        (status = ftf_path(path, err, "%s/harvested", h->paths.cache)) == FTF_OK &&
        (status = ftf_fs_make_dirs(path, err)) == FTF_OK && (status = ftf_fs_remove_tree(h->folder, err)) == FTF_OK &&
        (status = ftf_fs_rename(result, h->folder, err)) == FTF_OK) {
        status = ftf_path(path, err, "%s/harvest.json", h->folder);
    }
    if (status == FTF_OK) {
        h->figures = json_load_file(path, 0, NULL);
        status = h->figures != NULL ? FTF_OK : ftf_fail(err, FTF_SETUP, "%s cannot be read", path);
    }
    return status;
}

/* ---- --output ---------------------------------------------------------------------------------------------------- */

static ftf_status copy(const char *from, const char *to, ftf_error *err) {
    ftf_text text = {0};
    ftf_status status = ftf_fs_read(from, FTF_FS_READ_MAX, &text, err);
    status = status == FTF_OK ? ftf_fs_write(to, text.data, text.len, err) : status;
    ftf_text_release(&text);
    return status;
}

static ftf_status copy_seeds(const harvest *h, const char *folder, ftf_error *err) {
    ftf_names names = {0};
    char from[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_make_dirs(folder, err);
    status = status == FTF_OK ? ftf_fs_list(h->after.seeds, &names, err) : status;
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        if ((status = ftf_fs_join(from, h->after.seeds, names.names[i], err)) == FTF_OK &&
            (status = ftf_fs_join(to, folder, names.names[i], err)) == FTF_OK) {
            status = copy(from, to, err);
        }
    }
    ftf_names_release(&names);
    return status;
}

/* For a maintainer to commit: <name>.toml with what was accepted and not known before, and <name>/ with the seeds. */
static ftf_status write_output(harvest *h, const char *output, ftf_error *err) {
    char proposals[FTF_FS_PATH_MAX], out[FTF_FS_PATH_MAX], seeds[FTF_FS_PATH_MAX], folder[FTF_FS_PATH_MAX], text[32];
    const char *const arguments[] = {"--catalog", h->before.path, "--accepted", h->after.path, "--harvest",
                                     proposals,   "--out",        out,          NULL};
    ftf_proc_end end = {0};
    ftf_status status = ftf_path(folder, err, "%s", output);
    if (status == FTF_OK && (status = ftf_fs_make_dirs(folder, err)) == FTF_OK &&
        (status = ftf_fs_make_absolute(folder, err)) == FTF_OK &&
        (status = ftf_path(seeds, err, "%s/%s", folder, h->target.name)) == FTF_OK &&
        (status = copy_seeds(h, seeds, err)) == FTF_OK &&
        (status = ftf_path(out, err, "%s/%s.toml", folder, h->target.name)) == FTF_OK &&
        (status = ftf_path(proposals, err, "%s/harvest.toml", h->folder)) == FTF_OK) {
        status = run_script(h, arguments, &end, err);
    }
    return status != FTF_OK || (!end.signaled && end.code == 0)
               ? status
               : ftf_fail(err, FTF_SETUP, "%s could not be written (%s)", out, ftf_proc_end_text(&end, text));
}

/* ---- what a person sees ------------------------------------------------------------------------------------------ */

static int figure(const harvest *h, const char *name) {
    return (int)json_integer_value(json_object_get(h->figures, name));
}

static void label_of(const ftf_catalog *catalog, const ftf_callable *callable, ftf_text *out) {
    ftf_text_clear(out);
    if (callable->owner >= 0) {
        ftf_text_printf(out, "%s.", catalog->types[callable->owner].name);
    }
    ftf_text_str(out, callable->name);
}

/* The best score of a callable's patterns in a catalog; 0 when it is not there. */
static int score_in(const ftf_catalog *catalog, const char *label) {
    ftf_text own = {0};
    int best = 0;
    for (uint32_t i = 0; i < catalog->callable_count; i++) {
        const ftf_callable *callable = &catalog->callables[i];
        label_of(catalog, callable, &own);
        for (uint32_t j = 0; strcmp(own.data, label) == 0 && j < callable->pattern_count; j++) {
            best = callable->patterns[j].score > best ? callable->patterns[j].score : best;
        }
    }
    ftf_text_release(&own);
    return best;
}

/* The callables that had a score of `least` or less and have more now. */
static json_t *risen(const harvest *h, int least, int most) {
    const ftf_catalog *after = h->after.catalog;
    json_t *labels = json_array();
    ftf_text label = {0};
    for (uint32_t i = 0; i < after->callable_count; i++) {
        label_of(after, &after->callables[i], &label);
        int before = score_in(h->before.catalog, label.data);
        if (before >= least && before <= most && score_in(after, label.data) > before) {
            json_array_append_new(labels, json_string(label.data));
        }
    }
    ftf_text_release(&label);
    return labels;
}

static int count_makes(const ftf_catalog *catalog) {
    int count = 0;
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        count += (int)catalog->types[i].make_count;
    }
    return count;
}

static json_t *summarize(const harvest *h) {
    uint32_t accepted[2], total[2];
    ftf_learnt_count(h->before.catalog, &accepted[0], &total[0]);
    ftf_learnt_count(h->after.catalog, &accepted[1], &total[1]);
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i}, s:{s:i, s:i, s:i}, s:o, s:o}",
                     "target", h->target.name, "folder", h->folder, "exit", figure(h, "status"), "tests",
                     figure(h, "tests"), "calls", figure(h, "calls"), "seen", figure(h, "callables"), "watched",
                     figure(h, "watched"), "seeds", h->seed_count, "before", "accepted", (int)accepted[0], "callables",
                     (int)total[0], "makes", count_makes(h->before.catalog), "after", "accepted", (int)accepted[1],
                     "callables", (int)total[1], "makes", count_makes(h->after.catalog), "new", risen(h, 0, 0),
                     "better", risen(h, 1, 2));
}

static void print_labels(const char *heading, const json_t *labels) {
    enum { COLUMNS = 118 };
    int column = COLUMNS;
    if (json_array_size(labels) > 0) {
        printf("\n%s", heading);
    }
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const char *label = json_string_value(json_array_get(labels, i));
        column += (int)strlen(label) + 2;
        if (column > COLUMNS) {
            column = 2 + (int)strlen(label);
            fputs("\n", stdout);
        }
        printf("  %s", label);
    }
    fputs(json_array_size(labels) > 0 ? "\n" : "", stdout);
}

static int in(const json_t *summary, const char *table, const char *name) {
    return (int)json_integer_value(json_object_get(json_object_get(summary, table), name));
}

static void print_text(const harvest *h, const json_t *summary) {
    int status = figure(h, "status");
    printf("%s: harvested from %d tests: %d calls of %d of the %d callables that can be watched\n", h->target.name,
           figure(h, "tests"), figure(h, "calls"), figure(h, "callables"), figure(h, "watched"));
    if (status != 0) {
        printf("note: the test command ended with %s %d\n", status < 0 ? "signal" : "exit code", abs(status));
    }
    printf("\n  %-28s %10s %10s\n", "", "before", "after");
    printf("  %-28s %6d/%-3d %6d/%-3d\n", "callables with arguments", in(summary, "before", "accepted"),
           in(summary, "before", "callables"), in(summary, "after", "accepted"), in(summary, "after", "callables"));
    printf("  %-28s %10d %10d\n", "ways to make objects", in(summary, "before", "makes"),
           in(summary, "after", "makes"));
    printf("  %-28s %10s %10d\n", "scenarios to start from", "", h->seed_count);
    print_labels("could not be called before", json_object_get(summary, "new"));
    print_labels("only raised before, returns now", json_object_get(summary, "better"));
    printf("\nfuzz and show have it from now on; it is kept in %s\n", h->folder);
}

static void print(const harvest *h, bool json) {
    json_t *summary = summarize(h);
    if (json) {
        json_dumpf(summary, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        print_text(h, summary);
    }
    json_decref(summary);
}

static ftf_status do_harvest(harvest *h, const arguments *a, bool *refused, ftf_error *err) {
    ftf_status status = ftf_paths_find(&h->paths, err);
    if (status == FTF_OK && (status = ftf_target_resolve(&h->paths, a->spec, &h->target, err)) == FTF_OK &&
        (status = ftf_learn_harvest(&h->paths, &h->target, h->folder, err)) == FTF_OK &&
        (status = ftf_learn_alone(&h->paths, &h->target, &h->before, err)) == FTF_OK &&
        (status = prepare(h, err)) == FTF_OK) {
        status = run(h, a, refused, err);
    }
    if (status == FTF_OK && !*refused && (status = install(h, err)) == FTF_OK &&
        (status = ftf_learn(&h->paths, &h->target, &h->after, err)) == FTF_OK && a->output != NULL) {
        status = write_output(h, a->output, err);
    }
    return status;
}

int ftf_command_harvest(int argc, char **argv) {
    static harvest h;
    arguments a = {0};
    bool refused = false;
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    ftf_stop_on_signals();
    status = status == FTF_OK ? do_harvest(&h, &a, &refused, &err) : status;
    if (status == FTF_OK && !refused) {
        print(&h, a.json);
    }
    if (*h.work != '\0') {
        ftf_fs_remove_tree(h.work, NULL);
    }
    json_decref(h.figures);
    ftf_learnt_release(&h.before);
    ftf_learnt_release(&h.after);
    return status != FTF_OK ? ftf_command_fail(&err) : refused ? FTF_EXIT_SETUP : FTF_EXIT_CLEAN;
}
