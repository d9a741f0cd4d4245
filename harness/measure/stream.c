#include "stream.h"

#include <stdint.h>

#include "../../kernels/idp.h"

/* From "the hardware does it better" to what hides the latency of the last-level cache. */
const size_t stream_ahead_bytes[STREAM_WAYS] = {0, 512, 1024, 2048, 4096, 8192};

const unsigned stream_width_bits[STREAM_WIDTHS] = {512, 256, 128};

typedef void load_all(const stream_block *block, size_t blocks, size_t ahead_bytes);

static const struct {
    uint32_t needs;
    load_all *run;
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

static load_all *stream_of(unsigned width_bits) {
    for (unsigned w = 0; w < STREAM_WIDTHS; w++)
        if (stream_width_bits[w] == width_bits && (idp_cpu_features() & streams[w].needs) != 0)
            return streams[w].run;
    return NULL;
}

bool stream_usable(unsigned width_bits) { return stream_of(width_bits) != NULL; }

void stream_load(unsigned width_bits, const stream_block *block, size_t blocks, size_t ahead_bytes) {
    stream_of(width_bits)(block, blocks, ahead_bytes);
}

stream_block stream_block_of(const float *start, size_t rows, size_t floats, size_t stride) {
    if (rows > 1 && floats == stride) return (stream_block){start, 1, rows * floats, rows * floats};
    return (stream_block){start, rows, floats, stride};
}

double stream_bytes(const stream_block *block, size_t blocks) {
    double bytes = 0;
    for (size_t b = 0; b < blocks; b++) bytes += (double)(block[b].rows * block[b].floats * sizeof(float));
    return bytes;
}
