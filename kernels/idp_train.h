/* idp_train.h: the arithmetic of training truncated layers, beside idp.h, which is inference.
 *
 * Everything is in blocks of IDP_TRAIN_BLOCK = 32 floats: an activation of 32 samples is [channel][32], so that the
 * first k channels are a prefix and the samples fill the lanes; a weight gradient is summed for 32 input channels
 * at a time, from the samples as [sample][32]. Weights stay row-major, [out][in], unpacked: every product below
 * broadcasts its left factor, whose layout is free, and streams its right factor, which is in blocks.
 *
 * Not installed and not shown by libidp.so: these structures follow what the program's trainer needs.
 *
 * Functions are pure: no allocation, no state, no failure; contracts are asserts. Arrays of blocks are 64-byte
 * aligned; other floats need no alignment. Sums run in a fixed order: the same arguments give the same bits.
 */
#ifndef IDP_TRAIN_H
#define IDP_TRAIN_H

#include "idp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { IDP_TRAIN_BLOCK = 32 /* floats of a block */, IDP_TRAIN_LINE = 64 /* pixels converted at a time */ };

/* y[j][s] = b[j] + sum over i < k of w[j][i] x[i][s], j < m; with relu max(0, .). With a list of channels, the sum
 * is over its k entries instead: who leaves out channels that are 0 in all samples gets the same numbers. */
typedef struct idp_train_forward {
    const float *w;          /* [m][w_stride] */
    size_t w_stride;         /* floats from one row to the next */
    const float *b;          /* [m] */
    const float *x;          /* [k][32] */
    float *y;                /* [m][32] */
    size_t m;                /* outputs */
    size_t k;                /* input channels */
    bool relu;               /* max(0, .) */
    const float *gamma;      /* [m], or NULL */
    float *scaled;           /* [m][32]: gamma[j] y[j][s]; not touched where gamma is NULL */
    const uint32_t *channel; /* [k]: the input channels that are summed, in this order; or NULL for the first k */
} idp_train_forward;

/* The loss passed back through a layer to its inputs, and through the ReLU and gamma that made them:
 * y[i][s] = gamma[i] (relu[i][s] > 0) sum over j < k of w[j][i] delta[j][s], i < m. */
typedef struct idp_train_backward {
    const float *w;     /* [k][w_stride] */
    size_t w_stride;    /* floats from one row to the next */
    const float *delta; /* [k][32] */
    const float *relu;  /* [m][32]: the inputs before gamma */
    const float *gamma; /* [m], or NULL for all ones */
    float *y;           /* [m][32] */
    size_t m;           /* input channels of the layer */
    size_t k;           /* its outputs */
    bool add;           /* to what y holds: the widths of a step share layer 1 */
} idp_train_backward;

/* Some samples' part of a weight gradient. */
typedef struct idp_train_term {
    const float *delta; /* [m][32] */
    const float *x;     /* [samples][32] */
    size_t samples;     /* at most 32 */
} idp_train_term;

/* g[j][i] = (add ? g[j][i] : 0) + sum over terms, over s of delta[j][s] x[s][i], j < m, i < n; and, where there is
 * a v, instead of storing g: v = momentum v - lr (g + decay w), w += v. A velocity below FLT_MIN becomes 0: those
 * of weights whose gradient is gone (dead units, the image's border) would decay into subnormal numbers, up to 45
 * times slower, and stay there. */
typedef struct idp_train_weights {
    const idp_train_term *term; /* [terms] */
    size_t terms;               /* at least 1 */
    size_t m;                   /* outputs */
    size_t n;                   /* input channels, at most 32 */
    size_t stride;              /* floats from one row to the next, of g, v and w */
    float *g;                   /* may be NULL where v is not and add is false */
    bool add;                   /* to what g holds */
    float *v;                   /* velocities; NULL with w */
    float *w;                   /* weights; NULL with v */
    float momentum;             /* share of the velocity that stays */
    float lr;                   /* learning rate */
    float decay;                /* of the weights, a share of lr */
    /* Lines that are wanted in the L2 cache afterwards, asked for a few at a time between the sums: in one burst
     * they would keep the core's few buffers for misses from everything else. fetch[f] + fetch_offset, f < fetches.
     */
    const uint8_t *const *fetch; /* [fetches] */
    size_t fetches;              /* may be 0 */
    size_t fetch_offset;         /* bytes */
} idp_train_weights;

/* Softmax cross-entropy against target probabilities, which may be hard (one 1) or soft (distillation). */
typedef struct idp_train_loss {
    size_t classes;      /* at least 1 */
    size_t samples;      /* at most 32 */
    const float *z;      /* [classes][32] */
    const float *target; /* [classes][32], of every sample at least 0 and adding up to 1 */
    float share;         /* of one sample in the loss that is minimised: delta = share (softmax(z) - target) */
    float *delta;        /* [classes][32]; 0 beyond `samples` */
    float *softmax;      /* [classes][32] */
} idp_train_loss;

/* The training kernels of a back end. */
typedef struct idp_train {
    const char *backend;                           /* the idp_backend of that name */
    void (*forward)(const idp_train_forward *f);   /* a layer's outputs */
    void (*backward)(const idp_train_backward *b); /* the loss passed back through a layer */
    void (*weights)(const idp_train_weights *w);   /* a weight gradient, or a step along it */
    double (*loss)(const idp_train_loss *l);       /* sum over the samples, in nats; fills delta and softmax */
    /* sums[j] += sum over s of delta[j][s], j < m. delta: [m][32] */
    void (*sums)(size_t m, const float *delta, float *sums);
    /* y[s][c] = pixel[s][c] / 255 (to 1.5 units in the last place), s < 32, c < 32. pixel: [32][64], y: [32][32] */
    void (*pixels)(const uint8_t *pixel, float *y);
    /* the same numbers the other way round, c < 64. y: [64][32] */
    void (*pixels_turned)(const uint8_t *pixel, float *y);
    /* to[c][r] = from[r][c], both [32][32]; must not overlap */
    void (*turn)(const float *from, float *to);
} idp_train;

/* The training kernels of a back end, or NULL where it is not compiled into this build. */
const idp_train *idp_train_of(const idp_backend *backend);

#ifdef __cplusplus
}
#endif
#endif
