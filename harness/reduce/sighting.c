#include "reduce/sighting.h"

#include <string.h>

#include "findings/crash_text.h"
#include "findings/race_text.h"

enum { FRAMES_MAX = 4 };

typedef struct frame_list {
    uint32_t count;
    struct {
        const char *name;
        size_t len;
    } frames[FRAMES_MAX];
} frame_list;

/* What stands behind the kind: `a | b`. */
static frame_list frames_of(const char *signature) {
    frame_list list = {0};
    const char *at = strchr(signature, ' ');
    while (at != NULL && list.count < FRAMES_MAX) {
        at += *at == ' ' ? 1 : 3;
        const char *next = strstr(at, " | ");
        list.frames[list.count].name = at;
        list.frames[list.count++].len = next != NULL ? (size_t)(next - at) : strlen(at);
        at = next;
    }
    return list;
}

static bool is_anywhere(const char *name, size_t len) {
    static const char *const places[] = {"a-referenced-object", "a-destroyed-heap"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strlen(places[i]) == len && strncmp(places[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* The frame of `wanted` that this one is, and is not yet taken; -1: none. One that is met by any comes last. */
static int find_frame(const frame_list *wanted, uint32_t taken, const char *name, size_t len) {
    for (int anywhere = 0; anywhere < 2; anywhere++) {
        for (uint32_t i = 0; i < wanted->count; i++) {
            bool same = anywhere ? is_anywhere(wanted->frames[i].name, wanted->frames[i].len)
                                 : wanted->frames[i].len == len && strncmp(wanted->frames[i].name, name, len) == 0;
            if (same && (taken >> i & 1) == 0) {
                return (int)i;
            }
        }
    }
    return -1;
}

bool ftf_sighting_same(const char *wanted, const char *signature) {
    static const char *const pairs[] = {"data-race ", "lock-order "};
    frame_list ours = frames_of(wanted), theirs = frames_of(signature);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < theirs.count; i++) {
        int found = find_frame(&ours, taken, theirs.frames[i].name, theirs.frames[i].len);
        if (found < 0) {
            return false;
        }
        taken |= 1u << found;
    }
    bool pair = false;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        pair = pair || strncmp(signature, pairs[i], strlen(pairs[i])) == 0;
    }
    return theirs.count > 0 && (!pair || theirs.count == ours.count);
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
