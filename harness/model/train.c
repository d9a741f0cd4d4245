/* train.c: the stages of a training. */
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../progress.h"
#include "gradient.h"
#include "matrix.h"
#include "train_parts.h"

/* ---- training ---------------------------------------------------------------------------------------------------
 */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* What the stages of a run share. */
typedef struct session {
    const train_options *o;
    const dataset *data;
    const images *train;
    model *m;
    gradient gradient;
    random_state shuffle;
    uint32_t *order;       /* [train->count] */
    const uint8_t **image; /* [train->count], in the epoch's order */
    uint8_t *label;        /* [train->count] */
    float *velocity_w[IDP_MAX_LAYERS], *velocity_b[IDP_MAX_LAYERS];
    joint joint; /* of a joint recipe */
    train_place place;
    progress progress;
    double accuracy_percent; /* of the first test images after the last epoch, to be shown; below 0: not known */
} session;

static void session_free(session *s) {
    gradient_free(&s->gradient);
    joint_free(&s->joint);
    free(s->order);
    free(s->image);
    free(s->label);
    for (size_t l = 0; l < IDP_MAX_LAYERS; l++) {
        free(s->velocity_w[l]);
        free(s->velocity_b[l]);
    }
}

/* On failure too, session_free frees what there is. */
static bool session_create(session *s, const train_options *o, const dataset *data, model *m, error *e) {
    const images *train = &data->train;
    *s = (session){.o = o, .data = data, .train = train, .m = m, .accuracy_percent = -1};
    random_seed(&s->shuffle, o->seed, RANDOM_SHUFFLE);
    random_seed(&s->place.widths, o->seed, RANDOM_WIDTHS);
    for (size_t p = 0; p < MODEL_MAX_PROFILES; p++) {
        s->place.loss[p] = NAN;
        s->place.recent_loss[p] = log((double)m->width[m->layers]); /* of guessing */
    }
    if (!gradient_create(&s->gradient, o->backend, o->threads, m->layers, m->width, o->batch, e)) return false;
    bool allocated = (s->order = malloc(train->count * sizeof *s->order)) != NULL &&
                     (s->image = malloc(train->count * sizeof *s->image)) != NULL &&
                     (s->label = malloc(train->count)) != NULL;
    for (size_t l = 0; l < m->layers && allocated; l++)
        allocated = (s->velocity_w[l] = floats_new(m->width[l] * m->width[l + 1])) != NULL &&
                    (s->velocity_b[l] = floats_new(m->width[l + 1])) != NULL;
    if (allocated && o->recipe->joint) allocated = joint_create(&s->joint, m, o->recipe->wider_share);
    if (!allocated) return fail(e, "no memory to train on %zu images", train->count);
    for (size_t i = 0; i < train->count; i++) s->order[i] = (uint32_t)i;
    return true;
}

/* Images and labels in the order. */
static void arrange(session *s) {
    const size_t pixels = s->m->width[0];
    for (size_t i = 0; i < s->train->count; i++) {
        s->image[i] = s->train->pixels + s->order[i] * pixels;
        s->label[i] = s->train->labels[s->order[i]];
    }
}

/* ---- checkpoints -----------------------------------------------------------------------------------------------
 */

static train_state state_of(session *s) {
    return (train_state){.o = s->o,
                         .data = s->data,
                         .m = s->m,
                         .velocity_w = s->velocity_w,
                         .velocity_b = s->velocity_b,
                         .joint = s->o->recipe->joint ? &s->joint : NULL};
}

static bool save(session *s, error *e) {
    const train_state state = state_of(s);
    return checkpoint_write(s->o->checkpoint, &state, &s->place, e);
}

/* The order after the shuffles so far follows from the seed. */
static bool restore(session *s, error *e) {
    const train_state state = state_of(s);
    if (!checkpoint_read(s->o->resume, &state, &s->place, e)) return false;
    for (size_t i = 0; i < s->place.shuffles; i++) random_shuffle(&s->shuffle, s->order, s->train->count);
    arrange(s);
    return true;
}

/* Ctrl-C: keeps what there is, and tells. */
static bool stop(session *s, error *e) {
    if (s->o->checkpoint == NULL) return fail(e, "interrupted; nothing was written");
    return save(s, e) && fail(e, "interrupted; the same command with --resume %s goes on", s->o->checkpoint);
}

/* ---- stages -------------------------------------------------------------------------------------------------- */

enum {
    DIVERGED_NATS = 100, /* guessing costs log(classes), 2.3 for ten */
    SHOWN_IMAGES = 1000, /* enough to show, and a hundredth of an epoch's work */
};

static void show(session *s) {
    const train_options *o = s->o;
    const train_place *at = &s->place;
    const size_t count = s->train->count, stages = train_stages(o);
    char accuracy[48] = "", detail[128];
    if (s->accuracy_percent >= 0) snprintf(accuracy, sizeof accuracy, ", accuracy %.1f %%", s->accuracy_percent);
    snprintf(detail, sizeof detail, "profile %zu of %zu, epoch %zu of %zu, loss %.4f%s", at->stage + 1, stages,
             at->epoch + 1, o->epochs, at->sum / (double)at->first, accuracy);
    progress_at(&s->progress, (double)(at->stage * o->epochs + at->epoch) + (double)at->first / (double)count,
                detail);
}

/* The widths of a step and the weights of their losses; their number. */
static size_t choose(session *s, const model_profile *p, size_t k[WIDTHS_MAX], float weight[WIDTHS_MAX]) {
    const train_options *o = s->o;
    const size_t n = o->hidden[0]; /* all that are cut are as wide, see train_check */
    const bool added = o->distillation || o->widths->added;
    size_t used = 0;
    double sum = 0;
    if (o->recipe->joint) {
        memcpy(k, s->joint.k, s->joint.profiles * sizeof *k);
        joint_weigh(s->place.recent_loss, s->joint.profiles, weight);
        return s->joint.profiles;
    }
    o->widths->choose(idp_prefix(n, p->from_percent), idp_prefix(n, p->to_percent), &s->place.widths, k);
    for (size_t w = 0; w < o->width_weights; w++) sum += o->width_weight[w];
    for (size_t w = 0; w < o->widths->count; w++) {
        if (k[w] == 0) continue;
        const double equal = added ? 1 : 1 / (double)o->widths->count;
        weight[used] = (float)(o->width_weights > 0 ? o->width_weight[w] / sum : equal);
        k[used++] = k[w];
    }
    return used;
}

/* After the step of the shared weights: moves the rest, and returns the mean of the profiles' losses. */
static double joint_step(session *s, const gradient_update *update) {
    const size_t profiles = s->joint.profiles;
    const double *loss = s->gradient.width_loss;
    double sum = 0;
    for (size_t p = 0; p < profiles; p++) sum += loss[p];
    joint_update(&s->joint, s->m, update->momentum, update->lr, update->decay);
    joint_follow(loss, profiles, s->place.recent_loss);
    return sum / (double)profiles;
}

/* One pass over the training set, or what is left of it. */
static bool epoch(session *s, const gradient_net *net, const region *regions, error *e) {
    const train_options *o = s->o;
    train_place *at = &s->place;
    const model_profile *p = &s->m->profile[at->stage];
    const double count = (double)s->train->count;
    if (interrupted()) return stop(s, e);
    if (at->first == 0) {
        random_shuffle(&s->shuffle, s->order, s->train->count);
        arrange(s);
        at->shuffles++;
        at->sum = 0;
    }
    while (at->first < s->train->count) {
        size_t k[WIDTHS_MAX];
        float weight[WIDTHS_MAX];
        const size_t widths = choose(s, p, k, weight), left = s->train->count - at->first;
        const size_t batch = least(left, o->batch);
        const double done = (double)at->epoch + (double)at->first / count;
        const gradient_step step = {.image = s->image + at->first,
                                    .next = s->image + at->first + batch,
                                    .next_batch = least(left - batch, o->batch),
                                    .label = s->label + at->first,
                                    .batch = batch,
                                    .k = k,
                                    .widths = widths,
                                    .weight = weight,
                                    .distill = o->distillation};
        const gradient_update update = {
            .regions = regions,
            .velocity_w = s->velocity_w,
            .velocity_b = s->velocity_b,
            .lr = (float)(o->lr * schedule_factor(o->schedule, done, o->epochs, o->halve_after)),
            .momentum = (float)o->momentum,
            .decay = (float)o->weight_decay};
        const double loss = gradient_run(&s->gradient, net, &step, &update);
        at->sum += (double)batch * (o->recipe->joint ? joint_step(s, &update) : loss);
        at->first += batch;
        show(s);
        if (interrupted()) return stop(s, e);
    }
    at->loss[at->stage] = at->sum / count;
    if (!(at->loss[at->stage] < DIVERGED_NATS))
        return fail(e,
                    "training diverged in profile %zu, epoch %zu (loss %g): lower the learning rate, %g, or the "
                    "momentum, %g",
                    at->stage + 1, at->epoch + 1, at->loss[at->stage], o->lr, o->momentum);
    at->epoch++;
    at->first = 0;
    return true;
}

/* For the progress only: a failure (Ctrl-C) shows soon enough elsewhere. */
static void look_at_accuracy(session *s) {
    images some = s->data->test;
    if (some.count > SHOWN_IMAGES) some.count = SHOWN_IMAGES;
    const size_t stage = s->o->recipe->joint ? s->m->profiles - 1 : s->place.stage;
    if (!model_accuracy(s->m, s->o->backend, &some, stage, &s->m->profile[stage].to_percent, 1,
                        &s->accuracy_percent, NULL))
        s->accuracy_percent = -1;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Trains the part of one profile, or what is left of it. */
static bool train_stage(session *s, error *e) {
    const model *m = s->m;
    const train_options *o = s->o;
    train_place *at = &s->place;
    const model_profile *p = &m->profile[at->stage];
    region regions[IDP_MAX_LAYERS];
    for (size_t l = 0; l < m->layers; l++)
        regions[l] = recipe_region(o->recipe, m->width, m->layers, l, p->from_percent, p->to_percent);
    float *no_gamma[IDP_MAX_LAYERS + 1] = {NULL}; /* a joint recipe has its own for each profile */
    gradient_net net = {.layers = m->layers,
                        .width = m->width,
                        .incomplete = m->incomplete,
                        .layer = p->layer,
                        .gamma = p->gamma,
                        .gamma_free = o->recipe->gamma_free};
    if (o->recipe->joint) {
        net.gamma = no_gamma;
        net.own = s->joint.own;
        net.mix = s->joint.mix;
    }
    while (at->epoch < o->epochs) {
        const double started_s = now_s();
        const bool trained = epoch(s, &net, regions, e);
        at->seconds[at->stage] += now_s() - started_s;
        if (!trained) return false;
        look_at_accuracy(s);
        const bool due = at->epoch % o->checkpoint_every == 0 || at->epoch == o->epochs;
        if (o->checkpoint != NULL && due && !save(s, e)) return false;
    }
    return true;
}

/* Velocity and learning rate start anew. */
static void next_stage(session *s) {
    s->place.stage++;
    s->place.epoch = 0;
    for (size_t l = 0; l < s->m->layers; l++) {
        memset(s->velocity_w[l], 0, s->m->width[l] * s->m->width[l + 1] * sizeof(float));
        memset(s->velocity_b[l], 0, s->m->width[l + 1] * sizeof(float));
    }
}

bool train_run(const train_options *o, const dataset *data, model *out, train_log *log, error *e) {
    if (!train_check(o, data, e)) return false;
    bool trained = false;
    model m = {0};
    session s = {0};
    train_log logs[MODEL_MAX_PROFILES];
    if (!train_initial(o, data, &m, e) || !session_create(&s, o, data, &m, e)) goto done;
    if (o->resume != NULL && !restore(&s, e)) goto done;
    progress_start(&s.progress, "train", (double)(train_stages(o) * o->epochs));
    for (; s.place.stage < train_stages(o); next_stage(&s))
        if (!train_stage(&s, e)) goto done;
    progress_end(&s.progress, NULL);
    /* Only now: a later stage may change what an earlier profile reads (`authors`: the biases of layer 2). */
    for (size_t p = 0; p < o->parts; p++) {
        const size_t stage = o->recipe->joint ? 0 : p; /* the profiles of a joint recipe share theirs */
        logs[p] = (train_log){.loss = s.place.loss[stage],
                              .seconds = s.place.seconds[stage] / (o->recipe->joint ? (double)o->parts : 1)};
        if (!model_accuracy(&m, o->backend, &data->test, p, &m.profile[p].to_percent, 1, &logs[p].accuracy_percent,
                            e))
            goto done;
    }
    if (log != NULL) memcpy(log, logs, o->parts * sizeof *log);
    *out = m;
    m = (model){0};
    trained = true;
done:
    session_free(&s);
    model_free(&m);
    return trained;
}
