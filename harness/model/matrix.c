#include "matrix.h"

enum { LINE_FLOATS = 64 / sizeof(float) };

size_t floats_stride(size_t samples) { return (samples + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS; }

void transpose(size_t rows, size_t columns, const float *from, size_t from_stride, float *to, size_t to_stride) {
    enum { TILE = LINE_FLOATS }; /* whole lines on both sides */
    for (size_t r0 = 0; r0 < rows; r0 += TILE) {
        const size_t r1 = r0 + TILE < rows ? r0 + TILE : rows;
        for (size_t c0 = 0; c0 < columns; c0 += TILE) {
            const size_t c1 = c0 + TILE < columns ? c0 + TILE : columns;
            for (size_t c = c0; c < c1; c++)
                for (size_t r = r0; r < r1; r++) to[c * to_stride + r] = from[r * from_stride + c];
        }
    }
}

void pixels_to_floats(size_t count, const uint8_t *pixels, float *x) {
    for (size_t i = 0; i < count; i++) x[i] = (float)pixels[i] / 255;
}

void product_run(const idp_kernel *kernel, const product *p) {
    kernel->run(&(idp_fc){.weights = p->packed,
                          .x = p->x,
                          .y = p->y,
                          .gamma = p->gamma,
                          .out = p->out,
                          .in = p->in,
                          .m = p->m,
                          .k = p->k,
                          .batch = p->samples,
                          .x_stride = p->x_stride,
                          .y_stride = p->y_stride,
                          .relu = p->relu});
}
