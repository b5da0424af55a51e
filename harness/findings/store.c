#include "findings/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/proc.h"
#include "findings/folder.h"
#include "oracle/kinds.h"

/*
 * Reading order: items (one finding in memory), opening, adding, the spool, changes from outside.
 *
 * The JSON object of an item *is* finding.json; the entry that callers see is a view into it. So there is nothing to
 * keep in step, and members that a later version of ftfuzz wrote survive our rewriting.
 */

enum { FORMAT = 1 };

typedef struct item {
    json_t *json;
    ftf_entry entry; /* strings point into json and folder */
    char *folder;
    bool dirty; /* json differs from the file */
} item;

struct ftf_store {
    char *folder;   /* <out> */
    char *findings; /* <out>/findings */
    ftf_symbolizer *symbolizer;
    const ftf_catalog *catalog;
    json_t *versions;
    char *campaign;
    int lock_fd; /* -1: read-only */
    item **items;
    size_t count;
    bool sorted;
    uint64_t rejected, ours, known, damaged;
    uint64_t flushed_ms;
};

/* ---- items ------------------------------------------------------------------------------------------------------- */

static void set_number(json_t *json, const char *key, uint64_t value) {
    (void)json_object_set_new(json, key, json_integer((json_int_t)value));
}

/* Makes the entry say what the JSON says. */
static void refresh(item *it) {
    const json_t *json = it->json;
    const json_t *replay = json_object_get(json, "replay");
    ftf_entry *e = &it->entry;
    e->id = ftf_json_text(json, "id");
    e->kind = ftf_json_text(json, "kind");
    e->title = ftf_json_text(json, "title");
    e->signature = ftf_json_text(json, "signature");
    e->blame = ftf_json_text(json, "blame");
    e->target = ftf_json_text(json, "target");
    e->flavour = ftf_json_text(json, "flavour");
    e->folder = it->folder;
    e->severity = ftf_finding_kind_severity(e->kind);
    e->count = ftf_json_number(json, "count");
    e->minimized = json_is_true(json_object_get(json_object_get(json, "minimized"), "finished"));
    e->reduced = json_is_object(json_object_get(json, "minimized"));
    e->controlled = json_is_object(json_object_get(json, "gil"));
    e->measured = json_is_object(replay) && ftf_json_number(replay, "n") > 0;
    e->replay = (ftf_replay){
        .k = (uint32_t)ftf_json_number(replay, "k"),
        .n = (uint32_t)ftf_json_number(replay, "n"),
        .steals = (uint32_t)ftf_json_number(replay, "steals"),
        .sequence = (uint32_t)ftf_json_number(replay, "sequence"),
    };
}

static void destroy_item(item *it) {
    if (it) {
        json_decref(it->json);
        free(it->folder);
        free(it);
    }
}

/* Takes the reference to json. */
static item *add_item(ftf_store *store, json_t *json, const char *folder) {
    if ((store->count & (store->count - 1)) == 0) { /* full exactly at powers of two */
        store->items = realloc(store->items, (store->count ? store->count * 2 : 1) * sizeof(item *));
        FTF_ASSERT(store->items);
    }
    item *it = calloc(1, sizeof *it);
    FTF_ASSERT(it);
    it->json = json;
    it->folder = strdup(folder);
    FTF_ASSERT(it->folder);
    refresh(it);
    store->items[store->count++] = it;
    store->sorted = false;
    return it;
}

static item *find_item(const ftf_store *store, const char *id) {
    for (size_t i = 0; i < store->count; i++) {
        if (strcmp(store->items[i]->entry.id, id) == 0) {
            return store->items[i];
        }
    }
    return NULL;
}

static int blame_rank(const char *blame) {
    return strcmp(blame, "extension") == 0 ? 0 : strcmp(blame, "foreign") == 0 ? 1 : 2;
}

static double rate_of(const ftf_entry *e) { return e->measured ? (double)e->replay.k / (double)e->replay.n : -1.0; }

static int compare_items(const void *a, const void *b) {
    item *const *left = a, *const *right = b;
    const ftf_entry *l = &(*left)->entry, *r = &(*right)->entry;
    int blame = blame_rank(l->blame) - blame_rank(r->blame);
    if (blame != 0) {
        return blame;
    }
    if (l->severity != r->severity) {
        return r->severity - l->severity;
    }
    double left_rate = rate_of(l), right_rate = rate_of(r);
    if (left_rate > right_rate || left_rate < right_rate) {
        return left_rate > right_rate ? -1 : 1;
    }
    return strcmp(l->id, r->id);
}

static ftf_status write_item(item *it, ftf_error *err) {
    ftf_status status = ftf_folder_write_json(it->folder, it->json, err);
    it->dirty = status != FTF_OK;
    return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static ftf_status lock_store(ftf_store *store, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(path, store->folder, ".lock", err);
    if (status != FTF_OK) {
        return status;
    }
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->lock_fd < 0) {
        return ftf_fail(err, FTF_IO, "cannot write into %s: %s", store->folder, strerror(errno));
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return ftf_fail(err, FTF_USAGE, "another ftfuzz is writing into %s: wait for it or choose another --out",
                        store->folder);
    }
    return FTF_OK;
}

static void load_one(ftf_store *store, const char *name) {
    char folder[FTF_FS_PATH_MAX];
    json_t *json = NULL;
    if (ftf_fs_join(folder, store->findings, name, NULL) == FTF_OK && ftf_fs_is_dir(folder)) {
        (void)ftf_folder_read_json(folder, &json, NULL);
    }
    if (ftf_json_number(json, "format") == FORMAT && strcmp(ftf_json_text(json, "id"), name) == 0) {
        (void)add_item(store, json, folder);
    } else {
        json_decref(json);
        store->damaged++;
    }
}

static ftf_status load_all(ftf_store *store, ftf_error *err) {
    ftf_names names;
    if (!ftf_fs_is_dir(store->findings)) {
        return FTF_OK; /* a read-only look at a campaign that found nothing */
    }
    ftf_status status = ftf_fs_list(store->findings, &names, err);
    for (size_t i = 0; status == FTF_OK && i < names.count; i++) {
        load_one(store, names.names[i]);
    }
    ftf_names_release(&names);
    return status;
}

static void put_version(json_t *versions, const char *key, const char *value) {
    if (value) {
        (void)json_object_set_new(versions, key, json_string(value));
    }
}

ftf_status ftf_store_open(const ftf_store_options *options, ftf_store **out, ftf_error *err) {
    ftf_store *store = calloc(1, sizeof *store);
    FTF_ASSERT(store);
    char findings[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(findings, options->folder, "findings", err);
    if (status != FTF_OK) {
        free(store);
        *out = NULL;
        return status;
    }
    store->folder = strdup(options->folder);
    store->findings = strdup(findings);
    store->campaign = options->campaign ? strdup(options->campaign) : NULL;
    store->symbolizer = options->symbolizer;
    store->catalog = options->catalog;
    store->lock_fd = -1;
    store->versions = json_object();
    FTF_ASSERT(store->folder && store->findings && store->versions);
    put_version(store->versions, "python", options->python_version);
    put_version(store->versions, "compiler", options->compiler);
    put_version(store->versions, "target", options->catalog ? options->catalog->version : NULL);
    if (!options->read_only) {
        status = ftf_fs_make_dirs(findings, err);
        status = status == FTF_OK ? lock_store(store, err) : status;
        status = status == FTF_OK ? ftf_fs_remove_temporaries(findings, err) : status;
    }
    status = status == FTF_OK ? load_all(store, err) : status;
    if (status != FTF_OK) {
        (void)ftf_store_close(store, NULL);
        store = NULL;
    }
    *out = store;
    return status;
}

ftf_status ftf_store_flush(ftf_store *store, ftf_error *err) {
    ftf_status status = FTF_OK;
    for (size_t i = 0; i < store->count && status == FTF_OK; i++) {
        if (store->items[i]->dirty) {
            status = write_item(store->items[i], err);
        }
    }
    store->flushed_ms = ftf_proc_now_ms();
    return status;
}

ftf_status ftf_store_close(ftf_store *store, ftf_error *err) {
    if (!store) {
        return FTF_OK;
    }
    ftf_status status = ftf_store_flush(store, err);
    for (size_t i = 0; i < store->count; i++) {
        destroy_item(store->items[i]);
    }
    free(store->items);
    json_decref(store->versions);
    free(store->campaign);
    free(store->findings);
    free(store->folder);
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    free(store);
    return status;
}

/* ---- adding ------------------------------------------------------------------------------------------------------ */

/* The one use of the clock: a person wants to know when, nothing depends on it. */
static void put_now(json_t *json, const char *key) {
    char text[32];
    struct tm utc;
    time_t now = time(NULL);
    (void)gmtime_r(&now, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)json_object_set_new(json, key, json_string(text));
}

bool ftf_store_is_read_only(const ftf_store *store) { return store->lock_fd < 0; }

static ftf_status must_write(const ftf_store *store, ftf_error *err) {
    return store->lock_fd >= 0 ? FTF_OK : ftf_fail(err, FTF_USAGE, "%s is open for reading only", store->folder);
}

/* Moves a folder that could not be read when the store was opened out of the way of the finding that takes its name. */
static ftf_status clear_way(ftf_store *store, const char *folder, const char *id, ftf_error *err) {
    char aside[FTF_FS_PATH_MAX], name[128];
    if (!ftf_fs_exists(folder)) {
        return FTF_OK;
    }
    (void)snprintf(name, sizeof name, "rejected/%s-%llu", id, (unsigned long long)time(NULL));
    ftf_status status = ftf_fs_join(aside, store->folder, "rejected", err);
    status = status == FTF_OK ? ftf_fs_make_dirs(aside, err) : status;
    status = status == FTF_OK ? ftf_fs_join(aside, store->folder, name, err) : status;
    return status == FTF_OK ? ftf_fs_rename(folder, aside, err) : status;
}

static void describe_scenario(json_t *json, const ftf_record *record) {
    set_number(json, "steals", record->steals);
    set_number(json, "scenario_bytes", record->scenario ? strlen(record->scenario) : 0);
    (void)json_object_set_new(json, "ran_first", json_boolean(record->sequence <= 1));
}

static ftf_status add_new(ftf_store *store, const ftf_finding *finding, const ftf_record *record, item **out,
                          ftf_error *err) {
    char folder[FTF_FS_PATH_MAX], temporary[FTF_FS_PATH_MAX];
    const char *original = record->original ? record->original : record->scenario ? record->scenario : "";
    json_t *json = ftf_finding_to_json(finding);
    describe_scenario(json, record);
    set_number(json, "format", FORMAT);
    set_number(json, "count", 1);
    put_now(json, "first_seen");
    put_now(json, "last_seen");
    (void)json_object_set(json, "versions", store->versions);
    (void)json_object_set_new(json, "replay", json_null());
    if (store->campaign) {
        (void)json_object_set_new(json, "campaign", json_string(store->campaign));
    }
    ftf_status status = ftf_fs_join(folder, store->findings, ftf_finding_id(finding), err);
    status = status == FTF_OK ? ftf_fs_make_temporary_dir(store->findings, temporary, err) : status;
    if (status != FTF_OK) {
        json_decref(json);
        return status;
    }
    status = ftf_folder_write_text(temporary, "original.ft", original, strlen(original), err);
    status = status == FTF_OK ? ftf_folder_write_evidence(temporary, json, finding, record, err) : status;
    status = status == FTF_OK ? clear_way(store, folder, ftf_finding_id(finding), err) : status;
    status = status == FTF_OK ? ftf_fs_rename(temporary, folder, err) : status;
    if (status != FTF_OK) {
        (void)ftf_fs_remove_tree(temporary, NULL);
        json_decref(json);
        return status;
    }
    *out = add_item(store, json, folder);
    (*out)->entry.found_here = true;
    return FTF_OK;
}

/*
 * Whether the record is easier to replay than what the finding has. Steals make a run depend on time, and scenarios
 * before it may have left something behind that it needs. Between equals only a much shorter one is worth the
 * writing.
 */
static bool is_better(const ftf_record *record, const json_t *json) {
    uint64_t old_steals = ftf_json_number(json, "steals"), old_bytes = ftf_json_number(json, "scenario_bytes");
    bool old_first = json_is_true(json_object_get(json, "ran_first"));
    bool first = record->sequence <= 1;
    size_t bytes = record->scenario ? strlen(record->scenario) : 0;
    if ((record->steals == 0) != (old_steals == 0)) {
        return record->steals == 0;
    }
    if (first != old_first) {
        return first;
    }
    return bytes * 4 < old_bytes * 3;
}

static bool is_confirmed(const item *it) { return it->entry.measured && it->entry.replay.k > 0; }

/* Takes stacks, section and the like from the better record; what counts the finding stays. */
static ftf_status replace_evidence(item *it, const ftf_finding *finding, const ftf_record *record, ftf_error *err) {
    json_t *fresh = ftf_finding_to_json(finding);
    (void)json_object_update(it->json, fresh);
    json_decref(fresh);
    describe_scenario(it->json, record);
    (void)json_object_set_new(it->json, "replay", json_null());
    (void)json_object_del(it->json, "minimized");
    ftf_status status = ftf_folder_write_evidence(it->folder, it->json, finding, record, err);
    it->dirty = status != FTF_OK;
    refresh(it);
    return status;
}

static ftf_status add_again(ftf_store *store, item *it, const ftf_finding *finding, const ftf_record *record,
                            ftf_filed *filed, ftf_error *err) {
    set_number(it->json, "count", it->entry.count + 1);
    put_now(it->json, "last_seen");
    ftf_folder_note_versions(it->json, store->versions);
    it->dirty = true;
    it->entry.count++;
    filed->filing = FTF_FILED_AGAIN;
    if (!is_confirmed(it) && is_better(record, it->json)) {
        filed->filing = FTF_FILED_BETTER;
        store->sorted = false;
        return replace_evidence(it, finding, record, err);
    }
    return ftf_proc_now_ms() - store->flushed_ms >= FTF_STORE_FLUSH_MS ? ftf_store_flush(store, err) : FTF_OK;
}

static ftf_status keep_ours(ftf_store *store, const ftf_finding *finding, const ftf_record *record, ftf_error *err) {
    char folder[FTF_FS_PATH_MAX], name[128];
    store->ours++;
    (void)snprintf(name, sizeof name, "ours-%s", ftf_finding_id(finding));
    ftf_status status = ftf_fs_join(folder, store->folder, "rejected", err);
    status = status == FTF_OK ? ftf_fs_make_dirs(folder, err) : status;
    return status == FTF_OK ? ftf_record_write(record, folder, name, err) : status;
}

ftf_status ftf_store_add(ftf_store *store, const ftf_record *record, ftf_filed *filed, ftf_error *err) {
    *filed = (ftf_filed){
        .filing = FTF_FILED_NOT, .sequence = record->sequence, .runs = record->runs, .cpu_us = record->cpu_us};
    memcpy(filed->worker, record->worker, sizeof filed->worker);
    ftf_finding *finding = NULL;
    ftf_status status = must_write(store, err);
    if (status == FTF_OK) {
        status = ftf_finding_from_record(store->symbolizer, store->catalog, record, &finding, err);
    }
    if (status != FTF_OK) {
        return status;
    }
    item *it = find_item(store, ftf_finding_id(finding));
    if (strcmp(ftf_finding_blame(finding), "harness") == 0) {
        status = keep_ours(store, finding, record, err);
    } else if (ftf_finding_known(finding, ftf_json_text(store->versions, "python"))) {
        store->known++;
    } else if (it) {
        status = add_again(store, it, finding, record, filed, err);
    } else {
        status = add_new(store, finding, record, &it, err);
        if (status == FTF_OK) {
            filed->filing = FTF_FILED_NEW;
        }
    }
    if (status == FTF_OK && it && filed->filing != FTF_FILED_NOT) {
        it->entry.count_here++;
        filed->entry = &it->entry;
    }
    ftf_finding_destroy(finding);
    return status;
}

/* ---- the spool --------------------------------------------------------------------------------------------------- */

static ftf_status reject(ftf_store *store, const char *path, const char *name, ftf_error *err) {
    char folder[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(folder, store->folder, "rejected", err);
    status = status == FTF_OK ? ftf_fs_make_dirs(folder, err) : status;
    status = status == FTF_OK ? ftf_fs_join(to, folder, name, err) : status;
    store->rejected++;
    return status == FTF_OK ? ftf_fs_rename(path, to, err) : status;
}

static ftf_status file_one(ftf_store *store, const char *path, const char *name, ftf_filed *filed, ftf_error *err) {
    ftf_record *record = NULL;
    ftf_status status = ftf_record_read(path, &record, err);
    status = status == FTF_OK ? ftf_store_add(store, record, filed, err) : status;
    ftf_record_destroy(record);
    if (status == FTF_INPUT || status == FTF_LIMIT) {
        return reject(store, path, name, err);
    }
    return status == FTF_OK ? ftf_fs_remove(path, err) : status;
}

static bool is_record_name(const char *name) {
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

ftf_status ftf_store_drain_spool(ftf_store *store, const char *spool, ftf_on_filed on_filed, void *self,
                                 ftf_error *err) {
    ftf_names names;
    ftf_status status = ftf_fs_list(spool, &names, err);
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        char path[FTF_FS_PATH_MAX];
        ftf_filed filed = {.filing = FTF_FILED_NOT};
        if (!is_record_name(names.names[i])) {
            continue;
        }
        status = ftf_fs_join(path, spool, names.names[i], err);
        status = status == FTF_OK ? file_one(store, path, names.names[i], &filed, err) : status;
        if (status == FTF_OK && on_filed) {
            on_filed(self, &filed);
        }
    }
    ftf_names_release(&names);
    return status;
}

uint64_t ftf_store_rejected(const ftf_store *store) { return store->rejected; }
uint64_t ftf_store_ours(const ftf_store *store) { return store->ours; }
uint64_t ftf_store_known(const ftf_store *store) { return store->known; }
uint64_t ftf_store_damaged(const ftf_store *store) { return store->damaged; }

/* ---- looking and changing ---------------------------------------------------------------------------------------- */

size_t ftf_store_count(const ftf_store *store) { return store->count; }

const ftf_entry *ftf_store_at(ftf_store *store, size_t index) {
    FTF_ASSERT(index < store->count);
    if (!store->sorted) {
        qsort(store->items, store->count, sizeof *store->items, compare_items);
        store->sorted = true;
    }
    return &store->items[index]->entry;
}

const ftf_entry *ftf_store_find(ftf_store *store, const char *id) {
    item *it = find_item(store, id);
    return it ? &it->entry : NULL;
}

static ftf_status find_to_change(ftf_store *store, const char *id, item **out, ftf_error *err) {
    *out = find_item(store, id);
    if (!*out) {
        return ftf_fail(err, FTF_USAGE, "there is no finding %s in %s", id, store->findings);
    }
    return must_write(store, err);
}

bool ftf_replay_is_sure(const ftf_replay *replay) {
    return replay->n > 0 && (uint64_t)replay->k * 20 >= (uint64_t)replay->n * 19;
}

const char *ftf_replay_verdict(const ftf_replay *replay) {
    bool robbed = replay->steals > 0;
    if (replay->n == 0) {
        return "not tried";
    }
    if (replay->k == 0) {
        return "does not replay";
    }
    if (ftf_replay_is_sure(replay)) {
        return robbed ? "replays, depends on time" : "replays";
    }
    return robbed ? "replays sometimes, depends on time" : "replays sometimes";
}

ftf_status ftf_store_set_replay(ftf_store *store, const char *id, const ftf_replay *replay, ftf_error *err) {
    item *it;
    ftf_status status = find_to_change(store, id, &it, err);
    if (status != FTF_OK) {
        return status;
    }
    json_t *json = json_pack("{s:i, s:i, s:i, s:i, s:s}", "k", (int)replay->k, "n", (int)replay->n, "steals",
                             (int)replay->steals, "sequence", (int)replay->sequence, "verdict",
                             ftf_replay_verdict(replay));
    (void)json_object_set_new(it->json, "replay", json);
    refresh(it);
    store->sorted = false;
    status = write_item(it, err);
    return status == FTF_OK ? ftf_folder_update_report(it->folder, it->json, err) : status;
}

ftf_status ftf_store_set_part(ftf_store *store, const char *id, const char *member, json_t *part, ftf_error *err) {
    item *it;
    ftf_status status = find_to_change(store, id, &it, err);
    if (status != FTF_OK) {
        return status;
    }
    (void)json_object_set(it->json, member, part);
    refresh(it);
    return write_item(it, err);
}

ftf_status ftf_store_set_minimized(ftf_store *store, const char *id, const char *text, const ftf_replay *replay,
                                   json_t *facts, ftf_error *err) {
    item *it;
    ftf_status status = find_to_change(store, id, &it, err);
    if (status != FTF_OK) {
        return status;
    }
    (void)json_object_set(it->json, "minimized", facts);
    set_number(it->json, "scenario_bytes", strlen(text));
    status = ftf_store_set_scenario(store, id, text, err);
    return status == FTF_OK ? ftf_store_set_replay(store, id, replay, err) : status;
}

ftf_status ftf_store_adopt(ftf_store *store, const ftf_record *record, const char *scenario, const ftf_replay *replay,
                           ftf_filed *filed, ftf_error *err) {
    ftf_status status = ftf_store_add(store, record, filed, err);
    if (status != FTF_OK || !filed->entry) {
        return status;
    }
    item *it = find_item(store, filed->entry->id);
    if (is_confirmed(it)) {
        return FTF_OK;
    }
    if (filed->filing == FTF_FILED_AGAIN) { /* add() kept the scenario it had */
        ftf_finding *finding = NULL;
        filed->filing = FTF_FILED_BETTER;
        status = ftf_finding_from_record(store->symbolizer, store->catalog, record, &finding, err);
        status = status == FTF_OK ? replace_evidence(it, finding, record, err) : status;
        ftf_finding_destroy(finding);
    }
    status = status == FTF_OK ? ftf_store_set_scenario(store, it->entry.id, scenario, err) : status;
    return status == FTF_OK ? ftf_store_set_replay(store, it->entry.id, replay, err) : status;
}
