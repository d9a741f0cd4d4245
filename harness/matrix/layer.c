#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/peak.h"
#include "../model/matrix.h"
#include "../model/random.h"

const char *const matrix_role_name[MATRIX_ROLES] = {"kernel", "peer", "naive", "loads", "fma"};

enum { PAGE_FLOATS = 1024, LINE_FLOATS = 16 };

/* ---- the layer --------------------------------------------------------------------------------------------- */

/* `count` floats from a random cache line of a page on. */
static float *place(matrix_layer *l, size_t count, random_state *places) {
    const size_t line = random_below(places, PAGE_FLOATS / LINE_FLOATS);
    float *memory = floats_new((count / PAGE_FLOATS + 3) * PAGE_FLOATS + PEER_SPARE_FLOATS);
    if (memory == NULL) return NULL;
    l->memory[l->memories++] = memory;
    return memory + line * LINE_FLOATS;
}

/* Multiples of 2^-24 of the range: none is subnormal. */
static void fill(float *values, size_t count, float low, float high, random_state *r) {
    for (size_t i = 0; i < count; i++) values[i] = low + (high - low) * ((float)(random_next(r) >> 40) * 0x1p-24f);
}

static bool fits(const idp_kernel *kernel, size_t batch) {
    return batch == 1 ? kernel->layout == IDP_LAYOUT_PANEL || kernel->layout == IDP_LAYOUT_ROW
                      : kernel->layout == IDP_LAYOUT_BATCH;
}

static bool pack(matrix_layer *l, random_state *places) {
    for (size_t i = 0; i < l->backend->kernel_count && l->kernels < MATRIX_KERNELS; i++) {
        const idp_kernel *kernel = &l->backend->kernels[i];
        if (!fits(kernel, l->of.batch)) continue;
        float *packed = place(l, idp_packed_floats(kernel, l->of.out, l->of.in), places);
        if (packed == NULL) return false;
        idp_pack(kernel, l->of.out, l->of.in, l->w, l->of.in, l->b, packed);
        l->kernel[l->kernels] = kernel;
        l->packed[l->kernels++] = packed;
    }
    return true;
}

/* The input in all forms: the same values. */
static bool make_samples(matrix_layer *l, random_state *places, random_state *values) {
    const size_t out = l->of.out, in = l->of.in, batch = l->of.batch, padded = floats_stride(batch);
    const size_t x_stride[MATRIX_FORMS] = {[PEER_SINGLE] = 1, [PEER_FEATURE] = padded, [PEER_SAMPLE] = in};
    const size_t y_stride[MATRIX_FORMS] = {[PEER_SINGLE] = 1, [PEER_FEATURE] = padded, [PEER_SAMPLE] = out};
    for (int form = 0; form < MATRIX_FORMS; form++) {
        if ((form == PEER_SINGLE) != (batch == 1)) continue;
        const bool feature = form == PEER_FEATURE;
        l->x_stride[form] = x_stride[form];
        l->y_stride[form] = y_stride[form];
        l->x[form] = place(l, in * (feature ? padded : batch), places);
        l->y[form] = place(l, out * (feature ? padded : batch), places);
        if (l->x[form] == NULL || l->y[form] == NULL) return false;
    }
    const int first = batch == 1 ? PEER_SINGLE : PEER_SAMPLE;
    fill(l->x[first], in * batch, 0, 1, values);
    if (batch > 1) transpose(batch, in, l->x[PEER_SAMPLE], in, l->x[PEER_FEATURE], padded);
    return true;
}

/* What a naive form slices: for each way to call a library its own copy, or one would leave it in the cache for the
 * next, where our kernels find nothing. */
static bool copy_slices(matrix_layer *l, random_state *places) {
    for (size_t i = 0; i < peer_count() && l->slices < MATRIX_SLICES; i++) {
        if (!peer_at(i)->naive || l->x[peer_at(i)->form] == NULL) continue;
        float *w = place(l, l->of.out * l->of.in, places);
        if (w == NULL) return false;
        memcpy(w, l->w, l->of.out * l->of.in * sizeof *w);
        l->slice[l->slices++] = w;
    }
    return true;
}

bool matrix_layer_make(const matrix_series *series, const idp_backend *backend, uint64_t seed, matrix_layer *layer,
                       error *e) {
    matrix_layer l = {.of = *series, .backend = backend};
    random_state places, values;
    random_seed(&places, seed, RANDOM_PLACES);
    random_seed(&values, seed, RANDOM_INITIAL_WEIGHTS);
    const float reach = sqrtf(3 / (float)l.of.in); /* uniform in +-reach has the variance 1 / in */
    l.w = place(&l, l.of.out * l.of.in, &places);
    l.b = place(&l, l.of.out, &places);
    l.gamma = place(&l, l.of.out, &places);
    bool ok = l.w != NULL && l.b != NULL && l.gamma != NULL;
    if (ok) {
        fill(l.w, l.of.out * l.of.in, -reach, reach, &values);
        fill(l.b, l.of.out, -0.1f, 0.1f, &values);
        for (size_t j = 0; j < l.of.out; j++) l.gamma[j] = 1 - (float)j / (float)l.of.out;
    }
    ok = ok && make_samples(&l, &places, &values) && pack(&l, &places) && copy_slices(&l, &places);
    if (ok)
        *layer = l;
    else
        matrix_layer_free(&l);
    return ok ||
           fail(e, "no memory for a layer of %zux%zu with %zu samples", series->out, series->in, series->batch);
}

void matrix_layer_free(matrix_layer *layer) {
    for (unsigned i = 0; i < layer->memories; i++) free(layer->memory[i]);
    *layer = (matrix_layer){0};
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static void run_kernel(void *state, uint64_t iterations) {
    const matrix_row *row = state;
    for (uint64_t n = 0; n < iterations; n++) row->kernel->run(&row->fc);
}

static void run_peer(void *state, uint64_t iterations) {
    const matrix_row *row = state;
    for (uint64_t n = 0; n < iterations; n++) row->peer->run(row->peer_state);
}

static matrix_row *add(matrix_bench *b, matrix_role role, const char *name, void (*run)(void *, uint64_t)) {
    matrix_row *row = &b->row[b->rows++];
    *row = (matrix_row){.role = role, .scale = 1, .variant = {run, row}};
    snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

static idp_fc call_of(const matrix_bench *b, unsigned kernel) {
    const matrix_layer *l = b->layer;
    const int form = l->of.batch == 1 ? PEER_SINGLE : PEER_FEATURE;
    return (idp_fc){.weights = l->packed[kernel],
                    .x = l->x[form],
                    .y = l->y[form],
                    .gamma = l->gamma,
                    .out = l->of.out,
                    .in = l->of.in,
                    .m = b->cell.m,
                    .k = b->cell.k,
                    .batch = l->of.batch,
                    .x_stride = l->x_stride[form],
                    .y_stride = l->y_stride[form],
                    .relu = true};
}

static peer_job job_of(const matrix_bench *b, peer_form form) {
    const matrix_layer *l = b->layer;
    return (peer_job){.out = l->of.out,
                      .in = l->of.in,
                      .m = b->cell.m,
                      .k = b->cell.k,
                      .batch = l->of.batch,
                      .w = l->w,
                      .b = l->b,
                      .gamma = l->gamma,
                      .relu = true,
                      .x = l->x[form],
                      .x_stride = l->x_stride[form],
                      .y = l->y[form],
                      .y_stride = l->y_stride[form]};
}

static bool add_peers(matrix_bench *b, error *e) {
    unsigned slices = 0;
    for (size_t i = 0; i < peer_count() && b->rows < MATRIX_ROWS; i++) {
        const peer *p = peer_at(i);
        if (b->layer->x[p->form] == NULL) continue;
        peer_job job = job_of(b, p->form);
        if (p->naive && slices < b->layer->slices) job.w = b->layer->slice[slices++];
        if (!p->serves(&job)) continue;
        void *state = NULL;
        if (!p->make(&job, &state, e)) return fail_in(e, "%s", p->name);
        matrix_row *row = add(b, p->naive ? MATRIX_NAIVE : MATRIX_PEER, p->name, run_peer);
        row->peer = p;
        row->peer_state = state;
    }
    return true;
}

/* Whole panels, each a row by itself, are rows of one block, so that streams may take several in turns. */
static size_t add_panel(stream_block *block, size_t count, stream_block panel) {
    stream_block *last = count > 0 ? &block[count - 1] : NULL;
    if (last != NULL && panel.rows == 1 && panel.floats == last->floats) {
        const size_t stride = last->rows > 1 ? last->stride : (size_t)(panel.start - last->start);
        if (panel.start == last->start + last->rows * stride) {
            last->rows++;
            last->stride = stride;
            return count;
        }
    }
    block[count] = panel;
    return count + 1;
}

size_t matrix_blocks(const idp_kernel *kernel, const idp_fc *fc, stream_block *block, size_t most) {
    size_t count = 0;
    const float *w = fc->weights;
    if (kernel->layout == IDP_LAYOUT_ROW) {
        const size_t head = (fc->out + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS,
                     stride = idp_row_stride(fc->in);
        block[count++] = stream_block_of(w, 1, fc->m, fc->m);
        block[count++] = stream_block_of(w + head, fc->m, fc->k, stride);
    } else {
        for (size_t j0 = 0; j0 < fc->m && count + 1 < most; j0 += kernel->panel) {
            const size_t left = (fc->out - j0 + kernel->panel_granule - 1) / kernel->panel_granule *
                                kernel->panel_granule,
                         width = left < kernel->panel ? left : kernel->panel,
                         used = fc->m - j0 < width ? fc->m - j0 : width;
            count = add_panel(block, count, stream_block_of(w, fc->k + 1, used, width));
            w += (fc->in + 1) * width;
        }
    }
    const size_t samples = kernel->layout == IDP_LAYOUT_BATCH ? fc->batch : 1;
    block[count++] = samples == 1 ? stream_block_of(fc->x, 1, fc->k, fc->k)
                                  : stream_block_of(fc->x, fc->k, samples, fc->x_stride);
    return count;
}

/* The roofs: for each kernel the stream over its bytes, and the FMA peak of the back end's registers. */
static bool add_roofs(matrix_bench *b, error *e) {
    enum { FLOAT_BITS = 32 };
    const unsigned width_bits = b->layer->kernel[0]->lanes * FLOAT_BITS, kernels = b->layer->kernels;
    if (stream_find(width_bits) == NULL || !fma_peak_usable(width_bits)) return true;
    for (unsigned i = 0; i < kernels && b->rows + 1 < MATRIX_ROWS; i++) {
        const size_t most = b->cell.m + 2; /* a panel has an output or more */
        stream_block *block = malloc(most * sizeof *block);
        if (block == NULL) return fail(e, "no memory for %zu blocks", most);
        matrix_row *row = add(b, MATRIX_LOADS, b->row[i].name, roof_stream_run);
        row->variant.state = &row->stream;
        row->stream = (roof_stream){stream_find(width_bits), block,
                                    matrix_blocks(b->row[i].kernel, &b->row[i].fc, block, most), stream_ways[0]};
    }
    matrix_row *row = add(b, MATRIX_FMA, "fma", roof_fma_run);
    row->variant.state = &row->width_bits;
    row->width_bits = width_bits;
    row->scale = matrix_flops(&b->cell) / roof_fma_flops(width_bits);
    return true;
}

bool matrix_bench_make(const matrix_layer *layer, const matrix_cell *cell, matrix_bench *b, error *e) {
    *b = (matrix_bench){.layer = layer, .cell = *cell};
    for (unsigned i = 0; i < layer->kernels; i++) {
        matrix_row *row = add(b, MATRIX_KERNEL, layer->kernel[i]->name, run_kernel);
        row->kernel = layer->kernel[i];
        row->fc = call_of(b, i);
    }
    if (add_peers(b, e) && add_roofs(b, e)) return true;
    matrix_bench_free(b);
    return false;
}

void matrix_bench_free(matrix_bench *b) {
    for (unsigned i = 0; i < b->rows; i++) {
        if (b->row[i].peer != NULL) b->row[i].peer->free(b->row[i].peer_state);
        free(b->row[i].stream.block);
    }
    b->rows = 0;
}
