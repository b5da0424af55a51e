#ifndef FTF_FINDINGS_CALLEE_H
#define FTF_FINDINGS_CALLEE_H
/*
 * Whose call was it? For trouble that has no stack, such as a call that returns NULL without an exception, all that
 * is known is the line of the scenario. A line is the target's when it calls something of the target, or does
 * something to an object that the target made; `bytes(a)` of a plain bytearray is the interpreter's affair, whatever
 * the target is.
 *
 * Pure: works on the scenario and the catalog.
 */
#include <stdbool.h>
#include <stdint.h>

#include "scenario/catalog.h"
#include "scenario/scenario.h"

enum { FTF_CALLEE_NAME_MAX = 200 };

typedef struct ftf_callee {
    char name[FTF_CALLEE_NAME_MAX]; /* "move_to_end", "next", "+=": without arguments, so it survives other ones */
    bool of_target;
} ftf_callee;

/* Describes an op of the scenario. Without a catalog everything is the target's. */
void ftf_callee_describe(const ftf_scenario *scenario, const ftf_catalog *catalog, const ftf_op *op,
                         ftf_callee *out);

#endif
