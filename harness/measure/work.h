/* work.h: the work that a kernel's tiles imply, by arithmetic over its descriptor. What it really executes is
 * counted elsewhere (executed.h); a test holds the two together. */
#ifndef HARNESS_MEASURE_WORK_H
#define HARNESS_MEASURE_WORK_H

#include <stdint.h>

#include "../../kernels/idp.h"

/* Multiply-adds of one call, one per lane. The layer wants m k batch of them; tiles compute more. */
typedef struct work {
    uint64_t wanted;
    uint64_t output_padding;  /* lanes and rows of a tile beyond the m outputs */
    uint64_t sample_padding;  /* lanes beyond the batch */
    uint64_t channel_padding; /* lanes beyond the k channels (layout row) */
} work;

/* fc needs only out, in, m, k and batch. Holds for the hand-written kernels and for `scalar`; what the compiler
 * makes of `autovec` is its own affair. */
work work_predict(const idp_kernel *kernel, idp_origin origin, const idp_fc *fc);

/* wanted and all padding: multiply-add instructions times their lanes. */
uint64_t work_issued(const work *w);

/* The memory that one call reads and writes, each byte once: packed weights and bias as far as k and m reach, x,
 * gamma and y. Bytes. */
uint64_t work_footprint_bytes(const idp_kernel *kernel, const idp_fc *fc);

#endif
