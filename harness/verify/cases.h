/* cases.h: what a kernel is tried on. Case n of a seed is the same on every machine. */
#ifndef HARNESS_VERIFY_CASES_H
#define HARNESS_VERIFY_CASES_H

#include "../../kernels/idp.h"
#include "../error.h"
#include "../model/random.h"
#include "guard.h"

typedef enum case_values {
    VALUES_UNIFORM,
    VALUES_INTEGER,    /* sums below 2^24: exact in every order, compared bit for bit */
    VALUES_CANCELLING, /* pairs of channels that nearly cancel */
    VALUES_LARGE,      /* sums near the top of the range, finite */
    VALUES_OVERFLOW,   /* each output's terms have one sign: surely infinite */
    VALUES_DISORDER,   /* partial sums overflow both ways: only what is touched is checked */
    VALUES_TINY,       /* subnormals, in inputs, products and sums */
    VALUES_INFINITE,   /* a few infinities among ordinary values */
    VALUES_NAN,        /* a few NaNs, in inputs that are used */
    VALUES_KINDS,
} case_values;

typedef enum case_gamma { CASE_GAMMA_NULL, CASE_GAMMA_PROFILE, CASE_GAMMA_SIGNED, CASE_GAMMAS } case_gamma;

/* What stands in weights, bias, x and gamma beyond k, m and batch. */
typedef enum case_poison { POISON_NAN, POISON_HUGE, POISON_KINDS } case_poison;

typedef struct verify_case {
    uint64_t number;
    size_t out, in, m, k, batch;
    size_t w_stride, x_stride, y_stride;
    bool by_sample;            /* x is [batch][x_stride] */
    size_t x_offset, y_offset; /* floats from 64-byte alignment, where place is GUARD_OFFSET */
    guard_place place;         /* of every buffer; at its end, x ends with channel k - 1 and y with output m - 1 */
    case_values values;
    case_gamma gamma;
    case_poison poison;
    bool relu, bias;
} verify_case;

/* The planned cases: every edge of every dimension of this kernel at least once, what is not pinned drawn at
 * random. */
typedef struct verify_plan {
    verify_case *cases;
    size_t count, room;
} verify_plan;

bool plan_make(const idp_kernel *kernel, uint64_t seed, verify_plan *plan, error *e);
void plan_free(verify_plan *plan);

/* A random case; any number, but those below the plan's count belong to the plan. */
verify_case case_draw(const idp_kernel *kernel, uint64_t seed, uint64_t number);

/* The random numbers that fill case `number` with values. */
random_state case_random(uint64_t seed, uint64_t number);

/* "out 100, in 784, m 10, ..." */
void case_describe(const verify_case *c, char *text, size_t text_size);

#endif
