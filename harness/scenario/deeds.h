#ifndef FTF_SCENARIO_DEEDS_H
#define FTF_SCENARIO_DEEDS_H
/*
 * What an op does to an object, named for a person: `OrderedDict.clear`, `len(OrderedDict)`, `OrderedDict[k] = v`,
 * `deque.maxlen (get)`, `extend(list)` where the list is an argument. Ops that are alike but for their other arguments have one
 * name: it is what a maintainer thinks of as one operation, and what the rows and columns of `ftfuzz check` are.
 *
 *     ftf_deed deed = ftf_deed_of(op, slot);
 *     ftf_deed_print(&deed, "OrderedDict", &text);
 *
 * Pure. Threads: no state.
 */
#include "base/text.h"
#include "scenario/catalog.h"
#include "scenario/scenario.h"

typedef enum ftf_deed_place {
    FTF_DEED_ALONE,    /* no object that we know: a call of a function */
    FTF_DEED_SELF,     /* the object is the receiver, or the left operand */
    FTF_DEED_ARGUMENT, /* it is an argument or in one, or the right operand */
    FTF_DEED_PLACE_COUNT
} ftf_deed_place;

typedef struct ftf_deed {
    ftf_op_code code;
    ftf_deed_place place;
    const char
        *name; /* of the callable or attribute; "" where the code says it all. Borrowed from the op or the catalog. */
} ftf_deed;

/* What the op does to the object in a slot; with FTF_NO_SLOT what it does, whatever is in slots. */
ftf_deed ftf_deed_of(const ftf_op *op, int slot);

/* The slot of the object that the op is about: its receiver, or the container that `in` looks into. FTF_NO_SLOT: none. */
int ftf_deed_object(const ftf_op *op);

/* What an action (actions.h) of a type of the catalog does. */
struct ftf_action;
ftf_deed ftf_deed_of_action(const ftf_catalog *catalog, const ftf_type *type, const struct ftf_action *action);

/* Whether objects of that type (a word of ftf_deed_type) have such a method or attribute at all: mutation tries what they lack as
   well, and an AttributeError accepts nothing. */
bool ftf_deed_fits(const ftf_catalog *catalog, const char *type, const ftf_deed *deed);

/* `object` is what to call the object. */
void ftf_deed_print(const ftf_deed *deed, const char *object, ftf_text *out);

/* What a slot holds (gen.h), as a word: the name of a type of the catalog or of a builtin; "" when nothing is known. */
const char *ftf_deed_type(const ftf_catalog *catalog, int holds);

#endif
