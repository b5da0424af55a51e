/* If this fails, the bug is in cli/target.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_target__any_module_name_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__takes_its_file_and_seeds_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__refuses_what_is_no_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__both_twins_of_a_canary_are_built_from_its_source, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_target__a_folder_has_one_module_or_a_named_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target__a_folder_of_sources_is_to_be_built, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
