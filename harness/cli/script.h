#ifndef FTF_CLI_SCRIPT_H
#define FTF_CLI_SCRIPT_H
/*
 * Running a script of ci/ that makes something and prints where it is. Its own words, on standard error, are for the person:
 * what it is doing, which compiler error, which log.
 *
 *     const char *const argv[] = {"ci/build-target", "tsan", "canaries", NULL};
 *     status = ftf_script_run(paths, argv, "building canaries (tsan)", 15 * 60 * 1000, line, err);
 *
 * Threads: any; the child is ended with the calling thread (base/proc.h).
 */
#include <stdint.h>

#include "cli/paths.h"

/* Runs argv, whose first word is a path in the checkout, and copies the last line that it printed. `what` says in an error what
   was going on. FTF_SETUP when it failed, did not end in time, or was interrupted; a script that exits with 2 may print
   the error's text as its last line. */
ftf_status ftf_script_run(const ftf_paths *paths, const char *const *argv, const char *what, uint64_t deadline_ms,
                          char line[FTF_FS_PATH_MAX], ftf_error *err);

#endif
