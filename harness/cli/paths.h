#ifndef FTF_CLI_PATHS_H
#define FTF_CLI_PATHS_H
/*
 * Where things are: this checkout, the build, the cache, the interpreters, the workers. ci/setup told the build most of
 * it (ftfuzz_config.h); the environment may say otherwise, which is how tests put a fake worker in place:
 *
 *     FTFUZZ_ROOT                         targets/, corpora/, ci/
 *     FTFUZZ_CACHE                        interpreters, catalogs, logs; default ~/.cache/ftfuzz
 *     FTFUZZ_PYTHON_PLAIN, _TSAN, _ASAN   prefixes of the interpreters
 *     FTFUZZ_WORKER_TSAN, _ASAN           executables; default: beside ftfuzz itself
 *
 * Threads: written once by ftf_paths_find, then only read.
 */
#include "base/fs.h"
#include "base/status.h"

typedef enum ftf_flavour {
    FTF_FLAVOUR_PLAIN, /* no sanitizer: for learning the catalog and for stock reproducers; has no worker */
    FTF_FLAVOUR_TSAN,
    FTF_FLAVOUR_ASAN,
    FTF_FLAVOUR_COUNT
} ftf_flavour;

typedef struct ftf_paths {
    char root[FTF_FS_PATH_MAX];
    char cache[FTF_FS_PATH_MAX];
    char python[FTF_FLAVOUR_COUNT][FTF_FS_PATH_MAX]; /* prefix; "" when it was not built */
    char worker[FTF_FLAVOUR_COUNT][FTF_FS_PATH_MAX]; /* "" for PLAIN */
} ftf_paths;

ftf_status ftf_paths_find(ftf_paths *out, ftf_error *err);

/* "plain", "tsan", "asan". */
const char *ftf_flavour_name(ftf_flavour flavour);

/* The flavour of that name; FTF_FLAVOUR_COUNT when there is none. */
ftf_flavour ftf_flavour_find(const char *name);

/* FTF_SETUP, saying how to get it, when the interpreter or the worker of a flavour is not there. */
ftf_status ftf_paths_need(const ftf_paths *paths, ftf_flavour flavour, ftf_error *err);

/* The executable of that flavour that needs no supervisor (engine/alone.h); it lies beside the worker. FTF_SETUP when it is not built. */
ftf_status ftf_paths_alone(const ftf_paths *paths, ftf_flavour flavour, char path[FTF_FS_PATH_MAX], ftf_error *err);

/* The python executable of an interpreter. */
ftf_status ftf_paths_python(const ftf_paths *paths, ftf_flavour flavour, char path[FTF_FS_PATH_MAX], ftf_error *err);

/* Makes a folder for scratch in the cache; the caller removes it. `folder` is "" on failure. */
ftf_status ftf_paths_make_scratch(const ftf_paths *paths, char folder[FTF_FS_PATH_MAX], ftf_error *err);

/* Formats a path; FTF_LIMIT when it does not fit. */
ftf_status ftf_path(char path[FTF_FS_PATH_MAX], ftf_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
