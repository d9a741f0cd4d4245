#include "cells.h"

const char *const matrix_cut_name[MATRIX_CUTS] = {"outputs", "both", "inputs"};

/* The layers of the network 784-100-100-10, cut as its recipes cut them, then layers cut in their inputs. */
static const struct {
    size_t out, in;
    matrix_cut cut;
    bool large;
} usual[] = {
    {100, 784, MATRIX_OUTPUTS, false}, {100, 100, MATRIX_BOTH, false},    {10, 100, MATRIX_INPUTS, false},
    {100, 100, MATRIX_INPUTS, false},  {100, 784, MATRIX_INPUTS, false},  {512, 512, MATRIX_INPUTS, false},
    {1024, 1024, MATRIX_INPUTS, true}, {4096, 4096, MATRIX_INPUTS, true},
};
enum { USUAL = sizeof usual / sizeof usual[0] };

matrix_cell matrix_cell_at(const matrix_series *s, double percent) {
    return (matrix_cell){.of = *s,
                         .percent = percent,
                         .m = s->cut == MATRIX_INPUTS ? s->out : idp_prefix(s->out, percent),
                         .k = s->cut == MATRIX_OUTPUTS ? s->in : idp_prefix(s->in, percent)};
}

double matrix_flops(const matrix_cell *c) { return 2.0 * (double)c->m * (double)c->k * (double)c->of.batch; }

void matrix_choice_complete(matrix_choice *c, bool quick) {
    static const size_t batches[] = {1, 128};
    static const double few[] = {10, 50, 100};
    for (size_t b = 0; c->batches == 0 && b < 2; b++) c->batch[b] = batches[b];
    if (c->batches == 0) c->batches = 2;
    if (c->percents > 0) return;
    c->percents = quick ? 3 : 10;
    for (unsigned p = 0; p < c->percents; p++) c->percent[p] = quick ? few[p] : 10.0 * (p + 1);
}

static bool any_cut(const matrix_choice *c) { return c->cut[0] || c->cut[1] || c->cut[2]; }

static bool wanted(const matrix_choice *c, size_t out, size_t in, bool left_out) {
    for (unsigned s = 0; s < c->shapes; s++)
        if (c->shape[s].out == out && c->shape[s].in == in) return true;
    return c->shapes == 0 && !left_out;
}

static bool is_usual(const bench_shape *shape) {
    for (unsigned u = 0; u < USUAL; u++)
        if (usual[u].out == shape->out && usual[u].in == shape->in) return true;
    return false;
}

/* The series at every batch size. */
static void add(const matrix_choice *c, size_t out, size_t in, matrix_cut cut, matrix_series *list,
                unsigned *count) {
    for (unsigned b = 0; b < c->batches && *count < MATRIX_SERIES; b++)
        list[(*count)++] = (matrix_series){out, in, c->batch[b], cut};
}

bool matrix_series_list(const matrix_choice *c, bool quick, matrix_series list[MATRIX_SERIES], unsigned *count,
                        error *e) {
    unsigned found = 0;
    for (unsigned u = 0; u < USUAL; u++)
        if (wanted(c, usual[u].out, usual[u].in, quick && usual[u].large) && (!any_cut(c) || c->cut[usual[u].cut]))
            add(c, usual[u].out, usual[u].in, usual[u].cut, list, &found);
    for (unsigned s = 0; s < c->shapes; s++)
        for (int cut = 0; cut < MATRIX_CUTS && !is_usual(&c->shape[s]); cut++)
            if (any_cut(c) ? c->cut[cut] : cut == MATRIX_INPUTS)
                add(c, c->shape[s].out, c->shape[s].in, (matrix_cut)cut, list, &found);
    *count = found;
    return found > 0 || fail(e, "no cell is left: of these shapes none is measured with this --cut; idp matrix "
                                "--help lists them");
}
