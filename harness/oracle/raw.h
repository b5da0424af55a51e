#ifndef FTF_ORACLE_RAW_H
#define FTF_ORACLE_RAW_H
/*
 * What a sanitizer saw, while the process goes on: reports of TSan and UBSan as plain program counters.
 *
 * The sanitizers call us in the middle of a report, on the lane's thread and partly with the runtime's locks held. So the
 * hooks only copy into static memory: no malloc, no lock, no printing. After the run the main thread takes what has come in,
 * and everything expensive (modules, JSON, symbols) happens there or in the supervisor.
 *
 * The same pair of places is kept FTF_REPEATS times per process and counted from then on: a hot race would otherwise
 * drown the rest, and the second and third witness may be the ones with the smaller scenario. Of one run it is kept once: its other
 * witnesses would say the same, and take the room of what comes later.
 *
 * (Whether a race is reported at all in the middle of the list is not ours to say: TSan disarms the 8 bytes of a race it
 * has reported, so the session re-arms them with __tsan_flush_memory now and then.)
 */
#include <stdbool.h>
#include <stdint.h>

enum {
    FTF_RAW_MAX = 128, /* reports kept of one run; more are counted */
    FTF_RAW_STACKS = 4,
    FTF_RAW_FRAMES = 48,
    FTF_REPEATS = 3,
};

typedef struct ftf_raw_stack {
    const char *role;   /* as in findings/record.h; static */
    uint64_t os_thread; /* kernel thread id, 0 where unknown */
    uint64_t address;
    uint32_t size;
    uint32_t frame_count;
    uintptr_t frames[FTF_RAW_FRAMES]; /* innermost first; addresses inside the calling instruction */
} ftf_raw_stack;

typedef struct ftf_raw_report {
    const char *kind; /* name in kinds.def; static */
    char detail[160];
    uint32_t stack_count;
    ftf_raw_stack stacks[FTF_RAW_STACKS];
} ftf_raw_report;

/* Reports that have come in since the last clear. Main thread, while no lane runs. */
uint32_t ftf_raw_count(void);
const ftf_raw_report *ftf_raw_get(uint32_t index);
void ftf_raw_clear(void);

/* All reports of this process, repeats included. */
uint64_t ftf_raw_total(void);

/* Of those, the repeats that were not kept. */
uint64_t ftf_raw_swallowed(void);

/* When on (the default), reports are kept here and not printed; off, the sanitizer prints and acts as usual, for runs
   without a supervisor. */
void ftf_raw_capture(bool on);

/* Lets TSan report races on memory again that it has reported on already; costs about a millisecond. */
void ftf_raw_rearm(void);

/* From now on repeats are counted together with all processes that are forked later: what each of many short ones sees once
   is a repeat, too. Before there are threads. */
void ftf_raw_share_repeats(void);

/* For the hooks: a report to fill in, or NULL when there is no room; ftf_raw_commit files it, unless it is a repeat. */
ftf_raw_report *ftf_raw_begin(void);
void ftf_raw_commit(ftf_raw_report *report);
bool ftf_raw_capturing(void);

#endif
