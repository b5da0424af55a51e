#include "scenario/sequence.h"

#include <string.h>

static const char header[] = "ftfuzz 1\n";

const char *ftf_sequence_first(const char *text) {
    if (strncmp(text, header, sizeof header - 1) == 0) {
        return text;
    }
    const char *found = strstr(text, "\nftfuzz 1\n");
    return found != NULL ? found + 1 : NULL;
}

const char *ftf_sequence_next(const char *at) { return ftf_sequence_first(at + 1); }

size_t ftf_sequence_length(const char *at) {
    const char *next = ftf_sequence_next(at);
    return next != NULL ? (size_t)(next - at) : strlen(at);
}
