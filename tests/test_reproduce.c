/* test_reproduce.c: what judges `idp reproduce`: Student's t and Welch's test by closed forms and by simulation,
 * the verdicts, and the child processes that train. tests/stats_scipy holds Student's t against scipy. */
#include "jobs.h"
#include "model/random.h"
#include "reproduce/reproduce.h"
#include "seed.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t seed;

/* ---- Student and Welch -------------------------------------------------------------------------------------- */

/* One degree of freedom is Cauchy's distribution; two have a closed form too. */
START_TEST(student_closed_forms) {
    const double pi = 3.14159265358979323846;
    for (double t = 1e-3; t < 1e6; t *= 3) {
        const double one = 2 * atan(1 / t) / pi, two = 2 / (sqrt(t * t + 2) * (sqrt(t * t + 2) + t));
        ck_assert_double_eq_tol(student_tail(t, 1), one, 1e-10 * one);
        ck_assert_double_eq_tol(student_tail(t, 2), two, 1e-10 * two);
    }
    ck_assert_double_eq(student_tail(0, 3), 1);
    ck_assert_double_eq(student_tail(INFINITY, 3), 0);
}
END_TEST

START_TEST(quantile_turns_the_tail_round) {
    for (double df = 1; df < 40; df *= 1.7)
        for (double tail = 0.9; tail > 1e-8; tail /= 3)
            ck_assert_double_eq_tol(student_tail(student_quantile(tail, df), df), tail, 1e-9 * tail);
}
END_TEST

START_TEST(samples) {
    const double values[] = {1, 2, 3, 6};
    const sample s = sample_of(values, 4), one = sample_of(values, 1);
    ck_assert_double_eq_tol(s.mean, 3, 1e-15);
    ck_assert_double_eq_tol(s.sd, sqrt(14. / 3), 1e-15);
    ck_assert_double_eq(one.sd, 0);
    ck_assert(isinf(sample_half_width(one, 0.95)));
    /* t of 3 degrees of freedom at 95 % is 3.182446 in every table */
    ck_assert_double_eq_tol(sample_half_width(s, 0.95), 3.182446 * s.sd / 2, 1e-5);
}
END_TEST

/* Two draws each, of equal spread: two degrees of freedom, whose tail is known. */
START_TEST(welch_by_hand) {
    const sample a = {2, 10, 1}, b = {2, 13, 1};
    const double t = 3, tail = 1 - t / sqrt(t * t + 2), nearer = 1 - 2 / sqrt(4 + 2.);
    ck_assert_double_eq_tol(welch_probability(a, b, 0), tail, 1e-12);
    ck_assert_double_eq_tol(welch_probability(b, a, 1), nearer, 1e-12);
    ck_assert_double_eq(welch_probability(a, b, 3), 1);
    const sample still = {3, 97, 0}, other = {3, 97.2, 0};
    ck_assert_double_eq(welch_probability(still, other, 0.3), 1);
    ck_assert_double_eq(welch_probability(still, other, 0.1), 0);
    ck_assert(isnan(welch_probability((sample){1, 5, 0}, a, 0)));
}
END_TEST

/* Of equal means it rejects as often as it says, or less (Welch's test is a little conservative for so few draws):
 * with 20,000 trials the count at 5 % has a standard deviation of 31, and six of them pass. */
START_TEST(welch_by_simulation) {
    enum { TRIALS = 20000, DRAWS = 3 };
    random_state r;
    random_seed(&r, seed, RANDOM_TEST);
    size_t rejected = 0, seen = 0;
    for (size_t i = 0; i < TRIALS; i++) {
        double a[DRAWS], b[DRAWS];
        for (size_t d = 0; d < DRAWS; d++) {
            a[d] = random_normal(&r);
            b[d] = 3 * random_normal(&r);
        }
        const sample one = sample_of(a, DRAWS);
        sample two = sample_of(b, DRAWS);
        rejected += welch_probability(one, two, 0) < 0.05;
        two.mean += 30;
        seen += welch_probability(one, two, 0) < 0.05;
    }
    ck_assert_msg((double)rejected < 0.05 * TRIALS + 6 * 31, "seed %llu: %zu rejected", (unsigned long long)seed,
                  rejected);
    ck_assert_msg((double)rejected > 0.01 * TRIALS, "seed %llu: %zu rejected", (unsigned long long)seed, rejected);
    ck_assert_msg((double)seen > 0.8 * TRIALS, "seed %llu: %zu seen", (unsigned long long)seed, seen);
}
END_TEST

/* ---- verdicts ------------------------------------------------------------------------------------------------ */

static const reproduce_row *row_of(const char *recipe_name, bool tenths) {
    for (size_t i = 0; i < reproduce_row_count(); i++) {
        const reproduce_row *row = reproduce_row_at(i);
        if (strcmp(row->recipe, recipe_name) == 0 && row->tenths == tenths) return row;
    }
    ck_abort_msg("no row of %s", recipe_name);
    return NULL;
}

START_TEST(verdicts) {
    const reproduce_row *nested = row_of("nested", false);
    reproduce_cell cell[] = {
        {.row = nested, .inside = true, .ours = {3, 97.0, 0.1}, .expected = {3, 97.2, 0.1}},
        {.row = nested, .inside = true, .ours = {3, 96.0, 0.01}, .expected = {3, 98.0, 0.01}},
        {.row = nested, .inside = false, .ours = {3, 97.00, 0.001}, .expected = {3, 97.2, 0.001}},
        {.row = nested, .inside = true, .ours = {3, 97.00, 0.001}, .expected = {3, 97.2, 0.001}},
        {.row = nested, .inside = true, .ours = {3, 60, 8}, .expected = {3, 80, 8}},
        {.row = nested, .inside = true, .ours = {3, 60, 8}},
        {.row = nested, .inside = true, .ours = {1, 60, 0}, .expected = {3, 80, 8}},
    };
    static const char *const verdict[] = {"agrees", "differs",    "differs",   "agrees",
                                          "agrees", "not judged", "not judged"};
    reproduce_judge(cell, sizeof cell / sizeof cell[0]);
    for (size_t i = 0; i < sizeof cell / sizeof cell[0]; i++) ck_assert_str_eq(cell[i].verdict, verdict[i]);
}
END_TEST

/* The more cells, the farther one must be off. */
START_TEST(verdicts_are_corrected) {
    enum { CELLS = 400 };
    static reproduce_cell cell[CELLS];
    for (size_t i = 0; i < CELLS; i++)
        cell[i] = (reproduce_cell){
            .row = row_of("nested", false), .inside = true, .ours = {3, 97, 0.1}, .expected = {3, 97, 0.1}};
    cell[0].ours.mean = 97.9; /* 0.6 beyond the margin: t = 7.3, 4 degrees of freedom, 0.0019 */
    reproduce_judge(cell, 1);
    ck_assert_str_eq(cell[0].verdict, "differs");
    reproduce_judge(cell, CELLS);
    ck_assert_str_eq(cell[0].verdict, "agrees");
}
END_TEST

START_TEST(verdicts_of_best) {
    const reproduce_row *best = row_of("best", true), *rival = row_of("independent", true),
                        *sandwich = row_of("sandwich", true);
    reproduce_cell cell[] = {
        {.row = best, .k = 10, .ours = {5, 94.0, 0.1}},     {.row = best, .k = 20, .ours = {5, 94.0, 0.1}},
        {.row = best, .k = 30, .ours = {5, 94.0, 0.1}},     {.row = best, .k = 40, .ours = {5, 94.0, 0.1}},
        {.row = rival, .k = 10, .ours = {5, 94.2, 0.1}},    {.row = rival, .k = 20, .ours = {5, 94.4, 0.1}},
        {.row = rival, .k = 30, .ours = {5, 94.0, 0.1}},    {.row = sandwich, .k = 10, .ours = {5, 93.9, 0.1}},
        {.row = sandwich, .k = 20, .ours = {5, 93.9, 0.1}}, {.row = sandwich, .k = 30, .ours = {5, 94.1, 0.1}},
    };
    static const char *const verdict[] = {"holds", "falls short", "falls short", "not judged"};
    reproduce_judge(cell, sizeof cell / sizeof cell[0]);
    for (size_t i = 0; i < 4; i++) ck_assert_str_eq(cell[i].verdict, verdict[i]);
    ck_assert_double_eq(cell[0].expected.mean, 94.2);
}
END_TEST

/* Every expected figure is one of a test set of 10,000: a percentage of two decimals, at a k that the row has. */
START_TEST(rows_are_sound) {
    size_t cells = 0;
    for (size_t i = 0; i < reproduce_row_count(); i++) {
        const reproduce_row *row = reproduce_row_at(i);
        ck_assert_ptr_nonnull(recipe_find(row->recipe));
        ck_assert(row->widths == NULL || width_rule_find(row->widths) != NULL);
        ck_assert_uint_le(row->curves, REPRODUCE_MOST_CURVES);
        for (size_t c = 0; c < row->curves; c++) {
            ck_assert_uint_le(row->curve[c].cells, REPRODUCE_MOST_CELLS);
            ck_assert_int_eq(row->curve[c].expected == NULL, row->tenths);
            for (size_t k = 0; k < row->curve[c].cells && row->curve[c].expected != NULL; k++, cells++) {
                const expected_cell *one = &row->curve[c].expected[k];
                ck_assert(one->k >= 5 && one->k <= 100 && (k == 0 || one->k > one[-1].k));
                for (size_t s = 0; s < EXPECTED_SEEDS; s++)
                    ck_assert(one->accuracy_percent[s] > 5 && one->accuracy_percent[s] < 99);
            }
        }
    }
    ck_assert_uint_eq(cells, 9 * 20 + 8 * 20 + 2 * 20 + 12); /* as the figures that were handed over have */
}
END_TEST

/* ---- processes ----------------------------------------------------------------------------------------------- */

static bool square(const void *context, size_t job, double *value, error *e) {
    const size_t *troubled = context;
    if (job == troubled[0]) {
        snprintf(e->text, sizeof e->text, "job trouble"); /* Check has a macro `fail` */
        return false;
    }
    if (job == troubled[1]) raise(SIGKILL);
    usleep((useconds_t)(job % 3) * 1000);
    value[0] = (double)(job * job);
    value[1] = (double)getpid();
    return true;
}

static double unit(const void *context, size_t job) {
    (void)context, (void)job;
    return 1;
}

static void job_name(const void *context, size_t job, char *text, size_t text_size) {
    (void)context;
    snprintf(text, text_size, "number %zu", job);
}

enum { JOBS = 20 };

static bool squares(size_t fails, size_t dies, size_t parallel, double *given, error *e) {
    const size_t troubled[] = {fails, dies};
    progress_quiet(true);
    interrupt_install(); /* as main does; Check's own handler, which the children inherit, would end the test */
    return jobs_run(&(jobs){.count = JOBS,
                            .values = 2,
                            .parallel = parallel,
                            .run = square,
                            .context = troubled,
                            .cost = unit,
                            .name = job_name},
                    "test", given, e);
}

START_TEST(jobs_give_their_results) {
    double given[2 * JOBS];
    error e = {""};
    ck_assert_msg(squares(JOBS, JOBS, (size_t)_i, given, &e), "%s", e.text);
    for (size_t i = 0; i < JOBS; i++) {
        ck_assert_double_eq(given[2 * i], (double)(i * i));
        ck_assert_double_ne(given[2 * i + 1], (double)getpid());
    }
}
END_TEST

START_TEST(jobs_that_fail_say_why) {
    double given[2 * JOBS];
    error e = {""};
    ck_assert(!squares(7, JOBS, 3, given, &e));
    ck_assert_str_eq(e.text, "number 7: job trouble");
    ck_assert(!squares(JOBS, 11, 3, given, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "number 11: its process ended without an answer"));
}
END_TEST

int main(void) {
    seed = test_seed("reproduce");
    Suite *suite = suite_create("reproduce");
    TCase *statistics = tcase_create("statistics"), *judging = tcase_create("verdicts"),
          *work = tcase_create("jobs");
    tcase_add_test(statistics, student_closed_forms);
    tcase_add_test(statistics, quantile_turns_the_tail_round);
    tcase_add_test(statistics, samples);
    tcase_add_test(statistics, welch_by_hand);
    tcase_add_test(statistics, welch_by_simulation);
    tcase_add_test(judging, verdicts);
    tcase_add_test(judging, verdicts_are_corrected);
    tcase_add_test(judging, verdicts_of_best);
    tcase_add_test(judging, rows_are_sound);
    tcase_add_loop_test(work, jobs_give_their_results, 1, 4);
    tcase_add_test(work, jobs_that_fail_say_why);
    suite_add_tcase(suite, statistics);
    suite_add_tcase(suite, judging);
    suite_add_tcase(suite, work);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
