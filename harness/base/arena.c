#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    ALIGNMENT = 16,
    BLOCK_FIRST = 32 * 1024, /* holds a typical scenario several times over */
};

typedef struct block {
    struct block *next;
    size_t size; /* of the bytes after this header */
} block;

_Static_assert(sizeof(block) % ALIGNMENT == 0, "what follows a block's header is aligned");

/* Blocks are kept in the order in which they are filled; `current` is the one being filled. */
struct ftf_arena {
    block *first;
    block *current;
    char *at;
    char *end;
};

static block *new_block(size_t size) {
    block *made = malloc(sizeof(block) + size);
    FTF_ASSERT(made != NULL);
    made->next = NULL;
    made->size = size;
    return made;
}

static void use_block(ftf_arena *arena, block *used) {
    arena->current = used;
    arena->at = (char *)(used + 1);
    arena->end = arena->at + used->size;
}

ftf_arena *ftf_arena_create(void) {
    ftf_arena *arena = malloc(sizeof *arena);
    FTF_ASSERT(arena != NULL);
    arena->first = new_block(BLOCK_FIRST);
    use_block(arena, arena->first);
    return arena;
}

void ftf_arena_destroy(ftf_arena *arena) {
    if (!arena) {
        return;
    }
    for (block *b = arena->first, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

void ftf_arena_reset(ftf_arena *arena) { use_block(arena, arena->first); }

/* Goes on to a block with room for bytes: one kept from before the last reset, else a new one after the current one. */
static void next_block(ftf_arena *arena, size_t bytes) {
    while (arena->current->next) {
        use_block(arena, arena->current->next);
        if (arena->current->size >= bytes) {
            return;
        }
    }
    size_t size = arena->current->size * 2;
    while (size < bytes) {
        size *= 2;
    }
    arena->current->next = new_block(size);
    use_block(arena, arena->current->next);
}

void *ftf_arena_alloc(ftf_arena *arena, size_t bytes) {
    FTF_ASSERT(bytes <= PTRDIFF_MAX / 4);
    size_t rounded = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if ((size_t)(arena->end - arena->at) < rounded) {
        next_block(arena, rounded);
    }
    char *start = arena->at;
    arena->at += rounded;
    return memset(start, 0, rounded);
}

char *ftf_arena_copy(ftf_arena *arena, const char *text, size_t len) {
    char *copy = ftf_arena_alloc(arena, len + 1);
    memcpy(copy, text, len);
    return copy;
}
