/* batch_few.h: the last samples of a batch, where whole tiles leave few over: one to IDP_FEW_MOST of them, with the
 * outputs of a panel in the lanes and so many panels at once that there are sums enough in flight. With samples in
 * the lanes they would cost as much as a full register of samples, which has too few sums to hide the latency of
 * the FMAs. All channels in one go, in their order: a sample's result is that of batch.h, bit by bit.
 *
 * Bound by the loads: one of weights for each panel (masked, for a panel is narrower than a register) and one
 * broadcast for each sample, for samples x panels FMAs. */
#ifndef IDP_BATCH_FEW_H
#define IDP_BATCH_FEW_H

#include "backend.h"

enum { FEW_PANELS = 8 };

/* The samples of a layer that this runs; channel i of sample s is x[i * x_channel + s * x_sample]. */
typedef struct few {
    const idp_fc *fc;
    const float *x;
    size_t x_channel, x_sample;
    float *y; /* [m][y_stride], of the first of the samples */
} few;

/* Through memory, once: where sums are picked out of their registers by a loop, they rest there all the time. */
IDP_INLINE void few_store(const few *f, vec sum[FEW_PANELS][IDP_FEW_MOST], size_t j0, size_t width, size_t panels,
                          size_t samples) {
    const idp_fc *fc = f->fc;
    _Alignas(IDP_ALIGN) float out[FEW_PANELS * IDP_FEW_MOST][LANES];
    IDP_UNROLL
    for (size_t p = 0; p < panels; p++) IDP_UNROLL
    for (size_t s = 0; s < samples; s++) store(out[p * samples + s], fc->relu ? relu(sum[p][s]) : sum[p][s]);
    for (size_t p = 0; p < panels; p++, j0 += width)
        for (size_t r = 0; r < idp_min(width, fc->m - j0); r++)
            for (size_t s = 0; s < samples; s++)
                f->y[(j0 + r) * fc->y_stride + s] =
                    fc->gamma != NULL ? out[p * samples + s][r] * fc->gamma[j0 + r] : out[p * samples + s][r];
}

/* Outputs j0 .. of `panels` neighbouring panels, each `width` outputs wide in memory. */
IDP_INLINE void few_panels(const few *f, const float *packed, size_t j0, size_t width, size_t panels,
                           size_t samples) {
    const idp_fc *fc = f->fc;
    const size_t panel_floats = (fc->in + 1) * width;
    vec sum[FEW_PANELS][IDP_FEW_MOST];
    const float *w = packed, *x = f->x;
    IDP_UNROLL
    for (size_t p = 0; p < panels; p++) IDP_UNROLL
    for (size_t s = 0; s < samples; s++) sum[p][s] = load_part(w + p * panel_floats, width);
    for (size_t i = 0; i < fc->k; i++) {
        vec xs[IDP_FEW_MOST];
        w += width;
        IDP_UNROLL
        for (size_t s = 0; s < samples; s++) xs[s] = set1(x[s * f->x_sample]);
        IDP_UNROLL
        for (size_t p = 0; p < panels; p++) {
            const vec wp = load_part(w + p * panel_floats, width);
            IDP_UNROLL
            for (size_t s = 0; s < samples; s++) sum[p][s] = fmadd(wp, xs[s], sum[p][s]);
        }
        x += f->x_channel;
    }
    few_store(f, sum, j0, width, panels, samples);
}

/* Panels from the first on, `at_once` of them while there are; then one by one, and the last, which may be
 * narrower. */
IDP_INLINE void few_outputs(const few *f, size_t panel, size_t at_once, size_t samples) {
    const idp_fc *fc = f->fc;
    const size_t panel_floats = (fc->in + 1) * panel;
    const float *w = fc->weights;
    size_t j0 = 0;
    for (; j0 + (at_once - 1) * panel < fc->m && j0 + at_once * panel <= fc->out; j0 += at_once * panel) {
        few_panels(f, w, j0, panel, at_once, samples);
        w += at_once * panel_floats;
    }
    for (; j0 < fc->m; j0 += panel, w += panel_floats)
        few_panels(f, w, j0, idp_min(panel, fc->out - j0), 1, samples);
}

/* Panels at once: 8 sums or more, and all in 16 registers. */
IDP_INLINE void few_run(const few *f, size_t panel, size_t samples) {
    switch (samples) {
    case 1: few_outputs(f, panel, 8, 1); break;
    case 2: few_outputs(f, panel, 5, 2); break;
    case 3: few_outputs(f, panel, 3, 3); break;
    case 4: few_outputs(f, panel, 2, 4); break;
    default: break;
    }
}
#endif
