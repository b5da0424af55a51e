#ifndef FTF_FINDINGS_SIGNATURE_H
#define FTF_FINDINGS_SIGNATURE_H
/*
 * From the stacks of one trouble to its identity: signature, blame, title, id. finding.h says what these mean.
 *
 * Which stacks count depends on the kind: the first two accesses of a race, the access and the free of a use after
 * free, every blocked lane of a deadlock, the
 * running one of a hang, else the first one. Trouble without stacks (a broken error protocol, a
 * missing declaration) is told apart by the callee and by its detail with numbers and addresses taken out.
 *
 * Special case: the harness uses an object that it holds a reference to, through nothing but the interpreter's call
 * plumbing, and the object is gone. Whoever gave away a reference too many did it earlier, in a call of the target, and
 * which plumbing stumbles over it is chance. So such a stack is `a-referenced-object` in the signature, and an error
 * of memory there is the extension's. (Who freed it is only known once a replay has watched the address.)
 *
 * Likewise a crash of an allocator that hands memory out is `a-destroyed-heap`: whoever asked for memory is innocent.
 *
 * Pure: works on named, classified stacks (frames.h) whose tops have been chosen.
 */
#include "findings/callee.h"
#include "findings/frames.h"

enum { FTF_SIGNATURE_MAX = 1200, FTF_TITLE_MAX = 400, FTF_PAIR_MAX = 4 };

typedef struct ftf_identity {
    char signature[FTF_SIGNATURE_MAX];
    char title[FTF_TITLE_MAX];
    char id[64];
    const char *blame; /* "extension", "cpython", "foreign", "harness" */
} ftf_identity;

/* `callee` is the op that trouble without stacks is about; NULL when that is not known. */
void ftf_identity_make(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count,
                       const ftf_callee *callee, ftf_identity *out);

/* Whether this stack is one that the signature is made of. */
bool ftf_stack_counts(const ftf_record *record, const ftf_named_stack *stacks, uint32_t count, uint32_t index);

#endif
