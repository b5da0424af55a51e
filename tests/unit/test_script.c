#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/proc.h"
#include "reduce/script.h"

static char folder[64];

static int setup(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ftf-test-script-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    return ftf_fs_remove_tree(folder, NULL) == FTF_OK ? 0 : -1;
}

static ftf_script_facts some_facts(void) {
    return (ftf_script_facts){.id = "data-race-01234567",
                              .kind = "data-race",
                              .title = "data race: f writes what g reads",
                              .signature = "data-race x.c:f | x.c:g",
                              .target = "collections",
                              .target_version = "3.13.5",
                              .python_version = "3.13.5",
                              .flavour = "tsan",
                              .path = "",
                              .package = "",
                              .seconds = 5};
}

static void write_script(const ftf_script_facts *facts, const ftf_script_way *way, const char *scenario,
                         ftf_text *out) {
    ftf_error err = {0};
    if (ftf_script_write(facts, way, scenario, NULL, out, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
}

/* Runs it with the Python that is there; returns what it printed. */
static ftf_proc_end run(const ftf_text *script, const char *rounds, ftf_text *printed) {
    char path[128], output[128];
    ftf_error err = {0};
    ftf_proc proc;
    ftf_proc_end end = {0};
    (void)snprintf(path, sizeof path, "%s/repro.py", folder);
    (void)snprintf(output, sizeof output, "%s/output", folder);
    assert_int_equal(ftf_fs_write(path, script->data, script->len, &err), FTF_OK);
    const char *argv[] = {"python3", "-B", path, rounds, "60", NULL};
    const ftf_proc_options options = {
        .argv = argv, .stdout_path = output, .stderr_path = output, .cwd = folder, .cpu = FTF_PROC_ANY_CPU};
    assert_int_equal(ftf_proc_spawn(&options, &proc, &err), FTF_OK);
    assert_true(ftf_proc_wait(&proc, 100 * 1000, &end));
    ftf_text_clear(printed);
    assert_int_equal(ftf_fs_read(output, 1 << 20, printed, &err), FTF_OK);
    return end;
}

static void check_run(const ftf_script_facts *facts, const ftf_script_way *way, const char *scenario, int code,
                      const char *says) {
    ftf_text script = {0}, printed = {0};
    write_script(facts, way, scenario, &script);
    ftf_proc_end end = run(&script, "4", &printed);
    if (end.signaled || end.code != code || strstr(printed.data, says) == NULL) {
        fail_msg("exit %d: %s\n%s", end.code, printed.data, script.data);
    }
    ftf_text_release(&script);
    ftf_text_release(&printed);
}

/* ---- what is done ------------------------------------------------------------------------------------------------ */

static const char DEQUE[] =
    "ftfuzz 1\ntarget collections\nsetup\n  a = deque([1, 2, 3])\n  b = deque()\n"
    "thread\n  a.append($index(7)) * 3\n  x = a.popleft()\n  b.extend([x])\n  a += b\n  list(a)\n"
    "thread\n  a[0] = 1\n  del a[0]\n  with a: pass\n  copy.copy(a)\n  -a\n"
    "finish\n  a.clear()\nschedule free\n";

static void test_script__runs_on_any_python(void **state) {
    (void)state;
    const ftf_script_facts facts = some_facts();
    const ftf_script_way ways[] = {
        {.copies = 1, .times = 1}, {.copies = 2, .times = 10}, {.copies = 1, .times = 1, .first = true}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        check_run(&facts, &ways[i], DEQUE, 0, "nothing happened in ");
    }
}

#define COUNTED \
    "ftfuzz 1\ntarget ctypes\nsetup\n  a = list([1])\nthread\n  a.append(pythonapi.PyErr_BadInternalCall) * 3\n" \
    "thread\n  x = pythonapi.PyErr_BadInternalCall\n  a.append(x)\n  a.append(x)\nfinish\n"

/* Finish pops what the lanes have appended, five functions that break the rules, and calls the last one. */
static void test_script__each_call_is_made_so_often(void **state) {
    (void)state;
    ftf_script_facts facts = some_facts();
    const ftf_script_way way = {.copies = 1, .times = 1};
    facts.kind = "error-protocol"; /* so that a SystemError is told */
    check_run(&facts, &way, COUNTED "  a.pop() * 4\n  x = a.pop()\n  x()\nschedule free\n", 70, "SystemError");
    check_run(&facts, &way, COUNTED "  a.pop() * 5\n  x = a.pop()\n  x()\nschedule free\n", 0, "nothing happened in 4");
    facts.kind = "data-race";
    check_run(&facts, &way, COUNTED "  x = a.pop()\n  x()\nschedule free\n", 0, "nothing happened in 4");
}

static void test_script__a_sequence_runs_in_its_order(void **state) {
    (void)state;
    ftf_script_facts facts = some_facts();
    const ftf_script_way way = {.copies = 1, .times = 1};
    facts.kind = "error-protocol";
    /* The second one's call only breaks the rules because of what the first has left behind. */
    check_run(&facts, &way,
              "ftfuzz 1\ntarget ctypes\nthread\n  pythonapi.__setattr__(\"left\", "
              "pythonapi.PyErr_BadInternalCall)\nschedule free\n"
              "ftfuzz 1\ntarget ctypes\nthread\n  pythonapi.left()\nschedule free\n",
              70, "SystemError");
    check_run(&facts, &way, "ftfuzz 1\ntarget ctypes\nthread\n  pythonapi.left()\nschedule free\n", 0,
              "nothing happened");
}

static void test_script__threads_that_are_stuck_are_shown(void **state) {
    (void)state;
    ftf_script_facts facts = some_facts();
    const ftf_script_way way = {.copies = 1, .times = 1};
    ftf_text script = {0}, printed = {0};
    write_script(
        &facts, &way,
        "ftfuzz 1\ntarget threading\nsetup\n  a = Lock()\nthread\n  a.acquire()\n  a.acquire()\nschedule free\n",
        &script);
    char *stuck = strstr(script.data, "STUCK = 20");
    assert_non_null(stuck);
    memcpy(stuck, "STUCK =  1", 10);
    ftf_proc_end end = run(&script, "4", &printed);
    assert_int_equal(end.code, 1);
    assert_non_null(strstr(printed.data, "Timeout ("));
    assert_non_null(strstr(printed.data, "in lane_1"));
    ftf_text_release(&script);
    ftf_text_release(&printed);
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void check_says(const ftf_script_facts *facts, const char *needle) {
    const ftf_script_way way = {.copies = 1, .times = 1};
    ftf_text script = {0};
    write_script(facts, &way, DEQUE, &script);
    if (strstr(script.data, needle) == NULL) {
        fail_msg("missing: %s\n%s", needle, script.data);
    }
    ftf_text_release(&script);
}

static void test_script__says_what_it_shows_and_how_often(void **state) {
    (void)state;
    ftf_script_facts facts = some_facts();
    check_says(&facts, "#!/usr/bin/env python3\n# data race: f writes what g reads\n#\n");
    check_says(&facts, "# signature  data-race x.c:f | x.c:g\n");
    check_says(&facts, "# measured   not yet: ftfuzz repro\n");
    facts.plain = (ftf_script_rate){.k = 3, .n = 10, .how = "SIGSEGV"};
    facts.sanitizer = (ftf_script_rate){.k = 9, .n = 10};
    check_says(&facts, "3 of 10 runs of 5 s of CPU time on a stock interpreter ended with SIGSEGV\n");
    check_says(&facts, "9 of 10 runs of at most 5 s of CPU time under ThreadSanitizer reported it\n");
    facts.plain = (ftf_script_rate){.k = 0, .n = 10};
    check_says(
        &facts,
        "not seen in 10 runs of 5 s of CPU time on a stock interpreter: run it under ThreadSanitizer, as below\n");
    check_says(&facts, "#     TSAN_OPTIONS=history_size=4 python3.13t repro.py\n");
    facts.flavour = "asan";
    facts.force_gil_off = true;
    check_says(&facts, "#     ASAN_OPTIONS=detect_leaks=0 python3.13t -X gil=0 repro.py\n");
    facts.path = "/some \"where\\";
    check_says(&facts, "sys.path.append(\"/some \\\"where\\\\\")\n");
    facts.title = "one line\nno_code()";
    check_says(&facts, "# one line\n#\n");
}

static void test_script__no_scenario_no_script(void **state) {
    (void)state;
    const ftf_script_facts facts = some_facts();
    const ftf_script_way way = {.copies = 1, .times = 1};
    ftf_text script = {0};
    ftf_error err = {0};
    assert_int_equal(ftf_script_write(&facts, &way, "", NULL, &script, &err), FTF_INPUT);
    assert_int_not_equal(ftf_script_write(&facts, &way, "ftfuzz 1\nrubbish\n", NULL, &script, &err), FTF_OK);
    ftf_text_release(&script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script__runs_on_any_python),
        cmocka_unit_test(test_script__each_call_is_made_so_often),
        cmocka_unit_test(test_script__a_sequence_runs_in_its_order),
        cmocka_unit_test(test_script__threads_that_are_stuck_are_shown),
        cmocka_unit_test(test_script__says_what_it_shows_and_how_often),
        cmocka_unit_test(test_script__no_scenario_no_script),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
