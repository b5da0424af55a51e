#ifndef FTF_CLI_CHECK_H
#define FTF_CLI_CHECK_H
/*
 * The verdict of `ftfuzz check` and the document it comes from, check.json. The page (page.h) shows what is in it, and so does the
 * terminal; nothing is worked out twice.
 *
 * check.json, format 1:
 *
 *   {"format": 1, "tool": "ftfuzz", "version": "0.1.0",
 *    "target": {"spec": "collections", "name": "collections", "import": "collections", "version": "3.13.5",
 *               "contract": "memory-safe", "promise": "..."},    what its maintainer promises (catalog.h), and in words
 *    "verdict": {"exit": 1, "word": "unsafe", "line": "..."},
 *                 word: clean, unsafe (findings are blamed on the extension), undeclared (importing it switches the GIL on, and nothing
 *                 else was found), nothing (no scenario was run, or workers could not go on), broken (a bug of ftfuzz)
 *    "interrupted": false,
 *    "gil": {"declares": "declared" | "not-declared" | "n/a", "imports_with_gil_off": true | false | null},
 *    "environment": {"command": "...", "seed": 7, "python": "3.13.5", "compiler": "clang 19", "cpus": 2, "jobs": 2,
 *                    "flavours": ["tsan", "asan"], "budget_seconds": 60, "seconds": 58.2,
 *                    "system": "Linux 6.1 x86_64", "libraries": [{"name": "_x.so", "flavour": "asan",
 *                    "points": true, "sanitizer": true}]},    what of the extension was loaded, and whether it was built to be seen
 *    "package": null | {...},      the package's own package.json, as whoever built it wrote it
 *    "campaign": {...},            campaign.json without its list of findings
 *    "coverage", "callables", "types"      exercised.h
 *    "findings": [{"id", "kind", "meaning", "title", "signature", "blame", "flavour", "here": true,    seen by this check
 *                  "breaks_contract": true,
 *                  "rate": "20/20", "verdict": "replays", "gil": "only without the GIL (...)", "minimized": "...", "repro": "...",
 *                  "pairs": [{"type": "deque", "a": "deque.append", "b": "deque.clear"}],
 *                  "folder": "out/.../findings/<id>", "explain", "scenario", "report", "script": texts, "" where there is none}],
 *    "known": 0,                   reports of races of the interpreter that are known (findings/known.def): not filed
 *    "damaged": 0,                 folders in findings/ that are none
 *    "pays": {...}}                pays.h
 *
 * Threads: one.
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/drive.h"

typedef struct ftf_check {
    const ftf_drive *drive;
    ftf_campaign *campaign;
    json_t *pays; /* borrowed; NULL: it was not measured */
    uint64_t budget_s;
    double seconds; /* that it took until now */
    bool interrupted;
} ftf_check;

/* A new reference. Reads the findings back from the campaign's folder. */
ftf_status ftf_check_to_json(const ftf_check *check, json_t **out, ftf_error *err);

/* What a person wants to know first, from that document. `folder` is where its page is; NULL: it could not be written. */
void ftf_check_print(const json_t *document, const char *folder, FILE *to);

#endif
