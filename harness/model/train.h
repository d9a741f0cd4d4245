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
    size_t epochs; /* per part; 0 leaves the weights as initialised */
    schedule_kind schedule;
    size_t halve_after; /* of SCHEDULE_STEP: the learning rate halves once, after so many epochs; 0: never */
    size_t batch;
    double lr, momentum;
    double weight_decay; /* adds weight_decay w to the gradient of every weight (no bias) that a stage may change */
    uint64_t seed;
    initial_kind initial;
    const width_rule *widths;
    size_t
        width_weights; /* 0, or the rule's count: the widths' shares of the loss, which are scaled to add up to 1 */
    double width_weight[WIDTHS_MAX];
    coupling_kind coupling;
    bool distillation; /* the first width of a step learns from the labels, the others from its softmax; the losses
                        * are added undivided */
    const idp_backend *backend; /* must be usable here */
    size_t threads;             /* does not change the result */
    const char *checkpoint;     /* file for the state of the run, or NULL */
    size_t checkpoint_every;    /* epochs from one checkpoint to the next */
    const char *resume;         /* checkpoint to go on from, or NULL */
} train_options;

/* What came of one profile. */
typedef struct train_log {
    double seconds;          /* over all runs of a resumed training */
    double loss;             /* mean over the last epoch, nats; NaN after no epoch */
    double accuracy_percent; /* on the test set, at the end of its part */
} train_log;

/* The recipe's own settings, with two hidden layers of 100, seed 1, halved after 5/6 of the epochs where the
 * schedule is a step, the default back end and all processors. False if there is no recipe of that name or no back
 * end to choose.
 */
bool train_defaults(train_options *o, const char *recipe_name, error *e);

/* How many of the parts are trained: all, unless the recipe runs its first stage only. */
size_t train_stages(const train_options *o);

/* Trains stage by stage, one per part: softmax cross-entropy, momentum SGD (v = momentum v - lr (g + decay w),
 * w += v) on the entries that the recipe leaves to the stage, reshuffled every epoch. The same options, data and
 * back end give the same bits, whether the run was resumed or not. log: [parts] or NULL. The result is the caller's
 * to free. Fails, with nothing left behind but the checkpoint, on settings that do not fit, when the loss runs
 * away, when the checkpoint is damaged or of another run, and when interrupted: then the checkpoint is written
 * first. */
bool train_run(const train_options *o, const dataset *data, model *out, train_log *log, error *e);

/* Test accuracy in percent of one profile at each of the percentages. */
bool model_accuracy(const model *m, const idp_backend *backend, const images *test, size_t profile,
                    const double *percents, size_t count, double *accuracy_percent, error *e);

#endif
