#include "noise.h"

#include <math.h>

enum { HALVINGS = 80 }; /* of an interval that is bisected: more than a double has bits */

double noise_deviations(double miss) {
    double low = 0, high = 40; /* erfc(40 / sqrt(2)) underflows */
    for (int h = 0; h < HALVINGS; h++) {
        const double middle = low + (high - low) / 2;
        if (erfc(middle / sqrt(2)) > miss)
            low = middle;
        else
            high = middle;
    }
    return high;
}

interval noise_widen(interval i, double had, double wanted) {
    if (wanted >= had) return i;
    const double factor = noise_deviations(wanted) / noise_deviations(had);
    return (interval){i.median, i.median * pow(i.low / i.median, factor),
                      i.median * pow(i.high / i.median, factor)};
}

interval noise_of_draws(double *draws, size_t n, double wanted) {
    interval i;
    stats_sort(draws, n);
    if (stats_median_interval(draws, n, 1 - wanted, &i)) return i;
    return noise_widen(i, 1 - stats_rank_coverage(n, 1), wanted);
}

/* P(Binomial(n, p) >= x) for p <= x / n, where the terms only fall. */
static double upper_tail(size_t x, size_t n, double p) {
    const double odds = p / (1 - p), dn = (double)n;
    double i = (double)x;
    double term = exp(lgamma(dn + 1) - lgamma(i + 1) - lgamma(dn - i + 1) + i * log(p) + (dn - i) * log1p(-p));
    double sum = 0;
    for (; i <= dn && term > 1e-17 * sum; i++) {
        sum += term;
        term *= (dn - i) / (i + 1) * odds;
    }
    return sum;
}

/* The p at which x successes or more have the probability `tail`. */
static double least_share(size_t x, size_t n, double tail) {
    if (x == 0) return 0;
    double low = 0, high = (double)x / (double)n;
    for (int h = 0; h < HALVINGS; h++) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (upper_tail(x, n, middle) < tail)
            low = middle;
        else
            high = middle;
    }
    return low;
}

interval noise_of_share(size_t successes, size_t n, double wanted) {
    return (interval){.median = (double)successes / (double)n,
                      .low = least_share(successes, n, wanted / 2),
                      .high = 1 - least_share(n - successes, n, wanted / 2)};
}
