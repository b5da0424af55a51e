/*
 * The coverage callbacks that clang puts right before each load and store of code built with
 * `-fsanitize-coverage=trace-loads,trace-stores`, and before TSan's own check of the access. libFuzzer defines none of them.
 * The extension under test runs through here millions of times a second: no call, no lock, two compares.
 */
#include "sched/state.h"

#define FTF_ACCESS_HOOK(size) \
    void __sanitizer_cov_load##size(void *address); \
    void __sanitizer_cov_load##size(void *address) { \
        ftf_lane *lane = ftf_self != NULL ? ftf_self : ftf_free_lane; \
        if (lane != NULL) { \
            uint32_t caller = (uint32_t)(uintptr_t)__builtin_return_address(0); \
            ftf_point(lane, (uintptr_t)address, caller, false); \
        } \
    } \
    void __sanitizer_cov_store##size(void *address); \
    void __sanitizer_cov_store##size(void *address) { \
        ftf_lane *lane = ftf_self != NULL ? ftf_self : ftf_free_lane; \
        if (lane != NULL) { \
            uint32_t caller = (uint32_t)(uintptr_t)__builtin_return_address(0); \
            ftf_point(lane, (uintptr_t)address, caller, true); \
        } \
    }

FTF_ACCESS_HOOK(1)
FTF_ACCESS_HOOK(2)
FTF_ACCESS_HOOK(4)
FTF_ACCESS_HOOK(8)
FTF_ACCESS_HOOK(16)
