#include "scenario/fragment.h"

#include <string.h>

#include "base/check.h"
#include "scenario/catalog.h"
#include "scenario/parser.h"

void ftf_fragment_init(ftf_fragment *fragment, const struct ftf_catalog *catalog) {
    fragment->catalog = catalog;
    fragment->count = 0;
}

static bool bind(ftf_fragment *fragment, const char *name, size_t len, int slot) {
    if (fragment->count == FTF_FRAGMENT_NAMES_MAX || len >= sizeof fragment->names[0].name) {
        return false;
    }
    memcpy(fragment->names[fragment->count].name, name, len);
    fragment->names[fragment->count].name[len] = '\0';
    fragment->names[fragment->count++].slot = slot;
    return true;
}

void ftf_fragment_bind(ftf_fragment *fragment, const char *name, int slot) {
    bool bound = bind(fragment, name, strlen(name), slot);
    FTF_ASSERT(bound);
}

int ftf_fragment_find(const ftf_fragment *fragment, const char *name, size_t len) {
    for (uint32_t i = 0; i < fragment->count; i++) {
        const char *known = fragment->names[i].name;
        if (strncmp(known, name, len) == 0 && known[len] == '\0') {
            return fragment->names[i].slot;
        }
    }
    return FTF_NO_SLOT;
}

int ftf_fragment_assign(ftf_fragment *fragment, ftf_scenario *scenario, int owner, const char *name, size_t len) {
    int slot = ftf_fragment_find(fragment, name, len);
    if (slot != FTF_NO_SLOT && scenario->slots[slot].owner == owner) {
        return slot;
    }
    slot = ftf_fresh_slot(fragment->catalog, scenario, owner);
    return slot != FTF_NO_SLOT && bind(fragment, name, len, slot) ? slot : FTF_NO_SLOT;
}

ftf_status ftf_fragment_add(ftf_fragment *fragment, ftf_scenario *scenario, int owner, const char *line,
                            ftf_error *err) {
    if (ftf_scenario_section(scenario, owner)->count == FTF_OPS_MAX) {
        return ftf_fail(err, FTF_LIMIT, "a section has at most %d operations", FTF_OPS_MAX);
    }
    ftf_parser parser = {
        .at = line,
        .end = line + strlen(line),
        .line = 1,
        .owner = owner,
        .arena = scenario->arena,
        .scenario = scenario,
        .fragment = fragment,
        .err = err,
    };
    return ftf_parse_op(&parser) ? FTF_OK : FTF_INPUT;
}

/* A slot of the name would be visible to, or would hide, something else. */
static bool is_taken(const struct ftf_catalog *catalog, const ftf_scenario *scenario, int owner, const char *name) {
    for (uint32_t i = 0; i < scenario->slot_count; i++) {
        const ftf_slot *slot = &scenario->slots[i];
        bool meets = owner == FTF_OWNER_SETUP || slot->owner == FTF_OWNER_SETUP || slot->owner == owner;
        if (meets && strcmp(slot->name, name) == 0) {
            return true;
        }
    }
    return catalog && ftf_catalog_has_global(catalog, name);
}

/* Shared slots are a, b, c, ..., private ones x, y, z, ...: a reader sees at a glance which is which. */
int ftf_fresh_slot(const struct ftf_catalog *catalog, ftf_scenario *scenario, int owner) {
    const char *letters = owner == FTF_OWNER_SETUP ? "abcdfghjkmnpq" : "xyzuvwrst";
    char name[8] = {0};
    for (const char *letter = letters; *letter; letter++) {
        name[0] = *letter;
        if (!is_taken(catalog, scenario, owner, name)) {
            return ftf_scenario_add_slot(scenario, name, 1, owner);
        }
    }
    for (int i = 1; i < 4 * FTF_SLOTS_MAX; i++) {
        name[0] = letters[0];
        size_t len = 1;
        if (i >= 100) {
            name[len++] = (char)('0' + i / 100);
        }
        if (i >= 10) {
            name[len++] = (char)('0' + i / 10 % 10);
        }
        name[len++] = (char)('0' + i % 10);
        name[len] = '\0';
        if (!is_taken(catalog, scenario, owner, name)) {
            return ftf_scenario_add_slot(scenario, name, len, owner);
        }
    }
    return FTF_NO_SLOT;
}
