/* If this fails, the bug is in cli/progress.c (or in the waiting times of cli/worker.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/progress.h"

static void test_progress__formats_a_snapshot(void **state) {
    (void)state;
    const ftf_progress_snapshot snapshot = {
        .elapsed_ms = 83 * 1000,
        .limit_ms = 120 * 1000,
        .scenarios_per_s = 3214.4,
        .calls_per_s = 41000,
        .counters = {.features = 1523, .steals = 2, .cold = 61, .starts = 4},
        .blamed = 3,
        .other = 4,
        .kind_count = 2,
        .kinds = {{"data-race", 2}, {"use-after-free", 1}},
    };
    ftf_text text = {0};
    ftf_progress_format(&snapshot, &text);
    assert_string_equal(text.data, "1:23/2:00  3.21 k scenarios/s  41.0 k calls/s  cov 1523  findings 3 (data-race 2, "
                                   "use-after-free 1) + 4 not the extension's  steals 2  cold 61  starts 4");
    ftf_text_release(&text);
}

static void test_progress__shows_no_limit_and_no_coverage_that_is_not_there(void **state) {
    (void)state;
    const ftf_progress_snapshot snapshot = {.elapsed_ms = 2 * 3600 * 1000};
    ftf_text text = {0};
    ftf_progress_format(&snapshot, &text);
    assert_string_equal(text.data, "2:00:00  0 scenarios/s  0 calls/s  findings 0  steals 0");
    ftf_text_release(&text);
}

static void test_progress__numbers_have_three_digits(void **state) {
    (void)state;
    char text[16];
    assert_string_equal(ftf_progress_number(0, text), "0");
    assert_string_equal(ftf_progress_number(999, text), "999");
    assert_string_equal(ftf_progress_number(999.6, text), "1.00 k");
    assert_string_equal(ftf_progress_number(12345, text), "12.3 k");
    assert_string_equal(ftf_progress_number(123456789, text), "123 M");
}

static void test_worker__epochs_follow_the_universal_sequence(void **state) {
    static const uint32_t first[] = {1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8, 1};
    (void)state;
    for (uint32_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        assert_int_equal(ftf_worker_epoch(i + 1), FTF_WORKER_EPOCH * first[i]);
    }
    assert_int_equal(ftf_worker_epoch((1u << 20) - 1), FTF_WORKER_EPOCH << 19);
}

static void test_worker__waits_longer_after_each_early_death(void **state) {
    (void)state;
    assert_int_equal(ftf_worker_delay_ms(0), 0);
    assert_int_equal(ftf_worker_delay_ms(1), 100);
    assert_int_equal(ftf_worker_delay_ms(3), 400);
    assert_int_equal(ftf_worker_delay_ms(50), 5000);
}

static void test_worker__cold_processes_get_their_share(void **state) {
    (void)state;
    assert_false(ftf_worker_owes_cold(0, 0, 10));
    const uint64_t slice_ms = FTF_WORKER_COLD_SLICE_MS;
    assert_false(ftf_worker_owes_cold(slice_ms * 10 - 1, 0, 10)); /* it has to be earned */
    assert_true(ftf_worker_owes_cold(slice_ms * 10, 0, 10));
    assert_false(ftf_worker_owes_cold(slice_ms * 20 - 1, slice_ms, 10));
    assert_true(ftf_worker_owes_cold(slice_ms * 20, slice_ms, 10));
    assert_false(ftf_worker_owes_cold(1000000, 0, 0)); /* nobody wants them */
    /* Slices of whatever length: the share holds, and no two slices follow each other without a pause. */
    uint64_t now = 0, cold = 0;
    for (uint32_t slice = 0; slice < 1000; slice++) {
        uint64_t took = 50 + slice * 37 % 900, since = now;
        while (!ftf_worker_owes_cold(now, cold, 10)) {
            now++;
        }
        assert_true(slice == 0 || now > since);
        now += took;
        cold += took;
    }
    assert_in_range(cold * 100 / now, 9, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker__epochs_follow_the_universal_sequence),
        cmocka_unit_test(test_progress__formats_a_snapshot),
        cmocka_unit_test(test_progress__shows_no_limit_and_no_coverage_that_is_not_there),
        cmocka_unit_test(test_progress__numbers_have_three_digits),
        cmocka_unit_test(test_worker__waits_longer_after_each_early_death),
        cmocka_unit_test(test_worker__cold_processes_get_their_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
