/* mlp.c: a whole network as one call: packed once, run at any percentage.
 *
 * Batch 1 runs layer after layer on the user's vector. A batch is cut into blocks of BLOCK samples, so that the
 * activations stay in the L2 cache; each block is transposed to feature-major, run, and transposed back.
 *
 * Which layout a layer takes at batch 1 follows from how it is cut: where its inputs are complete and its outputs
 * are cut, row-major keeps what is read contiguous; where its inputs are cut, panels do. */
#include <stdlib.h>
#include <string.h>

#include "backend.h"

enum { BLOCK = 128 };

struct layer {
    size_t profile_of; /* the first profile that has these weights: the owner of the packed copies */
    float *one, *many; /* packed for batch 1 and for a batch */
};

struct idp_mlp {
    size_t layers, profiles, widest; /* widest activation, in floats */
    size_t width[IDP_MAX_LAYERS + 1];
    bool incomplete[IDP_MAX_LAYERS + 1];
    const idp_kernel *one[IDP_MAX_LAYERS], *many;
    struct layer *layer; /* [profiles][layers] */
    float **gamma;       /* [profiles][layers + 1], owned; NULL for all ones */
};

static bool valid(const idp_mlp_spec *spec, const idp_backend *backend) {
    if (spec == NULL || backend == NULL || spec->layers == 0 || spec->layers > IDP_MAX_LAYERS) return false;
    if (spec->width == NULL || spec->incomplete == NULL || spec->profile == NULL || spec->profiles == 0)
        return false;
    if (spec->profiles > SIZE_MAX / sizeof(struct layer) / IDP_MAX_LAYERS) return false;
    if (spec->incomplete[0] || spec->incomplete[spec->layers]) return false;
    for (size_t h = 0; h <= spec->layers; h++)
        if (spec->width[h] == 0 || spec->width[h] > SIZE_MAX / sizeof(float) / BLOCK / 4) return false;
    for (size_t p = 0; p < spec->profiles; p++) {
        const idp_mlp_profile *profile = &spec->profile[p];
        if (profile->w == NULL || profile->b == NULL || profile->gamma == NULL) return false;
        for (size_t l = 0; l < spec->layers; l++)
            if (profile->w[l] == NULL || profile->b[l] == NULL) return false;
        if (profile->gamma[0] != NULL || profile->gamma[spec->layers] != NULL) return false;
    }
    return true;
}

/* Packs [out][in] weights for one kernel into memory of its own; NULL when there is none. */
static float *packed(const idp_kernel *kernel, size_t out, size_t in, const float *w, const float *b) {
    const size_t floats = idp_packed_floats(kernel, out, in);
    if (floats == 0) return NULL;
    float *weights = aligned_alloc(IDP_ALIGN, idp_round_up(floats * sizeof *weights, IDP_ALIGN));
    if (weights != NULL) idp_pack(kernel, out, in, w, in, b, weights);
    return weights;
}

/* The first profile whose layer l is the very same arrays. */
static size_t owner(const idp_mlp_spec *spec, size_t p, size_t l) {
    size_t q = 0;
    while (spec->profile[q].w[l] != spec->profile[p].w[l] || spec->profile[q].b[l] != spec->profile[p].b[l]) q++;
    return q;
}

static bool fill(idp_mlp *mlp, const idp_mlp_spec *spec) {
    for (size_t p = 0; p < spec->profiles; p++) {
        const idp_mlp_profile *profile = &spec->profile[p];
        for (size_t l = 0; l < spec->layers; l++) {
            struct layer *layer = &mlp->layer[p * spec->layers + l];
            layer->profile_of = owner(spec, p, l);
            if (layer->profile_of != p) {
                *layer = mlp->layer[layer->profile_of * spec->layers + l];
                continue;
            }
            const size_t in = spec->width[l], out = spec->width[l + 1];
            layer->one = packed(mlp->one[l], out, in, profile->w[l], profile->b[l]);
            layer->many = packed(mlp->many, out, in, profile->w[l], profile->b[l]);
            if (layer->one == NULL || layer->many == NULL) return false;
        }
        for (size_t h = 1; h < spec->layers; h++) {
            if (profile->gamma[h] == NULL) continue;
            float *gamma = malloc(spec->width[h] * sizeof *gamma);
            if (gamma == NULL) return false;
            memcpy(gamma, profile->gamma[h], spec->width[h] * sizeof *gamma);
            mlp->gamma[p * (spec->layers + 1) + h] = gamma;
        }
    }
    return true;
}

idp_status idp_mlp_create(const idp_mlp_spec *spec, const idp_backend *backend, idp_mlp **out) {
    if (out == NULL || !valid(spec, backend)) return IDP_BAD_ARGUMENT;
    const idp_status usable = idp_backend_status(backend);
    if (usable != IDP_OK) return usable;
    idp_mlp *mlp = calloc(1, sizeof *mlp);
    if (mlp == NULL) return IDP_NO_MEMORY;
    mlp->layers = spec->layers;
    mlp->profiles = spec->profiles;
    mlp->many = idp_backend_kernel(backend, IDP_LAYOUT_BATCH);
    for (size_t h = 0; h <= spec->layers; h++) {
        mlp->width[h] = spec->width[h];
        mlp->incomplete[h] = spec->incomplete[h];
        if (spec->width[h] > mlp->widest) mlp->widest = spec->width[h];
    }
    for (size_t l = 0; l < spec->layers; l++) {
        const bool outputs_only = !spec->incomplete[l] && spec->incomplete[l + 1];
        mlp->one[l] = idp_backend_kernel(backend, outputs_only ? IDP_LAYOUT_ROW : IDP_LAYOUT_PANEL);
    }
    mlp->layer = calloc(spec->profiles * spec->layers, sizeof *mlp->layer);
    mlp->gamma = calloc(spec->profiles * (spec->layers + 1), sizeof *mlp->gamma);
    if (mlp->layer == NULL || mlp->gamma == NULL || !fill(mlp, spec)) {
        idp_mlp_destroy(mlp);
        return IDP_NO_MEMORY;
    }
    *out = mlp;
    return IDP_OK;
}

void idp_mlp_destroy(idp_mlp *mlp) {
    if (mlp == NULL) return;
    for (size_t p = 0; mlp->layer != NULL && p < mlp->profiles; p++) {
        for (size_t l = 0; l < mlp->layers; l++) {
            struct layer *layer = &mlp->layer[p * mlp->layers + l];
            if (layer->profile_of != p) continue;
            free(layer->one);
            free(layer->many);
        }
    }
    for (size_t g = 0; mlp->gamma != NULL && g < mlp->profiles * (mlp->layers + 1); g++) free(mlp->gamma[g]);
    free(mlp->layer);
    free(mlp->gamma);
    free(mlp);
}

const idp_kernel *idp_mlp_kernel(const idp_mlp *mlp, size_t layer, bool batched) {
    return batched ? mlp->many : mlp->one[layer];
}

/* Two activations that take turns; a block has its samples padded to whole cache lines. */
static size_t activation_floats(const idp_mlp *mlp, size_t samples) {
    return idp_round_up(mlp->widest, IDP_LINE) * (samples == 1 ? 1 : idp_round_up(samples, IDP_LINE));
}

size_t idp_mlp_workspace_bytes(const idp_mlp *mlp, size_t batch) {
    return 2 * activation_floats(mlp, idp_min(batch, BLOCK)) * sizeof(float);
}

/* ---- transposition: the user's samples are row-major, batches run feature-major -------------------------------
 */

/* The baseline of every architecture has registers of four floats; the compiler turns this into its shuffles. */
typedef float four __attribute__((vector_size(16)));

IDP_INLINE four load4(const float *p) {
    four a;
    memcpy(&a, p, sizeof a);
    return a;
}

/* b[c][r] = a[r][c] for a square of four by four. */
IDP_INLINE void transpose_square(const float *a, size_t a_stride, float *b, size_t b_stride) {
    const four r0 = load4(a), r1 = load4(a + a_stride), r2 = load4(a + 2 * a_stride), r3 = load4(a + 3 * a_stride);
    const four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5),
               high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    const four low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5),
               high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    const four c0 = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    const four c1 = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    const four c2 = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    const four c3 = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    memcpy(b, &c0, sizeof c0);
    memcpy(b + b_stride, &c1, sizeof c1);
    memcpy(b + 2 * b_stride, &c2, sizeof c2);
    memcpy(b + 3 * b_stride, &c3, sizeof c3);
}

/* b[column][row] = a[row][column]. Sixteen rows at a time fill whole cache lines of b while those of a stay in L1.
 */
static void transpose(size_t rows, size_t columns, const float *a, size_t a_stride, float *b, size_t b_stride) {
    const size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
    for (size_t r0 = 0; r0 < whole_rows; r0 += IDP_LINE)
        for (size_t c = 0; c < whole_columns; c += 4)
            for (size_t r = r0; r < idp_min(r0 + IDP_LINE, whole_rows); r += 4)
                transpose_square(a + r * a_stride + c, a_stride, b + c * b_stride + r, b_stride);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            b[c * b_stride + r] = a[r * a_stride + c];
}

/* Channels of activation h that take part. */
static size_t used(const idp_mlp *mlp, size_t h, double percent) {
    return mlp->incomplete[h] ? idp_prefix(mlp->width[h], percent) : mlp->width[h];
}

static idp_fc layer_call(const idp_mlp *mlp, size_t profile, size_t l, double percent) {
    return (idp_fc){
        .gamma = mlp->gamma[profile * (mlp->layers + 1) + l + 1],
        .out = mlp->width[l + 1],
        .in = mlp->width[l],
        .m = used(mlp, l + 1, percent),
        .k = used(mlp, l, percent),
        .relu = l + 1 < mlp->layers,
    };
}

static void run_one(const idp_mlp *mlp, size_t profile, double percent, const float *x, float *y, float *turn[2]) {
    for (size_t l = 0; l < mlp->layers; l++) {
        idp_fc fc = layer_call(mlp, profile, l, percent);
        fc.weights = mlp->layer[profile * mlp->layers + l].one;
        fc.x = x;
        fc.y = l + 1 == mlp->layers ? y : turn[l % 2];
        fc.batch = 1;
        mlp->one[l]->run(&fc);
        x = fc.y;
    }
}

static void run_block(const idp_mlp *mlp, size_t profile, double percent, size_t samples, const float *x, float *y,
                      float *turn[2]) {
    const size_t stride = idp_round_up(samples, IDP_LINE);
    transpose(samples, mlp->width[0], x, mlp->width[0], turn[1], stride);
    for (size_t l = 0; l < mlp->layers; l++) {
        idp_fc fc = layer_call(mlp, profile, l, percent);
        fc.weights = mlp->layer[profile * mlp->layers + l].many;
        fc.x = turn[(l + 1) % 2];
        fc.y = turn[l % 2];
        fc.batch = samples;
        fc.x_stride = fc.y_stride = stride;
        mlp->many->run(&fc);
    }
    const size_t classes = mlp->width[mlp->layers];
    transpose(classes, samples, turn[(mlp->layers - 1) % 2], stride, y, classes);
}

idp_status idp_mlp_run(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x, float *y,
                       void *workspace) {
    if (mlp == NULL || profile >= mlp->profiles || !(percent >= 0 && percent <= 100)) return IDP_BAD_ARGUMENT;
    if (batch > 0 && (x == NULL || y == NULL || workspace == NULL)) return IDP_BAD_ARGUMENT;
    if ((uintptr_t)workspace % IDP_ALIGN != 0) return IDP_BAD_ARGUMENT;
    for (size_t s = 0; s < batch; s += BLOCK) {
        const size_t samples = idp_min(BLOCK, batch - s);
        float *turn[2] = {workspace, (float *)workspace + activation_floats(mlp, samples)};
        const float *xs = x + s * mlp->width[0];
        float *ys = y + s * mlp->width[mlp->layers];
        if (samples == 1)
            run_one(mlp, profile, percent, xs, ys, turn);
        else
            run_block(mlp, profile, percent, samples, xs, ys, turn);
    }
    return IDP_OK;
}
