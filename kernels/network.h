/* network.h: what the files of a whole network share: mlp.c makes it, run.c runs it, refine.c goes on from a
 * narrower result, transpose.c turns a batch around. */
#ifndef IDP_NETWORK_H
#define IDP_NETWORK_H

#include "backend.h"

enum {
    IDP_BLOCK = 128, /* samples at a time, so that the activations of a batch stay in the L2 cache */
    /* So many samples run one by one. Measured on Zen 3 with AVX2, 784-64-64-10 to 784-512-512-10 at 10 to 100 %
     * (docs/limits.md): the two ways cross between 2 and 5 samples in most. */
    IDP_FEW = 3,
};

/* The packed copies of a layer. */
enum {
    IDP_COPY_ONE,  /* for batch 1; may lie in ROWS */
    IDP_COPY_MANY, /* for a batch; with channels of zeros, so that every panel starts a cache line: idp_many_from */
    IDP_COPY_ROWS, /* for batch 1, any row may be the first: idp_rows_from. NULL where it can't be refined */
    IDP_COPIES
};

/* One layer of one profile; profiles that share its arrays share the copies. All that a run at batch 1 needs lies
 * in one cache line, for the weights of the layer before have thrown everything else out of the L1 cache. */
typedef struct idp_mlp_layer {
    _Alignas(IDP_ALIGN) const float *copy[IDP_COPIES];
    const float *gamma;            /* of its outputs, or NULL */
    void (*one)(const idp_fc *fc); /* for batch 1 */
    uint32_t out, in;
} idp_mlp_layer;

struct idp_mlp {
    size_t layers, profiles, boundaries;
    size_t widest; /* activation, in floats */
    size_t width[IDP_MAX_LAYERS + 1];
    bool incomplete[IDP_MAX_LAYERS + 1];
    bool refinable;
    const idp_kernel *one[IDP_MAX_LAYERS], *row, *sample,
        *many;            /* row: of ROWS; sample: of a batch's first layer */
    size_t *edge;         /* [boundaries][layers + 1], ascending: the channels below each boundary */
    idp_mlp_layer *layer; /* [profiles][layers] */
    float **owned;        /* [profiles][layers][IDP_COPIES]: those copies that are its own, else NULL */
    float **gamma; /* [profiles][layers + 1]; NULL for all ones. Equal ones are one array, the first profile's */
};

/* Channels of each activation in use at `percent`. used: [layers + 1]. */
void idp_mlp_used(const idp_mlp *mlp, double percent, size_t *used);

/* Whether a call's arguments are within the contract that idp_mlp_run, _start and _refine share. */
bool idp_mlp_call_is_good(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x,
                          const float *y, const void *memory);

/* Nothing is there already: for the argument `kept` below. */
extern const size_t idp_mlp_nothing[IDP_MAX_LAYERS + 1];

/* One sample. at[h]: where hidden activation h goes; its first kept[h] channels are there already. */
void idp_mlp_sample(const idp_mlp *mlp, size_t profile, const size_t *used, const size_t *kept, const float *x,
                    float *y, float *const *at);

/* Up to IDP_BLOCK samples, row-major x and y. at[h], h > 0: [channel][samples, rounded up to whole cache lines]. */
void idp_mlp_block(const idp_mlp *mlp, size_t profile, const size_t *used, const size_t *kept, size_t samples,
                   const float *x, float *y, float *const *at);

/* Channels that the batched copy of a layer of `in` has, those of zeros included. */
size_t idp_many_in(const idp_kernel *many, size_t in);

/* b[column][row] = a[row][column]. */
void idp_transpose(size_t rows, size_t columns, const float *a, size_t a_stride, float *b, size_t b_stride);

/* A row-major layer of which any row may be the first (pack.c): floats that it takes, packing, the layer as
 * idp_pack packs it, and the rows from `first` on of a call that is otherwise complete. */
size_t idp_rows_floats(size_t out, size_t in);
void idp_rows_pack(size_t out, size_t in, const float *w, const float *b, float *rows);
const float *idp_rows_whole(const float *rows, size_t out);
void idp_rows_from(idp_fc *fc, const float *rows, size_t first);

#endif
