#ifndef FTF_CLI_REPLAY_ALL_H
#define FTF_CLI_REPLAY_ALL_H
/*
 * `ftfuzz replay --all DIR`: all findings of a campaign again, as after a fix. Each is
 *
 *     gone        no process showed it, or anything else of the extension
 *     remains     it shows
 *     changed     it does not, but its scenario shows something else of the extension now
 *     unknown     it never replayed, so that it does not show means nothing; or nothing could be run
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ftf_replay_all_options {
    const char *folder; /* <out>: has findings/ and campaign.json */
    uint32_t n;         /* processes for each finding */
    uint64_t jobs;      /* at a time; 0: one for each CPU */
    bool json;
} ftf_replay_all_options;

/* Prints one line a finding and a summary. *remain is how many remain or changed. Ctrl-C ends it at once, which is an
   error, as it is when findings could not be run and no other one remains. */
ftf_status ftf_replay_all(const ftf_replay_all_options *options, uint32_t *remain, ftf_error *err);

#endif
