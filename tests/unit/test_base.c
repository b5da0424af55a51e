#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/text.h"

static void test_status__says_what_and_where(void **state) {
    (void)state;
    ftf_error err = {0};
    assert_int_equal(ftf_fail(&err, FTF_IO, "cannot read %s", "x"), FTF_IO);
    assert_int_equal(err.status, FTF_IO);
    assert_int_equal(err.line, 0);
    assert_string_equal(err.text, "cannot read x");
    assert_int_equal(ftf_fail_at(&err, 7, "bad"), FTF_INPUT);
    assert_int_equal(err.line, 7);
    assert_int_equal(ftf_fail(NULL, FTF_LIMIT, "nobody wants to know"), FTF_LIMIT);
    char longer[2 * sizeof err.text];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ftf_fail(&err, FTF_USAGE, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    for (int i = 0; i < FTF_STATUS_COUNT; i++) {
        assert_true(ftf_status_name((ftf_status)i)[0] != '\0');
        assert_int_equal(ftf_status_exit((ftf_status)i), i == FTF_OK ? FTF_EXIT_CLEAN : FTF_EXIT_SETUP);
    }
}

static void test_text__last_line_is_the_last_that_says_anything(void **state) {
    (void)state;
    static const struct {
        const char *text, *line;
    } rows[] = {{"", ""}, {" \n\t\n", ""}, {"one", "one"}, {"one\ntwo  \n\n", "two"}, {"\n  two", "  two"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ftf_text text = {0};
        ftf_text_str(&text, rows[i].text);
        assert_string_equal(ftf_text_last_line(&text), rows[i].line);
        ftf_text_release(&text);
    }
}

static void test_text__grows_and_stays_terminated(void **state) {
    (void)state;
    ftf_text text = {0};
    for (int i = 0; i < 5000; i++) {
        ftf_text_char(&text, (char)('a' + i % 26));
    }
    assert_int_equal(text.len, 5000);
    assert_int_equal(strlen(text.data), 5000);
    ftf_text_clear(&text);
    assert_string_equal(text.data, "");
    ftf_text_str(&text, "n = ");
    ftf_text_printf(&text, "%d%s", 42, "!");
    ftf_text_add(&text, "\0x", 2);
    assert_int_equal(text.len, 9);
    assert_memory_equal(text.data, "n = 42!\0x", 10);
    ftf_text_release(&text);
    assert_null(text.data);
    ftf_text_clear(&text);
    ftf_text_release(&text);
}

static void test_arena__is_zeroed_aligned_and_reused(void **state) {
    (void)state;
    ftf_arena *arena = ftf_arena_create();
    char *first = ftf_arena_alloc(arena, 1);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 2000; i++) {
            size_t size = i * 7 % 500 + 1;
            unsigned char *p = ftf_arena_alloc(arena, size);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t k = 0; k < size; k++) {
                assert_int_equal(p[k], 0);
            }
            memset(p, 0xaa, size);
        }
        char *large = ftf_arena_alloc(arena, 1 << 20);
        assert_int_equal(large[(1 << 20) - 1], 0);
        memset(large, 0xaa, 1 << 20);
        ftf_arena_reset(arena);
        assert_ptr_equal(ftf_arena_alloc(arena, 1), first);
    }
    assert_string_equal(ftf_arena_copy(arena, "abcdef", 3), "abc");
    ftf_arena_destroy(arena);
    ftf_arena_destroy(NULL);
}

/* A bug of ours ends the process with an exit code of its own and one line on stderr. */
static void test_check__a_bug_is_told_from_a_finding(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        FTF_ASSERT(1 + 1 == 3);
        _exit(0);
    }
    close(fds[1]);
    char text[600] = {0};
    size_t len = 0;
    for (ssize_t got; (got = read(fds[0], text + len, sizeof text - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), FTF_WORKER_EXIT_BUG);
    assert_memory_equal(text, "FTF-BUG ", 8);
    assert_non_null(strstr(text, ": 1 + 1 == 3\n"));
}

static void test_rng__is_the_same_everywhere(void **state) {
    (void)state;
    ftf_rng rng = ftf_rng_seed(0);
    assert_true(ftf_rng_next(&rng) == UINT64_C(0xe220a8397b1dcdaf)); /* the published first output of splitmix64 */
    assert_int_equal(ftf_rng_below(&rng, 0), 0);
    for (int i = 0; i < 1000; i++) {
        assert_in_range(ftf_rng_below(&rng, 7), 0, 6);
        int drawn = ftf_rng_range(&rng, -2, 2);
        assert_true(drawn >= -2 && drawn <= 2);
    }
}

static void test_hash__is_fnv_1a(void **state) {
    (void)state;
    assert_true(ftf_hash_bytes(FTF_HASH_START, "", 0) == FTF_HASH_START);
    assert_true(ftf_hash_bytes(FTF_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__says_what_and_where),
        cmocka_unit_test(test_text__grows_and_stays_terminated),
        cmocka_unit_test(test_text__last_line_is_the_last_that_says_anything),
        cmocka_unit_test(test_arena__is_zeroed_aligned_and_reused),
        cmocka_unit_test(test_check__a_bug_is_told_from_a_finding),
        cmocka_unit_test(test_rng__is_the_same_everywhere),
        cmocka_unit_test(test_hash__is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
