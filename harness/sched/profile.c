/*
 * Which points are worth a switch. Of the hundreds of loads and stores of a scenario only a handful touch memory that
 * another lane touches, too, and a switch anywhere else cannot change what the lanes see of each other. A serial run logs
 * the accesses of each lane; a point becomes a candidate when its 8-byte granule was touched by another lane
 * and one of the two wrote. (Choosing among the candidates instead of all points: 194 instead of 9 hits in 1,000 runs of
 * a check-then-use bug, FACTS.)
 *
 * Addresses are compared within one run only, so it does not matter that the next run's objects lie elsewhere.
 * What is kept are ordinals, and they hold in later runs up to the first switch.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/state.h"

enum { TABLE_BITS = 16, TABLE_SIZE = 1 << TABLE_BITS, CANDIDATES_MAX = 16384 };

/* One granule: which lanes read it and which wrote it. */
typedef struct granule {
    uintptr_t address;
    uint32_t stamp;
    uint8_t readers, writers; /* bit i: lane i */
} granule;

static granule *table;
static uint32_t stamp;
static uint32_t *candidates[FTF_LANES_MAX];
static uint32_t candidate_count[FTF_LANES_MAX];

void ftf_profile_clear(void) { memset(candidate_count, 0, sizeof candidate_count); }

const uint32_t *ftf_profile_candidates(int lane, uint32_t *count) {
    *count = candidate_count[lane];
    return candidates[lane];
}

/* The entry of a granule, made when it is new; NULL when its neighbourhood of the table is full (then the point is no
   candidate, which costs a chance and no correctness). */
static granule *find_granule(uintptr_t address) {
    uint32_t at = (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_BITS));
    for (uint32_t probe = 0; probe < 16; probe++) {
        granule *entry = &table[(at + probe) & (TABLE_SIZE - 1)];
        if (entry->stamp != stamp) {
            *entry = (granule){.address = address, .stamp = stamp};
            return entry;
        }
        if (entry->address == address) {
            return entry;
        }
    }
    return NULL;
}

static uint32_t logged(int lane) {
    uint32_t points = ftf_sched.lane[lane].points;
    return points < FTF_PROFILE_POINTS ? points : FTF_PROFILE_POINTS - 1;
}

static void mark(int lane) {
    const ftf_access *log = ftf_sched.logs[lane];
    uint8_t bit = (uint8_t)(1u << lane);
    for (uint32_t n = 1; n <= logged(lane); n++) {
        granule *entry = log[n].address != 0 ? find_granule(log[n].address >> 3) : NULL;
        if (entry != NULL && log[n].write) {
            entry->writers |= bit;
        } else if (entry != NULL) {
            entry->readers |= bit;
        }
    }
}

static bool is_shared(const granule *entry, uint8_t bit, bool write) {
    uint8_t others_write = entry->writers & (uint8_t)~bit;
    uint8_t others_read = entry->readers & (uint8_t)~bit;
    return others_write != 0 || (write && others_read != 0);
}

/* Merges this run's candidates of a lane into those of earlier runs, both increasing. */
static void merge(int lane, const uint32_t *fresh, uint32_t fresh_count) {
    static uint32_t merged[CANDIDATES_MAX];
    uint32_t *old = candidates[lane], old_count = candidate_count[lane];
    uint32_t i = 0, k = 0, n = 0;
    while ((i < old_count || k < fresh_count) && n < CANDIDATES_MAX) {
        uint32_t next;
        if (k == fresh_count || (i < old_count && old[i] <= fresh[k])) {
            next = old[i++];
        } else {
            next = fresh[k++];
        }
        if (n == 0 || merged[n - 1] != next) {
            merged[n++] = next;
        }
    }
    memcpy(old, merged, n * sizeof *old);
    candidate_count[lane] = n;
}

static void collect(int lane) {
    static uint32_t fresh[CANDIDATES_MAX];
    const ftf_access *log = ftf_sched.logs[lane];
    uint8_t bit = (uint8_t)(1u << lane);
    uint32_t count = 0;
    for (uint32_t n = 1; n <= logged(lane) && count < CANDIDATES_MAX; n++) {
        const granule *entry = log[n].address != 0 ? find_granule(log[n].address >> 3) : NULL;
        if (entry != NULL && is_shared(entry, bit, log[n].write)) {
            fresh[count++] = n;
        }
    }
    merge(lane, fresh, count);
}

void ftf_profile_learn(void) {
    if (table == NULL) {
        table = calloc(TABLE_SIZE, sizeof *table);
        FTF_ASSERT(table != NULL);
        for (int i = 0; i < FTF_LANES_MAX; i++) {
            candidates[i] = calloc(CANDIDATES_MAX, sizeof *candidates[i]);
            FTF_ASSERT(candidates[i] != NULL);
        }
    }
    stamp++;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        mark(i);
    }
    for (int i = 0; i < ftf_sched.lanes; i++) {
        collect(i);
    }
}
