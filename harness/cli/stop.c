#include "cli/stop.h"

#include <stddef.h>
#include <unistd.h>

volatile sig_atomic_t ftf_stop_signals;

static void on_signal(int signal) {
    ftf_stop_signals = ftf_stop_signals + 1;
    if (ftf_stop_signals > 1) {
        _exit(128 + signal);
    }
}

void ftf_stop_on_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool ftf_stop_not_yet(void *unused) {
    (void)unused;
    return ftf_stop_signals == 0;
}
