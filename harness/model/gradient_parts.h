/* gradient_parts.h: what gradient.c and gradient_memory.c share; nobody else includes it. */
#ifndef HARNESS_GRADIENT_PARTS_H
#define HARNESS_GRADIENT_PARTS_H

#include "gradient.h"

enum {
    BLOCK = IDP_TRAIN_BLOCK,
    LINE = IDP_TRAIN_LINE,
    SQUARE = BLOCK * BLOCK,
};

static inline size_t most(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t blocks_of(size_t n) { return (n + BLOCK - 1) / BLOCK; }
static inline size_t lines_of(size_t n) { return (n + LINE - 1) / LINE; }

/* Floats of an activation of one block of samples. */
static inline size_t block_floats(size_t channels) { return blocks_of(channels) * SQUARE; }

/* What a thread needs for itself. */
typedef struct gradient_scratch {
    float *input;         /* of one block of samples, [channel, rounded up to 64][32] */
    uint32_t *lit;        /* its pixels that are not 0 in all samples, [channel, rounded up to 64 + 1] */
    float *columns;       /* 32 input channels of all samples, [block][32 samples][32] */
    idp_train_term *term; /* [block] */
    float *unmixed;       /* one width's gradient of 32 columns of an inner layer, [out][32] */
} gradient_scratch;

#endif
