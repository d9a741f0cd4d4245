#include "verify.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../reference/oracle.h"
#include "../progress.h"
#include "cases.h"
#include "guard.h"
#include "values.h"

/* The buffers, laid out anew for every case. */
typedef enum buffer { BUFFER_W, BUFFER_B, BUFFER_PACKED, BUFFER_X, BUFFER_GAMMA, BUFFER_Y, BUFFERS } buffer;

/* Each buffer's canary is a NaN of its own: one that reaches y is not mistaken for an output left unwritten. */
#define CANARIES UINT32_C(0x7fedca00)

typedef struct bench {
    const idp_kernel *kernel;
    bool gradual; /* this thread's floating-point environment keeps subnormals */
    guard buffer[BUFFERS];
    double *value, *bound; /* [room]: the oracle's */
    size_t room;
    verify_report *report;
} bench;

/* Whether arithmetic here keeps subnormals: FTZ and DAZ are a thread's state, and the kernel runs in ours. */
static bool keeps_subnormals(void) {
    volatile float least = FLT_MIN;
    volatile float half = least / 2;
    return half != 0 && half + half == least;
}

static void bench_open(bench *t, const idp_kernel *kernel, uint64_t seed, verify_report *report) {
    static const char *const names[BUFFERS] = {"the weights", "the bias", "the packed weights", "x", "gamma", "y"};
    *report = (verify_report){.seed = seed};
    *t = (bench){.kernel = kernel, .gradual = keeps_subnormals(), .report = report};
    for (size_t b = 0; b < BUFFERS; b++) t->buffer[b] = (guard){.name = names[b], .canary = CANARIES + (uint32_t)b};
}

static void bench_close(bench *t) {
    for (size_t b = 0; b < BUFFERS; b++) guard_free(&t->buffer[b]);
    free(t->value);
    free(t->bound);
}

static bool reject(bench *t, const verify_case *c, verify_fault fault, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool reject(bench *t, const verify_case *c, verify_fault fault, const char *format, ...) {
    char what[160], where[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    case_describe(c, where, sizeof where);
    t->report->fault = fault;
    snprintf(t->report->failure, sizeof t->report->failure,
             "%s; %s; replay: idp verify --kernel %s --seed %llu --case %llu", what, where, t->kernel->name,
             (unsigned long long)t->report->seed, (unsigned long long)c->number);
    return false;
}

static bool not_run(bench *t, const verify_case *c, const error *e) {
    return reject(t, c, VERIFY_NOT_RUN, "%s", e->text);
}

/* ---- laying out ------------------------------------------------------------------------------------------- */

static size_t extent(size_t rows, size_t columns, size_t stride) {
    return rows == 0 || columns == 0 ? 0 : (rows - 1) * stride + columns;
}

/* At a guarded end nothing follows what may be used; elsewhere the buffers go on, poisoned, as far as the layer. */
static size_t x_floats(const verify_case *c) {
    if (c->by_sample)
        return c->place == GUARD_AT_END ? extent(c->batch, c->k, c->x_stride) : c->batch * c->x_stride;
    return c->place == GUARD_AT_END ? extent(c->k, c->batch, c->x_stride) : c->in * c->x_stride;
}

static size_t y_floats(const verify_case *c) {
    return c->place == GUARD_AT_END ? extent(c->m, c->batch, c->y_stride) : c->out * c->y_stride;
}

static size_t gamma_floats(const verify_case *c) { return c->place == GUARD_AT_END ? c->m : c->out; }

static bool lay_out(bench *t, const verify_case *c, error *e) {
    enum { ANY = 1, LINE = 16 };
    guard *const b = t->buffer;
    /* The packed weights are aligned by contract, so no offset for them. */
    const guard_place packed_place = c->place == GUARD_OFFSET ? GUARD_AT_END : c->place;
    return guard_lay(&b[BUFFER_W], extent(c->out, c->in, c->w_stride), GUARD_AT_END, 0, ANY, e) &&
           guard_lay(&b[BUFFER_B], c->out, GUARD_AT_END, 0, ANY, e) &&
           guard_lay(&b[BUFFER_PACKED], idp_packed_floats(t->kernel, c->out, c->in), packed_place, 0, LINE, e) &&
           guard_lay(&b[BUFFER_X], x_floats(c), c->place, c->x_offset, ANY, e) &&
           guard_lay(&b[BUFFER_GAMMA], gamma_floats(c), c->place, c->x_offset + c->y_offset, ANY, e) &&
           guard_lay(&b[BUFFER_Y], y_floats(c), c->place, c->y_offset, ANY, e);
}

/* ---- running ---------------------------------------------------------------------------------------------- */

typedef struct pack_call {
    const idp_kernel *kernel;
    const verify_case *c;
    const float *w, *b;
    float *packed;
} pack_call;

static void call_pack(void *argument) {
    const pack_call *p = argument;
    idp_pack(p->kernel, p->c->out, p->c->in, p->w, p->c->w_stride, p->b, p->packed);
}

typedef struct run_call {
    const idp_kernel *kernel;
    idp_fc fc;
} run_call;

static void call_run(void *argument) {
    const run_call *r = argument;
    r->kernel->run(&r->fc);
}

/* Calls, and reports a signal. */
static bool survive(bench *t, const verify_case *c, const char *who, void (*call)(void *), void *argument) {
    trap caught;
    if (trap_call(call, argument, &caught)) return true;
    const guard *guards[BUFFERS];
    for (size_t b = 0; b < BUFFERS; b++) guards[b] = &t->buffer[b];
    char what[128];
    const bool touched = trap_describe(&caught, guards, BUFFERS, what, sizeof what);
    return reject(t, c, touched ? VERIFY_TOUCHED : VERIFY_CRASHED, "%s %s", who, what);
}

/* Packs, and checks that every float of the packed layer was written and none around it. */
static bool pack(bench *t, const verify_case *c) {
    guard *const packed = &t->buffer[BUFFER_PACKED];
    pack_call call = {t->kernel, c, t->buffer[BUFFER_W].data, c->bias ? t->buffer[BUFFER_B].data : NULL,
                      packed->data};
    if (!survive(t, c, "idp_pack", call_pack, &call)) return false;
    for (size_t i = 0; i < packed->floats; i++)
        if (guard_bits(packed->data[i]) == packed->canary)
            return reject(t, c, VERIFY_UNWRITTEN, "idp_pack left float %zu of %zu unwritten", i, packed->floats);
    ptrdiff_t at;
    if (guard_broken(packed, &at))
        return reject(t, c, VERIFY_STRAY_WRITE, "idp_pack wrote float %td of %zu", at, packed->floats);
    return true;
}

static idp_fc layer(const bench *t, const verify_case *c) {
    return (idp_fc){
        .weights = guard_view(&t->buffer[BUFFER_PACKED]),
        .x = guard_view(&t->buffer[BUFFER_X]),
        .y = t->buffer[BUFFER_Y].data,
        .gamma = c->gamma == CASE_GAMMA_NULL ? NULL : guard_view(&t->buffer[BUFFER_GAMMA]),
        .out = c->out,
        .in = c->in,
        .m = c->m,
        .k = c->k,
        .batch = c->batch,
        .x_stride = c->x_stride,
        .y_stride = c->y_stride,
        .relu = c->relu,
    };
}

/* ---- judging ---------------------------------------------------------------------------------------------- */

static bool ask_oracle(bench *t, const verify_case *c, error *e) {
    const size_t needed = c->m * c->batch;
    if (needed > t->room) {
        free(t->value);
        free(t->bound);
        t->value = calloc(needed, sizeof *t->value);
        t->bound = calloc(needed, sizeof *t->bound);
        t->room = needed;
        if (t->value == NULL || t->bound == NULL) return fail(e, "no memory for %zu expected values", needed);
    }
    const oracle_fc fc = {
        .k = c->k,
        .m = c->m,
        .batch = c->batch,
        .w = t->buffer[BUFFER_W].data,
        .w_stride = c->w_stride,
        .b = c->bias ? t->buffer[BUFFER_B].data : NULL,
        .x = t->buffer[BUFFER_X].data,
        .x_stride = c->x_stride,
        .x_by_sample = c->by_sample,
        .gamma = c->gamma == CASE_GAMMA_NULL ? NULL : t->buffer[BUFFER_GAMMA].data,
        .relu = c->relu,
        .gradual = t->gradual,
    };
    oracle_fc_run(&fc, t->value, t->bound);
    return true;
}

static bool judge_value(bench *t, const verify_case *c, size_t j, size_t s) {
    const float y = t->buffer[BUFFER_Y].data[j * c->y_stride + s];
    const double value = t->value[j * c->batch + s], bound = t->bound[j * c->batch + s];
    if (guard_bits(y) == t->buffer[BUFFER_Y].canary)
        return reject(t, c, VERIFY_UNWRITTEN, "y[%zu] of sample %zu was not written, or only added to", j, s);
    if (c->values == VALUES_INTEGER && guard_bits(y) != guard_bits((float)value))
        return reject(t, c, VERIFY_WRONG_VALUE, "y[%zu] of sample %zu is %.9g, not exactly %.9g", j, s, (double)y,
                      value);
    const double ratio = oracle_error_over_bound(y, value, bound);
    if (ratio <= 1) {
        if (ratio > t->report->worst_error_over_bound) t->report->worst_error_over_bound = ratio;
        return true;
    }
    if (isinf(bound))
        return reject(t, c, VERIFY_WRONG_VALUE, "y[%zu] of sample %zu is %.9g, not %g", j, s, (double)y, value);
    if (isfinite(ratio)) t->report->worst_error_over_bound = ratio;
    return reject(t, c, VERIFY_WRONG_VALUE, "y[%zu] of sample %zu is %.9g, not %.9g +- %.2g%s", j, s, (double)y,
                  value, bound, isnan(y) ? ": is something beyond k, m or batch used?" : "");
}

/* Everything in and around y that is not an output of the case still holds its canary. */
static bool judge_stray_writes(bench *t, const verify_case *c) {
    const guard *const y = &t->buffer[BUFFER_Y];
    ptrdiff_t at;
    if (guard_broken(y, &at))
        return reject(t, c, VERIFY_STRAY_WRITE, "float %td of y was written, which has %zu", at, y->floats);
    for (size_t i = 0; i < y->floats; i++) {
        const size_t j = i / c->y_stride, s = i % c->y_stride;
        if ((j < c->m && s < c->batch) || guard_bits(y->data[i]) == y->canary) continue;
        return reject(t, c, VERIFY_STRAY_WRITE, "y[%zu] of sample %zu was written, beyond m or batch", j, s);
    }
    return true;
}

static bool judge(bench *t, const verify_case *c) {
    for (size_t j = 0; j < c->m; j++)
        for (size_t s = 0; s < c->batch; s++)
            if (!judge_value(t, c, j, s)) return false;
    return judge_stray_writes(t, c);
}

static bool run_case(bench *t, const verify_case *c) {
    error e;
    t->report->cases++;
    if (!lay_out(t, c, &e)) return not_run(t, c, &e);
    random_state random = case_random(~t->report->seed, c->number);
    guard *const b = t->buffer;
    case_fill(c, &random,
              &(case_inputs){.w = b[BUFFER_W].data,
                             .b = b[BUFFER_B].data,
                             .x = b[BUFFER_X].data,
                             .x_floats = b[BUFFER_X].floats,
                             .gamma = b[BUFFER_GAMMA].data,
                             .gamma_floats = b[BUFFER_GAMMA].floats});
    if (!pack(t, c)) return false;
    run_call call = {t->kernel, layer(t, c)};
    if (!survive(t, c, "the kernel", call_run, &call)) return false;
    if (!ask_oracle(t, c, &e)) return not_run(t, c, &e);
    return judge(t, c);
}

/* ---- the entry points ------------------------------------------------------------------------------------- */

/* The case `*only`, or where that is NULL the plan and then so many random cases. */
static bool run_cases(const idp_kernel *kernel, uint64_t seed, const uint64_t *only, uint64_t random_cases,
                      verify_report *report) {
    bench t;
    bench_open(&t, kernel, seed, report);
    verify_plan plan;
    error e;
    if (!plan_make(kernel, seed, &plan, &e)) {
        const verify_case none = {.number = 0};
        return not_run(&t, &none, &e);
    }
    const uint64_t first = only != NULL ? *only : 0, last = only != NULL ? *only : plan.count + random_cases - 1;
    bool good = true;
    for (uint64_t n = first; good && n <= last && !interrupted(); n++) {
        const verify_case c = n < plan.count ? plan.cases[n] : case_draw(kernel, seed, n);
        good = run_case(&t, &c);
    }
    plan_free(&plan);
    bench_close(&t);
    return good;
}

bool verify_kernel(const idp_kernel *kernel, uint64_t seed, uint64_t random_cases, verify_report *report) {
    return run_cases(kernel, seed, NULL, random_cases, report);
}

bool verify_one_case(const idp_kernel *kernel, uint64_t seed, uint64_t number, verify_report *report) {
    return run_cases(kernel, seed, &number, 0, report);
}

bool verify_given_case(const idp_kernel *kernel, uint64_t seed, const verify_case *c, verify_report *report) {
    bench t;
    bench_open(&t, kernel, seed, report);
    const bool good = run_case(&t, c);
    bench_close(&t);
    return good;
}
