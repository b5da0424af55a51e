#include "cli/corpus.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/fs.h"
#include "cli/paths.h"
#include "scenario/parse.h"
#include "scenario/print.h"

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
    if (status == FTF_OK && (status = ftf_path(to, err, "%s/seed-%s", corpus, name)) == FTF_OK) {
        status = ftf_path(set_aside, err, "%s/seed-%s", quarantine, name);
    }
    if (status == FTF_OK && (status = ftf_fs_read(from, FTF_FS_READ_MAX, &text, err)) == FTF_OK &&
        (status = canonize(from, &text, err)) == FTF_OK && !ftf_fs_exists(set_aside)) {
        status = ftf_fs_write(to, text.data, text.len, err); /* again, too: the seed may have been edited */
    }
    ftf_text_release(&text);
    return status;
}

ftf_status ftf_corpus_prepare(const char *corpus, const char *quarantine, const char *seeds, ftf_error *err) {
    ftf_names names = {0};
    ftf_status status = ftf_fs_make_dirs(corpus, err);
    if (status == FTF_OK) {
        status = ftf_fs_make_dirs(quarantine, err);
    }
    if (status == FTF_OK && *seeds != '\0') {
        status = ftf_fs_list(seeds, &names, err);
    }
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        if (has_suffix(names.names[i], ".ft")) {
            status = copy_seed(corpus, quarantine, seeds, names.names[i], err);
        }
    }
    ftf_names_release(&names);
    return status;
}

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

int ftf_corpus_quarantine(const char *corpus, const char *quarantine, const char *text) {
    ftf_names names = {0};
    ftf_text wanted = {0};
    ftf_arena *arena = ftf_arena_create();
    int moved = 0;
    if (add_essence(text, strlen(text), arena, &wanted) && ftf_fs_list(corpus, &names, NULL) == FTF_OK) {
        for (size_t i = 0; i < names.count; i++) {
            char from[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX];
            if (ftf_fs_join(from, corpus, names.names[i], NULL) == FTF_OK &&
                ftf_fs_join(to, quarantine, names.names[i], NULL) == FTF_OK && says_the_same(from, &wanted, arena) &&
                ftf_fs_rename(from, to, NULL) == FTF_OK) {
                moved++;
            }
        }
    }
    ftf_names_release(&names);
    ftf_text_release(&wanted);
    ftf_arena_destroy(arena);
    return moved;
}
