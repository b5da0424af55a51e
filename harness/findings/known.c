#include "findings/known.h"

#include <stdio.h>
#include <string.h>

typedef enum place { PLACE_TOP, PLACE_INNER } place;

typedef struct row {
    place place;
    const char *function;
    int since, until;
    const char *reason;
} row;

static const row ROWS[] = {
#define FTF_KNOWN(place, function, since, until, reason) {PLACE_##place, function, since, until, reason},
#include "findings/known.def"
#undef FTF_KNOWN
};

/* "3.13.5" is 313; 0 when it says nothing. */
static int number_of(const char *version) {
    int major = 0, minor = 0;
    return version && sscanf(version, "%d.%d", &major, &minor) == 2 ? major * 100 + minor : 0;
}

static const row *row_of(const ftf_named_frame *frame, bool innermost, int version) {
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        bool in_time = version == 0 || (version >= ROWS[i].since && version <= ROWS[i].until);
        if (in_time && (innermost || ROWS[i].place == PLACE_INNER) && strcmp(ROWS[i].function, frame->function) == 0) {
            return &ROWS[i];
        }
    }
    return NULL;
}

static const row *row_of_stack(const ftf_named_stack *stack, int version) {
    bool innermost = true;
    for (uint32_t i = 0; i < stack->count; i++) {
        const ftf_named_frame *frame = &stack->frames[i];
        if (frame->sort == FTF_SORT_EXTENSION) {
            return NULL;
        }
        if (frame->sort == FTF_SORT_RUNTIME) {
            continue;
        }
        const row *found = row_of(frame, innermost, version);
        if (found) {
            return found;
        }
        innermost = false;
    }
    return NULL;
}

const char *ftf_known_race(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count,
                           const char *version) {
    if (strcmp(record->kind, "data-race") != 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < count && i < 2; i++) { /* the two accesses come first */
        const row *found = row_of_stack(&stacks[i], number_of(version));
        if (found) {
            return found->reason;
        }
    }
    return NULL;
}
