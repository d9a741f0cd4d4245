/* run.c: a network at any percentage: batch 1 layer after layer on the user's vector; a batch in blocks that stay
 * in the L2 cache; their first layer reads the user's rows, the others run feature-major. */
#include "network.h"

const size_t idp_mlp_nothing[IDP_MAX_LAYERS + 1] = {0};

void idp_mlp_used(const idp_mlp *mlp, double percent, size_t *used) {
    size_t width = 0, channels = 0; /* layers of one width share the division */
    for (size_t h = 0; h <= mlp->layers; h++) {
        if (mlp->incomplete[h] && mlp->width[h] != width) channels = idp_prefix(width = mlp->width[h], percent);
        used[h] = mlp->incomplete[h] ? channels : mlp->width[h];
    }
}

bool idp_mlp_call_is_good(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x,
                          const float *y, const void *memory) {
    return mlp != NULL && profile < mlp->profiles && percent >= 0 && percent <= 100 &&
           (batch == 0 || (x != NULL && y != NULL && memory != NULL)) && (uintptr_t)memory % IDP_ALIGN == 0;
}

void idp_mlp_sample(const idp_mlp *mlp, size_t profile, const size_t *used, const size_t *kept, const float *x,
                    float *y, float *const *at) {
    const size_t layers = mlp->layers;
    const idp_mlp_layer *layer = mlp->layer + profile * layers;
    for (size_t l = 0; l < layers; l++, layer++) {
        const bool last = l + 1 == layers;
        idp_fc fc = {.weights = layer->copy[IDP_COPY_ONE],
                     .x = x,
                     .y = last ? y : at[l + 1],
                     .gamma = layer->gamma,
                     .out = layer->out,
                     .in = layer->in,
                     .m = used[l + 1],
                     .k = used[l],
                     .batch = 1,
                     .relu = !last};
        x = fc.y;
        if (kept[l + 1] > 0) {
            idp_rows_from(&fc, layer->copy[IDP_COPY_ROWS], kept[l + 1]);
            mlp->row->run(&fc);
        } else {
            layer->one(&fc);
        }
    }
}

size_t idp_many_in(const idp_kernel *many, size_t in) {
    size_t granule = IDP_LINE; /* (in + 1) * panel is to be a multiple of a line */
    for (size_t panel = many->panel; panel % 2 == 0 && granule > 1; panel /= 2) granule /= 2;
    return idp_round_up(in + 1, granule) - 1;
}

/* Leaves the panels before the one that holds output `first` out of a call that is otherwise complete. */
static void many_from(idp_fc *fc, size_t panel, size_t first) {
    first -= first % panel;
    fc->weights += first * (fc->in + 1);
    fc->y += first * fc->y_stride;
    fc->out -= first;
    fc->m -= idp_min(first, fc->m);
    if (fc->gamma != NULL) fc->gamma += first;
}

void idp_mlp_block(const idp_mlp *mlp, size_t profile, const size_t *used, const size_t *kept, size_t samples,
                   const float *x, float *y, float *const *at) {
    const size_t stride = idp_round_up(samples, IDP_LINE), classes = mlp->width[mlp->layers];
    const idp_mlp_layer *layer = mlp->layer + profile * mlp->layers;
    for (size_t l = 0; l < mlp->layers; l++, layer++) {
        idp_fc fc = {.weights = layer->copy[IDP_COPY_MANY],
                     .x = l == 0 ? x : at[l],
                     .y = at[l + 1],
                     .gamma = layer->gamma,
                     .out = layer->out,
                     .in = idp_many_in(mlp->many, layer->in),
                     .m = used[l + 1],
                     .k = used[l],
                     .batch = samples,
                     .x_stride = l == 0 ? layer->in : stride,
                     .y_stride = stride,
                     .relu = l + 1 < mlp->layers};
        many_from(&fc, mlp->many->panel, kept[l + 1]);
        if (fc.m > 0) (l == 0 ? mlp->sample : mlp->many)->run(&fc);
    }
    idp_transpose(classes, samples, at[mlp->layers], stride, y, classes);
}

/* ---- run: nothing is kept, two activations take turns ---------------------------------------------------------
 */

static size_t turn_floats(const idp_mlp *mlp, size_t samples) {
    return idp_round_up(mlp->widest, IDP_LINE) * (samples <= IDP_FEW ? 1 : idp_round_up(samples, IDP_LINE));
}

size_t idp_mlp_workspace_bytes(const idp_mlp *mlp, size_t batch) {
    return 2 * turn_floats(mlp, idp_min(batch, IDP_BLOCK)) * sizeof(float);
}

idp_status idp_mlp_run(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x, float *y,
                       void *workspace) {
    if (!idp_mlp_call_is_good(mlp, profile, percent, batch, x, y, workspace)) return IDP_BAD_ARGUMENT;
    const size_t inputs = mlp->width[0], classes = mlp->width[mlp->layers];
    size_t used[IDP_MAX_LAYERS + 1];
    float *at[IDP_MAX_LAYERS + 1];
    idp_mlp_used(mlp, percent, used);
    for (size_t samples; batch > 0; batch -= samples, x += samples * inputs, y += samples * classes) {
        samples = batch <= IDP_FEW ? 1 : idp_min(batch, IDP_BLOCK);
        float *const turn[] = {workspace, (float *)workspace + turn_floats(mlp, samples)};
        for (size_t h = 0; h <= mlp->layers; h++) at[h] = turn[h % 2];
        if (samples == 1)
            idp_mlp_sample(mlp, profile, used, idp_mlp_nothing, x, y, at);
        else
            idp_mlp_block(mlp, profile, used, idp_mlp_nothing, samples, x, y, at);
    }
    return IDP_OK;
}
