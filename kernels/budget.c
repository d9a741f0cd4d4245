/* budget.c: the largest percentage that fits, and what is learnt from the times of the inferences.
 *
 * Two numbers follow the machine. `pace` follows the ratio of measured time to calibrated median. It rises to what
 * some inferences in a row all reach: fewer are an accident (the thread lost its processor, and then found its
 * caches cold), of which the 99th percentile knows. It sinks slowly. `margin` keeps one inference in a hundred
 * beyond the 99th percentile, whatever a load does to the shape of the distribution: a step up for each that is
 * beyond it, a hundredth of a step down for each, which is in balance at one in a hundred (Robbins and Monro 1951;
 * for prediction intervals: Gibbs and Candes 2021). It judges an inference when so many have followed that a load
 * would have shown: what the pace explains is no miss. Their product stretches all calibrated times. It is
 * published with hysteresis, a rise at once and a fall only when it is worth it, so that the choice does not
 * flutter. */
#include <stdatomic.h>
#include <stdlib.h>

#include "calibrate.h"

enum { RUN = 6 };                    /* inferences in a row that make a load */
static const double fall = 1.0 / 16; /* of the pace */
static const double step = 0.02;     /* of the margin */
static const double pace_most = 64, margin_most = 2;
static const double headroom =
    1.05; /* at the very percentile, of a thousand more than ten are late every other time */
static const double hysteresis = 1.0 / 64;

struct idp_budget {
    idp_calibration calibration;
    _Atomic double slowness; /* published */
    atomic_flag busy;        /* guards what follows */
    double pace, margin;
    double ratio[RUN], beyond[RUN]; /* the last inferences, in turn: times of their median, of their percentile */
    size_t at;
};

idp_status idp_budget_create(const idp_calibration *calibration, idp_budget **out) {
    if (out == NULL || !idp_calibration_is_good(calibration, true)) return IDP_BAD_ARGUMENT;
    idp_budget *b = malloc(sizeof *b);
    if (b == NULL) return IDP_NO_MEMORY;
    b->calibration = *calibration;
    atomic_init(&b->slowness, headroom);
    atomic_flag_clear(&b->busy);
    b->pace = 1;
    b->margin = headroom;
    for (b->at = 0; b->at < RUN; b->at++) b->ratio[b->at] = 1, b->beyond[b->at] = 0;
    *out = b;
    return IDP_OK;
}

void idp_budget_destroy(idp_budget *budget) { free(budget); }

size_t idp_budget_samples(const idp_budget *budget) { return budget->calibration.samples; }

double idp_budget_slowness(const idp_budget *budget) {
    return atomic_load_explicit(&budget->slowness, memory_order_relaxed);
}

idp_status idp_budget_choose(const idp_budget *budget, double time_ns, idp_choice *choice) {
    if (budget == NULL || choice == NULL || !(time_ns > 0)) return IDP_BAD_ARGUMENT;
    const idp_level *level = budget->calibration.level;
    const double slowness = idp_budget_slowness(budget);
    size_t fitting = 0, beyond = budget->calibration.levels; /* levels below `fitting` fit, from `beyond` on none */
    while (fitting < beyond) {
        const size_t middle = (fitting + beyond) / 2;
        if (level[middle].late_ns * slowness <= time_ns)
            fitting = middle + 1;
        else
            beyond = middle;
    }
    const size_t chosen = fitting > 0 ? fitting - 1 : 0;
    *choice = (idp_choice){.level = chosen,
                           .percent = level[chosen].percent,
                           .profile = level[chosen].profile,
                           .late_ns = level[chosen].late_ns * slowness,
                           .fits = fitting > 0};
    return IDP_OK;
}

static double clamp(double value, double least, double most) {
    return value < least ? least : value > most ? most : value;
}

static double least(const double *value, size_t count) {
    double found = value[0];
    for (size_t n = 1; n < count; n++)
        if (value[n] < found) found = value[n];
    return found;
}

/* The next published slowness. */
static double follow(double published, double wanted) {
    const bool back = wanted == headroom || wanted < published * (1 - hysteresis);
    return wanted > published || back ? wanted : published;
}

void idp_budget_note(idp_budget *b, const idp_choice *choice, double elapsed_ns) {
    if (!(elapsed_ns > 0) || choice->level >= b->calibration.levels) return;
    if (atomic_flag_test_and_set_explicit(&b->busy, memory_order_acquire)) return;
    const idp_level *level = &b->calibration.level[choice->level];
    b->ratio[b->at % RUN] = elapsed_ns / level->median_ns;
    b->beyond[b->at++ % RUN] = elapsed_ns / level->late_ns;
    const double all = least(b->ratio, RUN);
    b->pace = clamp(all > b->pace ? all : b->pace + fall * (all - b->pace), 1, pace_most);
    const double miss = b->beyond[b->at % RUN] > b->pace * b->margin ? 1 : 0; /* the oldest */
    b->margin = clamp(b->margin * (1 + step * (miss - 0.01)), headroom, margin_most);
    const double published = idp_budget_slowness(b);
    atomic_store_explicit(&b->slowness, follow(published, b->pace * b->margin), memory_order_relaxed);
    atomic_flag_clear_explicit(&b->busy, memory_order_release);
}

idp_status idp_budget_run(idp_budget *budget, const idp_mlp *mlp, double time_ns, const float *x, float *y,
                          void *workspace, idp_choice *choice) {
    const double start = idp_now_ns(NULL);
    idp_choice chosen;
    idp_status status = idp_budget_choose(budget, time_ns, &chosen);
    if (status != IDP_OK) return status;
    status = idp_mlp_run(mlp, chosen.profile, chosen.percent, budget->calibration.samples, x, y, workspace);
    if (status != IDP_OK) return status;
    idp_budget_note(budget, &chosen, idp_now_ns(NULL) - start + budget->calibration.overhead_ns);
    if (choice != NULL) *choice = chosen;
    return IDP_OK;
}
