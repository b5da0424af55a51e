#ifndef FTF_CLI_EXERCISED_H
#define FTF_CLI_EXERCISED_H
/*
 * What a campaign has exercised (base/exercise.h), against what the catalog says there is: which callables two threads were in
 * at the same time, which pairs of operations on one shared object, and which never, and why. Part of check.json:
 *
 *   "coverage": {"callables": {"total": 9, "overlapped": 7, "called": 1, "refused": 0, "never": 0, "unknown": 1, "skipped": 0},
 *                "pairs": {"total": 45, "overlapped": 31}, "lost": 0},
 *   "callables": [{"name": "deque.append", "kind": "method", "native": true, "status": "overlapped",
 *                  "calls": 12, "accepted": 12, "overlapped": 5, "reason": ""}],
 *   "types": [{"name": "deque", "public": true, "builtin": false,
 *              "operations": [{"name": "deque.append", "short": "append", "listed": true,
 *                              "calls": 12, "accepted": 12, "overlapped": 5}],
 *              "pairs": [{"a": 0, "b": 3, "inside": 4, "around": 2, "findings": ["use-after-free-486351d6"]}],
 *              "pair_total": 45, "pair_overlapped": 31}]
 *
 * The status of a callable: `overlapped` (accepted, and a call of another thread was under way), `called` (accepted, but never
 * that), `refused` (every call ended with TypeError), `never` (not drawn), `unknown` (nobody knows what it accepts), `skipped` (not
 * to be called). `reason` says why, where that is not all.
 *
 * Types stand in order of their weight for the generator. "operations" holds what the catalog lists, and behind it what was seen
 * besides ("listed" false: the object was an argument, say); "pair_total" counts pairs of the former. A pair was seen in `inside` runs
 * in which b ran while a was under way, and in `around` runs the other way round; those that were in none and have no finding
 * are left out.
 *
 * Ownership: new references. Threads: no state.
 */
#include <jansson.h>

#include "base/exercise.h"
#include "findings/finding.h"
#include "scenario/deeds.h"

/* Two operations on one object that a finding is about. */
typedef struct ftf_suspect {
    char finding[FTF_FINDING_ID_MAX];
    const char *type; /* of the object; "" when it is not known */
    ftf_deed a, b;
} ftf_suspect;

typedef struct ftf_exercised {
    json_t *coverage, *callables, *types;
} ftf_exercised;

void ftf_exercised_tell(const ftf_catalog *catalog, const ftf_exercise *map, const ftf_suspect *suspects, size_t count,
                        ftf_exercised *out);

#endif
