#include "cli/script.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/proc.h"
#include "cli/stop.h"

enum { LOOK_MS = 200, GRACE_MS = 2000, ARGUMENTS_MAX = 24 };

static ftf_status take_last_line(const char *printed_path, char line[FTF_FS_PATH_MAX], ftf_error *err) {
    ftf_text printed = {0};
    ftf_status status = ftf_fs_read(printed_path, FTF_FS_READ_MAX, &printed, err);
    status = status == FTF_OK ? ftf_path(line, err, "%s", ftf_text_last_line(&printed)) : status;
    ftf_text_release(&printed);
    return status;
}

/* Waits for a script, looking for Ctrl-C meanwhile: it is in a process group of its own and hears nothing of it. */
static ftf_status wait_for(ftf_proc *proc, const char *what, uint64_t deadline_ms, ftf_proc_end *end, ftf_error *err) {
    uint64_t until = ftf_proc_now_ms() + deadline_ms;
    while (!ftf_proc_wait(proc, LOOK_MS, end)) {
        bool late = ftf_proc_now_ms() >= until;
        if (late || ftf_stop_signals != 0) {
            ftf_proc_stop(proc, GRACE_MS, end);
            return ftf_fail(err, FTF_SETUP, late ? "%s did not end" : "%s was interrupted; finished parts are kept",
                            what);
        }
    }
    return FTF_OK;
}

/* A script's own words where it has some, else how it ended. */
static ftf_status judge(const ftf_proc_end *end, const char *what, const char *line, ftf_error *err) {
    char text[32];
    if (!end->signaled && end->code == 0) {
        return FTF_OK;
    }
    return !end->signaled && end->code == 2 && *line != '\0'
               ? ftf_fail(err, FTF_SETUP, "%s", line)
               : ftf_fail(err, FTF_SETUP, "%s failed with %s", what, ftf_proc_end_text(end, text));
}

ftf_status ftf_script_run(const ftf_paths *paths, const char *const *argv, const char *what, uint64_t deadline_ms,
                          char line[FTF_FS_PATH_MAX], ftf_error *err) {
    char script[FTF_FS_PATH_MAX], scratch[FTF_FS_PATH_MAX] = "", printed[FTF_FS_PATH_MAX];
    const char *absolute[ARGUMENTS_MAX] = {script};
    ftf_proc proc;
    ftf_proc_end end;
    for (size_t i = 1; argv[i - 1] != NULL; i++) {
        FTF_ASSERT(i < ARGUMENTS_MAX);
        absolute[i] = argv[i];
    }
    ftf_status status = ftf_path(script, err, "%s/%s", paths->root, argv[0]);
    status = status == FTF_OK ? ftf_paths_make_scratch(paths, scratch, err) : status;
    status = status == FTF_OK ? ftf_fs_join(printed, scratch, "stdout", err) : status;
    if (status == FTF_OK) {
        ftf_proc_options options = {
            .argv = absolute, .stdout_path = printed, .inherit_output = true, .cpu = FTF_PROC_ANY_CPU};
        status = ftf_proc_spawn(&options, &proc, err);
    }
    if (status == FTF_OK && (status = wait_for(&proc, what, deadline_ms, &end, err)) == FTF_OK &&
        (status = take_last_line(printed, line, err)) == FTF_OK) {
        status = judge(&end, what, line, err);
    }
    if (*scratch != '\0') {
        ftf_fs_remove_tree(scratch, NULL);
    }
    return status;
}
