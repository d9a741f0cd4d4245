/* stream_avx512.c: see stream.h. */
#include <immintrin.h>

typedef __m512 vec;
enum { LANES = 16 };
static inline vec load(const float *p) { return _mm512_loadu_ps(p); }
static inline vec load_part(const float *p, unsigned long n) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void touch(vec a) { __asm__ volatile("" : : "v"(a)); }

#include "stream_loads.h"

void stream_load_avx512f(const stream_block *block, size_t blocks, stream_way way) {
    load_blocks(block, blocks, way);
}
