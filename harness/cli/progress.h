#ifndef FTF_CLI_PROGRESS_H
#define FTF_CLI_PROGRESS_H
/*
 * What the person who waits sees while a campaign runs: one line, made from a snapshot by a pure function, so that it
 * can be tested, and a small object that draws it.
 *
 * On a terminal the line is redrawn once a second and other messages scroll above it. Elsewhere (a log, CI) it is
 * printed whole every ten seconds. All of it goes to standard error; standard output is for the result.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "cli/worker.h"

enum { FTF_PROGRESS_KINDS_MAX = 16 };

typedef struct ftf_progress_snapshot {
    uint64_t elapsed_ms, limit_ms; /* limit 0: until Ctrl-C */
    ftf_counters counters;
    double scenarios_per_s, calls_per_s; /* of the last seconds */
    uint32_t blamed, other;              /* findings: on the extension; cpython's and foreign ones */
    uint32_t kind_count;                 /* those blamed on the extension, by kind */
    struct {
        const char *kind;
        uint32_t count;
    } kinds[FTF_PROGRESS_KINDS_MAX];
} ftf_progress_snapshot;

/* Without a newline. */
void ftf_progress_format(const ftf_progress_snapshot *snapshot, ftf_text *out);

/* 1234567 -> "1.23 M", for rates and totals. */
const char *ftf_progress_number(double value, char text[16]);

/* 83 s -> "1:23", 2 h -> "2:00:00". */
const char *ftf_progress_time(uint64_t ms, char text[16]);

typedef struct ftf_progress_view {
    bool terminal, quiet, drawn;
    uint64_t drawn_ms;
    uint64_t rate_ms; /* when the counters below were taken */
    uint64_t rate_scenarios, rate_calls;
    double scenarios_per_s, calls_per_s;
} ftf_progress_view;

/* quiet: nothing is drawn but messages. */
void ftf_progress_view_init(ftf_progress_view *view, bool quiet);

/* Draws when it is time to; fills in the snapshot's rates first. */
void ftf_progress_view_update(ftf_progress_view *view, ftf_progress_snapshot *snapshot, uint64_t now_ms);

/* One line above the status line. */
void ftf_progress_view_say(ftf_progress_view *view, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the status line away. */
void ftf_progress_view_clear(ftf_progress_view *view);

#endif
