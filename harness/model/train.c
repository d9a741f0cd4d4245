#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../backends.h"
#include "../progress.h"
#include "decimal.h"
#include "gradient.h"
#include "matrix.h"

bool train_defaults(train_options *o, const char *recipe_name, error *e) {
    const recipe *r = recipe_find(recipe_name);
    if (r == NULL) {
        char names[256] = "";
        for (size_t i = 0; i < recipe_count(); i++) {
            const size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", recipe_at(i)->name);
        }
        return fail(e, "there is no recipe '%s'; there are %s", recipe_name, names);
    }
    const idp_backend *backend;
    if (!backend_choose(NULL, &backend, e)) return false;
    *o = (train_options){.recipe = r,
                         .gamma = GAMMA_LINEAR,
                         .parts = 1,
                         .part = {{0, 100}},
                         .hidden_count = 2,
                         .hidden = {100, 100},
                         .epochs = 30,
                         .halve_after = 25,
                         .batch = 128,
                         .lr = 0.05,
                         .momentum = 0.9,
                         .seed = 1,
                         .widths = width_rule_find(r->widths),
                         .coupling = COUPLING_INITIAL,
                         .backend = backend,
                         .threads = pool_processors()};
    return true;
}

/* ---- settings that fit --------------------------------------------------------------------------------------- */

static bool check_hidden(const train_options *o, error *e) {
    const recipe *r = o->recipe;
    if (o->hidden_count < r->least_hidden || o->hidden_count > r->most_hidden)
        return fail(e, "recipe %s takes %s%zu hidden layers, not %zu", r->name,
                    o->hidden_count < r->least_hidden ? "at least " : "at most ",
                    o->hidden_count < r->least_hidden ? r->least_hidden : r->most_hidden, o->hidden_count);
    for (size_t h = 0; h < o->hidden_count; h++) {
        if (o->hidden[h] < 1 || o->hidden[h] > TRAIN_WIDTH_MOST)
            return fail(e, "a hidden layer has 1 to %d channels, not %zu", TRAIN_WIDTH_MOST, o->hidden[h]);
        if (r->all_incomplete && o->hidden[h] != o->hidden[0])
            return fail(
                e,
                "recipe %s cuts every hidden layer to the same channels, so all must be as wide as the first, "
                "%zu; one has %zu",
                r->name, o->hidden[0], o->hidden[h]);
    }
    return true;
}

static bool check_parts(const train_options *o, error *e) {
    if (o->parts < 1 || o->parts > MODEL_MAX_PROFILES)
        return fail(e, "a model has 1 to %d parts, not %zu", MODEL_MAX_PROFILES, o->parts);
    for (size_t p = 0; p < o->parts; p++) {
        const double from = o->part[p].from_percent, to = o->part[p].to_percent;
        if (!(from >= 0 && from < to && to <= 100))
            return fail(e, "part %.15g-%.15g is not a range of percentages from 0 to 100", from, to);
        if (from != (p == 0 ? 0 : o->part[p - 1].to_percent))
            return fail(e, "part %.15g-%.15g must start where the one before ends (the first at 0)", from, to);
        for (size_t h = 0; h < o->hidden_count; h++)
            if (idp_prefix(o->hidden[h], from) == idp_prefix(o->hidden[h], to))
                return fail(e, "part %.15g-%.15g holds none of the %zu channels", from, to, o->hidden[h]);
    }
    return true;
}

static bool check_data(const dataset *data, error *e) {
    const images *train = &data->train, *test = &data->test;
    if (train->count == 0 || test->count == 0) return fail(e, "data set %s has no images", data->name);
    if (train->count > UINT32_MAX) return fail(e, "data set %s has too many images", data->name);
    if (train->rows != test->rows || train->columns != test->columns)
        return fail(e, "data set %s: training and test images differ in size", data->name);
    if (data->classes < 2) return fail(e, "data set %s has a single class", data->name);
    return true;
}

static bool check(const train_options *o, const dataset *data, error *e) {
    if (o->gamma >= GAMMA_KINDS) return fail(e, "there is no gamma number %d", (int)o->gamma);
    if (o->batch < 1 || o->batch > TRAIN_BATCH_MOST)
        return fail(e, "a batch has 1 to %d samples, not %zu", TRAIN_BATCH_MOST, o->batch);
    if (o->threads < 1 || o->threads > POOL_THREADS_MOST)
        return fail(e, "training takes 1 to %d threads, not %zu", POOL_THREADS_MOST, o->threads);
    if (!(o->lr > 0 && o->lr <= 100)) return fail(e, "the learning rate must be above 0 and at most 100");
    if (!(o->momentum >= 0 && o->momentum < 1)) return fail(e, "the momentum must be at least 0 and below 1");
    if (idp_backend_status(o->backend) != IDP_OK)
        return fail(e, "back end %s: %s", o->backend->name, idp_status_text(idp_backend_status(o->backend)));
    return check_hidden(o, e) && check_parts(o, e) && check_data(data, e);
}

/* ---- the model before training --------------------------------------------------------------------------------
 */

/* Channels that the incomplete activations have: all alike, see check_hidden. */
static size_t channels_of(const train_options *o) { return o->hidden[0]; }

static model_layer *new_layer(model *m, size_t l, random_state *r) {
    model_layer *layer = model_add_layer(m, m->width[l + 1], m->width[l]);
    if (layer == NULL) return NULL;
    const double deviation = 1 / sqrt((double)layer->in);
    for (size_t i = 0; i < layer->out * layer->in; i++) layer->w[i] = (float)(deviation * random_normal(r));
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
        model_layer *shared = new_layer(m, l, &r);
        if (shared == NULL) return false;
        if (place == LAYER_INNER && o->coupling == COUPLING_ZERO) uncouple(o, shared);
        for (size_t p = 0; p < m->profiles; p++) m->profile[p].layer[l] = shared;
    }
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t l = 0; l < m->layers; l++)
            if (m->profile[p].layer[l] == NULL && (m->profile[p].layer[l] = new_layer(m, l, &r)) == NULL)
                return false;
    return true;
}

static bool add_gamma(const train_options *o, model *m) {
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t h = 1; h < m->layers; h++) {
            if (!m->incomplete[h]) continue;
            const size_t n = m->width[h], end = o->recipe->gamma_ends ? idp_prefix(n, o->part[p].to_percent) : n;
            if (o->gamma == GAMMA_ALL_ONE && end == n) continue;
            if ((m->profile[p].gamma[h] = floats_new(n)) == NULL) return false;
            gamma_fill(o->gamma, n, end, m->profile[p].gamma[h]);
        }
    return true;
}

static void note_settings(const train_options *o, model *m) {
    model_note(m, "epochs", "%zu", o->epochs);
    model_note(m, "halve_after", "%zu", o->halve_after);
    model_note(m, "batch", "%zu", o->batch);
    char number[DECIMAL_TEXT];
    model_note(m, "lr", "%s", decimal_text(o->lr, number));
    model_note(m, "momentum", "%s", decimal_text(o->momentum, number));
    model_note(m, "widths", "%s", o->widths->name);
    model_note(m, "coupling", "%s", coupling_name(o->coupling));
    model_note(m, "backend", "%s", o->backend->name);
}

static bool initial_model(const train_options *o, const dataset *data, model *m, error *e) {
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

/* ---- training ---------------------------------------------------------------------------------------------------
 */

/* What the stages of a run share. */
typedef struct session {
    const train_options *o;
    const images *train;
    model *m;
    gradient gradient;
    random_state shuffle, widths;
    uint32_t *order;       /* [train->count] */
    const uint8_t **image; /* [train->count], in the epoch's order */
    uint8_t *label;        /* [train->count] */
    float *velocity_w[IDP_MAX_LAYERS], *velocity_b[IDP_MAX_LAYERS];
    progress progress;
    size_t steps_done;
} session;

static void session_free(session *s) {
    gradient_free(&s->gradient);
    free(s->order);
    free(s->image);
    free(s->label);
    for (size_t l = 0; l < IDP_MAX_LAYERS; l++) {
        free(s->velocity_w[l]);
        free(s->velocity_b[l]);
    }
}

static bool session_create(session *s, const train_options *o, const images *train, model *m, error *e) {
    *s = (session){.o = o, .train = train, .m = m};
    random_seed(&s->shuffle, o->seed, RANDOM_SHUFFLE);
    random_seed(&s->widths, o->seed, RANDOM_WIDTHS);
    if (!gradient_create(&s->gradient, o->backend, o->threads, m->layers, m->width, o->batch, e)) return false;
    bool allocated = (s->order = malloc(train->count * sizeof *s->order)) != NULL &&
                     (s->image = malloc(train->count * sizeof *s->image)) != NULL &&
                     (s->label = malloc(train->count)) != NULL;
    for (size_t l = 0; l < m->layers && allocated; l++)
        allocated = (s->velocity_w[l] = floats_new(m->width[l] * m->width[l + 1])) != NULL &&
                    (s->velocity_b[l] = floats_new(m->width[l + 1])) != NULL;
    if (!allocated) {
        session_free(s);
        return fail(e, "no memory to train on %zu images", train->count);
    }
    for (size_t i = 0; i < train->count; i++) s->order[i] = (uint32_t)i;
    return true;
}

/* Images and labels in a new order. */
static void shuffle(session *s) {
    const size_t pixels = s->m->width[0];
    random_shuffle(&s->shuffle, s->order, s->train->count);
    for (size_t i = 0; i < s->train->count; i++) {
        s->image[i] = s->train->pixels + s->order[i] * pixels;
        s->label[i] = s->train->labels[s->order[i]];
    }
}

enum { DIVERGED_NATS = 100 }; /* guessing costs log(classes), 2.3 for ten */

/* One pass over the training set; *loss becomes its mean. */
static bool epoch(session *s, size_t stage, const gradient_net *net, const region *regions, size_t number,
                  double *loss, error *e) {
    const train_options *o = s->o;
    const model_profile *p = &s->m->profile[stage];
    const size_t from = idp_prefix(channels_of(o), p->from_percent), to = idp_prefix(channels_of(o), p->to_percent);
    const double lr = o->halve_after > 0 && number >= o->halve_after ? o->lr / 2 : o->lr;
    const gradient_update update = {.regions = regions,
                                    .velocity_w = s->velocity_w,
                                    .velocity_b = s->velocity_b,
                                    .lr = (float)lr,
                                    .momentum = (float)o->momentum};
    double sum = 0;
    shuffle(s);
    for (size_t first = 0; first < s->train->count; first += o->batch) {
        if (interrupted()) return fail(e, "interrupted; nothing was written");
        size_t k[WIDTHS_MAX];
        const size_t widths = o->widths->choose(from, to, &s->widths, k);
        const size_t left = s->train->count - first, batch = left < o->batch ? left : o->batch;
        const size_t next = left - batch;
        const gradient_step step = {.image = s->image + first,
                                    .label = s->label + first,
                                    .batch = batch,
                                    .next = s->image + first + batch,
                                    .next_batch = next < batch ? next : batch,
                                    .k = k,
                                    .widths = widths};
        sum += (double)batch * gradient_run(&s->gradient, net, &step, &update);

        char detail[96];
        snprintf(detail, sizeof detail, "profile %zu of %zu, epoch %zu of %zu, loss %.4f", stage + 1, o->parts,
                 number + 1, o->epochs, sum / (double)(first + batch));
        progress_at(&s->progress, (double)++s->steps_done, detail);
    }
    *loss = sum / (double)s->train->count;
    if (!(*loss < DIVERGED_NATS))
        return fail(e,
                    "training diverged in profile %zu, epoch %zu (loss %g): lower the learning rate, %g, or the "
                    "momentum, %g",
                    stage + 1, number + 1, *loss, o->lr, o->momentum);
    return true;
}

/* Trains the part of one profile; velocity and learning rate start anew. */
static bool train_stage(session *s, size_t stage, double *loss, error *e) {
    const model *m = s->m;
    const model_profile *p = &m->profile[stage];
    region regions[IDP_MAX_LAYERS];
    for (size_t l = 0; l < m->layers; l++) {
        regions[l] = recipe_region(s->o->recipe, m->width, m->layers, l, p->from_percent, p->to_percent);
        memset(s->velocity_w[l], 0, m->width[l] * m->width[l + 1] * sizeof(float));
        memset(s->velocity_b[l], 0, m->width[l + 1] * sizeof(float));
    }
    const gradient_net net = {.layers = m->layers,
                              .width = m->width,
                              .incomplete = m->incomplete,
                              .layer = p->layer,
                              .gamma = p->gamma,
                              .gamma_free = s->o->recipe->gamma_free};
    *loss = NAN;
    for (size_t number = 0; number < s->o->epochs; number++)
        if (!epoch(s, stage, &net, regions, number, loss, e)) return false;
    return true;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool train_run(const train_options *o, const dataset *data, model *out, train_log *log, error *e) {
    if (!check(o, data, e)) return false;
    bool trained = false;
    model m = {0};
    session s = {0};
    train_log logs[MODEL_MAX_PROFILES];
    if (!initial_model(o, data, &m, e) || !session_create(&s, o, &data->train, &m, e)) goto done;
    const size_t batches = (data->train.count + o->batch - 1) / o->batch;
    progress_start(&s.progress, "train", (double)(o->parts * o->epochs * batches));
    for (size_t stage = 0; stage < o->parts; stage++) {
        const double started_s = now_s();
        if (!train_stage(&s, stage, &logs[stage].loss, e)) goto done;
        logs[stage].seconds = now_s() - started_s;
    }
    progress_end(&s.progress, NULL);
    /* Only now: a later stage may change what an earlier profile reads (`authors`: the biases of layer 2). */
    for (size_t p = 0; p < o->parts; p++)
        if (!model_accuracy(&m, o->backend, &data->test, p, &m.profile[p].to_percent, 1, &logs[p].accuracy_percent,
                            e))
            goto done;
    if (log != NULL) memcpy(log, logs, o->parts * sizeof *log);
    *out = m;
    m = (model){0};
    trained = true;
done:
    session_free(&s);
    model_free(&m);
    return trained;
}
