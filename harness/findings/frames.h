#ifndef FTF_FINDINGS_FRAMES_H
#define FTF_FINDINGS_FRAMES_H
/*
 * What a frame of a stack means: whose code it is, and whether it can stand for the stack in a signature.
 *
 * A raw stack mixes five sorts of code: sanitizer runtime and libc at its top, helpers that everybody inlines
 * (reference counts, atomics, allocators), the extension, the interpreter with its call plumbing, and our lanes at
 * its bottom. People recognise a bug by the extension's function, or by the interpreter function that really did the
 * work; so the rest is skipped, by the tables in frames.c, each row with its reason.
 *
 * Pure: it works on names. How addresses become names is symbolize.h.
 *
 *     ftf_named_frame frame = {.module = "/x/ftfuzz-worker-tsan", .function = "odict_iternext",
 *                              .file = "/src/Python-3.13.5/Objects/odictobject.c", .line = 1815};
 *     ftf_frame_classify(&owner, &frame);      frame.sort == FTF_SORT_EXTENSION, frame.file == "Objects/odictobject.c"
 *
 * Ownership: names are borrowed; `file` is moved to point further into the same string. Threads: no state.
 */
#include <stdbool.h>
#include <stdint.h>

#include "findings/record.h"
#include "scenario/catalog.h"

typedef enum ftf_frame_sort {
    FTF_SORT_EXTENSION,   /* the code under test */
    FTF_SORT_INTERPRETER, /* CPython, and its modules that are not the target */
    FTF_SORT_FOREIGN,     /* another library */
    FTF_SORT_PLUMBING,    /* how the interpreter gets from a call to a function; says nothing about a bug */
    FTF_SORT_HELPER,      /* reference counts, atomics, locks, allocators: blame goes to who called them */
    FTF_SORT_RUNTIME,     /* sanitizer, libFuzzer, libc */
    FTF_SORT_HARNESS,     /* ours */
} ftf_frame_sort;

typedef struct ftf_named_frame {
    const char *module;
    uint64_t offset;
    const char *function; /* "" when not known */
    const char *file;     /* after classify: shortened for people; "" when not known */
    uint32_t line;
    ftf_frame_sort sort;
} ftf_named_frame;

enum { FTF_NAMED_FRAMES_MAX = 128 };

typedef struct ftf_named_stack {
    const ftf_stack *raw; /* role, lane, op, address, size */
    uint32_t count;
    ftf_named_frame frames[FTF_NAMED_FRAMES_MAX]; /* innermost first, inlined calls expanded */
    int top; /* the frame that stands for the stack, or -1 when there is none */
} ftf_named_stack;

/* Sets sort and shortens file. The catalog says what the extension is; NULL means that nothing is. */
void ftf_frame_classify(const ftf_catalog *catalog, ftf_named_frame *frame);

/*
 * Sets top: the innermost frame of the extension, else the innermost of interpreter or foreign code, else what is least
 * meaningless. All frames have been classified.
 *
 * What a callback does is not the extension's: an interpreter function that bytecode called (a finalizer, a key
 * function) stands for the stack even when the extension is what ran the bytecode. In a race that holds for every
 * object's own slots, too: where the extension calls PyObject_Repr on what it was given, a race inside of
 * bytearray_repr is bytearray's. It does not hold for errors of memory, since a slot that meets freed memory may have
 * been given a borrowed reference; nor for functions called directly (PyDict_Next), whose callers have to know what
 * they may do.
 */
void ftf_stack_choose_top(ftf_named_stack *stack, bool race);

/* True when the innermost code is an allocator that hands memory out: it can only crash because somebody destroyed its
   lists earlier. (Where it takes memory back, the caller may have given it a bad pointer just now.) */
bool ftf_stack_in_allocation(const ftf_named_stack *stack);

bool ftf_stack_has(const ftf_named_stack *stack, ftf_frame_sort sort);

/* `file.c:function`, the part of a signature that this frame gives; at most FTF_FRAME_NAME_MAX bytes with the NUL. */
enum { FTF_FRAME_NAME_MAX = 256 };
void ftf_frame_name(const ftf_named_frame *frame, char name[FTF_FRAME_NAME_MAX]);

#endif
