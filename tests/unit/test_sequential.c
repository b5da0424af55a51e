#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "reduce/sequential.h"

static const ftf_sequential usual = {.good = 0.95, .bad = 0.5};

static void test_sequential__a_sure_one_takes_five_and_a_silent_one_is_refused_at_once(void **state) {
    (void)state;
    for (uint32_t k = 0; k < 5; k++) {
        assert_int_equal(ftf_sequential_decide(&usual, k, k), FTF_SEQUENTIAL_OPEN);
    }
    assert_int_equal(ftf_sequential_decide(&usual, 5, 5), FTF_SEQUENTIAL_GOOD);
    assert_int_equal(ftf_sequential_decide(&usual, 0, 1), FTF_SEQUENTIAL_BAD);
    assert_int_equal(ftf_sequential_decide(&usual, 1, 2), FTF_SEQUENTIAL_OPEN);
    assert_int_equal(ftf_sequential_decide(&usual, 1, 3), FTF_SEQUENTIAL_BAD);
}

/* In percent of 20,000 tests of a scenario that shows in so many percent of its processes. */
static uint32_t taken(const ftf_sequential *test, uint32_t rate, uint32_t *longest) {
    ftf_rng rng = ftf_rng_seed(rate);
    uint32_t good = 0;
    for (int i = 0; i < 20000; i++) {
        uint32_t k = 0, n = 0;
        ftf_sequential_verdict verdict;
        while ((verdict = ftf_sequential_decide(test, k, n)) == FTF_SEQUENTIAL_OPEN && n < 10000) {
            k += ftf_rng_below(&rng, 100) < rate;
            n++;
        }
        good += verdict == FTF_SEQUENTIAL_GOOD;
        *longest = n > *longest ? n : *longest;
    }
    return (good + 100) / 200;
}

static void test_sequential__keeps_its_word(void **state) {
    (void)state;
    const ftf_sequential flaky = {.good = 0.30, .bad = 0.15};
    uint32_t longest = 0;
    assert_true(taken(&usual, 95, &longest) >= 100 - FTF_SEQUENTIAL_REFUSED);
    assert_true(taken(&usual, 50, &longest) <= FTF_SEQUENTIAL_TAKEN);
    assert_true(longest <= FTF_SEQUENTIAL_MAX);
    assert_true(taken(&flaky, 30, &longest) >= 100 - FTF_SEQUENTIAL_REFUSED);
    assert_true(taken(&flaky, 15, &longest) <= FTF_SEQUENTIAL_TAKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequential__a_sure_one_takes_five_and_a_silent_one_is_refused_at_once),
        cmocka_unit_test(test_sequential__keeps_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
