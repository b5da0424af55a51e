#include "oracle/unwind.h"

#include <stdbool.h>
#include <stddef.h>

/* Lanes have 16 MiB of stack (lanes/pool.c). A frame pointer outside of what lies above the stack pointer is none: libc
   was built without them and keeps something else in the register. */
enum { STACK_BYTES = 16 << 20 };

static bool on_stack(uintptr_t pointer, uintptr_t low) {
    return pointer >= low && pointer - low < STACK_BYTES && pointer % sizeof(uintptr_t) == 0;
}

uint32_t ftf_unwind_from(const ftf_registers *at, uintptr_t *frames, uint32_t room) {
    uint32_t count = 0;
    if (room > 0 && at->pc != 0) {
        frames[count++] = at->pc;
    }
    uintptr_t frame_pointer = at->frame_pointer, low = at->stack_pointer;
    while (count < room && on_stack(frame_pointer, low)) {
        const uintptr_t *frame = (const uintptr_t *)frame_pointer;
        if (frame[1] < 4096) {
            break; /* the outermost frame returns to nowhere */
        }
        frames[count++] = frame[1] - 1;
        low = frame_pointer + 1; /* callers lie above */
        frame_pointer = frame[0];
    }
    return count;
}

__attribute__((noinline)) uint32_t ftf_unwind_here(uintptr_t *frames, uint32_t room) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return ftf_unwind_from(&(ftf_registers){.stack_pointer = here, .frame_pointer = here}, frames, room);
}
