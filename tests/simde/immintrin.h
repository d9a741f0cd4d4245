/* immintrin.h: takes the place of the compiler's one for the AVX-512 kernels with IDP_SIMDE (see CMakeLists.txt):
 * SIMDe makes AVX2 of their intrinsics, so that they can be tested, not measured, where no CPU has AVX-512. */
#pragma GCC system_header /* include_next */
#ifndef IDP_SIMDE_IMMINTRIN_H
#define IDP_SIMDE_IMMINTRIN_H

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

#include "backend.h"

#define IDP_CPU_AVX512F 0 /* is not needed then */

/* What SIMDe 0.7.4 lacks, lane by lane, after Intel's Intrinsics Guide. */
#define EACH(lane) for (unsigned lane = 0; lane < 16; lane++)

IDP_INLINE __m512 simde_maskz_load(__mmask16 mask, const float *p) {
    __m512 to;
    EACH(l) to[l] = mask >> l & 1 ? p[l] : 0; /* the others are not read */
    return to;
}
IDP_INLINE void simde_mask_store(float *p, __mmask16 mask, __m512 a) { EACH(l) if (mask >> l & 1) p[l] = a[l]; }
/* Within each part of four lanes. */
IDP_INLINE __m512 simde_permute(__m512 a, unsigned control) {
    __m512 to;
    EACH(l) to[l] = a[l / 4 * 4 + (control >> l % 4 * 2 & 3)];
    return to;
}
IDP_INLINE __m512 simde_permute_by(__m512 a, __m512i control) {
    const __m256i half[2] = {_mm512_castsi512_si256(control), _mm512_extracti64x4_epi64(control, 1)};
    int32_t from[16];
    __m512 to;
    _mm256_storeu_si256((__m256i *)from, half[0]);
    _mm256_storeu_si256((__m256i *)(from + 8), half[1]);
    EACH(l) to[l] = a[l / 4 * 4 + (unsigned)(from[l] & 3)];
    return to;
}
/* Sixteen sums become eight, four, two and one. */
IDP_INLINE float simde_reduce_add(__m512 a) {
    for (unsigned half = 8; half > 0; half /= 2)
        for (unsigned l = 0; l < half; l++) a[l] += a[l + half];
    return a[0];
}
IDP_INLINE __m512i simde_halves(__m256i low, __m256i high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}
IDP_INLINE __m512i simde_from_bytes(__m128i a) {
    return simde_halves(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8)));
}
IDP_INLINE __m512 simde_to_floats(__m512i a) {
    const __m256 low = _mm256_cvtepi32_ps(_mm512_castsi512_si256(a));
    const __m256 high = _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(a, 1));
    return _mm512_castpd_ps(
        _mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)), _mm256_castps_pd(high), 1));
}
IDP_INLINE __m512i simde_to_integers(__m512 a) {
    float from[16];
    EACH(l) from[l] = a[l];
    return simde_halves(_mm256_cvtps_epi32(_mm256_loadu_ps(from)), _mm256_cvtps_epi32(_mm256_loadu_ps(from + 8)));
}
#undef EACH

#define _mm512_maskz_loadu_ps simde_maskz_load
#define _mm512_mask_storeu_ps simde_mask_store
#define _mm512_shuffle_f32x4 simde_mm512_shuffle_f32x4           /* under this name it lacks them, too */
#define _mm512_mask_shuffle_f32x4 simde_mm512_mask_shuffle_f32x4 /* (0.7.4) */
#define _mm512_permute_ps simde_permute
#define _mm512_permutevar_ps simde_permute_by
#define _mm512_reduce_add_ps simde_reduce_add
#define _mm512_cvtepu8_epi32 simde_from_bytes
#define _mm512_cvtepi32_ps simde_to_floats
#define _mm512_cvtps_epi32 simde_to_integers
#endif
