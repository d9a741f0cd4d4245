/* batch.h: the kernels of many samples for any instruction set: samples in the lanes; a tile of outputs x registers
 * of samples keeps its sums in registers; one broadcast weight serves a row of the tile. The includer has the
 * vocabulary (vec, LANES, load, fmadd, ...) and gives
 *     OUTPUTS   outputs of a tile, and of a packed panel: 5 to 10
 *     VECTORS   registers of samples of a tile
 *     WIDE      the same of a tile with at most NARROW outputs, which would have too few sums in flight
 *     BLOCK_CHANNELS  layout batch: channels of a block at most, so that its activations and weights stay in L2
 *     SAMPLE_AHEAD  layout sample: so many channels before their transposition samples are prefetched; 0: not
 *     NEXT_PANEL    of large layers, into which cache the next panel's weights are prefetched: 3 the first, 2 the
 *                   second
 *     X_AHEAD       of large layers, so many channels ahead activations are prefetched; 0: not
 *
 * Loops, from outside in: blocks of samples, blocks of channels, panels of outputs, tiles of samples. A panel's
 * block of weights meets all samples of the block before the next comes from memory, and the next is asked for
 * meanwhile: a layer larger than the caches is read once for each block of samples. Between blocks of channels the
 * sums rest in y. A sum is added up in the order of the channels, whatever the tile and the block, so a sample's
 * result depends neither on its place in the batch nor on the layout.
 *
 * Samples that whole tiles leave over: the last few are batch_few.h's; a lone register of samples meets two panels
 * at once where one has too few sums.
 *
 * Layout sample: the user's x is [sample][channel]. A block of it is transposed in registers into a buffer on the
 * stack, in cache, and goes on as in layout batch. */
#ifndef IDP_BATCH_H
#define IDP_BATCH_H

#include "batch_few.h"

enum {
    BLOCK_SAMPLES = 256,
    FAR_FLOATS = 1 << 18, /* packed layers from 1 MiB on are prefetched: smaller ones stay in L2 */
    /* The transposed block: 49 KiB of stack; half of MNIST's 784 channels. */
    SAMPLE_CHANNELS = 392,
    SAMPLE_SAMPLES = 32,
    TILE_SAMPLES = VECTORS * LANES,
    /* Outputs of a tile at most: with one register of samples those of two panels, where one panel's sums do not
     * hide the latency of the FMAs. */
    PAIRED = OUTPUTS < 8,
    MOST_OUTPUTS = PAIRED ? 2 * OUTPUTS : OUTPUTS,
};

/* A panel, or two neighbours, against a block of samples and channels. */
typedef struct block {
    const idp_fc *fc;
    const float *w;       /* of the block's first channel; `width` floats from one channel to the next */
    const float *bias;    /* [width], or NULL: go on with the sums in y */
    const float *x;       /* [channels][x_stride] */
    const float *samples; /* layout sample: the block in the user's x */
    float *turned;        /* and x, to be filled by the first panel */
    float *y;             /* of the panel's first output and the block's first sample */
    const float *gamma;   /* [width], or NULL */
    size_t width, x_stride, channels;
    size_t second; /* of two panels: floats from w to the second's */
    size_t ahead;  /* floats from w to the next panel's where they need a prefetch, else 0 */
    bool relu;
} block;

/* Where the weight of output r is. */
IDP_INLINE size_t weight_of(size_t r, size_t second) { return r < OUTPUTS ? r : second + r - OUTPUTS; }

/* One channel: sum += w x. */
IDP_INLINE void batch_step(const float *w, size_t second, const float *x, vec sum[MOST_OUTPUTS][WIDE],
                           size_t outputs, size_t vectors, bool masked, size_t rest) {
    const size_t whole = masked ? vectors - 1 : vectors;
    vec xi[WIDE];
    IDP_UNROLL
    for (size_t v = 0; v < whole; v++) xi[v] = load(x + v * LANES);
    if (masked) xi[whole] = load_part(x + whole * LANES, rest);
    IDP_UNROLL
    for (size_t r = 0; r < outputs; r++) {
        const vec wr = set1(w[weight_of(r, second)]);
        IDP_UNROLL
        for (size_t v = 0; v < vectors; v++) sum[r][v] = fmadd(wr, xi[v], sum[r][v]);
    }
}

/* The last one to three channels of the block, which fill no square. */
IDP_INLINE void transpose_rest(const float *x, size_t x_stride, size_t samples, size_t channels, float *to) {
    for (size_t i = channels / 4 * 4; i < channels; i++)
        for (size_t l = 0; l < samples; l++) to[i * SAMPLE_SAMPLES + l] = x[l * x_stride + i];
}

/* `samples` from s on, of `vectors` registers; `ragged`: the last register is not full. */
IDP_INLINE void batch_tile(const block *b, size_t s, size_t samples, size_t outputs, size_t vectors, bool ragged,
                           bool turn, bool far) {
    vec sum[MOST_OUTPUTS][WIDE];
    const size_t whole = ragged ? vectors - 1 : vectors, rest = samples - whole * LANES;
    const size_t y_stride = b->fc->y_stride, x_stride = b->x_stride, width = b->width;
    const size_t second = b->second, ahead = b->ahead;
    float *y = b->y + s;
    if (b->bias != NULL) {
        IDP_UNROLL
        for (size_t r = 0; r < outputs; r++) IDP_UNROLL
        for (size_t v = 0; v < vectors; v++) sum[r][v] = set1(b->bias[weight_of(r, second)]);
    } else {
        IDP_UNROLL
        for (size_t r = 0; r < outputs; r++) {
            float *row = y + r * y_stride;
            IDP_UNROLL
            for (size_t v = 0; v < whole; v++) sum[r][v] = load(row + v * LANES);
            if (ragged) sum[r][whole] = load_part(row + whole * LANES, rest);
            __builtin_prefetch(row + outputs * y_stride, 1, 2); /* the next panel's */
            __builtin_prefetch(row + outputs * y_stride + samples - 1, 1, 2);
        }
    }
    const float *w = b->w, *x = b->x + s;
    size_t left = b->channels;
    if (turn) {
        const float *from = b->samples + s * b->fc->x_stride;
        transpose_rest(from, b->fc->x_stride, samples, left, b->turned + s);
        for (; left >= 4; left -= 4, from += 4) {
            if (SAMPLE_AHEAD > 0 && !ragged) { /* a line of every sample each sixteen channels */
                IDP_UNROLL
                for (size_t l = 0; l < vectors * LANES; l += 4)
                    __builtin_prefetch(from + (l + left / 4 % 4) * b->fc->x_stride + SAMPLE_AHEAD);
            }
            IDP_UNROLL
            for (size_t v = 0; v < vectors; v++)
                transpose_four(from + v * LANES * b->fc->x_stride, b->fc->x_stride,
                               v < whole ? LANES - 1 : rest - 1, b->turned + (x - b->x) + v * LANES, x_stride);
            /* Whole registers: that is what squares fill, and a masked load would wait for their stores. */
            for (size_t c = 0; c < 4; c++, w += width, x += x_stride)
                batch_step(w, second, x, sum, outputs, vectors, false, rest);
        }
    }
    for (; left > 0; left--, w += width, x += x_stride) {
        /* A large layer: the panel's first tile asks for the next panel. */
        if (far && s == 0) __builtin_prefetch(w + ahead, 0, NEXT_PANEL);
        if (far && outputs > OUTPUTS) __builtin_prefetch(w + ahead + second, 0, NEXT_PANEL);
        if (far && X_AHEAD > 0) {
            IDP_UNROLL
            for (size_t v = 0; v < vectors; v++) __builtin_prefetch(x + X_AHEAD * x_stride + v * LANES);
        }
        batch_step(w, second, x, sum, outputs, vectors, ragged, rest);
    }
    if (b->relu) {
        IDP_UNROLL
        for (size_t r = 0; r < outputs; r++) IDP_UNROLL
        for (size_t v = 0; v < vectors; v++) sum[r][v] = relu(sum[r][v]);
    }
    if (b->gamma != NULL) {
        IDP_UNROLL
        for (size_t r = 0; r < outputs; r++) {
            const vec gamma = set1(b->gamma[r]);
            IDP_UNROLL
            for (size_t v = 0; v < vectors; v++) sum[r][v] = mul(sum[r][v], gamma);
        }
    }
    IDP_UNROLL
    for (size_t r = 0; r < outputs; r++) {
        IDP_UNROLL
        for (size_t v = 0; v < whole; v++) store(y + r * y_stride + v * LANES, sum[r][v]);
        if (ragged) store_part(y + r * y_stride + whole * LANES, rest, sum[r][whole]);
    }
}

/* All the block's samples against so many outputs, in tiles of `vectors` registers while they fill them. */
IDP_INLINE void batch_tiles(const block *b, size_t samples, size_t outputs, bool turn, bool far) {
    const size_t vectors = outputs <= NARROW ? WIDE : VECTORS;
    size_t s = 0;
    for (; s + vectors * LANES <= samples; s += vectors * LANES)
        batch_tile(b, s, vectors * LANES, outputs, vectors, false, turn, far);
    if (vectors > VECTORS && samples - s >= VECTORS * LANES) {
        batch_tile(b, s, VECTORS * LANES, outputs, VECTORS, false, turn, far);
        s += VECTORS * LANES;
    }
    for (; VECTORS > 2 && samples - s > 2 * LANES; s += 2 * LANES)
        batch_tile(b, s, 2 * LANES, outputs, 2, false, turn, far);
    if (samples - s > LANES)
        batch_tile(b, s, samples - s, outputs, 2, true, turn, far);
    else if (samples > s)
        batch_tile(b, s, samples - s, outputs, 1, true, turn, far);
}

IDP_INLINE void batch_outputs(const block *b, size_t samples, size_t outputs, bool turn, bool far) {
    switch (outputs) { /* a constant each, so that the sums stay in registers */
    case 1: batch_tiles(b, samples, 1, turn, far); break;
    case 2: batch_tiles(b, samples, 2, turn, far); break;
    case 3: batch_tiles(b, samples, 3, turn, far); break;
    case 4: batch_tiles(b, samples, 4, turn, far); break;
    case 5: batch_tiles(b, samples, 5, turn, far); break;
    case 6: batch_tiles(b, samples, OUTPUTS >= 6 ? 6 : 1, turn, far); break;
    case 7: batch_tiles(b, samples, OUTPUTS >= 7 ? 7 : 1, turn, far); break;
    case 8: batch_tiles(b, samples, OUTPUTS >= 8 ? 8 : 1, turn, far); break;
    case 9: batch_tiles(b, samples, OUTPUTS >= 9 ? 9 : 1, turn, far); break;
    default: batch_tiles(b, samples, OUTPUTS, turn, far); break;
    }
}

static void panel_plain(const block *b, size_t samples, size_t outputs) {
    batch_outputs(b, samples, outputs, false, false);
}
static void panel_far(const block *b, size_t samples, size_t outputs) {
    batch_outputs(b, samples, outputs, false, true);
}
static void panel_turning(const block *b, size_t samples, size_t outputs) {
    batch_outputs(b, samples, outputs, true, false);
}

/* One register of samples against two panels, `outputs` of them used. */
IDP_INLINE void pair_outputs(const block *b, size_t samples, size_t outputs, bool turn, bool far) {
    switch (PAIRED ? outputs - OUTPUTS : 0) {
    case 1: batch_tile(b, 0, samples, idp_min(OUTPUTS + 1, MOST_OUTPUTS), 1, true, turn, far); break;
    case 2: batch_tile(b, 0, samples, idp_min(OUTPUTS + 2, MOST_OUTPUTS), 1, true, turn, far); break;
    case 3: batch_tile(b, 0, samples, idp_min(OUTPUTS + 3, MOST_OUTPUTS), 1, true, turn, far); break;
    case 4: batch_tile(b, 0, samples, idp_min(OUTPUTS + 4, MOST_OUTPUTS), 1, true, turn, far); break;
    case 5: batch_tile(b, 0, samples, idp_min(OUTPUTS + 5, MOST_OUTPUTS), 1, true, turn, far); break;
    default: batch_tile(b, 0, samples, MOST_OUTPUTS, 1, true, turn, far); break;
    }
}

IDP_OWN void two_panels(const block *b, size_t samples, size_t outputs, bool turn) {
    if (turn)
        pair_outputs(b, samples, outputs, true, false);
    else if (b->ahead > 0)
        pair_outputs(b, samples, outputs, false, true);
    else
        pair_outputs(b, samples, outputs, false, false);
}

/* Channels i0 .. i0 + channels - 1 of x ([channels][x_stride]) against every output, for `samples` from s0 on. */
IDP_INLINE void batch_block(const idp_fc *fc, const float *x, size_t x_stride, const float *from, float *turned,
                            size_t s0, size_t samples, size_t i0, size_t channels, size_t far_from) {
    const bool last = i0 + channels == fc->k;
    const float *panel = fc->weights;
    for (size_t j0 = 0, panels; j0 < fc->m; j0 += panels * OUTPUTS) {
        const size_t width = idp_min(OUTPUTS, fc->out - j0), panel_floats = (fc->in + 1) * width;
        const bool turn = j0 == 0 && from != NULL;
        const bool pair = PAIRED && samples <= LANES && fc->m - j0 > OUTPUTS && fc->out - j0 >= MOST_OUTPUTS;
        panels = pair ? 2 : 1;
        const block b = {
            .fc = fc,
            .w = panel + (i0 + 1) * width,
            .bias = i0 == 0 ? panel : NULL,
            .x = x,
            .samples = from,
            .turned = turned,
            .y = fc->y + j0 * fc->y_stride + s0,
            .gamma = last && fc->gamma != NULL ? fc->gamma + j0 : NULL,
            .width = width,
            .x_stride = x_stride,
            .channels = channels,
            .second = panel_floats,
            .ahead = fc->m * fc->in < far_from ? 0 : panels * panel_floats,
            .relu = last && fc->relu,
        };
        const size_t outputs = idp_min(panels * width, fc->m - j0);
        if (pair)
            two_panels(&b, samples, outputs, turn);
        else if (turn)
            panel_turning(&b, samples, outputs);
        else if (b.ahead > 0)
            panel_far(&b, samples, outputs);
        else
            panel_plain(&b, samples, outputs);
        panel += panels * panel_floats;
    }
}

/* Samples of the block that starts where `left` are left: a lone register of them, behind whole tiles, is a block
 * of its own where it meets two panels at once. */
IDP_INLINE size_t block_samples(const idp_fc *fc, size_t most, size_t left) {
    if (left > most) return most;
    if (!PAIRED || left % TILE_SAMPLES > LANES || fc->m * fc->in >= IDP_FEW_FLOATS) return left;
    return left > TILE_SAMPLES ? left - left % TILE_SAMPLES : left;
}

/* Channels of a block: as even as possible, at most `most`; at least one, so that k = 0 still has a block. */
IDP_INLINE size_t even_blocks(size_t k, size_t most) {
    if (k <= most) return k > 0 ? k : 1;
    const size_t blocks = (k + most - 1) / most;
    return (k + blocks - 1) / blocks;
}

IDP_INLINE void batch_run(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const size_t step = even_blocks(fc->k, BLOCK_CHANNELS), rest = idp_few(TILE_SAMPLES, LANES, OUTPUTS, false, fc);
    const size_t many = fc->batch - rest;
    for (size_t s0 = 0, samples; s0 < many; s0 += samples) {
        samples = block_samples(fc, BLOCK_SAMPLES, many - s0);
        size_t i0 = 0;
        do {
            /* Without channels nothing of x is read, and it may be NULL, which bears no offset: as well y. */
            const float *x = fc->k > 0 ? fc->x + i0 * fc->x_stride + s0 : fc->y + s0;
            batch_block(fc, x, fc->x_stride, NULL, NULL, s0, samples, i0, idp_min(step, fc->k - i0), FAR_FLOATS);
            i0 += step;
        } while (i0 < fc->k);
    }
    const float *x = fc->k > 0 ? fc->x + many : NULL;
    if (rest > 0) few_run(&(few){fc, x, fc->x_stride, 1, fc->y + many}, rest);
}

IDP_INLINE void sample_run(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    _Alignas(IDP_ALIGN) float turned[SAMPLE_CHANNELS * SAMPLE_SAMPLES];
    const size_t step = even_blocks(fc->k, SAMPLE_CHANNELS), rest = idp_few(TILE_SAMPLES, LANES, OUTPUTS, true, fc);
    const size_t many = fc->batch - rest;
    for (size_t s0 = 0, samples; s0 < many; s0 += samples) {
        samples = block_samples(fc, SAMPLE_SAMPLES, many - s0);
        size_t i0 = 0;
        do {
            const size_t channels = idp_min(step, fc->k - i0);
            const float *x = channels > 0 ? fc->x + s0 * fc->x_stride + i0 : NULL;
            batch_block(fc, turned, SAMPLE_SAMPLES, x, turned, s0, samples, i0, channels, FAR_FLOATS);
            i0 += step;
        } while (i0 < fc->k);
    }
    const float *x = fc->k > 0 ? fc->x + many * fc->x_stride : NULL;
    if (rest > 0) few_run(&(few){fc, x, 1, fc->x_stride, fc->y + many}, rest);
}
#endif
