#ifndef FTF_REDUCE_SIGHTING_H
#define FTF_REDUCE_SIGHTING_H
/*
 * Whether what a process printed is a sanitizer's report of *this* finding. A stock interpreter under a sanitizer reports
 * other things as well, its own races above all, and those prove nothing.
 *
 * It is this finding when the frames that stand for the report's stacks (findings/signature.h) are frames of the
 * signature: the same two, of a race. The kind may differ, since what is a use after free to ASan is to TSan the race that it
 * comes from: there either of the race's two frames may be one of the signature's twice, and where the signature has no more than
 * one (the crash, nobody knows who else) one of them is enough. A frame of the signature that is no function
 * (`a-referenced-object`: the trouble shows in whoever touches it next) is met by any crash, and by no race.
 *
 * The text has frames as `#0 0x55fd0915e5f1 (/path/module+0x4f5f1)`.
 */
#include "findings/finding.h"

typedef struct ftf_sighting {
    ftf_symbolizer *symbolizer;
    const ftf_catalog *catalog;
    const char *signature;
} ftf_sighting;

ftf_status ftf_sighting_look(const ftf_sighting *sighting, const char *text, size_t len, bool *seen, ftf_error *err);

/* Whether `signature`, of a report, means what `wanted` does. */
bool ftf_sighting_same(const char *wanted, const char *signature);

#endif
