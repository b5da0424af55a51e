#include "findings/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"

enum { FILE_MAX = 16 * 1024 * 1024 };

const char *ftf_json_text(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

uint64_t ftf_json_number(const json_t *json, const char *key) {
    json_int_t value = json_integer_value(json_object_get(json, key));
    return value > 0 ? (uint64_t)value : 0;
}

void ftf_folder_note_versions(json_t *json, json_t *versions) {
    json_t *others = json_object_get(json, "also_seen_with");
    size_t index;
    const json_t *one;
    if (json_equal(json_object_get(json, "versions"), versions)) {
        return;
    }
    if (!json_is_array(others)) {
        others = json_array();
        (void)json_object_set_new(json, "also_seen_with", others);
    }
    json_array_foreach (others, index, one) {
        if (json_equal(one, versions)) {
            return;
        }
    }
    (void)json_array_append(others, versions);
}

ftf_status ftf_folder_write_text(const char *folder, const char *name, const char *text, size_t len, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(path, folder, name, err);
    return status == FTF_OK ? ftf_fs_write(path, text, len, err) : status;
}

static ftf_status write_json_as(const char *folder, const char *name, const json_t *json, ftf_error *err) {
    char *text = json_dumps(json, JSON_INDENT(1));
    FTF_ASSERT(text);
    ftf_status status = ftf_folder_write_text(folder, name, text, strlen(text), err);
    free(text);
    return status;
}

ftf_status ftf_folder_write_json(const char *folder, const json_t *json, ftf_error *err) {
    return write_json_as(folder, "finding.json", json, err);
}

/* Not by ftf_record_write: a finding is to survive a power cut, which takes the spool along. */
static ftf_status write_record(const char *folder, const ftf_record *record, ftf_error *err) {
    json_t *json = ftf_record_to_json(record);
    FTF_ASSERT(json); /* who files is not the worker: its heap is sound */
    ftf_status status = write_json_as(folder, "record.json", json, err);
    json_decref(json);
    return status;
}

static void replay_line(const json_t *json, char *out, size_t room) {
    const json_t *replay = json_object_get(json, "replay");
    if (ftf_json_number(replay, "n") == 0) {
        (void)snprintf(out, room, "replay     not measured yet\n");
        return;
    }
    uint64_t sequence = ftf_json_number(replay, "sequence");
    (void)snprintf(out, room, "replay     %s: %u of %u fresh processes showed it again%s\n",
                   ftf_json_text(replay, "verdict"), (unsigned)ftf_json_number(replay, "k"),
                   (unsigned)ftf_json_number(replay, "n"), sequence > 1 ? " (it needs the scenarios before it)" : "");
}

static void version_line(const json_t *json, ftf_text *out) {
    const json_t *versions = json_object_get(json, "versions");
    const char *python = ftf_json_text(versions, "python"), *target = ftf_json_text(versions, "target");
    const char *compiler = ftf_json_text(versions, "compiler");
    ftf_text_printf(out, "versions   CPython %s, %s %s%s%s\n", python[0] ? python : "?", ftf_json_text(json, "target"),
                    target, compiler[0] ? ", " : "", compiler);
}

static ftf_status write_report(const char *folder, const json_t *json, const ftf_finding *finding, ftf_error *err) {
    ftf_text report = {0};
    char line[160];
    ftf_text_printf(&report, "%s\n\n", ftf_json_text(json, "title"));
    replay_line(json, line, sizeof line);
    ftf_text_str(&report, line);
    version_line(json, &report);
    if (ftf_json_text(json, "campaign")[0]) {
        ftf_text_printf(&report, "found by   %s\n", ftf_json_text(json, "campaign"));
    }
    ftf_finding_report(finding, &report);
    ftf_status status = ftf_folder_write_text(folder, "report.txt", report.data, report.len, err);
    ftf_text_release(&report);
    return status;
}

ftf_status ftf_folder_update_report(const char *folder, const json_t *json, ftf_error *err) {
    char path[FTF_FS_PATH_MAX], line[160];
    ftf_text old = {0}, made = {0};
    ftf_status status = ftf_fs_join(path, folder, "report.txt", err);
    if (status == FTF_OK) {
        status = ftf_fs_read(path, FILE_MAX, &old, err);
    }
    const char *at = status == FTF_OK ? strstr(old.data, "\nreplay     ") : NULL;
    if (at) {
        replay_line(json, line, sizeof line);
        ftf_text_add(&made, old.data, (size_t)(at + 1 - old.data));
        ftf_text_str(&made, line);
        const char *rest = strchr(at + 1, '\n');
        ftf_text_str(&made, rest ? rest + 1 : "");
        status = ftf_fs_write(path, made.data, made.len, err);
    }
    ftf_text_release(&old);
    ftf_text_release(&made);
    return status;
}

ftf_status ftf_folder_write_evidence(const char *folder, const json_t *json, const ftf_finding *finding,
                                     const ftf_record *record, ftf_error *err) {
    const char *scenario = record->scenario ? record->scenario : "";
    ftf_status status = ftf_folder_write_text(folder, "scenario.ft", scenario, strlen(scenario), err);
    if (status == FTF_OK) {
        status = write_record(folder, record, err);
    }
    if (status == FTF_OK) {
        status = write_report(folder, json, finding, err);
    }
    return status == FTF_OK ? ftf_folder_write_json(folder, json, err) : status;
}

ftf_status ftf_folder_read_json(const char *folder, json_t **out, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_text text = {0};
    *out = NULL;
    ftf_status status = ftf_fs_join(path, folder, "finding.json", err);
    status = status == FTF_OK ? ftf_fs_read(path, FILE_MAX, &text, err) : status;
    if (status == FTF_OK) {
        json_error_t where;
        *out = json_loadb(text.data, text.len, 0, &where);
        status = *out ? FTF_OK : ftf_fail_at(err, where.line, "%s: %s", path, where.text);
    }
    ftf_text_release(&text);
    return status;
}
