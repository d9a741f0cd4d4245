/* batch_few.h: the last samples of a batch, where whole tiles leave few over (idp_few), with the outputs of a panel
 * in the lanes and so many panels at once that there are sums enough in flight. With samples in the lanes they
 * would cost as much as a full register of samples. All channels in one go, in their order: a sample's result is
 * that of batch.h, bit by bit.
 *
 * Bound by the loads, from five samples on by the FMA pipes: for samples x panels FMAs one load of weights for each
 * panel (masked, for a panel is narrower than a register) and one broadcast for each sample. */
#ifndef IDP_BATCH_FEW_H
#define IDP_BATCH_FEW_H

#include "backend.h"

/* Panels and samples at once, at most: their sums are in registers, of which there are 32 where they are wide. */
enum { FEW_PANELS = 8, FEW_SAMPLES = LANES < 16 ? 6 : 12 };

/* The samples of a layer that this runs; channel i of sample s is x[i * x_channel + s * x_sample]. */
typedef struct few {
    const idp_fc *fc;
    const float *x;
    size_t x_channel, x_sample;
    float *y; /* [m][y_stride], of the first of the samples */
} few;

/* Through memory, once: where sums are picked out of their registers by a loop, they rest there all the time. */
IDP_INLINE void few_store(const few *f, vec sum[FEW_PANELS][FEW_SAMPLES], size_t j0, size_t width, size_t panels,
                          size_t samples) {
    const idp_fc *fc = f->fc;
    _Alignas(IDP_ALIGN) float out[FEW_PANELS * FEW_SAMPLES][LANES];
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
    if ((size_t)OUTPUTS > LANES) return; /* no panel fits a register: idp_few never asks for this */
    const idp_fc *fc = f->fc;
    const size_t panel_floats = (fc->in + 1) * width;
    vec sum[FEW_PANELS][FEW_SAMPLES];
    const float *w = packed, *x = f->x;
    /* A channel's samples stay in registers, or its weights: AVX2 has 16, with the sums, a mask and one more. */
    const bool hold_samples = samples * panels + samples + 2 <= 16;
    IDP_UNROLL
    for (size_t p = 0; p < panels; p++) IDP_UNROLL
    for (size_t s = 0; s < samples; s++) sum[p][s] = load_part(w + p * panel_floats, width);
    for (size_t i = 0; i < fc->k; i++) {
        w += width;
        if (hold_samples) {
            vec xs[FEW_SAMPLES];
            IDP_UNROLL
            for (size_t s = 0; s < samples; s++) xs[s] = set1(x[s * f->x_sample]);
            IDP_UNROLL
            for (size_t p = 0; p < panels; p++) {
                const vec wp = load_part(w + p * panel_floats, width);
                IDP_UNROLL
                for (size_t s = 0; s < samples; s++) sum[p][s] = fmadd(wp, xs[s], sum[p][s]);
            }
        } else {
            vec wp[FEW_PANELS];
            IDP_UNROLL
            for (size_t p = 0; p < panels; p++) wp[p] = load_part(w + p * panel_floats, width);
            IDP_UNROLL
            for (size_t s = 0; s < samples; s++) {
                const vec xs = set1(x[s * f->x_sample]);
                IDP_UNROLL
                for (size_t p = 0; p < panels; p++) sum[p][s] = fmadd(wp[p], xs, sum[p][s]);
            }
        }
        x += f->x_channel;
    }
    few_store(f, sum, j0, width, panels, samples);
}

/* A place among the panels. */
typedef struct few_place {
    const float *w;
    size_t j0;
} few_place;

/* `at_once` panels while there are so many. */
IDP_INLINE few_place few_groups(const few *f, few_place at, size_t at_once, size_t samples) {
    const idp_fc *fc = f->fc;
    while (at.j0 + (at_once - 1) * OUTPUTS < fc->m && at.j0 + at_once * OUTPUTS <= fc->out) {
        few_panels(f, at.w, at.j0, OUTPUTS, at_once, samples);
        at = (few_place){at.w + at_once * (fc->in + 1) * OUTPUTS, at.j0 + at_once * OUTPUTS};
    }
    return at;
}

/* Every panel: `at_once` of them while there are, then fewer; the last may be narrower. */
IDP_INLINE void few_outputs(const few *f, size_t at_once, size_t samples) {
    const idp_fc *fc = f->fc;
    few_place at = few_groups(f, (few_place){fc->weights, 0}, at_once, samples);
    if (at_once > 4) at = few_groups(f, at, 4, samples);
    if (at_once > 2) at = few_groups(f, at, 2, samples);
    at = few_groups(f, at, 1, samples);
    if (at.j0 < fc->m) few_panels(f, at.w, at.j0, fc->out - at.j0, 1, samples);
}

/* Panels at once: 8 sums or more, and all in 16 registers; from seven samples on in 32, and elsewhere never called.
 */
IDP_OWN void few_1(const few *f) { few_outputs(f, FEW_PANELS, 1); }
IDP_OWN void few_2(const few *f) { few_outputs(f, 5, 2); }
IDP_OWN void few_3(const few *f) { few_outputs(f, 3, 3); }
IDP_OWN void few_4(const few *f) { few_outputs(f, 2, 4); }
IDP_OWN void few_5(const few *f) { few_outputs(f, 2, 5); }
IDP_OWN void few_6(const few *f) { few_outputs(f, 2, 6); }
IDP_OWN void few_7(const few *f) { few_outputs(f, 2, idp_min(7, FEW_SAMPLES)); }
IDP_OWN void few_8(const few *f) { few_outputs(f, 2, idp_min(8, FEW_SAMPLES)); }
IDP_OWN void few_9(const few *f) { few_outputs(f, 2, idp_min(9, FEW_SAMPLES)); }
IDP_OWN void few_10(const few *f) { few_outputs(f, 2, idp_min(10, FEW_SAMPLES)); }
IDP_OWN void few_11(const few *f) { few_outputs(f, 2, idp_min(11, FEW_SAMPLES)); }
IDP_OWN void few_12(const few *f) { few_outputs(f, 2, idp_min(12, FEW_SAMPLES)); }

/* More than fit at once in two goes. Without channels x may be NULL, which bears no offset. */
IDP_INLINE void few_run(const few *f, size_t samples) {
    static void (*const of[])(const few *f) = {few_1, few_2, few_3, few_4,  few_5,  few_6,
                                               few_7, few_8, few_9, few_10, few_11, few_12};
    const size_t half = samples > FEW_SAMPLES ? samples / 2 : 0;
    const float *x = f->fc->k > 0 ? f->x + half * f->x_sample : f->x;
    if (half > 0) of[half - 1](f);
    of[samples - half - 1](&(few){f->fc, x, f->x_channel, f->x_sample, f->y + half});
}
#endif
