#ifndef FTF_FINDINGS_FINDING_H
#define FTF_FINDINGS_FINDING_H
/*
 * A finding: what one or more records of the same trouble mean to a person. It has a kind, a signature, a blame and a
 * replay rate, and a folder of its own:
 *
 *     <out>/findings/<id>/
 *       finding.json   kind, title, signature, blame, frames, versions, flavour, replay {k, n}, steals, count,
 *                      first and last seen
 *       scenario.ft    what `ftfuzz replay` runs: explicit schedule; several scenarios when earlier ones are needed
 *       original.ft    as found
 *       record.json    the record that scenario.ft came from, with the history of its process
 *       report.txt     the symbolized report
 *       explain.txt    what happens in scenario.ft, call by call, once it was minimized
 *
 * Signature: `kind frameA | frameB`, the unordered pair of the innermost *meaningful* frames as `file.c:function`,
 * never line numbers or addresses, so it survives rebuilds. Meaningful is what is left after sanitizer runtime and
 * interceptors, libc, the harness, allocators, reference counting and atomic helpers in headers are skipped; where a
 * stack has a frame of the extension, the innermost one of those stands for the stack. For a use-after-free the pair
 * is (access, free); a crash with one stack has one frame.
 *
 * Blame: `extension` when the frame that stands for one of those stacks is the extension's (the catalog's blame files
 * and libraries), else `cpython` when they are the interpreter's, else `foreign`; `harness` when the trouble is ours
 * (reported as a bug of ours).
 *
 * id: <kind>-<8 hex digits of the signature's hash>; also the folder's name.
 *
 * Which frames mean something is decided in frames.h, how two stacks become one signature in signature.h; both are
 * pure and work on symbolized stacks, so that golden reports test them without a symbolizer.
 */
#include "base/text.h"
#include "findings/record.h"
#include "findings/symbolize.h"
#include "scenario/catalog.h"

enum { FTF_FINDING_ID_MAX = 64 };

typedef struct ftf_finding ftf_finding;

/* Works out signature, blame and text of a record. The catalog says what the extension's files are. */
ftf_status ftf_finding_from_record(ftf_symbolizer *symbolizer, const ftf_catalog *catalog, const ftf_record *record,
                                   ftf_finding **out, ftf_error *err);
void ftf_finding_destroy(ftf_finding *finding);
const char *ftf_finding_id(const ftf_finding *finding);
const char *ftf_finding_kind(const ftf_finding *finding);
const char *ftf_finding_signature(const ftf_finding *finding);
const char *ftf_finding_blame(const ftf_finding *finding);
const char *ftf_finding_title(const ftf_finding *finding);

/* Why this is a known race of the interpreter (known.h) of that version; NULL when it is none. */
const char *ftf_finding_known(const ftf_finding *finding, const char *python_version);

/* The members of finding.json that come from the record: kind, title, signature, blame, stacks, ... A new reference. */
json_t *ftf_finding_to_json(const ftf_finding *finding);

/* What a stack's role (record.h) means as the end of "lane 0 ...": "reads", "freed the memory". A word that is no role
   as it is. */
const char *ftf_finding_role_text(const char *role);

/* report.txt after its heading (title, replay rate, versions), which the store writes. */
void ftf_finding_report(const ftf_finding *finding, ftf_text *out);

#endif
