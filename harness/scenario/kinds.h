#ifndef FTF_SCENARIO_KINDS_H
#define FTF_SCENARIO_KINDS_H
/* The kinds of argument that callables accept: the table kinds.def as data, for the loader and the generator. */
#include <stddef.h>

typedef struct ftf_kind {
    const char *name;
    const char *const *samples; /* values in the scenario language, NULL-terminated, at least one */
    size_t sample_count;
} ftf_kind;

extern const ftf_kind ftf_kinds[];
extern const size_t ftf_kind_count;

/* The kind of that name, or NULL. */
const ftf_kind *ftf_kind_find(const char *name);

#endif
