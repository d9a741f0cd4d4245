/* accuracy.c: test accuracy of one profile at many percentages. */
#include <assert.h>
#include <stdlib.h>

#include "../progress.h"
#include "matrix.h"
#include "train.h"

enum { BLOCK = 512 /* samples at a time: 784 float inputs of each are 1.6 MB, about an L2 cache */ };

typedef struct evaluation {
    const model *m;
    const model_profile *p;
    const idp_kernel *kernel;
    float *packed[IDP_MAX_LAYERS];
    float *rows, *columns;                 /* a block's inputs: [sample][input], [input][sample] */
    float *activation[IDP_MAX_LAYERS + 1]; /* [channel][sample], times gamma */
} evaluation;

static void evaluation_free(evaluation *ev) {
    for (size_t l = 0; l < IDP_MAX_LAYERS; l++) free(ev->packed[l]);
    for (size_t h = 0; h <= IDP_MAX_LAYERS; h++) free(ev->activation[h]);
    free(ev->rows);
    free(ev->columns);
}

static bool evaluation_create(evaluation *ev, const model *m, size_t profile_index, const idp_backend *backend) {
    *ev = (evaluation){.m = m,
                       .p = &m->profile[profile_index],
                       .kernel = idp_backend_kernel(backend, IDP_LAYOUT_BATCH),
                       .rows = floats_new(m->width[0] * BLOCK),
                       .columns = floats_new(m->width[0] * BLOCK)};
    if (ev->rows == NULL || ev->columns == NULL) return false;
    for (size_t l = 0; l < m->layers; l++) {
        const model_layer *layer = ev->p->layer[l];
        ev->packed[l] = floats_new(idp_packed_floats(ev->kernel, layer->out, layer->in));
        ev->activation[l + 1] = floats_new(layer->out * BLOCK);
        if (ev->packed[l] == NULL || ev->activation[l + 1] == NULL) return false;
        idp_pack(ev->kernel, layer->out, layer->in, layer->w, layer->in, layer->b, ev->packed[l]);
    }
    return true;
}

static void run_layer(const evaluation *ev, size_t l, double percent, const float *x, size_t samples) {
    product_run(ev->kernel, &(product){.packed = ev->packed[l],
                                       .out = ev->m->width[l + 1],
                                       .in = ev->m->width[l],
                                       .m = model_channels(ev->m, l + 1, percent),
                                       .k = model_channels(ev->m, l, percent),
                                       .x = x,
                                       .x_stride = BLOCK,
                                       .y = ev->activation[l + 1],
                                       .y_stride = BLOCK,
                                       .samples = samples,
                                       .gamma = ev->p->gamma[l + 1],
                                       .relu = l + 1 < ev->m->layers});
}

/* Samples whose label has the highest output; the lowest class wins a tie, and a NaN never wins. */
static size_t count_right(const float *output, size_t classes, const uint8_t *label, size_t samples) {
    size_t right = 0;
    for (size_t s = 0; s < samples; s++) {
        const float own = output[label[s] * BLOCK + s];
        bool highest = own == own;
        for (size_t c = 0; c < classes; c++) {
            const float other = output[c * BLOCK + s];
            if (c < label[s] ? other >= own : other > own) highest = false;
        }
        right += highest;
    }
    return right;
}

bool model_accuracy(const model *m, const idp_backend *backend, const images *test, size_t profile,
                    const double *percents, size_t count, double *accuracy_percent, error *e) {
    const size_t inputs = m->width[0], classes = m->width[m->layers];
    if (profile >= m->profiles)
        return fail(e, "the model has %zu profiles; there is no profile %zu", m->profiles, profile);
    if (test->count == 0) return fail(e, "the test set is empty");
    if (test->rows * test->columns != inputs)
        return fail(e, "the images have %zu x %zu pixels, but the model reads %zu inputs", test->rows,
                    test->columns, inputs);
    for (size_t s = 0; s < test->count; s++)
        if (test->labels[s] >= classes)
            return fail(e, "test image %zu has the label %u, but the model knows %zu classes", s, test->labels[s],
                        classes);
    assert(m->layers > 0);
    double highest = 0;
    for (size_t i = 0; i < count; i++) highest = percents[i] > highest ? percents[i] : highest;

    bool measured = false;
    evaluation ev;
    size_t *right = calloc(count + 1, sizeof *right);
    if (!evaluation_create(&ev, m, profile, backend) || right == NULL) {
        fail(e, "no memory to measure the accuracy in blocks of %d", BLOCK);
        goto done;
    }
    for (size_t first = 0; first < test->count; first += BLOCK) {
        if (interrupted()) {
            fail(e, "interrupted");
            goto done;
        }
        const size_t samples = test->count - first < BLOCK ? test->count - first : BLOCK;
        pixels_to_floats(samples * inputs, test->pixels + first * inputs, ev.rows);
        transpose(samples, inputs, ev.rows, inputs, ev.columns, BLOCK);
        run_layer(&ev, 0, highest, ev.columns, samples); /* reads all of its inputs: the percentages share it */
        for (size_t i = 0; i < count; i++) {
            for (size_t l = 1; l < m->layers; l++) run_layer(&ev, l, percents[i], ev.activation[l], samples);
            right[i] += count_right(ev.activation[m->layers], classes, test->labels + first, samples);
        }
    }
    for (size_t i = 0; i < count; i++) accuracy_percent[i] = 100 * (double)right[i] / (double)test->count;
    measured = true;
done:
    evaluation_free(&ev);
    free(right);
    return measured;
}
