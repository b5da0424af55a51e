#ifndef FTF_FINDINGS_CRASH_H
#define FTF_FINDINGS_CRASH_H
/*
 * What a worker's death means. One place turns (how the process ended, its black box, the tail of its stderr) into a
 * verdict, and, when the target did it, into a record like those that live workers write.
 *
 *     ftf_crash_options options = {.blackbox_path = box, .stderr_path = err, .flavour = "asan", .end = end};
 *     ftf_crash crash;
 *     status = ftf_crash_judge(&options, &crash, &err);
 *     if (crash.death == FTF_DEATH_FINDING) ftf_store_add(store, crash.record, &filed, &err);
 *     ftf_crash_release(&crash);
 *
 * What it leans on: worker exit codes (below), the phase in the black box, and the texts that ASan, TSan, UBSan,
 * libFuzzer, glibc and CPython print before they end a process (crash_text.h). The sanitizer's own words win over the
 * exit status, which only says that something was wrong.
 *
 * The record's scenario is the one in the black box with the switches that were really executed as its explicit
 * schedule, so that it replays whatever policy had chosen them.
 */
#include <stdbool.h>

#include "base/proc.h"
#include "findings/record.h"

enum {
    FTF_WORKER_EXIT_RECORD = 66,   /* --replay saw at least one record */
    FTF_WORKER_EXIT_LIBFUZZER = 77,
    FTF_WORKER_EXIT_VERDICT = 84,  /* hang or deadlock: the verdict is in the black box */
    FTF_WORKER_EXIT_SETUP = 85,    /* one line on stderr says what */
    FTF_WORKER_EXIT_SLOW = 86,     /* a scenario was slow in a way the process cannot survive */
};

typedef enum ftf_death {
    FTF_DEATH_NONE,    /* ended in order */
    FTF_DEATH_FINDING, /* the target did it; record is set */
    FTF_DEATH_SETUP,   /* the target cannot be imported, or something is not installed: starting again is no use */
    FTF_DEATH_BUG,     /* a mistake of ours (FTF-BUG, or a death outside of any scenario); text says where */
    FTF_DEATH_SLOW,    /* no finding: start another */
    FTF_DEATH_KILLED,  /* somebody killed it (SIGKILL, SIGTERM, the OOM killer, a memory limit): start another. record
                          is set when a scenario was running; it belongs into <out>/restarts, it is no finding */
} ftf_death;

typedef struct ftf_crash_options {
    const char *blackbox_path; /* may be missing on disk: the worker died before it made one */
    const char *stderr_path;
    const char *flavour;
    ftf_proc_end end;
} ftf_crash_options;

typedef struct ftf_crash {
    ftf_death death;
    ftf_record *record; /* NULL where the comments above do not say otherwise */
    char text[500];     /* one line for a person; "" for NONE */
} ftf_crash;

ftf_status ftf_crash_judge(const ftf_crash_options *options, ftf_crash *out, ftf_error *err);
void ftf_crash_release(ftf_crash *crash);

/* "finding", "setup", ...: for logs. */
const char *ftf_death_name(ftf_death death);

#endif
