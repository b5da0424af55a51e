#ifndef FTF_ENGINE_ALONE_H
#define FTF_ENGINE_ALONE_H
/*
 * A target that runs alone: an executable that `ftfuzz export` put into a folder, and that OSS-Fuzz, ClusterFuzz or a person starts
 * with libFuzzer's options and nothing else. There is no supervisor that reads a spool, so the process itself says what is a
 * finding, prints it as the sanitizer would, and dies of it; libFuzzer then writes the scenario as its artifact.
 *
 *     <out>/ftfuzz_array                       the executable; what follows is found from where it lies
 *     <out>/ftfuzz_data/python/                the interpreter's library
 *     <out>/ftfuzz_data/lib/                   shared libraries of the system
 *     <out>/ftfuzz_data/ftfuzz_array/          catalog.json, and path/ for sys.path
 *
 * It is the same code as a worker, compiled with FTF_ALONE. Only what is blamed on the extension ends the process, by the rules
 * of findings/finding.h: the target would otherwise die of the interpreter's own races before it came to anything else. For an error that
 * ASan or a signal ends the process with nobody can choose.
 *
 * Threads: main thread, but for ftf_alone_stuck.
 */
#include <stdbool.h>

#include "engine/options.h"
#include "findings/record.h"
#include "scenario/catalog.h"

#ifdef FTF_ALONE
#define FTF_IS_ALONE true
#else
#define FTF_IS_ALONE false
#endif

/* Fills in what the command line does not say: catalog, home and paths. argv0 counts where there is no /proc. */
ftf_status ftf_alone_find(const char *argv0, ftf_options *options, ftf_error *err);

/* Does not return when the record is a finding that is the extension's; else says in one line whose it is. */
void ftf_alone_judge(const ftf_catalog *catalog, const ftf_record *record);

/* Any thread: a deadlock or hang, with what every lane does. Takes no lock and no memory, since a lane may have them. */
_Noreturn void ftf_alone_stuck(const char *kind, const char *lanes);

/* Any thread: a call that goes on for ever though nobody disturbs it is no finding, and the process is of no more use. Ends as libFuzzer
   does at its own -timeout, which -fork and -merge know what to make of. */
_Noreturn void ftf_alone_slow(void);

#endif
