#include "base/status.h"

#include <stdio.h>

static const char *const status_names[] = {
#define FTF_STATUS(name, text) text,
#include "base/status.def"
#undef FTF_STATUS
};

_Static_assert(sizeof status_names / sizeof *status_names == FTF_STATUS_COUNT, "one text for each status");

static void set_error(ftf_error *err, ftf_status status, int line, const char *format, va_list arguments) {
    if (!err) {
        return;
    }
    err->status = status;
    err->line = line;
    if (vsnprintf(err->text, sizeof err->text, format, arguments) < 0) {
        err->text[0] = '\0';
    }
}

ftf_status ftf_fail(ftf_error *err, ftf_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_error(err, status, 0, format, arguments);
    va_end(arguments);
    return status;
}

ftf_status ftf_fail_at(ftf_error *err, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_error(err, FTF_INPUT, line, format, arguments);
    va_end(arguments);
    return FTF_INPUT;
}

const char *ftf_status_name(ftf_status status) {
    return (unsigned)status < FTF_STATUS_COUNT ? status_names[status] : "unknown";
}

int ftf_status_exit(ftf_status status) { return status == FTF_OK ? FTF_EXIT_CLEAN : FTF_EXIT_SETUP; }
