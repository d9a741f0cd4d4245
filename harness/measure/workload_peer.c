#include "workload_peer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_FLOATS = 16 };

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

/* Without memory yet: shapes and strides. */
static peer_job job_of(const workload_spec *spec) {
    const bool feature = spec->peer->form == PEER_FEATURE;
    const size_t samples = round_up(spec->batch, LINE_FLOATS);
    return (peer_job){.out = spec->out,
                      .in = spec->in,
                      .m = spec->m,
                      .k = spec->k,
                      .batch = spec->batch,
                      .relu = true,
                      .x_stride = feature ? samples : spec->k,
                      .y_stride = feature ? samples : spec->m};
}

bool workload_peer_serves(const workload_spec *spec, error *e) {
    const peer_job job = job_of(spec);
    if (job.m == 0 || job.k == 0) return fail(e, "a library takes no layer without outputs or channels");
    if (spec->peer->form == PEER_SINGLE && job.batch > 1)
        return fail(e, "it takes one sample; idp list tells which take a batch");
    return spec->peer->serves(&job) || fail(e, "the library cannot do this shape");
}

/* One state a copy. Each has weights of its own: packed by the library, or the plain ones at place c of w->weights.
 */
static bool make_states(const workload_spec *spec, peer_job job, workload *w, error *e) {
    for (size_t c = 0; c < w->copies; c++) {
        job.w = w->weights + c * w->copy_floats;
        if (!spec->peer->make(&job, &w->states[c], e)) return fail_in(e, "%s", spec->peer->name);
    }
    return true;
}

/* As make_weights of workload.c, but row-major. */
static void fill_weights(const workload_spec *spec, workload *w, float *bias, random_state *random) {
    const double reach = sqrt(3 / (double)spec->in); /* uniform in +-reach has the variance 1 / in */
    workload_fill(w->weights, spec->out * spec->in, -reach, reach, random);
    workload_fill(bias, spec->out, -0.1, 0.1, random);
    for (size_t c = 0; c < w->copies; c++) {
        w->order[c] = (uint32_t)c;
        if (c > 0) memcpy(w->weights + c * w->copy_floats, w->weights, w->copy_floats * sizeof *w->weights);
    }
    random_shuffle(random, w->order, w->copies);
}

bool workload_peer_make(const workload_spec *spec, const workload_place *place, workload *w, error *e) {
    workload made = {.peer = spec->peer,
                     .copies = 1,
                     .copy_floats = round_up(spec->out * spec->in, LINE_FLOATS),
                     .extra_ppm = spec->extra_ppm};
    peer_job job = job_of(spec);
    const bool feature = spec->peer->form == PEER_FEATURE;
    const size_t x_floats = feature ? spec->k * job.x_stride : spec->batch * spec->k,
                 y_floats = feature ? spec->m * job.y_stride : spec->batch * spec->m;
    random_state random;
    random_seed(&random, place->seed, RANDOM_INITIAL_WEIGHTS);
    if (place->cold_bytes > 0) {
        const size_t copy_bytes = spec->m * spec->k * sizeof(float); /* what a call reads of them */
        made.copies = (place->cold_bytes + copy_bytes - 1) / copy_bytes;
        if (made.copies < 2) made.copies = 2;
    }
    made.weights = workload_floats(made.copies * made.copy_floats, place->line[0], &made.memory[0]);
    made.order = malloc(made.copies * sizeof *made.order);
    made.states = calloc(made.copies, sizeof *made.states);
    float *x = workload_floats(x_floats, place->line[1], &made.memory[1]);
    float *y = workload_floats(y_floats, place->line[2], &made.memory[2]);
    float *gamma = workload_floats(spec->out, place->line[3], &made.memory[3]);
    float *bias = malloc(spec->out * sizeof *bias);
    bool ok = made.weights && made.order && made.states && x && y && gamma && bias;
    if (!ok) fail(e, "no memory for %s: %zu copies of the weights", spec->peer->name, made.copies);
    if (ok) {
        fill_weights(spec, &made, bias, &random);
        workload_fill(x, x_floats, 0, 1, &random);
        memset(y, 0, y_floats * sizeof *y);
        for (size_t j = 0; j < spec->out; j++) gamma[j] = 1 - (float)j / (float)spec->out;
        job.b = bias;
        job.gamma = gamma;
        job.x = x;
        job.y = y;
        ok = make_states(spec, job, &made, e);
    }
    free(bias);
    if (ok)
        *w = made;
    else
        workload_free(&made);
    return ok;
}
