#ifndef FTF_SCENARIO_SHAPES_H
#define FTF_SCENARIO_SHAPES_H
/* The table shapes.def: ways to put operations together that real races have in common. */
#include "scenario/gen.h"

typedef enum ftf_shape {
#define FTF_SHAPE(name, weight, about, doc) FTF_SHAPE_##name,
#include "scenario/shapes.def"
#undef FTF_SHAPE
    FTF_SHAPE_COUNT
} ftf_shape;

/* One function for each. shapes_object.c has those around one object, shapes_call.c those around a call,
   shapes_storm.c the storm. */
#define FTF_SHAPE(name, weight, about, doc) bool ftf_shape_##name(ftf_gen *gen);
#include "scenario/shapes.def"
#undef FTF_SHAPE

/* Fills an empty scenario of two or more lanes; false when the catalog has nothing to build it from. */
bool ftf_shape_build(ftf_gen *gen, ftf_shape shape);

/* Storm number `number` of the campaign with this seed: consecutive numbers go through everything that can be called once
   before anything comes again. */
bool ftf_shape_storm_at(ftf_gen *gen, uint64_t seed, uint64_t number);

/* A shape drawn by weight, those about calls more often where the catalog has more functions than methods. */
ftf_shape ftf_shape_draw(ftf_gen *gen);

#endif
