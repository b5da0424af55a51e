/* If this fails, the bug is in base/exercise.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/exercise.h"
#include "base/fs.h"

static char folder[64], path[96];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ftf-test-exercise-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/map", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return ftf_fs_remove_tree(folder, NULL) == FTF_OK ? 0 : -1;
}

static ftf_exercise *open_map(const char *file) {
    ftf_error err = {0};
    ftf_exercise *map = ftf_exercise_open(file, &err);
    assert_non_null(map);
    return map;
}

static ftf_exercise_key key(const char *type, const char *name) {
    return (ftf_exercise_key){.type = type, .name = name, .code = 3, .place = 1};
}

static uint32_t enter(ftf_exercise *map, const char *type, const char *name, uint64_t calls) {
    const ftf_exercise_key k = key(type, name);
    uint32_t op = ftf_exercise_find(map, &k);
    assert_int_not_equal(op, FTF_EXERCISE_NONE);
    ftf_exercise_count(map, op)->calls += calls;
    return op;
}

static uint64_t runs_of(const ftf_exercise *map, uint32_t inside, uint32_t other) {
    for (uint32_t place = 0; place < FTF_EXERCISE_PAIRS; place++) {
        uint32_t a, b;
        if (ftf_exercise_pair_at(map, place, &a, &b) && a == inside && b == other) {
            return map->pairs[place].runs;
        }
    }
    return 0;
}

static void test_exercise__an_operation_keeps_its_number(void **state) {
    (void)state;
    ftf_exercise *map = open_map(NULL);
    uint32_t append = enter(map, "deque", "append", 1), clear = enter(map, "deque", "clear", 1);
    assert_int_not_equal(append, clear);
    assert_int_not_equal(append, enter(map, "array", "append", 1));
    assert_int_equal(append, enter(map, "deque", "append", 1));
    ftf_exercise_key other = key("deque", "append");
    assert_int_equal(ftf_exercise_look_up(map, &other), append);
    other.place = 2;
    assert_int_equal(ftf_exercise_look_up(map, &other), FTF_EXERCISE_NONE);
    assert_int_equal(map->op_count, 3); /* looking up enters nothing */
    assert_int_equal(ftf_exercise_count(map, append)->calls, 2);
    ftf_exercise_close(map);
}

static void test_exercise__a_pair_has_an_order(void **state) {
    (void)state;
    ftf_exercise *map = open_map(NULL);
    uint32_t a = enter(map, "deque", "append", 1), b = enter(map, "deque", "clear", 1);
    ftf_exercise_pair_add(map, a, b, 2);
    ftf_exercise_pair_add(map, a, b, 3);
    ftf_exercise_pair_add(map, a, a, 1);
    assert_int_equal(runs_of(map, a, b), 5);
    assert_int_equal(runs_of(map, b, a), 0);
    assert_int_equal(runs_of(map, a, a), 1);
    ftf_exercise_close(map);
}

static void test_exercise__survives_sigkill_and_is_gone_on_with(void **state) {
    (void)state;
    for (int process = 0; process < 3; process++) {
        pid_t child = fork();
        if (child == 0) {
            ftf_exercise *map = open_map(path);
            uint32_t a = enter(map, "deque", "append", 7), b = enter(map, "deque", "clear", 1);
            ftf_exercise_pair_add(map, a, b, 1);
            kill(getpid(), SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    ftf_exercise *map = open_map(path);
    assert_int_equal(map->op_count, 2);
    assert_int_equal(ftf_exercise_count(map, enter(map, "deque", "append", 0))->calls, 21);
    assert_int_equal(runs_of(map, 0, 1), 3);
    ftf_exercise_close(map);
}

static void test_exercise__a_file_of_something_else_is_begun_anew(void **state) {
    (void)state;
    assert_int_equal(ftf_fs_write_unflushed(path, "rubbish", 7, NULL), FTF_OK);
    ftf_exercise *sum = open_map(NULL);
    ftf_error err = {0};
    assert_int_equal(ftf_exercise_add_file(sum, path, &err), FTF_INPUT);
    ftf_exercise *map = open_map(path);
    assert_int_equal(map->op_count, 0);
    assert_int_equal(ftf_exercise_add_file(sum, path, &err), FTF_OK);
    ftf_exercise_close(map);
    ftf_exercise_close(sum);
}

static void test_exercise__maps_that_number_differently_add_up(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_exercise *sum = open_map(NULL), *map = open_map(path);
    uint32_t a = enter(sum, "deque", "append", 1), b = enter(sum, "deque", "clear", 1);
    ftf_exercise_pair_add(sum, a, b, 1);
    uint32_t b2 = enter(map, "deque", "clear", 10);
    uint32_t a2 = enter(map, "deque", "append", 10), c2 = enter(map, "list", "pop", 5);
    ftf_exercise_pair_add(map, a2, b2, 4);
    ftf_exercise_pair_add(map, c2, c2, 2);
    ftf_exercise_close(map);
    assert_int_equal(ftf_exercise_add_file(sum, path, &err), FTF_OK);
    assert_int_equal(sum->op_count, 3);
    assert_int_equal(ftf_exercise_count(sum, a)->calls, 11);
    assert_int_equal(runs_of(sum, a, b), 5);
    uint32_t c = enter(sum, "list", "pop", 0);
    assert_int_equal(runs_of(sum, c, c), 2);
    char missing[128];
    (void)snprintf(missing, sizeof missing, "%s/none", folder);
    assert_int_equal(ftf_exercise_add_file(sum, missing, &err), FTF_OK);
    ftf_exercise_close(sum);
}

static void test_exercise__a_row_that_the_target_wrote_over_does_not_count(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_exercise *sum = open_map(NULL), *map = open_map(path);
    uint32_t a = enter(map, "deque", "append", 1), b = enter(map, "deque", "clear", 1);
    ftf_exercise_pair_add(map, a, b, 4);
    ftf_exercise_pair_add(map, b, b, 4);
    memset(map->ops[a].name, 'x', sizeof map->ops[a].name); /* without an end */
    map->pairs[17].key = UINT64_C(0xffffffffffffffff);
    map->pairs[17].runs = 1000;
    ftf_exercise_close(map);
    assert_int_equal(ftf_exercise_add_file(sum, path, &err), FTF_OK);
    assert_int_equal(sum->op_count, 1);
    assert_int_equal(sum->pair_count, 1);
    assert_int_equal(runs_of(sum, 0, 0), 4);
    ftf_exercise_close(sum);
}

static void test_exercise__what_finds_no_room_is_counted(void **state) {
    (void)state;
    ftf_exercise *map = open_map(NULL);
    char name[32];
    for (uint32_t i = 0; i < FTF_EXERCISE_OPS; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_int_equal(enter(map, "", name, 1), i);
    }
    const ftf_exercise_key one = key("", "one more"), known = key("", "f77");
    assert_int_equal(ftf_exercise_find(map, &one), FTF_EXERCISE_NONE);
    assert_int_equal(ftf_exercise_find(map, &known), 77);
    assert_int_equal(map->lost, 1);
    uint32_t pairs = 0;
    for (uint32_t i = 0; map->lost == 1; i++, pairs++) {
        ftf_exercise_pair_add(map, i % FTF_EXERCISE_OPS, i / FTF_EXERCISE_OPS, 1);
    }
    assert_in_range(pairs, FTF_EXERCISE_PAIRS / 2, FTF_EXERCISE_PAIRS);
    ftf_exercise_pair_add(map, 0, 0, 1); /* still there */
    assert_int_equal(runs_of(map, 0, 0), 2);
    ftf_exercise_close(map);
}

static void test_exercise__a_name_that_is_too_long_is_cut(void **state) {
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ftf_exercise *map = open_map(NULL);
    uint32_t op = enter(map, name, name, 1);
    assert_int_equal(strlen(map->ops[op].name), FTF_EXERCISE_NAME_BYTES - 1);
    assert_int_equal(enter(map, name, name, 1), op);
    ftf_exercise_close(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exercise__an_operation_keeps_its_number),
        cmocka_unit_test(test_exercise__a_pair_has_an_order),
        cmocka_unit_test_setup_teardown(test_exercise__survives_sigkill_and_is_gone_on_with, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exercise__a_file_of_something_else_is_begun_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exercise__maps_that_number_differently_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exercise__a_row_that_the_target_wrote_over_does_not_count, set_up,
                                        tear_down),
        cmocka_unit_test(test_exercise__what_finds_no_room_is_counted),
        cmocka_unit_test(test_exercise__a_name_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
