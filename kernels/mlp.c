/* mlp.c: makes a network ready to run: checks the specification, chooses the kernels, packs. run.c runs it.
 *
 * Which layout a layer takes at batch 1 follows from how it is cut: where its inputs are complete and its outputs
 * are cut, row-major keeps what is read contiguous; where its inputs are cut, panels do. */
#include <stdlib.h>
#include <string.h>

#include "network.h"

/* ---- the specification ---------------------------------------------------------------------------------------
 */

static bool boundaries_are_good(const idp_mlp_spec *spec) {
    if (spec->boundaries > 0 && spec->boundary == NULL) return false;
    for (size_t t = 0; t < spec->boundaries; t++) {
        const double below = t > 0 ? spec->boundary[t - 1] : 0;
        if (!(spec->boundary[t] > below && spec->boundary[t] < 100)) return false;
    }
    return spec->boundaries < SIZE_MAX / sizeof(size_t) / (IDP_MAX_LAYERS + 1);
}

static bool valid(const idp_mlp_spec *spec, const idp_backend *backend) {
    if (spec == NULL || backend == NULL || spec->layers == 0 || spec->layers > IDP_MAX_LAYERS) return false;
    if (spec->width == NULL || spec->incomplete == NULL || spec->profile == NULL || spec->profiles == 0)
        return false;
    if (spec->profiles > SIZE_MAX / sizeof(idp_mlp_layer) / IDP_MAX_LAYERS) return false;
    if (spec->incomplete[0] || spec->incomplete[spec->layers] || !boundaries_are_good(spec)) return false;
    for (size_t h = 0; h <= spec->layers; h++)
        if (spec->width[h] == 0 || spec->width[h] > UINT32_MAX / sizeof(float) / IDP_BLOCK / 4) return false;
    for (size_t l = 0; l < spec->layers && spec->layout != NULL; l++)
        if (spec->layout[l] != IDP_LAYOUT_PANEL && spec->layout[l] != IDP_LAYOUT_ROW) return false;
    for (size_t p = 0; p < spec->profiles; p++) {
        const idp_mlp_profile *profile = &spec->profile[p];
        if (profile->w == NULL || profile->b == NULL || profile->gamma == NULL) return false;
        for (size_t l = 0; l < spec->layers; l++)
            if (profile->w[l] == NULL || profile->b[l] == NULL) return false;
        if (profile->gamma[0] != NULL || profile->gamma[spec->layers] != NULL) return false;
    }
    return true;
}

/* Whether no weight of w leads from a channel beyond one of the boundaries to an output below it. */
static bool uncoupled(const idp_mlp *mlp, size_t l, const float *w) {
    for (size_t t = 0; t < mlp->boundaries; t++) {
        const size_t *edge = mlp->edge + t * (mlp->layers + 1);
        for (size_t j = 0; j < edge[l + 1]; j++)
            for (size_t i = edge[l]; i < mlp->width[l]; i++)
                if (!(w[j * mlp->width[l] + i] == 0)) return false;
    }
    return true;
}

static bool couplings_are_zero(const idp_mlp *mlp, const idp_mlp_spec *spec) {
    for (size_t p = 0; p < spec->profiles; p++)
        for (size_t l = 1; l + 1 < spec->layers; l++)
            if (spec->incomplete[l] && spec->incomplete[l + 1] && !uncoupled(mlp, l, spec->profile[p].w[l]))
                return false;
    return true;
}

/* ---- packing -------------------------------------------------------------------------------------------------
 */

/* SIZE_MAX: more than there can be. */
static size_t floats_bytes(size_t count) {
    if (count == 0 || count > SIZE_MAX / sizeof(float) / 2) return SIZE_MAX;
    return idp_round_up(count * sizeof(float), IDP_ALIGN);
}

static float *floats(size_t count) {
    const size_t bytes = floats_bytes(count);
    return bytes < SIZE_MAX ? aligned_alloc(IDP_ALIGN, bytes) : NULL;
}

/* Packs [out][in] weights for one kernel into memory of its own; NULL when there is none. */
static float *packed(const idp_kernel *kernel, size_t out, size_t in, const float *w, const float *b) {
    float *weights = floats(idp_packed_floats(kernel, out, in));
    if (weights != NULL) idp_pack(kernel, out, in, w, in, b, weights);
    return weights;
}

static float *packed_rows(const idp_kernel *row, size_t out, size_t in, const float *w, const float *b) {
    if (idp_packed_floats(row, out, in) == 0) return NULL;
    float *rows = floats(idp_rows_floats(out, in));
    if (rows != NULL) idp_rows_pack(out, in, w, b, rows);
    return rows;
}

/* With channels of zeros behind the last: see IDP_COPY_MANY. */
static float *packed_many(const idp_kernel *many, size_t out, size_t in, const float *w, const float *b) {
    const size_t padded = idp_many_in(many, in);
    if (idp_packed_floats(many, out, padded) == 0) return NULL;
    float *wide = floats(out * padded), *weights = NULL;
    if (wide != NULL) {
        for (size_t j = 0; j < out; j++) {
            memcpy(wide + j * padded, w + j * in, in * sizeof *wide);
            memset(wide + j * padded + in, 0, (padded - in) * sizeof *wide);
        }
        weights = packed(many, out, padded, wide, b);
    }
    free(wide);
    return weights;
}

/* All but the last layer can be refined. */
static bool has_rows(const idp_mlp *mlp, size_t l) { return mlp->refinable && l + 1 < mlp->layers; }

/* The copy for batch 1 lies in that of rows. */
static bool one_in_rows(const idp_mlp *mlp, size_t l) { return has_rows(mlp, l) && mlp->one[l] == mlp->row; }

/* The copies of a layer whose arrays no earlier profile has. */
static bool pack_layer(const idp_mlp *mlp, size_t l, const float *w, const float *b, float **owned,
                       const float **copy) {
    const size_t in = mlp->width[l], out = mlp->width[l + 1];
    const bool refinable = has_rows(mlp, l), in_rows = one_in_rows(mlp, l);
    owned[IDP_COPY_MANY] = packed_many(mlp->many, out, in, w, b);
    if (refinable) owned[IDP_COPY_ROWS] = packed_rows(mlp->row, out, in, w, b);
    if (!in_rows) owned[IDP_COPY_ONE] = packed(mlp->one[l], out, in, w, b);
    for (size_t c = 0; c < IDP_COPIES; c++) copy[c] = owned[c];
    if (refinable && copy[IDP_COPY_ROWS] == NULL) return false;
    if (in_rows) copy[IDP_COPY_ONE] = idp_rows_whole(copy[IDP_COPY_ROWS], out);
    return copy[IDP_COPY_ONE] != NULL && copy[IDP_COPY_MANY] != NULL;
}

static size_t sum(size_t a, size_t b) { return b < SIZE_MAX - a ? a + b : SIZE_MAX; }

/* Bytes of what pack_layer packs; *scratch: those of packed_many's wider weights, beside its copy and before the
 * others. */
static size_t layer_bytes(const idp_mlp *mlp, size_t l, size_t *scratch) {
    const size_t in = mlp->width[l], out = mlp->width[l + 1], padded = idp_many_in(mlp->many, in);
    const size_t many = floats_bytes(idp_packed_floats(mlp->many, out, padded));
    size_t others = 0;
    *scratch = 0;
    if (many == SIZE_MAX) return SIZE_MAX;
    if (!one_in_rows(mlp, l)) others = floats_bytes(idp_packed_floats(mlp->one[l], out, in));
    if (has_rows(mlp, l))
        others = idp_packed_floats(mlp->row, out, in) == 0 ? SIZE_MAX
                                                           : sum(others, floats_bytes(idp_rows_floats(out, in)));
    const size_t wide = floats_bytes(out * padded);
    if (wide > others) *scratch = wide - others;
    return sum(many, others);
}

/* The first profile whose layer l is the very same arrays. */
static size_t owner(const idp_mlp_spec *spec, size_t p, size_t l) {
    size_t q = 0;
    while (spec->profile[q].w[l] != spec->profile[p].w[l] || spec->profile[q].b[l] != spec->profile[p].b[l]) q++;
    return q;
}

/* The first profile with the same coefficients for activation h. */
static size_t gamma_owner(const idp_mlp_spec *spec, size_t p, size_t h) {
    const float *gamma = spec->profile[p].gamma[h];
    for (size_t q = 0; q < p; q++) {
        const float *other = spec->profile[q].gamma[h];
        if (other != NULL && memcmp(other, gamma, spec->width[h] * sizeof *gamma) == 0) return q;
    }
    return p;
}

static bool copy_gamma(idp_mlp *mlp, const idp_mlp_spec *spec, size_t p, size_t h) {
    float **own = &mlp->gamma[p * (mlp->layers + 1) + h];
    if (spec->profile[p].gamma[h] == NULL) return true;
    const size_t q = gamma_owner(spec, p, h);
    if (q == p) {
        *own = floats(mlp->width[h]);
        if (*own == NULL) return false;
        memcpy(*own, spec->profile[p].gamma[h], mlp->width[h] * sizeof **own);
    } else {
        *own = mlp->gamma[q * (mlp->layers + 1) + h];
    }
    return true;
}

static bool fill(idp_mlp *mlp, const idp_mlp_spec *spec) {
    for (size_t p = 0; p < spec->profiles; p++) {
        for (size_t h = 1; h < spec->layers; h++)
            if (!copy_gamma(mlp, spec, p, h)) return false;
        for (size_t l = 0; l < spec->layers; l++) {
            const size_t here = p * spec->layers + l, same = owner(spec, p, l) * spec->layers + l;
            if (same == here) {
                if (!pack_layer(mlp, l, spec->profile[p].w[l], spec->profile[p].b[l],
                                mlp->owned + here * IDP_COPIES, mlp->layer[here].copy))
                    return false;
            } else {
                mlp->layer[here] = mlp->layer[same];
            }
            mlp->layer[here].gamma = mlp->gamma[p * (spec->layers + 1) + l + 1];
            mlp->layer[here].one = mlp->one[l]->run;
            mlp->layer[here].out = (uint32_t)spec->width[l + 1];
            mlp->layer[here].in = (uint32_t)spec->width[l];
        }
    }
    return true;
}

/* ---- the network ---------------------------------------------------------------------------------------------
 */

static idp_mlp_layer *layers_new(size_t count) {
    _Static_assert(sizeof(idp_mlp_layer) == IDP_ALIGN, "a layer is a cache line");
    idp_mlp_layer *layers = aligned_alloc(IDP_ALIGN, count * sizeof *layers);
    if (layers != NULL) memset(layers, 0, count * sizeof *layers);
    return layers;
}

/* What needs no memory of its own. */
static void describe(idp_mlp *mlp, const idp_mlp_spec *spec, const idp_backend *backend) {
    mlp->layers = spec->layers;
    mlp->profiles = spec->profiles;
    mlp->boundaries = spec->boundaries;
    mlp->refinable = spec->refinable;
    mlp->many = idp_backend_kernel(backend, IDP_LAYOUT_BATCH);
    mlp->row = idp_backend_kernel(backend, IDP_LAYOUT_ROW);
    mlp->sample = idp_backend_kernel(backend, IDP_LAYOUT_SAMPLE);
    for (size_t h = 0; h <= spec->layers; h++) {
        mlp->width[h] = spec->width[h];
        mlp->incomplete[h] = spec->incomplete[h];
        if (spec->width[h] > mlp->widest) mlp->widest = spec->width[h];
    }
    for (size_t l = 0; l < spec->layers; l++) {
        const bool outputs_only = !spec->incomplete[l] && spec->incomplete[l + 1];
        const idp_layout chosen = outputs_only ? IDP_LAYOUT_ROW : IDP_LAYOUT_PANEL;
        mlp->one[l] = idp_backend_kernel(backend, spec->layout != NULL ? spec->layout[l] : chosen);
    }
}

size_t idp_mlp_bytes(const idp_mlp_spec *spec, const idp_backend *backend) {
    if (!valid(spec, backend) || idp_backend_status(backend) != IDP_OK) return 0;
    idp_mlp mlp = {0};
    describe(&mlp, spec, backend);
    size_t kept = sizeof mlp + (spec->boundaries + 1) * (spec->layers + 1) * sizeof *mlp.edge, most = 0;
    kept = sum(kept, spec->profiles * (spec->layers * (sizeof *mlp.layer + IDP_COPIES * sizeof *mlp.owned) +
                                       (spec->layers + 1) * sizeof *mlp.gamma));
    for (size_t p = 0; p < spec->profiles; p++) {
        for (size_t h = 1; h < spec->layers; h++)
            if (spec->profile[p].gamma[h] != NULL && gamma_owner(spec, p, h) == p)
                kept = sum(kept, floats_bytes(spec->width[h]));
        for (size_t l = 0; l < spec->layers; l++) {
            size_t scratch;
            if (owner(spec, p, l) != p) continue;
            kept = sum(kept, layer_bytes(&mlp, l, &scratch));
            if (sum(kept, scratch) > most) most = sum(kept, scratch);
        }
    }
    return most > kept ? most : kept;
}

idp_status idp_mlp_create(const idp_mlp_spec *spec, const idp_backend *backend, idp_mlp **out) {
    if (out == NULL || !valid(spec, backend)) return IDP_BAD_ARGUMENT;
    idp_status status = idp_backend_status(backend);
    if (status != IDP_OK) return status;
    idp_mlp *mlp = calloc(1, sizeof *mlp);
    if (mlp == NULL) return IDP_NO_MEMORY;
    describe(mlp, spec, backend);
    mlp->edge = calloc(spec->boundaries + 1, (spec->layers + 1) * sizeof *mlp->edge);
    mlp->layer = layers_new(spec->profiles * spec->layers);
    mlp->gamma = calloc(spec->profiles * (spec->layers + 1), sizeof *mlp->gamma);
    mlp->owned = calloc(spec->profiles * spec->layers, IDP_COPIES * sizeof *mlp->owned);
    status = IDP_NO_MEMORY;
    if (mlp->edge == NULL || mlp->layer == NULL || mlp->gamma == NULL || mlp->owned == NULL) goto failed;
    for (size_t t = 0; t < spec->boundaries; t++)
        idp_mlp_used(mlp, spec->boundary[t], mlp->edge + t * (spec->layers + 1));
    if (!couplings_are_zero(mlp, spec)) {
        status = IDP_COUPLED;
        goto failed;
    }
    if (!fill(mlp, spec)) goto failed;
    *out = mlp;
    return IDP_OK;
failed:
    idp_mlp_destroy(mlp);
    return status;
}

void idp_mlp_destroy(idp_mlp *mlp) {
    if (mlp == NULL) return;
    for (size_t n = 0; mlp->owned != NULL && n < mlp->profiles * mlp->layers * IDP_COPIES; n++) free(mlp->owned[n]);
    for (size_t h = 1; mlp->gamma != NULL && h < mlp->layers; h++)
        for (size_t p = mlp->profiles; p-- > 0;) { /* shared with an earlier one: not its own to free */
            size_t q = 0;
            while (mlp->gamma[q * (mlp->layers + 1) + h] != mlp->gamma[p * (mlp->layers + 1) + h]) q++;
            if (q == p) free(mlp->gamma[p * (mlp->layers + 1) + h]);
        }
    free(mlp->edge);
    free(mlp->layer);
    free(mlp->owned);
    free(mlp->gamma);
    free(mlp);
}

const idp_kernel *idp_mlp_kernel(const idp_mlp *mlp, size_t layer, bool batched) {
    return !batched ? mlp->one[layer] : layer == 0 ? mlp->sample : mlp->many;
}
