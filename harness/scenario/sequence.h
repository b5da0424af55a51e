#ifndef FTF_SCENARIO_SEQUENCE_H
#define FTF_SCENARIO_SEQUENCE_H
/*
 * A sequence: several scenarios in one text, run one after the other in one process. What a finding needs when an
 * earlier scenario has to leave something behind.
 *
 *     for (const char *at = ftf_sequence_first(text); at != NULL; at = next) {
 *         next = ftf_sequence_next(at);
 *         size_t len = ftf_sequence_length(at);        the text of one of them
 *     }
 */
#include <stddef.h>

/* The first line `ftfuzz 1` of the text, which is the start of its first scenario; NULL when there is none. */
const char *ftf_sequence_first(const char *text);

/* The start of the one behind the one that starts at `at`; NULL when that is the last. */
const char *ftf_sequence_next(const char *at);

/* Bytes of the one that starts at `at`. */
size_t ftf_sequence_length(const char *at);

#endif
