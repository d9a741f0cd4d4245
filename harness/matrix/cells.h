/* cells.h: what `idp matrix` measures: layers, cuts, batches and percentages, and how they are narrowed. */
#ifndef HARNESS_MATRIX_CELLS_H
#define HARNESS_MATRIX_CELLS_H

#include "../backends.h"
#include "../bench/bench.h"
#include "../error.h"

enum { MATRIX_PERCENTS = 20, MATRIX_SERIES = 256 };

/* What a percentage leaves out. */
typedef enum matrix_cut {
    MATRIX_OUTPUTS, /* m = percent of out, k = in: an MLP's first layer */
    MATRIX_BOTH,    /* m and k: its hidden layers */
    MATRIX_INPUTS,  /* m = out, k = percent of in: its last layer, and every layer of the paper */
    MATRIX_CUTS
} matrix_cut;
extern const char *const matrix_cut_name[MATRIX_CUTS]; /* "outputs", "both", "inputs" */

/* A layer under one cut at one batch size. */
typedef struct matrix_series {
    size_t out, in, batch;
    matrix_cut cut;
} matrix_series;

typedef struct matrix_cell {
    matrix_series of;
    double percent;
    size_t m, k;
} matrix_cell;

/* The cell at that percentage; m or k is 0 where the percentage leaves nothing. */
matrix_cell matrix_cell_at(const matrix_series *series, double percent);

/* 2 m k batch. */
double matrix_flops(const matrix_cell *cell);

/* What to measure; empty lists mean all of the usual ones. */
typedef struct matrix_choice {
    bench_shape shape[BENCH_SHAPES]; /* one that is not usual is cut in its inputs, or as `cut` says */
    unsigned shapes;
    bool cut[MATRIX_CUTS];
    size_t batch[BENCH_BATCHES];
    unsigned batches;
    double percent[MATRIX_PERCENTS];
    unsigned percents;
} matrix_choice;

/* Fills empty lists of batches (1, 128) and percentages (tenths; quick: 10, 50, 100). */
void matrix_choice_complete(matrix_choice *choice, bool quick);

/* The series of a complete choice, in order, into list. Quick leaves the 1024 and 4096 layers out where no shape
 * was named. Fails where nothing is left. */
bool matrix_series_list(const matrix_choice *choice, bool quick, matrix_series list[MATRIX_SERIES], unsigned *count,
                        error *e);

#endif
