#include "bench_layer.h"

#include <math.h>
#include <stdlib.h>

#include "../library/floats.h"

enum { ALIGN_BYTES = 64, STRIDE_FLOATS = 16 };

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

static float *floats(size_t count) { return aligned_new(ALIGN_BYTES, count * sizeof(float)); }

/* Uniform in [low, high) by a 64-bit linear congruential generator (Knuth's MMIX), its upper 24 bits: values are
 * multiples of 2^-24 of the range, so none is subnormal. */
static void fill(float *values, size_t count, float low, float high, uint64_t seed) {
    uint64_t state = seed;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = low + (high - low) * ((float)(state >> 40) * 0x1p-24f);
    }
}

void bench_layer_free(bench_layer *layer) {
    free(layer->packed);
    free(layer->x);
    free(layer->y);
    free(layer->gamma);
    *layer = (bench_layer){0};
}

bool bench_layer_set(bench_layer *layer, const idp_kernel *kernel, size_t out, size_t in, size_t batch, error *e) {
    if (layer->kernel == kernel && layer->out == out && layer->in == in && layer->batch == batch) return true;
    bench_layer_free(layer);
    const size_t stride = idp_layout_batched(kernel->layout) ? round_up(batch, STRIDE_FLOATS) : 1;
    const size_t packed_floats = idp_packed_floats(kernel, out, in);
    bench_layer made = {.kernel = kernel, .out = out, .in = in, .batch = batch, .stride = stride};
    float *w = floats(out * in), *b = floats(out);
    made.packed = packed_floats > 0 ? floats(packed_floats) : NULL;
    made.x = floats(in * stride);
    made.y = floats(out * stride);
    made.gamma = floats(out);
    const bool whole = w && b && made.packed && made.x && made.y && made.gamma;
    if (whole) {
        const float reach = sqrtf(3 / (float)in); /* uniform in +-reach has the variance 1 / in */
        fill(w, out * in, -reach, reach, 1);
        fill(b, out, -0.1f, 0.1f, 2);
        fill(made.x, in * stride, 0, 1, 3);
        for (size_t j = 0; j < out; j++) made.gamma[j] = 1 - (float)j / (float)out;
        for (size_t j = 0; j < out * stride; j++) made.y[j] = 0;
        idp_pack(kernel, out, in, w, in, b, made.packed);
        *layer = made;
    } else {
        bench_layer_free(&made);
        fail(e, "no memory for a layer of %zu x %zu with %zu samples", out, in, batch);
    }
    free(w);
    free(b);
    return whole;
}

idp_fc bench_layer_fc(const bench_layer *layer, size_t m, size_t k) {
    return (idp_fc){.weights = layer->packed,
                    .x = layer->x,
                    .y = layer->y,
                    .gamma = layer->gamma,
                    .out = layer->out,
                    .in = layer->in,
                    .m = m,
                    .k = k,
                    .batch = layer->batch,
                    .x_stride = layer->kernel->layout == IDP_LAYOUT_SAMPLE ? layer->in : layer->stride,
                    .y_stride = layer->stride,
                    .relu = true};
}
