/* refine.c: from the result at one percentage to that at a higher one, for the price of what is new.
 *
 * A hidden channel keeps its value as long as what it is computed from keeps its own: the first layer's outputs
 * always, since the input is complete; those of a later layer below a boundary at which the coupling is zero, once
 * the channels below that boundary are there. Everything else, and the last layer, is computed anew: the inner rows
 * above the last boundary passed, which are the only ones that the new channels reach. */
#include "network.h"

/* At the head of the user's memory; the activations of each block of samples follow. */
typedef struct state {
    size_t profile, batch;
    double percent;
} state;

enum { HEAD = IDP_LINE }; /* floats */
_Static_assert(sizeof(state) <= HEAD * sizeof(float), "the head holds the state");

/* Floats of activation h of that many samples that go together. */
static size_t activation_floats(const idp_mlp *mlp, size_t h, size_t samples) {
    return samples == 1 ? idp_round_up(mlp->width[h], IDP_LINE) : mlp->width[h] * idp_round_up(samples, IDP_LINE);
}

/* So many of the samples that are left go together. */
static size_t take(size_t left) { return left <= IDP_FEW ? 1 : idp_min(left, IDP_BLOCK); }

size_t idp_mlp_state_bytes(const idp_mlp *mlp, size_t batch) {
    size_t total = HEAD;
    for (size_t left = batch, samples; left > 0; left -= samples) {
        samples = take(left);
        for (size_t h = 1; h <= mlp->layers; h++) total += activation_floats(mlp, h, samples);
    }
    return total * sizeof(float);
}

/* Channels below boundary t of activation h; the boundary before the first is 0 %. */
static size_t edge(const idp_mlp *mlp, size_t t, size_t h) {
    return t == 0 ? 0 : mlp->edge[(t - 1) * (mlp->layers + 1) + h];
}

idp_status idp_mlp_kept(const idp_mlp *mlp, size_t from_profile, double from_percent, size_t profile,
                        double percent, size_t *kept) {
    if (mlp == NULL || kept == NULL || from_profile >= mlp->profiles || profile >= mlp->profiles ||
        !(from_percent >= 0 && from_percent <= percent && percent <= 100))
        return IDP_BAD_ARGUMENT;
    const idp_mlp_layer *old = mlp->layer + from_profile * mlp->layers, *new = mlp->layer + profile * mlp->layers;
    size_t had[IDP_MAX_LAYERS + 1], used[IDP_MAX_LAYERS + 1];
    idp_mlp_used(mlp, from_percent, had);
    idp_mlp_used(mlp, percent, used);
    kept[0] = mlp->width[0];
    for (size_t l = 0; l < mlp->layers; l++) {
        kept[l + 1] = 0;
        if (l + 1 == mlp->layers || old[l].copy[IDP_COPY_ONE] != new[l].copy[IDP_COPY_ONE] ||
            old[l].gamma != new[l].gamma)
            continue;
        if (kept[l] == used[l] && had[l] == used[l])
            kept[l + 1] = had[l + 1];
        else if (mlp->incomplete[l] && mlp->incomplete[l + 1])
            for (size_t t = 0; t <= mlp->boundaries; t++)
                if (edge(mlp, t, l) <= kept[l] && edge(mlp, t, l + 1) <= had[l + 1])
                    kept[l + 1] = edge(mlp, t, l + 1);
    }
    return IDP_OK;
}

static void each_block(const idp_mlp *mlp, const state *to, const size_t *used, const size_t *kept, const float *x,
                       float *y, float *memory) {
    float *at[IDP_MAX_LAYERS + 1];
    for (size_t left = to->batch, samples; left > 0; left -= samples) {
        samples = take(left);
        for (size_t h = 1; h <= mlp->layers; h++) {
            at[h] = memory;
            memory += activation_floats(mlp, h, samples);
        }
        if (samples == 1)
            idp_mlp_sample(mlp, to->profile, used, kept, x, y, at);
        else
            idp_mlp_block(mlp, to->profile, used, kept, samples, x, y, at);
        x += samples * mlp->width[0];
        y += samples * mlp->width[mlp->layers];
    }
}

idp_status idp_mlp_start(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x, float *y,
                         void *memory) {
    if (memory == NULL || !idp_mlp_call_is_good(mlp, profile, percent, batch, x, y, memory) || !mlp->refinable)
        return IDP_BAD_ARGUMENT;
    size_t used[IDP_MAX_LAYERS + 1];
    state *s = memory;
    *s = (state){profile, batch, percent};
    idp_mlp_used(mlp, percent, used);
    each_block(mlp, s, used, idp_mlp_nothing, x, y, (float *)memory + HEAD);
    return IDP_OK;
}

idp_status idp_mlp_refine(const idp_mlp *mlp, size_t profile, double percent, const float *x, float *y,
                          void *memory) {
    state *s = memory;
    size_t kept[IDP_MAX_LAYERS + 1], used[IDP_MAX_LAYERS + 1];
    if (memory == NULL || !idp_mlp_call_is_good(mlp, profile, percent, 0, x, y, memory) || !mlp->refinable ||
        (s->batch > 0 && (x == NULL || y == NULL)) ||
        idp_mlp_kept(mlp, s->profile, s->percent, profile, percent, kept) != IDP_OK)
        return IDP_BAD_ARGUMENT;
    idp_mlp_used(mlp, percent, used);
    *s = (state){profile, s->batch, percent};
    each_block(mlp, s, used, kept, x, y, (float *)memory + HEAD);
    return IDP_OK;
}
