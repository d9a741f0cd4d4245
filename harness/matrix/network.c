#include "network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../measure/peak.h"
#include "../model/matrix.h"
#include "../model/random.h"
#include "worker.h"

const size_t matrix_widths[NETWORK_LAYERS + 1] = {784, 100, 100, 10};
static const bool incomplete[NETWORK_LAYERS + 1] = {false, true, true, false};

size_t matrix_network_used(size_t h, double percent) {
    return incomplete[h] ? idp_prefix(matrix_widths[h], percent) : matrix_widths[h];
}

double matrix_network_flops(size_t batch, double percent) {
    double flops = 0;
    for (size_t l = 0; l < NETWORK_LAYERS; l++)
        flops += 2.0 * (double)(batch * matrix_network_used(l, percent) * matrix_network_used(l + 1, percent));
    return flops;
}

/* ---- the network ------------------------------------------------------------------------------------------- */

/* Values in [low, high), multiples of 2^-24 of the range, from a random cache line of a page on. */
static float *drawn(matrix_network *n, size_t count, float low, float high, random_state *r) {
    enum { PAGE_FLOATS = 1024, LINE_FLOATS = 16 };
    float *memory = floats_new(count + PAGE_FLOATS + PEER_SPARE_FLOATS);
    if (memory == NULL) return NULL;
    n->memory[n->memories++] = memory;
    float *values = memory + LINE_FLOATS * random_below(r, PAGE_FLOATS / LINE_FLOATS);
    for (size_t i = 0; i < count; i++) values[i] = low + (high - low) * ((float)(random_next(r) >> 40) * 0x1p-24f);
    return values;
}

static bool draw_all(matrix_network *n, random_state *r) {
    bool ok = true;
    for (size_t l = 0; l < NETWORK_LAYERS; l++) {
        const size_t in = matrix_widths[l], out = matrix_widths[l + 1];
        const float reach = sqrtf(3 / (float)in);
        n->w[l] = drawn(n, out * in, -reach, reach, r);
        n->b[l] = drawn(n, out, -0.1f, 0.1f, r);
        ok = ok && n->w[l] != NULL && n->b[l] != NULL;
        if (l + 1 == NETWORK_LAYERS) break;
        n->gamma[l] = drawn(n, out, 0, 1, r);
        n->hidden[l] = drawn(n, n->batch * out, 0, 1, r);
        ok = ok && n->gamma[l] != NULL && n->hidden[l] != NULL;
        for (size_t j = 0; ok && j < out; j++) n->gamma[l][j] = 1 - (float)j / (float)out;
    }
    n->x = drawn(n, n->batch * matrix_widths[0], 0, 1, r);
    n->y = drawn(n, n->batch * matrix_widths[NETWORK_LAYERS], 0, 1, r);
    return ok && n->x != NULL && n->y != NULL;
}

static bool create(matrix_network *n, random_state *r, error *e) {
    const float *const gamma[NETWORK_LAYERS + 1] = {NULL, n->gamma[0], n->gamma[1], NULL};
    const idp_mlp_profile profile = {(const float *const *)n->w, (const float *const *)n->b, gamma};
    const idp_mlp_spec spec = {.layers = NETWORK_LAYERS,
                               .width = matrix_widths,
                               .incomplete = incomplete,
                               .profiles = 1,
                               .profile = &profile};
    const idp_status status = idp_mlp_create(&spec, n->backend, &n->mlp);
    if (status != IDP_OK) return fail(e, "%s: the network: %s", n->backend->name, idp_status_text(status));
    n->workspace = drawn(n, idp_mlp_workspace_bytes(n->mlp, n->batch) / sizeof(float) + 1, 0, 1, r);
    bool ok = n->workspace != NULL;
    for (size_t l = 0; ok && l < NETWORK_LAYERS; l++) {
        const idp_kernel *kernel = idp_mlp_kernel(n->mlp, l, n->batch > 1);
        const size_t in = matrix_widths[l], out = matrix_widths[l + 1];
        n->packed[l] = drawn(n, idp_packed_floats(kernel, out, in), 0, 1, r);
        ok = n->packed[l] != NULL;
        if (ok) idp_pack(kernel, out, in, n->w[l], in, n->b[l], n->packed[l]);
    }
    return ok || fail(e, "no memory for a network");
}

bool matrix_network_make(const idp_backend *backend, size_t batch, uint64_t seed, matrix_network *network,
                         error *e) {
    matrix_network n = {.backend = backend, .batch = batch};
    random_state r;
    random_seed(&r, seed, RANDOM_INITIAL_WEIGHTS);
    const bool ok =
        (draw_all(&n, &r) || fail(e, "no memory for a network of %zu samples", batch)) && create(&n, &r, e);
    if (ok)
        *network = n;
    else
        matrix_network_free(&n);
    return ok;
}

void matrix_network_free(matrix_network *n) {
    idp_mlp_destroy(n->mlp);
    for (unsigned i = 0; i < n->memories; i++) free(n->memory[i]);
    *n = (matrix_network){0};
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static void run_ours(void *state, uint64_t iterations) {
    const network_bench *b = state;
    const matrix_network *n = b->network;
    for (uint64_t i = 0; i < iterations; i++)
        (void)idp_mlp_run(n->mlp, 0, b->percent, n->batch, n->x, n->y, n->workspace);
}

static void run_chain(void *state, uint64_t iterations) {
    const matrix_row *row = state;
    void *const *layer = row->peer_state;
    for (uint64_t i = 0; i < iterations; i++)
        for (size_t l = 0; l < NETWORK_LAYERS; l++) row->peer->run(layer[l]);
}

static matrix_row *add(network_bench *b, matrix_role role, const char *name, void (*run)(void *, uint64_t)) {
    matrix_row *row = &b->row[b->rows++];
    *row = (matrix_row){.role = role, .scale = 1, .variant = {run, row}};
    snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

static peer_job job_of(const network_bench *b, size_t l) {
    const matrix_network *n = b->network;
    const bool last = l + 1 == NETWORK_LAYERS;
    return (peer_job){.out = matrix_widths[l + 1],
                      .in = matrix_widths[l],
                      .m = matrix_network_used(l + 1, b->percent),
                      .k = matrix_network_used(l, b->percent),
                      .batch = n->batch,
                      .w = n->w[l],
                      .b = n->b[l],
                      .gamma = n->gamma[l],
                      .relu = !last,
                      .x = l == 0 ? n->x : n->hidden[l - 1],
                      .x_stride = matrix_widths[l],
                      .y = last ? n->y : n->hidden[l],
                      .y_stride = matrix_widths[l + 1]};
}

/* Three calls of a naive peer, each layer's output being the next one's input. */
static bool add_chain(network_bench *b, const peer *p, error *e) {
    const unsigned at = b->rows;
    for (size_t l = 0; l < NETWORK_LAYERS; l++) {
        const peer_job job = job_of(b, l);
        if (!p->serves(&job)) return true;
    }
    matrix_row *row = add(b, MATRIX_NAIVE, p->name, run_chain);
    row->peer = p;
    row->peer_state = b->chain[at];
    for (size_t l = 0; l < NETWORK_LAYERS; l++) {
        const peer_job job = job_of(b, l);
        if (!p->make(&job, &b->chain[at][l], e)) return fail_in(e, "%s", p->name);
    }
    return true;
}

static bool add_roofs(network_bench *b, error *e) {
    enum { FLOAT_BITS = 32, BLOCKS = 256 };
    const matrix_network *n = b->network;
    const bool batched = n->batch > 1;
    const unsigned width_bits = idp_mlp_kernel(n->mlp, 0, batched)->lanes * FLOAT_BITS;
    if (stream_find(width_bits) == NULL || !fma_peak_usable(width_bits)) return true;
    stream_block *block = malloc(BLOCKS * sizeof *block);
    if (block == NULL) return fail(e, "no memory for %d blocks", BLOCKS);
    size_t blocks = 0;
    for (size_t l = 0; l < NETWORK_LAYERS; l++) {
        const idp_fc fc = {.weights = n->packed[l],
                           .x = n->x,
                           .out = matrix_widths[l + 1],
                           .in = matrix_widths[l],
                           .m = matrix_network_used(l + 1, b->percent),
                           .k = matrix_network_used(l, b->percent),
                           .batch = 1,
                           .x_stride = 1};
        /* Its last block is x: the layers' inputs are what they themselves have written, but for the first. */
        blocks += matrix_blocks(idp_mlp_kernel(n->mlp, l, batched), &fc, block + blocks, BLOCKS - blocks) - 1;
    }
    block[blocks++] = stream_block_of(n->x, 1, n->batch * matrix_widths[0], n->batch * matrix_widths[0]);
    matrix_row *loads = add(b, MATRIX_LOADS, b->row[0].name, roof_stream_run);
    loads->variant.state = &loads->stream;
    loads->stream = (roof_stream){stream_find(width_bits), block, blocks, stream_ways[0]};
    matrix_row *fma = add(b, MATRIX_FMA, "fma", roof_fma_run);
    fma->variant.state = &fma->width_bits;
    fma->width_bits = width_bits;
    fma->scale = matrix_network_flops(n->batch, b->percent) / roof_fma_flops(width_bits);
    return true;
}

bool network_bench_make(const matrix_network *n, double percent, network_bench *b, error *e) {
    *b = (network_bench){.network = n, .percent = percent};
    matrix_row *ours = add(b, MATRIX_KERNEL, "idp_mlp_run", run_ours);
    ours->variant.state = b;
    bool ok = true;
    for (size_t i = 0; ok && i < peer_count() && b->rows + 2 < NETWORK_ROWS; i++) {
        const peer *p = peer_at(i);
        if (p->naive && p->form == (n->batch == 1 ? PEER_SINGLE : PEER_SAMPLE)) ok = add_chain(b, p, e);
    }
    if (ok && add_roofs(b, e)) return true;
    network_bench_free(b);
    return false;
}

void network_bench_free(network_bench *b) {
    for (unsigned i = 0; i < b->rows; i++) {
        free(b->row[i].stream.block);
        for (size_t l = 0; l < NETWORK_LAYERS; l++)
            if (b->chain[i][l] != NULL) b->row[i].peer->free(b->chain[i][l]);
    }
    b->rows = 0;
}

/* ---- a process --------------------------------------------------------------------------------------------- */

static bool prepare(network_bench *b, error *e) {
    enum { TURNS = 4 };
    static const double slice_ns = 25e3;
    if (!network_bench_check(b, e)) return false;
    for (unsigned i = 0; i < b->rows; i++)
        if (b->row[i].role == MATRIX_LOADS && !roof_stream_choose(&b->row[i].stream, slice_ns, TURNS, NULL, e))
            return false;
    return true;
}

/* All percentages in the same rounds: their ratios matter here. */
static json_t *measure(network_bench *bench, unsigned benches, const matrix_request *q, error *e) {
    matrix_row *row[MATRIX_VARIANTS];
    size_t rows = 0, slot = 0;
    paired_samples samples = {0};
    for (unsigned p = 0; p < benches; p++)
        for (unsigned i = 0; i < bench[p].rows && rows < MATRIX_VARIANTS; i++) row[rows++] = &bench[p].row[i];
    if (!matrix_measure(row, rows, q, &samples, e)) return NULL;
    json_t *cells = json_array();
    matrix_row **first = row;
    for (unsigned p = 0; p < benches; p++, first += bench[p - 1].rows)
        json_array_append_new(cells, matrix_answer(bench[p].percent, first, bench[p].rows, &samples, &slot));
    paired_free(&samples);
    return cells;
}

json_t *matrix_network_work(const matrix_request *q, error *e) {
    matrix_network network;
    json_t *cells = NULL;
    unsigned made = 0;
    network_bench *bench = calloc(q->percents, sizeof *bench);
    bool ok = bench != NULL || fail(e, "no memory for %u percentages", q->percents);
    if (!ok || !matrix_network_make(q->backend, q->series.batch, q->seed, &network, e)) {
        free(bench);
        return NULL;
    }
    for (unsigned p = 0; ok && p < q->percents; p++) {
        if (matrix_network_used(1, q->percent[p]) == 0) continue;
        ok = network_bench_make(&network, q->percent[p], &bench[made], e);
        made += ok;
        ok = ok && prepare(&bench[made - 1], e);
    }
    if (ok && made > 0) cells = measure(bench, made, q, e);
    if (ok && made == 0) cells = json_array();
    for (unsigned p = 0; p < made; p++) network_bench_free(&bench[p]);
    matrix_network_free(&network);
    free(bench);
    return cells;
}
