#ifndef FTF_SCENARIO_FRAGMENT_H
#define FTF_SCENARIO_FRAGMENT_H
/*
 * A fragment: lines of the scenario language with names of their own, to be put into a scenario. Catalogs say how to
 * make an object that way, and the generator says what to do with one.
 *
 *     ftf_fragment fragment;
 *     ftf_fragment_init(&fragment, catalog);
 *     ftf_fragment_bind(&fragment, "a", slot);
 *     ftf_fragment_add(&fragment, scenario, lane, "x = a.pop()", &err);
 *
 * A name bound to a slot means that slot; a name assigned in the fragment gets a fresh slot, so that two fragments
 * never meet by accident; every other name is a global.
 */
#include "base/status.h"
#include "scenario/scenario.h"

struct ftf_catalog;

enum { FTF_FRAGMENT_NAMES_MAX = 16 };

typedef struct ftf_fragment {
    const struct ftf_catalog *catalog; /* fresh slots avoid the names of its globals; may be NULL */
    uint32_t count;
    struct {
        char name[32];
        int slot;
    } names[FTF_FRAGMENT_NAMES_MAX];
} ftf_fragment;

void ftf_fragment_init(ftf_fragment *fragment, const struct ftf_catalog *catalog);

void ftf_fragment_bind(ftf_fragment *fragment, const char *name, int slot);

/* Appends one line to section owner. Refused: what the parser refuses, and a full section (FTF_LIMIT). */
ftf_status ftf_fragment_add(ftf_fragment *fragment, ftf_scenario *scenario, int owner, const char *line,
                            ftf_error *err);

/* The slot of a name of the fragment, or FTF_NO_SLOT; and the one for a name assigned to, made when it is new. */
int ftf_fragment_find(const ftf_fragment *fragment, const char *name, size_t len);
int ftf_fragment_assign(ftf_fragment *fragment, ftf_scenario *scenario, int owner, const char *name, size_t len);

/* A slot whose name nothing in the scenario or the catalog uses; FTF_NO_SLOT when all are taken. */
int ftf_fresh_slot(const struct ftf_catalog *catalog, ftf_scenario *scenario, int owner);

#endif
