/* layer.h: one cell of the matrix made ready: our kernels, the peers and the roofs on the same numbers. */
#ifndef HARNESS_MATRIX_LAYER_H
#define HARNESS_MATRIX_LAYER_H

#include "../measure/paired.h"
#include "../measure/roof.h"
#include "../peers/peers.h"
#include "cells.h"

enum {
    MATRIX_VARIANTS = 256,
    MATRIX_ROWS = 64,
    MATRIX_KERNELS = 16,
    MATRIX_SLICES = 16,
    MATRIX_NAME = 96,
    MATRIX_FORMS = PEER_SAMPLE + 1
};

/* A layer with its input, complete; every cell of a series is a cut of it. */
typedef struct matrix_layer {
    matrix_series of;
    const idp_backend *backend;
    float *w, *b, *gamma;                     /* [out][in], [out], [out] */
    float *x[MATRIX_FORMS], *y[MATRIX_FORMS]; /* the same samples in every form */
    size_t x_stride[MATRIX_FORMS], y_stride[MATRIX_FORMS];
    const idp_kernel *kernel[MATRIX_KERNELS]; /* of the back end, that fit the batch */
    float *packed[MATRIX_KERNELS];
    unsigned kernels;
    const float *slice[MATRIX_SLICES]; /* [out][in]: w for each naive form, in their order */
    unsigned slices;
    void *memory[4 + 2 * MATRIX_FORMS + MATRIX_KERNELS + MATRIX_SLICES];
    unsigned memories;
} matrix_layer;

/* Draws numbers and places from the seed. On success matrix_layer_free. */
bool matrix_layer_make(const matrix_series *series, const idp_backend *backend, uint64_t seed, matrix_layer *layer,
                       error *e);
void matrix_layer_free(matrix_layer *layer);

typedef enum matrix_role {
    MATRIX_KERNEL,
    MATRIX_PEER,  /* a library in one of its best forms */
    MATRIX_NAIVE, /* a library as users call it */
    MATRIX_LOADS, /* roof: the best stream over what the kernel of that name loads */
    MATRIX_FMA,   /* roof: the FMA peak */
    MATRIX_ROLES
} matrix_role;
extern const char *const matrix_role_name[MATRIX_ROLES];

/* One thing to time in a cell. */
typedef struct matrix_row {
    char name[MATRIX_NAME];
    matrix_role role;
    paired_variant variant;
    double scale;    /* ns of the cell for one ns of an iteration: 1, but for MATRIX_FMA */
    double rough_ns; /* from a first look; 0: none was taken */
    bool left_out;   /* of the rounds: see matrix_leave_out */
    /* What the variant's state is: */
    const idp_kernel *kernel;
    idp_fc fc;
    const peer *peer;
    void *peer_state;
    roof_stream stream;
    unsigned width_bits;
} matrix_row;

typedef struct matrix_bench {
    const matrix_layer *layer;
    matrix_cell cell;
    matrix_row row[MATRIX_ROWS];
    unsigned rows;
} matrix_bench;

/* Makes the rows of a cell with m, k > 0: kernels first, then peers, then roofs. On success matrix_bench_free. */
bool matrix_bench_make(const matrix_layer *layer, const matrix_cell *cell, matrix_bench *bench, error *e);
void matrix_bench_free(matrix_bench *bench);

/* Runs every kernel and peer once and holds its result against the oracle's bound: all outputs where that is less
 * than some millions of multiply-adds, else some rows spread over the layer, the first and the last among them. */
bool matrix_bench_check(const matrix_bench *bench, error *e);

/* The bytes that the kernel reads of its packed weights and of x, as blocks; returns how many (at most `most`). */
size_t matrix_blocks(const idp_kernel *kernel, const idp_fc *fc, stream_block *block, size_t most);

#endif
