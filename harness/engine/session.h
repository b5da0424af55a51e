#ifndef FTF_ENGINE_SESSION_H
#define FTF_ENGINE_SESSION_H
/*
 * A session runs scenarios one after the other in one process, and turns what the oracles saw into records.
 *
 * One execution of a `pct` scenario is several *rounds*. The first two run the lanes one after the other, in a random
 * order and in its reverse: TSan sees most races there already (a race needs two unordered accesses, not a
 * collision), and the scheduler learns which points touch shared memory. The other rounds drop priorities: at points
 * chosen from those, at op boundaries, or often and anywhere. `at` and `free` scenarios run once. All random choices
 * come from the scenario's own seed.
 *
 * Threads: main thread only.
 */
#include <stddef.h>

#include "base/blackbox.h"
#include "engine/options.h"
#include "lanes/pool.h"
#include "scenario/catalog.h"
#include "vm.h"

typedef struct ftf_session ftf_session;

/* Borrows everything. */
ftf_session *ftf_session_create(const ftf_options *options, const ftf_catalog *catalog, ftf_vm *vm, ftf_pool *pool,
                                ftf_blackbox *box);
void ftf_session_destroy(ftf_session *session);

/* From now on each scenario is run once, under this plan instead of its schedule. Borrowed. */
void ftf_session_use_plan(ftf_session *session, const ftf_run_plan *plan);

/* Runs one scenario under its schedule; the text is what the fuzzer gave. FTF_INPUT when it does not parse. */
ftf_status ftf_session_run(ftf_session *session, const char *text, size_t len, ftf_error *err);

/* Whether a lane of the last scenario was cut short (ftf_sched_had_enough): it is no good to go on from. */
bool ftf_session_was_cut(const ftf_session *session);

#endif
