#ifndef FTF_ENGINE_FEEDBACK_H
#define FTF_ENGINE_FEEDBACK_H
/*
 * What libFuzzer is told about interleavings. Its own counters say which code of the extension ran; that saturates within
 * seconds, long before the interesting meetings of two threads have been seen. Two more kinds of feature say how lanes met:
 *
 *   - (writer instruction, reader instruction): one lane's access found what another lane's write had left;
 *   - (op, op): the second ran in one lane while the first, on the same shared object, was interrupted in another.
 *
 * They are published only from runs without a steal: what does not repeat must not draw the fuzzer's attention, least of all
 * because it is rare (entropic scheduling prefers rare features).
 *
 * Threads: main thread, while no lane runs.
 */
#include <stdint.h>

#include "scenario/scenario.h"

/* The scenario whose runs follow; borrowed until the next one. */
void ftf_feedback_begin(const ftf_scenario *scenario);

/* After a run that is deterministic: tells libFuzzer how the lanes met in it, and the exercise map (exercise.h) which ops
   overlapped, since the logs of a run are walked once. */
void ftf_feedback_publish(void);

/* Tells libFuzzer that this execution was worth keeping, whatever it was. */
void ftf_feedback_mark(void);

/* How many different features this process has published. */
uint64_t ftf_feedback_count(void);

#endif
