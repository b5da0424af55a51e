#ifndef FTF_BASE_TRACE_H
#define FTF_BASE_TRACE_H
/*
 * A trace: what a run did, step by step, for a person who wants to understand it (reduce/explain.h). The worker appends
 * events to a file with raw writes, so whatever ends it, the file says how far it had come; nothing is buffered, nothing
 * is allocated, and nothing is seen by a sanitizer. Only replays that explain are traced: a write for each event is
 * slow.
 *
 *     ftf_trace_open("t");  ftf_trace_add(&(ftf_trace_event){.kind = FTF_TRACE_BEGIN, .lane = 0, .op = 2});      worker
 *     status = ftf_trace_load("t", &trace, &err);  for (i < trace.count) trace.events[i]                         supervisor
 *
 * Threads: ftf_trace_add from any, also in a signal handler; events of lanes that take turns are in order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { FTF_TRACE_FRAMES = 40, FTF_TRACE_TEXT = 320, FTF_TRACE_EVENTS_MAX = 20000 };

typedef enum ftf_trace_kind {
    FTF_TRACE_BEGIN,     /* of an op; lane, op */
    FTF_TRACE_END,       /* the same; text: what came of it */
    FTF_TRACE_SWITCH,    /* lane hands the token to `to`; frames; address and write where that is at an access */
    FTF_TRACE_ALLOCATED, /* the block [block, block + size) that holds the watched address; frames */
    FTF_TRACE_FREED,     /* the same */
    FTF_TRACE_MODULE,    /* a loaded file: text is its path, its code lies in [address, block), loaded at `size` */
} ftf_trace_kind;

typedef struct ftf_trace_event {
    uint8_t kind;
    bool write;
    int16_t lane; /* or the section that main runs (FTF_OWNER_SETUP, FTF_OWNER_FINISH) */
    int16_t to;
    uint16_t op;
    uint32_t frame_count;
    uint64_t address, block, size;
    uint64_t frames[FTF_TRACE_FRAMES]; /* innermost first, inside the calling instructions */
    char text[FTF_TRACE_TEXT];
} ftf_trace_event;

/* False when the file cannot be written. Of a run of more than FTF_TRACE_EVENTS_MAX events the rest is not kept: nobody would
   read it. */
bool ftf_trace_open(const char *path);
bool ftf_trace_is_open(void);

/* Only the last run is wanted: what earlier ones added is cut off, behind the modules. */
void ftf_trace_begin_run(void);
void ftf_trace_add(const ftf_trace_event *event);

typedef struct ftf_trace {
    size_t count;
    ftf_trace_event *events;
} ftf_trace;

/* The events of the last run in the file, modules first. The caller releases it, whatever load says. */
ftf_status ftf_trace_load(const char *path, ftf_trace *out, ftf_error *err);
void ftf_trace_release(ftf_trace *trace);

#endif
