/* vec_neon.h: the vocabulary (vec, load, fmadd, ...) of the Advanced SIMD kernels; the same in vec_avx2.h and
 * vec_avx512.h, so that the files can be compared line by line. */
#ifndef IDP_VEC_NEON_H
#define IDP_VEC_NEON_H

#include <arm_neon.h>

#include "backend.h"

typedef float32x4_t vec;
enum { LANES = 4 };

IDP_INLINE vec zero(void) { return vdupq_n_f32(0); }
IDP_INLINE vec set1(float a) { return vdupq_n_f32(a); }
IDP_INLINE vec load(const float *p) { return vld1q_f32(p); }
/* Four registers with one instruction: half as many for the front end as a load for each. */
IDP_INLINE void load_four(const float *p, vec a[4]) {
    const float32x4x4_t four = vld1q_f32_x4(p);
    a[0] = four.val[0], a[1] = four.val[1], a[2] = four.val[2], a[3] = four.val[3];
}
IDP_INLINE vec load_part(const float *p, size_t n) {
    vec a = zero();
    if (n == LANES) return load(p);
    if (n > 0) a = vld1q_lane_f32(p, a, 0);
    if (n > 1) a = vld1q_lane_f32(p + 1, a, 1);
    if (n > 2) a = vld1q_lane_f32(p + 2, a, 2);
    return a;
}
IDP_INLINE void store(float *p, vec a) { vst1q_f32(p, a); }
IDP_INLINE void store_part(float *p, size_t n, vec a) {
    if (n == LANES) {
        vst1q_f32(p, a);
        return;
    }
    if (n > 0) vst1q_lane_f32(p, a, 0);
    if (n > 1) vst1q_lane_f32(p + 1, a, 1);
    if (n > 2) vst1q_lane_f32(p + 2, a, 2);
}
IDP_INLINE vec add(vec a, vec b) { return vaddq_f32(a, b); }
IDP_INLINE vec mul(vec a, vec b) { return vmulq_f32(a, b); }
IDP_INLINE vec fmadd(vec a, vec b, vec sum) { return vfmaq_f32(sum, a, b); }
/* a times lane `lane`, a constant, of b. */
#define FMADD_LANE(a, b, lane, sum) vfmaq_laneq_f32(sum, a, b, lane)
IDP_INLINE vec relu(vec a) { return vmaxq_f32(zero(), a); } /* FMAX returns NaN for NaN */

/* to[c][l] = x[min(l, most)][c] for 4 channels and LANES samples, rows `stride` and `to_stride` floats apart. */
IDP_INLINE void transpose_four(const float *x, size_t stride, size_t most, float *to, size_t to_stride) {
    const vec row0 = load(x), row1 = load(x + idp_min(1, most) * stride);
    const vec row2 = load(x + idp_min(2, most) * stride), row3 = load(x + idp_min(3, most) * stride);
    const float32x4x2_t low = vzipq_f32(row0, row2), high = vzipq_f32(row1, row3);
    const float32x4x2_t first = vzipq_f32(low.val[0], high.val[0]), second = vzipq_f32(low.val[1], high.val[1]);
    store(to, first.val[0]);
    store(to + to_stride, first.val[1]);
    store(to + 2 * to_stride, second.val[0]);
    store(to + 3 * to_stride, second.val[1]);
}

#endif
