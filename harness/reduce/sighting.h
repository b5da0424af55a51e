#ifndef FTF_REDUCE_SIGHTING_H
#define FTF_REDUCE_SIGHTING_H
/*
 * Whether what a process printed is a sanitizer's report of *this* finding. A stock interpreter under a sanitizer reports
 * other things as well, its own races above all, and those prove nothing.
 *
 * It is this finding when the frames that stand for the report's stacks (findings/signature.h) are frames of the
 * signature: both of a race, that of the crash. The kind may differ: one bug is a race to TSan, and to ASan the use after free
 * that comes of it. A frame of the signature that is no function (`a-referenced-object`: the trouble shows in whoever touches it
 * next) is met by any.
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
