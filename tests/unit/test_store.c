#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/rng.h"
#include "findings/folder.h"
#include "findings/store.h"

/*
 * Records of the kind error-protocol carry no stacks, so their identity comes from the detail and no symbolizer is
 * asked: store's own work is what is tested here.
 */
static char folder[256], spool[512];

static int setup(void **state) {
    (void)state;
    ftf_error err;
    (void)snprintf(folder, sizeof folder, "/tmp/ftf-test-store-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void)snprintf(spool, sizeof spool, "%s/spool", folder);
    return ftf_fs_make_dirs(spool, &err) == FTF_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    return ftf_fs_remove_tree(folder, NULL) == FTF_OK ? 0 : -1;
}

static ftf_store *open_store_of(const char *python_version) {
    ftf_store *store = NULL;
    ftf_error err = {0};
    ftf_store_options options = {.folder = folder, .python_version = python_version, .campaign = "ftfuzz fuzz x"};
    ftf_status status = ftf_store_open(&options, &store, &err);
    if (status != FTF_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

static ftf_store *open_store(void) { return open_store_of("3.13.5"); }

static void close_store(ftf_store *store) {
    ftf_error err = {0};
    assert_int_equal(ftf_store_close(store, &err), FTF_OK);
}

static ftf_record *make_record(const char *detail, const char *scenario, uint64_t sequence, uint64_t steals) {
    ftf_record *r = ftf_record_create();
    (void)snprintf(r->kind, sizeof r->kind, "error-protocol");
    (void)snprintf(r->flavour, sizeof r->flavour, "tsan");
    r->target = strdup("x");
    r->detail = strdup(detail);
    r->scenario = strdup(scenario);
    r->original = strdup("as found");
    r->sequence = sequence;
    r->steals = steals;
    (void)snprintf(r->worker, sizeof r->worker, "asan1.2");
    r->runs = 7;
    r->cpu_us = 8000;
    return r;
}

static ftf_filed add(ftf_store *store, const char *detail, const char *scenario, uint64_t sequence, uint64_t steals) {
    ftf_record *record = make_record(detail, scenario, sequence, steals);
    ftf_filed filed;
    ftf_error err = {0};
    ftf_status status = ftf_store_add(store, record, &filed, &err);
    ftf_record_destroy(record);
    if (status != FTF_OK) {
        fail_msg("%s", err.text);
    }
    return filed;
}

static void assert_file(const ftf_entry *entry, const char *name, const char *holds) {
    char path[FTF_FS_PATH_MAX];
    ftf_text text = {0};
    ftf_error err = {0};
    assert_int_equal(ftf_fs_join(path, entry->folder, name, &err), FTF_OK);
    assert_int_equal(ftf_fs_read(path, FTF_FS_READ_MAX, &text, &err), FTF_OK);
    if (!strstr(text.data, holds)) {
        fail_msg("%s does not hold \"%s\" but:\n%s", path, holds, text.data);
    }
    ftf_text_release(&text);
}

static void test_store__a_new_finding_gets_a_whole_folder(void **state) {
    (void)state;
    ftf_store *store = open_store();
    ftf_filed filed = add(store, "SystemError: NULL", "scenario text", 1, 0);
    assert_int_equal(filed.filing, FTF_FILED_NEW);
    assert_string_equal(filed.entry->kind, "error-protocol");
    assert_string_equal(filed.worker, "asan1.2");
    assert_int_equal(filed.runs, 7);
    assert_int_equal(filed.cpu_us, 8000);
    assert_true(filed.entry->found_here);
    assert_false(filed.entry->measured);
    assert_file(filed.entry, "finding.json", "\"signature\": \"error-protocol SystemError: NULL\"");
    assert_file(filed.entry, "finding.json", "\"python\": \"3.13.5\"");
    assert_file(filed.entry, "scenario.ft", "scenario text");
    assert_file(filed.entry, "original.ft", "as found");
    assert_file(filed.entry, "record.json", "\"scenario\": \"scenario text\"");
    assert_file(filed.entry, "report.txt", "replay     not measured yet");
    close_store(store);
}

static void test_store__known_trouble_joins_across_campaigns(void **state) {
    (void)state;
    ftf_store *store = open_store();
    (void)add(store, "d 1", "s", 1, 0);
    assert_int_equal(add(store, "d 2", "s", 1, 0).filing, FTF_FILED_AGAIN);
    close_store(store);
    store = open_store();
    assert_int_equal(ftf_store_count(store), 1);
    ftf_filed filed = add(store, "d 3", "s", 1, 0);
    assert_int_equal(filed.filing, FTF_FILED_AGAIN);
    assert_int_equal(filed.entry->count, 3);
    assert_int_equal(filed.entry->count_here, 1);
    assert_false(filed.entry->found_here);
    close_store(store);
    store = open_store();
    assert_int_equal(ftf_store_at(store, 0)->count, 3);
    close_store(store);
}

static void test_store__other_versions_are_noted_once(void **state) {
    (void)state;
    static const char *const versions[] = {"3.13.5", "3.14.2", "3.13.5", "3.14.2"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        ftf_store *store = open_store_of(versions[i]);
        (void)add(store, "d", "s", 1, 0);
        close_store(store);
    }
    ftf_store *store = open_store();
    json_t *json = NULL;
    ftf_error err = {0};
    assert_int_equal(ftf_folder_read_json(ftf_store_at(store, 0)->folder, &json, &err), FTF_OK);
    assert_string_equal(ftf_json_text(json_object_get(json, "versions"), "python"), "3.13.5");
    const json_t *others = json_object_get(json, "also_seen_with");
    assert_int_equal(json_array_size(others), 1);
    assert_string_equal(ftf_json_text(json_array_get(others, 0), "python"), "3.14.2");
    json_decref(json);
    close_store(store);
}

static void test_store__a_scenario_that_is_easier_to_replay_wins_until_confirmed(void **state) {
    (void)state;
    const char *longer = "a scenario that is rather long", *shorter = "short";
    ftf_store *store = open_store();
    (void)add(store, "d", longer, 9, 2);
    assert_int_equal(add(store, "d", longer, 9, 0).filing, FTF_FILED_BETTER); /* no steals */
    assert_int_equal(add(store, "d", shorter, 9, 1).filing, FTF_FILED_AGAIN);
    assert_int_equal(add(store, "d", longer, 1, 0).filing, FTF_FILED_BETTER); /* nothing ran before */
    ftf_filed filed = add(store, "d", shorter, 1, 0);
    assert_int_equal(filed.filing, FTF_FILED_BETTER);
    assert_file(filed.entry, "scenario.ft", shorter);
    assert_file(filed.entry, "original.ft", "as found");
    ftf_replay replay = {.k = 19, .n = 20, .sequence = 1};
    ftf_error err = {0};
    assert_int_equal(ftf_store_set_replay(store, filed.entry->id, &replay, &err), FTF_OK);
    assert_int_equal(add(store, "d", "s", 1, 0).filing, FTF_FILED_AGAIN);
    assert_file(filed.entry, "scenario.ft", shorter);
    assert_file(filed.entry, "report.txt", "replay     replays: 19 of 20 fresh processes");
    assert_file(filed.entry, "finding.json", "\"verdict\": \"replays\"");
    assert_true(ftf_store_at(store, 0)->measured);
    close_store(store);
    store = open_store();
    assert_int_equal(ftf_store_at(store, 0)->replay.k, 19);
    close_store(store);
}

static void test_store__what_cannot_be_relied_on_is_marked(void **state) {
    (void)state;
    const struct {
        ftf_replay replay;
        bool sure;
        const char *verdict;
    } rows[] = {
        {{.k = 0, .n = 0}, false, "not tried"},
        {{.k = 0, .n = 3}, false, "does not replay"},
        {{.k = 18, .n = 20}, false, "replays sometimes"},
        {{.k = 19, .n = 20}, true, "replays"},
        {{.k = 3, .n = 4}, false, "replays sometimes"},
        {{.k = 4, .n = 4}, true, "replays"},
        {{.k = 20, .n = 20, .steals = 1}, true, "replays, depends on time"},
        {{.k = 2, .n = 20, .steals = 1}, false, "replays sometimes, depends on time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ftf_replay_is_sure(&rows[i].replay), rows[i].sure);
        assert_string_equal(ftf_replay_verdict(&rows[i].replay), rows[i].verdict);
    }
}

static void count_filed(void *self, const ftf_filed *filed) {
    int *counts = self;
    counts[filed->filing]++;
}

static void test_store__spool_is_filed_removed_and_what_is_corrupt_set_aside(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_record *one = make_record("one", "s", 1, 0), *two = make_record("two", "s", 1, 0);
    char path[600];
    assert_int_equal(ftf_record_write(one, spool, "w1-1", &err), FTF_OK);
    assert_int_equal(ftf_record_write(two, spool, "w1-2", &err), FTF_OK);
    assert_int_equal(ftf_record_write(two, spool, "w2-1", &err), FTF_OK);
    (void)snprintf(path, sizeof path, "%s/w2-2.json", spool);
    assert_int_equal(ftf_fs_write(path, "{half", 5, &err), FTF_OK);
    ftf_record_destroy(one);
    ftf_record_destroy(two);
    ftf_store *store = open_store();
    int counts[8] = {0};
    assert_int_equal(ftf_store_drain_spool(store, spool, count_filed, counts, &err), FTF_OK);
    assert_int_equal(counts[FTF_FILED_NEW], 2);
    assert_int_equal(counts[FTF_FILED_AGAIN], 1);
    assert_int_equal(ftf_store_rejected(store), 1);
    ftf_names names;
    assert_int_equal(ftf_fs_list(spool, &names, &err), FTF_OK);
    assert_int_equal(names.count, 0);
    ftf_names_release(&names);
    (void)snprintf(path, sizeof path, "%s/rejected/w2-2.json", folder);
    assert_true(ftf_fs_exists(path));
    close_store(store);
}

static void test_store__one_writer_many_readers(void **state) {
    (void)state;
    ftf_store *store = open_store(), *second = NULL;
    ftf_error err = {0};
    ftf_filed filed = add(store, "d", "s", 1, 0);
    ftf_store_options options = {.folder = folder};
    assert_int_equal(ftf_store_open(&options, &second, &err), FTF_USAGE);
    assert_null(second);
    assert_non_null(strstr(err.text, "another ftfuzz"));
    options.read_only = true;
    assert_int_equal(ftf_store_open(&options, &second, &err), FTF_OK);
    assert_int_equal(ftf_store_count(second), 1);
    ftf_replay replay = {.k = 1, .n = 1};
    assert_int_equal(ftf_store_set_replay(second, filed.entry->id, &replay, &err), FTF_USAGE);
    close_store(second);
    close_store(store);
}

static void test_store__damaged_folders_are_counted_and_make_way(void **state) {
    (void)state;
    ftf_error err = {0};
    char path[FTF_FS_PATH_MAX];
    ftf_store *store = open_store();
    ftf_filed filed = add(store, "d", "s", 1, 0);
    (void)snprintf(path, sizeof path, "%s/finding.json", filed.entry->folder);
    close_store(store);
    assert_int_equal(ftf_fs_write(path, "{", 1, &err), FTF_OK);
    store = open_store();
    assert_int_equal(ftf_store_damaged(store), 1);
    assert_int_equal(ftf_store_count(store), 0);
    assert_int_equal(add(store, "d", "s", 1, 0).filing, FTF_FILED_NEW);
    close_store(store);
    store = open_store();
    assert_int_equal(ftf_store_damaged(store), 0);
    assert_int_equal(ftf_store_count(store), 1);
    close_store(store);
}

static void test_store__a_place_that_cannot_be_written_is_named(void **state) {
    (void)state;
    ftf_store *store = NULL;
    ftf_error err = {0};
    ftf_store_options options = {.folder = "/proc/ftfuzz"};
    assert_int_equal(ftf_store_open(&options, &store, &err), FTF_IO);
    assert_null(store);
    assert_non_null(strstr(err.text, "/proc/ftfuzz"));
}

/* A campaign that never stops by itself: files ever new findings, improves and counts old ones. Says when it begins. */
static void campaign(uint64_t seed, int begins) {
    ftf_store *store = open_store();
    ftf_rng rng = ftf_rng_seed(seed);
    (void)add(store, "first", "x", 1, 0);
    assert_int_equal(write(begins, "!", 1), 1);
    for (;;) {
        char detail[] = "a?";
        char scenario[128] = "";
        detail[1] = (char)('a' + ftf_rng_below(&rng, 26));
        memset(scenario, 'x', 1 + ftf_rng_below(&rng, 100));
        ftf_filed filed = add(store, detail, scenario, 1 + ftf_rng_below(&rng, 2), ftf_rng_below(&rng, 2));
        if (ftf_rng_one_in(&rng, 8)) {
            ftf_replay replay = {.k = 0, .n = 3, .sequence = 1};
            (void)ftf_store_set_replay(store, filed.entry->id, &replay, NULL);
        }
    }
}

static void test_store__kill_at_any_moment_leaves_whole_findings(void **state) {
    (void)state;
    ftf_rng rng = ftf_rng_seed(1);
    size_t before = 0;
    for (uint64_t round = 0; round < 60; round++) {
        int begins[2];
        char byte;
        assert_int_equal(pipe(begins), 0);
        pid_t pid = fork();
        if (pid == 0) {
            campaign(round, begins[1]);
        }
        if (round % 2 == 0) { /* else it may be killed while it opens the store */
            assert_int_equal(read(begins[0], &byte, 1), 1);
        }
        (void)usleep(ftf_rng_below(&rng, 20000));
        (void)close(begins[0]);
        (void)close(begins[1]);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        ftf_store *store = open_store();
        assert_int_equal(ftf_store_damaged(store), 0);
        assert_true(ftf_store_count(store) >= before);
        before = ftf_store_count(store);
        for (size_t i = 0; i < before; i++) {
            const ftf_entry *entry = ftf_store_at(store, i);
            ftf_record *record = NULL;
            ftf_error err = {0};
            assert_int_equal(ftf_store_load_record(store, entry->id, &record, &err), FTF_OK);
            ftf_record_destroy(record);
            assert_file(entry, "scenario.ft", "x");
            assert_file(entry, "original.ft", "as found");
            assert_file(entry, "report.txt", "replay     ");
        }
        close_store(store);
    }
    assert_true(before > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_store__a_new_finding_gets_a_whole_folder),
        TEST(test_store__known_trouble_joins_across_campaigns),
        TEST(test_store__other_versions_are_noted_once),
        TEST(test_store__a_scenario_that_is_easier_to_replay_wins_until_confirmed),
        TEST(test_store__what_cannot_be_relied_on_is_marked),
        TEST(test_store__spool_is_filed_removed_and_what_is_corrupt_set_aside),
        TEST(test_store__one_writer_many_readers),
        TEST(test_store__damaged_folders_are_counted_and_make_way),
        TEST(test_store__a_place_that_cannot_be_written_is_named),
        TEST(test_store__kill_at_any_moment_leaves_whole_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
