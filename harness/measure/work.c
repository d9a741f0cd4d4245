#include "work.h"

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Packed width of the panel that starts at output j0 (see idp_kernel). */
static size_t panel_width(const idp_kernel *kernel, size_t out, size_t j0) {
    return least(kernel->panel, round_up(out - j0, kernel->panel_granule));
}

/* Panel: registers over the outputs that are used; portable C runs the whole width of a panel. */
static size_t panel_outputs(const idp_kernel *kernel, bool whole, const idp_fc *fc) {
    size_t outputs = 0;
    for (size_t j0 = 0; j0 < fc->m; j0 += kernel->panel) {
        const size_t width = panel_width(kernel, fc->out, j0);
        outputs += whole ? width : round_up(least(width, fc->m - j0), kernel->lanes);
    }
    return outputs;
}

/* Batch in portable C: a panel that is begun is computed whole. */
static size_t batch_outputs(const idp_kernel *kernel, const idp_fc *fc) {
    size_t outputs = 0;
    for (size_t j0 = 0; j0 < fc->m; j0 += kernel->panel) outputs += panel_width(kernel, fc->out, j0);
    return outputs;
}

work work_predict(const idp_kernel *kernel, idp_origin origin, const idp_fc *fc) {
    const size_t samples = idp_layout_batched(kernel->layout) ? fc->batch : 1;
    size_t outputs = fc->m, channels = fc->k, lanes = samples;
    switch (kernel->layout) {
    case IDP_LAYOUT_PANEL: outputs = panel_outputs(kernel, origin != IDP_ORIGIN_HAND, fc); break;
    case IDP_LAYOUT_BATCH:
    case IDP_LAYOUT_SAMPLE:
        if (origin != IDP_ORIGIN_HAND) outputs = batch_outputs(kernel, fc);
        lanes =
            round_up(samples, kernel->lanes); /* blocks of tile_batch samples are whole registers but the last */
        break;
    case IDP_LAYOUT_ROW: channels = round_up(fc->k, kernel->lanes); break;
    }
    const uint64_t wanted = (uint64_t)fc->m * fc->k * samples;
    return (work){.wanted = wanted,
                  .output_padding = (uint64_t)(outputs - fc->m) * fc->k * samples,
                  .sample_padding = (uint64_t)outputs * fc->k * (lanes - samples),
                  .channel_padding = (uint64_t)fc->m * (channels - fc->k)};
}

uint64_t work_issued(const work *w) {
    return w->wanted + w->output_padding + w->sample_padding + w->channel_padding;
}

uint64_t work_footprint_bytes(const idp_kernel *kernel, const idp_fc *fc) {
    const size_t samples = idp_layout_batched(kernel->layout) ? fc->batch : 1;
    const size_t columns = kernel->layout == IDP_LAYOUT_ROW ? fc->m : batch_outputs(kernel, fc);
    const uint64_t weights = (uint64_t)columns * (fc->k + 1), gamma = fc->gamma != NULL ? fc->m : 0;
    return (weights + gamma + (uint64_t)(fc->k + fc->m) * samples) * sizeof(float);
}
