#ifndef FTF_BASE_RNG_H
#define FTF_BASE_RNG_H
/*
 * The only source of randomness in ftfuzz: a seeded generator that the caller owns. Same seed, same numbers, on
 * every machine. (splitmix64, Steele, Lea and Flood 2014: one 64-bit word of state, no bad seeds.)
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct ftf_rng {
    uint64_t state;
} ftf_rng;

static inline ftf_rng ftf_rng_seed(uint64_t seed) { return (ftf_rng){.state = seed}; }

static inline uint64_t ftf_rng_next(ftf_rng *rng) {
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number in [0, bound); 0 when bound is 0. */
static inline uint32_t ftf_rng_below(ftf_rng *rng, uint32_t bound) {
    return (uint32_t)(((ftf_rng_next(rng) >> 32) * (uint64_t)bound) >> 32);
}

/* A number in [low, high]. */
static inline int ftf_rng_range(ftf_rng *rng, int low, int high) {
    return low + (int)ftf_rng_below(rng, (uint32_t)(high - low) + 1u);
}

/* True once in `in` calls on average. */
static inline bool ftf_rng_one_in(ftf_rng *rng, uint32_t in) { return ftf_rng_below(rng, in) == 0; }

/* A number from an exponential distribution with mean `mean`: a drawn number's -log2 to within 9 %, without libm. */
static inline uint32_t ftf_rng_exponential(ftf_rng *rng, uint32_t mean) {
    enum { LN2 = 45426 }; /* times 2^16 */
    uint64_t drawn = ftf_rng_next(rng) | 1;
    int zeros = __builtin_clzll(drawn);
    uint64_t fraction = (drawn << zeros << 1) >> 48;
    uint64_t log2 = ((uint64_t)zeros << 16) + (65535 - fraction);
    return (uint32_t)((log2 * mean * LN2) >> 32);
}

#endif
