/* check.c: before anything is timed: does it compute the layer? */
#include <math.h>
#include <stdlib.h>

#include "../../reference/oracle.h"
#include "layer.h"

enum { MULTIPLY_ADDS = 8 << 20 }; /* that the oracle does: about 20 ms */

/* The oracle's results for `rows` of the m outputs, spread over them. */
typedef struct expected {
    size_t rows, batch;
    size_t *output;        /* [rows] */
    double *value, *bound; /* [rows][batch] */
} expected;

static void expected_free(expected *x) {
    free(x->output);
    free(x->value);
    free(x->bound);
}

static bool expected_make(const matrix_bench *b, expected *x, error *e) {
    const matrix_layer *l = b->layer;
    const size_t m = b->cell.m, batch = l->of.batch, most = MULTIPLY_ADDS / (b->cell.k * batch);
    const int form = batch == 1 ? PEER_SINGLE : PEER_FEATURE;
    x->rows = m <= most ? m : most < 2 ? 2 : most;
    x->batch = batch;
    x->output = malloc(x->rows * sizeof *x->output);
    x->value = malloc(x->rows * batch * sizeof *x->value);
    x->bound = malloc(x->rows * batch * sizeof *x->bound);
    if (x->output == NULL || x->value == NULL || x->bound == NULL) return fail(e, "no memory for the oracle");
    for (size_t r = 0; r < x->rows; r++) {
        const size_t j = x->rows > 1 ? r * (m - 1) / (x->rows - 1) : 0;
        const oracle_fc fc = {.k = b->cell.k,
                              .m = 1,
                              .batch = batch,
                              .w = l->w + j * l->of.in,
                              .w_stride = l->of.in,
                              .b = l->b + j,
                              .x = l->x[form],
                              .x_stride = l->x_stride[form],
                              .gamma = l->gamma + j,
                              .relu = true,
                              .gradual = false};
        x->output[r] = j;
        oracle_fc_run(&fc, x->value + r * batch, x->bound + r * batch);
    }
    return true;
}

static bool check_row(const matrix_bench *b, const matrix_row *row, const expected *x, error *e) {
    const matrix_layer *l = b->layer;
    const int form = row->peer != NULL ? (int)row->peer->form : l->of.batch == 1 ? PEER_SINGLE : PEER_FEATURE;
    const size_t stride = l->y_stride[form], j_step = form == PEER_FEATURE ? stride : 1,
                 s_step = form == PEER_SAMPLE ? stride : 1;
    float *y = l->y[form];
    for (size_t r = 0; r < x->rows; r++)
        for (size_t s = 0; s < x->batch; s++) y[x->output[r] * j_step + s * s_step] = NAN;
    row->variant.run(row->variant.state, 1);
    for (size_t r = 0; r < x->rows; r++)
        for (size_t s = 0; s < x->batch; s++) {
            const size_t at = r * x->batch + s;
            const float got = y[x->output[r] * j_step + s * s_step];
            if (oracle_error_over_bound(got, x->value[at], x->bound[at]) <= 1) continue;
            return fail(
                e,
                "%s computes %.9g for output %zu of sample %zu, layer %zux%zu cut to %zux%zu, batch %zu; it "
                "is %.9g within %.3g: a wrong kernel or library is not timed",
                row->name, (double)got, x->output[r], s, l->of.out, l->of.in, b->cell.m, b->cell.k, l->of.batch,
                x->value[at], x->bound[at]);
        }
    return true;
}

bool matrix_bench_check(const matrix_bench *b, error *e) {
    expected x = {0};
    bool ok = expected_make(b, &x, e);
    for (unsigned i = 0; ok && i < b->rows; i++)
        if (b->row[i].role <= MATRIX_NAIVE) ok = check_row(b, &b->row[i], &x, e);
    expected_free(&x);
    return ok;
}
