/*
 * A lane that a sanitizer has begun to report the death of. If this fails, the bug is in ftf_sched_resign or rob of
 * harness/sched/sched.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/toyvm.h"

static volatile bool other_ran;

static void reset(void) { other_ran = false; }

/* As if in the middle of a sanitizer's report. */
static void die_slowly(int lane) {
    (void)lane;
    const struct timespec time = {.tv_nsec = 10 * FTF_STEAL_MS * 1000000L};
    ftf_sched_resign();
    syscall(SYS_nanosleep, &time, NULL);
    _exit(other_ran ? 1 : 85);
}

static void note_it_ran(int lane) {
    (void)lane;
    other_ran = true;
}

static void dying__a_lane_is_not_robbed(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        toy *toy = toy_create(2, reset, NULL);
        toy_add(toy, 0, die_slowly);
        toy_add(toy, 1, note_it_ran);
        const ftf_run_plan plan = {.mode = FTF_RUN_SERIAL, .lanes = 2, .order = {0, 1}};
        ftf_tally tally;
        toy_run(toy, &plan, &tally);
        _exit(0);
    }
    assert_int_equal(toy_exit_code(child), 85);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dying__a_lane_is_not_robbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
