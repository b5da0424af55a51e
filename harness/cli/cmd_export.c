/*
 * `ftfuzz export TARGET --out DIR`: a target as one executable that needs nothing of this checkout, for OSS-Fuzz and its like. What
 * goes where is in engine/alone.h; harness/export/export.py puts it together.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/python_job.h"
#include "cli/rig.h"
#include "cli/stop.h"
#include "export_sources.h"

enum { DEADLINE_MS = 30 * 60 * 1000 /* a corpus of thousands of seeds, each tried in a process of its own */ };

typedef struct arguments {
    const char *spec, *flavour, *out;
    bool help;
} arguments;

typedef struct export_job {
    ftf_rig rig;
    ftf_flavour flavour;
    char program[FTF_FS_PATH_MAX], out[FTF_FS_PATH_MAX];
} export_job;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--flavour", FTF_OPTION_CHOICE, &a->flavour, "tsan|asan", "which sanitizer watches; default asan"},
        {"--out", FTF_OPTION_TEXT, &a->out, "DIR",
         "where everything goes; a folder holds one flavour, and any number of targets"},
        {0},
    };
    const ftf_usage usage = {
        .command = "export",
        .operand = "TARGET",
        .summary =
            "Makes DIR/ftfuzz_<target>: a libFuzzer executable that needs only DIR, from wherever it is copied to.",
        .rows = rows,
        .notes =
            "    DIR/ftfuzz_array -runs=1000        any option of libFuzzer; findings become crash-<hash>, a scenario\n"
            "    ftfuzz replay crash-<hash>         replays it, minimizes it and so on, here\n\n"
            "Beside it: .options and _seed_corpus.zip as ClusterFuzz wants them, and ftfuzz_data/. Seeds that show a\n"
            "finding at once are left out and named, for a target must run on its seed corpus.\n"
            "ci/oss-fuzz/ has the files for OSS-Fuzz.\n\n"
            "Exit codes: 0 done, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->spec, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    } else if (status == FTF_OK && a->out == NULL) {
        return ftf_fail(err, FTF_USAGE, "export needs --out DIR, the folder that everything goes to");
    }
    return status;
}

static ftf_status prepare(const arguments *a, export_job *e, ftf_error *err) {
    e->flavour = ftf_flavour_find(a->flavour);
    ftf_status status = ftf_rig_open_alone(a->spec, e->flavour, &e->rig, e->program, err);
    status = status == FTF_OK ? ftf_fs_make_dirs(a->out, err) : status;
    status = status == FTF_OK ? ftf_path(e->out, err, "%s", a->out) : status;
    return status == FTF_OK ? ftf_fs_make_absolute(e->out, err) : status;
}

static ftf_status assemble(export_job *e, ftf_error *err) {
    char result[FTF_FS_PATH_MAX], log[FTF_FS_PATH_MAX];
    /* clang-format off */
    const char *argv[] = {"export.py",
                          "--program", e->program,
                          "--target", e->rig.target.name,
                          "--flavour", ftf_flavour_name(e->flavour),
                          "--home", e->rig.paths.python[e->flavour],
                          "--path", e->rig.target.path[e->flavour],
                          "--catalog", e->rig.learnt.path,
                          "--seeds", e->rig.target.seeds,
                          "--seeds", e->rig.learnt.seeds,
                          "--result", result,
                          "--out", e->out,
                          NULL};
    /* clang-format on */
    const ftf_python_job job = {.paths = &e->rig.paths,
                                .files = ftf_export_sources,
                                .work = e->rig.scratch,
                                .log = log,
                                .argv = argv,
                                .deadline_ms = DEADLINE_MS,
                                .tick = ftf_stop_not_yet};
    bool stopped = false;
    ftf_status status = ftf_fs_join(result, e->rig.scratch, "result", err);
    status = status == FTF_OK ? ftf_path(log, err, "%s/logs/export.log", e->rig.paths.cache) : status;
    status = status == FTF_OK ? ftf_python_job_run(&job, &stopped, err) : status;
    if (status == FTF_OK && stopped) {
        return ftf_fail(err, FTF_SETUP, "interrupted; %s is not complete", e->out);
    }
    return status == FTF_OK ? ftf_python_job_show(result, err) : status;
}

int ftf_command_export(int argc, char **argv) {
    static export_job e;
    arguments a = {.flavour = "asan"};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    if (status == FTF_OK) {
        ftf_stop_on_signals();
        status = prepare(&a, &e, &err);
    }
    status = status == FTF_OK ? assemble(&e, &err) : status;
    ftf_rig_close(&e.rig);
    return status == FTF_OK ? FTF_EXIT_CLEAN : ftf_command_fail(&err);
}
