/* stream_neon.c: see stream.h. */
#include <arm_neon.h>

typedef float32x4_t vec;
enum { LANES = 4 };
static inline vec load(const float *p) { return vld1q_f32(p); }
static inline vec load_part(const float *p, unsigned long n) { /* there are no masks: a lane, a pair, or both */
    vec a = vdupq_n_f32(0);
    if ((n & 2) != 0) a = vcombine_f32(vld1_f32(p), vget_high_f32(a));
    if ((n & 1) != 0) a = vld1q_lane_f32(p + (n & 2), a, 3);
    return a;
}
static inline void touch(vec a) { __asm__ volatile("" : : "w"(a)); }

#include "stream_loads.h"

void stream_load_neon(const stream_block *block, size_t blocks, stream_way way) { load_blocks(block, blocks, way); }
