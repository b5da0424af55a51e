#ifndef FTF_ENGINE_MODULES_H
#define FTF_ENGINE_MODULES_H
/*
 * Program counters to (file, offset), the form in which a stack outlives the process. Main thread or watchdog; takes the
 * loader's lock.
 */
#include <stdint.h>

/* The loaded file that holds pc and the offset that llvm-symbolizer wants; NULL when it is in none. The string lives as long
   as the process. */
const char *ftf_modules_find(uintptr_t pc, uint64_t *offset);

#endif
