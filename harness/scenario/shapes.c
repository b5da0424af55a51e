#include "scenario/shapes.h"

#include "base/check.h"

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
    bool (*build)(ftf_gen *gen);
    uint32_t weight;
} shapes[] = {
#define FTF_SHAPE(name, weight, doc) {ftf_shape_##name, weight},
#include "scenario/shapes.def"
#undef FTF_SHAPE
};

bool ftf_shape_build(ftf_gen *gen, ftf_shape shape) {
    FTF_ASSERT((unsigned)shape < FTF_SHAPE_COUNT);
    return shapes[shape].build(gen);
}

ftf_shape ftf_shape_draw(ftf_rng *rng) {
    uint32_t total = 0;
    for (int i = 0; i < FTF_SHAPE_COUNT; i++) {
        total += shapes[i].weight;
    }
    uint32_t left = ftf_rng_below(rng, total);
    int drawn = 0;
    while (left >= shapes[drawn].weight) {
        left -= shapes[drawn++].weight;
    }
    return (ftf_shape)drawn;
}
