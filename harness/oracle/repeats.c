#include "oracle/repeats.h"

#include "base/hash.h"
#include "oracle/raw.h"
#include "sched/flow.h"

#ifdef FTF_TSAN

static uint64_t callees[FTF_LANES_MAX][FTF_OPS_MAX];

void ftf_repeats_begin(const ftf_scenario *scenario) {
    for (uint32_t lane = 0; lane < scenario->lane_count; lane++) {
        for (uint32_t op = 0; op < scenario->lanes[lane].count; op++) {
            callees[lane][op] = ftf_op_call_hash(&scenario->lanes[lane].ops[op]);
        }
    }
}

/* What the runtime passes: its thread, the four shadow words of the 8 bytes, the new and the old access as such words, and how the new one
   is made. */
#define REPORT_RACE _ZN6__tsan10ReportRaceEPNS_11ThreadStateEPNS_9RawShadowENS_6ShadowES4_m
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

extern void JOIN(__real_, REPORT_RACE)(void *thread, uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type)
    __attribute__((weak));
void JOIN(__wrap_, REPORT_RACE)(void *thread, uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type);

enum {
    ACCESS_WRITE = 0, /* types: a plain write, a plain read; all others (atomic, free, range of a call) are left alone */
    ACCESS_READ = 1,
    OLD_IS_FREE = 0x81, /* in the low byte of an old access */
    SHADOW_WORDS = 4,
    MEETING_BITS = 14,
};

typedef struct meeting {
    uint8_t swallowed; /* of its latest reports, up to FTF_KNOWN_AFTER */
    uint8_t skipped;   /* since TSan was last let report it */
} meeting;

static meeting meetings[1 << MEETING_BITS]; /* by hash */

/* The runtime's mapping on x86-64 Linux (tsan_platform.h). */
static uintptr_t shadow_of(uintptr_t address) {
    return (address & ~(UINT64_C(0x700000000000) | 7)) * 2 + UINT64_C(0x100000000000);
}

static uint64_t hash_access(const ftf_flow_access *access) {
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, &access->pc, sizeof access->pc);
    uint64_t callee = access->op < FTF_OPS_MAX ? callees[access->lane][access->op] : 0;
    return ftf_hash_bytes(hash, &callee, sizeof callee);
}

/* The meeting that is to be reported; NULL when it is not one that the log knows, such as a memcpy. */
static meeting *find_meeting(const uint32_t *shadow, uint32_t old, uintptr_t type) {
    uintptr_t address;
    bool write;
    ftf_flow_access mine, other;
    if (type > ACCESS_READ || (old & 0xff) == OLD_IS_FREE || !ftf_flow_meeting(&address, &write, &mine, &other) ||
        write != (type == ACCESS_WRITE) || shadow_of(address) != ((uintptr_t)shadow & ~(uintptr_t)15)) {
        return NULL;
    }
    uint64_t hash = hash_access(&mine) + hash_access(&other); /* unordered, as findings are */
    return &meetings[(hash * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - MEETING_BITS)];
}

static bool is_known(meeting *met) {
    if (met == NULL || met->swallowed < FTF_KNOWN_AFTER) {
        return false;
    }
    met->skipped = (uint8_t)((met->skipped + 1) % FTF_LOOK_AGAIN);
    return met->skipped != 0;
}

/* It may have been neither: there is not always room. */
static void note_report(meeting *met, bool kept, bool swallowed) {
    if (kept) {
        met->swallowed = 0;
    } else if (swallowed && met->swallowed < FTF_KNOWN_AFTER) {
        met->swallowed++;
    }
}

void JOIN(__wrap_, REPORT_RACE)(void *thread, uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type) {
    meeting *met = find_meeting(shadow, old, type);
    if (!is_known(met)) {
        uint64_t before = ftf_raw_swallowed();
        uint32_t kept = ftf_raw_count();
        JOIN(__real_, REPORT_RACE)(thread, shadow, now, old, type);
        if (met != NULL) {
            note_report(met, ftf_raw_count() > kept, ftf_raw_swallowed() > before);
        }
    }
    for (int i = 0; met != NULL && i < SHADOW_WORDS; i++) { /* armed again */
        __atomic_store_n(&shadow[i], i == 0 ? now : 0, __ATOMIC_RELAXED);
    }
}

#else

void ftf_repeats_begin(const ftf_scenario *scenario) { (void)scenario; }

#endif
