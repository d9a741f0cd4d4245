/* session.c: running a model: one thread's memory, at any percentage or within a time. */
#include <stdlib.h>

#include "floats.h"
#include "loaded.h"

struct idp_session {
    const idp_model *of;
    size_t most;    /* samples */
    size_t started; /* samples of the state */
    float *workspace, *state;
};

idp_status idp_session_create(const idp_model *loaded, size_t samples, idp_session **session) {
    if (loaded == NULL || session == NULL || samples == 0) return IDP_BAD_ARGUMENT;
    idp_session *s = malloc(sizeof *s);
    if (s == NULL) return IDP_NO_MEMORY;
    *s = (idp_session){.of = loaded,
                       .most = samples,
                       .workspace = floats_new(idp_mlp_workspace_bytes(loaded->network, samples) / sizeof(float)),
                       .state = floats_new(idp_mlp_state_bytes(loaded->network, samples) / sizeof(float))};
    if (s->workspace == NULL || s->state == NULL) {
        idp_session_destroy(s);
        return IDP_NO_MEMORY;
    }
    *session = s;
    return IDP_OK;
}

void idp_session_destroy(idp_session *session) {
    if (session == NULL) return;
    free(session->workspace);
    free(session->state);
    free(session);
}

idp_status idp_session_run(idp_session *s, double percent, size_t samples, const float *x, float *y) {
    if (s == NULL || samples > s->most) return IDP_BAD_ARGUMENT;
    return idp_mlp_run(s->of->network, idp_model_profile_at(s->of, percent), percent, samples, x, y, s->workspace);
}

idp_status idp_session_start(idp_session *s, double percent, size_t samples, const float *x, float *y) {
    if (s == NULL || samples > s->most) return IDP_BAD_ARGUMENT;
    const idp_status status =
        idp_mlp_start(s->of->network, idp_model_profile_at(s->of, percent), percent, samples, x, y, s->state);
    if (status == IDP_OK) s->started = samples;
    return status;
}

idp_status idp_session_refine(idp_session *s, double percent, const float *x, float *y) {
    if (s == NULL || s->started == 0) return IDP_BAD_ARGUMENT;
    return idp_mlp_refine(s->of->network, idp_model_profile_at(s->of, percent), percent, x, y, s->state);
}

/* ---- within a time --------------------------------------------------------------------------------------------
 */

static void add_level(const idp_model *loaded, double percent, idp_calibration *c) {
    c->level[c->levels++] = (idp_level){.percent = percent, .profile = idp_model_profile_at(loaded, percent)};
}

static void set_levels(const idp_model *loaded, size_t step, idp_calibration *c) {
    c->levels = 0;
    for (size_t percent = step; percent <= 100; percent += step) add_level(loaded, (double)percent, c);
}

/* Tries ten levels, and then as many as can be measured often enough for their 99th percentile in that time. */
static idp_status calibrate_all(const idp_session *s, double seconds, const float *x, float *y,
                                idp_calibration *c) {
    enum { ENOUGH = 200 };
    static const size_t steps[] = {1, 2, 5};
    const double wanted = seconds > 0 ? seconds : 0.5;
    set_levels(s->of, 10, c);
    idp_status status = idp_calibrate(s->of->network, x, y, s->workspace, wanted / 50, c);
    if (status != IDP_OK) return status;
    double mean_ns = 0;
    for (size_t n = 0; n < c->levels; n++) mean_ns += c->level[n].median_ns / (double)c->levels;
    size_t step = 10;
    for (size_t i = sizeof steps / sizeof steps[0]; i-- > 0;)
        if (mean_ns * ENOUGH * 100 / (double)steps[i] <= wanted * 1e9) step = steps[i];
    set_levels(s->of, step, c);
    return idp_calibrate(s->of->network, x, y, s->workspace, wanted, c);
}

/* found: its levels; none: all percentages. */
static idp_status calibrate(const idp_session *s, double seconds, idp_calibration found,
                            idp_calibration *calibration) {
    const size_t samples = found.samples;
    if (samples == 0 || samples > s->most) return IDP_BAD_ARGUMENT;
    const size_t inputs = samples * idp_model_inputs(s->of);
    float *x = floats_new(inputs), *y = floats_new(samples * idp_model_outputs(s->of));
    idp_status status = IDP_NO_MEMORY;
    if (x != NULL && y != NULL) {
        for (size_t i = 0; i < inputs; i++) x[i] = (float)(i % 7) / 7;
        status = found.levels == 0 ? calibrate_all(s, seconds, x, y, &found)
                                   : idp_calibrate(s->of->network, x, y, s->workspace, seconds, &found);
    }
    if (status == IDP_OK) *calibration = found;
    free(x);
    free(y);
    return status;
}

idp_status idp_session_calibrate(idp_session *s, size_t samples, double seconds, idp_calibration *calibration) {
    if (s == NULL || calibration == NULL) return IDP_BAD_ARGUMENT;
    return calibrate(s, seconds, (idp_calibration){.samples = samples}, calibration);
}

idp_status idp_session_calibrate_at(idp_session *s, size_t samples, double seconds, const double *percent,
                                    size_t levels, idp_calibration *calibration) {
    if (s == NULL || calibration == NULL || percent == NULL || levels == 0 || levels > IDP_BUDGET_LEVELS)
        return IDP_BAD_ARGUMENT;
    idp_calibration found = {.samples = samples};
    for (size_t n = 0; n < levels; n++) add_level(s->of, percent[n], &found);
    return calibrate(s, seconds, found, calibration);
}

idp_status idp_session_run_within(idp_session *s, idp_budget *budget, double time_ns, const float *x, float *y,
                                  idp_choice *choice) {
    if (s == NULL || budget == NULL || idp_budget_samples(budget) > s->most) return IDP_BAD_ARGUMENT;
    return idp_budget_run(budget, s->of->network, time_ns, x, y, s->workspace, choice);
}
