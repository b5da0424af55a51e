#ifndef FTF_REDUCE_SEQUENTIAL_H
#define FTF_REDUCE_SEQUENTIAL_H
/*
 * How many replays are enough to say that a scenario shows a finding: Wald's sequential probability ratio test (Annals
 * of Mathematical Statistics, 1945). Each fresh process that shows it, or does not, moves the odds between two hypotheses,
 * "it shows in at least `good` of them" and "in at most `bad`"; as soon as they are clear nobody runs another one.
 *
 *     const ftf_sequential test = {.good = 0.95, .bad = 0.5};
 *     ftf_sequential_decide(&test, 5, 5) == FTF_SEQUENTIAL_GOOD
 *     ftf_sequential_decide(&test, 0, 1) == FTF_SEQUENTIAL_BAD
 *
 * A scenario as bad as `bad` is taken with a probability of FTF_SEQUENTIAL_TAKEN percent at most, one as good as `good`
 * refused with FTF_SEQUENTIAL_REFUSED percent. Pure.
 */
#include <stdint.h>

enum { FTF_SEQUENTIAL_TAKEN = 5, FTF_SEQUENTIAL_REFUSED = 10 };

/* 0 < bad < good < 1 */
typedef struct ftf_sequential {
    double good, bad;
} ftf_sequential;

typedef enum ftf_sequential_verdict {
    FTF_SEQUENTIAL_OPEN, /* more are needed */
    FTF_SEQUENTIAL_GOOD,
    FTF_SEQUENTIAL_BAD,
} ftf_sequential_verdict;

/* k of n showed it. */
ftf_sequential_verdict ftf_sequential_decide(const ftf_sequential *test, uint32_t k, uint32_t n);

/* At most so many are needed before every k decides, when what is asked is a yes or no at last: more of them say "no". */
enum { FTF_SEQUENTIAL_MAX = 60 };

#endif
