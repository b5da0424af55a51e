#include "cli/commands.h"

#include <stdio.h>

int ftf_command_fail(const ftf_error *err) {
    if (err->line > 0) {
        fprintf(stderr, "ftfuzz: error: line %d: %s\n", err->line, err->text);
    } else {
        fprintf(stderr, "ftfuzz: error: %s\n", err->text);
    }
    return ftf_status_exit(err->status);
}
