#include "stream.h"

#include <stdint.h>

#include "../../kernels/idp.h"

/* From "the hardware does it better" to what hides the latency of the last-level cache. */
const stream_way stream_ways[STREAM_WAYS] = {{0, 1}, {512, 1},  {1024, 1}, {2048, 1}, {4096, 1}, {8192, 1},
                                             {0, 2}, {1024, 2}, {0, 4},    {1024, 4}, {4096, 4}};

const unsigned stream_width_bits[STREAM_WIDTHS] = {512, 256, 128};

static const struct {
    uint32_t needs;
    stream_function *run;
} streams[STREAM_WIDTHS] = {
#if defined(__x86_64__)
    {IDP_CPU_AVX512F, stream_load_avx512f},
    {IDP_CPU_AVX2_FMA, stream_load_avx2},
    {0, NULL},
#elif defined(__aarch64__)
    {0, NULL},
    {0, NULL},
    {IDP_CPU_NEON, stream_load_neon},
#else
    {0, NULL},
#endif
};

stream_function *stream_find(unsigned width_bits) {
    for (unsigned w = 0; w < STREAM_WIDTHS; w++)
        if (stream_width_bits[w] == width_bits && (idp_cpu_features() & streams[w].needs) != 0)
            return streams[w].run;
    return NULL;
}

stream_block stream_block_of(const float *start, size_t rows, size_t floats, size_t stride) {
    enum { LINE_FLOATS = 16 };
    const size_t span = rows > 0 ? (rows - 1) * stride + floats : 0;
    if (rows > 1 && stride - floats < LINE_FLOATS) return (stream_block){start, 1, span, span};
    return (stream_block){start, rows, floats, stride};
}

double stream_bytes(const stream_block *block, size_t blocks) {
    double bytes = 0;
    for (size_t b = 0; b < blocks; b++) bytes += (double)(block[b].rows * block[b].floats * sizeof(float));
    return bytes;
}
