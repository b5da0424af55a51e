#ifndef FTF_FINDINGS_SYMBOLIZE_H
#define FTF_FINDINGS_SYMBOLIZE_H
/*
 * Addresses to functions and lines, through one llvm-symbolizer child that answers for the whole campaign.
 *
 * Workers report frames as (module, offset) and never symbolize: that would take seconds in the process that should be
 * fuzzing, and inside a sanitizer's report lock. Answers are cached, since a campaign sees the same few hundred
 * addresses again and again. A child that dies or does not answer in time is replaced once per question; after that the
 * frame stays without a name, which is not an error: a finding without names is still a finding.
 *
 * Inlined calls give several places for one address, innermost first.
 *
 * Ownership: places belong to the symbolizer and live until it is destroyed. Threads: one at a time.
 */
#include <stdint.h>

#include "base/status.h"

enum { FTF_PLACES_MAX = 16, FTF_SYMBOLIZE_DEADLINE_MS = 60 * 1000 };

typedef struct ftf_place {
    const char *function; /* without parameters; "" when not known */
    const char *file;     /* as the compiler was given it; "" when not known */
    uint32_t line;        /* 0 when not known */
} ftf_place;

typedef struct ftf_places {
    uint32_t count; /* 0 when the address could not be resolved */
    const ftf_place *places;
} ftf_places;

typedef struct ftf_symbolizer ftf_symbolizer;

/* Starts the child. FTF_SETUP when llvm-symbolizer-19 (or llvm-symbolizer) is not installed. */
ftf_status ftf_symbolizer_create(ftf_symbolizer **out, ftf_error *err);
void ftf_symbolizer_destroy(ftf_symbolizer *symbolizer);

ftf_places ftf_symbolizer_resolve(ftf_symbolizer *symbolizer, const char *module, uint64_t offset);

#endif
