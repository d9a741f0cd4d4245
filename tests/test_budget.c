/* test_budget.c: calibration and the budget's choices, with clocks that only the test moves. */
#include "calibrate.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <pthread.h>

/* ---- a machine ------------------------------------------------------------------------------------------------
 * An inference takes 100 ns and 20 ns more for every percent; `slow` times as long under load; one in a hundred
 * times 1.2, as the 99th percentile of the calibration says. */

static idp_calibration table(void) {
    idp_calibration c = {.samples = 1, .levels = 100};
    for (size_t n = 0; n < c.levels; n++) {
        const double median = 100 + 20 * (double)(n + 1);
        c.level[n] = (idp_level){.percent = (double)(n + 1), .profile = n / 50, median, 1.2 * median};
    }
    return c;
}

static double takes(const idp_choice *choice, double slow, unsigned request) {
    return (100 + 20 * choice->percent) * slow * (request % 100 == 99 ? 1.2 : 1);
}

/* Runs requests; returns how many were late, and the last choice. */
static unsigned serve(idp_budget *b, double time_ns, double slow, unsigned requests, idp_choice *choice) {
    unsigned late = 0;
    for (unsigned r = 0; r < requests; r++) {
        ck_assert_int_eq(idp_budget_choose(b, time_ns, choice), IDP_OK);
        const double elapsed = takes(choice, slow, r);
        late += elapsed > time_ns;
        idp_budget_note(b, choice, elapsed);
    }
    return late;
}

static idp_budget *created(void) {
    const idp_calibration c = table();
    idp_budget *b;
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_OK);
    return b;
}

/* ---- choosing -------------------------------------------------------------------------------------------------
 */

START_TEST(largest_that_fits) {
    idp_budget *b = created();
    idp_choice choice;
    for (unsigned percent = 1; percent <= 100; percent++) {
        const double late = 1.2 * (100 + 20 * (double)percent) * idp_budget_slowness(b);
        ck_assert_int_eq(idp_budget_choose(b, late, &choice), IDP_OK);
        ck_assert_double_eq(choice.percent, percent);
        ck_assert_uint_eq(choice.profile, (percent - 1) / 50);
        ck_assert_double_eq(choice.late_ns, late);
        ck_assert(choice.fits);
        ck_assert_int_eq(idp_budget_choose(b, late - 1, &choice), IDP_OK);
        ck_assert_double_eq(choice.percent, percent > 1 ? percent - 1 : 1);
        ck_assert_int_eq(choice.fits, percent > 1);
    }
    idp_budget_destroy(b);
}
END_TEST

START_TEST(bad_arguments) {
    idp_calibration c = table();
    idp_budget *b = NULL;
    idp_choice choice;
    ck_assert_int_eq(idp_budget_create(NULL, &b), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_budget_create(&c, NULL), IDP_BAD_ARGUMENT);
    c.level[7].late_ns = c.level[6].late_ns - 1;
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_BAD_ARGUMENT);
    c = table();
    c.level[7].percent = c.level[6].percent;
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_BAD_ARGUMENT);
    c = table();
    c.levels = IDP_BUDGET_LEVELS + 1;
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_BAD_ARGUMENT);
    c.levels = 0;
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_BAD_ARGUMENT);
    ck_assert_ptr_null(b);
    b = created();
    ck_assert_int_eq(idp_budget_choose(b, 0, &choice), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_budget_choose(b, 0.0 / 0.0, &choice), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_budget_choose(NULL, 1, &choice), IDP_BAD_ARGUMENT);
    idp_budget_destroy(b);
    idp_budget_destroy(NULL);
}
END_TEST

/* ---- following the machine ------------------------------------------------------------------------------------
 */

START_TEST(quiet_machine_keeps_the_calibrated_choice) {
    idp_budget *b = created();
    idp_choice choice;
    /* The 99th percentile of 50 % is 1320 ns, of 48 % with the headroom. */
    for (unsigned r = 0; r < 10; r++) {
        ck_assert_uint_le(serve(b, 1320, 1, 100, &choice), 1);
        ck_assert_double_ge(choice.percent, 48);
        ck_assert_double_le(choice.percent, 50);
    }
    for (unsigned r = 0; r < 1000; r++) { /* 4 % above the median for a while, and again */
        ck_assert_int_eq(idp_budget_choose(b, 1320, &choice), IDP_OK);
        ck_assert_double_ge(choice.percent, 48);
        idp_budget_note(b, &choice, takes(&choice, r / 20 % 2 == 0 ? 1.04 : 1, 0));
    }
    idp_budget_destroy(b);
}
END_TEST

/* Serves requests of which one in `every` takes 5 us more; returns the last choice. */
static idp_choice hopeless(idp_budget *b, unsigned every, unsigned requests) {
    idp_choice choice;
    for (unsigned r = 0; r < requests; r++) {
        ck_assert_int_eq(idp_budget_choose(b, 1320, &choice), IDP_OK);
        idp_budget_note(b, &choice, takes(&choice, 1, 0) + (r % every == 7 ? 5000 : 0));
    }
    return choice;
}

START_TEST(what_no_margin_covers_raises_none) {
    idp_budget *b = created();
    ck_assert_double_ge(hopeless(b, 200, 2000).percent, 48); /* what the percentile knows */
    ck_assert_double_ge(hopeless(b, 20, 2000).percent, 48);  /* a load that a smaller choice would not help */
    idp_budget_destroy(b);
}
END_TEST

START_TEST(what_no_margin_covers_is_owed_for) {
    idp_budget *b = created();
    idp_choice choice = {0};
    for (unsigned r = 0; r < 50; r++) { /* 1.5 times as long, now and then: the margin rises */
        ck_assert_int_eq(idp_budget_choose(b, 1320, &choice), IDP_OK);
        idp_budget_note(b, &choice, takes(&choice, r % 10 == 7 ? 1.5 : 1, 0));
    }
    const double raised = idp_budget_slowness(b);
    ck_assert_double_gt(raised, 1.08);
    hopeless(b, 80, 4000); /* more than one in a hundred: those that can be in time have to be */
    ck_assert_double_ge(idp_budget_slowness(b), raised / 1.02);
    hopeless(b, 10000, 1500); /* over: it sinks, after at most a thousand */
    ck_assert_double_lt(idp_budget_slowness(b), 1.03);
    idp_budget_destroy(b);
}
END_TEST

START_TEST(load_is_followed_within_a_few_requests) {
    idp_budget *b = created();
    idp_choice choice;
    serve(b, 1320, 1, 1000, &choice);
    const unsigned late = serve(b, 1320, 2, 20, &choice); /* the machine is suddenly half as fast */
    ck_assert_uint_le(late, 6);                           /* as many as it takes to tell a load from an accident */
    ck_assert_uint_le(serve(b, 1320, 2, 1000, &choice), 10); /* 99 % of the requests within the time */
    ck_assert_double_ge(idp_budget_slowness(b), 1.94); /* 2, less the 5 % that do not count, and the headroom */
    /* At twice the time the 99th percentile of 22 % is 1296 ns, of 23 % 1344. */
    ck_assert_double_ge(choice.percent, 18);
    ck_assert_double_le(choice.percent, 23);
    idp_budget_destroy(b);
}
END_TEST

START_TEST(recovers_after_a_load) {
    idp_budget *b = created();
    idp_choice choice;
    serve(b, 1320, 3, 500, &choice);
    ck_assert_double_lt(choice.percent, 15);
    serve(b, 1320, 1, 4000, &choice);
    ck_assert_double_ge(choice.percent, 45);
    ck_assert_double_lt(idp_budget_slowness(b), 1.12);
    idp_budget_destroy(b);
}
END_TEST

START_TEST(one_accident_is_no_load) {
    idp_budget *b = created();
    idp_choice choice;
    ck_assert_int_eq(idp_budget_choose(b, 1320, &choice), IDP_OK);
    idp_budget_note(b, &choice, 4e6);               /* the thread lost its processor */
    for (double slow = 2; slow > 1.1; slow -= 0.25) /* and then found its caches cold */
        idp_budget_note(b, &choice, slow * 1100);
    ck_assert_double_lt(idp_budget_slowness(b), 1.12);
    idp_budget_note(b, &choice, 0.0 / 0.0);
    idp_budget_note(b, &choice, -1);
    ck_assert_double_lt(idp_budget_slowness(b), 1.12);
    idp_budget_destroy(b);
}
END_TEST

START_TEST(choice_does_not_flutter) {
    enum { TIMES = 20 };
    idp_budget *b = created();
    idp_choice choice;
    unsigned changes = 0;
    double last[TIMES] = {0};
    for (unsigned r = 0; r < 3000; r++) { /* 1.5 times slower, then 1.52 times, in turn */
        for (unsigned t = 0; t < TIMES; t++) {
            ck_assert_int_eq(idp_budget_choose(b, 1200 + 10 * (double)t, &choice), IDP_OK);
            changes += r >= 1000 && choice.percent != last[t];
            last[t] = choice.percent;
        }
        idp_budget_note(b, &choice, takes(&choice, 1.5 + 0.02 * (r / 50 % 2), 0));
    }
    ck_assert_uint_eq(changes, 0);
    idp_budget_destroy(b);
}
END_TEST

START_TEST(fatter_tail_raises_the_margin) {
    idp_budget *b = created();
    idp_choice choice;
    unsigned late = 0;
    for (unsigned r = 0; r < 4000; r++) { /* one in twenty takes 1.5 times as long: medians stay what they were */
        ck_assert_int_eq(idp_budget_choose(b, 1320, &choice), IDP_OK);
        const double elapsed = (100 + 20 * choice.percent) * (r % 20 == 7 ? 1.5 : 1);
        late += r >= 1000 && elapsed > 1320;
        idp_budget_note(b, &choice, elapsed);
    }
    ck_assert_uint_le(late, 45); /* 1.5 % of 3000, where without a margin it would be 5 % */
    idp_budget_destroy(b);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------------------------
 */

static void *served(void *budget) {
    idp_choice choice;
    serve(budget, 1320, 1.3, 20000, &choice);
    return NULL;
}

START_TEST(threads_share_a_budget) {
    pthread_t thread[4];
    idp_budget *b = created();
    idp_choice choice;
    for (size_t t = 0; t < 4; t++) ck_assert_int_eq(pthread_create(&thread[t], NULL, served, b), 0);
    for (size_t t = 0; t < 4; t++) ck_assert_int_eq(pthread_join(thread[t], NULL), 0);
    ck_assert_int_eq(idp_budget_choose(b, 1320, &choice), IDP_OK);
    ck_assert_double_ge(idp_budget_slowness(b), 1.26); /* 1.3 in the same way */
    ck_assert_double_le(idp_budget_slowness(b), 1.5);
    idp_budget_destroy(b);
}
END_TEST

/* ---- calibration ----------------------------------------------------------------------------------------------
 */

typedef struct machine {
    double now_ns;
    unsigned inferences, burst_at; /* the inference from which on 5 ms are lost */
    double noise;
    double tail;          /* mean of an exponential one, of an inference's time */
    unsigned interrupted; /* one in a million inferences, 1 us each, at random */
    uint32_t random;
    bool broken;
} machine;

static double now(void *context) { return ((machine *)context)->now_ns; }

/* Above 0, up to 1. */
static double uniform(machine *m) {
    m->random = m->random * 1664525u + 1013904223u; /* Numerical Recipes */
    return (m->random + 1.0) / 4294967296;
}

static idp_status infer(void *context, const idp_level *level) {
    machine *m = context;
    m->inferences++;
    m->now_ns += 100 + 20 * level->percent + m->noise * (m->inferences * 7919 % 13);
    if (m->tail > 0) m->now_ns += (100 + 20 * level->percent) * m->tail * -log(uniform(m));
    if (uniform(m) * 1e6 <= m->interrupted) m->now_ns += 1000;
    if (m->burst_at != 0 && m->inferences % m->burst_at == 0) m->now_ns += 5e6;
    return m->broken ? IDP_BAD_ARGUMENT : IDP_OK;
}

static idp_calibration levels_only(size_t levels) {
    idp_calibration c = {.samples = 1, .levels = levels};
    for (size_t n = 0; n < levels; n++) c.level[n].percent = 100 * (double)(n + 1) / (double)levels;
    return c;
}

START_TEST(calibration_finds_medians_and_percentiles) {
    static const size_t counts[] = {1, 2, 10, 37, 50, 74, 100};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        machine m = {.noise = 1};
        idp_calibration c = levels_only(counts[i]);
        ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 0.1, 30, &c), IDP_OK);
        ck_assert(idp_calibration_is_good(&c, true));
        ck_assert_double_eq(c.overhead_ns, 30);
        for (size_t n = 0; n < c.levels; n++) {
            ck_assert_double_eq_tol(c.level[n].median_ns, 130 + 20 * c.level[n].percent + 6, 2);
            ck_assert_double_eq_tol(c.level[n].late_ns, 130 + 20 * c.level[n].percent + 12, 2);
        }
    }
}
END_TEST

START_TEST(calibration_takes_the_time_it_is_given) {
    machine m = {0};
    idp_calibration c = levels_only(100);
    ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 0.01, 0, &c), IDP_OK);
    ck_assert_double_ge(m.now_ns, 10e6);
    ck_assert_double_le(m.now_ns, 12e6);
    m = (machine){0};
    ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 1e-9, 0, &c), IDP_OK);
    ck_assert_uint_eq(m.inferences, 100 * 3 * 10); /* at least 24 that count of each */
}
END_TEST

START_TEST(calibration_stands_some_lost_time) {
    machine m = {.burst_at = 997};
    idp_calibration c = levels_only(100);
    ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 60, 0, &c), IDP_OK);
    for (size_t n = 0; n < c.levels; n++) {
        ck_assert_double_eq_tol(c.level[n].median_ns, 100 + 20 * c.level[n].percent, 1);
        ck_assert_double_eq_tol(c.level[n].late_ns, 100 + 20 * c.level[n].percent, 1);
    }
}
END_TEST

/* Eight in a thousand are interrupted, so the 99th percentile is the median; twelve and a half, so it is 1 us more.
 * The few of one level would say the one here and the other there. */
START_TEST(calibration_asks_the_neighbours) {
    for (unsigned i = 0; i < 2; i++) {
        machine m = {.interrupted = i == 0 ? 8000 : 12500, .random = 20261126};
        const double beyond = i == 0 ? 0 : 1000;
        idp_calibration c = levels_only(100);
        ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 60, 0, &c), IDP_OK);
        for (size_t n = 0; n < c.levels; n++)
            ck_assert_double_eq_tol(c.level[n].late_ns - c.level[n].median_ns, beyond, 1);
    }
}
END_TEST

START_TEST(calibration_orders_levels) {
    machine m = {.noise = 100}; /* more than the levels differ, and few rounds */
    idp_calibration c = levels_only(100);
    ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 1e-9, 0, &c), IDP_OK);
    ck_assert(idp_calibration_is_good(&c, true));
}
END_TEST

/* ---- both, on a quiet machine ---------------------------------------------------------------------------------
 */

/* Calibrates, then serves a thousand requests; returns how many were in time; below: how far the choice is on
 * average below the largest percentage whose 99th percentile fits. */
static unsigned in_time(machine *m, double share, double *below) {
    idp_calibration c = levels_only(100);
    idp_budget *b;
    idp_choice choice;
    ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, m}, 60, 0, &c), IDP_OK);
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_OK);
    const double time_ns = share * c.level[99].median_ns;
    double largest = 0;
    unsigned within = 0;
    for (size_t n = 0; n < c.levels && c.level[n].late_ns <= time_ns; n++) largest = c.level[n].percent;
    *below = largest;
    for (unsigned r = 0; r < 1000; r++) {
        ck_assert_int_eq(idp_budget_choose(b, time_ns, &choice), IDP_OK);
        const double start = m->now_ns;
        infer(m, &c.level[choice.level]);
        idp_budget_note(b, &choice, m->now_ns - start);
        within += m->now_ns - start <= time_ns;
        *below -= choice.percent / 1000;
    }
    idp_budget_destroy(b);
    return within;
}

/* What tests/install/requests.c asks of a real machine: 99 % in time, at most 5 points below. One in five hundred
 * is interrupted, and the others scatter by 0.2, 1 and 5 % in the mean. */
START_TEST(a_thousand_requests_are_in_time) {
    static const double tail[] = {0.002, 0.01, 0.05}, share[] = {1.2, 0.3};
    for (unsigned t = 0; t < 3; t++) {
        for (unsigned s = 0; s < 2; s++) {
            for (uint32_t seed = 1; seed <= 5; seed++) {
                machine m = {.tail = tail[t], .interrupted = 2000, .random = seed};
                double below;
                const unsigned within = in_time(&m, share[s], &below);
                ck_assert_msg(within >= 990 && below <= 5,
                              "tail %g, %g of the time, seed %u: %u in time, %.1f below", tail[t], share[s], seed,
                              within, below);
            }
        }
    }
}
END_TEST

START_TEST(calibration_reports_what_fails) {
    machine m = {.broken = true};
    idp_calibration c = levels_only(10);
    ck_assert_int_eq(idp_calibrate_task(&(idp_task){infer, now, &m}, 1, 0, &c), IDP_BAD_ARGUMENT);
    float x = 0, y = 0;
    c.level[3].percent = 101;
    ck_assert_int_eq(idp_calibrate(NULL, &x, &y, NULL, 1, &c), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_calibrate(NULL, &x, &y, NULL, 1, NULL), IDP_BAD_ARGUMENT);
    c = levels_only(10);
    ck_assert_int_eq(idp_calibrate(NULL, &x, &y, NULL, 1, &c), IDP_BAD_ARGUMENT);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("budget");
    TCase *choosing = tcase_create("choosing");
    tcase_add_test(choosing, largest_that_fits);
    tcase_add_test(choosing, bad_arguments);
    suite_add_tcase(suite, choosing);
    TCase *following = tcase_create("following the machine");
    tcase_add_test(following, quiet_machine_keeps_the_calibrated_choice);
    tcase_add_test(following, what_no_margin_covers_raises_none);
    tcase_add_test(following, what_no_margin_covers_is_owed_for);
    tcase_add_test(following, load_is_followed_within_a_few_requests);
    tcase_add_test(following, recovers_after_a_load);
    tcase_add_test(following, one_accident_is_no_load);
    tcase_add_test(following, choice_does_not_flutter);
    tcase_add_test(following, fatter_tail_raises_the_margin);
    tcase_add_test(following, threads_share_a_budget);
    suite_add_tcase(suite, following);
    TCase *calibration = tcase_create("calibration");
    tcase_add_test(calibration, calibration_finds_medians_and_percentiles);
    tcase_add_test(calibration, calibration_takes_the_time_it_is_given);
    tcase_add_test(calibration, calibration_stands_some_lost_time);
    tcase_add_test(calibration, calibration_asks_the_neighbours);
    tcase_add_test(calibration, calibration_orders_levels);
    tcase_add_test(calibration, calibration_reports_what_fails);
    suite_add_tcase(suite, calibration);
    TCase *both = tcase_create("both, on a quiet machine");
    tcase_add_test(both, a_thousand_requests_are_in_time);
    suite_add_tcase(suite, both);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
