#ifndef FTF_CLI_CAMPAIGN_H
#define FTF_CLI_CAMPAIGN_H
/*
 * A campaign: workers hammer one target until the time is up, a wanted finding came, somebody said stop, or going on
 * makes no sense; meanwhile what they report is filed. What was found is confirmed afterwards (confirm.h).
 *
 *     <out>/findings/<id>/      what was found (findings/store.h)
 *     <out>/corpus/ quarantine/ scenarios worth mutating; those that ended a worker (corpus.h)
 *     <out>/restarts/           records of scenarios in which a worker was killed: for us, no findings
 *     <out>/bugs/               what a worker that broke for a reason of ours left behind
 *     <out>/work/               black boxes, spool, standard error; emptied at the next start, its spool filed before
 *     <out>/campaign.json       the summary
 *
 * Nothing found is ever held in memory only: the spool is on disk before we know of it, and is filed by the next
 * campaign in the same folder when this one is killed.
 *
 * One turn of the loop (every FTF_CAMPAIGN_TICK_MS): look after each worker; when one died, judge (findings/crash.h)
 * and file; every FTF_CAMPAIGN_SPOOL_MS file what the live ones reported; draw the status.
 *
 * Threads: one. `stop` may be set by a signal handler.
 */
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/corpus.h"
#include "cli/learn.h"
#include "cli/progress.h"
#include "cli/worker.h"
#include "findings/store.h"
#include "reduce/attempt.h"

enum {
    FTF_CAMPAIGN_TICK_MS = 50,
    FTF_CAMPAIGN_SPOOL_MS = 300,
    FTF_CAMPAIGN_EXCHANGE_MS = 2000, /* between looks at what the workers added to the corpus */
    FTF_CAMPAIGN_WORKERS_MAX = 256,
    FTF_CAMPAIGN_BUGS_MAX = 10, /* so many bugs of ours, and the campaign ends */
    FTF_CAMPAIGN_HITS_MAX = 512,
    FTF_CAMPAIGN_SAID_MAX = 12, /* new findings that get a line of their own while it runs */
};

typedef struct ftf_campaign_options {
    const ftf_paths *paths;
    const ftf_target *target;
    const ftf_learnt *learnt;
    const char *out;     /* the target's own folder */
    const char *command; /* the command line, for finding.json */
    bool flavours[FTF_FLAVOUR_COUNT];
    uint32_t jobs;
    bool no_feedback, no_delays;
    const char *schedule;
    uint64_t seed;
    uint64_t time_ms;    /* 0: until stop */
    uint64_t cpu_ms;     /* stop when the workers have used so much; 0: no limit */
    uint64_t confirm_ms; /* at most so long for confirming */
    uint64_t follow_up_ms; /* and for minimizing what was confirmed */
    uint64_t minimize_ms;  /* and of that for the scenario of one finding; 0: as long as it takes */
    uint64_t reserve_ms;   /* stop so much earlier than time_ms says once a finding is blamed on the extension */
    uint64_t deadline_ms;  /* of ftf_proc_now_ms: replays that are under way are given up then; 0: they are not */
    uint64_t rss_limit_kib;
    uint32_t cold_percent; /* of the time, for cold processes */
    bool exercise;         /* count what is exercised (base/exercise.h) */
    const regex_t *until; /* a finding to stop at, by its signature; may be NULL */
    bool until_any;       /* stop at any finding blamed on the extension */
    bool quiet;
    volatile sig_atomic_t *stop;
} ftf_campaign_options;

/* When a finding was first seen in this campaign, and what the workers had spent until then: exact with one worker,
   while what the others did is as old as the last look at them. */
typedef struct ftf_campaign_hit {
    char id[FTF_FINDING_ID_MAX];
    uint64_t after_ms, scenarios, runs, cpu_us;
    bool wanted; /* matched `until` */
} ftf_campaign_hit;

typedef struct ftf_campaign {
    ftf_campaign_options options;
    ftf_symbolizer *symbolizer;
    ftf_store *store;
    ftf_corpus *shared; /* of all workers */
    ftf_worker *workers[FTF_CAMPAIGN_WORKERS_MAX];
    uint32_t worker_count;
    ftf_progress_view view;
    uint64_t started_ms, ended_ms, spool_ms, exchange_ms;
    ftf_counters counters; /* final, once it has ended */
    uint32_t bugs, deaths, said;
    bool enough;  /* the wanted finding came */
    bool gave_up; /* a place was hopeless, or too many bugs of ours */
    uint32_t hit_count;
    ftf_crew *crews[FTF_FLAVOUR_COUNT]; /* for replaying afterwards */
    ftf_campaign_hit hits[FTF_CAMPAIGN_HITS_MAX];
    char work[FTF_FS_PATH_MAX], spool[FTF_FS_PATH_MAX], corpus[FTF_FS_PATH_MAX], quarantine[FTF_FS_PATH_MAX];
} ftf_campaign;

/* Opens the out folder; FTF_IO when it cannot be written or another campaign has it. */
ftf_status ftf_campaign_open(const ftf_campaign_options *options, ftf_campaign **out, ftf_error *err);

/* Runs the workers to the end and files all they said. An error ends it early; the findings so far are filed. */
ftf_status ftf_campaign_run(ftf_campaign *campaign, ftf_error *err);

void ftf_campaign_close(ftf_campaign *campaign);

/* Attempts at what it found, once it has ended, in a flavour that has a worker; `paths` is room that they point to. They share
   zygotes that live as long as the campaign, and go on until Ctrl-C or the campaign's deadline. */
ftf_attempt_options ftf_campaign_attempts(ftf_campaign *campaign, ftf_flavour flavour, const char *paths[2]);

/* What the workers have exercised, all together; the caller closes it. NULL on failure. */
ftf_exercise *ftf_campaign_exercise(const ftf_campaign *campaign, ftf_error *err);

/* Whether replays that are under way may go on: there was no Ctrl-C, and the deadline is not over. A tick (attempt.h). */
bool ftf_campaign_goes_on(void *campaign);

/* NULL when that finding was not seen in this campaign. */
const ftf_campaign_hit *ftf_campaign_find_hit(const ftf_campaign *campaign, const char *id);

/* Findings seen in this campaign and blamed on the extension. */
uint32_t ftf_campaign_blamed(const ftf_campaign *campaign);

#endif
