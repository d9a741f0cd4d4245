/* matrix.h: what training and evaluation need around the kernels: transposition, pixels. */
#ifndef HARNESS_MATRIX_H
#define HARNESS_MATRIX_H

#include "../../kernels/idp.h"
#include "../library/floats.h"

/* Rounds a count of samples up to whole cache lines, so that every channel of a feature-major array starts one. */
size_t floats_stride(size_t samples);

/* to[c][r] = from[r][c]; strides in floats. */
void transpose(size_t rows, size_t columns, const float *from, size_t from_stride, float *to, size_t to_stride);

/* Scales pixels to [0, 1]. */
void pixels_to_floats(size_t count, const uint8_t *pixels, float *x);

/* y[j][s] = gamma[j] relu(b[j] + sum over i < k of w[j][i] x[i][s]), j < m, s < samples, with a kernel of layout
 * batch and w ([out][in]) and b as idp_pack left them. */
typedef struct product {
    const float *packed;
    size_t out, in, m, k;
    const float *x;
    size_t x_stride;
    float *y;
    size_t y_stride, samples;
    const float *gamma;
    bool relu;
} product;
void product_run(const idp_kernel *kernel, const product *p);

#endif
