/* vec_avx2.h: the vocabulary (vec, load, fmadd, ...) of the AVX2 and FMA3 kernels; the same in vec_avx512.h and
 * neon.c, so that the files can be compared line by line. */
#ifndef IDP_VEC_AVX2_H
#define IDP_VEC_AVX2_H

#include <immintrin.h>

#include "backend.h"

typedef __m256 vec;
enum { LANES = 8 };

/* A mask of the first n lanes, n in [0, 8]: a window into 8 ones and 8 zeros. */
IDP_INLINE __m256i first(size_t n) {
    static const int32_t window[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(window + LANES - n));
}
IDP_INLINE vec zero(void) { return _mm256_setzero_ps(); }
IDP_INLINE vec set1(float a) { return _mm256_set1_ps(a); }
IDP_INLINE vec load(const float *p) { return _mm256_loadu_ps(p); }
IDP_INLINE vec load_part(const float *p, size_t n) { return _mm256_maskload_ps(p, first(n)); }
IDP_INLINE void store(float *p, vec a) { _mm256_storeu_ps(p, a); }
IDP_INLINE void store_part(float *p, size_t n, vec a) { _mm256_maskstore_ps(p, first(n), a); }
IDP_INLINE vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
IDP_INLINE vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
IDP_INLINE vec fmadd(vec a, vec b, vec sum) { return _mm256_fmadd_ps(a, b, sum); }
IDP_INLINE vec relu(vec a) { return _mm256_max_ps(zero(), a); } /* the second operand wins on NaN (SDM, MAXPS) */

/* to[c][l] = x[min(l, most)][c] for 4 channels and LANES samples, rows `stride` and `to_stride` floats apart.
 * Halves of registers are loaded so that squares of four by four are all that is left to turn: 8 shuffles. */
IDP_INLINE void transpose_four(const float *x, size_t stride, size_t most, float *to, size_t to_stride) {
    vec row[4];
    IDP_UNROLL
    for (size_t q = 0; q < 4; q++) {
        row[q] = _mm256_castps128_ps256(_mm_loadu_ps(x + idp_min(q, most) * stride));
        row[q] = _mm256_insertf128_ps(row[q], _mm_loadu_ps(x + idp_min(q + 4, most) * stride), 1);
    }
    const vec low01 = _mm256_unpacklo_ps(row[0], row[1]), high01 = _mm256_unpackhi_ps(row[0], row[1]);
    const vec low23 = _mm256_unpacklo_ps(row[2], row[3]), high23 = _mm256_unpackhi_ps(row[2], row[3]);
    store(to, _mm256_shuffle_ps(low01, low23, 0x44));
    store(to + to_stride, _mm256_shuffle_ps(low01, low23, 0xee));
    store(to + 2 * to_stride, _mm256_shuffle_ps(high01, high23, 0x44));
    store(to + 3 * to_stride, _mm256_shuffle_ps(high01, high23, 0xee));
}

#endif
