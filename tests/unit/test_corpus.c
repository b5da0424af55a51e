/* If this fails, the bug is in cli/corpus.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "cli/corpus.h"
#include "cli/paths.h"

static char folder[] = "/tmp/ftfuzz-test-corpus.XXXXXX";
static char place[FTF_FS_PATH_MAX], quarantine[FTF_FS_PATH_MAX], seeds[FTF_FS_PATH_MAX];
static char own[FTF_FS_PATH_MAX], other[FTF_FS_PATH_MAX], one[FTF_FS_PATH_MAX];
static ftf_corpus *corpus;

static const char scenario[] =
    "ftfuzz 1\ntarget array\nsetup\n  a = array(\"i\")\nthread\n  a.append(1)\nschedule free\n";

static void write_file(const char *where, const char *name, const char *text) {
    char path[FTF_FS_PATH_MAX];
    assert_int_equal(ftf_fs_join(path, where, name, NULL), FTF_OK);
    assert_int_equal(ftf_fs_write_unflushed(path, text, strlen(text), NULL), FTF_OK);
}

static bool exists(const char *where, const char *name) {
    char path[FTF_FS_PATH_MAX];
    return ftf_fs_join(path, where, name, NULL) == FTF_OK && ftf_fs_exists(path);
}

static void make_folder(char path[FTF_FS_PATH_MAX], const char *name) {
    assert_int_equal(ftf_fs_join(path, folder, name, NULL), FTF_OK);
    assert_int_equal(ftf_fs_make_dirs(path, NULL), FTF_OK);
}

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ftfuzz-test-corpus.XXXXXX");
    assert_non_null(mkdtemp(folder));
    make_folder(place, "corpus");
    make_folder(quarantine, "quarantine");
    make_folder(seeds, "seeds");
    make_folder(own, "own");
    make_folder(other, "other");
    write_file(folder, "one", "x");
    return ftf_fs_join(one, folder, "one", NULL) == FTF_OK ? 0 : -1;
}

static void close_corpus(void) {
    ftf_corpus_close(corpus);
    corpus = NULL;
}

static int tear_down(void **state) {
    (void)state;
    close_corpus();
    return ftf_fs_remove_tree(folder, NULL) == FTF_OK ? 0 : -1;
}

static void open_corpus(ftf_status expected, ftf_error *err) {
    const char *const folders[] = {"", seeds, NULL};
    close_corpus();
    assert_int_equal(ftf_corpus_open(place, quarantine, folders, 7, &corpus, err), expected);
}

static void test_corpus__a_seed_in_quarantine_is_not_copied_again(void **state) {
    (void)state;
    ftf_error err = {0};
    write_file(seeds, "append.ft", scenario);
    open_corpus(FTF_OK, &err);
    assert_true(exists(place, "seed-append.ft"));
    /* The worker says it in its own words, with another schedule. */
    assert_int_equal(ftf_corpus_quarantine(corpus,
                                           "ftfuzz 1\ntarget array\n# found\nsetup\n  a = array('i')\nthread\n"
                                           "  a.append(1)\nschedule pct seed=3 depth=2\n"),
                     1);
    assert_false(exists(place, "seed-append.ft"));
    assert_true(exists(quarantine, "seed-append.ft"));
    open_corpus(FTF_OK, &err);
    assert_false(exists(place, "seed-append.ft"));
}

static void test_corpus__a_malformed_seed_is_named_with_its_line(void **state) {
    (void)state;
    ftf_error err = {0};
    write_file(seeds, "bad.ft", "ftfuzz 1\ntarget array\nthread\n  a.append(\n");
    open_corpus(FTF_INPUT, &err);
    assert_null(corpus);
    assert_non_null(strstr(err.text, "bad.ft:4:"));
}

static size_t count_files(const char *path) {
    ftf_names names = {0};
    assert_int_equal(ftf_fs_list(path, &names, NULL), FTF_OK);
    size_t count = names.count;
    ftf_names_release(&names);
    return count;
}

static void test_corpus__a_process_begins_with_a_sample(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_rng rng = ftf_rng_seed(1);
    write_file(own, "left_over", "");
    for (char name[] = "a"; name[0] <= 'j'; name[0]++) {
        write_file(place, name, scenario);
    }
    assert_int_equal(ftf_corpus_sample(place, own, 4, &rng, &err), FTF_OK);
    assert_int_equal(count_files(own), 4);
    assert_false(exists(own, "left_over"));
    assert_int_equal(ftf_corpus_sample(place, own, 100, &rng, &err), FTF_OK);
    assert_int_equal(count_files(own), 10);
}

/* Returns how many were new. */
static size_t share(void) {
    ftf_error err = {0};
    ftf_names names = {0};
    assert_int_equal(ftf_corpus_share(corpus, own, &names, &err), FTF_OK);
    size_t count = names.count;
    ftf_names_release(&names);
    return count;
}

static void test_corpus__what_one_finds_reaches_the_others(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_names names = {0};
    write_file(quarantine, "fatal", scenario);
    write_file(own, "fatal", scenario);
    write_file(place, "known", scenario);
    write_file(own, "known", scenario);
    open_corpus(FTF_OK, &err);
    write_file(own, "found", scenario);
    assert_int_equal(ftf_corpus_share(corpus, own, &names, &err), FTF_OK);
    assert_int_equal(names.count, 1);
    ftf_corpus_give(corpus, &names, other);
    ftf_names_release(&names);
    assert_false(exists(place, "fatal"));
    assert_true(exists(place, "found"));
    assert_true(exists(other, "found"));
    assert_false(exists(other, "known"));
    assert_int_equal(share(), 0);
}

/* ---- its bound ------------------------------------------------------------------------------------------------------- */

enum { ROUNDS = 3, ROUND_FILES = 1500 };

/* Names of one and the same file: making thousands of files takes some file systems seconds. */
static void make_name(const char *where, int round, int number) {
    char path[FTF_FS_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%d-%04d", where, round, number);
    assert_int_equal(link(one, path), 0);
}

static void write_round(int round) {
    for (int i = 0; i < ROUND_FILES; i++) {
        make_name(own, round, i);
    }
}

/* How many of a round are still in the corpus. */
static size_t left_of(int round) {
    char name[32];
    size_t left = 0;
    for (int i = 0; i < ROUND_FILES; i++) {
        snprintf(name, sizeof name, "%d-%04d", round, i);
        left += exists(place, name);
    }
    return left;
}

/* More than there is room for, in three rounds, and two seeds. */
static void overfill(void) {
    ftf_error err = {0};
    write_file(seeds, "one.ft", scenario);
    write_file(seeds, "two.ft", scenario);
    open_corpus(FTF_OK, &err);
    for (int round = 0; round < ROUNDS; round++) {
        write_round(round);
        assert_int_equal(share(), ROUND_FILES); /* those of earlier rounds are not new again, in the corpus or not */
    }
    assert_true(exists(place, "seed-one.ft") && exists(place, "seed-two.ft"));
}

static uint64_t hash_listing(void) {
    ftf_names names = {0};
    uint64_t hash = FTF_HASH_START;
    assert_int_equal(ftf_fs_list(place, &names, NULL), FTF_OK);
    for (size_t i = 0; i < names.count; i++) {
        hash = ftf_hash_bytes(hash, names.names[i], strlen(names.names[i]) + 1);
    }
    ftf_names_release(&names);
    return hash;
}

static void test_corpus__a_full_one_replaces_what_it_draws(void **state) {
    overfill();
    assert_int_equal(count_files(place), FTF_CORPUS_MAX + 2);
    /* All rounds have lost some, the latest the fewest, for it had the least to fear. */
    assert_true(left_of(0) < left_of(2) && left_of(1) < left_of(2));
    assert_true(left_of(2) < ROUND_FILES && left_of(0) > ROUND_FILES / 2);
    assert_int_equal(share(), 0);
    assert_int_equal(count_files(own), ROUNDS * ROUND_FILES);
    /* The same seed and the same calls leave the same files. */
    uint64_t first = hash_listing();
    (void)tear_down(state);
    (void)set_up(state);
    overfill();
    assert_int_equal(hash_listing(), first);
}

static void test_corpus__what_is_in_quarantine_makes_room(void **state) {
    (void)state;
    ftf_error err = {0};
    open_corpus(FTF_OK, &err);
    write_file(own, "fatal", scenario);
    write_round(0);
    write_round(1);
    assert_int_equal(share(), 2 * ROUND_FILES + 1);
    assert_int_equal(ftf_corpus_quarantine(corpus, scenario), 1);
    write_round(2);
    assert_int_equal(share(), ROUND_FILES);
    assert_int_equal(count_files(place), FTF_CORPUS_MAX); /* with a name of a file that is gone it would be one less */
    assert_false(exists(place, "fatal"));
}

/* A name that is listed and leads nowhere. */
static void test_corpus__nothing_goes_for_a_file_that_is_gone(void **state) {
    (void)state;
    ftf_error err = {0};
    char gone[FTF_FS_PATH_MAX];
    for (int i = 0; i < FTF_CORPUS_MAX; i++) {
        make_name(place, 0, i);
    }
    open_corpus(FTF_OK, &err);
    assert_int_equal(ftf_fs_join(gone, own, "gone", NULL), FTF_OK);
    assert_int_equal(symlink("nowhere", gone), 0);
    assert_int_equal(share(), 0);
    assert_int_equal(count_files(place), FTF_CORPUS_MAX);
    write_file(own, "found", scenario);
    assert_int_equal(share(), 1);
    assert_int_equal(count_files(place), FTF_CORPUS_MAX);
}

static void test_corpus__one_that_was_too_large_is_cut(void **state) {
    (void)state;
    ftf_error err = {0};
    write_file(seeds, "one.ft", scenario);
    for (int i = 0; i < FTF_CORPUS_MAX + 100; i++) {
        make_name(place, 0, i);
    }
    open_corpus(FTF_OK, &err);
    assert_int_equal(count_files(place), FTF_CORPUS_MAX + 1);
    assert_true(exists(place, "seed-one.ft"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_corpus__a_seed_in_quarantine_is_not_copied_again),
        TEST(test_corpus__a_malformed_seed_is_named_with_its_line),
        TEST(test_corpus__a_process_begins_with_a_sample),
        TEST(test_corpus__what_one_finds_reaches_the_others),
        TEST(test_corpus__a_full_one_replaces_what_it_draws),
        TEST(test_corpus__what_is_in_quarantine_makes_room),
        TEST(test_corpus__nothing_goes_for_a_file_that_is_gone),
        TEST(test_corpus__one_that_was_too_large_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
