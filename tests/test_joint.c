/* test_joint.c: training all profiles together: its gradient is made of those of single profiles, which test_train
 * holds against finite differences, and is held against them here too, gamma's included; and resuming is exact. */
#include "mlp.h"
#include "model/train_parts.h"
#include "progress.h"
#include "toy.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the profiles' losses. */
static const float loss_weight[] = {1, 2.5f, 0.75f};

enum { BATCH = 45, CHANNELS = 40, PROFILES = 3 }; /* two blocks of samples and of channels, neither full */

static dataset toy;

static void set_up(void) {
    progress_quiet(true);
    toy_data(&toy);
}

static train_options options(size_t hidden) {
    static const double ends[PROFILES] = {20, 50, 100};
    train_options o;
    error e = {""};
    ck_assert_msg(train_defaults(&o, "best", &e), "%s", e.text);
    o.hidden_count = hidden;
    for (size_t h = 0; h < hidden; h++) o.hidden[h] = CHANNELS;
    o.epochs = 2;
    o.batch = 32;
    o.parts = PROFILES;
    for (size_t p = 0; p < PROFILES; p++) {
        o.part[p].from_percent = p > 0 ? ends[p - 1] : 0;
        o.part[p].to_percent = ends[p];
    }
    return o;
}

static model train(const train_options *o) {
    model m;
    error e = {""};
    ck_assert_msg(train_run(o, &toy, &m, NULL, &e), "%s", e.text);
    return m;
}

/* Biases and gammas as training may have left them. */
static model untrained(size_t hidden) {
    train_options o = options(hidden);
    o.epochs = 0;
    model m = train(&o);
    for (size_t l = 0; l < m.owned_count; l++)
        for (size_t j = 0; j < m.owned[l]->out; j++) m.owned[l]->b[j] = 0.1f - 0.03f * (float)(j % 7);
    for (size_t p = 0; p < PROFILES; p++)
        for (size_t i = 0; i < CHANNELS; i++) m.profile[p].gamma[1][i] = 0.5f + 0.07f * (float)((i + 3 * p) % 11);
    return m;
}

typedef struct field {
    model m;
    joint joint;
    gradient together, single;
    const uint8_t *image[BATCH];
} field;

static field f;

static void lay_out(size_t hidden) {
    error e = {""};
    f.m = untrained(hidden);
    const idp_backend *backend = options(hidden).backend;
    ck_assert(joint_create(&f.joint, &f.m, 0.5));
    ck_assert(gradient_create(&f.together, backend, 2, f.m.layers, f.m.width, BATCH, &e));
    ck_assert(gradient_create(&f.single, backend, 2, f.m.layers, f.m.width, BATCH, &e));
    for (size_t s = 0; s < BATCH; s++) f.image[s] = toy.train.pixels + s * TOY_PIXELS;
}

static void clear(void) {
    gradient_free(&f.together);
    gradient_free(&f.single);
    joint_free(&f.joint);
    model_free(&f.m);
}

static double run_together(void) {
    float *no_gamma[IDP_MAX_LAYERS + 1] = {NULL};
    const gradient_net net = {.layers = f.m.layers,
                              .width = f.m.width,
                              .incomplete = f.m.incomplete,
                              .layer = f.m.profile[0].layer,
                              .gamma = no_gamma,
                              .own = f.joint.own,
                              .mix = f.joint.mix};
    const gradient_step step = {.image = f.image,
                                .label = toy.train.labels,
                                .batch = BATCH,
                                .k = f.joint.k,
                                .widths = PROFILES,
                                .weight = loss_weight};
    return gradient_run(&f.together, &net, &step, NULL);
}

static double run_single(size_t p) {
    const gradient_net net = {.layers = f.m.layers,
                              .width = f.m.width,
                              .incomplete = f.m.incomplete,
                              .layer = f.m.profile[p].layer,
                              .gamma = f.m.profile[p].gamma};
    const gradient_step step = {
        .image = f.image, .label = toy.train.labels, .batch = BATCH, .k = &f.joint.k[p], .widths = 1};
    return gradient_run(&f.single, &net, &step, NULL);
}

/* Sums of a few terms of size one, in another order. */
static void expect_near(const char *what, size_t i, float got, double expected) {
    if (!(fabs((double)got - expected) < 1e-5))
        ck_abort_msg("%s %zu: %g, expected %g", what, i, (double)got, expected);
}

/* The mix, by hand: parts end at 8, 20 and 40 channels. A channel of the first part is used by all three profiles,
 * of which two are wider. */
START_TEST(mix) {
    lay_out(2);
    static const struct {
        size_t channel;
        double part[PROFILES];
    } rows[] = {{0, {4. / 7, 2. / 7, 1. / 7}},
                {7, {4. / 7, 2. / 7, 1. / 7}},
                {8, {0, 2. / 3, 1. / 3}},
                {19, {0, 2. / 3, 1. / 3}},
                {20, {0, 0, 1}},
                {39, {0, 0, 1}}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (size_t p = 0; p < PROFILES; p++)
            expect_near("mix of channel", rows[r].channel, f.joint.mix[p * CHANNELS + rows[r].channel],
                        rows[r].part[p]);
    clear();
}
END_TEST

START_TEST(made_of_single_gradients) {
    static double dw[IDP_MAX_LAYERS][CHANNELS * CHANNELS], db[IDP_MAX_LAYERS][CHANNELS];
    const size_t hidden = (size_t)_i;
    memset(dw, 0, sizeof dw);
    memset(db, 0, sizeof db);
    lay_out(hidden);
    const size_t last = f.m.layers - 1;
    const double loss = run_together();
    double losses = 0, largest = 0;
    for (size_t p = 0; p < PROFILES; p++) {
        const float *part = f.joint.mix + p * CHANNELS;
        const double weight = (double)loss_weight[p], single = run_single(p);
        losses += weight * single;
        ck_assert_double_eq_tol(f.together.width_loss[p], single, 1e-5);
        for (size_t l = 0; l < last; l++)
            for (size_t j = 0; j < f.m.width[l + 1]; j++) {
                db[l][j] += weight * (double)(part[j] * f.single.db[l][j]);
                for (size_t i = 0; i < f.m.width[l]; i++) {
                    const size_t later = l > 0 && i > j ? i : j;
                    const size_t at = j * f.m.width[l] + i;
                    dw[l][at] += weight * (double)(part[later] * f.single.dw[l][at]);
                }
            }
        for (size_t i = 0; i < f.m.width[last + 1] * f.m.width[last]; i++) {
            expect_near("own weight", i, f.joint.own[p].dw[i], weight * (double)f.single.dw[last][i]);
            largest = fmax(largest, fabs((double)f.single.dw[last][i]));
        }
        for (size_t j = 0; j < f.m.width[last + 1]; j++)
            expect_near("own bias", j, f.joint.own[p].db[j], weight * (double)f.single.db[last][j]);
    }
    ck_assert_double_eq_tol(loss, losses, 1e-5);
    ck_assert_double_gt(largest, 1e-3); /* there is something to get wrong */
    for (size_t l = 0; l < last; l++) {
        for (size_t i = 0; i < f.m.width[l + 1] * f.m.width[l]; i++)
            expect_near("shared weight", i, f.together.dw[l][i], dw[l][i]);
        for (size_t j = 0; j < f.m.width[l + 1]; j++) expect_near("shared bias", j, f.together.db[l][j], db[l][j]);
    }
    clear();
}
END_TEST

/* In double, as the formulas say it. */
static double reference_loss(const mlp_reference *net, size_t k, const double *x) {
    return mlp_reference_loss(net, k, x, toy.train.labels, BATCH);
}

static double *doubles(size_t count, const float *values) {
    double *copy = malloc(count * sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i < count; i++) copy[i] = (double)values[i];
    return copy;
}

/* Of a profile's loss by one of its parameters, times the loss's weight. */
static double slope(const mlp_reference *net, size_t p, const double *x, double *parameter) {
    const double h = 1e-6, here = *parameter;
    *parameter = here + h;
    const double above = reference_loss(net, f.joint.k[p], x);
    *parameter = here - h;
    const double below = reference_loss(net, f.joint.k[p], x);
    *parameter = here;
    return (double)loss_weight[p] * (above - below) / (2 * h);
}

/* Every gamma, and every 29th of the shared weights: between channels it is mixed as the later one is. */
START_TEST(by_finite_differences) {
    enum { EVERY = 29 };
    static double x[BATCH * TOY_PIXELS], dw[2][CHANNELS * CHANNELS];
    double largest = 0;
    lay_out(2);
    run_together();
    memset(dw, 0, sizeof dw);
    for (size_t i = 0; i < BATCH * TOY_PIXELS; i++) x[i] = toy.train.pixels[i] / 255.0;
    for (size_t p = 0; p < PROFILES; p++) {
        const float *part = f.joint.mix + p * CHANNELS;
        mlp_reference net = {.layers = f.m.layers};
        for (size_t h = 0; h <= f.m.layers; h++) {
            net.width[h] = f.m.width[h];
            net.incomplete[h] = f.m.incomplete[h];
        }
        for (size_t l = 0; l < f.m.layers; l++) {
            net.w[l] = doubles(f.m.width[l + 1] * f.m.width[l], f.m.profile[p].layer[l]->w);
            net.b[l] = doubles(f.m.width[l + 1], f.m.profile[p].layer[l]->b);
        }
        net.gamma[1] = doubles(CHANNELS, f.m.profile[p].gamma[1]);
        for (size_t i = 0; i < CHANNELS; i++) {
            const double expected = slope(&net, p, x, &net.gamma[1][i]);
            expect_near("gamma", i, f.joint.own[p].dgamma[i], expected);
            largest = fmax(largest, fabs(expected));
        }
        for (size_t l = 0; l < 2; l++)
            for (size_t at = 0; at < CHANNELS * f.m.width[l]; at += EVERY) {
                const size_t j = at / f.m.width[l], i = at % f.m.width[l];
                dw[l][at] += (double)part[l > 0 && i > j ? i : j] * slope(&net, p, x, &net.w[l][at]);
            }
        for (size_t l = 0; l < f.m.layers; l++) {
            free(net.w[l]);
            free(net.b[l]);
        }
        free(net.gamma[1]);
    }
    for (size_t l = 0; l < 2; l++)
        for (size_t at = 0; at < CHANNELS * f.m.width[l]; at += EVERY)
            expect_near("shared weight", at, f.together.dw[l][at], dw[l][at]);
    ck_assert_double_gt(largest, 1e-3);
    clear();
}
END_TEST

/* Losses of 4 and 1 in the second and third profile, where the first's is 1: half as much, and as much. */
START_TEST(weights_of_losses) {
    float weight[PROFILES];
    double recent[PROFILES] = {1, 4, 1};
    joint_weigh(recent, PROFILES, weight);
    ck_assert(weight[0] == 1 && weight[1] == 0.5f && weight[2] == 1);
    for (size_t step = 0; step < 1000; step++) joint_follow((const double[]){1, 0.25, 0}, PROFILES, recent);
    ck_assert_double_eq_tol(recent[1], 0.25, 1e-6);
    joint_weigh(recent, PROFILES, weight);
    ck_assert_float_eq_tol(weight[1], 2, 1e-5f);
    ck_assert(isfinite(weight[2]));
}
END_TEST

static bool same_bits(const model *a, const model *b) {
    bool same = a->owned_count == b->owned_count;
    for (size_t i = 0; same && i < a->owned_count; i++) {
        const model_layer *x = a->owned[i], *y = b->owned[i];
        same = memcmp(x->w, y->w, x->out * x->in * sizeof(float)) == 0 &&
               memcmp(x->b, y->b, x->out * sizeof(float)) == 0;
    }
    for (size_t p = 0; same && p < a->profiles; p++)
        same = memcmp(a->profile[p].gamma[1], b->profile[p].gamma[1], CHANNELS * sizeof(float)) == 0;
    return same;
}

/* Several blocks of samples, the last one not full, and of channels. */
START_TEST(threads_change_nothing) {
    train_options o = options(3);
    o.batch = 100;
    o.threads = 1;
    model first = train(&o);
    for (o.threads = 2; o.threads <= 5; o.threads++) {
        model again = train(&o);
        ck_assert(same_bits(&first, &again));
        model_free(&again);
    }
    model_free(&first);
}
END_TEST

static void stop_soon(int number) {
    (void)number;
    raise(SIGTERM);
}

/* Stopped wherever the timer finds it, in a process of its own because the request to stop stays, and gone on with:
 * the bits of the run that was never stopped. */
START_TEST(resumed) {
    char path[] = "/tmp/idp_joint_XXXXXX";
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    train_options o = options(2);
    o.epochs = 100;
    model whole = train(&o);
    o.checkpoint = path;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        model m;
        const struct itimerval soon = {.it_value = {.tv_usec = 6000}};
        interrupt_install();
        signal(SIGALRM, stop_soon);
        setitimer(ITIMER_REAL, &soon, NULL);
        train_run(&o, &toy, &m, NULL, NULL);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    o.checkpoint = NULL;
    o.resume = path;
    model m = train(&o);
    ck_assert(same_bits(&whole, &m));
    for (size_t p = 0; p < PROFILES; p++) { /* gamma did learn, where it is used */
        ck_assert_float_ne(m.profile[p].gamma[1][0], 1);
        if (p == 0) ck_assert_float_eq(m.profile[p].gamma[1][CHANNELS - 1], 1);
    }
    model_free(&m);
    model_free(&whole);
    unlink(path);
}
END_TEST

START_TEST(refuses_a_gamma) {
    train_options o = options(2);
    o.gamma = GAMMA_LINEAR;
    error e = {""};
    model m;
    ck_assert(!train_run(&o, &toy, &m, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "learns its gamma"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("joint");
    TCase *steps = tcase_create("steps");
    tcase_add_checked_fixture(steps, set_up, NULL);
    tcase_set_timeout(steps, 60); /* under sanitizers, on a busy machine */
    tcase_add_test(steps, mix);
    tcase_add_loop_test(steps, made_of_single_gradients, 1, 4);
    tcase_add_test(steps, by_finite_differences);
    tcase_add_test(steps, weights_of_losses);
    tcase_add_test(steps, threads_change_nothing);
    tcase_add_test(steps, resumed);
    tcase_add_test(steps, refuses_a_gamma);
    suite_add_tcase(suite, steps);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
