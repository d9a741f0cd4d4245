#include "gradient.h"

#include <stdlib.h>
#include <string.h>

#include "loss.h"
#include "matrix.h"

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

bool gradient_create(gradient *g, const idp_backend *backend, size_t layers, const size_t *width, size_t batch_max,
                     error *e) {
    *g = (gradient){.kernel = idp_backend_kernel(backend, IDP_LAYOUT_BATCH),
                    .batch_max = batch_max,
                    .stride = floats_stride(batch_max),
                    .layers = layers};
    size_t widest = 0, transposed = 0, packed_delta = 0, inner_weights = 0;
    bool allocated = true;
    for (size_t l = 0; l < layers; l++) {
        const size_t in = width[l], out = width[l + 1];
        widest = most(widest, out);
        packed_delta = most(packed_delta, idp_packed_floats(g->kernel, out, batch_max));
        allocated = allocated && (g->dw[l] = floats_new(out * in)) && (g->db[l] = floats_new(out)) &&
                    (g->relu[l + 1] = floats_new(out * g->stride)) &&
                    (g->scaled[l + 1] = floats_new(out * g->stride)) &&
                    (g->delta[l + 1] = floats_new(out * g->stride)) &&
                    (g->packed[l] = floats_new(idp_packed_floats(g->kernel, out, in)));
        if (l == 0) continue; /* nothing is passed back to the input */
        transposed = most(transposed, most(in * out, in * batch_max));
        inner_weights = most(inner_weights, in * out);
        allocated = allocated && (g->packed_back[l] = floats_new(idp_packed_floats(g->kernel, in, out)));
    }
    allocated = allocated && (g->input = floats_new(width[0] * g->stride)) &&
                (g->transposed = floats_new(transposed)) && (g->packed_delta = floats_new(packed_delta)) &&
                (g->dw_width = floats_new(inner_weights)) && (g->delta_width = floats_new(width[1] * g->stride)) &&
                (g->teacher = floats_new(width[layers] * g->stride));
    if (allocated) return true;
    gradient_free(g);
    return fail(e, "no memory to train layers of up to %zu outputs in batches of %zu", widest, batch_max);
}

void gradient_free(gradient *g) {
    for (size_t l = 0; l < IDP_MAX_LAYERS; l++) {
        free(g->dw[l]);
        free(g->db[l]);
        free(g->packed[l]);
        free(g->packed_back[l]);
    }
    for (size_t h = 0; h <= IDP_MAX_LAYERS; h++) {
        free(g->relu[h]);
        free(g->scaled[h]);
        free(g->delta[h]);
    }
    free(g->input);
    free(g->transposed);
    free(g->packed_delta);
    free(g->dw_width);
    free(g->delta_width);
    free(g->teacher);
    *g = (gradient){0};
}

/* Channels of activation h in use at width k. */
static size_t channels(const gradient_net *net, size_t h, size_t k) {
    return net->incomplete[h] ? k : net->width[h];
}

static void pack_layer(gradient *g, size_t l, const model_layer *layer) {
    const size_t in = layer->in, out = layer->out;
    idp_pack(g->kernel, out, in, layer->w, in, layer->b, g->packed[l]);
    if (l == 0) return;
    transpose(out, in, layer->w, in, g->transposed, out);
    idp_pack(g->kernel, in, out, g->transposed, out, NULL, g->packed_back[l]);
}

static void scale(gradient *g, size_t h, size_t m, const float *gamma, size_t batch) {
    for (size_t j = 0; j < m; j++) {
        const float *from = g->relu[h] + j * g->stride;
        float *to = g->scaled[h] + j * g->stride;
        for (size_t s = 0; s < batch; s++) to[s] = gamma[j] * from[s];
    }
}

/* Layer l at width k: relu[l + 1] from x, and scaled[l + 1] from that where there is a gamma. x: [in][stride] */
static void forward(gradient *g, const gradient_net *net, size_t l, size_t k, const float *x, size_t batch) {
    const size_t m = channels(net, l + 1, k);
    const float *gamma = net->gamma[l + 1];
    product_run(g->kernel, &(product){.packed = g->packed[l],
                                      .out = net->width[l + 1],
                                      .in = net->width[l],
                                      .m = m,
                                      .k = channels(net, l, k),
                                      .x = x,
                                      .x_stride = g->stride,
                                      .y = g->relu[l + 1],
                                      .y_stride = g->stride,
                                      .samples = batch,
                                      .relu = l + 1 < net->layers});
    if (gamma != NULL) scale(g, l + 1, m, gamma, batch);
}

/* dw[j][i] = sum over s of delta[j][s] x[s][i], j < m, i < n. x: [batch][x_stride], dw: [m][dw_stride] */
static void weight_gradient(gradient *g, size_t m, size_t n, size_t batch, const float *delta, const float *x,
                            size_t x_stride, float *dw, size_t dw_stride) {
    idp_pack(g->kernel, m, batch, delta, g->stride, NULL, g->packed_delta);
    product_run(g->kernel, &(product){.packed = g->packed_delta,
                                      .out = m,
                                      .in = batch,
                                      .m = m,
                                      .k = batch,
                                      .x = x,
                                      .x_stride = x_stride,
                                      .y = dw,
                                      .y_stride = dw_stride,
                                      .samples = n});
}

/* mix: [m], or NULL for all ones; so below. */
static void add_bias_gradient(const gradient *g, size_t m, size_t batch, const float *delta, const float *mix,
                              float *db) {
    for (size_t j = 0; j < m; j++) {
        float sum = 0;
        for (size_t s = 0; s < batch; s++) sum += delta[j * g->stride + s];
        db[j] += mix != NULL ? mix[j] * sum : sum;
    }
}

static void add(size_t count, float factor, const float *from, float *to) {
    for (size_t i = 0; i < count; i++) to[i] += factor * from[i];
}

/* A weight between channels r and c takes mix[r] or mix[c], of the later one. */
static void add_weights(size_t rows, size_t columns, size_t stride, const float *mix, const float *from,
                        float *to) {
    for (size_t r = 0; r < rows; r++, from += stride, to += stride) {
        const size_t earlier = mix == NULL ? columns : r < columns ? r : columns;
        add(earlier, mix != NULL ? mix[r] : 1, from, to);
        for (size_t c = earlier; c < columns; c++) to[c] += mix[c] * from[c];
    }
}

/* back: dLoss/dscaled[1]; becomes dLoss/drelu[1]. */
static void gamma_gradient(const gradient *g, const gradient_own *own, size_t m, size_t batch, float *back) {
    for (size_t i = 0; i < m; i++, back += g->stride) {
        const float *relu = g->relu[1] + i * g->stride;
        float sum = 0;
        for (size_t s = 0; s < batch; s++) {
            sum += back[s] * relu[s];
            back[s] *= own->gamma[i];
        }
        own->dgamma[i] = sum;
    }
}

/* Layers 2 and up at one width, from dLoss/dlogits in delta[layers]: adds to dw and db, and to delta[1]. */
static void backward(gradient *g, const gradient_net *net, size_t k, const gradient_own *own, const float *mix,
                     size_t batch) {
    for (size_t l = net->layers - 1; l > 0; l--) {
        const size_t in = channels(net, l, k), out = channels(net, l + 1, k);
        const float *delta = g->delta[l + 1], *relu = g->relu[l];
        const float *gamma = own != NULL && l == 1 ? own->gamma : net->gamma[l];
        const float *x = gamma == NULL || net->gamma_free ? relu : g->scaled[l];
        transpose(in, batch, x, g->stride, g->transposed, in);
        weight_gradient(g, out, in, batch, delta, g->transposed, in, g->dw_width, net->width[l]);
        const bool last = own != NULL && l + 1 == net->layers;
        add_weights(out, in, net->width[l], last ? NULL : mix, g->dw_width, last ? own->dw : g->dw[l]);
        add_bias_gradient(g, out, batch, delta, last ? NULL : mix, last ? own->db : g->db[l]);

        float *back = l == 1 ? g->delta_width : g->delta[l];
        product_run(g->kernel, &(product){.packed = g->packed_back[l],
                                          .out = net->width[l],
                                          .in = net->width[l + 1],
                                          .m = in,
                                          .k = out,
                                          .x = delta,
                                          .x_stride = g->stride,
                                          .y = back,
                                          .y_stride = g->stride,
                                          .samples = batch,
                                          .gamma = own != NULL ? NULL : gamma});
        if (own != NULL && l == 1) gamma_gradient(g, own, in, batch, back);
        for (size_t i = 0; i < in; i++)
            for (size_t s = 0; s < batch; s++)
                back[i * g->stride + s] = relu[i * g->stride + s] > 0 ? back[i * g->stride + s] : 0;
        if (l == 1)
            for (size_t i = 0; i < in; i++)
                add(batch, mix != NULL ? mix[i] : 1, back + i * g->stride, g->delta[1] + i * g->stride);
    }
}

static void begin_own(gradient *g, const gradient_net *net, const gradient_own *own, size_t k, size_t batch) {
    pack_layer(g, net->layers - 1, own->last);
    memset(own->dw, 0, own->last->out * own->last->in * sizeof(float));
    memset(own->db, 0, own->last->out * sizeof(float));
    memset(own->dgamma, 0, net->width[1] * sizeof(float));
    scale(g, 1, channels(net, 1, k), own->gamma, batch);
}

double gradient_run(gradient *g, const gradient_net *net, const size_t *k, size_t widths, const float *x,
                    const uint8_t *label, size_t batch) {
    const size_t inputs = net->width[0], classes = net->width[net->layers];
    size_t widest = 0;
    for (size_t w = 0; w < widths; w++) widest = most(widest, k[w]);
    const size_t first = channels(net, 1, widest);
    for (size_t l = 0; l < net->layers; l++) {
        memset(g->dw[l], 0, net->width[l] * net->width[l + 1] * sizeof(float));
        memset(g->db[l], 0, net->width[l + 1] * sizeof(float));
    }
    memset(g->delta[1], 0, first * g->stride * sizeof(float));
    for (size_t l = 0; l < net->layers; l++) pack_layer(g, l, net->layer[l]);

    /* Layer 1 reads all of its inputs at every width: the widths share its product, and their gradients to its
     * outputs add up before the one product back. */
    transpose(batch, inputs, x, inputs, g->input, g->stride);
    forward(g, net, 0, widest, g->input, batch);
    double loss = 0;
    for (size_t w = 0; w < widths; w++) {
        const gradient_own *own = net->own != NULL ? &net->own[w] : NULL;
        const float *mix = net->mix != NULL ? net->mix + w * net->width[1] : NULL;
        if (own != NULL) begin_own(g, net, own, k[w], batch);
        for (size_t l = 1; l < net->layers; l++) {
            const bool scaled = net->gamma[l] != NULL || (own != NULL && l == 1);
            forward(g, net, l, k[w], scaled ? g->scaled[l] : g->relu[l], batch);
        }
        const double share = (net->share != NULL ? net->share[w] : 1 / (double)widths) / (double)batch;
        const float *z = g->relu[net->layers];
        if (net->distillation && w == 0) softmax(classes, batch, g->stride, z, g->teacher);
        loss +=
            share * (net->distillation && w > 0
                         ? soft_loss(classes, batch, g->stride, z, g->teacher, (float)share, g->delta[net->layers])
                         : label_loss(classes, batch, g->stride, z, label, (float)share, g->delta[net->layers]));
        backward(g, net, k[w], own, mix, batch);
    }
    weight_gradient(g, first, inputs, batch, g->delta[1], x, inputs, g->dw[0], inputs);
    add_bias_gradient(g, first, batch, g->delta[1], NULL, g->db[0]);
    return loss;
}
