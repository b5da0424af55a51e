#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"

/* Stands in for libc's, to count. */
static int flushes;
int fsync(int fd) {
    flushes++;
    return (int)syscall(SYS_fsync, fd);
}

/* Every test works in a folder of its own. */
static char folder[256];

static int setup(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/ftf-test-fs-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    ftf_error err = {0};
    return ftf_fs_remove_tree(folder, &err) == FTF_OK ? 0 : -1;
}

static const char *in_folder(const char *name) {
    static char paths[4][FTF_FS_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    ftf_error err = {0};
    assert_int_equal(ftf_fs_join(path, folder, name, &err), FTF_OK);
    return path;
}

static void assert_only(const char *path, size_t count) {
    ftf_names names;
    ftf_error err = {0};
    assert_int_equal(ftf_fs_list(path, &names, &err), FTF_OK);
    assert_int_equal(names.count, count);
    ftf_names_release(&names);
}

static void test_write__then_read_gives_the_same_bytes(void **state) {
    (void)state;
    const char bytes[] = "a\0b\nc";
    ftf_error err = {0};
    ftf_text text = {0};
    assert_int_equal(ftf_fs_write(in_folder("f"), bytes, sizeof bytes, &err), FTF_OK);
    assert_int_equal(ftf_fs_read(in_folder("f"), FTF_FS_READ_MAX, &text, &err), FTF_OK);
    assert_int_equal(text.len, sizeof bytes);
    assert_memory_equal(text.data, bytes, sizeof bytes);
    ftf_text_release(&text);
}

static void test_write__replaces_and_leaves_one_file(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_text text = {0};
    assert_int_equal(ftf_fs_write(in_folder("f"), "first", 5, &err), FTF_OK);
    assert_int_equal(ftf_fs_write(in_folder("f"), "2nd", 3, &err), FTF_OK);
    assert_int_equal(ftf_fs_read(in_folder("f"), 100, &text, &err), FTF_OK);
    assert_string_equal(text.data, "2nd");
    ftf_text_release(&text);
    assert_only(folder, 1);
}

static void test_write__waits_for_the_disk_only_when_it_is_to(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_text text = {0};
    flushes = 0;
    assert_int_equal(ftf_fs_write_unflushed(in_folder("f"), "first", 5, &err), FTF_OK);
    assert_int_equal(ftf_fs_write_unflushed(in_folder("f"), "2nd", 3, &err), FTF_OK);
    assert_int_equal(flushes, 0);
    assert_int_equal(ftf_fs_read(in_folder("f"), 100, &text, &err), FTF_OK);
    assert_string_equal(text.data, "2nd");
    assert_only(folder, 1);
    assert_int_equal(ftf_fs_write(in_folder("f"), "3rd", 3, &err), FTF_OK);
    assert_int_equal(flushes, 2); /* the file and the folder */
    ftf_text_release(&text);
}

typedef ftf_status (*writer)(const char *path, const void *bytes, size_t len, ftf_error *err);

/* A full disk is played by RLIMIT_FSIZE in a child: write then fails with EFBIG where a full disk says ENOSPC. */
static void fail_half_way(writer write_file) {
    ftf_error err = {0};
    assert_int_equal(ftf_fs_write(in_folder("f"), "old", 3, &err), FTF_OK);
    pid_t pid = fork();
    if (pid == 0) {
        static char big[100000];
        struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        memset(big, 'x', sizeof big);
        ftf_status status = write_file(in_folder("f"), big, sizeof big, &err);
        _exit(status == FTF_IO && strstr(err.text, "/f: ") ? 0 : 1);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    ftf_text text = {0};
    assert_int_equal(ftf_fs_read(in_folder("f"), 100, &text, &err), FTF_OK);
    assert_string_equal(text.data, "old");
    ftf_text_release(&text);
    ftf_names names;
    assert_int_equal(ftf_fs_list(folder, &names, &err), FTF_OK);
    assert_int_equal(names.count, 1);
    ftf_names_release(&names);
}

static void test_write__failing_half_way_keeps_the_old_file_and_no_scraps(void **state) {
    (void)state;
    fail_half_way(ftf_fs_write);
    fail_half_way(ftf_fs_write_unflushed);
}

/* /dev/full says ENOSPC to everybody, root included; what cannot be made in is /proc. */
static void test_write__says_which_path_and_why(void **state) {
    (void)state;
    ftf_error err = {0};
    assert_int_equal(ftf_fs_write("/proc/ftfuzz-cannot", "x", 1, &err), FTF_IO);
    assert_non_null(strstr(err.text, "/proc/ftfuzz-cannot"));
    assert_int_equal(ftf_fs_make_dirs("/proc/ftfuzz/cannot", &err), FTF_IO);
    assert_non_null(strstr(err.text, "/proc/ftfuzz"));
    assert_int_equal(ftf_fs_write(in_folder("missing/f"), "x", 1, &err), FTF_IO);
    assert_non_null(strstr(err.text, "No such file"));
}

static void test_read__names_what_is_missing_or_too_large(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_text text = {0};
    assert_int_equal(ftf_fs_read(in_folder("none"), 100, &text, &err), FTF_IO);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(ftf_fs_write(in_folder("f"), "12345", 5, &err), FTF_OK);
    assert_int_equal(ftf_fs_read(in_folder("f"), 4, &text, &err), FTF_LIMIT);
    ftf_text_release(&text);
}

static void test_read_tail__gives_the_end(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_text text = {0};
    assert_int_equal(ftf_fs_write(in_folder("f"), "0123456789", 10, &err), FTF_OK);
    assert_int_equal(ftf_fs_read_tail(in_folder("f"), 3, &text, &err), FTF_OK);
    assert_string_equal(text.data, "789");
    ftf_text_clear(&text);
    assert_int_equal(ftf_fs_read_tail(in_folder("f"), 100, &text, &err), FTF_OK);
    assert_string_equal(text.data, "0123456789");
    ftf_text_release(&text);
}

static void test_list__is_sorted_and_without_temporaries(void **state) {
    (void)state;
    ftf_error err = {0};
    ftf_names names;
    char temporary[FTF_FS_PATH_MAX];
    assert_int_equal(ftf_fs_write(in_folder("b"), "", 0, &err), FTF_OK);
    assert_int_equal(ftf_fs_write(in_folder("a"), "", 0, &err), FTF_OK);
    assert_int_equal(ftf_fs_make_dirs(in_folder("c/d/e"), &err), FTF_OK);
    assert_int_equal(ftf_fs_make_dirs(in_folder("c/d/e"), &err), FTF_OK);
    assert_int_equal(ftf_fs_make_temporary_dir(folder, temporary, &err), FTF_OK);
    assert_int_equal(ftf_fs_list(folder, &names, &err), FTF_OK);
    assert_int_equal(names.count, 3);
    assert_string_equal(names.names[0], "a");
    assert_string_equal(names.names[1], "b");
    assert_string_equal(names.names[2], "c");
    ftf_names_release(&names);
    assert_true(ftf_fs_is_dir(temporary));
    assert_int_equal(ftf_fs_remove_temporaries(folder, &err), FTF_OK);
    assert_false(ftf_fs_exists(temporary));
    assert_only(folder, 3);
}

static void test_remove_tree__does_not_follow_links(void **state) {
    (void)state;
    ftf_error err = {0};
    assert_int_equal(ftf_fs_make_dirs(in_folder("keep"), &err), FTF_OK);
    assert_int_equal(ftf_fs_write(in_folder("keep/precious"), "x", 1, &err), FTF_OK);
    assert_int_equal(ftf_fs_make_dirs(in_folder("gone/inner"), &err), FTF_OK);
    assert_int_equal(ftf_fs_write(in_folder("gone/inner/f"), "x", 1, &err), FTF_OK);
    assert_int_equal(symlink(in_folder("keep"), in_folder("gone/link")), 0);
    assert_int_equal(ftf_fs_remove_tree(in_folder("gone"), &err), FTF_OK);
    assert_false(ftf_fs_exists(in_folder("gone")));
    assert_true(ftf_fs_exists(in_folder("keep/precious")));
    assert_int_equal(ftf_fs_remove_tree(in_folder("gone"), &err), FTF_OK);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_write__then_read_gives_the_same_bytes),
        TEST(test_write__replaces_and_leaves_one_file),
        TEST(test_write__waits_for_the_disk_only_when_it_is_to),
        TEST(test_write__failing_half_way_keeps_the_old_file_and_no_scraps),
        TEST(test_write__says_which_path_and_why),
        TEST(test_read__names_what_is_missing_or_too_large),
        TEST(test_read_tail__gives_the_end),
        TEST(test_list__is_sorted_and_without_temporaries),
        TEST(test_remove_tree__does_not_follow_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
