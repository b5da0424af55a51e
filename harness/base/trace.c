#include "base/trace.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"

static int trace_fd = -1;

bool ftf_trace_open(const char *path) {
    trace_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    return trace_fd >= 0;
}

bool ftf_trace_is_open(void) { return trace_fd >= 0; }

static atomic_uint added, modules;

/* Raw calls here and below: those of libc are interposed, and a lane that made one would pass a point. */
void ftf_trace_begin_run(void) {
    if (trace_fd >= 0) {
        (void)syscall(SYS_ftruncate, trace_fd, (off_t)(atomic_load(&modules) * sizeof(ftf_trace_event)));
        atomic_store(&added, atomic_load(&modules));
    }
}

void ftf_trace_add(const ftf_trace_event *event) {
    if (trace_fd >= 0 && atomic_fetch_add(&added, 1) < FTF_TRACE_EVENTS_MAX) {
        (void)syscall(SYS_write, trace_fd, event, sizeof *event);
        atomic_fetch_add(&modules, event->kind == FTF_TRACE_MODULE);
    }
}

ftf_status ftf_trace_load(const char *path, ftf_trace *out, ftf_error *err) {
    ftf_text bytes = {0};
    *out = (ftf_trace){0};
    ftf_status status = ftf_fs_read(path, (size_t)FTF_TRACE_EVENTS_MAX * sizeof(ftf_trace_event), &bytes, err);
    if (status != FTF_OK) {
        return status;
    }
    out->count = bytes.len / sizeof(ftf_trace_event);
    out->events = calloc(out->count + 1, sizeof *out->events);
    FTF_ASSERT(out->events != NULL);
    memcpy(out->events, bytes.data, out->count * sizeof *out->events);
    for (size_t i = 0; i < out->count; i++) {
        ftf_trace_event *event = &out->events[i];
        event->text[sizeof event->text - 1] = '\0';
        event->frame_count = event->frame_count < FTF_TRACE_FRAMES ? event->frame_count : FTF_TRACE_FRAMES;
    }
    ftf_text_release(&bytes);
    return FTF_OK;
}

void ftf_trace_release(ftf_trace *trace) {
    free(trace->events);
    *trace = (ftf_trace){0};
}
