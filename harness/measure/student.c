/* student.c: see student.h. */
#include "student.h"

#include <math.h>

/* The continued fraction of the incomplete beta function I_x(a, b) (NIST Digital Library of Mathematical Functions,
 * 8.17.22), evaluated from the front by Lentz's method; converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b) {
    enum { MOST_TERMS = 10000 };
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), result;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    result = d;
    for (int m = 1; m < MOST_TERMS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double terms[] = {even, odd};
        double change = 1;
        for (int t = 0; t < 2; t++) {
            d = 1 + terms[t] * d;
            c = 1 + terms[t] / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            change = c * d;
            result *= change;
        }
        if (fabs(change - 1) < 1e-15) break;
    }
    return result;
}

/* I_x(a, b), given also y = 1 - x, which may be too small to be told from x. */
static double incomplete_beta(double x, double y, double a, double b) {
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(y, b, a) / b;
}

double student_tail(double t, double df) {
    if (isinf(t)) return 0;
    const double square = t * t;
    return incomplete_beta(df / (df + square), square / (df + square), df / 2, 0.5);
}

double student_quantile(double probability, double df) {
    double low = 0, high = 1;
    while (student_tail(high, df) > probability && high < 1e300) high *= 2;
    for (int halvings = 0; halvings < 200 && low < high; halvings++) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (student_tail(middle, df) > probability)
            low = middle;
        else
            high = middle;
    }
    return high;
}

sample sample_of(const double *values, size_t n) {
    sample s = {.n = n};
    for (size_t i = 0; i < n; i++) s.mean += values[i] / (double)n;
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (values[i] - s.mean) * (values[i] - s.mean);
    s.sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    return s;
}

double sample_half_width(sample s, double level) {
    if (s.n < 2) return INFINITY;
    return student_quantile(1 - level, (double)(s.n - 1)) * s.sd / sqrt((double)s.n);
}

double welch_probability(sample a, sample b, double margin) {
    if (a.n < 2 || b.n < 2) return NAN;
    const double beyond = fabs(a.mean - b.mean) - margin;
    if (beyond <= 0) return 1;
    const double va = a.sd * a.sd / (double)a.n, vb = b.sd * b.sd / (double)b.n, variance = va + vb;
    if (!(variance > 0)) return 0;
    /* Welch and Satterthwaite's degrees of freedom */
    const double df = variance * variance / (va * va / (double)(a.n - 1) + vb * vb / (double)(b.n - 1));
    return student_tail(beyond / sqrt(variance), df);
}
