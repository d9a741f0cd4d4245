/* train_neon.c: Advanced SIMD of AArch64: the vocabulary of train_tile.h. 32 registers hold tiles of 5 x 4: 20
 * sums, for up to four FMA pipes. NEON has no masks: parts of a register go lane by lane. */
#include <arm_neon.h>
#include <math.h>

#include "train.h"

typedef float32x4_t vec;
#define ROWS_MOST 5
enum { LANES = 4, GROUP = 4, ROWS = ROWS_MOST };

IDP_INLINE vec zero(void) { return vdupq_n_f32(0); }
IDP_INLINE vec set1(float a) { return vdupq_n_f32(a); }
IDP_INLINE vec load(const float *p) { return vld1q_f32(p); }
IDP_INLINE void store(float *p, vec a) { vst1q_f32(p, a); }
IDP_INLINE vec load_part(const float *p, size_t n) {
    vec a = zero();
    if (n == LANES) return load(p);
    if (n > 0) a = vld1q_lane_f32(p, a, 0);
    if (n > 1) a = vld1q_lane_f32(p + 1, a, 1);
    if (n > 2) a = vld1q_lane_f32(p + 2, a, 2);
    return a;
}
IDP_INLINE void store_part(float *p, size_t n, vec a) {
    if (n == LANES) {
        store(p, a);
        return;
    }
    if (n > 0) vst1q_lane_f32(p, a, 0);
    if (n > 1) vst1q_lane_f32(p + 1, a, 1);
    if (n > 2) vst1q_lane_f32(p + 2, a, 2);
}
IDP_INLINE vec add(vec a, vec b) { return vaddq_f32(a, b); }
IDP_INLINE vec sub(vec a, vec b) { return vsubq_f32(a, b); }
IDP_INLINE vec mul(vec a, vec b) { return vmulq_f32(a, b); }
IDP_INLINE vec divide(vec a, vec b) { return vdivq_f32(a, b); }
IDP_INLINE vec fmadd(vec a, vec b, vec sum) { return vfmaq_f32(sum, a, b); }
IDP_INLINE vec max_of(vec a, vec b) { return vmaxq_f32(a, b); } /* FMAX returns NaN for NaN */
IDP_INLINE vec relu(vec a) { return max_of(zero(), a); }

/* b where a > 0, else 0. */
IDP_INLINE vec where_positive(vec a, vec b) {
    return vreinterpretq_f32_u32(vandq_u32(vcgtq_f32(a, zero()), vreinterpretq_u32_f32(b)));
}
/* Subnormal numbers become 0; NaN stays. */
IDP_INLINE vec flush_small(vec a) {
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a), vcltq_f32(vabsq_f32(a), set1(0x1p-126f))));
}
IDP_INLINE vec nearest(vec a) { return vrndnq_f32(a); }
/* 2^n, n a whole number in [-126, 127]. */
IDP_INLINE vec power_of_two(vec n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
}
IDP_INLINE float lane_sum(vec a) { return vaddvq_f32(a); }
IDP_INLINE vec load_bytes(const uint8_t *p) {
    const uint8x8_t bytes = {p[0], p[1], p[2], p[3]};
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}
/* Four bytes to a lane, and the b-th byte of every lane, as a number. */
IDP_INLINE vec load_words(const uint8_t *p) { return vreinterpretq_f32_u8(vld1q_u8(p)); }
IDP_INLINE vec byte_of(vec a, unsigned b) {
    const uint32x4_t shifted = vshlq_u32(vreinterpretq_u32_f32(a), vdupq_n_s32(-8 * (int)b));
    return vcvtq_f32_u32(vandq_u32(shifted, vdupq_n_u32(255)));
}

/* a[c][r] = a[r][c], 4 x 4. */
IDP_INLINE void turn_lanes(vec a[LANES]) {
    const float32x4x2_t b = vtrnq_f32(a[0], a[1]), c = vtrnq_f32(a[2], a[3]);
    a[0] = vcombine_f32(vget_low_f32(b.val[0]), vget_low_f32(c.val[0]));
    a[1] = vcombine_f32(vget_low_f32(b.val[1]), vget_low_f32(c.val[1]));
    a[2] = vcombine_f32(vget_high_f32(b.val[0]), vget_high_f32(c.val[0]));
    a[3] = vcombine_f32(vget_high_f32(b.val[1]), vget_high_f32(c.val[1]));
}

#include "train_tile.h"

const idp_train idp_train_neon = {"neon", forward, backward, weights, loss, sums, pixels, pixels_turned, turn};
