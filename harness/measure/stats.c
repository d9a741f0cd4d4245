/* stats.c: see stats.h. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void stats_sort(double *values, size_t n) { qsort(values, n, sizeof *values, ascending); }

double stats_sorted_median(const double *sorted, size_t n) {
    const size_t half = n / 2;
    return n % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

double stats_binomial_tail(size_t n, size_t most) {
    /* The sum of C(n, i) / 2^n. Only positive terms, each from the one before; `exponent` counts the powers of two
     * taken out on the way, because neither 2^-n nor C(n, n/2) fits a double from n = 1075 and 1030 on. */
    enum { STEP = 512 };
    const double large = ldexp(1, STEP);
    double term = 1, sum = 1;
    long exponent = 0;
    if (most >= n) return 1;
    for (size_t i = 1; i <= most; i++) {
        term *= (double)(n - i + 1) / (double)i;
        sum += term;
        if (sum > large) {
            term = ldexp(term, -STEP);
            sum = ldexp(sum, -STEP);
            exponent += STEP;
        }
    }
    /* ldexp takes an int; beyond it the result is 0 all the same. */
    const double power = (double)exponent - (double)n;
    return power < -20000 ? 0 : ldexp(sum, (int)power);
}

double stats_rank_coverage(size_t n, size_t rank) { return 1 - 2 * stats_binomial_tail(n, rank - 1); }

size_t stats_median_rank(size_t n, double level) {
    size_t reaches = 0, fails = n / 2 + 1; /* rank n/2 + 1 would end before it begins */
    while (fails - reaches > 1) {
        const size_t rank = reaches + (fails - reaches) / 2;
        if (stats_rank_coverage(n, rank) >= level)
            reaches = rank;
        else
            fails = rank;
    }
    return reaches;
}

size_t stats_rounds_needed(double level) {
    size_t n = 2;
    while (stats_rank_coverage(n, 1) < level) n++;
    return n;
}

bool stats_median_interval(const double *sorted, size_t n, double level, interval *result) {
    const size_t rank = stats_median_rank(n, level), shown = rank == 0 ? 1 : rank;
    *result = (interval){stats_sorted_median(sorted, n), sorted[shown - 1], sorted[n - shown]};
    return rank != 0;
}

bool stats_ratio_interval(const double *a, const double *b, size_t n, double level, double *scratch,
                          interval *result) {
    for (size_t i = 0; i < n; i++) scratch[i] = log(a[i] / b[i]);
    stats_sort(scratch, n);
    interval logs;
    const bool reached = stats_median_interval(scratch, n, level, &logs);
    *result = (interval){exp(logs.median), exp(logs.low), exp(logs.high)};
    return reached;
}

double stats_bonferroni(double level, size_t comparisons) {
    return comparisons <= 1 ? level : 1 - (1 - level) / (double)comparisons;
}
