/* gradient.h: the arithmetic of one training step on the project's own kernels: truncated forward pass, softmax
 * cross-entropy, truncated backward pass. */
#ifndef HARNESS_GRADIENT_H
#define HARNESS_GRADIENT_H

#include "model.h"

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
    bool gamma_free;     /* dW[j][i] = sum of delta[j] x[i], not of delta[j] gamma[i] x[i], as the published code */
    const double *share; /* of each width's loss in the step's loss, [widths]; NULL: their mean */
    bool distillation;   /* the first width learns from the labels, the others from its softmax, held constant */
    /* Where every width is a profile of its own, trained together with the others; else NULL, both of them. */
    const gradient_own *own; /* [widths], in place of layer[layers - 1], whose dw and db stay 0, and of gamma[1] */
    const float *mix; /* [widths][width[1]]: the part of a width's gradient that the shared weights of a channel
                       * take; a weight between two channels belongs to the later one */
} gradient_net;

/* The gradient and the scratch memory that computing it takes. */
typedef struct gradient {
    const idp_kernel *kernel; /* of layout batch */
    size_t batch_max, stride; /* samples; floats from one channel to the next of the feature-major arrays */
    size_t layers;
    float *dw[IDP_MAX_LAYERS]; /* [width[l+1]][width[l]] */
    float *db[IDP_MAX_LAYERS]; /* [width[l+1]] */
    /* Scratch; feature-major arrays are [channel][stride]. */
    float *input;                       /* the samples, feature-major */
    float *relu[IDP_MAX_LAYERS + 1];    /* activations before gamma; relu[layers] holds the logits */
    float *scaled[IDP_MAX_LAYERS + 1];  /* activations times gamma */
    float *delta[IDP_MAX_LAYERS + 1];   /* dLoss/dz of layer h - 1, z its output before ReLU */
    float *packed[IDP_MAX_LAYERS];      /* w, packed */
    float *packed_back[IDP_MAX_LAYERS]; /* w transposed, packed */
    float *transposed;                  /* any activation as [batch][channel], or any w as [in][out] */
    float *packed_delta;                /* any delta, packed as weights of [out][batch] */
    float *dw_width;                    /* dw of one width, before it is added up */
    float *teacher;                     /* softmax of the first width, feature-major */
    float *delta_width;                 /* delta[1] of one width, before it is added up */
} gradient;

/* Room for nets of these layers and widths and up to batch_max samples, on that back end. */
bool gradient_create(gradient *g, const idp_backend *backend, size_t layers, const size_t *width, size_t batch_max,
                     error *e);
void gradient_free(gradient *g);

/* Fills dw and db with the gradient of the mean over samples of the cross-entropy in nats, averaged over the step's
 * widths or added up by their shares, and returns that loss. x: [batch][width[0]], row-major; label: [batch], each
 * below width[layers]; k[widths]: channels in use of every incomplete activation, each at least 1 and at most its
 * width. Entries that no width reaches are 0. */
double gradient_run(gradient *g, const gradient_net *net, const size_t *k, size_t widths, const float *x,
                    const uint8_t *label, size_t batch);

#endif
