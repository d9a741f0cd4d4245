/* test_train.c: the trainer: gradients against finite differences in double precision (and `authors` against its
 * own formula, which is not the true gradient), the update rule, what a stage must leave alone, determinism, and
 * that it learns. */
#include "mlp.h"
#include "model/gradient.h"
#include "model/train.h"
#include "progress.h"
#include "toy.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dataset toy;

static void set_up(void) {
    progress_quiet(true);
    toy_data(&toy);
}

static train_options options(const char *recipe_name) {
    train_options o;
    error e = {""};
    ck_assert_msg(train_defaults(&o, recipe_name, &e), "%s", e.text);
    o.hidden[0] = o.hidden[1] = 20;
    o.epochs = 2;
    o.batch = 32;
    return o;
}

static void set_parts(train_options *o, size_t parts, const double *ends) {
    o->parts = parts;
    for (size_t p = 0; p < parts; p++) {
        o->part[p].from_percent = p > 0 ? ends[p - 1] : 0;
        o->part[p].to_percent = ends[p];
    }
}

static model train(const train_options *o, train_log *log) {
    model m;
    error e = {""};
    ck_assert_msg(train_run(o, &toy, &m, log, &e), "%s", e.text);
    return m;
}

static void same_bits(const model *a, const model *b, bool same) {
    bool differ = false;
    for (size_t i = 0; i < a->owned_count; i++) {
        const model_layer *x = a->owned[i], *y = b->owned[i];
        differ = differ || memcmp(x->w, y->w, x->out * x->in * sizeof(float)) != 0 ||
                 memcmp(x->b, y->b, x->out * sizeof(float)) != 0;
    }
    ck_assert_int_eq(differ, !same);
}

/* ---- gradients
 * ------------------------------------------------------------------------------------------------------- */

enum { BATCH = 13, STEP_WIDTHS = 3, FIELD_SIZE = 8192 };

/* A network, samples, the trainer's view of it and the reference's. */
typedef struct field {
    model m;
    gradient g;
    gradient_net net;
    mlp_reference reference;
    const uint8_t *image[BATCH];
    double x_double[BATCH * TOY_PIXELS];
    uint8_t label[BATCH];
    double storage[FIELD_SIZE]; /* of the reference's parameters */
    size_t stored;
} field;

static field f;

static double *store(size_t count, const float *values) {
    double *place = f.storage + f.stored;
    f.stored += count;
    ck_assert_uint_le(f.stored, FIELD_SIZE);
    for (size_t i = 0; i < count; i++) place[i] = (double)values[i];
    return place;
}

static void lay_out(const train_options *o, const char *backend_name) {
    memset(&f, 0, sizeof f);
    error e = {""};
    train_options untrained = *o;
    untrained.epochs = 0;
    f.m = train(&untrained, NULL);
    const idp_backend *backend = backend_name != NULL ? idp_backend_find(backend_name) : o->backend;
    ck_assert(gradient_create(&f.g, backend, 2, f.m.layers, f.m.width, BATCH, &e));
    f.net = (gradient_net){.layers = f.m.layers,
                           .width = f.m.width,
                           .incomplete = f.m.incomplete,
                           .layer = f.m.profile[0].layer,
                           .gamma = f.m.profile[0].gamma,
                           .gamma_free = o->recipe->gamma_free};
    f.reference.layers = f.m.layers;
    for (size_t h = 0; h <= f.m.layers; h++) {
        f.reference.width[h] = f.m.width[h];
        f.reference.incomplete[h] = f.m.incomplete[h];
        if (f.net.gamma[h] != NULL) f.reference.gamma[h] = store(f.m.width[h], f.net.gamma[h]);
    }
    for (size_t l = 0; l < f.m.layers; l++) {
        model_layer *layer = f.net.layer[l];
        for (size_t j = 0; j < layer->out; j++) layer->b[j] = 0.1f - 0.03f * (float)(j % 7);
        f.reference.w[l] = store(layer->out * layer->in, layer->w);
        f.reference.b[l] = store(layer->out, layer->b);
    }
    for (size_t i = 0; i < BATCH * TOY_PIXELS; i++) f.x_double[i] = toy.train.pixels[i] / 255.0;
    for (size_t s = 0; s < BATCH; s++) f.image[s] = toy.train.pixels + s * TOY_PIXELS;
    memcpy(f.label, toy.train.labels, BATCH);
}

static void clear(void) {
    gradient_free(&f.g);
    model_free(&f.m);
}

/* The gradient of `batch` samples from number `first` on. */
static double compute(const size_t *k, size_t widths, size_t first, size_t batch) {
    const gradient_step step = {
        .image = f.image + first, .label = f.label + first, .batch = batch, .k = k, .widths = widths};
    return gradient_run(&f.g, &f.net, &step, NULL);
}

static double reference_loss(const size_t *k, size_t widths, size_t batch) {
    double loss = 0;
    for (size_t w = 0; w < widths; w++) loss += mlp_reference_loss(&f.reference, k[w], f.x_double, f.label, batch);
    return loss / (double)widths;
}

/* dLoss/dparameter by central differences. 1e-6 balances the truncation of the difference, about h^2, with the
 * rounding of the loss, about 1e-16 / h; ReLU's kinks lie within h of a sample with a probability of about 1e-5. */
static double difference(double *parameter, const size_t *k, size_t widths, size_t batch) {
    const double h = 1e-6, here = *parameter;
    *parameter = here + h;
    const double above = reference_loss(k, widths, batch);
    *parameter = here - h;
    const double below = reference_loss(k, widths, batch);
    *parameter = here;
    return (above - below) / (2 * h);
}

/* float32 gradients of these sums agree to about 1e-6; the largest of every layer is above 1e-3. */
static const double tolerance = 1e-5, noticeable = 1e-3;

static void expect_near(const char *what, size_t l, size_t i, float got, double expected) {
    if (fabs((double)got - expected) < tolerance)
        return; /* thousands of Check's own assertions would take seconds */
    ck_abort_msg("%s of layer %zu at %zu: %g, expected %g", what, l + 1, i, (double)got, expected);
}

/* Compares all of layer l (but the weights, where `biases_only`). Returns the largest weight gradient. */
static double compare_layer(size_t l, const size_t *k, size_t widths, size_t batch, bool biases_only) {
    const size_t out = f.m.width[l + 1], in = f.m.width[l];
    double largest = 0;
    for (size_t i = 0; i < out * in && !biases_only; i++) {
        const double expected = difference(&f.reference.w[l][i], k, widths, batch);
        expect_near("weight gradient", l, i, f.g.dw[l][i], expected);
        largest = fmax(largest, fabs(expected));
    }
    for (size_t j = 0; j < out; j++)
        expect_near("bias gradient", l, j, f.g.db[l][j], difference(&f.reference.b[l][j], k, widths, batch));
    return largest;
}

static const struct {
    gamma_kind gamma;
    coupling_kind coupling;
    size_t hidden, widths, k[STEP_WIDTHS], batch;
} nested_cases[] = {
    {GAMMA_LINEAR, COUPLING_INITIAL, 2, 1, {20}, BATCH},
    {GAMMA_LINEAR, COUPLING_INITIAL, 2, 1, {7}, 5},
    {GAMMA_LINEAR, COUPLING_ZERO, 2, 3, {3, 12, 20}, BATCH},
    {GAMMA_ALL_ONE, COUPLING_INITIAL, 2, 2, {17, 4}, BATCH},
    {GAMMA_HARMONIC, COUPLING_INITIAL, 1, 2, {9, 1}, 4},
    {GAMMA_FORUM_LINEAR, COUPLING_INITIAL, 3, 3, {5, 5, 20}, 6},
    {GAMMA_LINEAR, COUPLING_INITIAL, 2, 1, {1}, 1},
};

static train_options nested_options(int i) {
    train_options o = options("nested");
    set_parts(&o, 2, (const double[]){30, 100});
    o.gamma = nested_cases[i].gamma;
    o.coupling = nested_cases[i].coupling;
    o.hidden_count = nested_cases[i].hidden;
    for (size_t h = 0; h < o.hidden_count; h++) o.hidden[h] = 20;
    return o;
}

START_TEST(nested_gradient) {
    const train_options o = nested_options(_i);
    const size_t *k = nested_cases[_i].k, widths = nested_cases[_i].widths, batch = nested_cases[_i].batch;
    lay_out(&o, NULL);
    const double loss = compute(k, widths, 0, batch);
    ck_assert_double_eq_tol(loss, reference_loss(k, widths, batch), 1e-5);
    for (size_t l = 0; l < f.m.layers; l++)
        ck_assert_double_gt(compare_layer(l, k, widths, batch, false),
                            noticeable); /* there is something to get wrong */
    clear();
}
END_TEST

/* What narrow widths learn from: softmax of the first width's outputs, [BATCH][TOY_CLASSES], held constant. */
static double teacher[BATCH * TOY_CLASSES];

static void log_softmax(size_t k, size_t sample, double *logp) {
    double z[TOY_CLASSES], sum = 0;
    mlp_reference_forward(&f.reference, k, f.x_double + sample * TOY_PIXELS, f.m.layers, z);
    for (size_t c = 0; c < TOY_CLASSES; c++) sum += exp(z[c]);
    for (size_t c = 0; c < TOY_CLASSES; c++) logp[c] = z[c] - log(sum);
}

/* The first width with the labels plus the others with the teacher, undivided. */
static double distilled_loss(const size_t *k, size_t widths, size_t batch) {
    double loss = mlp_reference_loss(&f.reference, k[0], f.x_double, f.label, batch);
    for (size_t w = 1; w < widths; w++)
        for (size_t s = 0; s < batch; s++) {
            double logp[TOY_CLASSES];
            log_softmax(k[w], s, logp);
            for (size_t c = 0; c < TOY_CLASSES; c++) loss -= teacher[s * TOY_CLASSES + c] * logp[c] / (double)batch;
        }
    return loss;
}

/* A third of the weights: each costs two losses of three widths. */
START_TEST(distilled_gradient) {
    train_options o = options("sandwich");
    lay_out(&o, NULL);
    static const size_t k[] = {20, 2, 9};
    static const float weight[] = {1, 1, 1};
    const gradient_step step = {
        .image = f.image, .label = f.label, .batch = BATCH, .k = k, .widths = 3, .weight = weight, .distill = true};
    for (size_t s = 0; s < BATCH; s++) {
        log_softmax(k[0], s, teacher + s * TOY_CLASSES);
        for (size_t c = 0; c < TOY_CLASSES; c++) teacher[s * TOY_CLASSES + c] = exp(teacher[s * TOY_CLASSES + c]);
    }
    const double loss = gradient_run(&f.g, &f.net, &step, NULL), h = 1e-6;
    ck_assert_double_eq_tol(loss, distilled_loss(k, 3, BATCH), 1e-5);
    for (size_t l = 0; l < f.m.layers; l++) {
        double largest = 0;
        for (size_t i = 0; i < f.m.width[l] * f.m.width[l + 1]; i += 3) {
            double *parameter = &f.reference.w[l][i];
            const double here = *parameter;
            *parameter = here + h;
            const double above = distilled_loss(k, 3, BATCH);
            *parameter = here - h;
            const double expected = (above - distilled_loss(k, 3, BATCH)) / (2 * h);
            *parameter = here;
            expect_near("weight gradient", l, i, f.g.dw[l][i], expected);
            largest = fmax(largest, fabs(expected));
        }
        ck_assert_double_gt(largest, noticeable);
    }
    clear();
}
END_TEST

/* Shares: the gradient of 3 L(20) + L(4) / 2 is that sum of the gradients. */
START_TEST(shared_gradient) {
    train_options o = options("sandwich");
    lay_out(&o, NULL);
    static const size_t k[] = {20, 4};
    static const float weight[] = {3, 0.5f};
    static float alone[2][TOY_PIXELS * 20];
    for (size_t w = 0; w < 2; w++) {
        compute(&k[w], 1, 0, BATCH);
        memcpy(alone[w], f.g.dw[0], sizeof alone[w]);
    }
    const gradient_step step = {
        .image = f.image, .label = f.label, .batch = BATCH, .k = k, .widths = 2, .weight = weight};
    gradient_run(&f.g, &f.net, &step, NULL);
    for (size_t i = 0; i < TOY_PIXELS * 20; i++)
        ck_assert_float_eq_tol(f.g.dw[0][i], 3 * alone[0][i] + 0.5f * alone[1][i], 1e-5f);
    clear();
}
END_TEST

/* The weights of layer 2 get sum of delta[j] x[i], x before gamma; all else the true gradient, through gamma W2.
 * delta[j] of one sample is its dLoss/db2[j]. */
START_TEST(authors_gradient) {
    train_options o = options("authors");
    set_parts(&o, 2, (const double[]){60, 100});
    lay_out(&o, NULL);
    const size_t n = 20, k = 12;
    ck_assert(f.net.gamma[1][11] > 0 && f.net.gamma[1][12] == 0);
    compute(&k, 1, 0, BATCH);
    compare_layer(0, &k, 1, BATCH, false);
    compare_layer(1, &k, 1, BATCH, true);
    compare_layer(2, &k, 1, BATCH, false);

    double formula[20 * 20] = {0}, delta[20], x[20], farthest = 0;
    for (size_t s = 0; s < BATCH; s++) {
        const double *sample = f.x_double + s * TOY_PIXELS;
        mlp_reference_forward(&f.reference, k, sample, 1, x);
        for (size_t j = 0; j < n; j++) {
            const double h = 1e-6, here = f.reference.b[1][j];
            f.reference.b[1][j] = here + h;
            delta[j] = mlp_reference_loss(&f.reference, k, sample, &f.label[s], 1);
            f.reference.b[1][j] = here - h;
            delta[j] = (delta[j] - mlp_reference_loss(&f.reference, k, sample, &f.label[s], 1)) / (2 * h) / BATCH;
            f.reference.b[1][j] = here;
        }
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < k; i++) formula[j * n + i] += delta[j] * x[i];
    }
    for (size_t i = 0; i < n * n; i++) {
        expect_near("weight gradient", 1, i, f.g.dw[1][i], formula[i]);
        farthest = fmax(farthest, fabs(formula[i] - difference(&f.reference.w[1][i], &k, 1, BATCH)));
    }
    ck_assert_double_gt(farthest, noticeable); /* it is not the true gradient */
    clear();
}
END_TEST

/* Every usable back end computes the same step but for rounding. */
START_TEST(backends_agree) {
    const train_options o = nested_options(2);
    const size_t *k = nested_cases[2].k;
    static float dw[3][TOY_PIXELS * 20];
    size_t compared = 0;
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        if (idp_backend_status(backend) != IDP_OK) continue;
        lay_out(&o, backend->name);
        compute(k, STEP_WIDTHS, 0, BATCH);
        for (size_t l = 0; l < f.m.layers; l++) {
            const size_t count = f.m.width[l] * f.m.width[l + 1];
            if (compared == 0) memcpy(dw[l], f.g.dw[l], count * sizeof(float));
            for (size_t i = 0; i < count; i++)
                ck_assert_msg(fabsf(f.g.dw[l][i] - dw[l][i]) < 2e-6f, "%s differs in layer %zu at %zu",
                              backend->name, l + 1, i);
        }
        clear();
        compared++;
    }
    ck_assert_uint_ge(compared, 1);
}
END_TEST

/* ---- the update
 * ------------------------------------------------------------------------------------------------------- */

/* Two epochs of one full batch each, by hand: v = -lr g, then v = momentum v - lr / 2 g, halved after the first
 * epoch. */
START_TEST(momentum_and_halving) {
    train_options o = options("nested");
    o.hidden_count = 1;
    o.batch = toy.train.count = BATCH;
    o.momentum = 0.75;
    o.lr = 0.5;
    o.halve_after = 1;
    const size_t k = 20;
    o.epochs = 0;
    lay_out(&o, NULL);
    for (size_t l = 0; l < 2; l++)
        memset(f.net.layer[l]->b, 0, f.m.width[l + 1] * sizeof(float)); /* as initialised */
    static float v_weights[2][TOY_PIXELS * 20], v_biases[2][20];
    for (int step = 0; step < 2; step++) {
        const float lr = step == 0 ? 0.5f : 0.25f;
        compute(&k, 1, 0, BATCH);
        for (size_t l = 0; l < 2; l++) {
            for (size_t i = 0; i < f.m.width[l] * f.m.width[l + 1]; i++) {
                v_weights[l][i] = 0.75f * v_weights[l][i] - lr * f.g.dw[l][i];
                f.net.layer[l]->w[i] += v_weights[l][i];
            }
            for (size_t j = 0; j < f.m.width[l + 1]; j++) {
                v_biases[l][j] = 0.75f * v_biases[l][j] - lr * f.g.db[l][j];
                f.net.layer[l]->b[j] += v_biases[l][j];
            }
        }
    }
    o.epochs = 2;
    model trained = train(&o, NULL);
    for (size_t l = 0; l < 2; l++) { /* the shuffled batch sums in another order */
        for (size_t i = 0; i < f.m.width[l] * f.m.width[l + 1]; i++)
            ck_assert_float_eq_tol(trained.profile[0].layer[l]->w[i], f.net.layer[l]->w[i], 1e-5f);
        for (size_t j = 0; j < f.m.width[l + 1]; j++)
            ck_assert_float_eq_tol(trained.profile[0].layer[l]->b[j], f.net.layer[l]->b[j], 1e-5f);
    }
    model_free(&trained);
    clear();
}
END_TEST

/* The first step of a stage has no velocity, so with one step a stage the momentum cannot matter. */
START_TEST(velocity_starts_anew) {
    train_options o = options("authors");
    set_parts(&o, 2, (const double[]){50, 100});
    o.epochs = 1;
    o.batch = TOY_TRAIN;
    o.momentum = 0.9;
    model with = train(&o, NULL);
    o.momentum = 0;
    model without = train(&o, NULL);
    same_bits(&with, &without, true);
    model_free(&with);
    model_free(&without);
}
END_TEST

/* An epoch in the order of the file, by hand: what is trained is not that. */
START_TEST(shuffled) {
    train_options o = options("nested");
    toy.train.count = BATCH;
    o.epochs = 1;
    o.batch = 6;
    o.momentum = 0;
    const size_t k = 20;
    lay_out(&o, NULL);
    for (size_t l = 0; l < 3; l++) memset(f.net.layer[l]->b, 0, f.m.width[l + 1] * sizeof(float));
    for (size_t first = 0; first < BATCH; first += 6) {
        const size_t batch = BATCH - first < 6 ? BATCH - first : 6;
        compute(&k, 1, first, batch);
        for (size_t l = 0; l < 3; l++) {
            model_layer *layer = f.net.layer[l];
            for (size_t i = 0; i < layer->out * layer->in; i++) layer->w[i] -= (float)o.lr * f.g.dw[l][i];
            for (size_t j = 0; j < layer->out; j++) layer->b[j] -= (float)o.lr * f.g.db[l][j];
        }
    }
    model trained = train(&o, NULL);
    float farthest = 0;
    for (size_t i = 0; i < 20 * TOY_PIXELS; i++)
        farthest = fmaxf(farthest, fabsf(trained.profile[0].layer[0]->w[i] - f.net.layer[0]->w[i]));
    ck_assert_float_gt(farthest, 1e-4f);
    model_free(&trained);
    clear();
}
END_TEST

/* One step from rest: w moves by lr (g + decay w), so what the decay adds is lr decay w; biases do not decay. */
START_TEST(weight_decay) {
    train_options o = options("nested");
    o.batch = toy.train.count = BATCH;
    o.epochs = 0;
    model initial = train(&o, NULL);
    o.epochs = 1;
    o.lr = 0.5;
    model without = train(&o, NULL);
    o.weight_decay = 0.125;
    model with = train(&o, NULL);
    for (size_t l = 0; l < 3; l++) {
        const model_layer *a = initial.owned[l], *b = without.owned[l], *c = with.owned[l];
        for (size_t i = 0; i < a->out * a->in; i++)
            ck_assert_float_eq_tol(b->w[i] - c->w[i], 0.5f * 0.125f * a->w[i], 1e-6f);
        ck_assert_mem_eq(b->b, c->b, b->out * sizeof(float));
    }
    model_free(&initial);
    model_free(&without);
    model_free(&with);
}
END_TEST

START_TEST(schedules) {
    static const struct {
        schedule_kind kind;
        double done;
        size_t halve_after;
        double expected;
    } rows[] = {
        {SCHEDULE_STEP, 0, 25, 1},      {SCHEDULE_STEP, 24.999, 25, 1},  {SCHEDULE_STEP, 25, 25, 0.5},
        {SCHEDULE_STEP, 29, 25, 0.5},   {SCHEDULE_STEP, 29, 0, 1},       {SCHEDULE_COSINE, 0, 25, 1},
        {SCHEDULE_COSINE, 15, 25, 0.5}, {SCHEDULE_COSINE, 10, 25, 0.75}, {SCHEDULE_COSINE, 20, 0, 0.25},
        {SCHEDULE_COSINE, 30, 0, 0},    {SCHEDULE_CONSTANT, 0, 25, 1},   {SCHEDULE_CONSTANT, 29.5, 25, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_double_eq_tol(schedule_factor(rows[i].kind, rows[i].done, 30, rows[i].halve_after),
                                rows[i].expected, 1e-15);
    for (int s = SCHEDULE_STEP; s <= SCHEDULE_CONSTANT; s++) {
        schedule_kind kind;
        ck_assert(schedule_parse(schedule_name((schedule_kind)s), &kind) && (int)kind == s);
    }
    schedule_kind kind;
    ck_assert(!schedule_parse("stairs", &kind));
}
END_TEST

/* One full batch a stage is one step: with a cosine over two epochs the second step has half the rate. */
START_TEST(cosine_in_training) {
    train_options o = options("nested");
    o.batch = toy.train.count = BATCH;
    o.momentum = 0;
    o.epochs = 2;
    o.schedule = SCHEDULE_STEP;
    o.halve_after = 1;
    model halved = train(&o, NULL);
    o.schedule = SCHEDULE_COSINE;
    o.halve_after = 0;
    model cosine = train(&o, NULL);
    for (size_t i = 0; i < 20 * TOY_PIXELS; i++)
        ck_assert_float_eq_tol(halved.owned[0]->w[i], cosine.owned[0]->w[i], 1e-6f);
    o.schedule = SCHEDULE_CONSTANT;
    model constant = train(&o, NULL);
    same_bits(&halved, &constant, false);
    model_free(&halved);
    model_free(&cosine);
    model_free(&constant);
}
END_TEST

/* ---- what a stage leaves alone
 * ------------------------------------------------------------------------------------------ */

/* Layers of 784-100-100-10 in the part 30-70 %. */
START_TEST(regions) {
    static const size_t width[] = {784, 100, 100, 10};
    static const struct {
        const char *recipe;
        region layer[3];
    } rows[] = {
        {"authors", {{0, 100, 0, 784}, {30, 70, 30, 70}, {0, 10, 0, 100}}},
        {"nested", {{30, 70, 0, 784}, {30, 70, 0, 70}, {0, 10, 0, 100}}},
        {"sandwich", {{0, 100, 0, 784}, {0, 100, 0, 100}, {0, 10, 0, 100}}},
        {"independent", {{0, 70, 0, 784}, {0, 70, 0, 70}, {0, 10, 0, 70}}},
        {"best", {{0, 100, 0, 784}, {0, 100, 0, 100}, {0, 10, 0, 100}}},
        {"forum", {{0, 100, 0, 784}, {0, 100, 0, 100}, {0, 10, 0, 100}}},
    };
    ck_assert_uint_eq(recipe_count(), sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t l = 0; l < 3; l++) {
            const region got = recipe_region(recipe_find(rows[i].recipe), width, 3, l, 30, 70);
            ck_assert_mem_eq(&got, &rows[i].layer[l], sizeof got);
        }
}
END_TEST

/* The entries of a 20 x 20 layer that differ in bits, as (row >= 6, column >= 6) blocks, and the biases by row. */
typedef struct changes {
    size_t block[2][2], bias[2];
} changes;

static changes compare_inner(const model *a, const model *b) {
    const model_layer *x = a->profile[0].layer[1], *y = b->profile[0].layer[1];
    changes c = {{{0}}, {0}};
    for (size_t j = 0; j < 20; j++) {
        for (size_t i = 0; i < 20; i++)
            c.block[j >= 6][i >= 6] += memcmp(&x->w[j * 20 + i], &y->w[j * 20 + i], sizeof(float)) != 0;
        c.bias[j >= 6] += memcmp(&x->b[j], &y->b[j], sizeof(float)) != 0;
    }
    return c;
}

/* The same seed trained for 0-30 % alone and for 0-30, 30-100 %: stage 1 is the same, so what differs is what stage
 * 2 changed. */
static changes second_stage(train_options o, model *alone, model *both) {
    set_parts(&o, 1, (const double[]){30});
    *alone = train(&o, NULL);
    set_parts(&o, 2, (const double[]){30, 100});
    *both = train(&o, NULL);
    return compare_inner(alone, both);
}

START_TEST(authors_regions) {
    model alone, both;
    train_options o = options("authors");
    const changes c = second_stage(o, &alone, &both);
    ck_assert_uint_eq(c.block[0][0], 0);
    ck_assert_uint_eq(c.block[0][1], 0);
    ck_assert_uint_eq(c.block[1][0], 0);
    ck_assert_uint_gt(c.block[1][1], 100); /* of 196; some units are dead */
    ck_assert_uint_eq(c.bias[0], 0);
    ck_assert_uint_gt(c.bias[1], 7);
    for (size_t l = 0; l < 3; l += 2) { /* the first profile's own layers */
        ck_assert_ptr_ne(both.profile[0].layer[l], both.profile[1].layer[l]);
        ck_assert_mem_eq(alone.profile[0].layer[l]->w, both.profile[0].layer[l]->w,
                         both.width[l] * both.width[l + 1] * sizeof(float));
    }
    ck_assert_ptr_eq(both.profile[0].layer[1], both.profile[1].layer[1]);
    model_free(&both);

    /* And stage 1 changed nothing but its own block: the coupling blocks are as initialised. */
    set_parts(&o, 1, (const double[]){30});
    o.epochs = 0;
    model initial = train(&o, NULL);
    const changes first = compare_inner(&initial, &alone);
    ck_assert_uint_gt(first.block[0][0], 20);
    ck_assert_uint_eq(first.block[0][1] + first.block[1][0] + first.block[1][1], 0);
    ck_assert_uint_gt(first.bias[0], 3);
    ck_assert_uint_eq(first.bias[1], 0);
    model_free(&initial);
    model_free(&alone);
}
END_TEST

/* For the couplings and the width rules. */
static const struct {
    coupling_kind coupling;
    const char *widths;
} region_cases[] = {{COUPLING_INITIAL, "end"}, {COUPLING_INITIAL, "ten"}, {COUPLING_ZERO, "random"}};

START_TEST(nested_regions) {
    model alone, both;
    train_options o = options("nested");
    o.coupling = region_cases[_i].coupling;
    o.widths = width_rule_find(region_cases[_i].widths);
    const changes c = second_stage(o, &alone, &both);
    ck_assert_uint_eq(c.block[0][0], 0);
    ck_assert_uint_eq(c.block[0][1], 0);
    ck_assert_uint_gt(c.block[1][0], 30); /* of 84 */
    ck_assert_uint_gt(c.block[1][1], 80); /* of 196 */
    ck_assert_uint_eq(c.bias[0], 0);
    ck_assert_uint_gt(c.bias[1], 6);
    const model_layer *first_alone = alone.profile[0].layer[0], *first_both = both.profile[0].layer[0];
    ck_assert_mem_eq(first_alone->w, first_both->w, 6 * TOY_PIXELS * sizeof(float));
    ck_assert_mem_ne(first_alone->w + 6 * TOY_PIXELS, first_both->w + 6 * TOY_PIXELS,
                     14 * TOY_PIXELS * sizeof(float));
    ck_assert_ptr_eq(both.profile[0].layer[0], both.profile[1].layer[0]);
    ck_assert_ptr_ne(both.profile[0].layer[2], both.profile[1].layer[2]);
    ck_assert_mem_eq(alone.profile[0].layer[2]->w, both.profile[0].layer[2]->w, 20 * TOY_CLASSES * sizeof(float));
    for (size_t j = 0; j < 6; j++)
        for (size_t i = 6; i < 20; i++) {
            const float coupled = both.profile[0].layer[1]->w[j * 20 + i];
            ck_assert_int_eq(coupled == 0, o.coupling == COUPLING_ZERO);
        }
    model_free(&alone);
    model_free(&both);
}
END_TEST

/* With zero coupling a channel's value does not depend on the percentage: a narrow result can be refined. */
START_TEST(zero_coupling_refines) {
    train_options o = options("nested");
    set_parts(&o, 3, (const double[]){20, 40, 100});
    o.coupling = COUPLING_ZERO;
    o.epochs = 1;
    model trained = train(&o, NULL);
    lay_out(&o, NULL); /* for the reference's shape */
    for (size_t l = 0; l < 2; l++) {
        const model_layer *layer = trained.profile[2].layer[l];
        for (size_t i = 0; i < layer->out * layer->in; i++) f.reference.w[l][i] = (double)layer->w[i];
        for (size_t j = 0; j < layer->out; j++) f.reference.b[l][j] = (double)layer->b[j];
    }
    double narrow[20], wide[20], whole[20], sum = 0;
    mlp_reference_forward(&f.reference, 4, f.x_double, 2, narrow);
    mlp_reference_forward(&f.reference, 8, f.x_double, 2, wide);
    mlp_reference_forward(&f.reference, 20, f.x_double, 2, whole);
    for (size_t j = 0; j < 8; j++) {
        if (j < 4) ck_assert_double_eq(narrow[j], wide[j]);
        ck_assert_double_eq(wide[j], whole[j]);
        sum += wide[j];
    }
    ck_assert_double_gt(sum, 0);
    model_free(&trained);
    clear();
}
END_TEST

/* ---- widths
 * ------------------------------------------------------------------------------------------------------------- */

START_TEST(width_rules) {
    random_state r;
    random_seed(&r, 3, RANDOM_TEST);
    size_t k[WIDTHS_MAX];
    static const size_t counts[] = {1, 1, 10, 4, 10};
    static const char *const names[] = {"end", "random", "ten", "sandwich", "forum"};
    for (size_t i = 0; i < 5; i++) ck_assert_uint_eq(width_rule_find(names[i])->count, counts[i]);
    width_rule_find("end")->choose(20, 40, &r, k);
    ck_assert_uint_eq(k[0], 40);
    static const size_t ten[] = {46, 52, 58, 64, 70, 76, 82, 88, 94, 100};
    width_rule_find("ten")->choose(40, 100, &r, k);
    ck_assert_mem_eq(k, ten, sizeof ten);
    static const size_t halves[] = {2, 5, 8, 10, 12, 15, 18, 20, 22, 25}; /* 2.5 and 12.5 round to even */
    width_rule_find("ten")->choose(0, 25, &r, k);
    ck_assert_mem_eq(k, halves, sizeof halves);
    width_rule_find("ten")->choose(0, 3, &r, k);
    for (size_t i = 0; i < 10; i++) ck_assert(k[i] >= 1 && k[i] <= 3);
    size_t seen[41] = {0};
    for (int i = 0; i < 4000; i++) {
        width_rule_find("random")->choose(20, 40, &r, k);
        ck_assert(k[0] > 20 && k[0] <= 40);
        seen[k[0]]++;
    }
    for (size_t width = 21; width <= 40; width++) ck_assert_uint_gt(seen[width], 100); /* 200 expected */
    static const size_t forum[] = {0, 2, 4, 7, 9, 11, 13, 16, 18, 20},
                        later[] = {40, 47, 53, 60, 67, 73, 80, 87, 93, 100};
    width_rule_find("forum")->choose(0, 20, &r, k);
    ck_assert_mem_eq(k, forum, sizeof forum);
    width_rule_find("forum")->choose(40, 100, &r, k);
    ck_assert_mem_eq(k, later, sizeof later);
    bool least = false, most = false;
    for (int i = 0; i < 2000; i++) { /* an end is missed by chance in (18/19)^4000, about 1e-94 */
        width_rule_find("sandwich")->choose(0, 20, &r, k);
        ck_assert(k[0] == 20 && k[1] == 2 && k[2] >= 2 && k[2] <= 20 && k[3] >= 2 && k[3] <= 20);
        least = least || k[2] == 2;
        most = most || k[3] == 20;
    }
    ck_assert(least && most);
    width_rule_find("sandwich")->choose(0, 4, &r, k);
    ck_assert(k[0] == 4 && k[1] == 1);
    ck_assert_ptr_null(width_rule_find("eleven"));
}
END_TEST

/* ---- whole runs
 * --------------------------------------------------------------------------------------------------------- */

START_TEST(same_seed_same_bits) {
    train_options o = options("nested");
    set_parts(&o, 2, (const double[]){50, 100});
    o.widths = width_rule_find("random");
    o.epochs = 1;
    o.batch = 100; /* several blocks of samples, the last one not full */
    o.threads = 1;
    model first = train(&o, NULL), again = train(&o, NULL);
    same_bits(&first, &again, true);
    for (o.threads = 2; o.threads <= 5; o.threads++) {
        model_free(&again);
        again = train(&o, NULL);
        same_bits(&first, &again, true);
    }
    o.threads = 1;
    model_free(&again);
    o.seed++;
    again = train(&o, NULL);
    same_bits(&first, &again, false);
    model_free(&again);
    model_free(&first);
}
END_TEST

START_TEST(initial_weights) {
    train_options o = options("authors");
    o.epochs = 0;
    o.hidden[0] = o.hidden[1] = 200;
    train_log log;
    model m = train(&o, &log);
    for (size_t l = 0; l < m.layers; l++) {
        const model_layer *layer = m.profile[0].layer[l];
        const size_t count = layer->out * layer->in;
        double sum = 0, square = 0;
        for (size_t i = 0; i < count; i++) {
            sum += (double)layer->w[i];
            square += (double)layer->w[i] * (double)layer->w[i];
        }
        const double variance = 1 / (double)layer->in;
        ck_assert_double_eq_tol(sum / (double)count, 0, 5 * sqrt(variance / (double)count));
        ck_assert_double_eq_tol(square / (double)count, variance, 5 * variance * sqrt(2 / (double)count));
        for (size_t j = 0; j < layer->out; j++) ck_assert_float_eq(layer->b[j], 0);
    }
    ck_assert(isnan(log.loss));
    model_free(&m);
}
END_TEST

START_TEST(xavier_weights) {
    train_options o = options("forum");
    o.epochs = 0;
    o.hidden[0] = o.hidden[1] = 200;
    model m = train(&o, NULL);
    for (size_t l = 0; l < m.layers; l++) {
        const model_layer *layer = m.owned[l];
        const double limit = sqrt(6 / (double)(layer->in + layer->out)), count = (double)(layer->out * layer->in);
        double square = 0;
        for (size_t i = 0; i < layer->out * layer->in; i++) {
            ck_assert_double_le(fabs((double)layer->w[i]), limit);
            square += (double)layer->w[i] * (double)layer->w[i];
        }
        /* limit^2 / 3; the variance of a square is limit^4 (1/5 - 1/9) */
        ck_assert_double_eq_tol(square / count, limit * limit / 3, 5 * limit * limit * sqrt(4 / 45.0 / count));
    }
    model_free(&m);
}
END_TEST

/* `independent`: no profile shares a layer; a stage changes nothing of the others, nor beyond its own width. */
START_TEST(independent_networks) {
    train_options o = options("independent");
    set_parts(&o, 2, (const double[]){30, 100});
    o.epochs = 0;
    model initial = train(&o, NULL);
    o.epochs = 1;
    model m = train(&o, NULL);
    ck_assert_uint_eq(m.owned_count, 6);
    const model_layer *before = initial.profile[0].layer[1], *after = m.profile[0].layer[1];
    size_t changed = 0;
    for (size_t i = 0; i < 400; i++) {
        const bool differs = memcmp(&before->w[i], &after->w[i], sizeof(float)) != 0;
        ck_assert(!differs || (i / 20 < 6 && i % 20 < 6));
        changed += differs;
    }
    ck_assert_uint_gt(changed, 10); /* of 36 */
    model_free(&initial);
    model_free(&m);
}
END_TEST

/* `forum`: everything is shared, and channels beyond the first part never learn. */
START_TEST(forum_trains_one_stage) {
    train_options o = options("forum");
    set_parts(&o, 2, (const double[]){30, 100});
    o.epochs = 0;
    model initial = train(&o, NULL);
    o.epochs = 3;
    train_log log[MODEL_MAX_PROFILES];
    model m = train(&o, log);
    ck_assert_uint_eq(m.owned_count, 3);
    ck_assert(!isnan(log[0].loss) && isnan(log[1].loss));
    ck_assert_mem_ne(initial.owned[0]->w, m.owned[0]->w, 6 * TOY_PIXELS * sizeof(float));
    ck_assert_mem_eq(initial.owned[0]->w + 6 * TOY_PIXELS, m.owned[0]->w + 6 * TOY_PIXELS,
                     14 * TOY_PIXELS * sizeof(float));
    model_free(&initial);
    model_free(&m);
}
END_TEST

static const char *const all_recipes[] = {"authors", "nested", "sandwich", "independent", "best", "forum"};

/* Trained with a checkpoint after every epoch, and again from the last but one of a stage: the same bits. */
START_TEST(checkpoint_resumes) {
    train_options o = options(all_recipes[_i]);
    const size_t parts = o.recipe->most_parts > 1 ? 2 : 1;
    set_parts(&o, parts, parts > 1 ? (const double[]){50, 100} : (const double[]){100});
    if (o.recipe->has_options) o.widths = width_rule_find("random");
    o.epochs = 3;
    model whole = train(&o, NULL);
    char path[] = "/tmp/idp-checkpoint-XXXXXX";
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    o.checkpoint = path;
    o.checkpoint_every = 2; /* and at the end of every stage: the file is that of the last */
    model kept = train(&o, NULL);
    same_bits(&whole, &kept, true);
    o.resume = path;
    train_log log[MODEL_MAX_PROFILES];
    model resumed = train(&o, log);
    same_bits(&whole, &resumed, true);
    ck_assert(!isnan(log[0].loss));

    error e = {""};
    model m;
    o.seed++;
    ck_assert(!train_run(&o, &toy, &m, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "is of a run with seed 1, and this one has 2"));
    o.seed--;
    o.lr = 0.25;
    ck_assert(!train_run(&o, &toy, &m, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "is of a run with lr "));
    unlink(path);
    model_free(&whole);
    model_free(&kept);
    model_free(&resumed);
}
END_TEST

static const struct {
    const char *recipe, *widths;
    gamma_kind gamma;
    double ends[3];
    size_t parts;
} learning_cases[] = {
    {"authors", "end", GAMMA_LINEAR, {100}, 1},          {"authors", "end", GAMMA_LINEAR, {30, 100}, 2},
    {"authors", "end", GAMMA_HALF_EXP, {100}, 1},        {"nested", "end", GAMMA_ALL_ONE, {100}, 1},
    {"nested", "ten", GAMMA_LINEAR, {40, 100}, 2},       {"nested", "random", GAMMA_LINEAR, {30, 60, 100}, 3},
    {"nested", "end", GAMMA_FORUM_LINEAR, {50, 100}, 2}, {"nested", "end", GAMMA_HARMONIC, {100}, 1},
    {"independent", "end", GAMMA_ALL_ONE, {50, 100}, 2}, {"sandwich", "sandwich", GAMMA_ALL_ONE, {100}, 1},
};

START_TEST(learns) {
    train_options o = options(learning_cases[_i].recipe);
    train_log log[MODEL_MAX_PROFILES];
    error e = {""};
    o.gamma = learning_cases[_i].gamma;
    o.widths = width_rule_find(learning_cases[_i].widths);
    o.epochs = 25;
    set_parts(&o, learning_cases[_i].parts, learning_cases[_i].ends);
    model m = train(&o, log);
    for (size_t p = 0; p < m.profiles; p++) {
        ck_assert_double_gt(log[p].accuracy_percent, 90); /* guessing: 25 */
        ck_assert_double_lt(log[p].loss,
                            o.distillation ? 3.6 : 0.9); /* guessing: log 4; narrow widths count in it */
        ck_assert_double_gt(log[p].seconds, 0);
        double accuracy, nothing = 0;
        ck_assert(model_accuracy(&m, o.backend, &toy.test, p, &m.profile[p].to_percent, 1, &accuracy, &e));
        ck_assert_double_eq(accuracy, log[p].accuracy_percent);
        ck_assert(model_accuracy(&m, o.backend, &toy.test, p, &nothing, 1, &accuracy, &e));
        ck_assert_double_lt(accuracy, 60); /* at 0 % there is only a bias */
    }
    model_free(&m);
}
END_TEST

/* Against the reference network, one sample and one percentage at a time; the 600 images are more than one
 * block. */
START_TEST(accuracy_by_hand) {
    train_options o = options("nested");
    o.epochs = 1;
    train_options shape = o;
    model m = train(&o, NULL);
    lay_out(&shape, NULL);
    for (size_t l = 0; l < m.layers; l++) {
        const model_layer *layer = m.profile[0].layer[l];
        for (size_t i = 0; i < layer->out * layer->in; i++) f.reference.w[l][i] = (double)layer->w[i];
        for (size_t j = 0; j < layer->out; j++) f.reference.b[l][j] = (double)layer->b[j];
    }
    static const double percents[] = {100, 5, 0, 54.9, 30};
    double accuracy[5];
    error e = {""};
    ck_assert(model_accuracy(&m, o.backend, &toy.train, 0, percents, 5, accuracy, &e));
    for (size_t i = 0; i < 5; i++) {
        size_t right = 0;
        for (size_t s = 0; s < toy.train.count; s++) {
            double x[TOY_PIXELS], y[TOY_CLASSES];
            size_t best = 0;
            for (size_t p = 0; p < TOY_PIXELS; p++) x[p] = toy.train.pixels[s * TOY_PIXELS + p] / 255.0;
            mlp_reference_forward(&f.reference, idp_prefix(20, percents[i]), x, m.layers, y);
            for (size_t c = 1; c < TOY_CLASSES; c++)
                if (y[c] > y[best]) best = c;
            right += best == toy.train.labels[s];
        }
        ck_assert_double_eq(accuracy[i], 100.0 * (double)right / (double)toy.train.count);
    }
    ck_assert(!model_accuracy(&m, o.backend, &toy.train, 1, percents, 1, accuracy, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "there is no profile 1"));
    images wrong = toy.test;
    wrong.rows++;
    ck_assert(!model_accuracy(&m, o.backend, &wrong, 0, percents, 1, accuracy, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "the model reads 36 inputs"));
    model_free(&m);
    clear();
}
END_TEST

/* The packed network gives what training saw: the accuracy of single images is that of the blocks. */
START_TEST(network_agrees) {
    train_options o = options("authors");
    set_parts(&o, 2, (const double[]){30, 100});
    error e = {""};
    model m = train(&o, NULL);
    idp_mlp *network = NULL;
    ck_assert_msg(model_network(&m, o.backend, &network, &e), "%s", e.text);
    void *workspace = aligned_alloc(64, (idp_mlp_workspace_bytes(network, 1) / 64 + 1) * 64);
    for (size_t p = 0; p < 2; p++)
        for (double percent = 20; percent <= 100; percent += 40) {
            double accuracy;
            size_t right = 0;
            ck_assert(model_accuracy(&m, o.backend, &toy.test, p, &percent, 1, &accuracy, &e));
            for (size_t s = 0; s < toy.test.count; s++) {
                float x[TOY_PIXELS], y[TOY_CLASSES];
                size_t best = 0;
                for (size_t i = 0; i < TOY_PIXELS; i++) x[i] = (float)toy.test.pixels[s * TOY_PIXELS + i] / 255;
                ck_assert_int_eq(idp_mlp_run(network, p, percent, 1, x, y, workspace), IDP_OK);
                for (size_t c = 1; c < TOY_CLASSES; c++)
                    if (y[c] > y[best]) best = c;
                right += best == toy.test.labels[s];
            }
            /* Sums of another order may settle a near tie the other way. */
            ck_assert_double_eq_tol(accuracy, 100.0 * (double)right / (double)toy.test.count, 0.51);
        }
    free(workspace);
    idp_mlp_destroy(network);
    model_free(&m);
}
END_TEST

/* ---- what is refused
 * ---------------------------------------------------------------------------------------------------- */

static void bad_gamma(train_options *o) { o->gamma = GAMMA_KINDS; }
static void bad_batch(train_options *o) { o->batch = 0; }
static void huge_batch(train_options *o) { o->batch = TRAIN_BATCH_MOST + 1; }
static void no_threads(train_options *o) { o->threads = 0; }
static void bad_lr(train_options *o) { o->lr = 0; }
static void nan_lr(train_options *o) { o->lr = NAN; }
static void bad_decay(train_options *o) { o->weight_decay = -1; }
static void no_distillation(train_options *o) { o->distillation = true; }
static void two_weights(train_options *o) { o->width_weights = 2; }
static void no_weight(train_options *o) { o->width_weights = 1; }
static void nan_weight(train_options *o) {
    o->width_weights = 1;
    o->width_weight[0] = NAN;
}
static void sandwich_parts(train_options *o) {
    o->recipe = recipe_find("sandwich");
    set_parts(o, 2, (const double[]){50, 100});
}
static void bad_momentum(train_options *o) { o->momentum = 1; }
static void no_hidden(train_options *o) { o->hidden_count = 0; }
static void three_hidden(train_options *o) {
    o->recipe = recipe_find("authors");
    o->hidden[2] = 20;
    o->hidden_count = 3;
}
static void empty_hidden(train_options *o) { o->hidden[1] = 0; }
static void uneven_hidden(train_options *o) { o->hidden[1] = 21; }
static void no_parts(train_options *o) { o->parts = 0; }
static void many_parts(train_options *o) { o->parts = MODEL_MAX_PROFILES + 1; }
static void late_part(train_options *o) { o->part[0].from_percent = 10; }
static void gap(train_options *o) {
    set_parts(o, 2, (const double[]){30, 100});
    o->part[1].from_percent = 40;
}
static void backwards(train_options *o) { set_parts(o, 2, (const double[]){60, 30}); }
static void beyond(train_options *o) { o->part[0].to_percent = 101; }
static void nan_part(train_options *o) { o->part[0].to_percent = NAN; }
static void thin_part(train_options *o) { set_parts(o, 2, (const double[]){50, 54}); }
static void diverging(train_options *o) {
    o->lr = 100;
    o->momentum = 0.99;
    o->epochs = 20;
    o->gamma = GAMMA_ALL_ONE;
}

static const struct {
    void (*spoil)(train_options *o);
    const char *expected;
} refusals[] = {
    {bad_gamma, "no gamma number"},
    {bad_batch, "a batch has 1 to 4096 samples, not 0"},
    {huge_batch, "a batch has 1 to 4096 samples, not 4097"},
    {no_threads, "training takes 1 to 256 threads, not 0"},
    {bad_lr, "learning rate must be above 0"},
    {nan_lr, "learning rate must be above 0"},
    {bad_momentum, "momentum must be"},
    {bad_decay, "weight decay must be from 0 to 1"},
    {no_distillation, "recipe nested has no distillation"},
    {two_weights, "width rule end trains 1 widths a step, but there are 2 weights"},
    {no_weight, "weights are all 0"},
    {nan_weight, "the weight of a width cannot be"},
    {sandwich_parts, "recipe sandwich has a single part, 0-100, not 2"},
    {no_hidden, "recipe nested takes at least 1 hidden layers, not 0"},
    {three_hidden, "recipe authors takes at most 2 hidden layers, not 3"},
    {empty_hidden, "a hidden layer has 1 to 8192 channels, not 0"},
    {uneven_hidden, "all must be as wide as the first, 20; one has 21"},
    {no_parts, "1 to 16 parts, not 0"},
    {many_parts, "1 to 16 parts, not 17"},
    {late_part, "must start where the one before ends (the first at 0)"},
    {gap, "part 40-100 must start where the one before ends"},
    {backwards, "part 60-30 is not a range"},
    {beyond, "part 0-101 is not a range"},
    {nan_part, "is not a range"},
    {thin_part, "part 50-54 holds none of the 20 channels"},
    {diverging, "training diverged in profile 1, epoch 1 (loss "},
};

START_TEST(refused) {
    train_options o = options("nested");
    error e = {""};
    model untouched, as_before;
    memset(&untouched, 0x5a, sizeof untouched);
    memset(&as_before, 0x5a, sizeof as_before);
    refusals[_i].spoil(&o);
    ck_assert(!train_run(&o, &toy, &untouched, NULL, &e));
    ck_assert_msg(strstr(e.text, refusals[_i].expected) != NULL, "'%s' does not say '%s'", e.text,
                  refusals[_i].expected);
    ck_assert_mem_eq(&untouched, &as_before, sizeof untouched);
}
END_TEST

START_TEST(bad_data) {
    train_options o = options("nested");
    error e = {""};
    model m;
    dataset data = toy;
    data.train.count = 0;
    ck_assert(!train_run(&o, &data, &m, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "has no images"));
    data = toy;
    data.test.columns++;
    ck_assert(!train_run(&o, &data, &m, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "differ in size"));
    ck_assert(!train_defaults(&o, "other", &e));
    ck_assert_ptr_nonnull(strstr(
        e.text, "there is no recipe 'other'; there are authors, nested, sandwich, independent, best, forum"));
}
END_TEST

/* Last: without a process of its own (CK_FORK=no) everything after it would be interrupted as well. */
START_TEST(interrupted_training) {
    train_options o = options("nested");
    error e = {""};
    model m;
    interrupt_install();
    raise(SIGINT);
    ck_assert(!train_run(&o, &toy, &m, NULL, &e));
    ck_assert_str_eq(e.text, "interrupted; nothing was written");
}
END_TEST

#define COUNT(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

int main(void) {
    Suite *suite = suite_create("train");
    TCase *gradients = tcase_create("gradients");
    tcase_set_timeout(gradients, 120); /* under emulation */
    tcase_add_checked_fixture(gradients, set_up, NULL);
    tcase_add_loop_test(gradients, nested_gradient, 0, COUNT(nested_cases));
    tcase_add_test(gradients, authors_gradient);
    tcase_add_test(gradients, distilled_gradient);
    tcase_add_test(gradients, shared_gradient);
    tcase_add_test(gradients, backends_agree);
    suite_add_tcase(suite, gradients);
    TCase *stages = tcase_create("stages");
    tcase_set_timeout(stages, 120);
    tcase_add_checked_fixture(stages, set_up, NULL);
    tcase_add_test(stages, momentum_and_halving);
    tcase_add_test(stages, weight_decay);
    tcase_add_test(stages, schedules);
    tcase_add_test(stages, cosine_in_training);
    tcase_add_test(stages, independent_networks);
    tcase_add_test(stages, forum_trains_one_stage);
    tcase_add_test(stages, velocity_starts_anew);
    tcase_add_test(stages, shuffled);
    tcase_add_test(stages, regions);
    tcase_add_test(stages, authors_regions);
    tcase_add_loop_test(stages, nested_regions, 0, COUNT(region_cases));
    tcase_add_test(stages, zero_coupling_refines);
    tcase_add_test(stages, width_rules);
    suite_add_tcase(suite, stages);
    TCase *runs = tcase_create("runs");
    tcase_set_timeout(runs, 120);
    tcase_add_checked_fixture(runs, set_up, NULL);
    tcase_add_test(runs, same_seed_same_bits);
    tcase_add_test(runs, initial_weights);
    tcase_add_test(runs, xavier_weights);
    tcase_add_loop_test(runs, checkpoint_resumes, 0, COUNT(all_recipes));
    tcase_add_loop_test(runs, learns, 0, COUNT(learning_cases));
    tcase_add_test(runs, accuracy_by_hand);
    tcase_add_test(runs, network_agrees);
    tcase_add_loop_test(runs, refused, 0, COUNT(refusals));
    tcase_add_test(runs, bad_data);
    tcase_add_test(runs, interrupted_training);
    suite_add_tcase(suite, runs);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
