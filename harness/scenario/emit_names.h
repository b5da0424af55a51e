#ifndef FTF_SCENARIO_EMIT_NAMES_H
#define FTF_SCENARIO_EMIT_NAMES_H
/*
 * Names that mean something in a script that emit.h writes, whatever the scenario is: a slot may not be called so, and a name of
 * the target that is called so has to be reached in another way.
 */
#include <stdbool.h>

/* Of python/rounds.py, of the modules that it imports, of functions that emit.h makes. */
bool ftf_emit_is_script_name(const char *name);

/* Of Python's builtins, in 3.13. */
bool ftf_emit_is_builtin(const char *name);

#endif
