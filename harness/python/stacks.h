#ifndef FTF_PYTHON_STACKS_H
#define FTF_PYTHON_STACKS_H
/*
 * What Python knows of a lane that does not go on: its Python stack, and the lock of CPython that it is parked at. For the
 * verdict of a deadlock or hang, in a process that ends right after it.
 *
 * Threads: any, while the lane stands still. Takes no lock of the interpreter and needs no thread state: it is what CPython's
 * own faulthandler uses from a signal handler.
 */
#include <stddef.h>
#include <stdint.h>

#include "vm.h"

/* Writes a line `  File "...", line 3 in f` for each frame of the lane (-1: the main thread), innermost first, and returns
   how many bytes; 0 when it is in no Python function. */
size_t ftf_stacks_python(const ftf_vm *vm, int lane, char *out, size_t room);

/* The address of the PyMutex, event or whatever else a thread is parked at, from the semaphore in its stack that it waits for; 0
   when it is none of the parking lot's. */
uintptr_t ftf_stacks_parked(const void *semaphore);

#endif
