#ifndef FTF_CLI_SUMMARY_H
#define FTF_CLI_SUMMARY_H
/*
 * What a campaign came to: a table for a person, the same as JSON for a program (also kept as <out>/campaign.json), and
 * the exit code. Findings that are not the extension's are shown apart and do not count: a maintainer cannot fix them.
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/campaign.h"

/* A new reference. */
json_t *ftf_summary_to_json(const ftf_campaign *campaign);

void ftf_summary_print(const ftf_campaign *campaign, FILE *to);

/* 3 when a bug of ours came up, 1 when a finding is blamed on the extension, else 0. */
int ftf_summary_exit(const ftf_campaign *campaign);

#endif
