#ifndef FTF_BASE_STATUS_H
#define FTF_BASE_STATUS_H
/*
 * How a function of ours says that it could not do what it was asked to do.
 *
 * There are three kinds of trouble and they never mix. An *operating error* (a missing file, a malformed line) is
 * an ftf_status with a message in an ftf_error that says what to do about it. A *bug of ours* is an FTF_ASSERT
 * (check.h). A *finding* is neither: it is data (oracle/).
 *
 *     ftf_status load(const char *path, ftf_error *err) {
 *         if (...) return ftf_fail(err, FTF_IO, "cannot read %s: %s", path, strerror(errno));
 *
 * Ownership: the caller owns the ftf_error, which holds its text inline. Threads: none of this is shared.
 */
#include <stdarg.h>

typedef enum ftf_status {
#define FTF_STATUS(name, text) FTF_##name,
#include "base/status.def"
#undef FTF_STATUS
    FTF_STATUS_COUNT
} ftf_status;

typedef struct ftf_error {
    ftf_status status;
    int line;       /* 1-based line of the input that is at fault; 0 where that means nothing */
    char text[500]; /* one line for a person, no newline at its end */
} ftf_error;

/* Fills err (which may be NULL) and returns status, so that a caller can write `return ftf_fail(...)`. */
ftf_status ftf_fail(ftf_error *err, ftf_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for trouble at a line of an input. */
ftf_status ftf_fail_at(ftf_error *err, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

const char *ftf_status_name(ftf_status status);

/* What the process exits with when status ended it: 0 for FTF_OK, else FTF_EXIT_SETUP. */
int ftf_status_exit(ftf_status status);

enum {
    FTF_EXIT_CLEAN = 0,
    FTF_EXIT_FINDINGS = 1,
    FTF_EXIT_SETUP = 2, /* usage or set-up */
    FTF_EXIT_BUG = 3,   /* a bug of ours: FTF_ASSERT, or a worker that broke without a scenario running */
};

#endif
