#ifndef FTF_ENGINE_OPTIONS_H
#define FTF_ENGINE_OPTIONS_H
/*
 * The worker's own command line: double-dash options, which libFuzzer ignores; its own have one dash.
 *
 *   --catalog=FILE    what is known about the target (scenario/catalog.h); a target that runs alone knows where (alone.h)
 *   --home=PREFIX     the interpreter's prefix
 *   --path=DIR        in front of sys.path; may be repeated
 *   --blackbox=FILE   --spool=DIR   --name=NAME      where and as whom it reports
 *   --exercise=FILE   counts there what was exercised (base/exercise.h)
 *   --schedule=auto|free|pct    --rounds=N           schedules tried per execution
 *   --no-feedback     does not tell libFuzzer how lanes met: for measuring what that is worth
 *   --no-delays       free-running lanes do not tarry at points: for measuring, too
 *   --cpu=N           pins the process
 *   --deadline-ms=N   of one scenario, all its rounds
 *   --replay=FILE     runs the scenarios of FILE once, or as often as --repeat=N says, and exits
 *   --epoch=N         ends in order after N scenarios: state that scenarios leave in the module must not pile up for ever
 *   --gil             forces the GIL on: the control run
 *   --cold=N          runs storms from number N on, each run in a process of its own (engine/cold.h), ...
 *   --cold-ms=N       ... for so long, and ends
 *   --cold-seed=N     which storms there are
 *   --trace=FILE      writes down what happens (engine/tracing.h); with --watch=ADDRESS also who owned that memory
 *   --serve           imports the target, then forks a worker for each request (engine/serve.h)
 */
#include <stdbool.h>

#include "base/status.h"

enum { FTF_PATHS_MAX = 16, FTF_ROUNDS_MAX = 64 };

typedef enum ftf_schedule_choice { FTF_CHOICE_AUTO, FTF_CHOICE_FREE, FTF_CHOICE_PCT } ftf_schedule_choice;

typedef struct ftf_options {
    const char *catalog, *home, *blackbox, *spool, *name, *replay, *trace, *watch, *exercise;
    const char *paths[FTF_PATHS_MAX + 1]; /* NULL-terminated */
    ftf_schedule_choice schedule;
    int rounds;
    int cpu; /* -1: not pinned */
    int deadline_ms;
    int repeat;
    int epoch; /* 0: never */
    int cold; /* -1: no */
    int cold_ms, cold_seed;
    bool gil, serve, no_feedback, no_delays;
} ftf_options;

/* Strings point into argv. */
ftf_status ftf_options_parse(int argc, char **argv, ftf_options *out, ftf_error *err);

#endif
