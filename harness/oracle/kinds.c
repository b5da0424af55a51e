#include "oracle/kinds.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

static const ftf_finding_kind_info KINDS[] = {
#define FTF_FINDING_KIND(id, name, severity, meaning) {name, severity, meaning},
#include "oracle/kinds.def"
#undef FTF_FINDING_KIND
};

const ftf_finding_kind_info *ftf_finding_kind_get(ftf_finding_kind_id kind) {
    FTF_ASSERT((unsigned)kind < FTF_FINDING_KIND_COUNT);
    return &KINDS[kind];
}

const ftf_finding_kind_info *ftf_finding_kind_find(const char *name) {
    for (size_t i = 0; i < FTF_FINDING_KIND_COUNT; i++) {
        if (strcmp(KINDS[i].name, name) == 0) {
            return &KINDS[i];
        }
    }
    return NULL;
}

int ftf_finding_kind_severity(const char *name) {
    const ftf_finding_kind_info *info = ftf_finding_kind_find(name);
    return info ? info->severity : 0;
}
