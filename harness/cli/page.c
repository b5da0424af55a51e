#include "cli/page.h"

#include "cli/python_job.h"
#include "page_sources.h"

enum { DEADLINE_MS = 60 * 1000 /* a module of 500 callables takes a second */ };

ftf_status ftf_page_write(const ftf_drive *drive, ftf_error *err) {
    char document[FTF_FS_PATH_MAX], page[FTF_FS_PATH_MAX], work[FTF_FS_PATH_MAX], log[FTF_FS_PATH_MAX];
    const char *argv[] = {"page.py", document, page, NULL};
    const ftf_python_job job = {.paths = &drive->paths,
                                .files = ftf_page_sources,
                                .work = work,
                                .log = log,
                                .argv = argv,
                                .deadline_ms = DEADLINE_MS};
    const struct {
        char *path;
        const char *name;
    } inside[] = {{document, "check.json"}, {page, "check.html"}, {work, "work"}, {log, "work/page.log"}};
    ftf_status status = FTF_OK;
    for (size_t i = 0; i < sizeof inside / sizeof *inside && status == FTF_OK; i++) {
        status = ftf_fs_join(inside[i].path, drive->out, inside[i].name, err);
    }
    return status == FTF_OK ? ftf_python_job_run(&job, NULL, err) : status;
}
