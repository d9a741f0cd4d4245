/* student.h: means of a few draws compared: Student's t distribution and Welch's test of two means. */
#ifndef HARNESS_MEASURE_STUDENT_H
#define HARNESS_MEASURE_STUDENT_H

#include <stddef.h>

/* P(|T| > t) for Student's t with `df` degrees of freedom (above 0, not necessarily whole); t at least 0. Relative
 * error below 1e-10. */
double student_tail(double t, double df);

/* The t with student_tail(t, df) = probability, in (0, 1]. */
double student_quantile(double probability, double df);

/* Draws of one quantity. */
typedef struct sample {
    size_t n;        /* at least 1 */
    double mean, sd; /* sd: sample standard deviation, 0 where n is 1 */
} sample;
sample sample_of(const double *values, size_t n);

/* Half the width of the confidence interval of the mean at `level` (Student); infinite where n is 1. */
double sample_half_width(sample s, double level);

/* Welch's test, which does not suppose that the two spreads are equal, of the hypothesis that the true means differ
 * by `margin` at most: P(|T| > (|difference| - margin) / standard error), 1 where the difference is within the
 * margin. Where neither sample has any spread it is 1 or 0. Both samples need n of 2 or more; else it is NaN:
 * nothing can be told. */
double welch_probability(sample a, sample b, double margin);

#endif
