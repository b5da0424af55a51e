#ifndef FTF_REDUCE_SCRIPT_H
#define FTF_REDUCE_SCRIPT_H
/*
 * The text of repro.py: what a maintainer gets who has never heard of us. A comment that says what it shows, how often, and
 * how to run it; the calls (scenario/emit.h); how they are run (python/rounds.py). It needs the standard library only.
 *
 * The threads run freely: no script can make them switch in the middle of C code. So it runs many rounds, each with fresh
 * objects, in which the lanes begin within the same microsecond, a random moment apart.
 *
 * Pure.
 */
#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"
#include "scenario/catalog.h"

/* How the lanes are run; which way shows more depends on the trouble, so it is tried (reduce/repro.h). */
typedef struct ftf_script_way {
    uint32_t copies; /* threads for each lane */
    uint32_t times;  /* how often each calls its lane on the same objects */
    bool first;      /* each round in a process of its own, forked before anything was called */
} ftf_script_way;

/* k of n runs; n is 0 when there were none. */
typedef struct ftf_script_rate {
    uint32_t k, n;
    char how[64]; /* "SIGSEGV", "a deadlock"; "" where a report is meant */
} ftf_script_rate;

typedef struct ftf_script_facts {
    const char *id, *kind, *title, *signature;
    const char *target, *target_version, *python_version; /* the last two may be "" */
    const char *flavour;                                  /* of the sanitizer: tsan or asan */
    const char *path;                                     /* where a stock interpreter finds the module; "": it knows */
    const char *package;                                  /* what pip has to install instead; "": nothing */
    bool force_gil_off;                                   /* the module does not say that it can do without */
    uint32_t seconds;                                     /* of a run */
    ftf_script_rate plain, sanitizer;
} ftf_script_facts;

/* `text` is the scenario, or the sequence of which the last one shows it. FTF_INPUT when it does not parse. */
ftf_status ftf_script_write(const ftf_script_facts *facts, const ftf_script_way *way, const char *text,
                            const ftf_catalog *catalog, ftf_text *out, ftf_error *err);

#endif
