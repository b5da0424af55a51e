#ifndef FTF_FINDINGS_KNOWN_H
#define FTF_FINDINGS_KNOWN_H
/*
 * Races that are known and not worth a folder: the table known.def, and the question whether a race is one of them.
 *
 * A known race is never the extension's bug: where a stack reaches the extension before it reaches the function of the
 * table, the row does not apply. They are counted (ftf_store_known), so that a rule which swallows too much shows.
 *
 * Pure: works on named, classified stacks.
 */
#include "findings/frames.h"

/* The reason why this race is known, or NULL. `version` is CPython's, such as "3.13.5"; NULL: every row counts. */
const char *ftf_known_race(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count,
                           const char *version);

#endif
