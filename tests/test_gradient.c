/* test_gradient.c: the training kernels of every back end against sums in double precision with derived bounds, the
 * threads that run them, and the steps that only some recipes take (soft targets, distillation, weights of widths).
 */
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/idp_train.h"
#include "model/gradient.h"
#include "model/matrix.h"
#include "seed.h"

#include <check.h> /* last: it has a macro `fail` */

enum { BLOCK = IDP_TRAIN_BLOCK, MOST = 70 };

static random_state r;
static uint64_t seed;

static void set_up(void) { random_seed(&r, seed, RANDOM_TEST); }

static float *random_floats(size_t count) {
    float *a = floats_new(count);
    for (size_t i = 0; i < count; i++) a[i] = (float)random_normal(&r);
    return a;
}

/* Kernels of the back end number `index`, or NULL where it can't run here. */
static const idp_train *usable(int index) {
    const idp_backend *backend = idp_backend_at((size_t)index);
    if (idp_backend_status(backend) != IDP_OK) return NULL;
    const idp_train *t = idp_train_of(backend);
    ck_assert_ptr_nonnull(t);
    return t;
}

/* A sum of n products in any order, with or without FMA, errs by at most gamma_n = n u / (1 - n u) times the sum of
 * the absolute terms (Higham, Accuracy and Stability, section 3.1); 4 more roundings are around it. */
static void near(const char *what, float got, double expected, double absolute, size_t n) {
    const double u = 0x1p-24, nu = (double)(n + 4) * u, bound = nu / (1 - nu) * absolute + FLT_MIN;
    if (!(fabs((double)got - expected) <= bound))
        ck_abort_msg("%s: %.9g, expected %.9g within %g (seed %llu)", what, (double)got, expected, bound,
                     (unsigned long long)seed);
}

static const size_t sizes[][2] = {{1, 1}, {10, 33}, {7, 0}, {23, 5}, {66, 66}, {5, 3}, {4, 17}, {9, 64}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(forward_kernel) {
    const idp_train *t = usable(_i);
    if (t == NULL) return;
    for (size_t c = 0; c < 8 * SIZES; c++) {
        const size_t m = sizes[c / 8][0], k = sizes[c / 8][1], stride = k + 3;
        const bool with_relu = c & 1, with_gamma = c & 2;
        float *w = random_floats(m * stride), *b = random_floats(m), *gamma = random_floats(m);
        float *x = random_floats((k + 1) * BLOCK), *y = random_floats((m + 1) * BLOCK),
              *scaled = random_floats((m + 1) * BLOCK);
        const float beyond = y[m * BLOCK], beyond_scaled = scaled[m * BLOCK], untouched = scaled[0];
        for (size_t s = 0; s < BLOCK; s++) x[k * BLOCK + s] = NAN; /* not read */
        uint32_t list[MOST]; /* with one: every channel but each third, from the last on */
        size_t listed = 0;
        for (size_t i = k; i-- > 0;)
            if (i % 3 != 1) list[listed++] = (uint32_t)i;
        const bool with_list = (c & 4) && listed > 0;
        for (size_t i = 1; with_list && i < k; i += 3)
            for (size_t s = 0; s < BLOCK; s++) x[i * BLOCK + s] = NAN;
        t->forward(&(idp_train_forward){.w = w,
                                        .w_stride = stride,
                                        .b = b,
                                        .x = x,
                                        .y = y,
                                        .m = m,
                                        .k = with_list ? listed : k,
                                        .relu = with_relu,
                                        .gamma = with_gamma ? gamma : NULL,
                                        .scaled = scaled,
                                        .channel = with_list ? list : NULL});
        for (size_t j = 0; j < m; j++)
            for (size_t s = 0; s < BLOCK; s++) {
                double sum = (double)b[j], absolute = fabs(sum);
                for (size_t i = 0; i < k; i++) {
                    if (with_list && i % 3 == 1) continue;
                    const double term = (double)w[j * stride + i] * (double)x[i * BLOCK + s];
                    sum += term;
                    absolute += fabs(term);
                }
                const double expected = with_relu ? fmax(0, sum) : sum;
                near("forward", y[j * BLOCK + s], expected, absolute, k);
                if (with_gamma)
                    near("forward times gamma", scaled[j * BLOCK + s], (double)gamma[j] * expected,
                         fabs((double)gamma[j]) * absolute, k);
            }
        ck_assert_float_eq(y[m * BLOCK], beyond);
        ck_assert_float_eq(scaled[m * BLOCK], beyond_scaled);
        if (!with_gamma) ck_assert_float_eq(scaled[0], untouched);
        free(w), free(b), free(gamma), free(x), free(y), free(scaled);
    }
}
END_TEST

START_TEST(backward_kernel) {
    const idp_train *t = usable(_i);
    if (t == NULL) return;
    for (size_t c = 0; c < 4 * SIZES; c++) {
        const size_t m = sizes[c / 4][0], k = sizes[c / 4][1], stride = m + 2;
        const bool added = c & 1, with_gamma = c & 2;
        float *w = random_floats((k + 1) * stride), *gamma = random_floats(m), *relu = random_floats(m * BLOCK);
        float *delta = random_floats((k + 1) * BLOCK), *y = random_floats((m + 1) * BLOCK), before[BLOCK * MOST];
        for (size_t i = 0; i < m * BLOCK; i += 3) relu[i] = 0;
        for (size_t s = 0; s < BLOCK; s++) delta[k * BLOCK + s] = NAN;
        memcpy(before, y, (m + 1) * BLOCK * sizeof(float));
        t->backward(&(idp_train_backward){w, stride, delta, relu, with_gamma ? gamma : NULL, y, m, k, added});
        for (size_t i = 0; i < m; i++)
            for (size_t s = 0; s < BLOCK; s++) {
                const size_t at = i * BLOCK + s;
                double sum = 0, absolute = 0;
                for (size_t j = 0; j < k && relu[at] > 0; j++) {
                    const double term = (double)w[j * stride + i] * (double)delta[j * BLOCK + s] *
                                        (with_gamma ? (double)gamma[i] : 1);
                    sum += term;
                    absolute += fabs(term);
                }
                const double old = added ? (double)before[at] : 0;
                near("backward", y[at], old + sum, fabs(old) + absolute, k);
            }
        ck_assert_float_eq(y[m * BLOCK], before[m * BLOCK]);
        free(w), free(gamma), free(relu), free(delta), free(y);
    }
}
END_TEST

/* The gradient stored, added, and used up by the update; nothing beyond m and n is touched. */
START_TEST(weights_kernel) {
    const idp_train *t = usable(_i);
    if (t == NULL) return;
    static const size_t columns[] = {32, 1, 16, 17, 4, 31, 8, 20};
    for (size_t c = 0; c < 6 * SIZES; c++) {
        const size_t m = sizes[c / 6][0], n = columns[c / 6], stride = n + 1, cells = (m + 1) * stride;
        const size_t samples[2] = {BLOCK, c % 5 + 1}, terms = c % 3;
        const bool added = c & 1, update = c % 6 >= 3;
        float *delta[2], *x[2], *g = random_floats(cells), *v = random_floats(cells), *w = random_floats(cells);
        float g0[MOST * 34], v0[MOST * 34], w0[MOST * 34];
        for (size_t b = 0; b < 2; b++) {
            delta[b] = random_floats(m * BLOCK);
            x[b] = random_floats(BLOCK * BLOCK);
            for (size_t i = samples[b] * BLOCK; i < BLOCK * BLOCK; i++) x[b][i] = NAN; /* of no sample */
        }
        memcpy(g0, g, cells * sizeof(float));
        memcpy(v0, v, cells * sizeof(float));
        memcpy(w0, w, cells * sizeof(float));
        const idp_train_term term[2] = {{delta[0], x[0], samples[0]}, {delta[1], x[1], samples[1]}};
        t->weights(&(idp_train_weights){term, terms, m, n, stride, g, added, update ? v : NULL, update ? w : NULL,
                                        0.75f, 0.5f, 0.125f, NULL, 0, 0});
        for (size_t j = 0; j <= m; j++)
            for (size_t i = 0; i < stride; i++) {
                const size_t at = j * stride + i;
                if (j == m || i == n) {
                    ck_assert(g[at] == g0[at] && v[at] == v0[at] && w[at] == w0[at]);
                    continue;
                }
                double sum = added ? (double)g0[at] : 0, absolute = fabs(sum);
                size_t count = 0;
                for (size_t b = 0; b < terms; b++)
                    for (size_t s = 0; s < samples[b]; s++, count++) {
                        const double term_here = (double)delta[b][j * BLOCK + s] * (double)x[b][s * BLOCK + i];
                        sum += term_here;
                        absolute += fabs(term_here);
                    }
                if (!update) {
                    near("weight gradient", g[at], sum, absolute, count);
                    ck_assert(v[at] == v0[at] && w[at] == w0[at]);
                    continue;
                }
                const double old_w = (double)w0[at], old_v = (double)v0[at];
                const double next = 0.75 * old_v - 0.5 * (sum + 0.125 * old_w);
                const double size = 0.75 * fabs(old_v) + 0.5 * (absolute + 0.125 * fabs(old_w));
                near("velocity", v[at], next, size, count + 3);
                near("updated weight", w[at], old_w + next, fabs(old_w) + size, count + 4);
                ck_assert_float_eq(g[at], g0[at]);
            }
        for (size_t b = 0; b < 2; b++) free(delta[b]), free(x[b]);
        free(g), free(v), free(w);
    }
}
END_TEST

/* A velocity that decays becomes 0 before it is subnormal; NaN stays NaN. */
START_TEST(velocity_flushed) {
    const idp_train *t = usable(_i);
    if (t == NULL) return;
    float v[4] = {1.5f * FLT_MIN, -1.5f * FLT_MIN, 4 * FLT_MIN, NAN}, w[4] = {0};
    t->weights(&(idp_train_weights){.m = 1, .n = 4, .v = v, .w = w, .momentum = 0.5f, .lr = 1});
    ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 2 * FLT_MIN && isnan(v[3]) && isnan(w[3]));
}
END_TEST

/* exp errs by 2 units in the last place beyond the rounding of its argument, |x| u; logits are below 90 here. It
 * ends at e^-87: what is less comes out as that. */
START_TEST(loss_kernel) {
    const idp_train *t = usable(_i);
    if (t == NULL) return;
    for (size_t c = 0; c < 4; c++) {
        const size_t classes = c == 0 ? 2 : 10, samples = c == 1 ? 5 : BLOCK;
        const double width = c == 3 ? 20 : 1;
        float *z = random_floats(classes * BLOCK), *target = floats_new(classes * BLOCK);
        float *delta = random_floats(classes * BLOCK), *softmax = random_floats(classes * BLOCK);
        double expected = 0;
        for (size_t i = 0; i < classes * BLOCK; i++) z[i] = (float)(width * (double)z[i]);
        for (size_t s = 0; s < BLOCK; s++) {
            target[s] = c == 2 ? 0.25f : 0;
            target[(1 + s % (classes - 1)) * BLOCK + s] = 1 - target[s];
        }
        const double got = t->loss(&(idp_train_loss){classes, samples, z, target, 0.5f, delta, softmax});
        for (size_t s = 0; s < BLOCK; s++) {
            double highest = -INFINITY, sum = 0;
            for (size_t j = 0; j < classes; j++) highest = fmax(highest, (double)z[j * BLOCK + s]);
            for (size_t j = 0; j < classes; j++) sum += exp((double)z[j * BLOCK + s] - highest);
            for (size_t j = 0; j < classes; j++) {
                const size_t at = j * BLOCK + s;
                const double p = exp((double)z[at] - highest) / sum, bound = 0x1p-24 * (180 + 40);
                ck_assert_double_le(fabs((double)softmax[at] - p), bound * p + (1 + bound) * exp(-87));
                const double slope = s < samples ? 0.5 * (p - (double)target[at]) : 0;
                ck_assert_double_le(fabs((double)delta[at] - slope), bound);
                if (s < samples) expected += (double)target[at] * (log(sum) + highest - (double)z[at]);
            }
        }
        ck_assert_double_le(fabs(got - expected), (double)samples * 0x1p-24 * (180 + 40 + 400));
        free(z), free(target), free(delta), free(softmax);
    }
}
END_TEST

START_TEST(pixels_and_turns) {
    const idp_train *t = usable(_i);
    if (t == NULL) return;
    uint8_t pixel[BLOCK][IDP_TRAIN_LINE];
    float *y = random_floats(BLOCK * BLOCK), *turned = random_floats(BLOCK * BLOCK),
          *whole = random_floats((IDP_TRAIN_LINE + 1) * BLOCK);
    const float beyond = whole[IDP_TRAIN_LINE * BLOCK];
    for (size_t s = 0; s < BLOCK; s++)
        for (size_t c = 0; c < IDP_TRAIN_LINE; c++) pixel[s][c] = (uint8_t)random_below(&r, 256);
    t->pixels_turned(&pixel[0][0], whole);
    ck_assert_float_eq(whole[IDP_TRAIN_LINE * BLOCK], beyond);
    for (size_t first = 0; first < IDP_TRAIN_LINE; first += BLOCK) {
        t->pixels(&pixel[0][first], y);
        t->turn(y, turned);
        for (size_t s = 0; s < BLOCK; s++)
            for (size_t c = 0; c < BLOCK; c++) {
                const double expected = pixel[s][first + c] / 255.0;
                ck_assert(fabs((double)y[s * BLOCK + c] - expected) <= 2 * 0x1p-24 * expected);
                ck_assert(turned[c * BLOCK + s] == y[s * BLOCK + c]);
                ck_assert(whole[(first + c) * BLOCK + s] == y[s * BLOCK + c]);
            }
    }
    float sum[2] = {1, 2};
    t->sums(2, y, sum);
    for (size_t j = 0; j < 2; j++) {
        double expected = (double)j + 1;
        for (size_t s = 0; s < BLOCK; s++) expected += (double)y[j * BLOCK + s];
        near("sum", sum[j], expected, expected, BLOCK);
    }
    free(y), free(turned), free(whole);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------------------------
 */

enum { TASKS = 37, JOBS = 3000 };
static atomic_uint ran[TASKS];
static size_t sequence; /* not atomic: a job must see what the one before wrote */

static void count_task(void *context, size_t index, size_t thread) {
    const size_t *threads = context;
    ck_assert_uint_lt(thread, *threads);
    atomic_fetch_add(&ran[index], 1);
    if (index == 0) sequence++;
}

/* More tasks than a pool claims at a time. */
static void add_index(void *context, size_t index, size_t thread) {
    (void)thread;
    atomic_fetch_add((atomic_size_t *)context, index + 1);
}

START_TEST(every_task_once) {
    error e = {""};
    size_t threads = (size_t)_i;
    pool *p = pool_create(threads, &e);
    ck_assert_msg(p != NULL, "%s", e.text);
    ck_assert_uint_eq(pool_threads(p), threads);
    memset(ran, 0, sizeof ran);
    sequence = 0;
    for (size_t job = 0; job < JOBS; job++) {
        pool_run(p, count_task, &threads, 1 + job % TASKS);
        ck_assert_uint_eq(sequence, job + 1);
    }
    for (size_t task = 0; task < TASKS; task++) {
        size_t expected = 0;
        for (size_t job = 0; job < JOBS; job++) expected += 1 + job % TASKS > task;
        ck_assert_uint_eq(atomic_load(&ran[task]), expected);
    }
    atomic_size_t sum = 0;
    pool_run(p, add_index, &sum, 3000);
    ck_assert_uint_eq(atomic_load(&sum), (size_t)3000 * 3001 / 2);
    pool_run(p, count_task, &threads, 0);
    pool_destroy(p);
    ck_assert_uint_ge(pool_processors(), 1);
}
END_TEST

/* ---- steps ----------------------------------------------------------------------------------------------------
 */

/* One seed: at others, a ReLU's kink may lie within a finite difference. */
enum { INPUTS = 70, HIDDEN = 36, CLASSES = 5, SAMPLES = 45, LAB_SEED = 7 };

/* The parameter that a finite difference moves, and by how much. */
static const float *moved;
static double moved_by;

static double value(const float *parameter) { return (double)*parameter + (parameter == moved ? moved_by : 0); }

typedef struct lab {
    model m;
    gradient g;
    gradient_net net;
    uint8_t pixel[SAMPLES][INPUTS], label[SAMPLES];
    const uint8_t *image[SAMPLES];
    float target[SAMPLES * CLASSES];
} lab;

static lab *lab_new(size_t threads) {
    static const size_t width[] = {INPUTS, HIDDEN, HIDDEN, CLASSES};
    static const bool incomplete[] = {false, true, true, false};
    lab *l = calloc(1, sizeof *l);
    error e = {""};
    const idp_backend *backend;
    ck_assert_int_eq(idp_backend_choose(NULL, &backend), IDP_OK);
    random_seed(&r, LAB_SEED, RANDOM_TEST);
    for (size_t i = 0; i < 3; i++) {
        model_layer *layer = model_add_layer(&l->m, width[i + 1], width[i]);
        for (size_t a = 0; a < layer->out * layer->in; a++)
            layer->w[a] = (float)(random_normal(&r) / sqrt((double)layer->in));
        l->m.profile[0].layer[i] = layer;
    }
    l->net = (gradient_net){.layers = 3,
                            .width = width,
                            .incomplete = incomplete,
                            .layer = l->m.profile[0].layer,
                            .gamma = l->m.profile[0].gamma};
    for (size_t s = 0; s < SAMPLES; s++) {
        double sum = 0;
        l->image[s] = l->pixel[s];
        l->label[s] = (uint8_t)random_below(&r, CLASSES);
        for (size_t i = 0; i < INPUTS;
             i++) { /* some are 0 everywhere, others in one block, or but for one sample */
            const bool dark = i % 4 == 1 || (i % 4 == 2 && s >= BLOCK) || (i % 8 == 3 && s % BLOCK != 7);
            l->pixel[s][i] = dark ? 0 : i % 8 == 3 ? 1 : (uint8_t)random_below(&r, 256);
        }
        for (size_t c = 0; c < CLASSES; c++)
            sum += (double)(l->target[s * CLASSES + c] = (float)random_uniform(&r));
        for (size_t c = 0; c < CLASSES; c++) l->target[s * CLASSES + c] /= (float)sum;
    }
    ck_assert_msg(gradient_create(&l->g, backend, threads, 3, width, SAMPLES, &e), "%s", e.text);
    return l;
}

static void lab_free(lab *l) {
    gradient_free(&l->g);
    model_free(&l->m);
    free(l);
}

/* Logits of one sample at width k in double precision. */
static void logits(const lab *l, size_t s, size_t k, double *z) {
    double x[2][HIDDEN + INPUTS];
    for (size_t i = 0; i < INPUTS; i++) x[0][i] = l->pixel[s][i] / 255.0;
    for (size_t h = 0; h < 3; h++) {
        const model_layer *layer = l->m.profile[0].layer[h];
        const size_t in = h == 0 ? INPUTS : k, out = h == 2 ? CLASSES : k;
        for (size_t j = 0; j < out; j++) {
            double sum = value(&layer->b[j]);
            for (size_t i = 0; i < in; i++) sum += value(&layer->w[j * layer->in + i]) * x[h % 2][i];
            (h == 2 ? z : x[(h + 1) % 2])[j] = h == 2 || sum > 0 ? sum : 0;
        }
    }
}

static void softmax_of(const lab *l, size_t s, size_t k, double *p) {
    double sum = 0;
    logits(l, s, k, p);
    for (size_t c = 0; c < CLASSES; c++) sum += p[c] = exp(p[c]);
    for (size_t c = 0; c < CLASSES; c++) p[c] /= sum;
}

/* The step's loss; teacher: the first width's softmax, which is not differentiated. */
static double loss_of(const lab *l, const gradient_step *step, double (*teacher)[CLASSES]) {
    double total = 0;
    for (size_t w = 0; w < step->widths; w++)
        for (size_t s = 0; s < SAMPLES; s++) {
            double p[CLASSES];
            softmax_of(l, s, step->k[w], p);
            for (size_t c = 0; c < CLASSES; c++) {
                const double hard = step->target != NULL ? (double)step->target[s * CLASSES + c] : l->label[s] == c;
                const double target = step->distill && w > 0 ? teacher[s][c] : hard;
                total -= (double)step->weight[w] * target * log(p[c]) / SAMPLES;
            }
        }
    return total;
}

/* Soft targets (bit 0), distillation (bit 1): every tenth parameter by finite differences in double precision. */
START_TEST(recipes_gradient) {
    lab *l = lab_new(3);
    static const size_t k[] = {HIDDEN, 4, 17};
    static const float weight[] = {1, 0.5f, 0.25f};
    const gradient_step step = {.image = l->image,
                                .label = l->label,
                                .target = _i & 1 ? l->target : NULL,
                                .batch = SAMPLES,
                                .k = k,
                                .widths = 3,
                                .weight = weight,
                                .distill = _i & 2};
    double teacher[SAMPLES][CLASSES], largest = 0;
    for (size_t s = 0; s < SAMPLES; s++) softmax_of(l, s, HIDDEN, teacher[s]);
    const double nats = gradient_run(&l->g, &l->net, &step, NULL);
    ck_assert_double_eq_tol(nats, loss_of(l, &step, teacher), 1e-5);
    for (size_t h = 0; h < 3; h++) {
        const model_layer *layer = l->m.profile[0].layer[h];
        for (size_t i = 0; i < layer->out * (layer->in + 1); i += 10) {
            const bool bias = i >= layer->out * layer->in;
            const size_t at = bias ? i - layer->out * layer->in : i;
            const float *parameter = bias ? &layer->b[at] : &layer->w[at];
            moved = parameter;
            moved_by = 1e-6;
            const double above = loss_of(l, &step, teacher);
            moved_by = -1e-6;
            const double below = loss_of(l, &step, teacher);
            moved = NULL;
            const double expected = (above - below) / 2e-6;
            const double got = (double)(bias ? l->g.db[h][at] : l->g.dw[h][at]);
            ck_assert_msg(fabs(got - expected) < 1e-5, "layer %zu at %zu: %g, expected %g", h + 1, i, got,
                          expected);
            largest = fmax(largest, fabs(expected));
        }
    }
    ck_assert_double_gt(largest, 1e-2);
    lab_free(l);
}
END_TEST

/* Leaving pixels out that are 0 in a block of samples changes no bit; it leaves out those, and no others. */
START_TEST(dark_pixels) {
    static const size_t k[] = {HIDDEN, 12};
    lab *l[2];
    for (size_t zeros = 0; zeros < 2; zeros++) {
        l[zeros] = lab_new(2);
        gradient_run(&l[zeros]->g, &l[zeros]->net,
                     &(gradient_step){.image = l[zeros]->image,
                                      .label = l[zeros]->label,
                                      .batch = SAMPLES,
                                      .k = k,
                                      .widths = 2,
                                      .zeros = zeros},
                     NULL);
    }
    size_t lit[2] = {0, 0};
    for (size_t i = 0; i < INPUTS; i++)
        for (size_t block = 0; block < 2; block++) {
            bool any = false;
            for (size_t s = block * BLOCK; s < SAMPLES && s < (block + 1) * BLOCK; s++)
                any |= l[0]->pixel[s][i] > 0;
            lit[block] += any;
        }
    ck_assert_uint_lt(lit[1], lit[0]);
    for (size_t block = 0; block < 2; block++) {
        ck_assert_uint_eq(l[0]->g.lit[block], lit[block]);
        ck_assert_uint_eq(l[1]->g.lit[block], INPUTS);
    }
    for (size_t h = 0; h < 3; h++) {
        const model_layer *layer = l[0]->m.profile[0].layer[h];
        ck_assert_mem_eq(l[0]->g.dw[h], l[1]->g.dw[h], layer->out * layer->in * sizeof(float));
        ck_assert_mem_eq(l[0]->g.db[h], l[1]->g.db[h], layer->out * sizeof(float));
    }
    lab_free(l[0]);
    lab_free(l[1]);
}
END_TEST

/* With one and with two widths. The update within its regions is v = momentum v - lr (g + decay w), w += v, of
 * biases without decay, with the gradient that the step without an update gives, and nothing outside; and has the
 * same bits on any number of threads. */
START_TEST(update_and_threads) {
    static const size_t k[] = {9, 30};
    static const region regions[] = {{5, 20, 0, INPUTS}, {5, 33, 3, 35}, {0, CLASSES, 0, HIDDEN}};
    lab *first = NULL;
    for (size_t threads = 1; threads <= 4; threads++) {
        lab *l = lab_new(threads);
        float *v[3], *v_b[3], *old[3], *old_b[3];
        const gradient_step step = {
            .image = l->image, .label = l->label, .batch = SAMPLES, .k = k, .widths = (size_t)_i, .distill = true};
        const gradient_update update = {regions, v, v_b, 0.5f, 0.75f, 0.25f};
        gradient_run(&l->g, &l->net, &step, NULL);
        for (size_t h = 0; h < 3; h++) {
            const model_layer *layer = l->m.profile[0].layer[h];
            v[h] = random_floats(layer->out * layer->in);
            v_b[h] = random_floats(layer->out);
            old[h] = random_floats(layer->out * layer->in);
            old_b[h] = random_floats(layer->out);
            for (size_t j = 0; j < layer->out; j++) {
                const bool row = j >= regions[h].row_from && j < regions[h].row_to;
                for (size_t i = 0; i < layer->in; i++) {
                    const size_t at = j * layer->in + i;
                    const bool changed = row && i >= regions[h].column_from && i < regions[h].column_to;
                    const float w = layer->w[at];
                    old[h][at] = changed ? w + (0.75f * v[h][at] - 0.5f * (l->g.dw[h][at] + 0.25f * w)) : w;
                }
                const float b = layer->b[j];
                old_b[h][j] = row ? b + (0.75f * v_b[h][j] - 0.5f * l->g.db[h][j]) : b;
            }
        }
        gradient_run(&l->g, &l->net, &step, &update);
        for (size_t h = 0; h < 3; h++) {
            const model_layer *layer = l->m.profile[0].layer[h];
            for (size_t i = 0; i < layer->out * layer->in; i++)
                ck_assert_float_eq_tol(layer->w[i], old[h][i], 1e-5f);
            for (size_t j = 0; j < layer->out; j++) ck_assert_float_eq_tol(layer->b[j], old_b[h][j], 1e-5f);
            if (first != NULL) {
                const model_layer *single = first->m.profile[0].layer[h];
                ck_assert_mem_eq(layer->w, single->w, layer->out * layer->in * sizeof(float));
                ck_assert_mem_eq(layer->b, single->b, layer->out * sizeof(float));
            }
            free(v[h]), free(v_b[h]), free(old[h]), free(old_b[h]);
        }
        if (first == NULL)
            first = l;
        else
            lab_free(l);
    }
    lab_free(first);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gradient");
    TCase *all = tcase_create("kernels");
    const int backends = (int)idp_backend_count();
    seed = test_seed("gradient");
    tcase_set_timeout(all, 120); /* under emulation */
    tcase_add_checked_fixture(all, set_up, NULL);
    tcase_add_loop_test(all, forward_kernel, 0, backends);
    tcase_add_loop_test(all, backward_kernel, 0, backends);
    tcase_add_loop_test(all, weights_kernel, 0, backends);
    tcase_add_loop_test(all, velocity_flushed, 0, backends);
    tcase_add_loop_test(all, loss_kernel, 0, backends);
    tcase_add_loop_test(all, pixels_and_turns, 0, backends);
    tcase_add_loop_test(all, every_task_once, 1, 5);
    tcase_add_loop_test(all, recipes_gradient, 0, 4);
    tcase_add_loop_test(all, update_and_threads, 1, 3);
    tcase_add_test(all, dark_pixels);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
