/* epoch.h: how long one training epoch takes, for our back ends and for the same training written over other
 * libraries' matrix products. Network 784-100-100-10, ReLU, softmax cross-entropy, batches of 128, momentum. */
#ifndef HARNESS_EPOCH_H
#define HARNESS_EPOCH_H

#include "../data/dataset.h"
#include "../measure/stats.h"
#include "../model/model.h"
#include "../progress.h"

enum { EPOCH_BATCH = 128, EPOCH_HIDDEN = 100, EPOCH_VARIANTS_MOST = 64 };
extern const float epoch_lr, epoch_momentum;

/* Multiply-adds times two of one sample's step: three products a layer, but none back to the pixels; multiplied:
 * the part of the inputs that layer 1's forward product takes, in (0, 1]. */
double epoch_flops_per_sample(size_t inputs, size_t classes, double multiplied);

/* Somebody's training loop over weights of its own. */
typedef struct epoch_loop {
    const char *implementation; /* "ours", "openblas", "onednn" */
    const char *backend;        /* of ours; NULL for others */
    const char *form;           /* what is special: of others, which of their ways to call the library */
    size_t threads;
    /* One step on EPOCH_BATCH samples; returns their mean loss before it, in nats. left: images of the epoch from
     * image[0] on, for those who look ahead. */
    double (*step)(void *state, const uint8_t *const *image, const uint8_t *label, size_t left);
    /* The part of layer 1's inputs that its forward pass has multiplied so far, in (0, 1]; NULL for all of them. */
    double (*multiplied)(const void *state);
    void (*destroy)(void *state);
    void *state;
} epoch_loop;

/* Our trainer from the model's weights, which it takes over (a model of one profile, all-one). zeros: made to
 * multiply the pixels that are 0 in all of 32 samples too, as the other libraries must. */
bool epoch_ours(epoch_loop *loop, model *m, const idp_backend *backend, size_t threads, bool zeros, error *e);

/* The loops over other libraries that this build has, each in two forms: index 0, 1, ... until false is returned
 * with an empty e->text. They start from the model's weights, which they copy. One thread. */
bool epoch_peer(epoch_loop *loop, size_t index, const model *m, error *e);

/* Seconds of one whole epoch; false without memory. */
bool epoch_once(const epoch_loop *loop, const images *train, uint64_t seed, double *seconds);

/* What came of a loop. */
typedef struct epoch_time {
    interval seconds;  /* of an epoch of the training set */
    interval ratio;    /* its time over that of loop 0, in the same rounds */
    double multiplied; /* the part of layer 1's inputs that its forward product took */
    double roof_percent;
    double loss; /* mean over the first EPOCH_CHECK_STEPS steps, before anything is timed */
} epoch_time;
enum { EPOCH_CHECK_STEPS = 60 };

/* Runs every loop over the same first steps, then times them in interleaved rounds, some steps each, as
 * many as fit into budget_s. roof: FLOPs over peak_gflops, the fused multiply-adds that one core does on registers,
 * measured in the same rounds, times the loop's threads. */
bool epoch_measure(const epoch_loop *loop, size_t loops, const images *train, size_t classes, uint64_t seed,
                   size_t rounds, double budget_s, progress *bar, epoch_time *time, double *peak_gflops, error *e);

#endif
