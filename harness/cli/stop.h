#ifndef FTF_CLI_STOP_H
#define FTF_CLI_STOP_H
/*
 * Ctrl-C and the like: the first one asks for an end in order, which whoever works looks at now and then; the second ends the
 * program the hard way (its children die with it).
 */
#include <signal.h>
#include <stdbool.h>

/* How many there were. */
extern volatile sig_atomic_t ftf_stop_signals;

/* From now on SIGINT, SIGTERM and SIGHUP are counted, and a reader of our output that goes away ends nothing. */
void ftf_stop_on_signals(void);

/* A tick for reduce/attempt.h: false once there was one. */
bool ftf_stop_not_yet(void *unused);

#endif
