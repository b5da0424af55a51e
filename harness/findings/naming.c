#include "findings/naming.h"

static void add_named(ftf_named_stack *stack, ftf_named_frame frame, const ftf_catalog *catalog) {
    if (stack->count < FTF_NAMED_FRAMES_MAX) {
        ftf_frame_classify(catalog, &frame);
        stack->frames[stack->count++] = frame;
    }
}

void ftf_stack_name(ftf_symbolizer *symbolizer, const ftf_catalog *catalog, const ftf_stack *raw, bool race,
                    ftf_named_stack *out) {
    out->raw = raw;
    for (uint32_t i = 0; i < raw->frame_count; i++) {
        ftf_named_frame frame = {
            .module = raw->frames[i].module, .offset = raw->frames[i].offset, .function = "", .file = ""};
        ftf_places places = ftf_symbolizer_resolve(symbolizer, frame.module, frame.offset);
        for (uint32_t j = 0; j < places.count; j++) {
            frame.function = places.places[j].function;
            frame.file = places.places[j].file;
            frame.line = places.places[j].line;
            add_named(out, frame, catalog);
        }
        if (places.count == 0) {
            add_named(out, frame, catalog);
        }
    }
    ftf_stack_choose_top(out, race);
}
