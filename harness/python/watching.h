#ifndef FTF_PYTHON_WATCHING_H
#define FTF_PYTHON_WATCHING_H
/*
 * Who allocated, and who freed, the memory at one address: for a replay that explains (base/trace.h). Replays are exact, so the
 * address that one process reported is the same object in the next, and this finds both stacks also for objects in mimalloc,
 * of which no sanitizer keeps any.
 *
 * What an extension gets from malloc itself is not seen here; ASan has those stacks in its report.
 */
#include <stdint.h>

/* The stack of the caller, innermost first; how many frames. */
typedef uint32_t (*ftf_unwinder)(uintptr_t *frames, uint32_t room);

/* From now on blocks that hold the address are noted when they come and go, with who did it. Main thread, while no lane
   runs. */
void ftf_watching_begin(uintptr_t address, ftf_unwinder unwind);

#endif
