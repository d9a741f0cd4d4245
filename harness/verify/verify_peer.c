#include "verify_peer.h"

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

typedef enum buffer { BUFFER_W, BUFFER_X, BUFFER_Y, BUFFERS } buffer;

#define CANARIES UINT32_C(0x7fedcb00)

typedef struct bench {
    const peer *peer;
    bool gradual;          /* this thread's floating-point environment keeps subnormals */
    guard buffer[BUFFERS]; /* what the library sees; x and y in the peer's form */
    verify_report *report;
} bench;

/* One case: what the oracle sees, and what it says. x is feature-major, as case_fill writes it. */
typedef struct trial {
    verify_case c;
    size_t x_stride, y_stride; /* of the peer's job */
    float *x, *b, *gamma;      /* b: zeros where the case has none */
    double *value, *bound;     /* [m][batch] */
} trial;

static bool keeps_subnormals(void) {
    volatile float least = FLT_MIN;
    volatile float half = least / 2;
    return half != 0 && half + half == least;
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
             "%s; %s; replay: idp verify --kernel %s --seed %llu --case %llu", what, where, t->peer->name,
             (unsigned long long)t->report->seed, (unsigned long long)c->number);
    return false;
}

/* ---- the case ---------------------------------------------------------------------------------------------- */

/* Cases are drawn for a kernel; these sizes are where libraries change their paths. */
static idp_kernel stand_in(const peer *p) {
    return (idp_kernel){.name = p->name,
                        .layout = p->form == PEER_SINGLE ? IDP_LAYOUT_PANEL : IDP_LAYOUT_BATCH,
                        .tile_batch = 64,
                        .tile_out = 6,
                        .lanes = 16,
                        .panel = 48,
                        .panel_granule = 8};
}

static bool is_sample(const peer *p) { return p->form == PEER_SAMPLE; }

/* Floats from one row to the next in a matrix whose rows are `columns` long, as far apart as the case has them. */
static size_t stride_of(size_t columns, size_t case_stride, size_t batch) { return columns + case_stride - batch; }

static peer_job job_of(const bench *t, const trial *tr) {
    const verify_case *c = &tr->c;
    return (peer_job){.out = c->out,
                      .in = c->in,
                      .m = c->m,
                      .k = c->k,
                      .batch = c->batch,
                      .w = guard_view(&t->buffer[BUFFER_W]),
                      .b = tr->b,
                      .gamma = c->gamma == CASE_GAMMA_NULL ? NULL : tr->gamma,
                      .relu = c->relu,
                      .x = guard_view(&t->buffer[BUFFER_X]),
                      .x_stride = tr->x_stride,
                      .y = t->buffer[BUFFER_Y].data,
                      .y_stride = tr->y_stride};
}

/* Whether the peer does such a job; some want rows without gaps, and get them. */
static bool settle_strides(const bench *t, trial *tr) {
    const verify_case *c = &tr->c;
    tr->x_stride = is_sample(t->peer) ? stride_of(c->k, c->x_stride, c->batch) : c->x_stride;
    tr->y_stride = is_sample(t->peer) ? stride_of(c->m, c->y_stride, c->batch) : c->y_stride;
    peer_job job = job_of(t, tr);
    if (t->peer->serves(&job)) return true;
    if (is_sample(t->peer)) {
        tr->x_stride = c->k;
        tr->y_stride = c->m;
    }
    job = job_of(t, tr);
    return t->peer->serves(&job);
}

static void trial_close(trial *tr) {
    free(tr->x);
    free(tr->b);
    free(tr->gamma);
    free(tr->value);
    free(tr->bound);
}

static size_t extent(size_t rows, size_t columns, size_t stride) { return (rows - 1) * stride + columns; }

static bool lay_out(bench *t, trial *tr, error *e) {
    enum { ANY = 1 };
    const verify_case *c = &tr->c;
    const bool sample = is_sample(t->peer);
    const size_t x_floats = sample ? extent(c->batch, c->k, tr->x_stride) : extent(c->k, c->batch, tr->x_stride);
    const size_t y_floats = sample ? extent(c->batch, c->m, tr->y_stride) : extent(c->m, c->batch, tr->y_stride);
    const bool beyond = (t->peer->liberties & PEER_READS_BEYOND) != 0; /* NaN in x and W; nothing may change in y */
    tr->x = calloc(c->in * c->x_stride, sizeof *tr->x);
    tr->b = calloc(c->out, sizeof *tr->b);
    tr->gamma = calloc(c->out, sizeof *tr->gamma);
    tr->value = calloc(c->m * c->batch, sizeof *tr->value);
    tr->bound = calloc(c->m * c->batch, sizeof *tr->bound);
    if (tr->x == NULL || tr->b == NULL || tr->gamma == NULL || tr->value == NULL || tr->bound == NULL)
        return fail(e, "no memory for a case");
    return guard_lay(&t->buffer[BUFFER_W], c->out * c->in + (beyond ? c->in : 0), GUARD_AT_END, 0, ANY, e) &&
           guard_lay(&t->buffer[BUFFER_X], x_floats + (beyond ? tr->x_stride : 0), c->place, c->x_offset, ANY, e) &&
           guard_lay(&t->buffer[BUFFER_Y], y_floats + (beyond ? tr->y_stride : 0), c->place, c->y_offset, ANY, e);
}

/* Fills everything; x goes over into the peer's form, its gaps keep their canaries, which are NaN. */
static void fill(bench *t, trial *tr) {
    const verify_case *c = &tr->c;
    random_state random = case_random(~t->report->seed, c->number);
    case_fill(c, &random,
              &(case_inputs){.w = t->buffer[BUFFER_W].data,
                             .b = c->bias ? tr->b : NULL,
                             .x = tr->x,
                             .x_floats = c->in * c->x_stride,
                             .gamma = tr->gamma,
                             .gamma_floats = c->out});
    float *x = t->buffer[BUFFER_X].data;
    for (size_t i = 0; i < c->k; i++)
        for (size_t s = 0; s < c->batch; s++)
            x[is_sample(t->peer) ? s * tr->x_stride + i : i * tr->x_stride + s] = tr->x[i * c->x_stride + s];
}

static void ask_oracle(const bench *t, trial *tr) {
    const verify_case *c = &tr->c;
    const oracle_fc fc = {.k = c->k,
                          .m = c->m,
                          .batch = c->batch,
                          .w = t->buffer[BUFFER_W].data,
                          .w_stride = c->w_stride,
                          .b = c->bias ? tr->b : NULL,
                          .x = tr->x,
                          .x_stride = c->x_stride,
                          .gamma = c->gamma == CASE_GAMMA_NULL ? NULL : tr->gamma,
                          .relu = c->relu,
                          .gradual = t->gradual};
    oracle_fc_run(&fc, tr->value, tr->bound);
}

/* ---- running ----------------------------------------------------------------------------------------------- */

typedef struct peer_call {
    const peer *peer;
    peer_job job;
    void *state;
    bool made;
    error e;
} peer_call;

static void call_make(void *argument) {
    peer_call *p = argument;
    p->made = p->peer->make(&p->job, &p->state, &p->e);
}

/* Twice, as a benchmark would: the first run must not use up what the second needs. */
static void call_run(void *argument) {
    const peer_call *p = argument;
    p->peer->run(p->state);
    p->peer->run(p->state);
}

static bool survive(bench *t, const verify_case *c, void (*call)(void *), peer_call *argument) {
    trap caught;
    if (trap_call(call, argument, &caught)) return true;
    const guard *const guards[BUFFERS] = {&t->buffer[0], &t->buffer[1], &t->buffer[2]};
    char what[128];
    const bool touched = trap_describe(&caught, guards, BUFFERS, what, sizeof what);
    return reject(t, c, touched ? VERIFY_TOUCHED : VERIFY_CRASHED, "the library %s", what);
}

static bool run_peer(bench *t, const trial *tr) {
    peer_call call = {.peer = t->peer, .job = job_of(t, tr)};
    bool good = survive(t, &tr->c, call_make, &call);
    if (good && !call.made) good = reject(t, &tr->c, VERIFY_NOT_RUN, "%.150s", call.e.text);
    good = good && survive(t, &tr->c, call_run, &call);
    if (call.made) t->peer->free(call.state);
    return good;
}

/* ---- judging ----------------------------------------------------------------------------------------------- */

/* Whether the library takes a liberty with this value that it is known for. */
static bool is_excused(const bench *t, const trial *tr, size_t s, float y, double value) {
    const verify_case *c = &tr->c;
    const unsigned takes = t->peer->liberties;
    const bool planted = c->values == VALUES_INFINITE || c->values == VALUES_NAN;
    const bool infinite = planted || c->values == VALUES_OVERFLOW || c->values == VALUES_DISORDER;
    if ((takes & PEER_RELU_OF_NAN_IS_ZERO) != 0 && c->relu && isnan(value) && y == 0) return true;
    if ((takes & PEER_RELU_OF_MINUS_INFINITY_IS_NAN) != 0 && c->relu && infinite && value == 0 && isnan(y))
        return true;
    bool zero = false;
    for (size_t i = 0; i < c->k; i++) zero = zero || tr->x[i * c->x_stride + s] == 0;
    return (takes & PEER_SKIPS_ZERO_INPUTS) != 0 && planted && zero;
}

static bool judge_value(bench *t, const trial *tr, size_t j, size_t s, float y) {
    const verify_case *c = &tr->c;
    const double value = tr->value[j * c->batch + s], bound = tr->bound[j * c->batch + s];
    if (guard_bits(y) == t->buffer[BUFFER_Y].canary)
        return reject(t, c, VERIFY_UNWRITTEN, "y[%zu] of sample %zu was not written, or only added to", j, s);
    if (is_excused(t, tr, s, y, value)) return true;
    if (c->values == VALUES_INTEGER && y != (float)value) /* == : the sign of a zero is the library's */
        return reject(t, c, VERIFY_WRONG_VALUE, "y[%zu] of sample %zu is %.9g, not exactly %.9g", j, s, (double)y,
                      value);
    const double ratio = oracle_error_over_bound(y, value, bound);
    if (isfinite(ratio) && ratio > t->report->worst_error_over_bound) t->report->worst_error_over_bound = ratio;
    return ratio <= 1 || reject(t, c, VERIFY_WRONG_VALUE, "y[%zu] of sample %zu is %.9g, not %.9g +- %.2g", j, s,
                                (double)y, value, bound);
}

static bool judge(bench *t, const trial *tr) {
    const verify_case *c = &tr->c;
    const guard *const y = &t->buffer[BUFFER_Y];
    ptrdiff_t at;
    if (guard_broken(y, &at))
        return reject(t, c, VERIFY_STRAY_WRITE, "float %td of y was written, which has %zu", at, y->floats);
    for (size_t i = 0; i < y->floats; i++) {
        const size_t row = i / tr->y_stride, column = i % tr->y_stride;
        const size_t j = is_sample(t->peer) ? column : row, s = is_sample(t->peer) ? row : column;
        const bool wanted = j < c->m && s < c->batch;
        if (wanted && !judge_value(t, tr, j, s, y->data[i])) return false;
        if (!wanted && guard_bits(y->data[i]) != y->canary)
            return reject(t, c, VERIFY_STRAY_WRITE, "y[%zu] of sample %zu was written, beyond m or batch", j, s);
    }
    return true;
}

static bool run_case(bench *t, const verify_case *drawn) {
    trial tr = {.c = *drawn};
    error e = {""};
    tr.c.w_stride = tr.c.in; /* a whole row-major matrix */
    if (tr.c.m == 0 || tr.c.k == 0 || tr.c.batch == 0 || !settle_strides(t, &tr)) return true;
    t->report->cases++;
    bool good = lay_out(t, &tr, &e) || reject(t, &tr.c, VERIFY_NOT_RUN, "%s", e.text);
    if (good) {
        fill(t, &tr);
        ask_oracle(t, &tr);
        good = run_peer(t, &tr) && judge(t, &tr);
    }
    trial_close(&tr);
    return good;
}

/* ---- the entry points -------------------------------------------------------------------------------------- */

/* The case `*only`, or where that is NULL the plan and then so many random cases. */
static bool run_cases(const peer *p, uint64_t seed, const uint64_t *only, uint64_t random_cases,
                      verify_report *report) {
    static const char *const names[BUFFERS] = {"the weights", "x", "y"};
    const idp_kernel kernel = stand_in(p);
    bench t = {.peer = p, .gradual = keeps_subnormals(), .report = report};
    verify_plan plan;
    error e;
    *report = (verify_report){.seed = seed};
    for (size_t b = 0; b < BUFFERS; b++) t.buffer[b] = (guard){.name = names[b], .canary = CANARIES + (uint32_t)b};
    if (!plan_make(&kernel, seed, &plan, &e))
        return reject(&t, &(verify_case){.number = 0}, VERIFY_NOT_RUN, "%s", e.text);
    const uint64_t first = only != NULL ? *only : 0, last = only != NULL ? *only + 1 : plan.count + random_cases;
    bool good = true;
    for (uint64_t n = first; good && n < last && !interrupted(); n++) {
        const verify_case c = n < plan.count ? plan.cases[n] : case_draw(&kernel, seed, n);
        good = run_case(&t, &c);
    }
    plan_free(&plan);
    for (size_t b = 0; b < BUFFERS; b++) guard_free(&t.buffer[b]);
    return good;
}

bool verify_peer(const peer *p, uint64_t seed, uint64_t random_cases, verify_report *report) {
    return run_cases(p, seed, NULL, random_cases, report);
}

bool verify_peer_case(const peer *p, uint64_t seed, uint64_t number, verify_report *report) {
    return run_cases(p, seed, &number, 0, report);
}
