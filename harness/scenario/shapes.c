#include "scenario/shapes.h"

#include "base/check.h"

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef enum about { ABOUT_OBJECT, ABOUT_CALL } about;

static const struct {
    bool (*build)(ftf_gen *gen);
    uint32_t weight;
    about about;
} shapes[] = {
#define FTF_SHAPE(name, weight, about, doc) {ftf_shape_##name, weight, ABOUT_##about},
#include "scenario/shapes.def"
#undef FTF_SHAPE
};

bool ftf_shape_build(ftf_gen *gen, ftf_shape shape) {
    FTF_ASSERT((unsigned)shape < FTF_SHAPE_COUNT);
    return shapes[shape].build(gen);
}

ftf_shape ftf_shape_draw(ftf_gen *gen) {
    uint32_t factor = gen->catalog->call_factor;
    uint32_t total = 0;
    int drawn = 0;
    for (int i = 0; i < FTF_SHAPE_COUNT; i++) {
        uint32_t weight = shapes[i].weight * (shapes[i].about == ABOUT_CALL ? factor : 1);
        total += weight;
        drawn = ftf_rng_below(gen->rng, total) < weight ? i : drawn;
    }
    return (ftf_shape)drawn;
}
