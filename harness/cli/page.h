#ifndef FTF_CLI_PAGE_H
#define FTF_CLI_PAGE_H
/*
 * check.json as a page that can be read anywhere: one file of HTML with its style in it, which asks no network and needs no
 * script. harness/page/ makes it, on the plain interpreter. Threads: one.
 */
#include "cli/drive.h"

/* Writes <out>/check.html from <out>/check.json. */
ftf_status ftf_page_write(const ftf_drive *drive, ftf_error *err);

#endif
