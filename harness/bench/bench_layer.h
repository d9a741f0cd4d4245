/* bench_layer.h: one packed layer with its input and output, for timing. */
#ifndef HARNESS_BENCH_LAYER_H
#define HARNESS_BENCH_LAYER_H

#include "../../kernels/idp.h"
#include "../error.h"

/* Zeroed: empty. The cases of a series share one and take it in turn, so that memory holds one layer at a time. */
typedef struct bench_layer {
    const idp_kernel *kernel;
    size_t out, in, batch, stride; /* stride: floats from one channel of x, or output of y, to the next */
    float *packed, *x, *y, *gamma;
} bench_layer;

/* Makes it the layer asked for, if it is not already: weights of variance 1 / in, inputs in [0, 1), gamma linear;
 * the same numbers every time, none subnormal. Buffers are 64-byte aligned, and warm once a first untimed run has
 * passed. On failure the layer is empty. */
bool bench_layer_set(bench_layer *layer, const idp_kernel *kernel, size_t out, size_t in, size_t batch, error *e);

/* The layer cut to m outputs and k channels, with ReLU and gamma: the whole epilogue of a hidden layer. */
idp_fc bench_layer_fc(const bench_layer *layer, size_t m, size_t k);

void bench_layer_free(bench_layer *layer);

#endif
