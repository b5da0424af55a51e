/* If this fails, a file of corpora/ is not written the way ftfuzz writes scenarios: the message says what it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/fs.h"
#include "base/text.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/* The lines of a person, which come first. */
static const char *after_comments(const char *text) {
    while (*text == '#' && strchr(text, '\n') != NULL) {
        text = strchr(text, '\n') + 1;
    }
    return text;
}

static void check(const char *module, const char *path) {
    ftf_text text = {0}, canonical = {0};
    ftf_scenario scenario;
    ftf_error err = {0};
    ftf_arena *arena = ftf_arena_create();
    assert_int_equal(ftf_fs_read(path, FTF_SCENARIO_BYTES_MAX, &text, &err), FTF_OK);
    if (ftf_scenario_parse(text.data, text.len, arena, &scenario, &err) != FTF_OK) {
        fail_msg("%s:%d: %s", path, err.line, err.text);
    }
    if (strcmp(scenario.target, module) != 0) {
        fail_msg("%s is a scenario of %s, but lies in the folder of %s", path, scenario.target, module);
    }
    ftf_scenario_print(&scenario, &canonical);
    if (strcmp(after_comments(text.data), canonical.data) != 0) {
        fail_msg("%s is to be spelled\n%s", path, canonical.data);
    }
    ftf_text_release(&text);
    ftf_text_release(&canonical);
    ftf_arena_destroy(arena);
}

static int check_folder(const char *module) {
    char folder[FTF_FS_PATH_MAX], path[FTF_FS_PATH_MAX];
    ftf_names names = {0};
    int seeds = 0;
    assert_int_equal(ftf_fs_join(folder, FTF_SOURCE_DIR "/corpora", module, NULL), FTF_OK);
    assert_int_equal(ftf_fs_list(folder, &names, NULL), FTF_OK);
    for (size_t i = 0; i < names.count; i++) {
        const char *suffix = strrchr(names.names[i], '.');
        if (suffix != NULL && strcmp(suffix, ".ft") == 0) {
            assert_int_equal(ftf_fs_join(path, folder, names.names[i], NULL), FTF_OK);
            check(module, path);
            seeds++;
        }
    }
    ftf_names_release(&names);
    return seeds;
}

static void test_seeds__are_canonical_scenarios_of_their_folder(void **state) {
    (void)state;
    ftf_names names = {0};
    int seeds = 0;
    assert_int_equal(ftf_fs_list(FTF_SOURCE_DIR "/corpora", &names, NULL), FTF_OK);
    for (size_t i = 0; i < names.count; i++) {
        seeds += check_folder(names.names[i]);
    }
    assert_true(seeds > 0);
    ftf_names_release(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds__are_canonical_scenarios_of_their_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
