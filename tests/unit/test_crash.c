#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "findings/crash.h"
#include "scenario/scenario.h"

/* What a worker leaves behind, played: a black box and a stderr file in a folder of the test's own. */
static char folder[256], box_path[512], err_path[512];
static ftf_blackbox *box;

static const char SCENARIO[] = "ftfuzz 1\ntarget collections\nsetup\n  a = OrderedDict()\nthread\n  a.clear()\nthread\n"
                               "  a.popitem()\n  next(a)\nschedule pct seed=7 depth=3\n";

static int setup(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ftf-test-crash-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void)snprintf(box_path, sizeof box_path, "%s/box", folder);
    (void)snprintf(err_path, sizeof err_path, "%s/stderr", folder);
    box = ftf_blackbox_create(box_path, NULL);
    (void)snprintf(box->scenario, sizeof box->scenario, "%s  the rest of a longer one", SCENARIO);
    box->scenario_len = sizeof SCENARIO - 1;
    box->phase = FTF_PHASE_RUNNING;
    box->sequence = 3;
    box->run_kind = FTF_SCHEDULE_PCT;
    box->switch_count = 2;
    box->switches[0] = (ftf_blackbox_switch){.lane = 0, .to = 1, .op = 1, .point = 41, .offset = 7};
    box->switches[1] = (ftf_blackbox_switch){.lane = 1, .to = 0, .point = 12, .offset = 11};
    box->lane_op[1] = 1;
    (void)snprintf(box->history[1], sizeof box->history[1], "first");
    (void)snprintf(box->history[2], sizeof box->history[2], "second");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    ftf_blackbox_close(box);
    return ftf_fs_remove_tree(folder, NULL) == FTF_OK ? 0 : -1;
}

static ftf_crash judge(ftf_proc_end end, const char *text) {
    ftf_crash crash;
    ftf_error err = {0};
    assert_int_equal(ftf_fs_write(err_path, text, strlen(text), &err), FTF_OK);
    ftf_crash_options options = {.blackbox_path = box_path, .stderr_path = err_path, .flavour = "asan", .end = end};
    assert_int_equal(ftf_crash_judge(&options, &crash, &err), FTF_OK);
    return crash;
}

static void assert_death(ftf_proc_end end, const char *text, ftf_death death, const char *says) {
    ftf_crash crash = judge(end, text);
    assert_string_equal(ftf_death_name(crash.death), ftf_death_name(death));
    if (!strstr(crash.text, says)) {
        fail_msg("\"%s\" is not in \"%s\"", says, crash.text);
    }
    ftf_crash_release(&crash);
}

static const char SEGV[] = "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000008 (pc 0x1 T0)\n"
                           "    #0 0x1 (/m+0x10)\n    #1 0x1 (/m+0x20)\nSUMMARY: AddressSanitizer: SEGV\n";

static void test_crash__record_replays_what_was_executed(void **state) {
    (void)state;
    ftf_crash crash = judge((ftf_proc_end){.code = 77}, SEGV);
    assert_int_equal(crash.death, FTF_DEATH_FINDING);
    ftf_record *r = crash.record;
    assert_string_equal(r->kind, "segv");
    assert_string_equal(r->flavour, "asan");
    assert_string_equal(r->target, "collections");
    assert_string_equal(r->section, "lanes");
    assert_non_null(strstr(r->scenario, "\nschedule at 0:1.8>1 1:0.12>0\n"));
    assert_string_equal(r->original, SCENARIO);
    assert_int_equal(r->sequence, 3);
    assert_int_equal(r->history_count, 2);
    assert_string_equal(r->history[0], "first");
    assert_string_equal(r->history[1], "second");
    assert_int_equal(r->stack_count, 1);
    assert_int_equal(r->stacks[0].frame_count, 2);
    assert_int_equal(r->stacks[0].frames[1].offset, 0x20);
    ftf_crash_release(&crash);
}

static void test_crash__free_runs_and_overflown_lists_keep_their_schedule(void **state) {
    (void)state;
    box->run_kind = FTF_SCHEDULE_FREE;
    ftf_crash crash = judge((ftf_proc_end){.code = 77}, SEGV);
    assert_non_null(strstr(crash.record->scenario, "schedule pct seed=7 depth=3\n"));
    ftf_crash_release(&crash);
    box->run_kind = FTF_SCHEDULE_AT;
    box->switch_count = FTF_BLACKBOX_SWITCHES + 1;
    crash = judge((ftf_proc_end){.code = 77}, SEGV);
    assert_non_null(strstr(crash.record->scenario, "schedule pct seed=7 depth=3\n"));
    ftf_crash_release(&crash);
}

static void test_crash__a_gap_ends_the_history(void **state) {
    (void)state;
    box->sequence = 40; /* the ring holds 8..39; 20 was too long to keep */
    for (int i = 8; i < 40; i++) {
        (void)snprintf(box->history[i % FTF_BLACKBOX_HISTORY], sizeof box->history[0], "%d", i);
    }
    box->history[20][0] = '\0';
    ftf_crash crash = judge((ftf_proc_end){.code = 77}, SEGV);
    assert_int_equal(crash.record->history_count, 19);
    assert_string_equal(crash.record->history[0], "21");
    assert_string_equal(crash.record->history[18], "39");
    ftf_crash_release(&crash);
}

static void test_crash__verdict_of_the_watchdog(void **state) {
    (void)state;
    (void)snprintf(box->verdict_kind, sizeof box->verdict_kind, "deadlock");
    (void)snprintf(box->verdict_text, sizeof box->verdict_text,
                   "all lanes are blocked\nlane 0 op 0 (blocked in sem_wait):\n    #0 0x1 (/m+0x1)\n"
                   "lane 1 op 1 (blocked in sem_wait):\n    #0 0x1 (/m+0x2)\n");
    ftf_crash crash = judge((ftf_proc_end){.code = FTF_WORKER_EXIT_VERDICT}, "");
    assert_int_equal(crash.death, FTF_DEATH_FINDING);
    assert_string_equal(crash.record->kind, "deadlock");
    assert_string_equal(crash.record->detail, "deadlock in lanes");
    assert_int_equal(crash.record->stack_count, 2);
    assert_int_equal(crash.record->stacks[1].op, 1);
    ftf_crash_release(&crash);
    box->verdict_kind[0] = '\0';
    assert_death((ftf_proc_end){.code = FTF_WORKER_EXIT_VERDICT}, "", FTF_DEATH_BUG, "verdict");
}

/* What engine/verdict.c leaves when a record could not be written down. */
static void test_crash__a_destroyed_worker_is_the_target_s_death(void **state) {
    (void)state;
    box->phase = FTF_PHASE_FINISHING;
    (void)snprintf(box->verdict_kind, sizeof box->verdict_kind, "heap-corruption");
    (void)snprintf(box->verdict_text, sizeof box->verdict_text, "a record cannot be written down: memory is gone\n");
    ftf_crash crash = judge((ftf_proc_end){.code = FTF_WORKER_EXIT_VERDICT}, "");
    assert_int_equal(crash.death, FTF_DEATH_FINDING);
    assert_string_equal(crash.record->kind, "heap-corruption");
    assert_string_equal(crash.record->detail, "heap-corruption in finish");
    assert_string_equal(crash.record->text, box->verdict_text);
    assert_non_null(strstr(crash.record->scenario, "schedule at"));
    assert_int_equal(crash.record->stack_count, 0);
    ftf_crash_release(&crash);
}

static void test_crash__what_tsan_prints_wins_over_its_exit_status(void **state) {
    (void)state;
    static const char deadly[] = "ThreadSanitizer:DEADLYSIGNAL\n"
                                 "==7==ERROR: ThreadSanitizer: SEGV on unknown address (pc 0x5555558a68c5 T7)\n"
                                 "    #0 0x5555558a68c5 (/x/ftfuzz-worker-tsan+0x3528c5)\n";
    box->phase = FTF_PHASE_IDLE;
    assert_death((ftf_proc_end){.code = 0}, "", FTF_DEATH_NONE, "");
    ftf_crash crash = judge((ftf_proc_end){.code = 0}, deadly);
    assert_string_equal(ftf_death_name(crash.death), "finding");
    assert_string_equal(crash.record->kind, "segv");
    ftf_crash_release(&crash);
}

static void test_crash__each_way_to_end(void **state) {
    (void)state;
    box->phase = FTF_PHASE_DONE;
    assert_death((ftf_proc_end){.code = 0}, "", FTF_DEATH_NONE, "");
    assert_death((ftf_proc_end){.code = 66}, "", FTF_DEATH_NONE, "");
    box->phase = FTF_PHASE_RUNNING;
    assert_death((ftf_proc_end){.code = 0}, SEGV, FTF_DEATH_FINDING, "SEGV");
    assert_death((ftf_proc_end){.code = 83}, "x\nFTF-BUG harness/a.c:1: b\n", FTF_DEATH_BUG,
                 "FTF-BUG harness/a.c:1: b");
    assert_death((ftf_proc_end){.code = 85}, "ftfuzz-worker: error: no module named x\n", FTF_DEATH_SETUP,
                 "no module named x");
    assert_death((ftf_proc_end){.code = 86}, "", FTF_DEATH_SLOW, "slow");
    assert_death((ftf_proc_end){.code = 71}, "", FTF_DEATH_KILLED, "memory limit");
    assert_death((ftf_proc_end){.signaled = true, .code = SIGKILL}, SEGV, FTF_DEATH_KILLED, "SIGKILL");
    assert_death((ftf_proc_end){.signaled = true, .code = SIGSEGV}, "", FTF_DEATH_FINDING, "segv");
    assert_death((ftf_proc_end){.signaled = true, .code = SIGABRT}, "", FTF_DEATH_FINDING, "abort");
}

static void test_crash__the_phase_decides_whose_it_is(void **state) {
    (void)state;
    ftf_proc_end end = {.code = 77};
    box->phase = FTF_PHASE_STARTING;
    assert_death((ftf_proc_end){.code = 0}, "FATAL: ThreadSanitizer: unexpected memory mapping\n", FTF_DEATH_SETUP,
                 "unexpected memory mapping");
    assert_death(end, SEGV, FTF_DEATH_SETUP, "before its interpreter was up");
    box->phase = FTF_PHASE_IMPORTING;
    assert_death(end, SEGV, FTF_DEATH_SETUP, "crashes when it is imported");
    box->phase = FTF_PHASE_BUILDING;
    ftf_crash crash = judge(end, SEGV);
    assert_string_equal(crash.record->section, "setup");
    ftf_crash_release(&crash);
    box->phase = FTF_PHASE_FINISHING;
    crash = judge(end, SEGV);
    assert_string_equal(crash.record->section, "finish");
    ftf_crash_release(&crash);
    box->phase = FTF_PHASE_DONE;
    assert_death(end, SEGV, FTF_DEATH_BUG, "without a scenario");
}

static void test_crash__no_black_box_is_trouble_of_the_set_up(void **state) {
    (void)state;
    assert_int_equal(ftf_fs_remove(box_path, NULL), FTF_OK);
    assert_death((ftf_proc_end){.code = 1}, "cannot open shared object file\n", FTF_DEATH_SETUP, "shared object");
}

static void test_crash__a_half_written_scenario_is_kept_as_it_is(void **state) {
    (void)state;
    (void)snprintf(box->scenario, sizeof box->scenario, "ftfuzz 1\ntarget coll");
    box->scenario_len = 20;
    ftf_crash crash = judge((ftf_proc_end){.code = 77}, SEGV);
    assert_int_equal(crash.death, FTF_DEATH_FINDING);
    assert_string_equal(crash.record->scenario, "ftfuzz 1\ntarget coll");
    ftf_crash_release(&crash);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_crash__record_replays_what_was_executed),
        TEST(test_crash__free_runs_and_overflown_lists_keep_their_schedule),
        TEST(test_crash__a_gap_ends_the_history),
        TEST(test_crash__verdict_of_the_watchdog),
        TEST(test_crash__a_destroyed_worker_is_the_target_s_death),
        TEST(test_crash__what_tsan_prints_wins_over_its_exit_status),
        TEST(test_crash__each_way_to_end),
        TEST(test_crash__the_phase_decides_whose_it_is),
        TEST(test_crash__no_black_box_is_trouble_of_the_set_up),
        TEST(test_crash__a_half_written_scenario_is_kept_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
