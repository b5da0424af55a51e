#ifndef FTF_PYTHON_PYVM_H
#define FTF_PYTHON_PYVM_H
/*
 * vm.h, in Python: what executing a scenario means to the embedded interpreter.
 *
 * Slots. Each lane has its own array: at the start it holds one reference to every shared object, as a local variable of
 * a thread would, so `del a` in a lane drops that lane's reference and nothing of ours is shared between lanes. The
 * main thread keeps a reference of its own unless a lane drops the slot and finish does not use it: then the last lane
 * destroys the object.
 *
 * Reference counts. In a free-threaded build the thread that made an object owns its fast count, and what others drop is
 * queued to the owner, who frees it when he next looks. The main thread makes the shared objects and then waits, so
 * it would never look, and an object that a lane has freed would stay alive: no use-after-free could be seen. We
 * therefore take the main thread out of the owners' table while lanes run, exactly as if the thread that made the objects had
 * ended; whoever drops the last reference frees at once. A lane is taken out when its section ends, for the same reason.
 *
 * Threads: as vm.h says.
 */
#include "vm.h"

/* After the target `module` was imported. The calling thread is the main thread; it is attached to the interpreter, and detached
   when this returns: from then on it attaches between prepare and release only. NULL on failure. */
ftf_vm *ftf_pyvm_create(const char *module, ftf_error *err);
void ftf_pyvm_destroy(ftf_vm *vm);

/* What the first error-protocol violation of a lane in this run said; "" when there was none. */
const char *ftf_pyvm_violation(const ftf_vm *vm, int lane);

/* The same for the setup and finish sections of this run. */
const char *ftf_pyvm_main_violation(const ftf_vm *vm);

/* The lane's thread state (a PyThreadState), or the main thread's for lane -1. */
struct _ts *ftf_pyvm_thread(const ftf_vm *vm, int lane);

#endif
