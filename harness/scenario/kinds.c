#include "scenario/kinds.h"

#include <string.h>

/* Each kind's samples are a compound literal at file scope: static storage, no names to invent. */
#define SAMPLES(...) ((const char *const[]){__VA_ARGS__, NULL})

const ftf_kind ftf_kinds[] = {
#define FTF_KIND(kind, ...) \
    {.name = #kind, .samples = SAMPLES(__VA_ARGS__), .sample_count = sizeof SAMPLES(__VA_ARGS__) / sizeof(char *) - 1},
#include "scenario/kinds.def"
#undef FTF_KIND
};

const size_t ftf_kind_count = sizeof ftf_kinds / sizeof *ftf_kinds;

const ftf_kind *ftf_kind_find(const char *name) {
    for (size_t i = 0; i < ftf_kind_count; i++) {
        if (strcmp(ftf_kinds[i].name, name) == 0) {
            return &ftf_kinds[i];
        }
    }
    return NULL;
}
