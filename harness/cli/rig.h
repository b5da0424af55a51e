#ifndef FTF_CLI_RIG_H
#define FTF_CLI_RIG_H
/*
 * Everything that is needed to run scenarios of one target in fresh processes: where things are, what is known about the
 * target, a symbolizer, a folder for temporary files.
 *
 *     ftf_rig rig;
 *     status = ftf_rig_open("collections", &rig, &err);
 *     status = ftf_rig_options(&rig, FTF_FLAVOUR_TSAN, 0, &options, &err);      for reduce/attempt.h
 *     ftf_rig_close(&rig);                                                      whatever open said
 */
#include "cli/learn.h"
#include "cli/subject.h"
#include "reduce/attempt.h"
#include "reduce/repro.h"

typedef struct ftf_rig {
    ftf_paths paths;
    ftf_target target;
    ftf_learnt learnt;
    ftf_symbolizer *symbolizer;
    char scratch[FTF_FS_PATH_MAX];                   /* removed by close */
    const char *worker_paths[2];                     /* what ftf_rig_options points to */
    char python[FTF_FLAVOUR_COUNT][FTF_FS_PATH_MAX]; /* and ftf_rig_repro_options */
} ftf_rig;

ftf_status ftf_rig_open(const char *spec, ftf_rig *out, ftf_error *err);

/* The same, with the target built for the executable of that flavour that needs no supervisor, whose path is given. FTF_USAGE for a wheel
   under tsan, which would see nothing in it. */
ftf_status ftf_rig_open_alone(const char *spec, ftf_flavour flavour, ftf_rig *out, char program[FTF_FS_PATH_MAX],
                              ftf_error *err);

/* What a command about one finding begins with: loads it, refuses what no scenario shows, catches Ctrl-C (stop.h), and opens its
   rig. The caller closes the rig and releases the subject, whatever this says. */
ftf_status ftf_rig_open_finding(const char *path, ftf_subject *subject, ftf_rig *out, ftf_error *err);
void ftf_rig_close(ftf_rig *rig);

/* Attempts in that flavour, `jobs` processes at a time (0: one for each CPU). The options point into the rig, and are good until
   they are asked for again. FTF_SETUP when that flavour was not built. */
ftf_status ftf_rig_options(ftf_rig *rig, ftf_flavour flavour, uint64_t jobs, ftf_attempt_options *out, ftf_error *err);

/* For reduce/repro.h, of a finding of that flavour; `out` points into the rig. Builds the target for interpreters that lack it. */
ftf_status ftf_rig_repro_options(ftf_rig *rig, ftf_flavour flavour, ftf_repro_options *out, ftf_error *err);

/* The store that the finding is in, for writing. FTF_INPUT when it was moved out of one. */
ftf_status ftf_rig_open_store(const ftf_rig *rig, const ftf_subject *subject, ftf_store **out, ftf_error *err);

#endif
