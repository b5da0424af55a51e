#ifndef FTF_CLI_PYTHON_JOB_H
#define FTF_CLI_PYTHON_JOB_H
/*
 * Python scripts that are part of this executable (base/embedded.h) and run on the plain interpreter: discovery
 * (learn.h), what going without the GIL is worth (pays.h), the page of a check (page.h). They are written to a folder that lasts
 * as long as they run.
 *
 * Threads: none of this is shared.
 */
#include "base/embedded.h"
#include "base/proc.h"
#include "cli/paths.h"

enum { FTF_PYTHON_JOB_LINE_MAX = 300 };

/* For ftf_proc_options.env: nothing of the person's Python set-up changes what a script does. */
extern const char *const ftf_python_job_env[];

/* Writes a table of files into a folder. */
ftf_status ftf_python_job_write(const ftf_embedded *files, const char *folder, ftf_error *err);

/* {"int": ["1", ...], ...}: the table kinds.def, for a script's samples to be the generator's. */
ftf_status ftf_python_job_write_kinds(const char *path, ftf_error *err);

/* The last line of a log that says anything, without what our scripts put in front of it; "" when there is none. */
void ftf_python_job_last_line(const char *log, char line[FTF_PYTHON_JOB_LINE_MAX]);

typedef struct ftf_python_job {
    const ftf_paths *paths;
    const ftf_embedded *files;
    const char *work;         /* the scripts' folder is made in here, and is gone afterwards */
    const char *log;          /* gets what the script prints; its last line explains a failure */
    const char *const *argv;  /* what follows the interpreter: the script's name and its arguments; NULL-terminated */
    uint64_t deadline_ms;     /* from the start on */
    bool (*tick)(void *self); /* false ends it; may be NULL */
    void *self;
} ftf_python_job;

/* Runs a script to its end, in its folder. FTF_SETUP with the reason when it fails; *stopped (may be NULL) says that `tick` did
   not let it end. */
ftf_status ftf_python_job_run(const ftf_python_job *job, bool *stopped, ftf_error *err);

/* Prints the file that a script has left for people, since its output goes to a log. */
ftf_status ftf_python_job_show(const char *path, ftf_error *err);

#endif
