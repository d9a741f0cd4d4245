/* stats.h: the median with an exact confidence interval, for times and for ratios of paired times.
 *
 * The interval is the sign test turned round: of n independent draws of any continuous distribution, the number
 * below the true median is Binomial(n, 1/2), so the interval from the r-th smallest to the r-th largest holds the
 * median with probability 1 - 2 P(Binomial(n, 1/2) < r), whatever the distribution's shape: no normality, no
 * resampling. (Hollander, Wolfe, Chicken, Nonparametric Statistical Methods, section 3.6.) Ties only raise the
 * coverage. What it cannot see is what all draws share: the process, its memory layout, the machine. */
#ifndef HARNESS_MEASURE_STATS_H
#define HARNESS_MEASURE_STATS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct interval {
    double median, low, high;
} interval;

/* Ascending, in place. No NaN. */
void stats_sort(double *values, size_t n);

/* n at least 1; the mean of the two middle values where n is even. */
double stats_sorted_median(const double *sorted, size_t n);

/* P(Binomial(n, 1/2) <= most), to a relative error of about n times 2^-53 also where 2^-n underflows. */
double stats_binomial_tail(size_t n, size_t most);

/* The largest rank r, from 1, whose interval (r-th smallest to r-th largest of n) covers the median with at least
 * the probability `level`; 0 when even the whole range (r = 1) does not. level in (0, 1). */
size_t stats_median_rank(size_t n, double level);

/* 1 - 2 P(Binomial(n, 1/2) < rank): the probability with which that interval covers the median. rank in 1 .. n/2
 * + 1. */
double stats_rank_coverage(size_t n, size_t rank);

/* The least n for which stats_median_rank(n, level) is not 0. */
size_t stats_rounds_needed(double level);

/* The median and its interval at `level`. Where n (at least 1) is too small for the level, the interval is the
 * whole range and the return value is false: stats_rank_coverage(n, 1) tells what it covers. */
bool stats_median_interval(const double *sorted, size_t n, double level, interval *result);

/* The median of a[i] / b[i] over n pairs and its interval, computed from log-ratios, so that exchanging a and b
 * gives the reciprocal. All positive; scratch: [n]. Returns as stats_median_interval. */
bool stats_ratio_interval(const double *a, const double *b, size_t n, double level, double *scratch,
                          interval *result);

/* The level each of `comparisons` intervals needs so that all of them hold at once with at least `level`
 * (Bonferroni: independence is not assumed). */
double stats_bonferroni(double level, size_t comparisons);

#endif
