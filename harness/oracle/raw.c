#include "oracle/raw.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/hash.h"

enum { SEEN_BITS = 14, SEEN_SIZE = 1 << SEEN_BITS };

static ftf_raw_report reports[FTF_RAW_MAX];
static _Atomic uint32_t used;
static _Atomic uint64_t total, swallowed;
static _Atomic bool capture = true;

/* How often each pair of places has come, by hash; two pairs that collide share a count, which loses repeats only. */
static _Atomic uint8_t own[SEEN_SIZE];
static _Atomic uint8_t *seen = own;

/* In which run each pair was last kept. Runs are told apart by the calls of ftf_raw_clear. */
static _Atomic uint32_t kept_in[SEEN_SIZE];
static _Atomic uint32_t this_run = 1;

extern void __tsan_flush_memory(void) __attribute__((weak));

uint32_t ftf_raw_count(void) {
    uint32_t count = atomic_load(&used);
    return count < FTF_RAW_MAX ? count : FTF_RAW_MAX;
}

const ftf_raw_report *ftf_raw_get(uint32_t index) { return &reports[index]; }

void ftf_raw_clear(void) {
    atomic_store(&used, 0);
    atomic_fetch_add(&this_run, 1);
}

uint64_t ftf_raw_total(void) { return atomic_load(&total); }

uint64_t ftf_raw_swallowed(void) { return atomic_load(&swallowed); }

void ftf_raw_capture(bool on) { atomic_store(&capture, on); }

bool ftf_raw_capturing(void) { return atomic_load(&capture); }

void ftf_raw_share_repeats(void) {
    void *shared = mmap(NULL, SEEN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FTF_ASSERT(shared != MAP_FAILED);
    seen = shared;
}

void ftf_raw_rearm(void) {
    if (__tsan_flush_memory != NULL) {
        __tsan_flush_memory();
    }
}

/* Slots are taken one after the other; a repeat leaves its slot empty (kind NULL) instead of giving it back, because
   another thread may have taken the next one. */
ftf_raw_report *ftf_raw_begin(void) {
    atomic_fetch_add(&total, 1);
    uint32_t index = atomic_load(&used);
    do {
        if (index >= FTF_RAW_MAX) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&used, &index, index + 1));
    reports[index].kind = NULL;
    reports[index].stack_count = 0;
    reports[index].detail[0] = 0;
    return &reports[index];
}

/* The innermost three frames of a stack: the access and who asked for it. */
static uint64_t stack_hash(const ftf_raw_stack *stack) {
    uint32_t frames = stack->frame_count < 3 ? stack->frame_count : 3;
    return ftf_hash_bytes(FTF_HASH_START, stack->frames, frames * sizeof stack->frames[0]);
}

void ftf_raw_commit(ftf_raw_report *report) {
    uint64_t hash = 0; /* a sum, so that the pair is unordered */
    for (uint32_t i = 0; i < report->stack_count && i < 2; i++) {
        hash += stack_hash(&report->stacks[i]);
    }
    size_t place = (size_t)((hash * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - SEEN_BITS));
    uint32_t run = atomic_load(&this_run);
    if (atomic_load(&seen[place]) >= FTF_REPEATS || atomic_exchange(&kept_in[place], run) == run) {
        report->kind = NULL;
        atomic_fetch_add(&swallowed, 1);
        if (atomic_load(&used) == (uint32_t)(report - reports) + 1) {
            atomic_fetch_sub(&used, 1); /* the last one: nobody has come after us */
        }
        return;
    }
    atomic_fetch_add(&seen[place], 1);
}
