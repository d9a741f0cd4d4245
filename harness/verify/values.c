#include "values.h"

#include <math.h>

static float uniform(random_state *r) { return (float)(2 * random_uniform(r) - 1); }

/* From -most to most. */
static float integer(random_state *r, size_t most) { return (float)random_below(r, 2 * most + 1) - (float)most; }

static float sign(random_state *r) { return random_below(r, 2) == 0 ? 1.0f : -1.0f; }

/* From 2^low to 2^high. (One draw a statement: C does not order the operands of an expression, and a case must be
 * the same with every compiler.) */
static float magnitude(random_state *r, int low, int high) {
    const int exponent = low + (int)random_below(r, (size_t)(high - low));
    return ldexpf((float)(1 + random_uniform(r)), exponent);
}

static float signed_magnitude(random_state *r, int low, int high) {
    const float drawn = sign(r);
    return drawn * magnitude(r, low, high);
}

typedef enum role { ROLE_W, ROLE_B, ROLE_X } role;

/* Exponents by kind. LARGE: up to 2^10 products of 2^116 stay below 2^127. OVERFLOW, DISORDER: each product is
 * 2^128 or more. TINY: from the least subnormal on. */
enum { LARGE_LOW = 50, LARGE_HIGH = 58, OVERFLOW_LOW = 64, OVERFLOW_HIGH = 90, TINY_LOW = -149, TINY_HIGH = -60 };

static float draw(random_state *r, case_values values, role what) {
    switch (values) {
    case VALUES_INTEGER: return integer(r, what == ROLE_B ? 64 : 8); /* 64 + 800 * 8 * 8 < 2^24 */
    case VALUES_LARGE: return signed_magnitude(r, LARGE_LOW, LARGE_HIGH);
    case VALUES_OVERFLOW: return what == ROLE_B ? 0 : magnitude(r, OVERFLOW_LOW, OVERFLOW_HIGH);
    case VALUES_DISORDER: return signed_magnitude(r, OVERFLOW_LOW, OVERFLOW_HIGH);
    case VALUES_TINY: return signed_magnitude(r, TINY_LOW, TINY_HIGH);
    case VALUES_UNIFORM:
    case VALUES_CANCELLING:
    case VALUES_INFINITE:
    case VALUES_NAN:
    case VALUES_KINDS: break;
    }
    return uniform(r);
}

static float draw_gamma(random_state *r, const verify_case *c) {
    /* Exact factors keep integers exact. */
    static const float exact[] = {1, 0.5f, 2, 0, -1, -0.25f, 3};
    enum { NOT_NEGATIVE = 4, EXACT = sizeof exact / sizeof exact[0] };
    const bool is_signed = c->gamma == CASE_GAMMA_SIGNED;
    if (c->values == VALUES_INTEGER) return exact[random_below(r, is_signed ? EXACT : NOT_NEGATIVE)];
    return is_signed ? uniform(r) : (float)(1 - random_uniform(r));
}

/* A NaN with a payload of its own. */
#define POISON UINT32_C(0x7fdead00)

static void poison(const verify_case *c, float *values, size_t count) {
    const float with = c->poison == POISON_NAN ? guard_float(POISON) : 0x1p126f;
    for (size_t i = 0; i < count; i++) values[i] = with;
}

/* x of channel i and sample s. */
static float *x_at(const verify_case *c, const case_inputs *inputs, size_t i, size_t s) {
    return inputs->x + (c->by_sample ? s * c->x_stride + i : i * c->x_stride + s);
}

static void cancel(const verify_case *c, const case_inputs *inputs) {
    for (size_t i = 1; i < c->k; i += 2) {
        for (size_t s = 0; s < c->batch; s++) *x_at(c, inputs, i, s) = *x_at(c, inputs, i - 1, s);
        for (size_t j = 0; j < c->m; j++)
            inputs->w[j * c->w_stride + i] = nextafterf(-inputs->w[j * c->w_stride + i - 1], 0);
    }
}

/* Each output's weights get one sign. */
static void align_signs(const verify_case *c, random_state *r, const case_inputs *inputs) {
    for (size_t j = 0; j < c->m; j++) {
        const float row_sign = sign(r);
        for (size_t i = 0; i < c->k; i++) inputs->w[j * c->w_stride + i] *= row_sign;
    }
}

/* One to three values become NaN or infinite, each in one place, so that its neighbours must stay what they are. */
static void plant(const verify_case *c, random_state *r, const case_inputs *inputs) {
    if (c->m == 0 || c->k == 0 || c->batch == 0) return;
    for (size_t n = 1 + random_below(r, 3); n > 0; n--) {
        const float planted = c->values == VALUES_NAN ? nanf("") : sign(r) * INFINITY;
        const size_t j = random_below(r, c->m), i = random_below(r, c->k), s = random_below(r, c->batch);
        switch (random_below(r, 5)) {
        case 0: inputs->w[j * c->w_stride + i] = planted; break;
        case 1: *x_at(c, inputs, i, s) = planted; break;
        case 2: /* infinity times zero */
            inputs->w[j * c->w_stride + i] = planted;
            *x_at(c, inputs, i, s) = 0;
            break;
        case 3:
            if (inputs->b != NULL) inputs->b[j] = planted;
            break;
        default:
            if (inputs->gamma != NULL) inputs->gamma[j] = planted;
            break;
        }
    }
}

void case_fill(const verify_case *c, random_state *r, const case_inputs *inputs) {
    poison(c, inputs->w, (c->out - 1) * c->w_stride + c->in);
    poison(c, inputs->x, inputs->x_floats);
    if (inputs->b != NULL) poison(c, inputs->b, c->out);
    if (inputs->gamma != NULL) poison(c, inputs->gamma, inputs->gamma_floats);
    for (size_t j = 0; j < c->m; j++) {
        for (size_t i = 0; i < c->k; i++) inputs->w[j * c->w_stride + i] = draw(r, c->values, ROLE_W);
        if (inputs->b != NULL) inputs->b[j] = draw(r, c->values, ROLE_B);
        if (inputs->gamma != NULL) inputs->gamma[j] = draw_gamma(r, c);
    }
    for (size_t i = 0; i < c->k; i++)
        for (size_t s = 0; s < c->batch; s++) *x_at(c, inputs, i, s) = draw(r, c->values, ROLE_X);
    if (c->values == VALUES_CANCELLING) cancel(c, inputs);
    if (c->values == VALUES_OVERFLOW) align_signs(c, r, inputs);
    if (c->values == VALUES_INFINITE || c->values == VALUES_NAN) plant(c, r, inputs);
}
