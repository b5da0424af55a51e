#include "cli/subject.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/sequence.h"

static void copy_string(char *to, size_t room, const json_t *json, const char *member) {
    const char *text = json_string_value(json_object_get(json, member));
    snprintf(to, room, "%s", text != NULL ? text : "");
}

/* <out>, and the spec that its campaign was given; leaves `spec` alone when there is no campaign.json. */
static void find_campaign(const char *folder, ftf_subject *s) {
    char path[FTF_FS_PATH_MAX];
    if (ftf_path(s->store, NULL, "%s/../..", folder) != FTF_OK || ftf_fs_make_absolute(s->store, NULL) != FTF_OK ||
        ftf_path(path, NULL, "%s/campaign.json", s->store) != FTF_OK) {
        return;
    }
    json_t *campaign = json_load_file(path, 0, NULL);
    if (campaign != NULL && json_is_string(json_object_get(campaign, "target"))) {
        copy_string(s->spec, sizeof s->spec, campaign, "target");
    }
    json_decref(campaign);
}

static ftf_status load_finding(const char *folder, ftf_subject *s, ftf_error *err) {
    char path[FTF_FS_PATH_MAX], flavour[16];
    json_error_t where;
    ftf_status status = ftf_fs_join(path, folder, "finding.json", err);
    if (status != FTF_OK) {
        return status;
    }
    json_t *finding = json_load_file(path, 0, &where);
    if (finding == NULL) {
        return ftf_fail(err, FTF_INPUT, "%s is no finding: %s%s%s", folder, where.line > 0 ? "finding.json: " : "",
                        where.text, "");
    }
    copy_string(s->spec, sizeof s->spec, finding, "target");
    copy_string(s->signature, sizeof s->signature, finding, "signature");
    copy_string(s->kind, sizeof s->kind, finding, "kind");
    copy_string(s->id, sizeof s->id, finding, "id");
    copy_string(flavour, sizeof flavour, finding, "flavour");
    json_decref(finding);
    ftf_flavour f = ftf_flavour_find(flavour);
    if (f < FTF_FLAVOUR_COUNT) {
        s->flavours[f] = true;
    }
    find_campaign(folder, s);
    status = ftf_fs_join(path, folder, "scenario.ft", err);
    return status == FTF_OK ? ftf_fs_read(path, FTF_FS_READ_MAX, &s->text, err) : status;
}

static int count_lines(const char *text, size_t len) {
    int lines = 0;
    for (size_t i = 0; i < len; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

/* Each member of a sequence must parse; the target is the first one's. What the workers get is the canonical text: what
   a person wrote between the members as a comment is none of theirs. */
static ftf_status canonize(const char *name, ftf_subject *s, ftf_error *err) {
    ftf_arena *arena = ftf_arena_create();
    ftf_text canonical = {0};
    ftf_status status = FTF_OK;
    const char *start = s->text.data != NULL ? s->text.data : "";
    for (const char *at = start; at != NULL && status == FTF_OK;) {
        ftf_scenario scenario;
        ftf_error why = {0};
        const char *header = ftf_sequence_first(at);
        const char *next = header != NULL ? ftf_sequence_next(header) : NULL;
        status = ftf_scenario_parse(at, next != NULL ? (size_t)(next - at) : strlen(at), arena, &scenario, &why);
        if (status != FTF_OK) {
            ftf_fail(err, FTF_INPUT, "%s:%d: %s", name, count_lines(start, (size_t)(at - start)) + why.line, why.text);
        } else {
            ftf_scenario_print(&scenario, &canonical);
        }
        if (status == FTF_OK && *s->module == '\0') {
            snprintf(s->module, sizeof s->module, "%s", scenario.target);
        }
        at = next;
    }
    if (*s->spec == '\0') {
        snprintf(s->spec, sizeof s->spec, "%s", s->module);
    }
    ftf_arena_destroy(arena);
    ftf_text_release(&s->text);
    s->text = canonical;
    return status;
}

ftf_status ftf_subject_load(const char *path, ftf_subject *out, ftf_error *err) {
    *out = (ftf_subject){0};
    ftf_status status = ftf_fs_is_dir(path) ? load_finding(path, out, err)
                                            : ftf_fs_read(path, FTF_FS_READ_MAX, &out->text, err);
    return status == FTF_OK ? canonize(path, out, err) : status;
}

ftf_flavour ftf_subject_flavour(const ftf_subject *subject) {
    for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT && *subject->id != '\0'; f++) {
        if (subject->flavours[f]) {
            return (ftf_flavour)f;
        }
    }
    return FTF_FLAVOUR_COUNT;
}

void ftf_subject_release(ftf_subject *subject) { ftf_text_release(&subject->text); }
