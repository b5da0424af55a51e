#ifndef FTF_SCENARIO_SCHEDULE_H
#define FTF_SCENARIO_SCHEDULE_H
/* Schedules drawn at random, for the generator and the mutators. */
#include "base/rng.h"
#include "scenario/scenario.h"

/* A fresh pct schedule. Known races need a depth of 2 or 3; 1 only orders the lanes, which is enough for some. */
static inline void ftf_schedule_fresh(ftf_rng *rng, ftf_schedule *schedule) {
    static const uint32_t depths[] = {1, 2, 2, 2, 3, 3, 3, 4};
    *schedule = (ftf_schedule){.kind = FTF_SCHEDULE_PCT};
    schedule->seed = ftf_rng_next(rng) >> 32; /* short enough to be read */
    schedule->depth = depths[ftf_rng_below(rng, sizeof depths / sizeof *depths)];
}

/* Another schedule than this one: a fresh pct mostly, else the same seed with another depth. Never free: drawn scenarios run in
   workers that are pinned to one CPU, where free lanes follow one another. */
static inline void ftf_schedule_draw(ftf_rng *rng, ftf_schedule *schedule) {
    if (schedule->kind == FTF_SCHEDULE_PCT && ftf_rng_below(rng, 100) < 20) {
        schedule->depth = 1 + schedule->depth % 4;
    } else {
        ftf_schedule_fresh(rng, schedule);
    }
}

#endif
