#ifndef FTF_ORACLE_UNWIND_H
#define FTF_ORACLE_UNWIND_H
/*
 * Stacks by frame pointers: everything in this process that matters is compiled with them, and a walk needs no lock, no
 * malloc and no tables, so it works in a signal handler and inside a sanitizer's report.
 */
#include <stdint.h>

/* The stack of the caller, innermost first, addresses inside the calling instructions; how many. */
uint32_t ftf_unwind_here(uintptr_t *frames, uint32_t room);

/* The same from the registers that a signal interrupted. */
typedef struct ftf_registers {
    uintptr_t pc, stack_pointer, frame_pointer;
} ftf_registers;

uint32_t ftf_unwind_from(const ftf_registers *at, uintptr_t *frames, uint32_t room);

#endif
