#ifndef FTF_FINDINGS_STORE_H
#define FTF_FINDINGS_STORE_H
/*
 * The store: everything a campaign found, on disk, one folder a finding (finding.h says what is in it).
 *
 *     <out>/findings/<id>/            finding.json scenario.ft original.ft report.txt record.json (minimize.json)
 *     <out>/findings/.tmp-*           being written; deleted when a store is opened
 *     <out>/rejected/<name>.json      spool files that could not be read and records of our own mistakes, for us to see
 *     <out>/.lock                     who holds it (flock) may write
 *
 *     ftf_store_options options = {.folder = out, .symbolizer = symbolizer, .catalog = catalog};
 *     status = ftf_store_open(&options, &store, &err);
 *     status = ftf_store_drain_spool(store, spool, on_filed, self, &err);     the live workers' records
 *     status = ftf_store_add(store, record, &filed, &err);                    a dead worker's record (crash.h)
 *     status = ftf_store_set_replay(store, filed.id, &replay, &err);          what reduce/attempt measured
 *
 * A record of a trouble that is known already does not make a new folder: it joins the finding (count, last seen, and
 * "also_seen_with" when something has another version by now), in this campaign and in later ones in the same out
 * folder. As long as a finding is not confirmed (no replay figure, or 0 of n), a record that is easier to replay (no
 * steals, nothing ran before it, shorter) replaces its scenario; the first one stays as original.ft.
 *
 * Order of writing, so that a kill -9 at any moment loses nothing: a new folder is built aside and renamed;
 * finding.json is replaced atomically; a spool file is deleted only after its record was filed. Filing is
 * at-least-once: a record may be counted twice when the kill came in between, never dropped.
 *
 * Counts of known findings are kept in memory and written at most every FTF_STORE_FLUSH_MS (and by flush and close),
 * because one race can come back a thousand times a minute and each write is an fsync.
 *
 * Threads: one store, one thread. Two processes must not have one out folder open at a time; the second is refused
 * (flock).
 */
#include "findings/finding.h"
#include "findings/record.h"

enum { FTF_STORE_FLUSH_MS = 2000 };

typedef struct ftf_store ftf_store;

/* What is written into every finding.json beside the finding itself. Strings are copied; NULL ones are left out. */
typedef struct ftf_store_options {
    const char *folder; /* <out>; made when missing */
    ftf_symbolizer *symbolizer;
    const ftf_catalog *catalog; /* may be NULL when nothing will be added (report, replay --all) */
    const char *python_version;
    const char *compiler;
    const char *campaign; /* the command line, for a person who wants to run it again */
    bool read_only;       /* only look: no lock, no clean-up; functions that would write fail with FTF_USAGE */
} ftf_store_options;

/* k of n fresh processes showed the same signature. */
typedef struct ftf_replay {
    uint32_t k, n;
    uint32_t steals;   /* most steals of a run that showed it; 0: deterministic */
    uint32_t sequence; /* scenarios in scenario.ft; > 1: it needs what earlier ones left behind */
} ftf_replay;

/* 19 of 20 at least: what a person can work with, and what is asked of ftfuzz. */
bool ftf_replay_is_sure(const ftf_replay *replay);

/* In words, as the member "verdict" of finding.json's "replay": "replays", "replays sometimes", "does not replay", "not
   tried"; the first two with ", depends on time" where lanes were robbed of the token. Static. */
const char *ftf_replay_verdict(const ftf_replay *replay);

typedef enum ftf_filing {
    FTF_FILED_NEW,    /* a finding nobody had seen */
    FTF_FILED_AGAIN,  /* a known one, counted */
    FTF_FILED_BETTER, /* a known, unconfirmed one whose scenario was replaced: worth confirming again */
    FTF_FILED_NOT,    /* no finding: a mistake of ours (blame "harness", kept in <out>/rejected), or a known race */
} ftf_filing;

/* One finding of the store, as the status line shows it. Valid until the next call that changes the store. */
typedef struct ftf_entry {
    const char *id;
    const char *kind;
    const char *title;
    const char *signature;
    const char *blame; /* extension, cpython, foreign */
    const char *target;
    const char *flavour;
    const char *folder; /* its path */
    int severity;       /* of its kind, higher is worse (oracle/kinds.h) */
    uint64_t count;
    uint64_t count_here; /* of those in this campaign */
    bool found_here;     /* first seen by this campaign */
    bool minimized;      /* nothing smaller is left to try (reduce/minimize.h) */
    bool reduced;     /* scenario.ft is a minimizer's, which may go on; its figure is that one's */
    bool controlled;  /* it was replayed with the GIL on (reduce/control.h) */
    bool measured;       /* replay below means something */
    ftf_replay replay;
} ftf_entry;

typedef struct ftf_filed {
    ftf_filing filing;
    const ftf_entry *entry; /* NULL for FTF_FILED_NOT */
    char worker[24];        /* the record's: which process saw it, and after how much of what */
    uint64_t sequence, runs, cpu_us;
} ftf_filed;

/*
 * Opens or makes <out> and loads the findings that are there. A folder whose finding.json cannot be read is left
 * alone and counted by ftf_store_damaged; should its finding come again, it is written anew.
 */
ftf_status ftf_store_open(const ftf_store_options *options, ftf_store **out, ftf_error *err);

/* Writes what is pending and closes. */
ftf_status ftf_store_close(ftf_store *store, ftf_error *err);
ftf_status ftf_store_flush(ftf_store *store, ftf_error *err);
bool ftf_store_is_read_only(const ftf_store *store);

ftf_status ftf_store_add(ftf_store *store, const ftf_record *record, ftf_filed *filed, ftf_error *err);

/*
 * Files every record of a spool folder and removes it. `on_filed` (may be NULL) is called for each. A file that is no
 * record is moved to <out>/rejected and counted by ftf_store_rejected. Stops at the first error of the disk.
 */
typedef void (*ftf_on_filed)(void *self, const ftf_filed *filed);
ftf_status ftf_store_drain_spool(ftf_store *store, const char *spool, ftf_on_filed on_filed, void *self,
                                 ftf_error *err);
uint64_t ftf_store_rejected(const ftf_store *store);
uint64_t ftf_store_ours(const ftf_store *store);  /* records blamed on the harness */
uint64_t ftf_store_known(const ftf_store *store); /* records of races that are known (known.h) */
uint64_t ftf_store_damaged(const ftf_store *store);

/* The findings, worst first: blame (extension, foreign, cpython), severity, replay rate, id. */
size_t ftf_store_count(const ftf_store *store);
const ftf_entry *ftf_store_at(ftf_store *store, size_t index);
const ftf_entry *ftf_store_find(ftf_store *store, const char *id);

ftf_status ftf_store_set_replay(ftf_store *store, const char *id, const ftf_replay *replay, ftf_error *err);

/* Replaces scenario.ft, as when it turned out that a sequence is needed. original.ft stays. */
ftf_status ftf_store_set_scenario(ftf_store *store, const char *id, const char *text, ftf_error *err);

/* Puts what somebody has found out about a finding beside the rest of finding.json; a new reference is taken. */
ftf_status ftf_store_set_part(ftf_store *store, const char *id, const char *member, json_t *part, ftf_error *err);

/* Writes or replaces a file of the finding's folder, whole. */
ftf_status ftf_store_set_text(ftf_store *store, const char *id, const char *name, const char *text, ftf_error *err);

/* scenario.ft as it is now. */
ftf_status ftf_store_load_scenario(ftf_store *store, const char *id, ftf_text *out, ftf_error *err);

/* Puts a smaller scenario.ft in the old one's place, with its figure and what there is to say about it ("minimized" of
   finding.json, a new reference is taken). */
ftf_status ftf_store_set_minimized(ftf_store *store, const char *id, const char *text, const ftf_replay *replay,
                                   json_t *facts, ftf_error *err);

/* minimize.json, what a minimizer wants to find again after it was interrupted: saved as a whole, NULL removes it. Loading gives a
   new reference, or NULL when there is none that can be read. */
ftf_status ftf_store_save_progress(ftf_store *store, const char *id, const json_t *progress, ftf_error *err);
json_t *ftf_store_load_progress(ftf_store *store, const char *id);

/*
 * Files a record that came out of replaying `scenario` in replay->k of replay->n fresh processes, as a witness of
 * whatever was replayed for another finding's sake. It is new, or joins its finding; and where that has not been
 * confirmed, the scenario and the figure become its own: no better proof can be had, and it is paid for.
 */
ftf_status ftf_store_adopt(ftf_store *store, const ftf_record *record, const char *scenario, const ftf_replay *replay,
                           ftf_filed *filed, ftf_error *err);

/* The record the finding's scenario came from, with its history, read back from its folder. The caller destroys it. */
ftf_status ftf_store_load_record(ftf_store *store, const char *id, ftf_record **out, ftf_error *err);

#endif
