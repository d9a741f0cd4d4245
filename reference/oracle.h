/* oracle.h: the incomplete fully-connected layer as its formula says it, in double precision, with the error bound
 * that a float32 implementation must keep. Naive on purpose; knows nothing of the kernels. */
#ifndef REFERENCE_ORACLE_H
#define REFERENCE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* y[j][s] = gamma[j] * relu(b[j] + sum over i < k of w[j][i] * x[i][s]),  j < m, s < batch. */
typedef struct oracle_fc {
    size_t k, m, batch;
    const float *w; /* [m][w_stride], the first k of each row used */
    size_t w_stride;
    const float *b; /* [m] or NULL for zeros */
    const float *x; /* [k][x_stride] */
    size_t x_stride;
    bool x_by_sample;   /* x is [batch][x_stride] */
    const float *gamma; /* [m] or NULL for ones */
    bool relu;          /* relu(NaN) = NaN */
    bool gradual;       /* the evaluation keeps subnormals: a sharper bound. false: it may flush them (FTZ, DAZ) */
} oracle_fc;

/* value, bound: [m][batch]. |y - value| <= bound for every float32 evaluation in any order of summation, with or
 * without FMA, and unless `gradual` with or without flushing subnormals: with n = k + 3 and u = 2^-24,
 *   n u / (1 - n u) * (|b| + sum |w x|)  through relu (1-Lipschitz), times |gamma|, plus the rounding of the
 * product with gamma and an absolute term for underflow (Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.1). Where that says nothing, the bound is not finite: infinity: y is surely NaN or surely infinite, and
 * value is that NaN or infinity (an input is, or every order of summation overflows the same way); NaN:      y may
 * be anything: whether a partial sum overflows depends on the order. Also where k + 3 >= 2^24. */
void oracle_fc_run(const oracle_fc *fc, double *value, double *bound);

/* |y - value| / bound, at most 1 where y keeps the bound; where the bound is infinite, 0 for a y of the value's
 * class and infinity for another; where it is NaN, 0. */
double oracle_error_over_bound(float y, double value, double bound);

#endif
