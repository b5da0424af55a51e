#include "cli/pays.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "cli/python_job.h"
#include "cli/stop.h"
#include "pays_sources.h"
#include "python_sources.h"

enum { GRACE_MS = 15 * 1000 /* beyond its time, for starting interpreters and for operations that hang */ };

static json_t *trouble(const char *text) {
    json_t *json = json_pack("{s:s}", "trouble", text);
    FTF_ASSERT(json != NULL);
    return json;
}

static ftf_status prepare(const char *kinds, const char *library, ftf_error *err) {
    ftf_status status = ftf_fs_make_dirs(library, err);
    status = status == FTF_OK ? ftf_python_job_write(ftf_py_sources, library, err) : status;
    return status == FTF_OK ? ftf_python_job_write_kinds(kinds, err) : status;
}

json_t *ftf_pays_measure(const ftf_drive *drive, uint64_t seconds) {
    char folder[FTF_FS_PATH_MAX], kinds[FTF_FS_PATH_MAX], out[FTF_FS_PATH_MAX], log[FTF_FS_PATH_MAX];
    char library[FTF_FS_PATH_MAX], time[24], threads[16];
    ftf_error err = {0};
    bool stopped = false;
    snprintf(time, sizeof time, "%" PRIu64, seconds);
    snprintf(threads, sizeof threads, "%d", ftf_proc_cpu_count());
    /* clang-format off */
    const char *argv[] = {"pays.py",
                          "--catalog", drive->learnt.path,
                          "--library", library,
                          "--kinds", kinds,
                          "--path", drive->target.path[FTF_FLAVOUR_PLAIN],
                          "--seeds", drive->target.seeds,
                          "--seconds", time,
                          "--threads", threads,
                          "--out", out,
                          NULL};
    /* clang-format on */
    const ftf_python_job job = {.paths = &drive->paths,
                                .files = ftf_pays_sources,
                                .work = folder,
                                .log = log,
                                .argv = argv,
                                .deadline_ms = seconds * 1000 + GRACE_MS,
                                .tick = ftf_stop_not_yet};
    /* Not in the campaign's folder, which is not ours before the campaign has it. */
    ftf_status status = ftf_paths_make_scratch(&drive->paths, folder, &err);
    const struct {
        char *path;
        const char *name;
    } inside[] = {{kinds, "kinds.json"}, {out, "pays.json"}, {log, "log"}, {library, "library"}};
    for (size_t i = 0; i < sizeof inside / sizeof *inside && status == FTF_OK; i++) {
        status = ftf_fs_join(inside[i].path, folder, inside[i].name, &err);
    }
    if (status == FTF_OK && (status = prepare(kinds, library, &err)) == FTF_OK) {
        status = ftf_python_job_run(&job, &stopped, &err);
    }
    json_error_t where;
    json_t *json = status == FTF_OK && !stopped ? json_load_file(out, 0, &where) : NULL;
    if (status == FTF_OK && !stopped && json == NULL) {
        status = ftf_fail(&err, FTF_SETUP, "pays.py wrote no figures: %s", where.text);
    }
    if (*folder != '\0') {
        ftf_fs_remove_tree(folder, NULL);
    }
    return json != NULL || stopped ? json : trouble(err.text);
}
