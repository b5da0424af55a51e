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

/* The table, or the JSON. */
void ftf_summary_show(const ftf_campaign *campaign, bool json, FILE *to);

/* <out>/campaign.json */
ftf_status ftf_summary_write(const ftf_campaign *campaign, ftf_error *err);

/* 3 when a bug of ours came up, 1 when a finding is blamed on the extension, else 0. */
int ftf_summary_exit(const ftf_campaign *campaign);

#endif
