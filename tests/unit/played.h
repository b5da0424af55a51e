#ifndef FTF_TESTS_PLAYED_H
#define FTF_TESTS_PLAYED_H
/*
 * A worker that is played by a shell script: it gets the arguments of the real one and answers with records in the spool and
 * with exit codes. The script is the test's; what every script begins with is here:
 *
 *     $file     the scenario to replay        $n        which process this is, from 1
 *     note X    a record of the error-protocol violation X      see X    the same, then exit as after a finding
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fs.h"
#include "reduce/attempt.h"

#define PLAYED_BEGIN \
    "#!/bin/sh\n" \
    "for a in \"$@\"; do case $a in --spool=*) spool=${a#*=};; --replay=*) file=${a#*=};;\n" \
    "--home=*) home=${a#*=};; --blackbox=*) box=${a#*=};; esac; done\n" \
    "cp $home/box $box\n" \
    "n=$(cat $home/count 2>/dev/null || echo 0); n=$((n + 1)); echo $n > $home/count\n" \
    "note() { printf '{\"format\": 1, \"kind\": \"error-protocol\", \"flavour\": \"tsan\", \"detail\": \"%s\"," \
    " \"scenario\": \"s\", \"steals\": 1}' \"$1\" > $spool/replay-$1.json; }\n" \
    "see() { note $1; exit 66; }\n"

static char played_folder[256], played_worker[512], played_home[512], played_scratch[512];
static ftf_symbolizer *played_symbolizer;

static inline int played_write(const char *script) {
    bool written = ftf_fs_write(played_worker, script, strlen(script), NULL) == FTF_OK;
    return written && chmod(played_worker, 0755) == 0 ? 0 : -1;
}

static inline int played_setup(const char *script) {
    (void)snprintf(played_folder, sizeof played_folder, "/tmp/ftf-test-played-XXXXXX");
    if (!mkdtemp(played_folder) || ftf_symbolizer_create(&played_symbolizer, NULL) != FTF_OK) {
        return -1;
    }
    (void)snprintf(played_worker, sizeof played_worker, "%s/worker", played_folder);
    (void)snprintf(played_home, sizeof played_home, "%s/home", played_folder);
    (void)snprintf(played_scratch, sizeof played_scratch, "%s/scratch", played_folder);
    char box_path[600];
    (void)snprintf(box_path, sizeof box_path, "%s/box", played_home);
    ftf_blackbox *box = ftf_fs_make_dirs(played_home, NULL) == FTF_OK ? ftf_blackbox_create(box_path, NULL) : NULL;
    if (!box) {
        return -1;
    }
    box->phase = FTF_PHASE_DONE; /* the played worker always ends in order */
    ftf_blackbox_close(box);
    return played_write(script);
}

static inline int played_teardown(void) {
    ftf_symbolizer_destroy(played_symbolizer);
    return ftf_fs_remove_tree(played_folder, NULL) == FTF_OK ? 0 : -1;
}

static inline ftf_attempt_options played_options(void) {
    return (ftf_attempt_options){.worker = played_worker,
                                 .flavour = "tsan",
                                 .home = played_home,
                                 .catalog_path = "catalog.json",
                                 .symbolizer = played_symbolizer,
                                 .scratch = played_scratch,
                                 .jobs = 2,
                                 .first_cpu = 0,
                                 .deadline_ms = 20000};
}

/* How many processes there were. */
static inline int played_count(void) {
    char path[600];
    ftf_text text = {0};
    (void)snprintf(path, sizeof path, "%s/count", played_home);
    int count = ftf_fs_read(path, 100, &text, NULL) == FTF_OK ? atoi(text.data) : 0;
    ftf_text_release(&text);
    return count;
}

static inline ftf_store *played_open_store(void) {
    ftf_store *store = NULL;
    ftf_error err = {0};
    char out[512];
    (void)snprintf(out, sizeof out, "%s/out", played_folder);
    ftf_store_options options = {.folder = out, .symbolizer = played_symbolizer};
    assert_int_equal(ftf_store_open(&options, &store, &err), FTF_OK);
    return store;
}

/* One finding, `it`, with that scenario and so many scenarios before it. */
/* original: the text that the campaign ran; NULL: the same */
static inline ftf_store *played_store_original(const char *scenario, const char *original, uint32_t history) {
    ftf_store *store = played_open_store();
    ftf_filed filed;
    ftf_error err = {0};
    ftf_record *record = ftf_record_create();
    (void)snprintf(record->kind, sizeof record->kind, "error-protocol");
    record->detail = strdup("it");
    record->target = strdup("x");
    record->scenario = strdup(scenario);
    record->original = original ? strdup(original) : NULL;
    for (uint32_t i = 0; i < history; i++) {
        record->history[record->history_count++] = strdup("before");
    }
    assert_int_equal(ftf_store_add(store, record, &filed, &err), FTF_OK);
    ftf_record_destroy(record);
    return store;
}

static inline ftf_store *played_store(const char *scenario, uint32_t history) {
    return played_store_original(scenario, NULL, history);
}

static inline void played_read(ftf_store *store, const char *name, ftf_text *out) {
    char path[FTF_FS_PATH_MAX];
    ftf_error err = {0};
    ftf_text_clear(out);
    (void)snprintf(path, sizeof path, "%s/%s", ftf_store_at(store, 0)->folder, name);
    assert_int_equal(ftf_fs_read(path, 100000, out, &err), FTF_OK);
}

#endif
