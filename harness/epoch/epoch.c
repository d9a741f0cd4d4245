#include "epoch.h"

#include <math.h>
#include <stdlib.h>

#include "../measure/clock.h"
#include "../measure/paired.h"
#include "../measure/peak.h"
#include "../model/gradient.h"
#include "../model/matrix.h"

const float epoch_lr = 0.05f, epoch_momentum = 0.9f;

double epoch_flops_per_sample(size_t inputs, size_t classes, double multiplied) {
    const double first = (double)(inputs * EPOCH_HIDDEN);
    const double inner = (double)(EPOCH_HIDDEN * EPOCH_HIDDEN + EPOCH_HIDDEN * classes);
    return 2 * ((multiplied + 1) * first + 3 * inner);
}

/* ---- ours ---------------------------------------------------------------------------------------------------- */

typedef struct ours {
    model m;
    gradient g;
    float *velocity_w[IDP_MAX_LAYERS], *velocity_b[IDP_MAX_LAYERS];
    region regions[IDP_MAX_LAYERS];
    bool zeros;
    double lit, pixels; /* multiplied by layer 1, of so many */
} ours;

static void ours_destroy(void *state) {
    ours *o = state;
    gradient_free(&o->g);
    for (size_t l = 0; l < IDP_MAX_LAYERS; l++) {
        free(o->velocity_w[l]);
        free(o->velocity_b[l]);
    }
    model_free(&o->m);
    free(o);
}

static double ours_step(void *state, const uint8_t *const *image, const uint8_t *label, size_t left) {
    ours *o = state;
    const size_t k = EPOCH_HIDDEN;
    const gradient_net net = {.layers = o->m.layers,
                              .width = o->m.width,
                              .incomplete = o->m.incomplete,
                              .layer = o->m.profile[0].layer,
                              .gamma = o->m.profile[0].gamma};
    const gradient_step step = {.image = image,
                                .label = label,
                                .batch = EPOCH_BATCH,
                                .next = image + EPOCH_BATCH,
                                .next_batch = left < 2 * EPOCH_BATCH ? 0 : EPOCH_BATCH,
                                .k = &k,
                                .widths = 1,
                                .zeros = o->zeros};
    const gradient_update update = {.regions = o->regions,
                                    .velocity_w = o->velocity_w,
                                    .velocity_b = o->velocity_b,
                                    .lr = epoch_lr,
                                    .momentum = epoch_momentum};
    const double loss = gradient_run(&o->g, &net, &step, &update);
    for (size_t block = 0; block < EPOCH_BATCH / IDP_TRAIN_BLOCK; block++) {
        o->lit += (double)o->g.lit[block];
        o->pixels += (double)o->m.width[0];
    }
    return loss;
}

static double ours_multiplied(const void *state) {
    const ours *o = state;
    return o->pixels > 0 ? o->lit / o->pixels : 1;
}

bool epoch_ours(epoch_loop *loop, model *m, const idp_backend *backend, size_t threads, bool zeros, error *e) {
    ours *o = calloc(1, sizeof *o);
    if (o == NULL) return fail(e, "no memory");
    o->zeros = zeros;
    o->m = *m;
    *m = (model){0};
    if (!gradient_create(&o->g, backend, threads, o->m.layers, o->m.width, EPOCH_BATCH, e)) goto failed;
    for (size_t l = 0; l < o->m.layers; l++) {
        o->regions[l] = (region){.row_to = o->m.width[l + 1], .column_to = o->m.width[l]};
        o->velocity_w[l] = floats_new(o->m.width[l] * o->m.width[l + 1]);
        o->velocity_b[l] = floats_new(o->m.width[l + 1]);
        if (o->velocity_w[l] != NULL && o->velocity_b[l] != NULL) continue;
        fail(e, "no memory");
        goto failed;
    }
    *loop = (epoch_loop){.implementation = "ours",
                         .backend = backend->name,
                         .form = zeros ? "every pixel" : "",
                         .threads = threads,
                         .step = ours_step,
                         .multiplied = ours_multiplied,
                         .destroy = ours_destroy,
                         .state = o};
    return true;
failed:
    ours_destroy(o);
    return false;
}

/* ---- time -----------------------------------------------------------------------------------------------------
 */

/* A loop's walk through the training set, in a random order that starts anew after each epoch. */
typedef struct walk {
    const epoch_loop *loop;
    const images *train;
    random_state random;
    uint32_t *order;
    const uint8_t **image; /* in that order */
    uint8_t *label;
    size_t next;
} walk;

static void walk_end(walk *w) {
    free(w->order);
    free(w->image);
    free(w->label);
}

static bool walk_start(walk *w, const epoch_loop *loop, const images *train, uint64_t seed) {
    *w = (walk){.loop = loop,
                .train = train,
                .order = malloc(train->count * sizeof *w->order),
                .image = malloc(train->count * sizeof *w->image),
                .label = malloc(train->count),
                .next = train->count};
    random_seed(&w->random, seed, RANDOM_SHUFFLE);
    for (size_t i = 0; w->order != NULL && i < train->count; i++) w->order[i] = (uint32_t)i;
    return w->order != NULL && w->image != NULL && w->label != NULL;
}

static double walk_step(walk *w) {
    const images *train = w->train;
    if (w->next + EPOCH_BATCH > train->count) {
        random_shuffle(&w->random, w->order, train->count);
        for (size_t i = 0; i < train->count; i++) {
            w->image[i] = train->pixels + w->order[i] * train->rows * train->columns;
            w->label[i] = train->labels[w->order[i]];
        }
        w->next = 0;
    }
    const size_t at = w->next;
    w->next += EPOCH_BATCH;
    return w->loop->step(w->loop->state, w->image + at, w->label + at, train->count - at);
}

static void run_walk(void *state, uint64_t iterations) {
    for (uint64_t i = 0; i < iterations; i++) walk_step(state);
}

bool epoch_once(const epoch_loop *loop, const images *train, uint64_t seed, double *seconds) {
    walk w;
    const bool started = walk_start(&w, loop, train, seed);
    const uint64_t start = clock_now_ns();
    for (size_t s = 0; started && s < train->count; s += EPOCH_BATCH) walk_step(&w);
    *seconds = 1e-9 * (double)(clock_now_ns() - start);
    walk_end(&w);
    return started;
}

/* The roof's place in the rounds; an iteration takes some 3 ms. */
enum { PEAKS = 4096, EPOCH_SLICE_NS = 6000000 /* some 20 steps: the caches are warm, as in an epoch */ };
typedef struct peaks {
    unsigned width_bits; /* of the registers that do most here */
    double gflops[PEAKS];
    size_t count;
} peaks;

static void run_peak(void *state, uint64_t iterations) {
    peaks *p = state;
    for (uint64_t i = 0; i < iterations; i++) p->gflops[p->count++ % PEAKS] = fma_peak_gflops(p->width_bits);
}

static unsigned widest_peak(void) {
    unsigned bits = peak_width_bits[0];
    for (unsigned w = 1; w < PEAK_WIDTHS; w++)
        if (fma_peak_usable(peak_width_bits[w])) bits = peak_width_bits[w];
    return bits;
}

static double median_peak(peaks *p) {
    const size_t count = p->count < PEAKS ? p->count : PEAKS;
    stats_sort(p->gflops, count);
    return count > 0 ? stats_sorted_median(p->gflops, count) : 0;
}

bool epoch_measure(const epoch_loop *loop, size_t loops, const images *train, size_t classes, uint64_t seed,
                   size_t rounds, double budget_s, progress *bar, epoch_time *time, double *peak_gflops, error *e) {
    walk walks[EPOCH_VARIANTS_MOST] = {0};
    paired_variant variant[EPOCH_VARIANTS_MOST + 1];
    paired_samples samples;
    peaks peak = {.width_bits = widest_peak()};
    bool measured = false;
    if (train->count < EPOCH_BATCH) return fail(e, "an epoch needs %d images or more", EPOCH_BATCH);
    for (size_t v = 0; v < loops; v++) {
        if (!walk_start(&walks[v], &loop[v], train, seed)) {
            fail(e, "no memory");
            goto done;
        }
        double sum = 0;
        for (size_t s = 0; s < EPOCH_CHECK_STEPS && !interrupted(); s++) sum += walk_step(&walks[v]);
        time[v].loss = sum / EPOCH_CHECK_STEPS;
        variant[v] = (paired_variant){run_walk, &walks[v]};
    }
    variant[loops] = (paired_variant){run_peak, &peak};

    const double steps = (double)train->count / EPOCH_BATCH;
    paired_options o = paired_defaults();
    o.rounds = rounds;
    o.budget_s = budget_s;
    o.slice_ns = EPOCH_SLICE_NS;
    o.warm_up_ns = 0;
    o.level = 0.95;
    o.seed = seed;
    o.bar = bar;
    o.bar_part = 1;
    if (!paired_measure(variant, loops + 1, &o, &samples, e)) goto done;
    *peak_gflops = median_peak(&peak);
    for (size_t v = 0; v < loops; v++) {
        const interval step_ns = paired_time(&samples, v, o.level);
        const double scale = 1e-9 * steps;
        time[v].seconds = (interval){scale * step_ns.median, scale * step_ns.low, scale * step_ns.high};
        time[v].ratio = paired_ratio(&samples, v, 0, o.level);
        time[v].multiplied = loop[v].multiplied != NULL ? loop[v].multiplied(loop[v].state) : 1;
        const double flops =
            EPOCH_BATCH * epoch_flops_per_sample(train->rows * train->columns, classes, time[v].multiplied);
        time[v].roof_percent = 100 * flops / (step_ns.median * *peak_gflops * (double)loop[v].threads);
    }
    paired_free(&samples);
    measured = true;
done:
    for (size_t v = 0; v < loops; v++) walk_end(&walks[v]);
    return measured;
}
