#include "scenario/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "scenario/catalog_index.h"

/* A name and what it stands for, in a sorted table. */
typedef struct entry {
    const char *name;
    int owner;
    int index;
} entry;

typedef struct storage {
    ftf_arena *arena;
    uint32_t type_count, callable_count, global_count;
    entry *types;
    entry *callables;
    entry *globals; /* first words of the names that lanes can reach */
} storage;

ftf_catalog *ftf_catalog_create(void) {
    ftf_arena *arena = ftf_arena_create();
    ftf_catalog *catalog = FTF_NEW(arena, ftf_catalog, 1);
    storage *store = FTF_NEW(arena, storage, 1);
    store->arena = arena;
    catalog->storage = store;
    return catalog;
}

ftf_arena *ftf_catalog_arena(ftf_catalog *catalog) { return ((storage *)catalog->storage)->arena; }

void ftf_catalog_destroy(ftf_catalog *catalog) {
    if (catalog) {
        ftf_arena_destroy(ftf_catalog_arena(catalog));
    }
}

/* ---- lookup ------------------------------------------------------------------------------------------------------ */

static int compare_entries(const void *left, const void *right) {
    const entry *a = left;
    const entry *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->owner > b->owner) - (a->owner < b->owner);
}

static int find_entry(const entry *table, uint32_t count, const char *name, int owner) {
    entry key = {.name = name, .owner = owner};
    const entry *found = count ? bsearch(&key, table, count, sizeof *table, compare_entries) : NULL;
    return found ? found->index : -1;
}

static const storage *storage_of(const ftf_catalog *catalog) { return catalog->storage; }

int ftf_catalog_find_type(const ftf_catalog *catalog, const char *name) {
    return find_entry(storage_of(catalog)->types, storage_of(catalog)->type_count, name, 0);
}

int ftf_catalog_find_callable(const ftf_catalog *catalog, const char *name, int owner) {
    return find_entry(storage_of(catalog)->callables, storage_of(catalog)->callable_count, name, owner);
}

bool ftf_catalog_has_global(const ftf_catalog *catalog, const char *name) {
    const storage *store = storage_of(catalog);
    return find_entry(store->globals, store->global_count, name, 0) >= 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void sort(entry *table, uint32_t count) {
    if (count) {
        qsort(table, count, sizeof *table, compare_entries);
    }
}

const char *ftf_catalog_index_types(ftf_catalog *catalog) {
    storage *store = catalog->storage;
    store->types = FTF_NEW(store->arena, entry, catalog->type_count);
    store->type_count = catalog->type_count;
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        store->types[i] = (entry){.name = catalog->types[i].name, .index = (int)i};
    }
    sort(store->types, store->type_count);
    for (uint32_t i = 1; i < store->type_count; i++) {
        if (strcmp(store->types[i - 1].name, store->types[i].name) == 0) {
            return store->types[i].name;
        }
    }
    return NULL;
}

void ftf_catalog_index_callables(ftf_catalog *catalog) {
    storage *store = catalog->storage;
    uint32_t count = catalog->callable_count;
    store->callables = FTF_NEW(store->arena, entry, count);
    store->globals = FTF_NEW(store->arena, entry, count);
    store->callable_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const ftf_callable *callable = &catalog->callables[i];
        store->callables[i] = (entry){.name = callable->name, .owner = callable->owner, .index = (int)i};
        if (callable->owner < 0) {
            const char *head = ftf_arena_copy(store->arena, callable->name, strcspn(callable->name, "."));
            store->globals[store->global_count++] = (entry){.name = head, .index = (int)i};
        }
    }
    sort(store->callables, count);
    sort(store->globals, store->global_count);
}
