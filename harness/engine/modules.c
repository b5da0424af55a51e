#include "engine/modules.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { MODULES_MAX = 512 };

static const char *names[MODULES_MAX]; /* interned: a finding per module is made many times */
static int name_count;

static const char *intern(const char *name) {
    for (int i = 0; i < name_count; i++) {
        if (strcmp(names[i], name) == 0) {
            return names[i];
        }
    }
    FTF_ASSERT(name_count < MODULES_MAX);
    names[name_count] = strdup(name);
    FTF_ASSERT(names[name_count] != NULL);
    return names[name_count++];
}

static const char *executable(void) {
    static char path[4096];
    if (path[0] == 0) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        path[n > 0 ? n : 0] = 0;
    }
    return path;
}

typedef struct lookup {
    uintptr_t pc;
    const char *name;
    uint64_t offset;
} lookup;

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    lookup *at = context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t low = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && at->pc >= low && at->pc < low + info->dlpi_phdr[i].p_memsz) {
            at->name = intern(info->dlpi_name[0] != 0 ? info->dlpi_name : executable());
            at->offset = at->pc - info->dlpi_addr;
            return 1;
        }
    }
    return 0;
}

const char *ftf_modules_find(uintptr_t pc, uint64_t *offset) {
    lookup at = {.pc = pc};
    dl_iterate_phdr(visit, &at);
    *offset = at.offset;
    return at.name;
}
