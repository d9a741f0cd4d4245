/* test_library.c: idp_model.h as a program uses it, against the parts that it is made of. */
#include "library/idp_model.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library/floats.h"
#include "model/train.h"
#include "progress.h"
#include "toy.h"

#include <check.h> /* last: it has a macro `fail` */

enum { MOST = 20, INPUTS = TOY_PIXELS, OUTPUTS = TOY_CLASSES };

static char path[256];
static model m; /* `nested`, uncoupled, 0-30 and 30-100 % */
static float x[MOST * INPUTS];

static void set_up(void) {
    static dataset toy;
    progress_quiet(true);
    toy_data(&toy);
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.200s/idp-library-%ld.safetensors", folder != NULL ? folder : "/tmp",
             (long)getpid());
    train_options o;
    error e = {""};
    ck_assert_msg(train_defaults(&o, "nested", &e), "%s", e.text);
    o.epochs = 1;
    o.hidden[0] = o.hidden[1] = 20;
    o.coupling = COUPLING_ZERO;
    o.parts = 2;
    o.part[0].to_percent = o.part[1].from_percent = 30;
    o.part[1].to_percent = 100;
    ck_assert_msg(train_run(&o, &toy, &m, NULL, &e) && model_write(&m, path, &e), "%s", e.text);
    for (size_t i = 0; i < MOST * INPUTS; i++) x[i] = (float)(i * 7919 % 256) / 255;
}

static void tear_down(void) {
    model_free(&m);
    unlink(path);
}

static idp_model *loaded(const char *backend) {
    idp_model *model_loaded;
    char why[1024] = "";
    ck_assert_msg(idp_model_load(path, backend, &model_loaded, why, sizeof why) == IDP_OK, "%s", why);
    return model_loaded;
}

static idp_session *opened(const idp_model *of, size_t samples) {
    idp_session *s;
    ck_assert_int_eq(idp_session_create(of, samples, &s), IDP_OK);
    return s;
}

START_TEST(facts) {
    idp_model *l = loaded("scalar");
    ck_assert_uint_eq(idp_model_inputs(l), INPUTS);
    ck_assert_uint_eq(idp_model_outputs(l), OUTPUTS);
    ck_assert_uint_eq(idp_model_profiles(l), 2);
    ck_assert_uint_eq(idp_model_profile_at(l, 30), 0);
    ck_assert_uint_eq(idp_model_profile_at(l, 31), 1);
    ck_assert_str_eq(idp_model_backend(l)->name, "scalar");
    ck_assert_ptr_nonnull(idp_model_network(l));
    idp_model_free(l);
    idp_model_free(NULL);
}
END_TEST

START_TEST(runs_as_the_network_does) {
    error e = {""};
    idp_mlp *network;
    idp_model *l = loaded(NULL);
    idp_session *s = opened(l, MOST);
    ck_assert_msg(model_network(&m, idp_model_backend(l), &network, &e), "%s", e.text);
    float *workspace = floats_new(idp_mlp_workspace_bytes(network, MOST) / sizeof(float));
    float *state = floats_new(idp_mlp_state_bytes(network, MOST) / sizeof(float));
    static const size_t counts[] = {1, 3, MOST};
    for (size_t c = 0; c < 3; c++)
        for (double percent = 0; percent <= 100; percent += 5) {
            float want[MOST * OUTPUTS] = {0}, got[MOST * OUTPUTS] = {0};
            const size_t profile = percent > 30, size = sizeof want;
            ck_assert_int_eq(idp_mlp_run(network, profile, percent, counts[c], x, want, workspace), IDP_OK);
            ck_assert_int_eq(idp_session_run(s, percent, counts[c], x, got), IDP_OK);
            ck_assert_mem_eq(got, want, size);
            ck_assert_int_eq(idp_mlp_start(network, 0, 10, counts[c], x, want, state), IDP_OK);
            ck_assert_int_eq(idp_session_start(s, 10, counts[c], x, got), IDP_OK);
            ck_assert_mem_eq(got, want, size);
            if (percent < 10) continue;
            ck_assert_int_eq(idp_mlp_refine(network, profile, percent, x, want, state), IDP_OK);
            ck_assert_int_eq(idp_session_refine(s, percent, x, got), IDP_OK);
            ck_assert_mem_eq(got, want, size);
        }
    free(workspace);
    free(state);
    idp_mlp_destroy(network);
    idp_session_destroy(s);
    idp_model_free(l);
}
END_TEST

START_TEST(refuses) {
    char why[1024] = "", little[8] = "";
    idp_model *l = NULL;
    idp_session *s = NULL;
    float y[MOST * OUTPUTS];
    ck_assert_int_eq(idp_model_load("/nowhere/m", NULL, &l, why, sizeof why), IDP_BAD_FILE);
    ck_assert_ptr_nonnull(strstr(why, "cannot read /nowhere/m"));
    ck_assert_int_eq(idp_model_load("/nowhere/m", NULL, &l, NULL, 0), IDP_BAD_FILE);
    ck_assert_int_eq(idp_model_load("/nowhere/m", NULL, &l, little, sizeof little), IDP_BAD_FILE);
    ck_assert_str_eq(little, "cannot ");
    ck_assert_int_eq(idp_model_load(path, "no such", &l, why, sizeof why), IDP_UNKNOWN_BACKEND);
    ck_assert_str_eq(why, "back end no such: there is no back end of that name");
    ck_assert_int_eq(idp_model_load(NULL, NULL, &l, why, sizeof why), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_model_load(path, NULL, NULL, why, sizeof why), IDP_BAD_ARGUMENT);
    ck_assert_ptr_null(l);

    l = loaded(NULL);
    ck_assert_int_eq(idp_session_create(l, 0, &s), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_create(NULL, 1, &s), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_create(l, 1, NULL), IDP_BAD_ARGUMENT);
    s = opened(l, 2);
    ck_assert_int_eq(idp_session_run(s, 50, 3, x, y), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_run(s, 100.5, 1, x, y), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_run(s, 0.0 / 0.0, 1, x, y), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_refine(s, 50, x, y), IDP_BAD_ARGUMENT); /* nothing was started */
    ck_assert_int_eq(idp_session_start(s, 50, 3, x, y), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_start(s, 50, 1, x, y), IDP_OK);
    ck_assert_int_eq(idp_session_refine(s, 40, x, y), IDP_BAD_ARGUMENT);
    idp_calibration c;
    ck_assert_int_eq(idp_session_calibrate(s, 3, 0.01, &c), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_calibrate(s, 0, 0.01, &c), IDP_BAD_ARGUMENT);
    static const double not_levels[][2] = {{50, 50}, {60, 40},        {50, 101},
                                           {-1, 50}, {0.0 / 0.0, 50}, {50, 0.0 / 0.0}};
    for (size_t n = 0; n < sizeof not_levels / sizeof not_levels[0]; n++)
        ck_assert_int_eq(idp_session_calibrate_at(s, 1, 0.01, not_levels[n], 2, &c), IDP_BAD_ARGUMENT);
    static const double too_many[IDP_BUDGET_LEVELS + 1];
    ck_assert_int_eq(idp_session_calibrate_at(s, 1, 0.01, too_many, IDP_BUDGET_LEVELS + 1, &c), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_calibrate_at(s, 1, 0.01, too_many, 0, &c), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_calibrate_at(s, 1, 0.01, NULL, 1, &c), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_calibrate_at(s, 3, 0.01, (double[]){50}, 1, &c), IDP_BAD_ARGUMENT);
    idp_session_destroy(s);
    idp_session_destroy(NULL);
    idp_model_free(l);
}
END_TEST

/* A recipe that this program has never heard of is no reason not to run the network. */
START_TEST(any_recipe_runs) {
    snprintf(m.recipe, sizeof m.recipe, "tomorrow's");
    error e = {""};
    ck_assert_msg(model_write(&m, path, &e), "%s", e.text);
    idp_model_free(loaded(NULL));
}
END_TEST

/* ---- within a time: which percentage a real clock leads to is not judged here ---------------------------------
 */

START_TEST(calibrates_every_level) {
    idp_model *l = loaded(NULL);
    idp_session *s = opened(l, MOST);
    idp_calibration c;
    ck_assert_int_eq(idp_session_calibrate(s, MOST, 0.02, &c), IDP_OK);
    ck_assert_uint_eq(c.samples, MOST);
    ck_assert_uint_ge(c.levels, 10);
    ck_assert_double_eq(c.level[c.levels - 1].percent, 100);
    for (size_t n = 0; n < c.levels; n++) {
        ck_assert_uint_eq(c.level[n].profile, c.level[n].percent > 30);
        ck_assert_double_gt(c.level[n].median_ns, 0);
        ck_assert_double_ge(c.level[n].late_ns, c.level[n].median_ns);
    }
    idp_session *small = opened(l, 1);
    idp_budget *b;
    float y[MOST * OUTPUTS];
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_OK);
    ck_assert_uint_eq(idp_budget_samples(b), MOST);
    ck_assert_int_eq(idp_session_run_within(small, b, 1e9, x, y, NULL), IDP_BAD_ARGUMENT); /* too many samples */
    ck_assert_int_eq(idp_session_run_within(s, NULL, 1e9, x, y, NULL), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_session_run_within(s, b, 0, x, y, NULL), IDP_BAD_ARGUMENT);
    idp_budget_destroy(b);
    idp_session_destroy(small);
    idp_session_destroy(s);
    idp_model_free(l);
}
END_TEST

START_TEST(calibrates_the_levels_that_are_named) {
    static const double percent[] = {12.5, 30, 47};
    idp_model *l = loaded(NULL);
    idp_session *s = opened(l, 1);
    idp_calibration c;
    idp_budget *b;
    idp_choice choice;
    float y[OUTPUTS];
    ck_assert_int_eq(idp_session_calibrate_at(s, 1, 0.02, percent, 3, &c), IDP_OK);
    ck_assert_uint_eq(c.levels, 3);
    for (size_t n = 0; n < 3; n++) {
        ck_assert_double_eq(c.level[n].percent, percent[n]);
        ck_assert_uint_eq(c.level[n].profile, n == 2);
    }
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_OK);
    ck_assert_int_eq(idp_session_run_within(s, b, 3.6e12, x, y, &choice), IDP_OK);
    ck_assert_double_eq(choice.percent, 47);
    idp_budget_destroy(b);
    idp_session_destroy(s);
    idp_model_free(l);
}
END_TEST

typedef struct worker {
    const idp_model *of;
    idp_budget *budget;
    unsigned wrong;
} worker;

/* An hour fits everything, a nanosecond nothing; both answers must be those of a run at that percentage. */
static void *work(void *context) {
    worker *w = context;
    idp_session *s;
    if (idp_session_create(w->of, 1, &s) != IDP_OK) return NULL;
    for (unsigned r = 0; r < 2000; r++) {
        float got[OUTPUTS] = {0}, want[OUTPUTS] = {0};
        idp_choice choice;
        const bool hour = r % 2 == 0;
        w->wrong += idp_session_run_within(s, w->budget, hour ? 3.6e12 : 1, x, got, &choice) != IDP_OK;
        w->wrong += idp_session_run(s, choice.percent, 1, x, want) != IDP_OK;
        w->wrong += choice.fits != hour || (choice.percent == 100) != hour || memcmp(got, want, sizeof got) != 0;
    }
    idp_session_destroy(s);
    return NULL;
}

START_TEST(threads_share_a_model_and_a_budget) {
    enum { THREADS = 3 };
    idp_model *l = loaded(NULL);
    idp_session *s = opened(l, 1);
    idp_calibration c;
    idp_budget *b;
    worker w[THREADS];
    pthread_t thread[THREADS];
    ck_assert_int_eq(idp_session_calibrate(s, 1, 0.02, &c), IDP_OK);
    ck_assert_int_eq(idp_budget_create(&c, &b), IDP_OK);
    for (size_t t = 0; t < THREADS; t++) {
        w[t] = (worker){l, b, 0};
        ck_assert_int_eq(pthread_create(&thread[t], NULL, work, &w[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_join(thread[t], NULL), 0);
        ck_assert_uint_eq(w[t].wrong, 0);
    }
    idp_budget_destroy(b);
    idp_session_destroy(s);
    idp_model_free(l);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("library");
    TCase *model_case = tcase_create("model"), *budget = tcase_create("within a time");
    tcase_add_checked_fixture(model_case, set_up, tear_down);
    tcase_add_test(model_case, facts);
    tcase_add_test(model_case, runs_as_the_network_does);
    tcase_add_test(model_case, refuses);
    tcase_add_test(model_case, any_recipe_runs);
    suite_add_tcase(suite, model_case);
    tcase_add_checked_fixture(budget, set_up, tear_down);
    tcase_set_timeout(budget, 60);
    tcase_add_test(budget, calibrates_every_level);
    tcase_add_test(budget, calibrates_the_levels_that_are_named);
    tcase_add_test(budget, threads_share_a_model_and_a_budget);
    suite_add_tcase(suite, budget);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
