/*
 * A sanitizer has begun to report an error that ends the process. Weak hooks of the runtimes, called on the thread that made the error:
 * ASan's with its lock held and before it prints; for deadly signals, under TSan as well, the first line that is printed has
 * to do.
 */
#include <string.h>

#include "sched/sched.h"

void __asan_on_error(void);
void __asan_on_error(void) { ftf_sched_resign(); }

void __sanitizer_on_print(const char *text);
void __sanitizer_on_print(const char *text) {
    if (strstr(text, "DEADLYSIGNAL") != NULL) {
        ftf_sched_resign();
    }
}
