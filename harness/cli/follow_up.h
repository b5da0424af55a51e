#ifndef FTF_CLI_FOLLOW_UP_H
#define FTF_CLI_FOLLOW_UP_H
/*
 * What becomes of a finding once it is confirmed. First, one after the other:
 *
 *     its scenario is made as small as it can be                      reduce/minimize.h
 *     what happens in it is told: explain.txt                         reduce/explain.h
 *     it is replayed with the GIL on: "gil" of finding.json           reduce/control.h
 *     a script shows it without ftfuzz: repro.py, not measured yet    reduce/repro.h
 *
 * and when all have that, the scripts are measured, as long as there is time.
 *
 * Worst finding first, in bounded time; a finding that is not blamed on the extension, or that was not seen in this
 * campaign, is not looked at; where a campaign was to stop at a finding, only that one is. What the time did not
 * suffice for, the commands of the same names do later.
 */
#include "cli/campaign.h"

/* Call it after ftf_confirm. Takes at most options.follow_up_ms and the rest of what it is in the middle of; Ctrl-C and
   the campaign's deadline, if it has one, end it at once. */
ftf_status ftf_follow_up(ftf_campaign *campaign, ftf_error *err);

#endif
