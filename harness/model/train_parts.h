/* train_parts.h: what train.c is made of; nobody else includes it. */
#ifndef HARNESS_TRAIN_PARTS_H
#define HARNESS_TRAIN_PARTS_H

#include "gradient.h"
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
    double recent_loss[MODEL_MAX_PROFILES];                       /* of every profile, in a joint recipe */
} train_place;

/* Every owned layer of the model, and the velocities of the stage, [layers]; see session in train.c. */
typedef struct train_state {
    const train_options *o;
    const dataset *data;
    model *m;
    float *const *velocity_w, *const *velocity_b;
    const struct joint *joint; /* or NULL */
} train_state;

/* What training all profiles together takes: the gradient and the velocity of what each has for itself. */
typedef struct joint {
    size_t profiles;
    size_t k[MODEL_MAX_PROFILES]; /* channels in use: those of the part and of the parts before it */
    gradient_own own[MODEL_MAX_PROFILES];
    float *velocity_w[MODEL_MAX_PROFILES], *velocity_b[MODEL_MAX_PROFILES], *velocity_gamma[MODEL_MAX_PROFILES];
    float *mix; /* [profiles][width[1]], see gradient_net */
} joint;

/* Fails without memory; joint_free in any case. */
bool joint_create(joint *j, const model *m, double wider_share);
void joint_free(joint *j);

/* How much each profile's loss counts in a step, by the recent losses, and these after one more step. */
void joint_weigh(const double *recent_loss, size_t profiles, float *weight);
void joint_follow(const double *loss, size_t profiles, double *recent_loss);

/* v = momentum v - lr (g + decay w), w += v, without decay of biases and gammas. Moves what the profiles have for
 * themselves. */
void joint_update(const joint *j, model *m, float momentum, float lr, float decay);

/* A safetensors file with all of it; whole or not at all. */
bool checkpoint_write(const char *path, const train_state *state, const train_place *place, error *e);

/* Fails when the file is damaged, or of a run with other settings or data: says which. The weights, the velocities
 * and *place are untouched then. */
bool checkpoint_read(const char *path, const train_state *state, train_place *place, error *e);

#endif
