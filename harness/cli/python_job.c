#include "cli/python_job.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "scenario/kinds.h"

enum { ARGS_MAX = 40, TICK_MS = 50 };

const char *const ftf_python_job_env[] = {"PYTHONHASHSEED=0",      "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP",
                                          "PYTHONWARNINGS=ignore", NULL};

ftf_status ftf_python_job_write(const ftf_embedded *files, const char *folder, ftf_error *err) {
    ftf_status status = FTF_OK;
    for (const ftf_embedded *file = files; file->name != NULL && status == FTF_OK; file++) {
        char path[FTF_FS_PATH_MAX];
        status = ftf_fs_join(path, folder, file->name, err);
        if (status == FTF_OK) {
            status = ftf_fs_write_unflushed(path, file->text, file->len, err);
        }
    }
    return status;
}

ftf_status ftf_python_job_write_kinds(const char *path, ftf_error *err) {
    json_t *kinds = json_object();
    for (size_t i = 0; i < ftf_kind_count; i++) {
        json_t *samples = json_array();
        for (size_t j = 0; j < ftf_kinds[i].sample_count; j++) {
            json_array_append_new(samples, json_string(ftf_kinds[i].samples[j]));
        }
        json_object_set_new(kinds, ftf_kinds[i].name, samples);
    }
    char *text = json_dumps(kinds, 0);
    json_decref(kinds);
    ftf_status status = text != NULL ? ftf_fs_write_unflushed(path, text, strlen(text), err)
                                     : ftf_fail(err, FTF_INPUT, "a sample of kinds.def is not UTF-8");
    free(text);
    return status;
}

void ftf_python_job_last_line(const char *log, char line[FTF_PYTHON_JOB_LINE_MAX]) {
    static const char *const prefixes[] = {"ftfuzz: ", "discover.py: ", "error: "};
    ftf_text text = {0};
    *line = '\0';
    if (ftf_fs_read_tail(log, 8192, &text, NULL) == FTF_OK) {
        const char *start = ftf_text_last_line(&text);
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
            size_t len = strlen(prefixes[i]);
            start += strncmp(start, prefixes[i], len) == 0 ? len : 0;
        }
        snprintf(line, FTF_PYTHON_JOB_LINE_MAX, "%s", start);
    }
    ftf_text_release(&text);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static ftf_status fail_job(const ftf_python_job *job, const ftf_proc_end *end, ftf_error *err) {
    char line[FTF_PYTHON_JOB_LINE_MAX], text[32];
    ftf_python_job_last_line(job->log, line);
    return ftf_fail(err, FTF_SETUP, "%s failed (%s): %s; the whole output is in %s", job->argv[0],
                    ftf_proc_end_text(end, text), line, job->log);
}

static ftf_status wait_for(const ftf_python_job *job, ftf_proc *proc, bool *stopped, ftf_error *err) {
    uint64_t until_ms = ftf_proc_now_ms() + job->deadline_ms;
    ftf_proc_end end;
    while (!ftf_proc_wait(proc, TICK_MS, &end)) {
        *stopped = job->tick != NULL && !job->tick(job->self);
        if (*stopped || ftf_proc_now_ms() >= until_ms) {
            ftf_proc_stop(proc, 0, &end);
            return *stopped ? FTF_OK : ftf_fail(err, FTF_SETUP, "%s did not end in time", job->argv[0]);
        }
    }
    return end.signaled || end.code != 0 ? fail_job(job, &end, err) : FTF_OK;
}

static ftf_status run_in(const ftf_python_job *job, const char *folder, bool *stopped, ftf_error *err) {
    char python[FTF_FS_PATH_MAX], script[FTF_FS_PATH_MAX];
    const char *argv[ARGS_MAX] = {python, "-B", script};
    int argc = 3;
    for (const char *const *more = &job->argv[1]; *more != NULL; more++) {
        FTF_ASSERT(argc < ARGS_MAX - 1);
        argv[argc++] = *more;
    }
    ftf_proc_options options = {.argv = argv,
                                .env = ftf_python_job_env,
                                .cwd = folder,
                                .stdout_path = job->log,
                                .stderr_path = job->log,
                                .cpu = FTF_PROC_ANY_CPU,
                                .file_bytes_max = 256 * 1024 * 1024};
    ftf_proc proc;
    ftf_status status = ftf_paths_python(job->paths, FTF_FLAVOUR_PLAIN, python, err);
    if (status == FTF_OK && (status = ftf_python_job_write(job->files, folder, err)) == FTF_OK &&
        (status = ftf_fs_join(script, folder, job->argv[0], err)) == FTF_OK) {
        status = ftf_proc_spawn(&options, &proc, err);
    }
    return status == FTF_OK ? wait_for(job, &proc, stopped, err) : status;
}

ftf_status ftf_python_job_run(const ftf_python_job *job, bool *stopped, ftf_error *err) {
    char folder[FTF_FS_PATH_MAX];
    bool unused;
    stopped = stopped != NULL ? stopped : &unused;
    *stopped = false;
    ftf_status status = ftf_fs_make_dirs(job->work, err);
    status = status == FTF_OK ? ftf_fs_make_temporary_dir(job->work, folder, err) : status;
    if (status == FTF_OK) {
        status = run_in(job, folder, stopped, err);
        ftf_fs_remove_tree(folder, NULL);
    }
    return status;
}

ftf_status ftf_python_job_show(const char *path, ftf_error *err) {
    ftf_text text = {0};
    ftf_status status = ftf_fs_read(path, FTF_FS_READ_MAX, &text, err);
    if (status == FTF_OK) {
        fputs(text.data, stdout);
    }
    ftf_text_release(&text);
    return status;
}
