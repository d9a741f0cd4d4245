/* test_refine_model.c: `idp sweep --refine` on a small network of our own: every step has a complete and true
 * record, and a network whose couplings are not what they are said to be is refused. Times come from a ticking
 * clock. */
#include "measure/clock.h"
#include "sweep/refine.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 16, HIDDEN = 20, CLASSES = 3 };

/* Every reading is a tick later than the one before, so every slice takes a tick and has two iterations. */
enum { TICK_NS = 1000000, SLICE_NS = 2 * TICK_NS };

static uint64_t tick(void *context) { return *(uint64_t *)context += TICK_NS; }
static uint64_t never(void *context) {
    (void)context;
    return 0;
}
static double hz(void *context) {
    (void)context;
    return 3e9;
}

static uint64_t ticks;
static const paired_clock ticking = {tick, never, hz, &ticks};

static model m;
static results r;
static const idp_backend *scalar;

/* 16-20-20-3 in parts 0-20, 20-50 and 50-100 %, whose last layers are their own; no weight couples the parts. */
static void set_up(void) {
    static const size_t width[] = {INPUTS, HIDDEN, HIDDEN, CLASSES};
    static const double ends[] = {0, 20, 50, 100};
    error e = {""};
    m = (model){.gamma = GAMMA_ALL_ONE, .seed = 7, .layers = 3, .profiles = 3, .incomplete = {false, true, true}};
    snprintf(m.recipe, sizeof m.recipe, "nested");
    memcpy(m.width, width, sizeof width);
    for (size_t p = 0; p < 3; p++) {
        m.profile[p].from_percent = ends[p];
        m.profile[p].to_percent = ends[p + 1];
        for (size_t l = 0; l < 3; l++) {
            m.profile[p].layer[l] =
                p > 0 && l < 2 ? m.profile[0].layer[l] : model_add_layer(&m, width[l + 1], width[l]);
            ck_assert_ptr_nonnull(m.profile[p].layer[l]);
        }
    }
    float *w = m.profile[0].layer[1]->w;
    for (size_t j = 0; j < HIDDEN; j++)
        for (size_t i = 0; i < HIDDEN; i++) w[j * HIDDEN + i] = (j < 4 && i >= 4) || (j < 10 && i >= 10) ? 0 : 1;
    scalar = idp_backend_find("scalar");
    ticks = 0;
    ck_assert_msg(results_new(&r, "idp sweep --refine", 7, &e), "%s", e.text);
    progress_quiet(true);
}

static void tear_down(void) {
    model_free(&m);
    results_free(&r);
}

static sweep_options ticking_options(unsigned percents, const double *percent) {
    sweep_options o = sweep_defaults();
    o.clock = &ticking;
    o.slice_ns = SLICE_NS;
    o.rounds = 20;
    o.budget_s = HUGE_VAL;
    o.percents = percents;
    for (unsigned i = 0; i < percents; i++) o.percent[i] = percent[i];
    return o;
}

static double number(const json_t *record, const char *field, const char *member) {
    const json_t *value = json_object_get(record, field);
    if (member != NULL) value = json_object_get(value, member);
    ck_assert_msg(json_is_number(value), "field %s is missing or no number", field);
    return json_number_value(value);
}

static const double percents[] = {10, 20, 50, 75};
enum { PERCENTS = 4, STEPS = PERCENTS - 1 };

static void refine_all(FILE *table) {
    error e = {""};
    const sweep_options o = ticking_options(PERCENTS, percents);
    ck_assert_msg(refine_model(&m, scalar, &o, &r, table, &e), "%s", e.text);
}

/* Per sample, two FLOPs a multiply-add: new rows of layer 1; rows of layer 2 from `kept` on; the last layer. */
static double flops(double from_k, double k, double kept) {
    return 2 * ((k - from_k) * INPUTS + (k - kept) * k + CLASSES * k);
}

START_TEST(every_step_has_a_record) {
    static const double k[] = {2, 4, 10, 15}, kept[] = {0, 4, 10};
    static const int profile[] = {0, 0, 1, 2};
    static const char *const times[] = {"from_ns", "fresh_ns"}, *const gaps[] = {"refine_ns", "difference_ns"};
    model_note(&m, "coupling", "zero");
    refine_all(NULL);
    ck_assert_uint_eq(json_array_size(r.records), 2 * STEPS);
    for (size_t n = 0; n < 2 * STEPS; n++) {
        const json_t *record = json_array_get(r.records, n);
        const size_t s = n % STEPS;
        ck_assert_str_eq(json_string_value(json_object_get(record, "kind")), "refine");
        ck_assert_str_eq(json_string_value(json_object_get(record, "backend")), "scalar");
        ck_assert_double_eq(number(record, "batch", NULL), n < STEPS ? 1 : 128);
        ck_assert_double_eq(number(record, "from_percent", NULL), percents[s]);
        ck_assert_double_eq(number(record, "percent", NULL), percents[s + 1]);
        ck_assert_double_eq(number(record, "from_profile", NULL), profile[s]);
        ck_assert_double_eq(number(record, "profile", NULL), profile[s + 1]);
        ck_assert_double_eq(number(record, "from_flops", NULL), flops(0, k[s], 0));
        ck_assert_double_eq(number(record, "fresh_flops", NULL), flops(0, k[s + 1], 0));
        ck_assert_double_eq(number(record, "refine_flops", NULL), flops(k[s], k[s + 1], kept[s]));
        for (size_t t = 0; t < 2; t++) { /* each slice has two iterations and takes one tick */
            ck_assert_double_eq(number(record, times[t], "median"), TICK_NS / 2.0);
            ck_assert_double_eq(number(record, gaps[t], "median"), 0);
        }
        ck_assert_double_eq(number(record, "both_ratio", "median"), 1);
        ck_assert_double_eq(number(record, "rounds", NULL), 20);
    }
    error e = {""};
    char path[] = "/tmp/idp-refine-XXXXXX";
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_msg(results_write(&r, path, &e), "%s", e.text); /* which holds it to the schema */
    remove(path);
}
END_TEST

START_TEST(without_boundaries_layer_1_alone_is_kept) {
    static const double k[] = {2, 4, 10, 15};
    char *text = NULL;
    size_t size = 0;
    FILE *table = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(table);
    model_note(&m, "coupling", "initial");
    refine_all(table);
    fclose(table);
    ck_assert_msg(strstr(text, "only the first can be kept") != NULL, "%s", text);
    free(text);
    for (size_t s = 0; s < STEPS; s++)
        ck_assert_double_eq(number(json_array_get(r.records, s), "refine_flops", NULL), flops(k[s], k[s + 1], 0));
}
END_TEST

static void refused(const sweep_options *o, const char *why) {
    error e = {""};
    ck_assert(!refine_model(&m, scalar, o, &r, NULL, &e));
    ck_assert_msg(strstr(e.text, why) != NULL, "'%s' does not say '%s'", e.text, why);
    ck_assert_uint_eq(json_array_size(r.records), 0);
}

START_TEST(what_cannot_be_refined_is_refused) {
    const sweep_options one = ticking_options(1, percents), down = ticking_options(2, (const double[]){50, 20}),
                        still = ticking_options(2, (const double[]){50, 50}), good = ticking_options(2, percents);
    refused(&one, "at least two");
    refused(&down, "20 % after 50 %");
    refused(&still, "50 % after 50 %");
    model_note(&m, "coupling", "zero");
    m.profile[0].layer[1]->w[3 * HIDDEN + 4] = 1e-20F;
    refused(&good, "coupling=zero");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("refine_model");
    TCase *cases = tcase_create("steps");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_step_has_a_record);
    tcase_add_test(cases, without_boundaries_layer_1_alone_is_kept);
    tcase_add_test(cases, what_cannot_be_refined_is_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
