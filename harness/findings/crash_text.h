#ifndef FTF_FINDINGS_CRASH_TEXT_H
#define FTF_FINDINGS_CRASH_TEXT_H
/*
 * From what a dying process printed to a kind, a line of detail and stacks. Pure text work, tested with golden
 * reports of every sanitizer (tests/data/reports).
 *
 * The *headline* decides: the first line that a sanitizer or libFuzzer prints when it ends the process. What came
 * before it on stderr (a failed assertion, "Fatal Python error: ...", a message of glibc's malloc) explains an abort
 * better than the headline does and becomes the detail. Without any headline those lines decide by themselves.
 *
 * Frames look like one of
 *     #3 0x55fd0915e5f1  (/path/module+0x4f5f1) (BuildId: ...)        ASan, UBSan, TSan with our stack_trace_format
 *     #3 <null> <null> (module+0x4f5f1) (BuildId: ...)                TSan's own format
 * and the printed offset is already that of the call (one before the return address), in all of them and in frame 0
 * too; so it goes to the symbolizer unchanged.
 */
#include <stdbool.h>
#include <stddef.h>

#include "findings/record.h"

/* Sets kind, detail, text (the part that matters, bounded) and stacks of record. False, and record untouched, when
   the text says nothing about a crash. */
bool ftf_crash_text_parse(const char *text, size_t len, ftf_record *record);

/*
 * Appends the stacks of a hang or deadlock verdict in the black box:
 *
 *     lane 0 op 2 (blocked):
 *       waits for mutex 0x7ffff4a01040, which lane 1 has
 *       File "<recipe>", line 4 in __eq__
 *         #0 0x55fd0915e5f1 (/path/module+0x4f5f1)
 *     lane 1 op -1 (done):
 *
 * A lane's role is `running` or `done` where its first line says so, else `blocked`. What it waits for and its Python stack,
 * innermost frame first, may be missing. Lane -1 is the main thread.
 */
void ftf_crash_text_add_lanes(const char *text, size_t len, ftf_record *record);

#endif
