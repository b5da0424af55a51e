#ifndef FTF_CLI_CONFIRM_H
#define FTF_CLI_CONFIRM_H
/*
 * Confirming: replays what a campaign found in fresh processes and writes each finding's rate into its finding.json, in
 * bounded time. A figure of few processes for every finding is worth more than the full figure for one of them, so there
 * are three passes, each worst finding first:
 *
 *     1. what the campaign was stopped for (--until-finding), FTF_CONFIRM_RUNS processes
 *     2. every other finding, FTF_CONFIRM_GLANCE processes
 *     3. those again, FTF_CONFIRM_RUNS processes
 *
 * A finding that the time did not suffice for says "not replayed"; `ftfuzz replay` measures it. Ctrl-C and the campaign's
 * deadline, if it has one, end it at once.
 */
#include "cli/campaign.h"

enum { FTF_CONFIRM_RUNS = 20, FTF_CONFIRM_GLANCE = 4 };

/* Call it after ftf_campaign_run. Takes at most options.confirm_ms and the rest of what it is in the middle of. */
ftf_status ftf_confirm(ftf_campaign *campaign, ftf_error *err);

#endif
