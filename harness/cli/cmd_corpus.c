/*
 * `ftfuzz corpus TARGET`: the life of a corpus. What campaigns have collected, the seeds that are reviewed, and folders from
 * elsewhere become one small corpus of what it takes to reach all that they reach. harness/export/merge.py does it with
 * libFuzzer's own merge; here is counted which pairs of operations met before and after.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/exercised.h"
#include "cli/options.h"
#include "cli/python_job.h"
#include "cli/rig.h"
#include "cli/stop.h"
#include "export_sources.h"

enum { DEADLINE_MS = 4 * 60 * 60 * 1000 };

typedef struct arguments {
    const char *spec, *out, *from;
    bool help;
} arguments;

typedef struct corpus_job {
    ftf_rig rig;
    char program[FTF_FS_PATH_MAX], own[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX], from[FTF_FS_PATH_MAX];
    char before[FTF_FS_PATH_MAX], after[FTF_FS_PATH_MAX], result[FTF_FS_PATH_MAX], log[FTF_FS_PATH_MAX];
} corpus_job;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--out", FTF_OPTION_TEXT, &a->out, "DIR", "where campaigns are: DIR/<target>/corpus is read; default out"},
        {"--from", FTF_OPTION_TEXT, &a->from, "DIR", "one more folder of scenarios, such as ClusterFuzz's"},
        {0},
    };
    const ftf_usage usage = {
        .command = "corpus",
        .operand = "TARGET",
        .summary =
            "Merges the corpus of campaigns with the reviewed seeds, and keeps what it takes to reach all they reach.",
        .rows = rows,
        .notes =
            "The result is DIR/<target>/merged: small scenarios first, each named after what its threads call; a seed "
            "keeps\n"
            "its name. What ends the process with an error of memory is left out and counted: that is a finding. The\n"
            "same input gives the same files. Move what you like to corpora/<target>.\n\n"
            "Exit codes: 0 done, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->spec, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    } else if (status == FTF_OK && a->from != NULL && !ftf_fs_is_dir(a->from)) {
        return ftf_fail(err, FTF_USAGE, "--from %s is no folder", a->from);
    }
    return status;
}

/* The script runs elsewhere, so folders are absolute. */
static ftf_status prepare(const arguments *a, corpus_job *c, ftf_error *err) {
    char out[FTF_FS_PATH_MAX];
    ftf_status status = ftf_rig_open_alone(a->spec, FTF_FLAVOUR_ASAN, &c->rig, c->program, err);
    if (status == FTF_OK && (status = ftf_path(out, err, "%s/%s", a->out, c->rig.target.name)) == FTF_OK &&
        (status = ftf_fs_make_dirs(out, err)) == FTF_OK) {
        status = ftf_fs_make_absolute(out, err);
    }
    if (status == FTF_OK && a->from != NULL && (status = ftf_path(c->from, err, "%s", a->from)) == FTF_OK) {
        status = ftf_fs_make_absolute(c->from, err);
    }
    const struct {
        char *path;
        const char *folder, *name;
    } inside[] = {{c->own, out, "corpus"},
                  {c->to, out, "merged"},
                  {c->before, c->rig.scratch, "before"},
                  {c->after, c->rig.scratch, "after"},
                  {c->result, c->rig.scratch, "result"},
                  {c->log, c->rig.paths.cache, "logs/corpus.log"}};
    for (size_t i = 0; i < sizeof inside / sizeof *inside && status == FTF_OK; i++) {
        status = ftf_fs_join(inside[i].path, inside[i].folder, inside[i].name, err);
    }
    return status;
}

static ftf_status merge(corpus_job *c, ftf_error *err) {
    /* clang-format off */
    const char *argv[] = {"merge.py",
                          "--program", c->program,
                          "--home", c->rig.paths.python[FTF_FLAVOUR_ASAN],
                          "--path", c->rig.target.path[FTF_FLAVOUR_ASAN],
                          "--catalog", c->rig.learnt.path,
                          "--seeds", c->rig.target.seeds,
                          "--seeds", c->rig.learnt.seeds,
                          "--seeds", c->from,
                          "--corpus", c->own,
                          "--before", c->before,
                          "--after", c->after,
                          "--result", c->result,
                          "--to", c->to,
                          NULL};
    /* clang-format on */
    const ftf_python_job job = {.paths = &c->rig.paths,
                                .files = ftf_export_sources,
                                .work = c->rig.scratch,
                                .log = c->log,
                                .argv = argv,
                                .deadline_ms = DEADLINE_MS,
                                .tick = ftf_stop_not_yet};
    bool stopped = false;
    ftf_status status = ftf_python_job_run(&job, &stopped, err);
    return status == FTF_OK && stopped ? ftf_fail(err, FTF_SETUP, "interrupted; nothing was changed") : status;
}

/* How many pairs of operations on one object met, of how many there are. */
static ftf_status count_pairs(const corpus_job *c, const char *path, int *met, int *all, ftf_error *err) {
    ftf_exercise *map = ftf_exercise_open(NULL, err);
    ftf_status status = map != NULL ? ftf_exercise_add_file(map, path, err) : err->status;
    if (status == FTF_OK) {
        ftf_exercised told;
        ftf_exercised_tell(c->rig.learnt.catalog, map, NULL, 0, &told);
        if (json_unpack(told.coverage, "{s:{s:i, s:i}}", "pairs", "overlapped", met, "total", all) != 0) {
            status = ftf_fail(err, FTF_SETUP, "%s holds no pairs", path);
        }
        json_decref(told.coverage);
        json_decref(told.callables);
        json_decref(told.types);
    }
    ftf_exercise_close(map);
    return status;
}

static ftf_status tell(const corpus_job *c, ftf_error *err) {
    int before = 0, after = 0, all = 0;
    ftf_status status = count_pairs(c, c->before, &before, &all, err);
    status = status == FTF_OK ? count_pairs(c, c->after, &after, &all, err) : status;
    status = status == FTF_OK ? ftf_python_job_show(c->result, err) : status;
    if (status == FTF_OK) {
        printf("pairs   %d of %d before, %d after\n", before, all, after);
    }
    return status;
}

int ftf_command_corpus(int argc, char **argv) {
    static corpus_job c;
    arguments a = {.out = "out"};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    if (status == FTF_OK) {
        ftf_stop_on_signals();
        status = prepare(&a, &c, &err);
    }
    if (status == FTF_OK && (status = merge(&c, &err)) == FTF_OK) {
        status = tell(&c, &err);
    }
    ftf_rig_close(&c.rig);
    return status == FTF_OK ? FTF_EXIT_CLEAN : ftf_command_fail(&err);
}
