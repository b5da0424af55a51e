#ifndef FTF_CLI_TARGET_H
#define FTF_CLI_TARGET_H
/*
 * What a person's TARGET means: which module to import, which folders have to be on sys.path for it in each flavour,
 * which file refines it, which seeds it starts from. Four shapes:
 *
 *     collections, xml.etree.ElementTree    a module that the interpreter can import; targets/<name>.toml may refine it
 *     ck03_borrowed_item[_fixed]            a planted bug of targets/canaries, built by ci/build-target
 *     ./myext                               a folder of single-file C extensions (*.c), which ci/build-target builds
 *                                           for each flavour, or of built ones (*.so; <folder>/<flavour>/ is used
 *                                           where it exists). With several modules in it: ./myext:_speedups
 *     multidict==6.7.1, ./checkout          a package with a build system of its own (package.h)
 *
 * Whether the module exists is found out by importing it (learn.h), not here.
 */
#include <stdbool.h>

#include "cli/paths.h"

enum { FTF_TARGET_NAME_MAX = 128 };

typedef struct ftf_target {
    char spec[FTF_FS_PATH_MAX];                    /* as it can be given again from anywhere: folders are absolute */
    char name[FTF_TARGET_NAME_MAX];                /* the module; also the name of the campaign's folder */
    char file[FTF_FS_PATH_MAX];                    /* the .toml that refines it, or "" */
    char seeds[FTF_FS_PATH_MAX];                   /* reviewed scenarios, or "" */
    char package[FTF_FS_PATH_MAX];                 /* the manifest of the package that was built, or "" */
    bool wheel;                                    /* of that package, as it came: nothing in it is instrumented */
    char source[FTF_FS_PATH_MAX];                  /* what ci/build-target is given to build it, or "" */
    char path[FTF_FLAVOUR_COUNT][FTF_FS_PATH_MAX]; /* for sys.path, or "" */
} ftf_target;

/* Builds packages (package.h). For all else path stays empty, if it has to be built, until ftf_target_build. */
ftf_status ftf_target_resolve(const ftf_paths *paths, const char *spec, ftf_target *out, ftf_error *err);

/* Makes the target importable in a flavour; takes seconds the first time when there is a source, nothing for all else.
 */
ftf_status ftf_target_build(const ftf_paths *paths, ftf_target *target, ftf_flavour flavour, ftf_error *err);

/* Which flavours to fuzz a target in when a person says "both", "tsan" or "asan"; each must be there. Of a wheel only asan makes
   sense: TSan sees no access of code that is not instrumented. Says so on standard error unless quiet. */
ftf_status ftf_target_choose_flavours(const ftf_paths *paths, const ftf_target *target, const char *word, bool quiet,
                                      bool flavours[FTF_FLAVOUR_COUNT], ftf_error *err);

/* Calls on_target for each target that has a file or is a canary, sorted; `what` is "target" or "canary". */
ftf_status ftf_target_list(const ftf_paths *paths,
                           void (*on_target)(void *self, const char *name, const char *what, const char *file),
                           void *self, ftf_error *err);

#endif
