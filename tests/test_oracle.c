/* The oracle against sums done by hand and in long double; its bound against float32 sums in every kind of order:
 * never broken, nearly reached, and tight enough to notice one missing channel. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/random.h"
#include "oracle.h"
#include "seed.h"

enum { MOST = 1024 };

static random_state rng;

static float between(double low, double high) { return (float)(low + (high - low) * random_uniform(&rng)); }

/* One output of one sample. */
typedef struct dot {
    size_t k;
    float w[MOST], x[MOST], b, gamma;
    bool relu, gradual;
} dot;

static double run(const dot *d, double *bound) {
    const oracle_fc fc = {.k = d->k,
                          .m = 1,
                          .batch = 1,
                          .w = d->w,
                          .w_stride = MOST,
                          .b = &d->b,
                          .x = d->x,
                          .x_stride = 1,
                          .gamma = &d->gamma,
                          .relu = d->relu,
                          .gradual = d->gradual};
    double value;
    oracle_fc_run(&fc, &value, bound);
    return value;
}

static dot random_dot(size_t k) {
    dot d = {.k = k, .b = between(-1, 1), .gamma = between(-1, 1), .gradual = true};
    for (size_t i = 0; i < k; i++) {
        d.w[i] = between(-1, 1);
        d.x[i] = between(-1, 1);
    }
    return d;
}

/* ---- the value -------------------------------------------------------------------------------------------- */

START_TEST(by_hand) {
    /* Two outputs, three channels of four, two samples, every stride wider than needed. */
    const float w[] = {1, 2, 3, 99, 99, -1, 0.5f, -2, 99, 99};
    const float x[] = {1, 10, 99, 2, 20, 99, 3, 30, 99};
    const float b[] = {0.5f, 4}, gamma[] = {2, -3};
    oracle_fc fc = {.k = 3, .m = 2, .batch = 2, .w = w, .w_stride = 5, .x = x, .x_stride = 3};
    double value[4], bound[4];
    oracle_fc_run(&fc, value, bound);
    const double plain[] = {14, 140, -6, -60};
    ck_assert_mem_eq(value, plain, sizeof plain);
    ck_assert_double_eq_tol(bound[0], 6 * 0x1p-24 * 14, 1e-11);

    fc.b = b;
    fc.gamma = gamma;
    oracle_fc_run(&fc, value, bound);
    const double scaled[] = {29, 281, 6, 168}; /* gamma multiplies the bias of its output too: after the sum */
    ck_assert_mem_eq(value, scaled, sizeof scaled);

    fc.relu = true; /* before gamma: a negative sum gives 0, not a positive product */
    oracle_fc_run(&fc, value, bound);
    ck_assert(value[0] == 29 && value[1] == 281 && value[2] == 0 && value[3] == 0);

    fc.k = 0;
    oracle_fc_run(&fc, value, bound);
    ck_assert(value[0] == 1 && value[1] == 1 && value[2] == -12 && value[3] == -12);
}
END_TEST

START_TEST(agrees_with_long_double) {
    for (int trial = 0; trial < 300; trial++) {
        const dot d = random_dot(random_below(&rng, MOST + 1));
        long double positive = d.b > 0 ? d.b : 0, negative = d.b > 0 ? 0 : d.b;
        for (size_t i = d.k; i-- > 0;) {
            const long double term = (long double)d.w[i] * d.x[i];
            *(term > 0 ? &positive : &negative) += term;
        }
        double bound;
        const double value = run(&d, &bound), expected = (double)(d.gamma * (positive + negative));
        ck_assert_double_le(fabs(value - expected), 1e-6 * bound);
    }
}
END_TEST

/* ---- float32 sums in every kind of order ------------------------------------------------------------------ */

static float times(float a, float b) {
    volatile float product = a * b; /* kept from contraction into an FMA */
    return product;
}

static float forward(const dot *d) {
    float sum = d->b;
    for (size_t i = 0; i < d->k; i++) sum += times(d->w[i], d->x[i]);
    return sum;
}

static float forward_fma(const dot *d) {
    float sum = d->b;
    for (size_t i = 0; i < d->k; i++) sum = fmaf(d->w[i], d->x[i], sum);
    return sum;
}

static float backward(const dot *d) {
    float sum = 0;
    for (size_t i = d->k; i-- > 0;) sum += times(d->w[i], d->x[i]);
    return sum + d->b;
}

static float pairwise_part(const dot *d, size_t from, size_t to) {
    if (to - from == 1) return times(d->w[from], d->x[from]);
    const size_t middle = from + (to - from) / 2;
    return pairwise_part(d, from, middle) + pairwise_part(d, middle, to);
}

static float pairwise(const dot *d) { return d->k == 0 ? d->b : d->b + pairwise_part(d, 0, d->k); }

static float lanes_fma(const dot *d) {
    enum { LANES = 16 };
    float lane[LANES] = {d->b};
    for (size_t i = 0; i < d->k; i++) lane[i % LANES] = fmaf(d->w[i], d->x[i], lane[i % LANES]);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

static float shuffled(const dot *d) {
    uint32_t order[MOST];
    for (size_t i = 0; i < d->k; i++) order[i] = (uint32_t)i;
    random_shuffle(&rng, order, d->k);
    float sum = d->b;
    for (size_t i = 0; i < d->k; i++) sum += times(d->w[order[i]], d->x[order[i]]);
    return sum;
}

/* forward, with every subnormal read or written as zero. */
static float flushed(float a) { return fabsf(a) < FLT_MIN ? 0 : a; }

static float forward_flushing(const dot *d) {
    float sum = flushed(d->b);
    for (size_t i = 0; i < d->k; i++) sum = flushed(sum + flushed(times(flushed(d->w[i]), flushed(d->x[i]))));
    return sum;
}

static float finish(const dot *d, float sum) { return times(d->gamma, d->relu && sum < 0 ? 0 : sum); }

static float (*const orders[])(const dot *) = {forward, forward_fma, backward, pairwise, lanes_fma, shuffled};
enum { ORDERS = sizeof orders / sizeof orders[0] };

START_TEST(no_order_breaks_the_bound) {
    const size_t lengths[] = {0, 1, 2, 7, 16, 100, 784, MOST};
    double worst_short = 0, worst_long = 0;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        for (int trial = 0; trial < 200; trial++) {
            dot d = random_dot(lengths[l]);
            d.relu = trial % 2 == 0;
            double bound;
            const double value = run(&d, &bound);
            for (size_t o = 0; o < ORDERS; o++) {
                const double ratio = oracle_error_over_bound(finish(&d, orders[o](&d)), value, bound);
                ck_assert_msg(ratio <= 1, "k %zu, order %zu: %g times the bound", d.k, o, ratio);
                double *worst = lengths[l] <= 2 ? &worst_short : &worst_long;
                if (ratio > *worst) *worst = ratio;
            }
        }
    }
    printf("worst error over bound: %.2f for k <= 2, %.3f for longer sums\n", worst_short, worst_long);
    ck_assert_double_gt(worst_short, 0.2);
    ck_assert_double_gt(worst_long, 0.02); /* random signs: errors cancel, like the square root of k */
}
END_TEST

START_TEST(the_bound_is_nearly_reached) {
    dot d = {.k = 500, .b = 1, .gamma = 1, .gradual = true};
    for (size_t i = 0; i < d.k; i++) { /* each product is just less than what 1 can notice */
        d.w[i] = 0x1.fffffep-25f;
        d.x[i] = 1;
    }
    double bound;
    const double value = run(&d, &bound), ratio = oracle_error_over_bound(forward(&d), value, bound);
    ck_assert_msg(ratio > 0.98 && ratio <= 1, "%g", ratio);
}
END_TEST

START_TEST(a_missing_channel_is_noticed) {
    for (int trial = 0; trial < 500; trial++) {
        dot d = random_dot(1 + random_below(&rng, MOST - 1));
        const size_t dropped = random_below(&rng, d.k);
        d.w[dropped] = d.x[dropped] = d.gamma = 0.25f; /* not by chance a negligible product */
        double bound;
        const double value = run(&d, &bound);
        d.w[dropped] = 0;
        ck_assert_double_gt(oracle_error_over_bound(finish(&d, forward(&d)), value, bound), 1);
    }
}
END_TEST

START_TEST(cancellation_widens_the_bound) {
    for (int trial = 0; trial < 200; trial++) {
        dot d = random_dot(2 * (1 + random_below(&rng, MOST / 2)));
        for (size_t i = 0; i + 1 < d.k; i += 2) {
            d.w[i + 1] = -d.w[i];
            d.x[i + 1] = d.x[i];
        }
        d.b = 0;
        double bound;
        const double value = run(&d, &bound);
        ck_assert_double_eq(value, 0);
        for (size_t o = 0; o < ORDERS; o++)
            ck_assert_double_le(oracle_error_over_bound(finish(&d, orders[o](&d)), value, bound), 1);
    }
}
END_TEST

/* ---- underflow -------------------------------------------------------------------------------------------- */

START_TEST(subnormals_kept_or_flushed) {
    double worst_kept = 0;
    bool flushing_told_apart = false;
    for (int trial = 0; trial < 2000; trial++) {
        dot d = random_dot(random_below(&rng, 40));
        for (size_t i = 0; i < d.k; i++) {
            d.w[i] = ldexpf(d.w[i], -(int)random_below(&rng, 150));
            d.x[i] = ldexpf(d.x[i], -(int)random_below(&rng, 150));
        }
        d.b = ldexpf(d.b, -(int)random_below(&rng, 150));
        d.gamma = ldexpf(d.gamma, -(int)random_below(&rng, 150));
        double kept_bound, flush_bound;
        const double value = run(&d, &kept_bound);
        d.gradual = false;
        ck_assert_double_eq(run(&d, &flush_bound), value);
        ck_assert_double_ge(flush_bound, kept_bound);
        for (size_t o = 0; o < ORDERS; o++) {
            const double ratio = oracle_error_over_bound(finish(&d, orders[o](&d)), value, kept_bound);
            ck_assert_double_le(ratio, 1);
            if (ratio > worst_kept) worst_kept = ratio;
        }
        const float y = flushed(times(flushed(d.gamma), flushed(forward_flushing(&d))));
        ck_assert_double_le(oracle_error_over_bound(y, value, flush_bound), 1);
        if (oracle_error_over_bound(y, value, kept_bound) > 1) flushing_told_apart = true;
    }
    ck_assert_double_gt(worst_kept, 0.3);
    ck_assert(flushing_told_apart);
}
END_TEST

/* What the random ones above hardly ever meet: every one of 100 products lost. */
static const struct {
    float w, x;
    bool gradual;
} lost[] = {
    {0x1p-75f, 0x1p-75f, true},  /* 2^-150, half of the least subnormal, is rounded to 0 */
    {0x1p-64f, 0x1p-63f, false}, /* 2^-127 is a subnormal result, flushed */
    {0x1p-130f, 1e30f, false},   /* 2^-130 is a subnormal input, flushed, though the product is not small */
    {1e30f, 0x1p-130f, false},
};

START_TEST(every_product_lost) {
    dot d = {.k = 100, .gamma = 1, .gradual = lost[_i].gradual};
    for (size_t i = 0; i < d.k; i++) {
        d.w[i] = lost[_i].w;
        d.x[i] = lost[_i].x;
    }
    double bound;
    const double value = run(&d, &bound);
    const float y = d.gradual ? forward(&d) : forward_flushing(&d);
    ck_assert(y == 0 && value > 0);
    ck_assert_double_le(oracle_error_over_bound(y, value, bound), 1);
    ck_assert_double_gt(oracle_error_over_bound(y, value, bound), 0.1);
}
END_TEST

/* ---- classes ---------------------------------------------------------------------------------------------- */

/* One product w * x, b, gamma -> the class. */
static const struct {
    float w, x, b, gamma;
    bool relu;
    char expected; /* + - infinities, N NaN, ? anything, f finite */
} classes[] = {
    {1, 1, 1, 1, false, 'f'},
    {INFINITY, 1, 1, 1, false, '+'},
    {INFINITY, -1, 1, 1, false, '-'},
    {INFINITY, -1, 1, 1, true, 'f'}, /* relu(-inf) = 0 */
    {INFINITY, 0, 1, 1, false, 'N'},
    {INFINITY, 1, -INFINITY, 1, false, 'N'},
    {1, 1, INFINITY, 1, false, '+'},
    {NAN, 1, 1, 1, false, 'N'},
    {1, NAN, 1, 1, true, 'N'}, /* relu(NaN) = NaN */
    {NAN, 0, 1, 0, false, 'N'},
    {1, 1, NAN, 1, true, 'N'},
    {1, 1, 1, NAN, false, 'N'},
    {1, 1, 1, INFINITY, false, '+'},
    {1, 1, 1, -INFINITY, true, '-'},
    {-1, 1, -1, INFINITY, true, 'N'}, /* surely 0 * inf */
    {-1, 1, 1, INFINITY, true, '?'},  /* 0, but within a bound: 0 * inf or tiny * inf */
    {1, 1, -1, INFINITY, false, '?'},
    {INFINITY, 1, 1, 0, false, 'N'},
    {INFINITY, 1, 1, -2, true, '-'},
    {1e30f, 1e30f, 0, 1, false, '+'}, /* every order overflows */
    {1e30f, -1e30f, 0, 1, false, '-'},
    {1e30f, -1e30f, 0, 1, true, 'f'},
    {1e30f, 1e30f, 0, -1, false, '-'},
    {1e30f, 1e30f, 0, 0, false, 'N'},
    {1e30f, 1e30f, -INFINITY, 1, false, '?'}, /* inf - inf */
    {1e19f, 3.4e19f, 1, 1, false, 'f'},
    {1e19f, 3.4028235e19f, 1e31f, 1, false, '?'}, /* within the bound of FLT_MAX */
    {1e19f, 1e19f, 1, 1e19f, false, '+'},
    {1e19f, 1e19f, 1, -1e19f, false, '-'},
    {1e19f, -1e19f, 1, 1e19f, true, 'f'},
};

START_TEST(infinities_and_nan) {
    dot d = {.k = 1,
             .w = {classes[_i].w},
             .x = {classes[_i].x},
             .b = classes[_i].b,
             .gamma = classes[_i].gamma,
             .relu = classes[_i].relu,
             .gradual = true};
    double bound;
    const double value = run(&d, &bound);
    const char got = isnan(bound) ? '?' : !isinf(bound) ? 'f' : isnan(value) ? 'N' : value > 0 ? '+' : '-';
    ck_assert_msg(got == classes[_i].expected, "row %d: %c, expected %c", _i, got, classes[_i].expected);
    for (size_t o = 0; o < ORDERS; o++) { /* and float32 agrees */
        const float sum = orders[o](&d);
        const float y = times(d.gamma, d.relu && sum < 0 ? 0 : sum);
        ck_assert_double_le(oracle_error_over_bound(y, value, bound), 1);
    }
}
END_TEST

START_TEST(order_decides_whether_partial_sums_overflow) {
    dot d = {.k = 4, .w = {3e38f, 3e38f, -3e38f, -3e38f}, .x = {1, 1, 1, 1}, .gamma = 1, .gradual = true};
    double bound;
    (void)run(&d, &bound);
    ck_assert(isnan(bound)); /* inf or NaN forward, 0 where the signs alternate */
    d.w[3] = 0;
    d.w[2] = -1; /* only upwards: +inf in every order, never NaN */
    ck_assert(isinf(run(&d, &bound)) && isinf(bound));
}
END_TEST

START_TEST(error_over_bound) {
    ck_assert_double_eq(oracle_error_over_bound(1.5f, 1, 1), 0.5);
    ck_assert_double_eq(oracle_error_over_bound(0.0f, 0, 0), 0);
    ck_assert(isinf(oracle_error_over_bound(1e-30f, 0, 0)));
    ck_assert(isinf(oracle_error_over_bound(NAN, 0, 1e300)));
    ck_assert(isinf(oracle_error_over_bound(INFINITY, 3e38, 1e38)));
    ck_assert(isinf(oracle_error_over_bound(-INFINITY, INFINITY, INFINITY)));
    ck_assert(isinf(oracle_error_over_bound(0, NAN, INFINITY)));
    ck_assert_double_eq(oracle_error_over_bound(INFINITY, INFINITY, INFINITY), 0);
    ck_assert_double_eq(oracle_error_over_bound(NAN, NAN, INFINITY), 0);
    ck_assert_double_eq(oracle_error_over_bound(NAN, NAN, NAN), 0);
}
END_TEST

int main(void) {
    random_seed(&rng, test_seed("oracle"), RANDOM_TEST);
    Suite *suite = suite_create("oracle");
    TCase *value = tcase_create("value");
    tcase_add_test(value, by_hand);
    tcase_add_test(value, agrees_with_long_double);
    TCase *bound = tcase_create("bound");
    tcase_set_timeout(bound, 60);
    tcase_add_test(bound, no_order_breaks_the_bound);
    tcase_add_test(bound, the_bound_is_nearly_reached);
    tcase_add_test(bound, a_missing_channel_is_noticed);
    tcase_add_test(bound, cancellation_widens_the_bound);
    tcase_add_test(bound, subnormals_kept_or_flushed);
    tcase_add_loop_test(bound, every_product_lost, 0, sizeof lost / sizeof lost[0]);
    TCase *class = tcase_create("class");
    tcase_add_loop_test(class, infinities_and_nan, 0, sizeof classes / sizeof classes[0]);
    tcase_add_test(class, order_decides_whether_partial_sums_overflow);
    tcase_add_test(class, error_over_bound);
    suite_add_tcase(suite, value);
    suite_add_tcase(suite, bound);
    suite_add_tcase(suite, class);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
