/* gradient.c: the arithmetic of a step, as tasks for the threads. */
#include <string.h>

#include "gradient_parts.h"

/* ---- what the tasks of a step see ------------------------------------------------------------------------------
 */

typedef struct pass {
    gradient *g;
    const gradient_net *net;
    const gradient_step *step;
    const gradient_update *update; /* or NULL */
    size_t w;                      /* the width at hand */
    size_t first;                  /* outputs of layer 1 that the widest width reads */
    size_t blocks;                 /* of samples */
    size_t inner_tasks;            /* of the second half */
} pass;

/* Channels of activation h in use at width k. */
static size_t channels(const gradient_net *net, size_t h, size_t k) {
    return net->incomplete[h] ? least(k, net->width[h]) : net->width[h];
}

static float *block_at(const pass *p, float *array, size_t h, size_t block) {
    return array + block * block_floats(p->net->width[h]);
}

static size_t samples_in(const pass *p, size_t block) { return least(BLOCK, p->step->batch - block * BLOCK); }

static float weight_of(const gradient_step *step, size_t w) {
    return step->weight != NULL ? step->weight[w] : 1 / (float)step->widths;
}

/* What the width at hand has for itself, or NULL. */
static const gradient_own *own_of(const pass *p) { return p->net->own != NULL ? &p->net->own[p->w] : NULL; }

/* The part of the width's gradient that each channel takes, or NULL for all of it. */
static const float *mix_of(const pass *p) {
    return p->net->mix != NULL ? p->net->mix + p->w * p->net->width[1] : NULL;
}

static bool is_own(const pass *p, size_t l) { return p->net->own != NULL && l + 1 == p->net->layers; }

static const model_layer *layer_of(const pass *p, size_t l) {
    return is_own(p, l) ? own_of(p)->last : p->net->layer[l];
}

/* The rows of layer l's weights that the step may change: all of them where it only computes the gradient. */
static void trained_rows(const pass *p, size_t l, size_t *from, size_t *to) {
    *from = p->update != NULL ? p->update->regions[l].row_from : 0;
    *to = p->update != NULL ? p->update->regions[l].row_to : p->net->width[l + 1];
}

/* ---- the first half: one block of samples ----------------------------------------------------------------------
 */

static uint8_t *pixels_at(const pass *p, size_t block, size_t column) {
    const size_t line = block * lines_of(p->net->width[0]) + column / LINE;
    return p->g->pixels + line * BLOCK * LINE + column % LINE;
}

/* The images lie all over the training set; both halves of the step read their pixels from one place. */
static void read_images(const pass *p, size_t block) {
    const size_t columns = p->net->width[0], whole = columns / LINE * LINE, samples = samples_in(p, block);
    for (size_t s = 0; s < BLOCK; s++) {
        const uint8_t *image = s < samples ? p->step->image[block * BLOCK + s] : NULL;
        for (size_t c = 0; c < columns; c += LINE) {
            uint8_t *to = pixels_at(p, block, c) + s * LINE;
            if (image == NULL)
                memset(to, 0, LINE);
            else if (c < whole)
                memcpy(to, image + c, LINE);
            else
                memcpy(to, image + c, columns - c);
        }
    }
}

/* Lists the pixels that at least one image of the block lights; returns how many. Of handwriting a third or more
 * are dark in all of them, borders and corners. Leaving those out of a sum changes nothing in it. */
static size_t lit_pixels(const pass *p, size_t block, uint32_t *lit) {
    size_t count = 0;
    for (size_t c = 0; c < p->net->width[0]; c += LINE) {
        const uint8_t *pixel = pixels_at(p, block, c);
        uint8_t any[LINE] = {0};
        for (size_t s = 0; s < BLOCK; s++)
            for (size_t i = 0; i < LINE; i++) any[i] |= pixel[s * LINE + i];
        for (size_t i = 0; i < LINE; i++) {
            lit[count] = (uint32_t)(c + i);
            count += any[i] != 0;
        }
    }
    return count;
}

static void read_target(const pass *p, size_t block) {
    const size_t classes = p->net->width[p->net->layers];
    float *target = block_at(p, p->g->target, p->net->layers, block);
    memset(target, 0, classes * BLOCK * sizeof *target);
    for (size_t s = 0; s < samples_in(p, block); s++) {
        const size_t sample = block * BLOCK + s;
        if (p->step->target == NULL) {
            target[p->step->label[sample] * BLOCK + s] = 1;
            continue;
        }
        for (size_t c = 0; c < classes; c++) target[c * BLOCK + s] = p->step->target[sample * classes + c];
    }
}

/* Layer l, m of its outputs from k of its inputs, those listed or the first ones. x: [channel][32] */
static void forward(const pass *p, size_t l, size_t block, size_t m, size_t k, const uint32_t *channel,
                    const float *x) {
    const gradient_net *net = p->net;
    const float *gamma = net->gamma[l + 1];
    p->g->kernels->forward(
        &(idp_train_forward){.w = layer_of(p, l)->w,
                             .w_stride = net->width[l],
                             .b = layer_of(p, l)->b,
                             .x = x,
                             .y = block_at(p, p->g->relu[l + 1], l + 1, block),
                             .m = m,
                             .k = k,
                             .relu = l + 1 < net->layers,
                             .gamma = gamma,
                             .scaled = gamma != NULL ? block_at(p, p->g->scaled[l + 1], l + 1, block) : NULL,
                             .channel = channel});
}

/* What layer h reads of activation h: times gamma, where it has one. */
static float *activation(const pass *p, size_t h, size_t block) {
    const bool scaled = p->net->gamma[h] != NULL || (h == 1 && p->net->own != NULL);
    return block_at(p, scaled ? p->g->scaled[h] : p->g->relu[h], h, block);
}

/* The first n channels of activation h, sample by sample, as layer h's weight gradient wants them. */
static void turn(const pass *p, size_t h, size_t block, size_t n) {
    const float *from = p->net->gamma_free ? block_at(p, p->g->relu[h], h, block) : activation(p, h, block);
    for (size_t i = 0; i < n; i += BLOCK)
        p->g->kernels->turn(from + i * BLOCK, p->g->turned[h] + (i / BLOCK * p->blocks + block) * SQUARE);
}

static double learn(const pass *p, size_t block) {
    const size_t layers = p->net->layers;
    const bool student = p->step->distill && p->w > 0;
    return p->g->kernels->loss(
        &(idp_train_loss){.classes = p->net->width[layers],
                          .samples = samples_in(p, block),
                          .z = block_at(p, p->g->relu[layers], layers, block),
                          .target = block_at(p, student ? p->g->teacher : p->g->target, layers, block),
                          .share = weight_of(p->step, p->w) / (float)p->step->batch,
                          .delta = block_at(p, p->g->delta[layers], layers, block),
                          .softmax = block_at(p, p->w == 0 ? p->g->teacher : p->g->softmax, layers, block)});
}

/* A width's own gamma times the activations. */
static void scale_own(const pass *p, size_t block, size_t m) {
    const float *gamma = own_of(p)->gamma, *relu = block_at(p, p->g->relu[1], 1, block);
    float *scaled = block_at(p, p->g->scaled[1], 1, block);
    for (size_t i = 0; i < m; i++)
        for (size_t s = 0; s < BLOCK; s++) scaled[i * BLOCK + s] = gamma[i] * relu[i * BLOCK + s];
}

/* From delta_own, the loss passed back to the activations times gamma: gamma's gradient, and what layer 1 learns.
 */
static void mix_delta(const pass *p, size_t block, size_t from, size_t to) {
    const float *gamma = own_of(p)->gamma, *mix = mix_of(p);
    const float *own = block_at(p, p->g->delta_own, 1, block), *relu = block_at(p, p->g->relu[1], 1, block);
    float *delta = block_at(p, p->g->delta[1], 1, block);
    float *dgamma = p->g->dgamma + block * blocks_of(p->net->width[1]) * BLOCK;
    for (size_t i = from; i < to; i++) {
        const float factor = mix != NULL ? mix[i] * gamma[i] : gamma[i];
        float sum = 0;
        for (size_t at = i * BLOCK; at < (i + 1) * BLOCK; at++) {
            sum += own[at] * relu[at]; /* own is 0 beyond the samples */
            delta[at] += factor * own[at];
        }
        dgamma[i] = sum;
    }
}

/* Passes the loss back through layer l, which is not the first. */
static void backward(const pass *p, size_t l, size_t block, size_t k) {
    const gradient_net *net = p->net;
    size_t from = 0, to = channels(net, l, k);
    if (l == 1) { /* for the weights of layer 1 alone: not for rows that are frozen */
        size_t end;
        trained_rows(p, 0, &from, &end);
        to = least(to, end);
    }
    if (from >= to) return;
    const bool own_gamma = l == 1 && net->own != NULL;
    float *y = block_at(p, own_gamma ? p->g->delta_own : p->g->delta[l], l, block) + from * BLOCK;
    p->g->kernels->backward(&(idp_train_backward){.w = layer_of(p, l)->w + from,
                                                  .w_stride = net->width[l],
                                                  .delta = block_at(p, p->g->delta[l + 1], l + 1, block),
                                                  .relu = block_at(p, p->g->relu[l], l, block) + from * BLOCK,
                                                  .gamma = net->gamma[l] != NULL ? net->gamma[l] + from : NULL,
                                                  .y = y,
                                                  .m = to - from,
                                                  .k = channels(net, l + 1, k),
                                                  .add = l == 1 && p->step->widths > 1 && !own_gamma});
    if (own_gamma) mix_delta(p, block, from, to);
}

static void samples_task(void *context, size_t block, size_t thread) {
    const pass *p = context;
    const gradient_net *net = p->net;
    const size_t k = p->step->k[p->w];
    if (p->w == 0) {
        /* Layer 1 reads all of its inputs at every width: the widths share its product, and their gradients to its
         * outputs add up before the one product back. */
        gradient_scratch *s = &p->g->scratch[thread];
        read_images(p, block);
        for (size_t i = 0; i < net->width[0]; i += LINE)
            p->g->kernels->pixels_turned(pixels_at(p, block, i), s->input + i * BLOCK);
        read_target(p, block);
        const size_t lit = p->step->zeros ? net->width[0] : lit_pixels(p, block, s->lit);
        const bool listed = lit < net->width[0] - net->width[0] / 8; /* going by a list costs one load in twelve */
        p->g->lit[block] = listed ? lit : net->width[0];
        forward(p, 0, block, p->first, p->g->lit[block], listed ? s->lit : NULL, s->input);
        if (net->own == NULL) turn(p, 1, block, p->first);
        if (p->step->widths > 1 || net->own != NULL)
            memset(block_at(p, p->g->delta[1], 1, block), 0, p->first * BLOCK * sizeof(float));
    }
    if (net->own != NULL) {
        scale_own(p, block, channels(net, 1, k));
        turn(p, 1, block, channels(net, 1, k));
    }
    for (size_t l = 1; l < net->layers; l++) {
        const size_t m = channels(net, l + 1, k);
        forward(p, l, block, m, channels(net, l, k), NULL, activation(p, l, block));
        if (l + 1 < net->layers) turn(p, l + 1, block, m);
    }
    p->g->loss[block] = learn(p, block);
    for (size_t l = net->layers - 1; l > 0; l--) backward(p, l, block, k);
}

/* ---- the second half: one block of input channels of a layer
 * ----------------------------------------------------- */

/* The samples' parts of the gradient of rows from `row` on; x: [block of samples][sample][32] */
static void fill_terms(const pass *p, size_t l, size_t row, const float *x, idp_train_term *term) {
    for (size_t block = 0; block < p->blocks; block++)
        term[block] = (idp_train_term){.delta = block_at(p, p->g->delta[l + 1], l + 1, block) + row * BLOCK,
                                       .x = x + block * SQUARE,
                                       .samples = samples_in(p, block)};
}

static bool last_width(const pass *p) { return p->w + 1 == p->step->widths; }

/* The images of the next step are drawn from a set far larger than the caches, and 32 at a time are more streams
 * than a hardware prefetcher follows: their lines are fetched while the weights keep the arithmetic busy. A line
 * holds two blocks of columns: the first half of the images is fetched with one, the second with the other. */
static void fetch_next(const pass *p, size_t index, idp_train_weights *o) {
    const bool alone = index % 2 == 0 && (index + 1) * BLOCK >= p->net->width[0];
    const size_t half = p->step->next_batch / 2, first = index % 2 == 0 ? 0 : half;
    if (p->step->next == NULL) return;
    o->fetch = p->step->next + first;
    o->fetches = (index % 2 == 0 && !alone ? half : p->step->next_batch) - first;
    o->fetch_offset = index * BLOCK / LINE * LINE;
}

/* Rows [from, to) and n columns from `column` on of layer l: gradient plus what dw holds (add), stored into dw or,
 * with `update`, used up. */
static void weights(const pass *p, size_t l, size_t from, size_t to, size_t column, size_t n,
                    const idp_train_term *term, size_t terms, bool add, const gradient_update *update) {
    if (from >= to) return;
    const size_t stride = p->net->width[l], at = from * stride + column;
    idp_train_weights o = {
        .term = term, .terms = terms, .m = to - from, .n = n, .stride = stride, .g = p->g->dw[l] + at, .add = add};
    if (update != NULL) {
        o.v = update->velocity_w[l] + at;
        o.w = p->net->layer[l]->w + at;
        o.momentum = update->momentum;
        o.lr = update->lr;
        o.decay = update->decay;
    }
    if (l == 0 && terms > 0) fetch_next(p, column / BLOCK, &o);
    p->g->kernels->weights(&o);
}

/* Layer 1: its gradient is complete in the registers, and updates the weights from there. */
static void first_layer(const pass *p, size_t index, gradient_scratch *s) {
    size_t from, to, begin = index * BLOCK, end = least(begin + BLOCK, p->net->width[0]);
    const float *x = s->columns;
    trained_rows(p, 0, &from, &to);
    if (p->update != NULL) {
        const region *r = &p->update->regions[0];
        x += most(begin, r->column_from) - begin;
        begin = most(begin, r->column_from);
        end = least(end, r->column_to);
    }
    if (begin >= end) return;
    const size_t n = end - begin, reached = least(to, most(from, p->first));
    for (size_t block = 0; block < p->blocks; block++)
        p->g->kernels->pixels(pixels_at(p, block, index * BLOCK), s->columns + block * SQUARE);
    fill_terms(p, 0, from, x, s->term);
    weights(p, 0, from, reached, begin, n, s->term, p->blocks, false, p->update);
    weights(p, 0, reached, to, begin, n, NULL, 0, false, p->update); /* velocity alone, or zero */
}

/* Adds the width's gradient of n columns from `column` on, from[row][32], to dw: a weight between two channels
 * takes the part of the later one. */
static void mix_weights(const pass *p, size_t l, size_t from, size_t to, size_t column, size_t n,
                        const float *unmixed) {
    const float *mix = mix_of(p);
    for (size_t j = from; j < to; j++, unmixed += BLOCK) {
        float *dw = p->g->dw[l] + j * p->net->width[l] + column;
        for (size_t c = 0; c < n; c++) dw[c] += mix[most(j, column + c)] * unmixed[c];
    }
}

/* Layers that a width shares with none, or shares in part; the former are not updated here. */
static void own_layer(const pass *p, size_t l, size_t column, size_t n, gradient_scratch *s) {
    const bool own = is_own(p, l);
    size_t from = 0, to = p->net->width[l + 1];
    if (!own) trained_rows(p, l, &from, &to);
    to = least(to, channels(p->net, l + 1, p->step->k[p->w]));
    if (from >= to) return;
    fill_terms(p, l, from, p->g->turned[l] + column * p->blocks * BLOCK, s->term);
    p->g->kernels->weights(
        &(idp_train_weights){.term = s->term,
                             .terms = p->blocks,
                             .m = to - from,
                             .n = n,
                             .stride = own ? p->net->width[l] : BLOCK,
                             .g = own ? own_of(p)->dw + from * p->net->width[l] + column : s->unmixed});
    if (!own) mix_weights(p, l, from, to, column, n, s->unmixed);
}

/* Whether each weight's gradient is used up by the one task that sums it, so that none is kept in dw. */
static bool used_at_once(const pass *p) {
    return p->update != NULL && p->step->widths == 1 && p->net->own == NULL && p->net->mix == NULL;
}

/* Other layers add up over the widths. */
static void inner_layer(const pass *p, size_t l, size_t index, gradient_scratch *s) {
    const size_t k = p->step->k[p->w], in = channels(p->net, l, k), column = index * BLOCK;
    const gradient_update *update = last_width(p) && !is_own(p, l) ? p->update : NULL;
    size_t from, to, begin = column, end = least(column + BLOCK, p->net->width[l]);
    trained_rows(p, l, &from, &to);
    if (update != NULL) {
        begin = most(begin, update->regions[l].column_from);
        end = least(end, update->regions[l].column_to);
    }
    const bool add = !used_at_once(p);
    size_t reached_rows = from, reached = begin; /* what is left has its gradient, if any, from other widths */
    if (column < in && (is_own(p, l) || mix_of(p) != NULL)) {
        own_layer(p, l, column, least(BLOCK, in - column), s);
    } else if (begin < least(end, in)) {
        reached_rows = most(from, least(to, channels(p->net, l + 1, k)));
        reached = least(end, in);
        fill_terms(p, l, from, p->g->turned[l] + index * p->blocks * SQUARE + (begin - column), s->term);
        weights(p, l, from, reached_rows, begin, reached - begin, s->term, p->blocks, add, update);
    }
    if (update == NULL || begin >= end) return;
    if (reached < end) weights(p, l, from, reached_rows, reached, end - reached, NULL, 0, add, update);
    weights(p, l, reached_rows, to, begin, end - begin, NULL, 0, add, update);
}

static void biases(const pass *p, size_t l, gradient_scratch *s) {
    gradient *g = p->g;
    const float *mix = l > 0 && !is_own(p, l) ? mix_of(p) : NULL; /* delta[1] is mixed already */
    float *db = is_own(p, l) ? own_of(p)->db : g->db[l], *sums = mix != NULL ? s->unmixed : db;
    const size_t m = l == 0 ? p->first : channels(p->net, l + 1, p->step->k[p->w]);
    if (mix != NULL) memset(sums, 0, m * sizeof *sums);
    for (size_t block = 0; block < p->blocks; block++)
        g->kernels->sums(m, block_at(p, g->delta[l + 1], l + 1, block), sums);
    for (size_t j = 0; mix != NULL && j < m; j++) db[j] += mix[j] * sums[j];
    if (p->update == NULL || !last_width(p) || is_own(p, l)) return;
    const region *r = &p->update->regions[l];
    for (size_t j = r->row_from; j < r->row_to; j += BLOCK)
        g->kernels->weights(&(idp_train_weights){.m = 1,
                                                 .n = least(BLOCK, r->row_to - j),
                                                 .g = g->db[l] + j,
                                                 .add = true,
                                                 .v = p->update->velocity_b[l] + j,
                                                 .w = p->net->layer[l]->b + j,
                                                 .momentum = p->update->momentum,
                                                 .lr = p->update->lr});
}

/* Tasks are blocks of the columns of layer 2, ..., of the last and, with the last width, of the first, each layer's
 * followed by one for its biases. */
static void weights_task(void *context, size_t index, size_t thread) {
    const pass *p = context;
    const size_t layers = p->net->layers;
    for (size_t place = 1; place <= layers; place++) {
        const size_t l = place % layers, blocks = blocks_of(p->net->width[l]);
        if (index > blocks) {
            index -= blocks + 1;
            continue;
        }
        gradient_scratch *s = &p->g->scratch[thread];
        if (index == blocks)
            biases(p, l, s);
        else if (l == 0)
            first_layer(p, index, s);
        else
            inner_layer(p, l, index, s);
        return;
    }
}

/* ---- a step -------------------------------------------------------------------------------------------------- */

/* Layer 1's gradient is stored, if at all, by the one task that sums it. */
static void clear(const pass *p) {
    gradient *g = p->g;
    const gradient_net *net = p->net;
    for (size_t l = 0; l < net->layers; l++) {
        if (l == 0 ? p->update == NULL : !used_at_once(p))
            memset(g->dw[l], 0, net->width[l] * net->width[l + 1] * sizeof(float));
        memset(g->db[l], 0, net->width[l + 1] * sizeof(float));
    }
}

static void clear_own(const gradient_net *net, const gradient_own *own) {
    memset(own->dw, 0, own->last->out * own->last->in * sizeof *own->dw);
    memset(own->db, 0, own->last->out * sizeof *own->db);
    memset(own->dgamma, 0, net->width[1] * sizeof *own->dgamma);
}

static void sum_gamma(const pass *p) {
    const size_t stride = blocks_of(p->net->width[1]) * BLOCK;
    size_t from, to;
    trained_rows(p, 0, &from, &to);
    to = least(to, channels(p->net, 1, p->step->k[p->w]));
    for (size_t block = 0; block < p->blocks; block++)
        for (size_t i = from; i < to; i++) own_of(p)->dgamma[i] += p->g->dgamma[block * stride + i];
}

double gradient_run(gradient *g, const gradient_net *net, const gradient_step *step,
                    const gradient_update *update) {
    pass p = {.g = g, .net = net, .step = step, .update = update, .blocks = blocks_of(step->batch)};
    for (size_t w = 0; w < step->widths; w++) p.first = most(p.first, channels(net, 1, step->k[w]));
    for (size_t l = 1; l < net->layers; l++) p.inner_tasks += blocks_of(net->width[l]) + 1;
    clear(&p);
    double total = 0;
    for (; p.w < step->widths; p.w++) {
        if (net->own != NULL) clear_own(net, own_of(&p));
        pool_run(g->threads, samples_task, &p, p.blocks);
        if (net->own != NULL) sum_gamma(&p);
        double loss = 0;
        for (size_t block = 0; block < p.blocks; block++) loss += g->loss[block];
        g->width_loss[p.w] = loss / (double)step->batch;
        total += (double)weight_of(step, p.w) * g->width_loss[p.w];
        pool_run(g->threads, weights_task, &p, p.inner_tasks + (last_width(&p) ? blocks_of(net->width[0]) + 1 : 0));
    }
    return total;
}
