#include "oracle.h"

#include <float.h>
#include <math.h>

#define UNIT 0x1p-24           /* u: half the distance from 1 to the next float32 */
#define LEAST_NORMAL 0x1p-126  /* below it lie the subnormals, which a flushing evaluation reads and writes as 0 */
#define GRADUAL_ERROR 0x1p-150 /* half the distance between two subnormals */
#define OVERFLOW_AT 0x1.ffffffp+127 /* what rounds to infinity: FLT_MAX and half a unit in its last place */

/* What is known of a float32 result: value and bound as oracle_fc_run returns them. */
typedef struct estimate {
    double value, bound;
} estimate;

/* The class of the result is sure. */
static estimate surely(double value) { return (estimate){value, INFINITY}; }

/* The result depends on the order of evaluation. */
static estimate anything(void) { return (estimate){NAN, NAN}; }

static bool is_subnormal(double a) { return a != 0 && fabs(a) < LEAST_NORMAL; }

/* b[j] + sum of w x, taken apart. */
typedef struct sum {
    double value;              /* of the finite terms */
    double positive, negative; /* its positive terms, and its negative ones as a magnitude */
    double underflow;          /* absolute errors of all products and additions where they underflow */
    bool nan, plus_infinity, minus_infinity;
    bool flushed_infinity; /* infinity times a subnormal: NaN where that is flushed */
} sum;

static void add_term(sum *s, double term) {
    if (isnan(term)) {
        s->nan = true;
    } else if (isinf(term)) {
        *(term > 0 ? &s->plus_infinity : &s->minus_infinity) = true;
    } else {
        s->value += term;
        *(term > 0 ? &s->positive : &s->negative) += fabs(term);
    }
}

/* Product of two float32 values: exact in double (24 + 24 bits). */
static void add_product(sum *s, double w, double x, bool gradual) {
    add_term(s, w * x);
    if (gradual) { /* a sum or difference that underflows is exact; the product, or the FMA, is rounded once */
        s->underflow += GRADUAL_ERROR;
        return;
    }
    s->underflow += 2 * LEAST_NORMAL; /* the product flushed, and the addition */
    if (!is_subnormal(w) && !is_subnormal(x)) return;
    if (isinf(w) || isinf(x))
        s->flushed_infinity = true;
    else if (isfinite(w * x))
        s->underflow += fabs(w * x);
}

static sum add_up(const oracle_fc *fc, size_t j, size_t sample) {
    sum s = {0};
    if (fc->b != NULL) add_term(&s, fc->b[j]);
    if (!fc->gradual) s.underflow += 2 * LEAST_NORMAL; /* b flushed, and the addition */
    for (size_t i = 0; i < fc->k; i++)
        add_product(&s, fc->w[j * fc->w_stride + i],
                    fc->x[fc->x_by_sample ? sample * fc->x_stride + i : i * fc->x_stride + sample], fc->gradual);
    return s;
}

/* The float32 sum. A term sees at most k + 1 roundings (its product and k additions); n = k + 3 leaves two u for
 * the roundings of the double sums here, which are 2^-29 times as large. A partial sum lies between -negative and
 * positive, errors apart: where neither can overflow nothing can, and where only one can no NaN arises. */
static estimate round_sum(const sum *s, size_t k) {
    const double n_u = ((double)k + 3) * UNIT;
    if (s->nan || (s->plus_infinity && s->minus_infinity)) return surely(NAN);
    if (s->flushed_infinity || n_u >= 1) return anything();
    const double growth = n_u / (1 - n_u), absolute = (1 + growth) * s->underflow;
    const bool overflow_up = (1 + growth) * s->positive + absolute >= OVERFLOW_AT;
    const bool overflow_down = (1 + growth) * s->negative + absolute >= OVERFLOW_AT;
    if (s->plus_infinity) return overflow_down ? anything() : surely(INFINITY);
    if (s->minus_infinity) return overflow_up ? anything() : surely(-INFINITY);
    const double bound = growth * (s->positive + s->negative) + absolute;
    if (!overflow_up && !overflow_down) return (estimate){s->value, bound};
    if (!overflow_down && s->value - bound >= OVERFLOW_AT) return surely(INFINITY);
    if (!overflow_up && s->value + bound <= -OVERFLOW_AT) return surely(-INFINITY);
    return anything();
}

/* 1-Lipschitz: it keeps the bound, and where the sum is surely negative it is exact. */
static estimate relu(estimate r) {
    if (isnan(r.bound) || isnan(r.value)) return r;
    if (isinf(r.value) && r.value < 0) return (estimate){0, 0};
    return r.value > 0 ? r : (estimate){0, fmax(0, r.value + r.bound)};
}

static estimate times_gamma(estimate r, double gamma, bool gradual) {
    if (isnan(gamma)) return surely(NAN);
    if (isnan(r.bound)) return anything();
    if (isinf(r.bound)) {
        if (isinf(r.value) && !gradual && is_subnormal(gamma)) return anything();
        return surely(gamma * r.value);
    }
    const double least = fabs(r.value) - r.bound, most = fabs(r.value) + r.bound;
    if (isinf(gamma)) { /* infinity, or NaN where the factor is or may become zero */
        const bool zero = r.value == 0 && r.bound == 0, nonzero = least > (gradual ? 0 : LEAST_NORMAL);
        return zero || nonzero ? surely(gamma * r.value) : anything();
    }
    double underflow = GRADUAL_ERROR;
    if (!gradual) /* the product flushed, the sum flushed, gamma flushed */
        underflow = LEAST_NORMAL + fabs(gamma) * LEAST_NORMAL + (is_subnormal(gamma) ? fabs(gamma) * most : 0);
    const double bound = fabs(gamma) * r.bound + UNIT * fabs(gamma) * most + underflow;
    if (fabs(gamma) * most + bound >= OVERFLOW_AT) {
        const bool sure = fabs(gamma) * least * (1 - UNIT) - underflow >= OVERFLOW_AT;
        return sure ? surely(copysign(INFINITY, gamma * r.value)) : anything();
    }
    const double own_roundings = 1 + 0x1p-20; /* of gamma * value, 2^-29 of a term of the bound, and of the bound */
    return (estimate){gamma * r.value, bound * own_roundings};
}

void oracle_fc_run(const oracle_fc *fc, double *value, double *bound) {
    for (size_t j = 0; j < fc->m; j++) {
        for (size_t sample = 0; sample < fc->batch; sample++) {
            const sum s = add_up(fc, j, sample);
            estimate y = round_sum(&s, fc->k);
            if (fc->relu) y = relu(y);
            if (fc->gamma != NULL) y = times_gamma(y, fc->gamma[j], fc->gradual);
            value[j * fc->batch + sample] = y.value;
            bound[j * fc->batch + sample] = y.bound;
        }
    }
}

double oracle_error_over_bound(float y, double value, double bound) {
    if (isnan(bound)) return 0;
    if (isinf(bound)) {
        const bool agrees = isnan(value) ? isnan(y) : (double)y == value;
        return agrees ? 0 : INFINITY;
    }
    if (!isfinite(y)) return INFINITY;
    const double error = fabs((double)y - value);
    if (error == 0) return 0;
    return bound > 0 ? error / bound : INFINITY;
}
