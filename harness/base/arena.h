#ifndef FTF_BASE_ARENA_H
#define FTF_BASE_ARENA_H
/*
 * A bump allocator for things that live and die together, such as all nodes of one scenario. Reset keeps the
 * memory, so parsing the next scenario allocates nothing.
 *
 * Memory is zeroed and aligned to 16. Out of memory ends the process (FTF_ASSERT): no caller could go on.
 * Threads: one at a time.
 */
#include <stddef.h>

typedef struct ftf_arena ftf_arena;

ftf_arena *ftf_arena_create(void);
void ftf_arena_destroy(ftf_arena *arena);
void ftf_arena_reset(ftf_arena *arena);
void *ftf_arena_alloc(ftf_arena *arena, size_t bytes);

/* A NUL-terminated copy of len bytes of text. */
char *ftf_arena_copy(ftf_arena *arena, const char *text, size_t len);

#define FTF_NEW(arena, type, count) ((type *)ftf_arena_alloc((arena), sizeof(type) * (size_t)(count)))

#endif
