/* noise.h: how sure a figure is that some document recorded: its interval at another level than it was
 * taken at, and the interval of a share of test images. A miss is 1 - level: at the levels that many comparisons
 * together need, the level itself has no digits left. */
#ifndef HARNESS_COMPARE_NOISE_H
#define HARNESS_COMPARE_NOISE_H

#include "../measure/stats.h"

/* z with P(|standard normal| > z) = miss; miss in (0, 1]. */
double noise_deviations(double miss);

/* The interval as it would be with the miss `wanted` instead of `had`: the distances of its ends from the median,
 * as logarithms, grow as the normal deviations do. For an interval of many draws this is what taking outer ranks
 * comes to; of few draws it is what normal noise would give. It never gets narrower. All of `i` positive. */
interval noise_widen(interval i, double had, double wanted);

/* The median of n draws and its interval: the ranks that the miss asks for, else the whole range, widened. Draws
 * are positive and get sorted; n at least 2. */
interval noise_of_draws(double *draws, size_t n, double wanted);

/* successes / n with its exact interval (Clopper and Pearson, Biometrika 26, 1934), as shares. n at least 1. */
interval noise_of_share(size_t successes, size_t n, double wanted);

#endif
