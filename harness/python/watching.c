#include "python/watching.h"

#include <Python.h>

#include "base/trace.h"
#include "sched/sched.h"

enum { DOMAINS = 3 };

static PyMemAllocatorEx below[DOMAINS];
static uintptr_t watched;
static uintptr_t block_now; /* the one that holds it; 0: none does */
static ftf_unwinder unwind_here;

static void note(ftf_trace_kind kind, uintptr_t block, size_t size) {
    int lane = ftf_sched_self();
    ftf_trace_event event = {.kind = (uint8_t)kind,
                             .lane = (int16_t)(lane < 0 ? FTF_OWNER_SETUP : lane),
                             .op = (uint16_t)(lane < 0 ? 0 : ftf_sched_op_of(lane)),
                             .address = watched,
                             .block = block,
                             .size = size};
    uintptr_t frames[FTF_TRACE_FRAMES];
    event.frame_count = unwind_here(frames, FTF_TRACE_FRAMES);
    for (uint32_t i = 0; i < event.frame_count; i++) {
        event.frames[i] = frames[i];
    }
    ftf_trace_add(&event);
}

static void *come(void *block, size_t size) {
    uintptr_t start = (uintptr_t)block;
    if (block != NULL && watched >= start && watched < start + size) {
        block_now = start;
        note(FTF_TRACE_ALLOCATED, start, size);
    }
    return block;
}

static void go(void *block) {
    if (block != NULL && (uintptr_t)block == block_now) {
        note(FTF_TRACE_FREED, block_now, 0);
        block_now = 0;
    }
}

static void *watching_malloc(void *context, size_t size) {
    const PyMemAllocatorEx *real = context;
    return come(real->malloc(real->ctx, size), size);
}

static void *watching_calloc(void *context, size_t count, size_t size) {
    const PyMemAllocatorEx *real = context;
    return come(real->calloc(real->ctx, count, size), count * size);
}

static void *watching_realloc(void *context, void *block, size_t size) {
    const PyMemAllocatorEx *real = context;
    uintptr_t before = (uintptr_t)block;
    void *moved = real->realloc(real->ctx, block, size);
    if (moved != NULL && (uintptr_t)moved != before && before == block_now && before != 0) {
        note(FTF_TRACE_FREED, before, 0);
        block_now = 0;
    }
    return moved != NULL && (uintptr_t)moved != before ? come(moved, size) : moved;
}

static void watching_free(void *context, void *block) {
    const PyMemAllocatorEx *real = context;
    go(block);
    real->free(real->ctx, block);
}

void ftf_watching_begin(uintptr_t address, ftf_unwinder unwind) {
    static const PyMemAllocatorDomain domains[DOMAINS] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
    watched = address;
    unwind_here = unwind;
    for (int i = 0; i < DOMAINS; i++) {
        PyMemAllocatorEx watching = {&below[i], watching_malloc, watching_calloc, watching_realloc, watching_free};
        PyMem_GetAllocator(domains[i], &below[i]);
        PyMem_SetAllocator(domains[i], &watching);
    }
}
