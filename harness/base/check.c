#include "base/check.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The message is put together by hand: stdio takes locks and allocates, and this runs in lanes, in sanitizer callbacks
 * and when memory has run out.
 */
typedef struct message {
    char text[512];
    size_t len;
} message;

static void add(message *out, const char *string) {
    size_t room = sizeof out->text - out->len;
    size_t len = strlen(string);
    if (len > room) {
        len = room;
    }
    memcpy(out->text + out->len, string, len);
    out->len += len;
}

static void add_number(message *out, int number) {
    char digits[12];
    char *p = digits + sizeof digits;
    unsigned rest = number < 0 ? 0u : (unsigned)number;
    *--p = '\0';
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    add(out, p);
}

_Noreturn void ftf_exit(int code) {
    for (;;) {
        syscall(SYS_exit_group, code);
    }
}

_Noreturn void ftf_bug(const char *file, int line, const char *what) {
    message out = {.len = 0};
    add(&out, "FTF-BUG ");
    add(&out, file);
    add(&out, ":");
    add_number(&out, line);
    add(&out, ": ");
    add(&out, what);
    if (out.len == sizeof out.text) {
        out.len--;
    }
    out.text[out.len++] = '\n';
    ssize_t written = write(STDERR_FILENO, out.text, out.len);
    (void)written; /* nothing is left to be done about a message that cannot be written */
    ftf_exit(FTF_WORKER_EXIT_BUG);
}
