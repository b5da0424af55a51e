#ifndef FTF_CLI_LEARN_H
#define FTF_CLI_LEARN_H
/*
 * The catalog of a target: learnt once by the plain interpreter (python/discover.py, which is part of this executable),
 * kept in <cache>/catalogs, and read from there as long as nothing changed that it was made from: the interpreter, the
 * discovery scripts, the table of kinds, the target's file and its libraries.
 *
 * Discovery calls functions of the target with made-up arguments, so it runs in a process and a scratch folder of its
 * own, with a deadline; what it says when it refuses is passed on as the error's text.
 *
 * What a run of the target's own tests taught (`ftfuzz harvest`) lies in <cache>/harvested, is named after the target as it was
 * given, and counts from then on: its proposals go into the catalog as far as discovery finds them accepted, its seeds
 * into each campaign.
 *
 * blame.libraries of the catalog name the files of the plain flavour. Each gets its twins of the other flavours
 * here, so that one catalog serves all workers and the findings of both.
 */
#include "cli/target.h"
#include "scenario/catalog.h"

typedef struct ftf_learnt {
    char path[FTF_FS_PATH_MAX]; /* the JSON, for --catalog */
    ftf_catalog *catalog;
    bool from_cache;
    char seeds[FTF_FS_PATH_MAX]; /* scenarios of a harvest, or "" */
} ftf_learnt;

/* Builds the target's flavours when need be. On success the caller owns out->catalog. What was harvested is said in a line on stderr. */
ftf_status ftf_learn(const ftf_paths *paths, ftf_target *target, ftf_learnt *out, ftf_error *err);

/* The same as if nothing had ever been harvested. */
ftf_status ftf_learn_alone(const ftf_paths *paths, ftf_target *target, ftf_learnt *out, ftf_error *err);

/* Where the harvest of a target is or will be: harvest.toml, harvest.json and seeds/ (python/harvest.py). */
ftf_status ftf_learn_harvest(const ftf_paths *paths, const ftf_target *target, char folder[FTF_FS_PATH_MAX],
                             ftf_error *err);

void ftf_learnt_release(ftf_learnt *learnt);

/* How many callables of a catalog have arguments that they accept, and how many there are that may be called. */
void ftf_learnt_count(const ftf_catalog *catalog, uint32_t *accepted, uint32_t *total);

#endif
