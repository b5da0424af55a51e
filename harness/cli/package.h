#ifndef FTF_CLI_PACKAGE_H
#define FTF_CLI_PACKAGE_H
/*
 * A target that is a package with a build system of its own: ci/build-package builds it in every flavour and writes a
 * manifest (ci/packages/main.py describes it), which is read here. Which module to import is known only then, so a package is built
 * when it is resolved: minutes the first time, about a second from the cache.
 *
 *     multidict==6.7.1        a requirement; with :MODULE when the package has several (zope.interface==8.2:zope.interface.ro)
 *     ./checkout              a folder with pyproject.toml or setup.py
 *     ./x-1.0.tar.gz          an sdist
 *     ./x-1.0-cp313-....whl   a wheel: its code is not instrumented, so it runs in the asan flavour alone, where the
 *                             interpreter and libc see what it does to memory that they touch
 */
#include "cli/target.h"

/* Whether a module's name is none of the standard library: then it is taken for a package's. */
bool ftf_package_is_wanted(const ftf_paths *paths, const char *spec);

/* Builds the package and fills in out: spec, name, package, wheel and the paths of every flavour that has an interpreter. `module` is
   "" for the obvious one. FTF_SETUP when it cannot be built; what the compiler said is on standard error by then. */
ftf_status ftf_package_resolve(const ftf_paths *paths, const char *spec, const char *module, ftf_target *out,
                               ftf_error *err);

#endif
