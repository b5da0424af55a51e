#ifndef FTF_SCENARIO_CATALOG_INDEX_H
#define FTF_SCENARIO_CATALOG_INDEX_H
/*
 * How catalog_load.c fills in a catalog that catalog.c owns: memory first, then the tables through which names are
 * found. A name is found from the moment its table is made.
 */
#include "base/arena.h"
#include "scenario/catalog.h"

/* An empty catalog; what it points to belongs into its arena. */
ftf_catalog *ftf_catalog_create(void);
ftf_arena *ftf_catalog_arena(ftf_catalog *catalog);

/* Makes catalog->types findable; the name that is listed twice, if there is one. */
const char *ftf_catalog_index_types(ftf_catalog *catalog);
void ftf_catalog_index_callables(ftf_catalog *catalog);

#endif
