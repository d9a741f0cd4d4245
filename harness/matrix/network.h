/* network.h: the network 784-100-100-10, cut as `nested` cuts it, with random weights: ours as one call, naive
 * libraries as three, and the roof of what the three layers read. */
#ifndef HARNESS_MATRIX_NETWORK_H
#define HARNESS_MATRIX_NETWORK_H

#include "layer.h"

enum { NETWORK_LAYERS = 3, NETWORK_ROWS = 16, NETWORK_MEMORIES = 32 };
extern const size_t matrix_widths[NETWORK_LAYERS + 1];

typedef struct matrix_network {
    const idp_backend *backend;
    size_t batch;
    float *w[NETWORK_LAYERS], *b[NETWORK_LAYERS], *gamma[NETWORK_LAYERS]; /* gamma of the last: NULL */
    float *x, *y, *hidden[NETWORK_LAYERS - 1]; /* row-major; y: of all, one after the other */
    float *packed[NETWORK_LAYERS];             /* what the roof reads: as idp_mlp packs it, in memory of its own */
    void *workspace;
    idp_mlp *mlp;
    void *memory[NETWORK_MEMORIES];
    unsigned memories;
} matrix_network;

/* Draws numbers and places from the seed. On success matrix_network_free. */
bool matrix_network_make(const idp_backend *backend, size_t batch, uint64_t seed, matrix_network *network,
                         error *e);
void matrix_network_free(matrix_network *network);

/* Channels of activation h = 0 .. 3 at a percentage, and useful FLOPs. */
size_t matrix_network_used(size_t h, double percent);
double matrix_network_flops(size_t batch, double percent);

/* Rows of the network at one percentage. */
typedef struct network_bench {
    const matrix_network *network;
    double percent;
    matrix_row row[NETWORK_ROWS];
    unsigned rows;
    void *chain[NETWORK_ROWS][NETWORK_LAYERS]; /* a naive peer's states */
} network_bench;
bool network_bench_make(const matrix_network *network, double percent, network_bench *bench, error *e);
void network_bench_free(network_bench *bench);

/* Ours and every naive chain within the oracle's bound, carried from layer to layer; first and last sample. */
bool network_bench_check(const network_bench *bench, error *e);

#endif
