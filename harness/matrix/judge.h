/* judge.h: from what the processes measured to the figures of a cell, and to what they must reach. */
#ifndef HARNESS_MATRIX_JUDGE_H
#define HARNESS_MATRIX_JUDGE_H

#include <jansson.h>

#include "../measure/stats.h"
#include "cells.h"
#include "layer.h"

/* Names are empty and intervals all 0 where nothing of the kind was measured. */
typedef struct matrix_figure {
    const idp_backend *backend;
    bool network; /* the whole MLP; then only the batch, the percentage and k of the cell count */
    matrix_cell cell;
    char kernel[MATRIX_NAME], best_peer[MATRIX_NAME], naive_peer[MATRIX_NAME];
    interval time_ns, peer_time_ns, naive_time_ns;
    interval ratio, naive_ratio; /* the peer's time over ours, paired */
    double roof_ns;              /* 0: no roof here */
    interval roof_percent;       /* 100 roof / time, paired */
    const char *roof_kind;       /* "fma" or "loads" */
    bool above_roof;             /* surely: the roof was set too low */
    double flops;                /* useful ones */
    interval time_share;         /* network: time over the time at 100 %, paired */
    double flops_share;          /* the same of FLOPs */
    double roof_share;           /* and of roofs */
    size_t processes, rounds, discarded, disturbed;
    double core_hz;
    json_t *kernels, *peers; /* {name: ns}, {name: the peer's time over ours}; owned */
} matrix_figure;

void matrix_figure_free(matrix_figure *figure);

/* Cell number `index` of what each process answered. The rounds of all processes count together: intervals, at the
 * level 0.95, are over rounds. figure: backend, network, cell and flops are set; the rest is filled in. Fails where
 * an answer is not one, or the answers do not fit together. */
bool matrix_judge(const json_t *const *answer, size_t answers, size_t index, matrix_figure *figure, error *e);

/* For a network: time_share and the rest, against cell `full` of the same answers. */
bool matrix_judge_share(const json_t *const *answer, size_t answers, size_t index, size_t full,
                        matrix_figure *figure, const matrix_figure *at_full, error *e);

/* "matrix" or "matrix_mlp"; NULL without memory. */
json_t *matrix_record(const matrix_figure *figure);

/* Why time_share is not flops_share; "" where they are within 0.05 of each other. */
void matrix_share_reason(const matrix_figure *figure, const matrix_figure *at_full, char *text, size_t text_size);

/* ---- what must be reached ------------------------------------------------------------------------------------ */

typedef struct matrix_bar {
    const char *text;
    /* Whether the bar speaks of the figure, and then whether it holds. best: the best back end usable here. */
    bool (*applies)(const matrix_figure *figure, const idp_backend *best);
    bool (*holds)(const matrix_figure *figure);
} matrix_bar;

enum { MATRIX_BARS = 9 };
extern const matrix_bar matrix_bars[MATRIX_BARS];

#endif
