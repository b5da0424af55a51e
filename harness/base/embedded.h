#ifndef FTF_BASE_EMBEDDED_H
#define FTF_BASE_EMBEDDED_H
/*
 * A file that is part of the executable: a script that an interpreter is to run, a template. ci/cmake/embed.cmake makes tables
 * of them, "python_sources.h" and "page_sources.h". Threads: constants.
 */
#include <stddef.h>

typedef struct ftf_embedded {
    const char *name; /* of the file; NULL ends a table */
    const char *text; /* NUL-terminated */
    size_t len;
} ftf_embedded;

#endif
