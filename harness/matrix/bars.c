/* bars.c: what the kernels are held to, one row a requirement. */
#include <math.h>

#include "judge.h"

static bool has_peer(const matrix_figure *f) { return !f->network && f->best_peer[0] != '\0'; }
static bool is_cell(const matrix_figure *f, size_t out, size_t in, matrix_cut cut, size_t batch) {
    const matrix_series *s = &f->cell.of;
    return !f->network && s->out == out && s->in == in && s->cut == cut && s->batch == batch;
}

static bool level_with_peer(const matrix_figure *f) { return f->ratio.median >= 0.98; }

static bool applies_peer(const matrix_figure *f, const idp_backend *best) {
    (void)best;
    return has_peer(f);
}

static bool applies_hidden(const matrix_figure *f, const idp_backend *best) {
    return f->backend == best && has_peer(f) && is_cell(f, 100, 100, MATRIX_INPUTS, 1) && f->cell.percent >= 40;
}
static bool fifth_faster(const matrix_figure *f) { return f->ratio.median >= 1.2; }

static bool applies_last(const matrix_figure *f, const idp_backend *best) {
    return f->backend == best && has_peer(f) && is_cell(f, 10, 100, MATRIX_INPUTS, 1) && f->cell.percent >= 20;
}
static bool much_faster(const matrix_figure *f) { return f->ratio.median >= 1.6; }

static bool has_roof(const matrix_figure *f, size_t batch) {
    return !f->network && f->roof_ns > 0 && f->cell.of.batch == batch;
}
static bool is_large(const matrix_figure *f) { return f->cell.of.out >= 1024 || f->cell.of.in >= 1024; }

static bool applies_batch(const matrix_figure *f, const idp_backend *best) {
    (void)best;
    return has_roof(f, 128) && !is_large(f);
}
static bool near_roof_in_batch(const matrix_figure *f) {
    return f->roof_percent.median >= (f->roof_ns >= 1000 ? 95 : 85);
}

static bool applies_large_batch(const matrix_figure *f, const idp_backend *best) {
    (void)best;
    return has_roof(f, 128) && is_large(f);
}
static bool near_roof(const matrix_figure *f) { return f->roof_percent.median >= 90; }

static bool applies_single(const matrix_figure *f, const idp_backend *best) {
    (void)best;
    return has_roof(f, 1) && f->roof_ns >= 300;
}

static bool applies_network(const matrix_figure *f, const idp_backend *best) {
    return f->backend == best && f->network && f->cell.of.batch == 1 && f->roof_ns > 0;
}
static bool near_joint_roof(const matrix_figure *f) { return f->time_ns.median <= 1.15 * f->roof_ns + 100; }

static bool applies_naive(const matrix_figure *f, const idp_backend *best) {
    return f->backend == best && f->network && f->cell.of.batch == 1 && f->naive_peer[0] != '\0' &&
           (f->cell.percent == 10 || f->cell.percent == 100);
}
static bool beats_naive(const matrix_figure *f) {
    return f->naive_ratio.median >= (f->cell.percent == 100 ? 1.4 : 3);
}

static bool applies_share(const matrix_figure *f, const idp_backend *best) {
    return f->backend == best && f->network && f->cell.percent >= 20 && f->time_share.median > 0;
}
static bool keeps_up(const matrix_figure *f) { return fabs(f->time_share.median - f->flops_share) <= 0.05; }

const matrix_bar matrix_bars[MATRIX_BARS] = {
    {"every cell at least as fast as the best peer (ratio 0.98)", applies_peer, level_with_peer},
    {"batch 1, 100x100 cut in inputs, from 40 %: 1.2 times the best peer", applies_hidden, fifth_faster},
    {"batch 1, 10x100 cut in inputs, from 20 %: 1.6 times the best peer", applies_last, much_faster},
    {"batch 128, layers up to 784: 95 % of the roof (85 % where the roof is below 1 us)", applies_batch,
     near_roof_in_batch},
    {"batch 128, layers from 1024 up: 90 % of the roof", applies_large_batch, near_roof},
    {"batch 1, roof of 300 ns or more: 90 % of the roof", applies_single, near_roof},
    {"the whole network, batch 1: within 1.15 times its roof and 100 ns", applies_network, near_joint_roof},
    {"the whole network, batch 1: 3 times naive slices at 10 %, 1.4 times at 100 %", applies_naive, beats_naive},
    {"the whole network, from 20 %: time saved within 0.05 of FLOPs saved", applies_share, keeps_up},
};
