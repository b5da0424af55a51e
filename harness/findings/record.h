#ifndef FTF_FINDINGS_RECORD_H
#define FTF_FINDINGS_RECORD_H
/*
 * A record: one observation of trouble, as raw as the worker could give it, before symbols, signature and blame.
 *
 * A live worker writes records itself (TSan and UBSan reports, error-protocol violations, in the main thread after the
 * scenario has ended) as JSON files into its spool folder, `<worker>-<n>.json`, written beside and renamed. For
 * a dead worker the supervisor makes the record from the black box and the text the sanitizer printed.
 *
 * JSON, format 1:
 *   {"format": 1, "kind": "data-race", "flavour": "tsan", "target": "collections",
 *    "scenario": "ftfuzz 1\n...",     with the explicit `schedule at` that was executed (for free runs: free)
 *    "original": "ftfuzz 1\n...",     as the fuzzer gave it
 *    "sequence": 812,                 number of the scenario in its process (1: nothing ran before it)
 *    "worker": "tsan0.3",             the process: third one of the first place of that flavour
 *    "runs": 4870, "cpu_us": 912000,  what it had spent until then: starts of the lanes, user and system time
 *    "history": ["ftfuzz 1\n...", ...],     the scenarios before it in that process, oldest first (at most 256)
 *    "cold": true,                    its process had called nothing of the target before (engine/cold.h)
 *    "steals": 0, "section": "lanes" | "setup" | "finish",
 *    "detail": "one line of the sanitizer or oracle",
 *    "stacks": [{"role": "write", "lane": 0, "op": 1, "address": "0x...", "size": 8,
 *                "frames": [{"module": "/abs/file", "offset": "0x1234"}],
 *                "waits": "mutex 0x..., which lane 1 has", "python": "File ..., line 3 in f\n..."}],
 *    "text": "the report as printed, for crashes"}
 *
 * Roles: read, write, atomic-read, atomic-write (an access; the first two stacks of a race), freed, allocated, mutex,
 * created (thread creation; usually left out), signal (where a crash happened), blocked, running and done (what a lane
 * does in a deadlock or hang, where `waits` and `python` say more). Frame 0 is the innermost. `lane` is -1 for a thread
 * that is no lane; `op` -1 where it is not known.
 *
 * Frames' offsets are of the *call instruction's return address minus 1* already (ready for llvm-symbolizer).
 * Ownership: a record owns its strings. Threads: none shared.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blackbox.h"
#include "base/status.h"

enum { FTF_STACKS_MAX = 12, FTF_FRAMES_MAX = 64 };

typedef struct ftf_frame {
    char *module;
    uint64_t offset;
} ftf_frame;

typedef struct ftf_stack {
    char role[16];
    int lane, op;
    uint64_t address;
    uint32_t size;
    uint32_t frame_count;
    ftf_frame frames[FTF_FRAMES_MAX];
    char *waits;  /* what a blocked lane waits for, and who has it; NULL: nobody knows */
    char *python; /* the lane's Python stack, a line for each frame; NULL: there is none */
} ftf_stack;

typedef struct ftf_record {
    char kind[32];
    char flavour[8];
    char *target, *scenario, *original, *detail, *text;
    uint64_t sequence;
    char worker[24]; /* "": not known */
    uint64_t runs, cpu_us;
    uint64_t steals;
    bool cold;
    char section[12];
    uint32_t history_count;
    char *history[FTF_BLACKBOX_HISTORY];
    uint32_t stack_count;
    ftf_stack stacks[FTF_STACKS_MAX];
} ftf_record;

ftf_record *ftf_record_create(void);
void ftf_record_destroy(ftf_record *record);
ftf_status ftf_record_copy(const ftf_record *record, ftf_record **out, ftf_error *err);

/* NULL: the heap gives no memory, or text in it was overwritten. Bytes that are no UTF-8 are no trouble: see record.c. */
json_t *ftf_record_to_json(const ftf_record *record);
ftf_status ftf_record_from_json(const json_t *json, ftf_record **out, ftf_error *err);

/* Writes the record as <folder>/<name>.json, whole or not at all. FTF_IO when the disk refused, FTF_HEAP when this process
   is not able to any more: in a worker the target may have destroyed the heap (engine/session.c). The file survives the
   kill -9 of anybody, but not a power cut: waiting for the disk took 3 % of the time of a worker whose module races all
   the time. */
ftf_status ftf_record_write(const ftf_record *record, const char *folder, const char *name, ftf_error *err);

/* Reads such a file. FTF_IO when the disk refused, FTF_INPUT when it is no record. */
ftf_status ftf_record_read(const char *path, ftf_record **out, ftf_error *err);

#endif
