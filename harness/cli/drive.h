#ifndef FTF_CLI_DRIVE_H
#define FTF_CLI_DRIVE_H
/*
 * What the commands that run a campaign have in common (`fuzz`, `check`): what a TARGET is and what is known about it, a
 * campaign over it, and what is done with what that found.
 *
 *     ftf_drive drive = {.options = {.jobs = ..., .time_ms = ...}};
 *     status = ftf_drive_open(&drive, "collections", "both", "out", &err);
 *     status = ftf_drive_campaign(&drive, &campaign, &err);
 *     ... ftf_summary_show(campaign, false, stdout) ...
 *     ftf_campaign_close(campaign);
 *     ftf_drive_close(&drive);
 *
 * Ownership: the drive owns all that its options point to, and must stay where it is. Threads: one.
 */
#include "cli/campaign.h"

typedef struct ftf_drive {
    ftf_paths paths;
    ftf_target target;
    ftf_learnt learnt;
    char out[FTF_FS_PATH_MAX];
    ftf_campaign_options options; /* the caller's, but for what open fills in: where things are, flavours, stop */
} ftf_drive;

/* Finds everything, builds and learns what has to be, and makes the campaign's folder. Says on standard error what it has
   learnt, unless the options are quiet. */
ftf_status ftf_drive_open(ftf_drive *drive, const char *spec, const char *flavour, const char *out, ftf_error *err);
void ftf_drive_close(ftf_drive *drive);

/* Runs a campaign, replays what it found and makes reproducers of it, all in the time that the options say, until Ctrl-C.
   The campaign is the caller's to close whenever there is one, also after an error: what was found until then is in it. */
ftf_status ftf_drive_campaign(const ftf_drive *drive, ftf_campaign **out, ftf_error *err);

/* Whether there is something to tell about it: not where the set-up was wrong from the start. */
bool ftf_drive_told(const ftf_campaign *campaign, ftf_status status);

/* A seed nobody has asked for; never 0. */
uint64_t ftf_drive_draw_seed(void);

/* ftfuzz fuzz a 'b c': for finding.json. */
void ftf_drive_join_command(int argc, char **argv, ftf_text *out);

#endif
