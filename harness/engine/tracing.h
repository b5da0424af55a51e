#ifndef FTF_ENGINE_TRACING_H
#define FTF_ENGINE_TRACING_H
/*
 * A replay that is written down (base/trace.h): the loaded files, each op, each switch with its stack, and the life of the
 * memory at one address.
 */
#include "base/status.h"

/* Before the first scenario. `watch` is an address as digits, or NULL. */
ftf_status ftf_tracing_begin(const char *path, const char *watch, ftf_error *err);

#endif
