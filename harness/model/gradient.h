/* gradient.h: one training step on the project's training kernels: truncated forward pass, softmax cross-entropy,
 * truncated backward pass, momentum update.
 *
 * A step has two halves for every width. First, by blocks of 32 samples: the forward pass, the loss, and the loss
 * passed back. Then, by blocks of 32 input channels of a layer: the weight gradient, summed over all samples, and
 * with the last width the update. Each number is summed by one task in a fixed order, so that the result has the
 * same bits with any number of threads. */
#ifndef HARNESS_GRADIENT_H
#define HARNESS_GRADIENT_H

#include "../../kernels/idp_train.h"
#include "model.h"
#include "pool.h"
#include "recipe.h"

/* What belongs to one width of the step alone, and its gradient, which is overwritten. */
typedef struct gradient_own {
    const model_layer *last;
    const float *gamma;      /* [width[1]], of activation 1 */
    float *dw, *db, *dgamma; /* shapes as last's w and b, and gamma */
} gradient_own;

/* What one profile looks like to the arithmetic; nothing is owned. */
typedef struct gradient_net {
    size_t layers;
    const size_t *width;       /* [layers + 1] */
    const bool *incomplete;    /* [layers + 1] */
    model_layer *const *layer; /* [layers] */
    float *const *gamma;       /* [layers + 1], entries may be NULL */
    bool gamma_free; /* dW[j][i] = sum of delta[j] x[i], not of delta[j] gamma[i] x[i], as the published code */
    /* Where every width is a profile of its own, trained together with the others; else NULL, both of them. */
    const gradient_own *own; /* [widths], in place of layer[layers - 1], whose dw and db stay 0, and of gamma[1] */
    const float *mix; /* [widths][width[1]]: the part of a width's gradient that the shared weights of a channel
                       * take; a weight between two channels belongs to the later one */
} gradient_net;

/* What a step learns from: samples, and the widths whose losses it adds up. */
typedef struct gradient_step {
    const uint8_t *const *image; /* [batch]: width[0] pixels each */
    const uint8_t *const *next; /* [next_batch]: images of the step to come, fetched into the caches; may be NULL */
    size_t next_batch;
    const uint8_t *label; /* [batch], each below width[layers]; may be NULL where there is a target */
    const float *target;  /* [batch][width[layers]]: probabilities to learn instead of the labels, or NULL */
    size_t batch;         /* 1 .. batch_max */
    const size_t *k;      /* [widths]: channels in use of every incomplete activation, at least 1 */
    size_t widths;        /* 1 .. WIDTHS_MAX */
    const float *weight;  /* [widths], of each one's mean loss; NULL: all 1 / widths */
    bool zeros;   /* also multiply the pixels that are 0 in all samples of a block: same result, for comparison */
    bool distill; /* all widths but the first learn the first one's softmax, taken as it is */
} gradient_step;

/* v = momentum v - lr (g + decay w), w += v, within the regions; biases do not decay, and what the widths have of
 * their own stays as it is. */
typedef struct gradient_update {
    const region *regions;                        /* [layers] */
    float *const *velocity_w, *const *velocity_b; /* as the layers' w and b */
    float lr, momentum, decay;
} gradient_update;

/* The gradient and the scratch memory that computing it takes. */
typedef struct gradient {
    const idp_train *kernels;
    pool *threads;
    size_t layers, batch_max;
    float *dw[IDP_MAX_LAYERS]; /* [width[l+1]][width[l]] */
    float *db[IDP_MAX_LAYERS]; /* [width[l+1]] */
    uint8_t *pixels; /* of the step's images, [block of 32][line of 64][sample][64], 0 beyond the images */
    /* Scratch, by blocks of 32 samples: [block][channel, rounded up to 32][32] */
    float *relu[IDP_MAX_LAYERS + 1];   /* activations before gamma; relu[layers] holds the logits */
    float *scaled[IDP_MAX_LAYERS + 1]; /* activations times gamma */
    float *delta[IDP_MAX_LAYERS + 1];  /* dLoss/dz of layer h - 1, z its output before ReLU */
    float *target, *teacher, *softmax; /* of the classes; teacher: the softmax of the first width */
    float *turned[IDP_MAX_LAYERS + 1]; /* hidden activations, [block of channels][block of samples][sample][32] */
    float *delta_own;                  /* delta[1] of a width with a gamma of its own, before it is mixed */
    float *dgamma; /* [block][width[1], rounded up]: the samples' parts of such a gamma's gradient */
    double *loss;  /* [block] */
    size_t *lit;   /* [block]: pixels of the last step's blocks that layer 1 multiplied */
    double width_loss[WIDTHS_MAX];    /* of the last step: each width's mean cross-entropy, whatever its weight */
    struct gradient_scratch *scratch; /* [threads] */
} gradient;

/* Room for nets of these layers and widths and up to batch_max samples, on that back end and so many threads. */
bool gradient_create(gradient *g, const idp_backend *backend, size_t threads, size_t layers, const size_t *width,
                     size_t batch_max, error *e);
void gradient_free(gradient *g);

/* Returns the weighted sum, over the step's widths, of the mean cross-entropy of the samples, in nats. Without an
 * update, dw and db become its gradient; entries that no width reaches are 0. With one, the net's layers and the
 * velocities are changed, and dw and db hold nothing of use. */
double gradient_run(gradient *g, const gradient_net *net, const gradient_step *step, const gradient_update *update);

#endif
