/* What else is in a finding's folder: texts that the store keeps for others and does not read itself. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "findings/store.h"

static ftf_status find_path(ftf_store *store, const char *id, const char *name, char path[FTF_FS_PATH_MAX],
                            ftf_error *err) {
    const ftf_entry *entry = ftf_store_find(store, id);
    return entry ? ftf_fs_join(path, entry->folder, name, err)
                 : ftf_fail(err, FTF_USAGE, "there is no finding %s here", id);
}

ftf_status ftf_store_load_record(ftf_store *store, const char *id, ftf_record **out, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    *out = NULL;
    ftf_status status = find_path(store, id, "record.json", path, err);
    return status == FTF_OK ? ftf_record_read(path, out, err) : status;
}

ftf_status ftf_store_load_scenario(ftf_store *store, const char *id, ftf_text *out, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_status status = find_path(store, id, "scenario.ft", path, err);
    return status == FTF_OK ? ftf_fs_read(path, FTF_FS_READ_MAX, out, err) : status;
}

static ftf_status may_write(const ftf_store *store, const char *path, ftf_error *err) {
    return ftf_store_is_read_only(store) ? ftf_fail(err, FTF_USAGE, "%s is open for reading only", path) : FTF_OK;
}

ftf_status ftf_store_set_text(ftf_store *store, const char *id, const char *name, const char *text, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_status status = find_path(store, id, name, path, err);
    status = status == FTF_OK ? may_write(store, path, err) : status;
    return status == FTF_OK ? ftf_fs_write(path, text, strlen(text), err) : status;
}

ftf_status ftf_store_set_scenario(ftf_store *store, const char *id, const char *text, ftf_error *err) {
    return ftf_store_set_text(store, id, "scenario.ft", text, err);
}

ftf_status ftf_store_save_progress(ftf_store *store, const char *id, const json_t *progress, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_status status = find_path(store, id, "minimize.json", path, err);
    status = status == FTF_OK ? may_write(store, path, err) : status;
    if (status != FTF_OK || !progress) {
        return status == FTF_OK && ftf_fs_exists(path) ? ftf_fs_remove(path, err) : status;
    }
    char *text = json_dumps(progress, JSON_INDENT(1));
    FTF_ASSERT(text);
    status = ftf_fs_write_unflushed(path, text, strlen(text), err);
    free(text);
    return status;
}

json_t *ftf_store_load_progress(ftf_store *store, const char *id) {
    char path[FTF_FS_PATH_MAX];
    bool found = find_path(store, id, "minimize.json", path, NULL) == FTF_OK;
    return found ? json_load_file(path, 0, NULL) : NULL;
}
