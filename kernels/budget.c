/* budget.c: the largest percentage that fits, and what is learnt from the times of the inferences.
 *
 * Two numbers follow the machine. `pace` follows the ratio of measured time to calibrated median: it rises when two
 * inferences in a row are slow (one alone is an accident, of which the 99th percentile knows) and sinks slowly.
 * `margin` keeps one inference in a hundred beyond the 99th percentile, whatever the load did to the shape of the
 * distribution: a step up for each that is beyond it, a hundredth of a step down for each that is not, which is in
 * balance at one in a hundred (Robbins and Monro 1951; the same for prediction intervals: Gibbs and Candes 2021).
 * Their product stretches all calibrated times. It is published with hysteresis: a rise at once, a fall only when
 * it is worth it, so that the choice does not flutter. */
#include <stdatomic.h>
#include <stdlib.h>

#include "calibrate.h"

static const double rise = 0.5, fall = 1.0 / 16; /* of the pace: a load is followed within some inferences */
static const double step = 0.03;                 /* of the margin */
static const double pace_most = 64, margin_most = 2;
static const double hysteresis = 1.0 / 32;

struct idp_budget {
    idp_calibration calibration;
    _Atomic double slowness; /* published */
    atomic_flag busy;        /* guards what follows */
    double pace, margin;
    double last; /* ratio of the inference before */
};

idp_status idp_budget_create(const idp_calibration *calibration, idp_budget **out) {
    if (out == NULL || !idp_calibration_is_good(calibration, true)) return IDP_BAD_ARGUMENT;
    idp_budget *b = malloc(sizeof *b);
    if (b == NULL) return IDP_NO_MEMORY;
    b->calibration = *calibration;
    atomic_init(&b->slowness, 1);
    atomic_flag_clear(&b->busy);
    b->pace = b->margin = b->last = 1;
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

/* The next published slowness. */
static double follow(double published, double wanted) {
    const bool back = wanted == 1 || wanted < published * (1 - hysteresis);
    return wanted > published || back ? wanted : published;
}

void idp_budget_note(idp_budget *b, const idp_choice *choice, double elapsed_ns) {
    if (!(elapsed_ns > 0) || choice->level >= b->calibration.levels) return;
    if (atomic_flag_test_and_set_explicit(&b->busy, memory_order_acquire)) return;
    const idp_level *level = &b->calibration.level[choice->level];
    const double ratio = elapsed_ns / level->median_ns, both = ratio < b->last ? ratio : b->last;
    b->last = ratio;
    const double miss = elapsed_ns > level->late_ns * b->pace * b->margin ? 1 : 0;
    b->margin = clamp(b->margin * (1 + step * (miss - 0.01)), 1, margin_most);
    b->pace = clamp(b->pace + (both - b->pace) * (both > b->pace ? rise : fall), 1, pace_most);
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
