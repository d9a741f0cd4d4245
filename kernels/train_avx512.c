/* train_avx512.c: AVX-512 Foundation: the vocabulary of train_tile.h. */
#include <immintrin.h>
#include <math.h>

#include "train.h"

typedef __m512 vec;
#define ROWS_MOST 10
enum { LANES = 16, GROUP = 2, ROWS = ROWS_MOST };

IDP_INLINE __mmask16 first(size_t n) { return (__mmask16)((1u << n) - 1); } /* n in [0, 16] */
IDP_INLINE vec zero(void) { return _mm512_setzero_ps(); }
IDP_INLINE vec set1(float a) { return _mm512_set1_ps(a); }
IDP_INLINE vec load(const float *p) { return _mm512_loadu_ps(p); }
IDP_INLINE void store(float *p, vec a) { _mm512_storeu_ps(p, a); }
IDP_INLINE vec load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
IDP_INLINE void store_part(float *p, size_t n, vec a) { _mm512_mask_storeu_ps(p, first(n), a); }
IDP_INLINE vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
IDP_INLINE vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
IDP_INLINE vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
IDP_INLINE vec divide(vec a, vec b) { return _mm512_div_ps(a, b); }
IDP_INLINE vec fmadd(vec a, vec b, vec sum) { return _mm512_fmadd_ps(a, b, sum); }
IDP_INLINE vec max_of(vec a, vec b) { return _mm512_max_ps(a, b); } /* b where either is NaN (SDM, MAXPS) */
IDP_INLINE vec relu(vec a) { return max_of(zero(), a); }

/* b where a > 0, else 0. */
IDP_INLINE vec where_positive(vec a, vec b) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, zero(), _CMP_GT_OQ), b);
}
/* Subnormal numbers, whose exponent is 0, become 0; NaN stays. */
IDP_INLINE vec flush_small(vec a) {
    const __mmask16 normal = _mm512_test_epi32_mask(_mm512_castps_si512(a), _mm512_set1_epi32(0x7f800000));
    return _mm512_maskz_mov_ps(normal, a);
}
IDP_INLINE vec nearest(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/* 2^n, n a whole number in [-126, 127]. */
IDP_INLINE vec power_of_two(vec n) {
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}
IDP_INLINE float lane_sum(vec a) { return _mm512_reduce_add_ps(a); }
IDP_INLINE vec load_bytes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
/* Four bytes to a lane, and the b-th byte of every lane, as a number. */
IDP_INLINE vec load_words(const uint8_t *p) { return _mm512_loadu_ps(p); }
IDP_INLINE vec byte_of(vec a, unsigned b) {
    return _mm512_cvtepi32_ps(
        _mm512_and_epi32(_mm512_srli_epi32(_mm512_castps_si512(a), 8 * b), _mm512_set1_epi32(255)));
}

/* a[c][r] = a[r][c], 16 x 16: pairs, then fours within the 128-bit parts, then the parts. */
IDP_INLINE void turn_lanes(vec a[LANES]) {
    vec b[LANES];
    IDP_UNROLL
    for (size_t r = 0; r < LANES; r += 4) {
        const vec low01 = _mm512_unpacklo_ps(a[r], a[r + 1]), high01 = _mm512_unpackhi_ps(a[r], a[r + 1]);
        const vec low23 = _mm512_unpacklo_ps(a[r + 2], a[r + 3]), high23 = _mm512_unpackhi_ps(a[r + 2], a[r + 3]);
        b[r] = _mm512_shuffle_ps(low01, low23, 0x44);
        b[r + 1] = _mm512_shuffle_ps(low01, low23, 0xee);
        b[r + 2] = _mm512_shuffle_ps(high01, high23, 0x44);
        b[r + 3] = _mm512_shuffle_ps(high01, high23, 0xee);
    }
    IDP_UNROLL
    for (size_t c = 0; c < 4; c++) {
        const vec even01 = _mm512_shuffle_f32x4(b[c], b[c + 4], 0x88),
                  odd01 = _mm512_shuffle_f32x4(b[c], b[c + 4], 0xdd);
        const vec even23 = _mm512_shuffle_f32x4(b[c + 8], b[c + 12], 0x88),
                  odd23 = _mm512_shuffle_f32x4(b[c + 8], b[c + 12], 0xdd);
        a[c] = _mm512_shuffle_f32x4(even01, even23, 0x88);
        a[c + 8] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
        a[c + 4] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
        a[c + 12] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
    }
}

#include "train_tile.h"

const idp_train idp_train_avx512f = {"avx512f", forward, backward,      weights, loss,
                                     sums,      pixels,  pixels_turned, turn};
