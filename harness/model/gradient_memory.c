/* gradient_memory.c: the memory of a gradient. */
#include <stdlib.h>
#include <string.h>

#include "gradient_parts.h"
#include "matrix.h"

static bool scratch_create(gradient *g, const size_t *width, size_t blocks) {
    size_t widest = 0;
    for (size_t h = 1; h <= g->layers; h++) widest = most(widest, width[h]);
    g->scratch = calloc(pool_threads(g->threads), sizeof *g->scratch);
    for (size_t t = 0; g->scratch != NULL && t < pool_threads(g->threads); t++) {
        gradient_scratch *s = &g->scratch[t];
        s->input = floats_new(lines_of(width[0]) * LINE * BLOCK);
        s->lit = calloc(lines_of(width[0]) * LINE + 1, sizeof *s->lit);
        s->columns = floats_new(blocks * SQUARE);
        s->term = calloc(blocks, sizeof *s->term);
        s->unmixed = floats_new(block_floats(widest));
        if (!s->input || !s->lit || !s->columns || !s->term || !s->unmixed) return false;
    }
    return g->scratch != NULL;
}

static bool arrays_create(gradient *g, const size_t *width, size_t blocks) {
    const size_t layers = g->layers, classes = block_floats(width[layers]);
    bool allocated = true;
    for (size_t l = 0; l < layers; l++) {
        const size_t out = width[l + 1], floats = blocks * block_floats(out);
        allocated = allocated && (g->dw[l] = floats_new(out * width[l])) && (g->db[l] = floats_new(out)) &&
                    (g->relu[l + 1] = floats_new(floats)) && (g->delta[l + 1] = floats_new(floats));
        if (l + 1 == layers) continue;
        allocated = allocated && (g->scaled[l + 1] = floats_new(floats)) && (g->turned[l + 1] = floats_new(floats));
    }
    allocated = allocated && (g->delta_own = floats_new(blocks * block_floats(width[1]))) &&
                (g->dgamma = floats_new(blocks * blocks_of(width[1]) * BLOCK));
    const size_t pixels = blocks * lines_of(width[0]) * BLOCK * LINE;
    allocated = allocated && (g->pixels = aligned_alloc(LINE, pixels)) != NULL;
    if (allocated) memset(g->pixels, 0, pixels);
    return allocated && (g->target = floats_new(blocks * classes)) && (g->teacher = floats_new(blocks * classes)) &&
           (g->softmax = floats_new(blocks * classes)) && (g->loss = calloc(blocks, sizeof *g->loss)) &&
           (g->lit = calloc(blocks, sizeof *g->lit));
}

bool gradient_create(gradient *g, const idp_backend *backend, size_t threads, size_t layers, const size_t *width,
                     size_t batch_max, error *e) {
    *g = (gradient){.kernels = idp_train_of(backend), .layers = layers, .batch_max = batch_max};
    g->threads = pool_create(threads, e);
    if (g->threads == NULL) return false;
    const size_t blocks = blocks_of(batch_max);
    if (arrays_create(g, width, blocks) && scratch_create(g, width, blocks)) return true;
    gradient_free(g);
    return fail(e, "no memory to train %zu layers in batches of %zu on %zu threads", layers, batch_max, threads);
}

void gradient_free(gradient *g) {
    for (size_t t = 0; g->scratch != NULL && t < pool_threads(g->threads); t++) {
        free(g->scratch[t].input);
        free(g->scratch[t].lit);
        free(g->scratch[t].columns);
        free(g->scratch[t].term);
        free(g->scratch[t].unmixed);
    }
    free(g->scratch);
    pool_destroy(g->threads);
    for (size_t l = 0; l < IDP_MAX_LAYERS; l++) {
        free(g->dw[l]);
        free(g->db[l]);
    }
    for (size_t h = 0; h <= IDP_MAX_LAYERS; h++) {
        free(g->relu[h]);
        free(g->scaled[h]);
        free(g->delta[h]);
        free(g->turned[h]);
    }
    free(g->pixels);
    free(g->target);
    free(g->teacher);
    free(g->softmax);
    free(g->delta_own);
    free(g->dgamma);
    free(g->loss);
    free(g->lit);
    *g = (gradient){0};
}
