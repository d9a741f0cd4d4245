/* fuzz_train.c: any training kernel that runs here on any case, against the oracle, between guard pages. The bytes
 * are the case: which back end, which kernel, the sizes, strides and alignments, the kind of values, and their
 * seed. Each product is put to the oracle as a layer; what comes on top of it (the sum with what was there, the
 * update) adds its own roundings to the bound. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../harness/model/random.h"
#include "../../harness/verify/guard.h"
#include "../../kernels/idp_train.h"
#include "../../reference/oracle.h"
#include "input.h"

enum {
    BLOCK = IDP_TRAIN_BLOCK,
    OUT = 70,     /* beyond every tile, several times */
    IN = 300,     /* channels of a sum */
    TERMS = 4,    /* of a weight gradient */
    CLASSES = 40, /* of a loss */
    GAP = 40,     /* floats between rows */
};

#define UNIT 0x1p-24 /* half the distance from 1 to the next float32 */

/* ---- buffers ----------------------------------------------------------------------------------------------------
 */

enum { W, B, GAMMA, X, DELTA, Y, SCALED, G, V, RELU, BUFFERS };

static guard buffer[BUFFERS] = {
    [W] = {.name = "w", .canary = 0x7fedca01},           [B] = {.name = "b", .canary = 0x7fedca02},
    [GAMMA] = {.name = "gamma", .canary = 0x7fedca03},   [X] = {.name = "x", .canary = 0x7fedca04},
    [DELTA] = {.name = "delta", .canary = 0x7fedca05},   [Y] = {.name = "y", .canary = 0x7fedca06},
    [SCALED] = {.name = "scaled", .canary = 0x7fedca07}, [G] = {.name = "g", .canary = 0x7fedca08},
    [V] = {.name = "v", .canary = 0x7fedca09},           [RELU] = {.name = "relu", .canary = 0x7fedca0a},
};

typedef enum values { USUAL, LARGE, TINY, SPARSE, VALUES } values;

typedef struct trial {
    const idp_train *t;
    random_state r;
    values kind;
    guard_place place;
    size_t offset;
} trial;

static float draw(trial *c) {
    const float usual = (float)random_normal(&c->r);
    switch (c->kind) {
    case LARGE: return ldexpf(usual, 48 + (int)random_below(&c->r, 16)); /* some sums overflow */
    case TINY: return ldexpf(usual, -149 + (int)random_below(&c->r, 90));
    case SPARSE: return random_below(&c->r, 2) == 0 ? 0 : usual;
    default: return usual;
    }
}

/* Floats of any alignment. */
static float *floats(trial *c, size_t which, size_t count) {
    error e;
    claim(guard_lay(&buffer[which], count, c->place, c->offset + which, 1, &e), "%s", e.text);
    for (size_t i = 0; i < count; i++) buffer[which].data[i] = draw(c);
    return buffer[which].data;
}

/* Blocks begin on a line, whole ones end on one. */
static float *blocks(trial *c, size_t which, size_t count) {
    error e;
    const guard_place place = c->place == GUARD_OFFSET ? GUARD_AT_END : c->place;
    claim(guard_lay(&buffer[which], count * BLOCK, place, 0, 16, &e), "%s", e.text);
    for (size_t i = 0; i < count * BLOCK; i++) buffer[which].data[i] = draw(c);
    return buffer[which].data;
}

/* NaN in what a kernel must not read, or must write. */
static void spoil(float *from, size_t count) {
    for (size_t i = 0; i < count; i++) from[i] = NAN;
}

/* ---- calls ------------------------------------------------------------------------------------------------------
 */

typedef struct call {
    const idp_train *t;
    const idp_train_forward *forward;
    const idp_train_backward *backward;
    const idp_train_weights *weights;
    const idp_train_loss *loss;
    double nats;
    size_t m;         /* of sums */
    const float *sum; /* its delta */
    float *to;
} call;

static void make(void *argument) {
    call *c = argument;
    if (c->forward != NULL) c->t->forward(c->forward);
    if (c->backward != NULL) c->t->backward(c->backward);
    if (c->weights != NULL) c->t->weights(c->weights);
    if (c->loss != NULL) c->nats = c->t->loss(c->loss);
    if (c->sum != NULL) c->t->sums(c->m, c->sum, c->to);
}

/* The call, in which nothing but the buffers is touched; `written` are those it may write, one bit each. */
static void run(trial *c, const char *what, call made, double *nats, unsigned used, unsigned written) {
    error e;
    trap caught;
    char text[128];
    const guard *guards[BUFFERS];
    made.t = c->t;
    for (size_t b = 0; b < BUFFERS; b++) {
        guards[b] = &buffer[b];
        if (used >> b & 1 && !(written >> b & 1)) claim(guard_read_only(&buffer[b], true, &e), "%s", e.text);
    }
    if (!trap_call(make, &made, &caught)) {
        trap_describe(&caught, guards, BUFFERS, text, sizeof text);
        claim(false, "%s %s: %s", c->t->backend, what, text);
    }
    for (size_t b = 0; b < BUFFERS; b++) {
        ptrdiff_t at;
        if (!(used >> b & 1)) continue;
        if (!(written >> b & 1)) claim(guard_read_only(&buffer[b], false, &e), "%s", e.text);
        claim(!guard_broken(&buffer[b], &at), "%s %s: wrote around %s", c->t->backend, what, buffer[b].name);
    }
    if (nats != NULL) *nats = made.nats;
}

/* ---- judging ----------------------------------------------------------------------------------------------------
 */

static double value[OUT * IN], bound[OUT * IN];

static void judge(const trial *c, const char *what, size_t at, float got, double expected, double within) {
    claim(oracle_error_over_bound(got, expected, within) <= 1, "%s %s at %zu: %.9g, expected %.17g within %.3g",
          c->t->backend, what, at, (double)got, expected, within);
}

/* One more term, rounded into the float32 sum; nothing is known any more where it may overflow. */
static void add_to(double *expected, double *within, double term) {
    if (isnan(*within) || isnan(*expected)) return;
    if (isinf(*within)) return;
    *expected += term;
    *within += UNIT * (1 + UNIT) * (fabs(*expected) + *within) + 0x1p-149;
    if (fabs(*expected) + *within >= (double)FLT_MAX) *within = NAN;
}

/* ---- the kernels ------------------------------------------------------------------------------------------------
 */

static void forward(trial *c, input *in) {
    const size_t m = input_size(in, OUT), k = input_below(in, IN + 1), stride = k + input_below(in, GAP);
    const bool with_relu = input_below(in, 2), with_gamma = input_below(in, 2);
    const float *w = floats(c, W, (m - 1) * stride + k), *b = floats(c, B, m), *gamma = floats(c, GAMMA, m);
    const float *x = blocks(c, X, k);
    float *y = blocks(c, Y, m), *scaled = blocks(c, SCALED, m);
    const float untouched = scaled[0];
    spoil(y, m * BLOCK);
    for (size_t j = 0; j + 1 < m; j++) spoil(buffer[W].data + j * stride + k, stride - k);
    /* Some of the channels, in any order; the oracle gets them gathered. */
    static uint32_t list[IN];
    static float listed_w[OUT * IN], listed_x[IN * BLOCK];
    const bool listed = k > 0 && input_below(in, 2);
    const size_t count = listed ? input_size(in, k) : k;
    for (size_t t = 0; t < count; t++) {
        const size_t i = listed ? input_below(in, k) : t;
        list[t] = (uint32_t)i;
        for (size_t j = 0; j < m; j++) listed_w[j * count + t] = w[j * stride + i];
        memcpy(listed_x + t * BLOCK, x + i * BLOCK, BLOCK * sizeof *x);
    }
    const idp_train_forward f = {.w = w,
                                 .w_stride = stride,
                                 .b = b,
                                 .x = x,
                                 .y = y,
                                 .m = m,
                                 .k = count,
                                 .relu = with_relu,
                                 .gamma = with_gamma ? gamma : NULL,
                                 .scaled = scaled,
                                 .channel = listed ? list : NULL};
    run(c, "forward", (call){.forward = &f}, NULL, 1 << W | 1 << B | 1 << GAMMA | 1 << X | 1 << Y | 1 << SCALED,
        1 << Y | 1 << SCALED);
    oracle_fc layer = {.k = count,
                       .m = m,
                       .batch = BLOCK,
                       .w = listed_w,
                       .w_stride = count,
                       .b = b,
                       .x = listed_x,
                       .x_stride = BLOCK,
                       .relu = with_relu,
                       .gradual = true};
    oracle_fc_run(&layer, value, bound);
    for (size_t i = 0; i < m * BLOCK; i++) judge(c, "forward", i, y[i], value[i], bound[i]);
    if (!with_gamma) {
        claim(scaled[0] == untouched, "scaled was touched");
        return;
    }
    layer.gamma = gamma;
    oracle_fc_run(&layer, value, bound);
    for (size_t i = 0; i < m * BLOCK; i++) judge(c, "forward times gamma", i, scaled[i], value[i], bound[i]);
}

static void backward(trial *c, input *in) {
    const size_t m = input_size(in, OUT), k = input_below(in, IN + 1), stride = m + input_below(in, GAP);
    const bool added = input_below(in, 2), with_gamma = input_below(in, 2);
    static float turned[OUT * IN], before[OUT * BLOCK];
    const float *w = floats(c, W, k > 0 ? (k - 1) * stride + m : 0), *gamma = floats(c, GAMMA, m);
    const float *delta = blocks(c, DELTA, k), *relu = blocks(c, RELU, m);
    float *y = blocks(c, Y, m);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < k; j++) turned[i * k + j] = w[j * stride + i];
    for (size_t j = 0; j + 1 < k; j++) spoil(buffer[W].data + j * stride + m, stride - m);
    if (!added) spoil(y, m * BLOCK);
    memcpy(before, y, m * BLOCK * sizeof *y);
    const idp_train_backward b = {w, stride, delta, relu, with_gamma ? gamma : NULL, y, m, k, added};
    run(c, "backward", (call){.backward = &b}, NULL, 1 << W | 1 << GAMMA | 1 << DELTA | 1 << RELU | 1 << Y, 1 << Y);
    const oracle_fc layer = {.k = k,
                             .m = m,
                             .batch = BLOCK,
                             .w = turned,
                             .w_stride = k,
                             .x = delta,
                             .x_stride = BLOCK,
                             .gamma = with_gamma ? gamma : NULL,
                             .gradual = true};
    oracle_fc_run(&layer, value, bound);
    for (size_t i = 0; i < m * BLOCK; i++) {
        if (!(relu[i] > 0)) value[i] = bound[i] = 0;
        if (added) add_to(&value[i], &bound[i], (double)before[i]);
        judge(c, "backward", i, y[i], value[i], bound[i]);
    }
}

/* v = momentum v - lr (g + decay w), w += v, of a gradient that is known within `within`: five roundings are around
 * each term of v, one more around w, and a velocity below FLT_MIN becomes 0. */
static void judge_update(trial *c, const idp_train_weights *o, size_t at, float v0, float w0, double g,
                         double within) {
    if (!isfinite(within)) return; /* what it is may be anything: only what is touched was checked */
    const double momentum = (double)o->momentum, lr = (double)o->lr, decay = (double)o->decay;
    const double v = momentum * (double)v0 - lr * (g + decay * (double)w0), roundings = 5 * UNIT / (1 - 5 * UNIT);
    const double size = momentum * fabs((double)v0) + lr * (fabs(g) + within + decay * fabs((double)w0));
    const double v_within = roundings * size + lr * within + (double)FLT_MIN * (1 + 4 * UNIT);
    const double w = (double)w0 + v, w_within = v_within + UNIT * (fabs(w) + v_within) + 0x1p-149;
    const double sum = fabs(g) + within + decay * fabs((double)w0); /* may overflow before lr makes it smaller */
    if (fmax(sum, size + fabs((double)w0)) + v_within >= (double)FLT_MAX) return;
    judge(c, "velocity", at, o->v[at], v, v_within);
    judge(c, "updated weight", at, o->w[at], w, w_within);
    claim(o->v[at] == 0 || fabsf(o->v[at]) >= FLT_MIN, "a subnormal velocity, %g", (double)o->v[at]);
}

static void weights(trial *c, input *in) {
    static float delta_rows[OUT * TERMS * BLOCK], x_rows[TERMS * BLOCK * BLOCK], g0[OUT * (BLOCK + GAP)],
        v0[OUT * (BLOCK + GAP)], w0[OUT * (BLOCK + GAP)];
    const size_t m = input_size(in, OUT), n = 1 + input_below(in, BLOCK), stride = n + input_below(in, GAP);
    const size_t terms = 1 + input_below(in, TERMS), cells = (m - 1) * stride + n;
    const bool update = input_below(in, 2), added = input_below(in, 2);
    idp_train_term term[TERMS];
    size_t samples = 0;
    /* The terms lie one behind the other; the samples that a term lacks are NaN. */
    float *delta = blocks(c, DELTA, terms * m), *x = blocks(c, X, terms * BLOCK);
    for (size_t t = 0; t < terms; t++) {
        float *d = delta + t * m * BLOCK, *rows = x + t * BLOCK * BLOCK;
        term[t] = (idp_train_term){d, rows, input_below(in, BLOCK + 1)};
        spoil(rows + term[t].samples * BLOCK, (BLOCK - term[t].samples) * BLOCK);
        for (size_t j = 0; j < m; j++) {
            memcpy(delta_rows + j * TERMS * BLOCK + samples, d + j * BLOCK, term[t].samples * sizeof *d);
            spoil(d + j * BLOCK + term[t].samples, BLOCK - term[t].samples);
        }
        memcpy(x_rows + samples * BLOCK, rows, term[t].samples * BLOCK * sizeof *rows);
        samples += term[t].samples;
    }
    float *g = floats(c, G, cells), *v = floats(c, V, cells), *w = floats(c, W, cells);
    if (!added) spoil(g, cells);
    memcpy(g0, g, cells * sizeof *g);
    memcpy(v0, v, cells * sizeof *v);
    memcpy(w0, w, cells * sizeof *w);
    static const uint8_t wanted[4][64];
    static const uint8_t *const fetch[] = {wanted[0], wanted[1], wanted[2], wanted[3]};
    const idp_train_weights o = {.term = term,
                                 .terms = terms,
                                 .m = m,
                                 .n = n,
                                 .stride = stride,
                                 .g = update && !added ? NULL : g,
                                 .add = added,
                                 .v = update ? v : NULL,
                                 .w = update ? w : NULL,
                                 .momentum = (float)random_uniform(&c->r),
                                 .lr = (float)random_uniform(&c->r),
                                 .decay = (float)random_uniform(&c->r),
                                 .fetch = fetch,
                                 .fetches = input_below(in, 5)};
    run(c, "weights", (call){.weights = &o}, NULL, 1 << DELTA | 1 << X | 1 << G | 1 << V | 1 << W,
        update ? 1 << V | 1 << W : 1 << G);
    const oracle_fc layer = {.k = samples,
                             .m = m,
                             .batch = n,
                             .w = delta_rows,
                             .w_stride = TERMS * BLOCK,
                             .x = x_rows,
                             .x_stride = BLOCK,
                             .gradual = true};
    oracle_fc_run(&layer, value, bound);
    for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < stride && j * stride + i < cells; i++) {
            const size_t at = j * stride + i;
            if (i >= n) {
                claim(memcmp(g + at, g0 + at, sizeof *g) == 0 && v[at] == v0[at] && w[at] == w0[at],
                      "%s weights: touched row %zu at %zu of %zu", c->t->backend, j, i, n);
                continue;
            }
            double *expected = &value[j * n + i], *within = &bound[j * n + i];
            if (added) add_to(expected, within, (double)g0[at]);
            if (update)
                judge_update(c, &o, at, v0[at], w0[at], *expected, *within);
            else
                judge(c, "weight gradient", at, g[at], *expected, *within);
        }
}

/* exp of a difference below 0 errs by its rounding, |x| u, and 2 units in the last place, and ends at e^-87: what
 * is less comes out as that. A quotient of two such sums, of at most CLASSES terms, errs by twice that and the
 * roundings of the sum and the quotient. */
static void loss(trial *c, input *in) {
    const size_t classes = input_size(in, CLASSES), samples = input_below(in, BLOCK + 1);
    const double width = (double)(1 + input_below(in, 60)), share = random_uniform(&c->r);
    const bool soft = input_below(in, 2);
    const double relative = UNIT * (2 * (90 + 4) + CLASSES + 8);
    c->kind = USUAL; /* logits: what overflows here has overflowed before */
    float *z = blocks(c, X, classes), *target = blocks(c, B, classes);
    float *delta = blocks(c, DELTA, classes), *softmax = blocks(c, Y, classes);
    spoil(delta, classes * BLOCK);
    spoil(softmax, classes * BLOCK);
    for (size_t s = 0; s < BLOCK; s++) {
        double sum = 0;
        const size_t label = random_below(&c->r, classes);
        for (size_t j = 0; j < classes; j++) {
            z[j * BLOCK + s] = (float)(width * (double)z[j * BLOCK + s]);
            target[j * BLOCK + s] = soft ? (float)random_uniform(&c->r) : (float)(j == label);
            sum += (double)target[j * BLOCK + s];
        }
        for (size_t j = 0; j < classes; j++) target[j * BLOCK + s] /= (float)fmax(sum, 1e-30);
    }
    double nats, expected = 0, within = 0;
    const idp_train_loss o = {classes, samples, z, target, (float)share, delta, softmax};
    run(c, "loss", (call){.loss = &o}, &nats, 1 << X | 1 << B | 1 << DELTA | 1 << Y, 1 << DELTA | 1 << Y);
    for (size_t s = 0; s < BLOCK; s++) {
        double highest = -INFINITY, sum = 0;
        for (size_t j = 0; j < classes; j++) highest = fmax(highest, (double)z[j * BLOCK + s]);
        for (size_t j = 0; j < classes; j++) sum += exp((double)z[j * BLOCK + s] - highest);
        for (size_t j = 0; j < classes; j++) {
            const size_t at = j * BLOCK + s;
            const double p = exp((double)z[at] - highest) / sum, target_here = (double)target[at];
            const double p_within = relative * p + (1 + relative) * CLASSES * exp(-87);
            judge(c, "softmax", at, softmax[at], p, p_within);
            const double slope = s < samples ? (double)o.share * (p - target_here) : 0;
            judge(c, "delta", at, delta[at], slope,
                  s < samples ? (double)o.share * (p_within + 2 * UNIT * (p + target_here)) + 0x1p-149 : 0);
            if (s >= samples) continue;
            /* log of the sum, plus the highest, less z: each rounded; then a sum of products */
            const double term = target_here * (log(sum) + highest - (double)z[at]);
            expected += term;
            within += target_here * (2 * relative + 4 * UNIT * (log(sum) + fabs(highest) + fabs((double)z[at]))) +
                      2 * CLASSES * UNIT * fabs(term);
        }
    }
    claim(fabs(nats - expected) <= within + 0x1p-40, "%s loss: %.17g, expected %.17g within %.3g", c->t->backend,
          nats, expected, within);
}

static void sums(trial *c, input *in) {
    const size_t m = input_size(in, OUT);
    static float ones[BLOCK], before[OUT];
    const float *delta = blocks(c, DELTA, m);
    float *to = floats(c, G, m);
    memcpy(before, to, m * sizeof *to);
    for (size_t s = 0; s < BLOCK; s++) ones[s] = 1;
    run(c, "sums", (call){.m = m, .sum = delta, .to = to}, NULL, 1 << DELTA | 1 << G, 1 << G);
    const oracle_fc layer = {
        .k = BLOCK, .m = m, .batch = 1, .w = delta, .w_stride = BLOCK, .x = ones, .x_stride = 1, .gradual = true};
    oracle_fc_run(&layer, value, bound);
    for (size_t j = 0; j < m; j++) {
        add_to(&value[j], &bound[j], (double)before[j]);
        judge(c, "sum", j, to[j], value[j], bound[j]);
    }
}

static const idp_train *some_back_end(input *in) {
    size_t usable = 0;
    const idp_train *found[16];
    for (size_t b = 0; b < idp_backend_count() && usable < 16; b++)
        if (idp_backend_status(idp_backend_at(b)) == IDP_OK) found[usable++] = idp_train_of(idp_backend_at(b));
    return found[input_below(in, usable)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kernels[])(trial *, input *) = {forward, backward, weights, loss, sums};
    input in = {data, size};
    trial c = {.t = some_back_end(&in)};
    const size_t kernel = input_below(&in, sizeof kernels / sizeof kernels[0]);
    random_seed(&c.r, input_below(&in, 65536), RANDOM_TEST);
    c.kind = (values)input_below(&in, VALUES);
    c.place = (guard_place)input_below(&in, GUARD_OFFSET + 1);
    c.offset = input_below(&in, 16);
    kernels[kernel](&c, &in);
    return 0;
}
