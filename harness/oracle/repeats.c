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

/* What the runtime passes: its thread, the four shadow words of the 8 bytes (emptied by then), the new and the old
   access as such words, and how the new one is made; and by chance, in the register that a sixth argument would have,
   the four words as they were. Whether they are there can be seen: the old access is one of them. */
#define REPORT_RACE _ZN6__tsan10ReportRaceEPNS_11ThreadStateEPNS_9RawShadowENS_6ShadowES4_m
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

enum {
    ACCESS_WRITE =
        0, /* types: a plain write, a plain read; all others (atomic, free, range of a call) are left alone */
    ACCESS_READ = 1,
    ACCESS_GIVEN_PC = 1 << 4, /* a bit besides: one of access_again */
    WORD_BYTES = 0xff,        /* in a shadow word: which of the 8 bytes the access touches */
    WORD_IS_FREE = 0x81,      /* those of one that is a free */
    WORD_IS_READ = 1 << 30,
    WORD_DISARMED = WORD_IS_READ, /* what the runtime leaves behind */
    SHADOW_WORDS = 4,
    THREAD_PC =
        4, /* which word of the runtime's thread says where its latest access was made (ThreadState::trace_prev_pc) */
    MEETING_BITS = 14,
};

typedef uint32_t shadow_words __attribute__((vector_size(SHADOW_WORDS * sizeof(uint32_t))));

extern void JOIN(__real_, REPORT_RACE)(void *thread, uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type)
    __attribute__((weak));
void JOIN(__wrap_, REPORT_RACE)(void *thread, uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type,
                                shadow_words before);

typedef struct meeting {
    uint8_t swallowed; /* of its latest reports, up to FTF_KNOWN_AFTER */
    uint8_t skipped;   /* since TSan was last let report it */
} meeting;

static meeting meetings[1 << MEETING_BITS]; /* by hash */

/* The runtime's mapping on x86-64 Linux (tsan_platform.h): twice these bits of an address, and an offset. */
#define ADDRESS_BITS (~(UINT64_C(0x700000000000) | 7))

static uintptr_t granule_of(const uint32_t *shadow) {
    return (((uintptr_t)shadow & ~(uintptr_t)15) - UINT64_C(0x100000000000)) / 2;
}

/* The shadow word of an access that took part, and all that the log knows of it. */
static uint64_t hash_access(const ftf_flow_access *access, uint32_t word) {
    uint32_t kind = word & (WORD_IS_READ | WORD_BYTES);
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, &access->pc, sizeof access->pc);
    hash = ftf_hash_bytes(hash, &kind, sizeof kind);
    uint64_t callee = access->op < FTF_OPS_MAX ? callees[access->lane][access->op] : 0;
    return ftf_hash_bytes(hash, &callee, sizeof callee);
}

static bool is_plain(uint32_t old, uintptr_t type) { return type <= ACCESS_READ && (old & WORD_BYTES) != WORD_IS_FREE; }

/* The meeting that is to be reported; NULL when it is not one that the log knows, such as a memcpy. */
static meeting *find_meeting(const uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type) {
    uintptr_t address;
    bool write;
    ftf_flow_access mine, other;
    if (!is_plain(old, type) || !ftf_flow_meeting(&address, &write, &mine, &other) || write != (type == ACCESS_WRITE) ||
        (address & ADDRESS_BITS) != granule_of(shadow)) {
        return NULL;
    }
    uint64_t hash = hash_access(&mine, now) + hash_access(&other, old); /* unordered, as findings are */
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

/* ---- the other accesses to the same 8 bytes -------------------------------------------------------------------------- */

/* Takes the access that was reported out of the words. False when the words are not there, or no other is left. */
static bool take_out(shadow_words *words, uint32_t reported) {
    shadow_words left = {0};
    int count = 0, taken = 0;
    for (int i = 0; i < SHADOW_WORDS; i++) {
        if ((*words)[i] == reported) {
            taken++;
        } else if ((*words)[i] != 0) {
            left[count++] = (*words)[i];
        }
    }
    *words = left;
    return taken > 0 && count > 0;
}

#define FTF_ACCESSES(X) X(1) X(2) X(4) X(8)
#define DECLARE(size) \
    extern void JOIN(JOIN(__tsan_read, size), _pc)(void *address, void *pc); \
    extern void JOIN(JOIN(__tsan_write, size), _pc)(void *address, void *pc);
FTF_ACCESSES(DECLARE)
#undef DECLARE

/* Lets TSan look at the access once more. Of the address it takes those bits only that choose the shadow words. */
static void access_again(const uint32_t *shadow, uint32_t now, uintptr_t type, void *pc) {
    void *address = (void *)(granule_of(shadow) + (uintptr_t)__builtin_ctz(now & WORD_BYTES));
    bool write = type == ACCESS_WRITE;
    switch (__builtin_popcount(now & WORD_BYTES)) {
#define CASE(size) \
    case size: (write ? JOIN(JOIN(__tsan_write, size), _pc) : JOIN(JOIN(__tsan_read, size), _pc))(address, pc); return;
        FTF_ACCESSES(CASE)
#undef CASE
    default: return;
    }
}

static void store_words(uint32_t *shadow, shadow_words words) {
    for (int i = 0; i < SHADOW_WORDS; i++) {
        __atomic_store_n(&shadow[i], words[i], __ATOMIC_RELAXED);
    }
}

/* A race that the log does not know, as when the interpreter's own code is at it, would be reported each time: it stays disarmed. */
void JOIN(__wrap_, REPORT_RACE)(void *thread, uint32_t *shadow, uint32_t now, uint32_t old, uintptr_t type,
                                shadow_words before) {
    uintptr_t plain = type & ~(uintptr_t)ACCESS_GIVEN_PC;
    meeting *met = find_meeting(shadow, now, old, plain);
    void *pc = ((void **)thread)[THREAD_PC];
    if (!is_known(met)) {
        uint64_t swallowed = ftf_raw_swallowed();
        uint32_t kept = ftf_raw_count();
        JOIN(__real_, REPORT_RACE)(thread, shadow, now, old, type);
        if (met != NULL) {
            note_report(met, ftf_raw_count() > kept, ftf_raw_swallowed() > swallowed);
        }
    }
    bool more = is_plain(old, plain) && take_out(&before, old);
    if (more) {
        store_words(shadow, before);
        access_again(shadow, now, plain, pc);
    }
    if (met == NULL && is_plain(old, plain)) {
        store_words(shadow, (shadow_words){WORD_DISARMED});
    } else if (met != NULL && !more) {
        store_words(shadow, (shadow_words){now});
    }
}

#else

void ftf_repeats_begin(const ftf_scenario *scenario) { (void)scenario; }

#endif
