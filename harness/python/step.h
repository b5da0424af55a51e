#ifndef FTF_PYTHON_STEP_H
#define FTF_PYTHON_STEP_H
/*
 * One op, ready to run: its name interned or its callable looked up, its operands built as far as they can be.
 *
 * An operand is built once for the scenario when nothing can tell one run's object from the next (immutable literals,
 * names), anew for each run when it is mutable, and at the moment of the call when it refers to a slot of the lane: a list
 * literal that the first run filled must not reach the second.
 *
 * Threads: prepare, refresh and release on the main thread; run on any attached thread, which only reads the step.
 */
#include <Python.h>

#include "scenario/scenario.h"

typedef enum ftf_operand_when {
    FTF_OPERAND_ONCE,
    FTF_OPERAND_EACH_RUN,
    FTF_OPERAND_LATE,
    FTF_OPERAND_SLOT
} ftf_operand_when;

typedef struct ftf_operand {
    ftf_operand_when when;
    const ftf_value *value;
    PyObject *object; /* ONCE, EACH_RUN: owned; else NULL */
} ftf_operand;

enum { FTF_OPERANDS_MAX = 1 + FTF_ARGS_MAX }; /* self, then arguments, then keyword arguments */

typedef struct ftf_step {
    const ftf_op *op;
    PyObject *callable; /* CALL; NULL when the name means nothing here */
    PyObject *name;     /* METHOD and attributes: interned */
    PyObject *kwnames;  /* tuple or NULL */
    uint32_t count;     /* operands */
    ftf_operand operands[FTF_OPERANDS_MAX];
} ftf_step;

/* False when the op cannot run here: a name means nothing, a literal cannot be built. It is skipped then. */
bool ftf_step_prepare(ftf_step *step, const ftf_op *op);

/* Rebuilds what each run gets anew. */
void ftf_step_refresh(ftf_step *step);
void ftf_step_forget(ftf_step *step); /* drops what refresh built */
void ftf_step_release(ftf_step *step);

/* Runs the op with the caller's slots. New reference, or NULL with an exception; NULL without one, and *skipped set, when an
   operand's slot is empty. */
PyObject *ftf_step_run(const ftf_step *step, PyObject **slots, bool *skipped);

/* Looks up copy, pickle, sys.getsizeof and gc.collect; before the first step. */
bool ftf_step_init(void);

#endif
