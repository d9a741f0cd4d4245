/* test_gamma.c: the coefficient profiles against their formulas, and the random numbers that training starts from.
 */
#include "model/model.h"
#include "model/random.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <string.h>

START_TEST(formulas) {
    float all_one[10], harmonic[10], linear[10], forum[10], half_exp[10];
    gamma_fill(GAMMA_ALL_ONE, 10, 10, all_one);
    gamma_fill(GAMMA_HARMONIC, 10, 10, harmonic);
    gamma_fill(GAMMA_LINEAR, 10, 10, linear);
    gamma_fill(GAMMA_FORUM_LINEAR, 10, 10, forum);
    gamma_fill(GAMMA_HALF_EXP, 10, 10, half_exp);
    for (int i = 0; i < 10; i++) {
        ck_assert_float_eq(all_one[i], 1);
        ck_assert_float_eq_tol(harmonic[i], 1.0f / (float)(i + 1), 1e-7f);
        ck_assert_float_eq_tol(linear[i], 1 - (float)i / 10, 1e-7f);
        ck_assert_float_eq_tol(forum[i], 1 - (float)(i + 1) / 10, 1e-7f);
        ck_assert_float_eq_tol(half_exp[i], i < 5 ? 1 : expf(-(float)(i - 5)), 1e-7f);
    }
    ck_assert_float_eq(linear[0], 1);
    ck_assert_float_eq(forum[9], 0);
    ck_assert_float_eq(half_exp[5], 1); /* exp(0) */
}
END_TEST

/* An odd width: half-exp leaves the first floor(n / 2) whole. */
START_TEST(odd_width) {
    float half_exp[7];
    gamma_fill(GAMMA_HALF_EXP, 7, 7, half_exp);
    ck_assert_float_eq(half_exp[2], 1);
    ck_assert_float_eq(half_exp[3], 1);
    ck_assert_float_eq_tol(half_exp[4], expf(-1), 1e-7f);
}
END_TEST

START_TEST(shape_and_end) {
    enum { N = 100 };
    for (int kind = 0; kind < GAMMA_KINDS; kind++)
        for (size_t end = 0; end <= N; end += 25) {
            float gamma[N + 1];
            gamma[N] = 7;
            gamma_fill((gamma_kind)kind, N, end, gamma);
            for (size_t i = 0; i < N; i++) {
                ck_assert(gamma[i] >= 0 && gamma[i] <= 1);
                if (i > 0) ck_assert(gamma[i] <= gamma[i - 1]);
                if (i >= end) ck_assert_float_eq(gamma[i], 0);
            }
            ck_assert_float_eq(gamma[N], 7);
        }
}
END_TEST

START_TEST(names) {
    for (int kind = 0; kind < GAMMA_KINDS; kind++) {
        gamma_kind parsed = GAMMA_KINDS;
        ck_assert(gamma_parse(gamma_name((gamma_kind)kind), &parsed));
        ck_assert_int_eq(parsed, kind);
    }
    gamma_kind untouched = GAMMA_HARMONIC;
    ck_assert(!gamma_parse("Linear", &untouched));
    ck_assert_int_eq(untouched, GAMMA_HARMONIC);
}
END_TEST

/* The generator's published sequence for the state 1, 2, 3, 4. */
START_TEST(xoshiro_sequence) {
    random_state r = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    for (size_t i = 0; i < 4; i++) ck_assert(random_next(&r) == expected[i]);
}
END_TEST

START_TEST(streams_differ) {
    random_state a, b, c;
    random_seed(&a, 1, RANDOM_SHUFFLE);
    random_seed(&b, 1, RANDOM_WIDTHS);
    random_seed(&c, 2, RANDOM_INITIAL_WEIGHTS);
    const uint64_t first = random_next(&a);
    ck_assert(first != random_next(&b));
    ck_assert(first != random_next(&c));
    random_seed(&b, 1, RANDOM_SHUFFLE);
    ck_assert(first == random_next(&b));
}
END_TEST

/* Moments and tails of many deviates, each within five standard errors of the normal distribution's. */
START_TEST(normal_distribution) {
    enum { COUNT = 200000 };
    random_state r;
    random_seed(&r, 5, RANDOM_TEST);
    double sum = 0, square = 0, fourth = 0, beyond_1 = 0, beyond_2 = 0, beyond_3 = 0;
    for (int i = 0; i < COUNT; i++) {
        const double y = random_normal(&r);
        sum += y;
        square += y * y;
        fourth += y * y * y * y;
        beyond_1 += fabs(y) > 1;
        beyond_2 += fabs(y) > 2;
        beyond_3 += y > 3;
    }
    ck_assert_double_eq_tol(sum / COUNT, 0, 5 / sqrt(COUNT));
    ck_assert_double_eq_tol(square / COUNT, 1, 5 * sqrt(2.0 / COUNT));
    ck_assert_double_eq_tol(fourth / COUNT, 3, 5 * sqrt(96.0 / COUNT));
    ck_assert_double_eq_tol(beyond_1 / COUNT, 0.317311, 5 * sqrt(0.317311 * 0.682689 / COUNT));
    ck_assert_double_eq_tol(beyond_2 / COUNT, 0.0455003, 5 * sqrt(0.0455003 / COUNT));
    ck_assert_double_eq_tol(beyond_3 / COUNT, 0.00134990, 5 * sqrt(0.0013499 / COUNT));
}
END_TEST

/* Every number below n comes about equally often (chi-squared, 6 degrees of freedom, far beyond its 0.9999 quantile
 * of 27.9). */
START_TEST(below_is_even) {
    enum { COUNT = 70000, N = 7 };
    random_state r;
    random_seed(&r, 6, RANDOM_TEST);
    double seen[N] = {0}, chi_squared = 0;
    for (int i = 0; i < COUNT; i++) {
        const size_t value = random_below(&r, N);
        ck_assert(value < N);
        seen[value]++;
    }
    for (int v = 0; v < N; v++) chi_squared += (seen[v] - COUNT / N) * (seen[v] - COUNT / N) / (COUNT / N);
    ck_assert(chi_squared < 35);
    ck_assert(random_below(&r, 1) == 0);
}
END_TEST

START_TEST(shuffle_keeps_all) {
    enum { N = 1000 };
    random_state r;
    random_seed(&r, 7, RANDOM_TEST);
    uint32_t values[N];
    bool seen[N] = {false};
    size_t in_place = 0;
    for (uint32_t i = 0; i < N; i++) values[i] = i;
    random_shuffle(&r, values, N);
    for (size_t i = 0; i < N; i++) {
        ck_assert(values[i] < N && !seen[values[i]]);
        seen[values[i]] = true;
        in_place += values[i] == i;
    }
    ck_assert(in_place < 20); /* one is expected */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gamma");
    TCase *profiles = tcase_create("profiles");
    tcase_add_test(profiles, formulas);
    tcase_add_test(profiles, odd_width);
    tcase_add_test(profiles, shape_and_end);
    tcase_add_test(profiles, names);
    suite_add_tcase(suite, profiles);
    TCase *numbers = tcase_create("random numbers");
    tcase_add_test(numbers, xoshiro_sequence);
    tcase_add_test(numbers, streams_differ);
    tcase_add_test(numbers, normal_distribution);
    tcase_add_test(numbers, below_is_even);
    tcase_add_test(numbers, shuffle_keeps_all);
    suite_add_tcase(suite, numbers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
