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
#include "base/proc.h"
#include "base/zygote.h"

/* /bin/sh is only the child under test here; proc itself never uses a shell. */
static ftf_proc start(ftf_proc_options options, const char *script) {
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    ftf_proc proc;
    ftf_error err = {0};
    options.argv = argv;
    assert_int_equal(ftf_proc_spawn(&options, &proc, &err), FTF_OK);
    return proc;
}

/* True once the process is gone or a zombie: who reaps it is not ours to say here. */
static bool ends_soon(pid_t pid) {
    for (int i = 0; i < 500; i++) {
        char path[64];
        ftf_text stat = {0};
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        bool gone = ftf_fs_read(path, 4096, &stat, NULL) != FTF_OK || strstr(stat.data, ") Z ");
        ftf_text_release(&stat);
        if (gone) {
            return true;
        }
        (void)usleep(10000);
    }
    return false;
}

static void test_end__is_data(void **state) {
    (void)state;
    ftf_proc_end end;
    char text[32];
    ftf_proc proc = start((ftf_proc_options){.cpu = FTF_PROC_ANY_CPU}, "exit 77");
    assert_true(ftf_proc_wait(&proc, 10000, &end));
    assert_false(end.signaled);
    assert_int_equal(end.code, 77);
    assert_int_equal(proc.pid, 0);
    assert_string_equal(ftf_proc_end_text(&end, text), "exit 77");
    proc = start((ftf_proc_options){.cpu = FTF_PROC_ANY_CPU}, "kill -SEGV $$");
    assert_true(ftf_proc_wait(&proc, 10000, &end));
    assert_true(end.signaled);
    assert_int_equal(end.code, SIGSEGV);
    assert_string_equal(ftf_proc_end_text(&end, text), "SIGSEGV");
}

static void test_end__says_how_much_cpu_it_took(void **state) {
    (void)state;
    ftf_proc_end end;
    ftf_proc proc = start((ftf_proc_options){.cpu = FTF_PROC_ANY_CPU}, "while :; do :; done");
    while (ftf_proc_cpu_us(proc.pid) < 50000) { /* of a process that still runs */
        (void)usleep(1000);
    }
    ftf_proc_stop(&proc, 0, &end);
    assert_in_range(end.cpu_us, 50000, 60000000);
    assert_true(ftf_proc_cpu_us(0) > 0);
}

static void test_spawn__says_why_it_could_not(void **state) {
    (void)state;
    const char *argv[] = {"/nowhere/ftfuzz-worker", NULL};
    ftf_proc proc;
    ftf_error err = {0};
    ftf_proc_options options = {.argv = argv, .cpu = FTF_PROC_ANY_CPU};
    assert_int_equal(ftf_proc_spawn(&options, &proc, &err), FTF_SETUP);
    assert_non_null(strstr(err.text, "/nowhere/ftfuzz-worker: No such file"));
    const char *true_argv[] = {"true", NULL};
    options = (ftf_proc_options){.argv = true_argv, .stderr_path = "/nowhere/err", .cpu = FTF_PROC_ANY_CPU};
    assert_int_equal(ftf_proc_spawn(&options, &proc, &err), FTF_IO);
    assert_non_null(strstr(err.text, "/nowhere/err"));
}

static void test_spawn__environment_is_changed_only_where_asked(void **state) {
    (void)state;
    (void)setenv("FTF_TEST_KEPT", "kept", 1);
    (void)setenv("FTF_TEST_GONE", "x", 1);
    (void)setenv("FTF_TEST_CHANGED", "old", 1);
    const char *changes[] = {"FTF_TEST_GONE", "FTF_TEST_CHANGED=new", NULL};
    ftf_proc proc = start((ftf_proc_options){.env = changes, .cpu = FTF_PROC_ANY_CPU},
                          "test \"$FTF_TEST_KEPT$FTF_TEST_GONE$FTF_TEST_CHANGED\" = keptnew");
    ftf_proc_end end;
    assert_true(ftf_proc_wait(&proc, 10000, &end));
    assert_int_equal(end.code, 0);
}

static void test_spawn__pipes_carry_both_ways(void **state) {
    (void)state;
    ftf_proc proc = start((ftf_proc_options){.pipe_stdin = true, .pipe_stdout = true, .cpu = FTF_PROC_ANY_CPU}, "cat");
    char got[8] = "";
    assert_int_equal(write(proc.stdin_fd, "hello", 5), 5);
    assert_int_equal(read(proc.stdout_fd, got, 5), 5);
    assert_string_equal(got, "hello");
    ftf_proc_close_pipes(&proc);
    ftf_proc_end end;
    assert_true(ftf_proc_wait(&proc, 10000, &end));
    assert_int_equal(end.code, 0);
}

static void test_spawn__is_pinned_and_writes_no_core(void **state) {
    (void)state;
    ftf_proc proc = start((ftf_proc_options){.cpu = ftf_proc_cpu_at(0)}, "test $(nproc) = 1 && test $(ulimit -c) = 0");
    ftf_proc_end end;
    assert_true(ftf_proc_wait(&proc, 10000, &end));
    assert_int_equal(end.code, 0);
}

static void test_stop__ends_the_whole_group(void **state) {
    (void)state;
    const char *script = "trap '' TERM; sleep 60 & echo $!; wait";
    ftf_proc proc = start((ftf_proc_options){.pipe_stdout = true, .cpu = FTF_PROC_ANY_CPU}, script);
    char line[32] = "";
    assert_true(read(proc.stdout_fd, line, sizeof line - 1) > 0);
    pid_t grandchild = (pid_t)atoi(line);
    ftf_proc_end end;
    assert_false(ftf_proc_wait(&proc, 20, &end));
    uint64_t before = ftf_proc_now_ms();
    ftf_proc_stop(&proc, 100, &end);
    assert_true(ftf_proc_now_ms() - before < 5000);
    assert_true(end.signaled && end.code == SIGKILL);
    ftf_proc_close_pipes(&proc);
    assert_true(ends_soon(grandchild));
}

static void test_spawn__child_dies_with_its_parent(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t parent = fork();
    if (parent == 0) {
        ftf_proc proc = start((ftf_proc_options){.cpu = FTF_PROC_ANY_CPU}, "exec sleep 60");
        (void)!write(fds[1], &proc.pid, sizeof proc.pid);
        (void)raise(SIGKILL);
    }
    pid_t child = 0;
    assert_int_equal(read(fds[0], &child, sizeof child), (int)sizeof child);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_true(ends_soon(child));
    close(fds[0]);
    close(fds[1]);
}

/* ---- zygotes ----------------------------------------------------------------------------------------------------- */

/* Speaks the protocol without forking: answers the second request before the first, and dies at the third. */
#define TOY_ZYGOTE \
    "tab=$(printf '\\t'); while IFS=$tab read -r ticket rest; do echo pid $ticket 1;" \
    "case $ticket in 2) echo end 2 0; echo end 1 768;; 3) exit 9;; esac; done"

static void test_zygote__tells_its_processes_apart(void **state) {
    (void)state;
    const char *argv[] = {"/bin/sh", "-c", TOY_ZYGOTE, NULL};
    const ftf_proc_options options = {.argv = argv, .cwd = "/", .stderr_path = "/dev/null", .cpu = FTF_PROC_ANY_CPU};
    ftf_zygote *zygote = NULL;
    ftf_proc first, second, third;
    ftf_proc_end end;
    assert_int_equal(ftf_zygote_spawn(&zygote, &options, &first, NULL), FTF_OK);
    assert_int_equal(ftf_zygote_spawn(&zygote, &options, &second, NULL), FTF_OK);
    assert_true(ftf_proc_wait(&second, 10000, &end));
    assert_int_equal(end.code, 0);
    assert_true(ftf_proc_wait(&first, 10000, &end));
    assert_int_equal(end.code, 3);
    assert_int_equal(first.pid, 0);
    /* A zygote that dies takes what runs of it along. */
    assert_int_equal(ftf_zygote_spawn(&zygote, &options, &third, NULL), FTF_OK);
    assert_true(ftf_proc_wait(&third, 10000, &end));
    assert_int_equal(end.code, 9);
    ftf_zygote_destroy(zygote);
}

/* Stopping a process that the zygote has not told of kills the zygote, which may tell of it all the same before it dies. The next
   one comes from a new zygote, never from the dying one: nobody would read the request. */
#define LATE_ZYGOTE "while read -r ticket rest; do echo $ticket >> log; echo pid $ticket 1; echo end $ticket 0; done"

static void test_zygote__one_that_dies_is_not_asked_again(void **state) {
    (void)state;
    char folder[] = "/tmp/ftf-test-zygote-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *argv[] = {"/bin/sh", "-c", LATE_ZYGOTE, NULL};
    const ftf_proc_options options = {.argv = argv, .cwd = folder, .stderr_path = "/dev/null", .cpu = FTF_PROC_ANY_CPU};
    ftf_zygote *zygote = NULL;
    for (useconds_t wait_us = 0; wait_us < 4000; wait_us += 100) {
        ftf_proc stopped, next;
        ftf_proc_end end;
        assert_int_equal(ftf_zygote_spawn(&zygote, &options, &stopped, NULL), FTF_OK);
        (void)usleep(wait_us);
        ftf_proc_stop(&stopped, 0, &end);
        assert_int_equal(ftf_zygote_spawn(&zygote, &options, &next, NULL), FTF_OK);
        assert_true(ftf_proc_wait(&next, 10000, &end));
        assert_false(end.signaled);
        assert_int_equal(end.code, 0);
    }
    ftf_zygote_destroy(zygote);
    char log[64];
    (void)snprintf(log, sizeof log, "%s/log", folder);
    assert_int_equal(unlink(log), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end__is_data),
        cmocka_unit_test(test_end__says_how_much_cpu_it_took),
        cmocka_unit_test(test_spawn__says_why_it_could_not),
        cmocka_unit_test(test_spawn__environment_is_changed_only_where_asked),
        cmocka_unit_test(test_spawn__pipes_carry_both_ways),
        cmocka_unit_test(test_spawn__is_pinned_and_writes_no_core),
        cmocka_unit_test(test_stop__ends_the_whole_group),
        cmocka_unit_test(test_spawn__child_dies_with_its_parent),
        cmocka_unit_test(test_zygote__tells_its_processes_apart),
        cmocka_unit_test(test_zygote__one_that_dies_is_not_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
