/* train_avx2.c: AVX2 and FMA3: the vocabulary of train_tile.h. 16 registers hold tiles of 5 x 2: 10 sums. */
#include <immintrin.h>
#include <math.h>

#include "train.h"

typedef __m256 vec;
#define ROWS_MOST 5
enum { LANES = 8, GROUP = 2, ROWS = ROWS_MOST };

/* A mask of the first n lanes, n in [0, 8]: a window into 8 ones and 8 zeros. */
IDP_INLINE __m256i first(size_t n) {
    static const int32_t window[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(window + LANES - n));
}
IDP_INLINE vec zero(void) { return _mm256_setzero_ps(); }
IDP_INLINE vec set1(float a) { return _mm256_set1_ps(a); }
IDP_INLINE vec load(const float *p) { return _mm256_loadu_ps(p); }
IDP_INLINE void store(float *p, vec a) { _mm256_storeu_ps(p, a); }
IDP_INLINE vec load_part(const float *p, size_t n) {
    return n == LANES ? load(p) : _mm256_maskload_ps(p, first(n));
}
IDP_INLINE void store_part(float *p, size_t n, vec a) {
    if (n == LANES)
        store(p, a);
    else
        _mm256_maskstore_ps(p, first(n), a);
}
IDP_INLINE vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
IDP_INLINE vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
IDP_INLINE vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
IDP_INLINE vec divide(vec a, vec b) { return _mm256_div_ps(a, b); }
IDP_INLINE vec fmadd(vec a, vec b, vec sum) { return _mm256_fmadd_ps(a, b, sum); }
IDP_INLINE vec max_of(vec a, vec b) { return _mm256_max_ps(a, b); } /* b where either is NaN (SDM, MAXPS) */
IDP_INLINE vec relu(vec a) { return max_of(zero(), a); }

/* b where a > 0, else 0. */
IDP_INLINE vec where_positive(vec a, vec b) { return _mm256_and_ps(_mm256_cmp_ps(a, zero(), _CMP_GT_OQ), b); }
/* Subnormal numbers become 0; NaN stays. */
IDP_INLINE vec flush_small(vec a) {
    const vec size = _mm256_andnot_ps(set1(-0.f), a);
    return _mm256_and_ps(_mm256_cmp_ps(size, set1(0x1p-126f), _CMP_NLT_UQ), a);
}
IDP_INLINE vec nearest(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/* 2^n, n a whole number in [-126, 127]. */
IDP_INLINE vec power_of_two(vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
IDP_INLINE float lane_sum(vec a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
IDP_INLINE vec load_bytes(const uint8_t *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
/* Four bytes to a lane, and the b-th byte of every lane, as a number. */
IDP_INLINE vec load_words(const uint8_t *p) { return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)p)); }
IDP_INLINE vec byte_of(vec a, unsigned b) {
    return _mm256_cvtepi32_ps(
        _mm256_and_si256(_mm256_srli_epi32(_mm256_castps_si256(a), (int)(8 * b)), _mm256_set1_epi32(255)));
}

/* a[c][r] = a[r][c], 8 x 8: pairs, then fours within the 128-bit halves, then the halves. */
IDP_INLINE void turn_lanes(vec a[LANES]) {
    vec b[LANES];
    IDP_UNROLL
    for (size_t r = 0; r < LANES; r += 4) {
        const vec low01 = _mm256_unpacklo_ps(a[r], a[r + 1]), high01 = _mm256_unpackhi_ps(a[r], a[r + 1]);
        const vec low23 = _mm256_unpacklo_ps(a[r + 2], a[r + 3]), high23 = _mm256_unpackhi_ps(a[r + 2], a[r + 3]);
        b[r] = _mm256_shuffle_ps(low01, low23, 0x44);
        b[r + 1] = _mm256_shuffle_ps(low01, low23, 0xee);
        b[r + 2] = _mm256_shuffle_ps(high01, high23, 0x44);
        b[r + 3] = _mm256_shuffle_ps(high01, high23, 0xee);
    }
    IDP_UNROLL
    for (size_t c = 0; c < 4; c++) {
        a[c] = _mm256_permute2f128_ps(b[c], b[c + 4], 0x20);
        a[c + 4] = _mm256_permute2f128_ps(b[c], b[c + 4], 0x31);
    }
}

#include "train_tile.h"

const idp_train idp_train_avx2 = {"avx2", forward, backward, weights, loss, sums, pixels, pixels_turned, turn};
