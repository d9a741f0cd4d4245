/* train_parts.h: what train.c is made of; nobody else includes it. */
#ifndef HARNESS_TRAIN_PARTS_H
#define HARNESS_TRAIN_PARTS_H

#include "train.h"

/* Whether the settings fit together and the data. */
bool train_check(const train_options *o, const dataset *data, error *e);

/* The model before training; on failure *m may hold a part of it, for model_free. */
bool train_initial(const train_options *o, const dataset *data, model *m, error *e);

/* Where a run is, but for the weights: what a checkpoint keeps. */
typedef struct train_place {
    size_t stage, epoch; /* both from 0; epoch may be the number of epochs: then the stage is done */
    size_t first;        /* samples of this epoch that are trained */
    size_t shuffles;     /* of the order, so far: with the seed they tell the order */
    double sum;          /* of this epoch's losses */
    random_state widths;
    double loss[MODEL_MAX_PROFILES], seconds[MODEL_MAX_PROFILES]; /* of every stage */
} train_place;

/* Every owned layer of the model, and the velocities of the stage, [layers]; see session in train.c. */
typedef struct train_state {
    const train_options *o;
    const dataset *data;
    model *m;
    float *const *velocity_w, *const *velocity_b;
} train_state;

/* A safetensors file with all of it; whole or not at all. */
bool checkpoint_write(const char *path, const train_state *state, const train_place *place, error *e);

/* Fails when the file is damaged, or of a run with other settings or data: says which. The weights, the velocities
 * and *place are untouched then. */
bool checkpoint_read(const char *path, const train_state *state, train_place *place, error *e);

#endif
