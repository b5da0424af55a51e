#ifndef FTF_ORACLE_KINDS_H
#define FTF_ORACLE_KINDS_H
/*
 * The kinds of finding, one table (kinds.def): name, severity, meaning. Pure: whoever judges, files, sorts or prints
 * findings asks here, so that a new kind is one row.
 */
typedef enum ftf_finding_kind_id {
#define FTF_FINDING_KIND(id, name, severity, meaning) FTF_FINDING_##id,
#include "oracle/kinds.def"
#undef FTF_FINDING_KIND
    FTF_FINDING_KIND_COUNT
} ftf_finding_kind_id;

typedef struct ftf_finding_kind_info {
    const char *name;
    int severity;
    const char *meaning;
} ftf_finding_kind_info;

const ftf_finding_kind_info *ftf_finding_kind_get(ftf_finding_kind_id kind);

/* The row of that name, or NULL. */
const ftf_finding_kind_info *ftf_finding_kind_find(const char *name);

/* Its severity; 0 for a name that is none. */
int ftf_finding_kind_severity(const char *name);

#endif
