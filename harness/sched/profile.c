/*
 * Which points are worth a switch. Of the hundreds of loads and stores of a scenario only a handful touch memory that
 * another lane touches, too, and a switch anywhere else cannot change what the lanes see of each other. A serial run logs
 * the accesses of each lane; a point becomes a candidate when its 8-byte granule was touched by another lane
 * and one of the two wrote. (Choosing among the candidates instead of all points: 194 instead of 9 hits in 1,000 runs of
 * a check-then-use bug, FACTS.)
 *
 * Candidates are drawn in two steps, first the instruction and then one of its points: a loop that passes one instruction a
 * thousand times is as likely as the one access behind it.
 *
 * Addresses are compared within one run only, so it does not matter that the next run's objects lie elsewhere.
 * What is kept are ordinals, and they hold in later runs up to the first switch.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "sched/state.h"

enum {
    TABLE_BITS = 16,
    TABLE_SIZE = 1 << TABLE_BITS,
    CANDIDATES_MAX = 16384,
    GROUP_BITS = 9,
    GROUP_SLOTS = 1 << GROUP_BITS, /* instructions that touch shared memory in one scenario */
};

/* One granule: which lanes read it and which wrote it. */
typedef struct granule {
    uintptr_t address;
    uint32_t stamp;
    uint8_t readers, writers; /* bit i: lane i */
} granule;

/* What is known of one lane: its candidates by increasing point, the instructions that they belong to, where ops begin. */
typedef struct lane_profile {
    uint32_t count, group_count, op_count;
    uint32_t op_start[FTF_OPS_MAX + 1];
    struct {
        uint32_t pc, first, size; /* first: index into all */
    } groups[GROUP_SLOTS];
    ftf_candidate all[CANDIDATES_MAX];
    uint32_t next[CANDIDATES_MAX]; /* next[i]: index of the next candidate of the same instruction */
} lane_profile;

static granule *table;
static uint32_t stamp;

/* One a lane. In shared memory: cold processes (engine/cold.h) learn for the one that forks them. */
static lane_profile *learnt;

void ftf_profile_clear(void) {
    if (learnt == NULL) {
        learnt = mmap(NULL, FTF_LANES_MAX * sizeof *learnt, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        FTF_ASSERT(learnt != MAP_FAILED);
    }
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        learnt[i].count = learnt[i].group_count = learnt[i].op_count = 0;
        memset(learnt[i].op_start, 0, sizeof learnt[i].op_start);
    }
}

uint32_t ftf_profile_op_start(int lane, uint32_t op) {
    return learnt != NULL && op <= FTF_OPS_MAX ? learnt[lane].op_start[op] : 0;
}

void ftf_profile_note_op(const ftf_lane *lane, uint32_t op) {
    if (learnt != NULL && op < FTF_OPS_MAX) {
        learnt[lane->id].op_start[op] = lane->points + 1;
        learnt[lane->id].op_count = op + 1;
    }
}

const ftf_candidate *ftf_profile_candidates(int lane, uint32_t *count) {
    *count = learnt != NULL ? learnt[lane].count : 0;
    return learnt != NULL ? learnt[lane].all : NULL;
}

bool ftf_profile_draw(ftf_rng *rng, int lane, uint32_t *point) {
    const lane_profile *c = learnt != NULL ? &learnt[lane] : NULL;
    if (c == NULL || c->group_count == 0) {
        return false;
    }
    uint32_t group = ftf_rng_below(rng, c->group_count);
    uint32_t at = c->groups[group].first;
    for (uint32_t skip = ftf_rng_below(rng, c->groups[group].size); skip > 0; skip--) {
        at = c->next[at];
    }
    *point = c->all[at].point;
    return true;
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
    if (ftf_sched.alike) {
        return entry->writers != 0 && (others_write | others_read) != 0;
    }
    return others_write != 0 || (write && others_read != 0);
}

/* Merges this run's candidates of a lane into those of earlier runs, both increasing. */
static void merge(lane_profile *c, const ftf_candidate *fresh, uint32_t fresh_count) {
    static ftf_candidate merged[CANDIDATES_MAX];
    uint32_t i = 0, k = 0, n = 0;
    while ((i < c->count || k < fresh_count) && n < CANDIDATES_MAX) {
        ftf_candidate next;
        if (k == fresh_count || (i < c->count && c->all[i].point <= fresh[k].point)) {
            next = c->all[i++];
        } else {
            next = fresh[k++];
        }
        if (n == 0 || merged[n - 1].point != next.point) {
            merged[n++] = next;
        }
    }
    memcpy(c->all, merged, n * sizeof *merged);
    c->count = n;
}

/* Chains the candidates of each instruction. Instructions whose places in the small table are all taken share the last
   one's chain: they are drawn less often, that is all. */
static void group(lane_profile *c) {
    static uint32_t slot[GROUP_SLOTS]; /* 1 + index of the group */
    memset(slot, 0, sizeof slot);
    c->group_count = 0;
    for (uint32_t i = c->count; i-- > 0;) {
        uint32_t pc = c->all[i].pc, at = (pc * 0x9e3779b1u) >> (32 - GROUP_BITS), probe = 0;
        while (probe < 7 && slot[at] != 0 && c->groups[slot[at] - 1].pc != pc) {
            at = (at + 1) % GROUP_SLOTS;
            probe++;
        }
        if (slot[at] == 0) {
            slot[at] = ++c->group_count;
            c->groups[slot[at] - 1].pc = pc;
            c->groups[slot[at] - 1].size = 0;
        }
        uint32_t g = slot[at] - 1;
        c->next[i] = c->groups[g].first;
        c->groups[g].first = i;
        c->groups[g].size++;
    }
}

static void collect(int lane) {
    static ftf_candidate fresh[CANDIDATES_MAX];
    const ftf_access *log = ftf_sched.logs[lane];
    uint8_t bit = (uint8_t)(1u << lane);
    uint32_t count = 0;
    for (uint32_t n = 1; n <= logged(lane) && count < CANDIDATES_MAX; n++) {
        const granule *entry = log[n].address != 0 ? find_granule(log[n].address >> 3) : NULL;
        if (entry != NULL && is_shared(entry, bit, log[n].write)) {
            fresh[count++] = (ftf_candidate){n, log[n].pc};
        }
    }
    merge(&learnt[lane], fresh, count);
    group(&learnt[lane]);
}

void ftf_profile_learn(void) {
    if (table == NULL) {
        table = calloc(TABLE_SIZE, sizeof *table);
        FTF_ASSERT(table != NULL);
    }
    if (learnt == NULL) {
        ftf_profile_clear();
    }
    stamp++;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        mark(i);
    }
    for (int i = 0; i < ftf_sched.lanes; i++) {
        collect(i);
        learnt[i].op_start[learnt[i].op_count] = ftf_sched.lane[i].points; /* leaving was one more */
    }
}
