/*
 * A sanitizer has begun to report an error that ends the process. Weak hooks of the runtimes, called on the thread that made the error:
 * ASan's with its lock held and before it prints; for deadly signals, under TSan as well, the first line that is printed has
 * to do.
 */
#include "oracle/dying.h"

#include <stdatomic.h>
#include <string.h>

#include "sched/sched.h"

static _Atomic bool dying;

bool ftf_is_dying(void) { return atomic_load(&dying); }

static void begin_to_die(void) {
    atomic_store(&dying, true);
    ftf_sched_resign();
}

void __asan_on_error(void);
void __asan_on_error(void) { begin_to_die(); }

void __sanitizer_on_print(const char *text);
void __sanitizer_on_print(const char *text) {
    if (strstr(text, "DEADLYSIGNAL") != NULL) {
        begin_to_die();
    }
}
