/*
 * Reading order: opening and seeds, quarantine, folders of workers. Which files there are is known without looking at the folder:
 * `found` has their names, in no order, and `met` remembers what has been shared, for a file that had to go is still in its
 * worker's own folder, and would come back with the next look there.
 */
#include "cli/corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/fs.h"
#include "base/hash.h"
#include "cli/paths.h"
#include "scenario/parse.h"
#include "scenario/print.h"

#define SEED_PREFIX "seed-"

/* Names are remembered by hash, in the place that it says, the latest of that place. A name that had to be forgotten while its
   file was still somewhere is shared twice, which is harmless. */
enum { MET_BITS = 16, MET_PLACES = 1 << MET_BITS, MET_LATEST = 4 };

struct ftf_corpus {
    char folder[FTF_FS_PATH_MAX], quarantine[FTF_FS_PATH_MAX];
    ftf_rng rng;
    ftf_names found; /* files of the folder that are no seeds */
    uint64_t met[MET_PLACES][MET_LATEST];
};

/* True when the name was there before. */
static bool remember(ftf_corpus *corpus, const char *name) {
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, name, strlen(name));
    uint64_t *place = corpus->met[(hash * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - MET_BITS)];
    int at = 0;
    while (at < MET_LATEST && place[at] != hash) {
        at++;
    }
    bool met = at < MET_LATEST;
    for (at = met ? at : MET_LATEST - 1; at > 0; at--) {
        place[at] = place[at - 1];
    }
    place[0] = hash;
    return met;
}

static void add_name(ftf_names *names, const char *name) {
    names->names = realloc(names->names, (names->count + 1) * sizeof *names->names);
    FTF_ASSERT(names->names != NULL);
    names->names[names->count] = strdup(name);
    FTF_ASSERT(names->names[names->count] != NULL);
    names->count++;
}

static void forget(ftf_names *names, size_t index) {
    free(names->names[index]);
    names->names[index] = names->names[--names->count];
}

/* Draws files that go until there is room for `more`. */
static ftf_status make_room(ftf_corpus *corpus, size_t more, ftf_error *err) {
    ftf_status status = FTF_OK;
    while (corpus->found.count + more > FTF_CORPUS_MAX && status == FTF_OK) {
        char path[FTF_FS_PATH_MAX];
        size_t drawn = ftf_rng_below(&corpus->rng, (uint32_t)corpus->found.count);
        status = ftf_fs_join(path, corpus->folder, corpus->found.names[drawn], err);
        status = status == FTF_OK ? ftf_fs_remove(path, err) : status;
        forget(&corpus->found, drawn);
    }
    return status;
}

/* ---- opening and seeds --------------------------------------------------------------------------------------------- */

static bool is_seed(const char *name) { return strncmp(name, SEED_PREFIX, strlen(SEED_PREFIX)) == 0; }

static bool has_suffix(const char *name, const char *suffix) {
    size_t len = strlen(name), tail = strlen(suffix);
    return len > tail && strcmp(name + len - tail, suffix) == 0;
}

/* Replaces the text by its canonical form: comments are for the reader of corpora/, not for the mutators. */
static ftf_status canonize(const char *path, ftf_text *text, ftf_error *err) {
    ftf_error why = {0};
    ftf_scenario scenario;
    ftf_arena *arena = ftf_arena_create();
    ftf_status status = ftf_scenario_parse(text->data != NULL ? text->data : "", text->len, arena, &scenario, &why);
    ftf_text_clear(text);
    if (status == FTF_OK) {
        ftf_scenario_print(&scenario, text);
    } else {
        ftf_fail(err, FTF_INPUT, "%s:%d: %s", path, why.line, why.text);
    }
    ftf_arena_destroy(arena);
    return status;
}

static ftf_status copy_seed(const char *corpus, const char *quarantine, const char *seeds, const char *name,
                            ftf_error *err) {
    char from[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX], set_aside[FTF_FS_PATH_MAX];
    ftf_text text = {0};
    ftf_status status = ftf_fs_join(from, seeds, name, err);
    if (status == FTF_OK && (status = ftf_path(to, err, "%s/" SEED_PREFIX "%s", corpus, name)) == FTF_OK) {
        status = ftf_path(set_aside, err, "%s/" SEED_PREFIX "%s", quarantine, name);
    }
    if (status == FTF_OK && (status = ftf_fs_read(from, FTF_FS_READ_MAX, &text, err)) == FTF_OK &&
        (status = canonize(from, &text, err)) == FTF_OK && !ftf_fs_exists(set_aside)) {
        status = ftf_fs_write(to, text.data, text.len, err); /* again, too: the seed may have been edited */
    }
    ftf_text_release(&text);
    return status;
}

static ftf_status copy_seeds(const ftf_corpus *corpus, const char *seeds, ftf_error *err) {
    ftf_names names = {0};
    ftf_status status = *seeds != '\0' ? ftf_fs_list(seeds, &names, err) : FTF_OK;
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        if (has_suffix(names.names[i], ".ft")) {
            status = copy_seed(corpus->folder, corpus->quarantine, seeds, names.names[i], err);
        }
    }
    ftf_names_release(&names);
    return status;
}

static ftf_status prepare(const ftf_corpus *corpus, const char *const *seeds, ftf_error *err) {
    ftf_status status = ftf_fs_make_dirs(corpus->folder, err);
    if (status == FTF_OK) {
        status = ftf_fs_make_dirs(corpus->quarantine, err);
    }
    for (size_t i = 0; seeds[i] != NULL && status == FTF_OK; i++) {
        status = copy_seeds(corpus, seeds[i], err);
    }
    return status;
}

/* What is in the folder from an earlier campaign. */
static ftf_status take_stock(ftf_corpus *corpus, ftf_error *err) {
    ftf_names names = {0};
    ftf_status status = ftf_fs_list(corpus->folder, &names, err);
    for (size_t i = 0; i < names.count; i++) {
        remember(corpus, names.names[i]);
        if (!is_seed(names.names[i])) {
            add_name(&corpus->found, names.names[i]);
        }
    }
    ftf_names_release(&names);
    return status == FTF_OK ? make_room(corpus, 0, err) : status;
}

ftf_status ftf_corpus_open(const char *folder, const char *quarantine, const char *const *seeds, uint64_t seed,
                           ftf_corpus **out, ftf_error *err) {
    ftf_corpus *corpus = calloc(1, sizeof *corpus);
    FTF_ASSERT(corpus != NULL);
    *out = NULL;
    corpus->rng = ftf_rng_seed(seed);
    ftf_status status = ftf_path(corpus->folder, err, "%s", folder);
    if (status == FTF_OK && (status = ftf_path(corpus->quarantine, err, "%s", quarantine)) == FTF_OK &&
        (status = prepare(corpus, seeds, err)) == FTF_OK) {
        status = take_stock(corpus, err);
    }
    if (status != FTF_OK) {
        ftf_corpus_close(corpus);
        return status;
    }
    *out = corpus;
    return FTF_OK;
}

void ftf_corpus_close(ftf_corpus *corpus) {
    if (corpus != NULL) {
        ftf_names_release(&corpus->found);
        free(corpus);
    }
}

/* ---- quarantine ---------------------------------------------------------------------------------------------------- */

/* Appends the scenario's canonical text without its schedule: a worker runs one scenario under several. */
static bool add_essence(const char *text, size_t len, ftf_arena *arena, ftf_text *out) {
    ftf_scenario scenario;
    ftf_arena_reset(arena);
    if (ftf_scenario_parse(text, len, arena, &scenario, NULL) != FTF_OK) {
        return false;
    }
    scenario.schedule = (ftf_schedule){.kind = FTF_SCHEDULE_FREE};
    ftf_scenario_print(&scenario, out);
    return true;
}

static bool says_the_same(const char *path, const ftf_text *wanted, ftf_arena *arena) {
    ftf_text text = {0}, essence = {0};
    bool same = ftf_fs_read(path, FTF_SCENARIO_BYTES_MAX, &text, NULL) == FTF_OK && text.len > 0 &&
                add_essence(text.data, text.len, arena, &essence) && essence.len == wanted->len &&
                memcmp(essence.data, wanted->data, wanted->len) == 0;
    ftf_text_release(&text);
    ftf_text_release(&essence);
    return same;
}

static void forget_name(ftf_names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0) {
            forget(names, i);
            return;
        }
    }
}

int ftf_corpus_quarantine(ftf_corpus *corpus, const char *text) {
    ftf_names names = {0};
    ftf_text wanted = {0};
    ftf_arena *arena = ftf_arena_create();
    int moved = 0;
    if (add_essence(text, strlen(text), arena, &wanted) && ftf_fs_list(corpus->folder, &names, NULL) == FTF_OK) {
        for (size_t i = 0; i < names.count; i++) {
            char from[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX];
            if (ftf_fs_join(from, corpus->folder, names.names[i], NULL) == FTF_OK &&
                ftf_fs_join(to, corpus->quarantine, names.names[i], NULL) == FTF_OK &&
                says_the_same(from, &wanted, arena) && ftf_fs_rename(from, to, NULL) == FTF_OK) {
                forget_name(&corpus->found, names.names[i]);
                moved++;
            }
        }
    }
    ftf_names_release(&names);
    ftf_text_release(&wanted);
    ftf_arena_destroy(arena);
    return moved;
}

/* ---- folders of workers ------------------------------------------------------------------------------------------ */

static ftf_status copy_file(const char *from, const char *to, ftf_error *err) {
    ftf_text text = {0};
    ftf_status status = ftf_fs_read(from, FTF_SCENARIO_BYTES_MAX, &text, err);
    if (status == FTF_OK) {
        status = ftf_fs_write_unflushed(to, text.data, text.len, err);
    }
    ftf_text_release(&text);
    return status;
}

/* A link where the file system has them. The time is set to now: libFuzzer looks only at files that are not older than
   its last look. A file that is gone by now is no error: libFuzzer may have replaced it by a shorter one. */
static ftf_status link_file(const char *folder, const char *name, const char *into, ftf_error *err) {
    char from[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(from, folder, name, err);
    if (status == FTF_OK) {
        status = ftf_fs_join(to, into, name, err);
    }
    if (status != FTF_OK) {
        return status;
    }
    if (link(from, to) != 0 && errno != EEXIST && errno != ENOENT) {
        return errno == ENOSPC ? ftf_fail(err, FTF_IO, "cannot write %s: %s", to, strerror(errno))
                               : copy_file(from, to, err);
    }
    (void)utimensat(AT_FDCWD, to, NULL, 0);
    return FTF_OK;
}

ftf_status ftf_corpus_sample(const char *folder, const char *own, size_t most, ftf_rng *rng, ftf_error *err) {
    ftf_names names = {0};
    ftf_status status = ftf_fs_remove_tree(own, err);
    if (status == FTF_OK && (status = ftf_fs_make_dirs(own, err)) == FTF_OK) {
        status = ftf_fs_list(folder, &names, err);
    }
    for (size_t i = 0; i < names.count && i < most && status == FTF_OK; i++) {
        size_t drawn = i + ftf_rng_below(rng, (uint32_t)(names.count - i));
        char *name = names.names[drawn];
        names.names[drawn] = names.names[i];
        names.names[i] = name;
        status = link_file(folder, name, own, err);
    }
    ftf_names_release(&names);
    return status;
}

/* Nothing has to go for a file that libFuzzer has replaced since the folder was listed. */
static ftf_status share(ftf_corpus *corpus, const char *own, const char *name, ftf_names *names, ftf_error *err) {
    char from[FTF_FS_PATH_MAX], there[FTF_FS_PATH_MAX], aside[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_join(from, own, name, err);
    if (status == FTF_OK) {
        status = ftf_fs_join(there, corpus->folder, name, err);
    }
    if (status == FTF_OK) {
        status = ftf_fs_join(aside, corpus->quarantine, name, err);
    }
    if (status != FTF_OK || !ftf_fs_exists(from) || ftf_fs_exists(there) || ftf_fs_exists(aside)) {
        return status;
    }
    status = make_room(corpus, 1, err);
    if (status == FTF_OK && (status = link_file(own, name, corpus->folder, err)) == FTF_OK) {
        add_name(&corpus->found, name);
        add_name(names, name);
    }
    return status;
}

ftf_status ftf_corpus_share(ftf_corpus *corpus, const char *own, ftf_names *names, ftf_error *err) {
    ftf_names mine = {0};
    if (!ftf_fs_is_dir(own)) {
        return FTF_OK;
    }
    ftf_status status = ftf_fs_list(own, &mine, err);
    for (size_t i = 0; i < mine.count && status == FTF_OK; i++) {
        if (!remember(corpus, mine.names[i])) {
            status = share(corpus, own, mine.names[i], names, err);
        }
    }
    ftf_names_release(&mine);
    return status;
}

void ftf_corpus_give(const ftf_corpus *corpus, const ftf_names *names, const char *own) {
    for (size_t i = 0; i < names->count; i++) {
        link_file(corpus->folder, names->names[i], own, NULL);
    }
}
