/* If this fails, the bug is in cli/target.c or cli/corpus.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/corpus.h"
#include "cli/target.h"

static ftf_paths paths;
static ftf_target target;
static char folder[] = "/tmp/ftfuzz-test-target.XXXXXX";

static void write_file(const char *name, const char *text) {
    char path[FTF_FS_PATH_MAX];
    ftf_error err = {0};
    assert_int_equal(ftf_path(path, &err, "%s/%s", folder, name), FTF_OK);
    assert_int_equal(ftf_fs_write(path, text, strlen(text), &err), FTF_OK);
}

static bool exists(const char *name) {
    char path[FTF_FS_PATH_MAX];
    return ftf_path(path, NULL, "%s/%s", folder, name) == FTF_OK && ftf_fs_exists(path);
}

static void make_folder(const char *name) {
    char path[FTF_FS_PATH_MAX];
    ftf_error err = {0};
    assert_int_equal(ftf_path(path, &err, "%s/%s", folder, name), FTF_OK);
    assert_int_equal(ftf_fs_make_dirs(path, &err), FTF_OK);
}

/* Each test has a checkout of its own: a temporary folder. */
static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ftfuzz-test-target.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(paths.root, sizeof paths.root, "%s", folder);
    make_folder("targets/canaries");
    make_folder("corpora/array");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return ftf_fs_remove_tree(folder, NULL) == FTF_OK ? 0 : -1;
}

static void test_target__any_module_name_is_one(void **state) {
    (void)state;
    ftf_error err = {0};
    assert_int_equal(ftf_target_resolve(&paths, "xml.etree.ElementTree", &target, &err), FTF_OK);
    assert_string_equal(target.name, "xml.etree.ElementTree");
    assert_string_equal(target.file, "");
    assert_string_equal(target.source, "");
}

static void test_target__takes_its_file_and_seeds_along(void **state) {
    (void)state;
    ftf_error err = {0};
    write_file("targets/array.toml", "");
    assert_int_equal(ftf_target_resolve(&paths, "array", &target, &err), FTF_OK);
    assert_non_null(strstr(target.file, "/targets/array.toml"));
    assert_non_null(strstr(target.seeds, "/corpora/array"));
}

static void test_target__refuses_what_is_no_name(void **state) {
    (void)state;
    static const char *const bad[] = {"", "1a", "a..b", "a.", ".a", "a b", "a;b", "os\n", "-x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ftf_error err = {0};
        assert_int_equal(ftf_target_resolve(&paths, bad[i], &target, &err), FTF_USAGE);
    }
}

static void test_target__both_twins_of_a_canary_are_built_from_its_source(void **state) {
    (void)state;
    ftf_error err = {0};
    write_file("targets/canaries/ck03_borrowed_item.c", "");
    assert_int_equal(ftf_target_resolve(&paths, "ck03_borrowed_item", &target, &err), FTF_OK);
    assert_string_equal(target.source, "canaries");
    assert_int_equal(ftf_target_resolve(&paths, "ck03_borrowed_item_fixed", &target, &err), FTF_OK);
    assert_string_equal(target.source, "canaries");
    assert_int_equal(ftf_target_resolve(&paths, "ck04_other", &target, &err), FTF_OK);
    assert_string_equal(target.source, "");
}

static void test_target__a_folder_has_one_module_or_a_named_one(void **state) {
    (void)state;
    ftf_error err = {0};
    char spec[FTF_FS_PATH_MAX];
    make_folder("lib");
    snprintf(spec, sizeof spec, "%s/lib", folder);
    assert_int_equal(ftf_target_resolve(&paths, spec, &target, &err), FTF_USAGE);
    write_file("lib/_a.cpython-313t-x86_64-linux-gnu.so", "");
    assert_int_equal(ftf_target_resolve(&paths, spec, &target, &err), FTF_OK);
    assert_string_equal(target.name, "_a");
    write_file("lib/_b.so", "");
    assert_int_equal(ftf_target_resolve(&paths, spec, &target, &err), FTF_USAGE);
    snprintf(spec, sizeof spec, "%s/lib:_b", folder);
    assert_int_equal(ftf_target_resolve(&paths, spec, &target, &err), FTF_OK);
    assert_string_equal(target.name, "_b");
    snprintf(spec, sizeof spec, "%s/nowhere", folder);
    assert_int_equal(ftf_target_resolve(&paths, spec, &target, &err), FTF_USAGE);
}

static void test_target__a_folder_of_sources_is_to_be_built(void **state) {
    (void)state;
    ftf_error err = {0};
    char spec[FTF_FS_PATH_MAX];
    make_folder("src");
    write_file("src/_speedups.c", "");
    snprintf(spec, sizeof spec, "%s/src", folder);
    assert_int_equal(ftf_target_resolve(&paths, spec, &target, &err), FTF_OK);
    assert_string_equal(target.name, "_speedups");
    assert_string_equal(target.source, spec);
}

static const char scenario[] =
    "ftfuzz 1\ntarget array\nsetup\n  a = array(\"i\")\nthread\n  a.append(1)\nschedule free\n";

static void prepare(const char *seeds, ftf_status expected, ftf_error *err) {
    char corpus[FTF_FS_PATH_MAX], quarantine[FTF_FS_PATH_MAX], from[FTF_FS_PATH_MAX];
    snprintf(corpus, sizeof corpus, "%s/corpus", folder);
    snprintf(quarantine, sizeof quarantine, "%s/quarantine", folder);
    snprintf(from, sizeof from, "%s/%s", folder, seeds);
    assert_int_equal(ftf_corpus_prepare(corpus, quarantine, from, err), expected);
}

static void test_corpus__a_seed_in_quarantine_is_not_copied_again(void **state) {
    (void)state;
    ftf_error err = {0};
    char corpus[FTF_FS_PATH_MAX], quarantine[FTF_FS_PATH_MAX];
    snprintf(corpus, sizeof corpus, "%s/corpus", folder);
    snprintf(quarantine, sizeof quarantine, "%s/quarantine", folder);
    write_file("corpora/array/append.ft", scenario);
    prepare("corpora/array", FTF_OK, &err);
    assert_true(exists("corpus/seed-append.ft"));
    /* The worker says it in its own words, with another schedule. */
    assert_int_equal(ftf_corpus_quarantine(corpus, quarantine,
                                           "ftfuzz 1\ntarget array\n# found\nsetup\n  a = array('i')\nthread\n"
                                           "  a.append(1)\nschedule pct seed=3 depth=2\n"),
                     1);
    assert_false(exists("corpus/seed-append.ft"));
    assert_true(exists("quarantine/seed-append.ft"));
    prepare("corpora/array", FTF_OK, &err);
    assert_false(exists("corpus/seed-append.ft"));
}

static void test_corpus__a_malformed_seed_is_named_with_its_line(void **state) {
    (void)state;
    ftf_error err = {0};
    write_file("corpora/array/bad.ft", "ftfuzz 1\ntarget array\nthread\n  a.append(\n");
    prepare("corpora/array", FTF_INPUT, &err);
    assert_non_null(strstr(err.text, "bad.ft:4:"));
}

static size_t count_files(const char *name) {
    char path[FTF_FS_PATH_MAX];
    ftf_names names = {0};
    assert_int_equal(ftf_path(path, NULL, "%s/%s", folder, name), FTF_OK);
    assert_int_equal(ftf_fs_list(path, &names, NULL), FTF_OK);
    size_t count = names.count;
    ftf_names_release(&names);
    return count;
}

static void test_corpus__a_process_begins_with_a_sample(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_rng rng = ftf_rng_seed(1);
    char corpus[FTF_FS_PATH_MAX], own[FTF_FS_PATH_MAX];
    snprintf(corpus, sizeof corpus, "%s/corpus", folder);
    snprintf(own, sizeof own, "%s/own", folder);
    make_folder("corpus");
    make_folder("own");
    write_file("own/left_over", "");
    for (char name[] = "corpus/a"; name[7] <= 'j'; name[7]++) {
        write_file(name, scenario);
    }
    assert_int_equal(ftf_corpus_sample(corpus, own, 4, &rng, &err), FTF_OK);
    assert_int_equal(count_files("own"), 4);
    assert_false(exists("own/left_over"));
    assert_int_equal(ftf_corpus_sample(corpus, own, 100, &rng, &err), FTF_OK);
    assert_int_equal(count_files("own"), 10);
}

static void test_corpus__what_one_finds_reaches_the_others(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_names names = {0};
    char corpus[FTF_FS_PATH_MAX], own[FTF_FS_PATH_MAX], other[FTF_FS_PATH_MAX], quarantine[FTF_FS_PATH_MAX];
    snprintf(corpus, sizeof corpus, "%s/corpus", folder);
    snprintf(own, sizeof own, "%s/own", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    make_folder("corpus");
    make_folder("own");
    make_folder("other");
    make_folder("quarantine");
    snprintf(quarantine, sizeof quarantine, "%s/quarantine", folder);
    write_file("quarantine/fatal", scenario);
    write_file("own/fatal", scenario);
    write_file("corpus/known", scenario);
    write_file("own/known", scenario);
    write_file("own/found", scenario);
    assert_int_equal(ftf_corpus_share(own, corpus, quarantine, &names, &err), FTF_OK);
    assert_int_equal(names.count, 1);
    assert_false(exists("corpus/fatal"));
    assert_true(exists("corpus/found"));
    ftf_corpus_give(corpus, &names, other);
    assert_true(exists("other/found"));
    assert_false(exists("other/known"));
    ftf_names_release(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_target__any_module_name_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__takes_its_file_and_seeds_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__refuses_what_is_no_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__both_twins_of_a_canary_are_built_from_its_source, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_target__a_folder_has_one_module_or_a_named_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__a_folder_of_sources_is_to_be_built, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_corpus__a_seed_in_quarantine_is_not_copied_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_corpus__a_malformed_seed_is_named_with_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_corpus__a_process_begins_with_a_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_corpus__what_one_finds_reaches_the_others, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
