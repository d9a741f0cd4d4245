/* stream_avx2.c: see stream.h. */
#include <immintrin.h>

typedef __m256 vec;
enum { LANES = 8 };
static inline vec load(const float *p) { return _mm256_loadu_ps(p); }
static inline vec load_part(const float *p, unsigned long n) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lanes));
}
static inline void touch(vec a) { __asm__ volatile("" : : "x"(a)); }

#include "stream_loads.h"

void stream_load_avx2(const stream_block *block, size_t blocks, stream_way way) { load_blocks(block, blocks, way); }
