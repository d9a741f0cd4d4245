/* train_initial.c: the model as it is before training. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../library/decimal.h"
#include "matrix.h"
#include "train_parts.h"

static model_layer *new_layer(const train_options *o, model *m, size_t l, random_state *r) {
    model_layer *layer = model_add_layer(m, m->width[l + 1], m->width[l]);
    if (layer == NULL) return NULL;
    const double deviation = 1 / sqrt((double)layer->in), limit = sqrt(6 / (double)(layer->in + layer->out));
    for (size_t i = 0; i < layer->out * layer->in; i++)
        layer->w[i] = (float)(o->initial == INITIAL_XAVIER ? limit * (2 * random_uniform(r) - 1)
                                                           : deviation * random_normal(r));
    return layer;
}

/* Weights that lead from a later part's channels into an earlier part's become zero. */
static void uncouple(const train_options *o, model_layer *layer) {
    for (size_t p = 0; p < o->parts; p++) {
        const size_t column = idp_prefix(layer->in, o->part[p].to_percent);
        const size_t to = idp_prefix(layer->out, o->part[p].to_percent);
        for (size_t j = idp_prefix(layer->out, o->part[p].from_percent); j < to; j++)
            memset(layer->w + j * layer->in + column, 0, (layer->in - column) * sizeof(float));
    }
}

/* Shared layers first, so that they start alike however many parts there are. */
static bool add_layers(const train_options *o, model *m) {
    random_state r;
    random_seed(&r, o->seed, RANDOM_INITIAL_WEIGHTS);
    for (size_t l = 0; l < m->layers; l++) {
        const layer_place place = layer_place_of(l, m->layers);
        if (o->recipe->own[place]) continue;
        model_layer *shared = new_layer(o, m, l, &r);
        if (shared == NULL) return false;
        if (place == LAYER_INNER && o->coupling == COUPLING_ZERO) uncouple(o, shared);
        for (size_t p = 0; p < m->profiles; p++) m->profile[p].layer[l] = shared;
    }
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t l = 0; l < m->layers; l++)
            if (m->profile[p].layer[l] == NULL && (m->profile[p].layer[l] = new_layer(o, m, l, &r)) == NULL)
                return false;
    return true;
}

static bool add_gamma(const train_options *o, model *m) {
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t h = 1; h < m->layers; h++) {
            if (!m->incomplete[h]) continue;
            const size_t n = m->width[h], end = o->recipe->gamma_ends ? idp_prefix(n, o->part[p].to_percent) : n;
            const bool learned = o->recipe->joint && h == 1;
            if (o->gamma == GAMMA_ALL_ONE && end == n && !learned) continue;
            if ((m->profile[p].gamma[h] = floats_new(n)) == NULL) return false;
            gamma_fill(o->gamma, n, end, m->profile[p].gamma[h]);
        }
    return true;
}

static void note_settings(const train_options *o, model *m) {
    char number[DECIMAL_TEXT];
    model_note(m, "epochs", "%zu", o->epochs);
    model_note(m, "schedule", "%s", schedule_name(o->schedule));
    model_note(m, "halve_after", "%zu", o->halve_after);
    model_note(m, "batch", "%zu", o->batch);
    model_note(m, "lr", "%s", decimal_text(o->lr, number));
    model_note(m, "momentum", "%s", decimal_text(o->momentum, number));
    model_note(m, "weight_decay", "%s", decimal_text(o->weight_decay, number));
    model_note(m, "initial", "%s", initial_name(o->initial));
    model_note(m, "widths", "%s", o->widths->name);
    if (o->width_weights > 0) {
        char weights[WIDTHS_MAX * (DECIMAL_TEXT + 1)] = "";
        for (size_t w = 0, used = 0; w < o->width_weights; w++)
            used += (size_t)snprintf(weights + used, sizeof weights - used, "%s%s", w > 0 ? "," : "",
                                     decimal_text(o->width_weight[w], number));
        model_note(m, "width_weights", "%s", weights);
    }
    model_note(m, "coupling", "%s", coupling_name(o->coupling));
    if (o->recipe->can_distill) model_note(m, "distillation", "%s", o->distillation ? "yes" : "no");
    model_note(m, "backend", "%s", o->backend->name);
}

bool train_initial(const train_options *o, const dataset *data, model *m, error *e) {
    *m = (model){.gamma = o->gamma, .seed = o->seed, .layers = o->hidden_count + 1, .profiles = o->parts};
    snprintf(m->recipe, sizeof m->recipe, "%s", o->recipe->name);
    snprintf(m->data_name, sizeof m->data_name, "%s", data->name);
    m->width[0] = data->train.rows * data->train.columns;
    m->width[m->layers] = data->classes;
    for (size_t h = 1; h < m->layers; h++) {
        m->width[h] = o->hidden[h - 1];
        m->incomplete[h] = h == 1 || o->recipe->all_incomplete;
    }
    for (size_t p = 0; p < o->parts; p++) {
        m->profile[p].from_percent = o->part[p].from_percent;
        m->profile[p].to_percent = o->part[p].to_percent;
    }
    note_settings(o, m);
    return (add_layers(o, m) && add_gamma(o, m)) || fail(e, "no memory for the model");
}
