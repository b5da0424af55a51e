#include "reduce/sighting.h"

#include <string.h>

#include "findings/crash_text.h"
#include "findings/race_text.h"

enum { FRAMES_MAX = 4 };

typedef struct frame {
    const char *name;
    size_t len;
} frame;

typedef struct frame_list {
    uint32_t count;
    frame frames[FRAMES_MAX];
} frame_list;

/* What stands behind the kind: `a | b`. */
static frame_list frames_of(const char *signature) {
    static const char between[] = " | ";
    frame_list list = {0};
    const char *at = strchr(signature, ' ');
    for (at = at != NULL ? at + 1 : NULL; at != NULL && list.count < FRAMES_MAX;) {
        const char *next = strstr(at, between);
        list.frames[list.count++] = (frame){.name = at, .len = next != NULL ? (size_t)(next - at) : strlen(at)};
        at = next != NULL ? next + sizeof between - 1 : NULL;
    }
    return list;
}

static bool is_anywhere(const frame *one) {
    static const char *const places[] = {"a-referenced-object", "a-destroyed-heap"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strlen(places[i]) == one->len && strncmp(places[i], one->name, one->len) == 0) {
            return true;
        }
    }
    return false;
}

/* The frame of `wanted` that this one is, and is not yet taken; -1: none. One that is met by any comes last, if at all. */
static int find_frame(const frame_list *wanted, uint32_t taken, const frame *one, bool any) {
    for (int anywhere = 0; anywhere < (any ? 2 : 1); anywhere++) {
        for (uint32_t i = 0; i < wanted->count; i++) {
            const frame *other = &wanted->frames[i];
            bool same = anywhere ? is_anywhere(other)
                                 : other->len == one->len && strncmp(other->name, one->name, one->len) == 0;
            if (same && (taken >> i & 1) == 0) {
                return (int)i;
            }
        }
    }
    return -1;
}

/* How many of the frames are among those that are wanted: each for one of them (once), or as often as they like. */
static uint32_t count_found(const frame_list *wanted, const frame_list *frames, bool once, bool any) {
    uint32_t taken = 0, count = 0;
    for (uint32_t i = 0; i < frames->count; i++) {
        int found = find_frame(wanted, taken, &frames->frames[i], any);
        count += found >= 0;
        taken |= found >= 0 && once ? 1u << found : 0;
    }
    return count;
}

static bool is_pair(const char *signature) {
    return strncmp(signature, "data-race ", 10) == 0 || strncmp(signature, "lock-order ", 11) == 0;
}

bool ftf_sighting_same(const char *wanted, const char *signature) {
    frame_list ours = frames_of(wanted), theirs = frames_of(signature);
    if (theirs.count == 0) {
        return false;
    }
    if (!is_pair(signature)) {
        return count_found(&ours, &theirs, true, true) == theirs.count;
    }
    if (is_pair(wanted)) {
        return ours.count == theirs.count && count_found(&ours, &theirs, true, false) == theirs.count;
    }
    uint32_t found = count_found(&ours, &theirs, false, false);
    return found == theirs.count || (ours.count == 1 && found > 0);
}

static ftf_status judge(const ftf_sighting *s, const ftf_record *record, bool *seen, ftf_error *err) {
    ftf_finding *finding = NULL;
    ftf_status status = ftf_finding_from_record(s->symbolizer, s->catalog, record, &finding, err);
    if (status == FTF_OK) {
        *seen = *seen || ftf_sighting_same(s->signature, ftf_finding_signature(finding));
        ftf_finding_destroy(finding);
    }
    return status;
}

ftf_status ftf_sighting_look(const ftf_sighting *s, const char *text, size_t len, bool *seen, ftf_error *err) {
    const char *at = text, *end = text + len;
    ftf_status status = FTF_OK;
    *seen = false;
    while (status == FTF_OK && at != NULL && !*seen) {
        ftf_record *record = ftf_record_create();
        at = ftf_race_text_next(at, end, record);
        if (at != NULL) {
            status = judge(s, record, seen, err);
        }
        ftf_record_destroy(record);
    }
    ftf_record *crash = ftf_record_create();
    if (status == FTF_OK && !*seen && ftf_crash_text_parse(text, len, crash)) {
        status = judge(s, crash, seen, err);
    }
    ftf_record_destroy(crash);
    return status;
}
