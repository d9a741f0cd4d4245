/* random.h: seeded random numbers, the same on every machine and with every compiler: xoshiro256** (Blackman and
 * Vigna 2018), seeded by splitmix64, and normal deviates that need no libm. */
#ifndef HARNESS_RANDOM_H
#define HARNESS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What random numbers are for: each purpose has its own stream, so that using one more number of a stream does not
 * change what the others give. */
typedef enum random_stream {
    RANDOM_INITIAL_WEIGHTS,
    RANDOM_SHUFFLE,
    RANDOM_WIDTHS,
    RANDOM_TEST,
    RANDOM_ROUNDS,
    RANDOM_PLACES /* of buffers in memory */
} random_stream;

typedef struct random_state {
    uint64_t s[4];
} random_state;

void random_seed(random_state *r, uint64_t seed, random_stream stream);
uint64_t random_next(random_state *r);

/* In [0, 1), 53 bits. */
double random_uniform(random_state *r);

/* In [0, n), unbiased; n at least 1. */
size_t random_below(random_state *r, size_t n);

/* Mean 0, variance 1: Karney, "Sampling exactly from the normal distribution", ACM TOMS 42 (2016), algorithm N
 * (acceptance and rejection by comparing uniforms, here of 53 bits). */
double random_normal(random_state *r);

/* A random order of the n values (Fisher and Yates). */
void random_shuffle(random_state *r, uint32_t *values, size_t n);

#endif
