/* train.h: trains a model by a recipe, and measures its accuracy. */
#ifndef HARNESS_TRAIN_H
#define HARNESS_TRAIN_H

#include "../data/dataset.h"
#include "recipe.h"

enum { TRAIN_MAX_HIDDEN = IDP_MAX_LAYERS - 1, TRAIN_BATCH_MOST = 4096, TRAIN_WIDTH_MOST = 8192 };

typedef struct train_options {
    const recipe *recipe;
    gamma_kind gamma;
    size_t parts; /* 1 .. MODEL_MAX_PROFILES consecutive parts, the first from 0 */
    struct {
        double from_percent, to_percent;
    } part[MODEL_MAX_PROFILES];
    size_t hidden_count; /* hidden layers; those that follow the percentage must be equally wide */
    size_t hidden[TRAIN_MAX_HIDDEN];
    size_t epochs;      /* per part; 0 leaves the weights as initialised */
    size_t halve_after; /* the learning rate halves once, after so many epochs; 0: never */
    size_t batch;
    double lr, momentum;
    uint64_t seed;
    const width_rule *widths;
    coupling_kind coupling;
    const idp_backend *backend; /* must be usable here */
    size_t threads;             /* does not change the result */
} train_options;

/* What came of one profile. */
typedef struct train_log {
    double seconds;
    double loss;             /* mean over the last epoch, nats; NaN after no epoch */
    double accuracy_percent; /* on the test set, at the end of its part */
} train_log;

/* The recipe's own settings: two hidden layers of 100, one linear profile, 30 epochs of batches of 128, learning
 * rate 0.05 halved after 25, momentum 0.9, seed 1, the default back end, all processors. False if there is no
 * recipe of that name or no back end to choose. */
bool train_defaults(train_options *o, const char *recipe_name, error *e);

/* Trains stage by stage, one per part: softmax cross-entropy, momentum SGD (v = momentum v - lr g, w += v) on the
 * entries that the recipe leaves to the stage, reshuffled every epoch. The same options, data and back end give the
 * same bits. log: [parts] or NULL. The result is the caller's to free. Fails, with nothing left behind, on settings
 * that do not fit, when the loss runs away, and when interrupted. */
bool train_run(const train_options *o, const dataset *data, model *out, train_log *log, error *e);

/* Test accuracy in percent of one profile at each of the percentages. */
bool model_accuracy(const model *m, const idp_backend *backend, const images *test, size_t profile,
                    const double *percents, size_t count, double *accuracy_percent, error *e);

#endif
