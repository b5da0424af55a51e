#include "engine/tracing.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/trace.h"
#include "oracle/unwind.h"
#include "python/watching.h"
#include "sched/sched.h"

static int add_module(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    ftf_trace_event event = {.kind = FTF_TRACE_MODULE, .address = UINT64_MAX, .size = info->dlpi_addr};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uint64_t low = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, high = low + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD) {
            event.address = low < event.address ? low : event.address;
            event.block = high > event.block ? high : event.block;
        }
    }
    if (info->dlpi_name[0] != '\0') {
        (void)snprintf(event.text, sizeof event.text, "%s", info->dlpi_name);
    } else {
        (void)!readlink("/proc/self/exe", event.text, sizeof event.text - 1);
    }
    ftf_trace_add(&event);
    return 0;
}

/* On the lane's thread, under the scheduler's lock: no call that could come back here. */
static void on_switch(const ftf_switched *switched) {
    uintptr_t frames[FTF_TRACE_FRAMES];
    ftf_trace_event event = {.kind = FTF_TRACE_SWITCH,
                             .lane = (int16_t)switched->lane,
                             .to = (int16_t)switched->to,
                             .op = (uint16_t)switched->op,
                             .address = switched->address,
                             .write = switched->write};
    event.frame_count = switched->at_boundary ? 0 : ftf_unwind_here(frames, FTF_TRACE_FRAMES);
    for (uint32_t i = 0; i < event.frame_count; i++) {
        event.frames[i] = frames[i];
    }
    ftf_trace_add(&event);
}

ftf_status ftf_tracing_begin(const char *path, const char *watch, ftf_error *err) {
    if (!ftf_trace_open(path)) {
        return ftf_fail(err, FTF_IO, "cannot write the trace %s", path);
    }
    dl_iterate_phdr(add_module, NULL);
    ftf_sched_on_switch(on_switch);
    if (watch != NULL) {
        ftf_watching_begin((uintptr_t)strtoull(watch, NULL, 0), ftf_unwind_here);
    }
    return FTF_OK;
}
