#ifndef FTF_PYTHON_BUILD_H
#define FTF_PYTHON_BUILD_H
/*
 * Values and names of a scenario as Python objects.
 *
 * A name is looked up in the target module, then in builtins, then, when it is dotted, as an attribute path whose first
 * component is an importable module. A recipe is called from recipes.py, which is part of this executable.
 *
 * Ownership: functions that return PyObject * return a new reference, or NULL with an exception set. Threads: any that is
 * attached to the interpreter.
 */
#include <Python.h>

#include "base/status.h"
#include "scenario/scenario.h"

/* Prepares names and recipes; after the target was imported. */
ftf_status ftf_build_init(const char *module, ftf_error *err);

/* Slots as seen by the section that the value stands in: entries may be NULL. */
PyObject *ftf_build_value(const ftf_value *value, PyObject *const *slots);

/* The object a dotted name means. */
PyObject *ftf_build_global(const char *name);

#endif
