/* vec_avx512.h: the vocabulary (vec, load, fmadd, ...) of the AVX-512 Foundation kernels; the same in vec_avx2.h
 * and neon.c, so that the files can be compared line by line. */
#ifndef IDP_VEC_AVX512_H
#define IDP_VEC_AVX512_H

#include <immintrin.h>

#include "backend.h"

typedef __m512 vec;
enum { LANES = 16 };

IDP_INLINE __mmask16 first(size_t n) { return (__mmask16)((1u << n) - 1); } /* n in [0, 16] */
IDP_INLINE vec zero(void) { return _mm512_setzero_ps(); }
IDP_INLINE vec set1(float a) { return _mm512_set1_ps(a); }
IDP_INLINE vec load(const float *p) { return _mm512_loadu_ps(p); }
IDP_INLINE vec load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
IDP_INLINE void store(float *p, vec a) { _mm512_storeu_ps(p, a); }
IDP_INLINE void store_part(float *p, size_t n, vec a) { _mm512_mask_storeu_ps(p, first(n), a); }
IDP_INLINE vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
IDP_INLINE vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
IDP_INLINE vec fmadd(vec a, vec b, vec sum) { return _mm512_fmadd_ps(a, b, sum); }
IDP_INLINE vec relu(vec a) { return _mm512_max_ps(zero(), a); } /* the second operand wins on NaN (SDM, MAXPS) */

/* to[c][l] = x[min(l, most)][c] for 4 channels and LANES samples, rows `stride` and `to_stride` floats apart.
 * Quarters of registers are loaded so that squares of four by four are all that is left to turn: 8 shuffles. */
IDP_INLINE void transpose_four(const float *x, size_t stride, size_t most, float *to, size_t to_stride) {
    const float *quarter[4]; /* few addresses: each a base and a multiple of the stride */
    vec row[4];
    IDP_UNROLL
    for (size_t l = 0; l < 4; l++) quarter[l] = x + 4 * l * stride;
    IDP_UNROLL
    for (size_t q = 0; q < 4; q++) {
#define FOUR(l) _mm_loadu_ps(4 * l + q <= most ? quarter[l] + q * stride : x + most * stride)
        row[q] = _mm512_castps128_ps512(FOUR(0));
        row[q] = _mm512_insertf32x4(row[q], FOUR(1), 1);
        row[q] = _mm512_insertf32x4(row[q], FOUR(2), 2);
        row[q] = _mm512_insertf32x4(row[q], FOUR(3), 3);
#undef FOUR
    }
    const vec low01 = _mm512_unpacklo_ps(row[0], row[1]), high01 = _mm512_unpackhi_ps(row[0], row[1]);
    const vec low23 = _mm512_unpacklo_ps(row[2], row[3]), high23 = _mm512_unpackhi_ps(row[2], row[3]);
    store(to, _mm512_shuffle_ps(low01, low23, 0x44));
    store(to + to_stride, _mm512_shuffle_ps(low01, low23, 0xee));
    store(to + 2 * to_stride, _mm512_shuffle_ps(high01, high23, 0x44));
    store(to + 3 * to_stride, _mm512_shuffle_ps(high01, high23, 0xee));
}

#endif
