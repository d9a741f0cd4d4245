#include "work.h"

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Packed width of the panel that starts at output j0 (see idp_kernel). */
static size_t panel_width(const idp_kernel *kernel, size_t out, size_t j0) {
    return least(kernel->panel, round_up(out - j0, kernel->panel_granule));
}

/* Hand-written kernels run registers over the outputs that are used. A last panel of fewer than 16 that does not
 * fill its registers is run in groups of channels instead (as many as a register has granules), the bias being the
 * channel before the first. Portable C runs the whole width of a panel. */
static work panel_work(const idp_kernel *kernel, bool hand, const idp_fc *fc) {
    enum { NARROW = 16 };
    work w = {.wanted = (uint64_t)fc->m * fc->k};
    for (size_t j0 = 0; j0 < fc->m && fc->k > 0; j0 += kernel->panel) {
        const size_t width = panel_width(kernel, fc->out, j0), used = least(width, fc->m - j0);
        const bool groups = hand && width < NARROW && width % kernel->lanes != 0;
        const size_t outputs = hand && !groups ? round_up(used, kernel->lanes) : width;
        const size_t group = kernel->lanes / kernel->panel_granule;
        const size_t channels = groups ? round_up(fc->k + 1, group) : fc->k;
        w.output_padding += (uint64_t)(outputs - used) * fc->k;
        w.channel_padding += (uint64_t)outputs * (channels - fc->k);
    }
    return w;
}

/* Batch in portable C: a panel that is begun is computed whole. */
static size_t batch_outputs(const idp_kernel *kernel, const idp_fc *fc) {
    size_t outputs = 0;
    for (size_t j0 = 0; j0 < fc->m; j0 += kernel->panel) outputs += panel_width(kernel, fc->out, j0);
    return outputs;
}

/* Hand-written kernels of many samples (kernels/batch_few.h): the last samples, where whole tiles, or those and a
 * register, leave few over and a panel's outputs fit a register; not of large layers. What is few depends on the
 * lanes and the panels: beside a register there must be two, and turning more samples pays from the fifth on. */
static size_t few_samples(const idp_kernel *kernel, const idp_fc *fc) {
    enum { MOST = 6, MOST_NARROW = 8, WIDE_LANES = 16, MOST_WIDE = 12, MOST_ALONE = 10, MOST_BESIDE = 3 };
    enum { LARGE_FLOATS = 1 << 21 };
    const size_t left = fc->batch % kernel->tile_batch, panel = kernel->panel;
    const bool narrow = kernel->layout == IDP_LAYOUT_SAMPLE && fc->m <= 4 * panel, alone = fc->m < 2 * panel;
    if (panel > kernel->lanes || fc->m * fc->in >= LARGE_FLOATS) return 0;
    if (left > kernel->lanes) return left - kernel->lanes > MOST_BESIDE || alone ? 0 : left - kernel->lanes;
    const size_t most = kernel->lanes >= WIDE_LANES ? (alone ? MOST_ALONE : MOST_WIDE)
                        : narrow                    ? MOST_NARROW
                                                    : MOST;
    return left > most ? 0 : left;
}

work work_predict(const idp_kernel *kernel, idp_origin origin, const idp_fc *fc) {
    const size_t samples = idp_layout_batched(kernel->layout) ? fc->batch : 1;
    size_t outputs = fc->m, channels = fc->k, lanes = samples, few = 0, few_outputs = fc->m;
    switch (kernel->layout) {
    case IDP_LAYOUT_PANEL: return panel_work(kernel, origin == IDP_ORIGIN_HAND, fc);
    case IDP_LAYOUT_BATCH:
    case IDP_LAYOUT_SAMPLE:
        if (origin != IDP_ORIGIN_HAND) outputs = batch_outputs(kernel, fc);
        if (origin == IDP_ORIGIN_HAND) few = few_samples(kernel, fc);
        few_outputs = round_up(fc->m, kernel->panel) / kernel->panel * kernel->lanes; /* a register for a panel */
        lanes = few + round_up(samples - few, kernel->lanes); /* tile_batch is a multiple of the lanes */
        break;
    case IDP_LAYOUT_ROW: channels = round_up(fc->k, kernel->lanes); break;
    }
    const uint64_t wanted = (uint64_t)fc->m * fc->k * samples;
    return (work){.wanted = wanted,
                  .output_padding =
                      (uint64_t)fc->k * ((outputs - fc->m) * (samples - few) + (few_outputs - fc->m) * few),
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
