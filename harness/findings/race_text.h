#ifndef FTF_FINDINGS_RACE_TEXT_H
#define FTF_FINDINGS_RACE_TEXT_H
/*
 * Reports that ThreadSanitizer printed and did not end the process for: one record each. A worker needs no such text,
 * its hook gets the reports themselves (oracle/tsan.c); this is for an interpreter that knows nothing of us.
 *
 *     for (const char *at = text; (at = ftf_race_text_next(at, text + len, record)) != NULL;) { ... }
 *
 *     WARNING: ThreadSanitizer: data race (pid=12)
 *       Write of size 8 at 0x7f2c by thread T2:
 *         #0 0x55fd0915e5f1 (/path/module+0x4f5f1)          with stack_trace_format='    #%n %p (%m+%o)'
 *       Previous atomic read of size 8 at 0x7f2c by thread T1:
 *
 * Pure; a golden text in tests/data/printed.
 */
#include <stddef.h>

#include "findings/record.h"

/* Takes the next report at or behind `at` into an empty record, and says where it ends; NULL when there is none. */
const char *ftf_race_text_next(const char *at, const char *end, ftf_record *record);

#endif
