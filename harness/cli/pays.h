#ifndef FTF_CLI_PAYS_H
#define FTF_CLI_PAYS_H
/*
 * Does it pay to go without the GIL? Calls a second of the module's own operations on the plain interpreter, with the GIL and
 * without, in one thread and in as many as there are CPUs, each with objects of its own and all on the same ones. The work is done by
 * harness/pays/pays.py in processes of its own with deadlines, since operations crash and hang; this runs it and reads what it
 * says. Part of check.json:
 *
 *   "pays": {"threads": 2, "alternations": 5, "seconds": 9.8, "trouble": "",
 *            "summary": {"line": "...", "note": "", "cpus": 1.96, "single_cost": 1.02, "separate": {"gil": 0.97, "free": 1.9},
 *                        "shared": {"gil": 0.97, "free": 0.4}},
 *            "operations": [{"name": "deque.append", "from": "catalog", "calls": 9.1e6,     a second, one thread, without the GIL
 *                            "single_cost": 1.03, "separate": {"gil": 0.97, "free": 1.92}, "shared": {"gil": 0.9, "free": 0.31},
 *                            "shared_trouble": ""}],    why there are no figures on shared objects: it crashed, or did not end
 *            "failed": [{"name": "deque.pop", "reason": "IndexError: pop from an empty deque"}]}
 *
 * Ratios are to one thread of the same interpreter; single_cost is the time of a call without the GIL to that with it. Each is the
 * median over the alternations, the summary's the median over the operations; null where it was not measured. "cpus" is how many the
 * threads with objects of their own had without the GIL; "note" says so where they were too few.
 *
 * Threads: one.
 */
#include <jansson.h>

#include "cli/drive.h"

/* A new reference; {"trouble": ...} when nothing could be measured, which is no error. NULL when Ctrl-C ended it. */
json_t *ftf_pays_measure(const ftf_drive *drive, uint64_t seconds);

#endif
