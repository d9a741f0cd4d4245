/* test_stats.c: the median and its exact interval: known binomial values, and coverage by simulation. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure/stats.h"
#include "model/random.h"

/* ---- exact values ------------------------------------------------------------------------------------------ */

START_TEST(median_of_odd_and_even_counts) {
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2}, one[] = {7};
    stats_sort(odd, 3);
    stats_sort(even, 4);
    ck_assert_double_eq(stats_sorted_median(odd, 3), 3);
    ck_assert_double_eq(stats_sorted_median(even, 4), 2.5);
    ck_assert_double_eq(stats_sorted_median(one, 1), 7);
}
END_TEST

/* P(Binomial(n, 1/2) <= most) as fractions counted by hand from Pascal's triangle. */
START_TEST(binomial_tail_has_known_values) {
    static const struct {
        size_t n, most;
        double value;
    } known[] = {
        {1, 0, 1. / 2},
        {1, 1, 1},
        {2, 0, 1. / 4},
        {2, 1, 3. / 4},
        {5, 1, 6. / 32},
        {10, 1, 11. / 1024},
        {10, 4, 386. / 1024},
        {20, 5, 21700. / 1048576},
        {10, 10, 1},
        {10, 99, 1},
        {20, 19, 1 - 1. / 1048576},
        {0, 0, 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_double_eq_tol(stats_binomial_tail(known[i].n, known[i].most), known[i].value, 1e-15);
}
END_TEST

/* Beyond n = 1074 the first term, 2^-n, is no double: the sum must not notice. By symmetry the lower half of an
 * even n, without its middle term, weighs (1 - C(n, n/2) / 2^n) / 2. */
START_TEST(binomial_tail_of_many_draws) {
    static const size_t many[] = {1000, 1074, 1080, 5000, 20000, 100000};
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        const double n = (double)many[i];
        const double middle = exp(lgamma(n + 1) - 2 * lgamma(n / 2 + 1) - n * log(2));
        ck_assert_double_eq_tol(stats_binomial_tail(many[i], many[i] / 2 - 1), (1 - middle) / 2, 1e-9);
    }
    ck_assert_double_eq(stats_binomial_tail(100000, 10), 0);
}
END_TEST

/* The ranks that tables of the sign test print. */
START_TEST(rank_has_known_values) {
    static const struct {
        size_t n;
        double level;
        size_t rank;
    } known[] = {
        {5, 0.95, 0}, {6, 0.95, 1},  {8, 0.95, 1},   {9, 0.95, 2},    {10, 0.95, 2},   {20, 0.95, 6}, {7, 0.99, 0},
        {8, 0.99, 1}, {20, 0.99, 4}, {30, 0.95, 10}, {100, 0.95, 40}, {100, 0.99, 37}, {1, 0.5, 0},   {2, 0.5, 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_msg(stats_median_rank(known[i].n, known[i].level) == known[i].rank,
                      "n = %zu at %g: rank %zu, not %zu", known[i].n, known[i].level,
                      stats_median_rank(known[i].n, known[i].level), known[i].rank);
}
END_TEST

START_TEST(rank_is_the_largest_that_covers) {
    for (size_t n = 2; n <= 300; n++) {
        const size_t rank = stats_median_rank(n, 0.95);
        if (rank > 0) ck_assert_double_ge(stats_rank_coverage(n, rank), 0.95);
        ck_assert_double_lt(stats_rank_coverage(n, rank + 1), 0.95);
    }
}
END_TEST

START_TEST(rounds_needed_is_where_the_level_is_reached) {
    static const double levels[] = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        const size_t n = stats_rounds_needed(levels[i]);
        ck_assert_uint_gt(stats_median_rank(n, levels[i]), 0);
        ck_assert_uint_eq(stats_median_rank(n - 1, levels[i]), 0);
    }
    ck_assert_uint_eq(stats_rounds_needed(0.95), 6);
    ck_assert_uint_eq(stats_rounds_needed(0.99), 8);
}
END_TEST

START_TEST(interval_is_those_order_statistics) {
    double values[20];
    for (int i = 0; i < 20; i++) values[i] = 20 - i;
    stats_sort(values, 20);
    interval got;
    ck_assert(stats_median_interval(values, 20, 0.95, &got));
    ck_assert_double_eq(got.low, 6);
    ck_assert_double_eq(got.median, 10.5);
    ck_assert_double_eq(got.high, 15);
}
END_TEST

START_TEST(too_few_values_are_called_so) {
    const double values[] = {1, 2, 4};
    interval got;
    ck_assert(!stats_median_interval(values, 3, 0.95, &got));
    ck_assert_double_eq(got.low, 1);
    ck_assert_double_eq(got.median, 2);
    ck_assert_double_eq(got.high, 4);
    ck_assert_double_eq_tol(stats_rank_coverage(3, 1), 0.75, 1e-15);
}
END_TEST

START_TEST(ratio_of_exchanged_samples_is_the_reciprocal) {
    random_state random;
    random_seed(&random, 7, RANDOM_TEST);
    enum { N = 40 };
    double a[N], b[N], scratch[N];
    for (int i = 0; i < N; i++) {
        const double drift = 1 + i;
        a[i] = 3 * drift * exp(0.1 * random_normal(&random));
        b[i] = drift * exp(0.1 * random_normal(&random));
    }
    interval ab, ba;
    ck_assert(stats_ratio_interval(a, b, N, 0.99, scratch, &ab));
    ck_assert(stats_ratio_interval(b, a, N, 0.99, scratch, &ba));
    ck_assert_double_le(ab.low, 3);
    ck_assert_double_ge(ab.high, 3);
    ck_assert_double_eq_tol(ab.median * ba.median, 1, 1e-12);
    ck_assert_double_eq_tol(ab.low * ba.high, 1, 1e-12);
    ck_assert_double_eq_tol(ab.high * ba.low, 1, 1e-12);
}
END_TEST

START_TEST(bonferroni_divides_what_may_fail) {
    ck_assert_double_eq(stats_bonferroni(0.95, 0), 0.95);
    ck_assert_double_eq(stats_bonferroni(0.95, 1), 0.95);
    ck_assert_double_eq_tol(stats_bonferroni(0.95, 10), 0.995, 1e-15);
}
END_TEST

/* ---- coverage ---------------------------------------------------------------------------------------------- */

/* Each has a known median. */
static double normal(random_state *r) { return random_normal(r); }
static double lognormal(random_state *r) { return exp(random_normal(r)); }
static double cauchy(random_state *r) { return random_normal(r) / random_normal(r); }
/* What timing looks like: a sharp floor and a long tail to one side; the median of 1 + E^4, E exponential. */
static double latency(random_state *r) { return 1 + pow(-log1p(-random_uniform(r)), 4); }

static const struct {
    const char *name;
    double (*draw)(random_state *r);
    double median;
} distributions[] = {
    {"normal", normal, 0},
    {"lognormal", lognormal, 1},
    {"cauchy", cauchy, 0},
    {"latency", latency, 1.2308350985830834}, /* 1 + ln(2)^4 */
};
enum { DISTRIBUTIONS = sizeof distributions / sizeof distributions[0] };

/* The share of 1500 simulated intervals that hold the median lies within 4.5 standard deviations of what the
 * binomial promises (exact for every continuous distribution), which is never below the level. */
START_TEST(intervals_cover_as_often_as_they_say) {
    enum { TRIALS = 1500, MOST = 101 };
    static const size_t sizes[] = {9, 12, 25, 60, 101};
    static const double levels[] = {0.9, 0.95, 0.99};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
            random_state random;
            random_seed(&random, 1000 * s + l, RANDOM_TEST);
            int covered = 0;
            for (int t = 0; t < TRIALS; t++) {
                double values[MOST];
                for (size_t i = 0; i < sizes[s]; i++) values[i] = distributions[_i].draw(&random);
                stats_sort(values, sizes[s]);
                interval got;
                ck_assert(stats_median_interval(values, sizes[s], levels[l], &got));
                covered += got.low <= distributions[_i].median && distributions[_i].median <= got.high;
            }
            const double promised = stats_rank_coverage(sizes[s], stats_median_rank(sizes[s], levels[l]));
            const double share = (double)covered / TRIALS, sd = sqrt(promised * (1 - promised) / TRIALS);
            ck_assert_double_ge(promised, levels[l]);
            ck_assert_msg(fabs(share - promised) <= 4.5 * sd, "%s, n = %zu, level %g: covers %.4f, promised %.4f",
                          distributions[_i].name, sizes[s], levels[l], share, promised);
        }
    }
}
END_TEST

/* Paired samples whose common factor wanders by orders of magnitude: the ratio's interval still covers, and a table
 * of twenty with Bonferroni's correction holds as a whole. */
START_TEST(ratio_tables_hold_together) {
    enum { TABLES = 150, ROWS = 20, N = 40 };
    const double level = 0.95, each = stats_bonferroni(level, ROWS), ratio = 1.25;
    random_state random;
    random_seed(&random, 20, RANDOM_TEST);
    int tables_that_hold = 0;
    for (int t = 0; t < TABLES; t++) {
        int rows_that_hold = 0;
        for (int row = 0; row < ROWS; row++) {
            double a[N], b[N], scratch[N];
            for (int i = 0; i < N; i++) {
                const double common = exp(5 * random_normal(&random));
                a[i] = ratio * common * exp(0.05 * random_normal(&random));
                b[i] = common * exp(0.05 * random_normal(&random));
            }
            interval got;
            ck_assert(stats_ratio_interval(a, b, N, each, scratch, &got));
            ck_assert_double_lt(got.high - got.low, 0.3);
            rows_that_hold += got.low <= ratio && ratio <= got.high;
        }
        tables_that_hold += rows_that_hold == ROWS;
    }
    const double share = (double)tables_that_hold / TABLES;
    ck_assert_double_ge(share, level - 4.5 * sqrt(level * (1 - level) / TABLES));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stats");
    TCase *exact = tcase_create("exact values"), *coverage = tcase_create("coverage");
    tcase_add_test(exact, median_of_odd_and_even_counts);
    tcase_add_test(exact, binomial_tail_has_known_values);
    tcase_add_test(exact, binomial_tail_of_many_draws);
    tcase_add_test(exact, rank_has_known_values);
    tcase_add_test(exact, rank_is_the_largest_that_covers);
    tcase_add_test(exact, rounds_needed_is_where_the_level_is_reached);
    tcase_add_test(exact, interval_is_those_order_statistics);
    tcase_add_test(exact, too_few_values_are_called_so);
    tcase_add_test(exact, ratio_of_exchanged_samples_is_the_reciprocal);
    tcase_add_test(exact, bonferroni_divides_what_may_fail);
    tcase_set_timeout(coverage, 120);
    tcase_add_loop_test(coverage, intervals_cover_as_often_as_they_say, 0, DISTRIBUTIONS);
    tcase_add_test(coverage, ratio_tables_hold_together);
    suite_add_tcase(suite, exact);
    suite_add_tcase(suite, coverage);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
