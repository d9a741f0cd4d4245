#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../backends.h"
#include "../library/floats.h"
#include "../model/random.h"
#include "flops.h"
#include "workload_peer.h"

enum { PAGE_BYTES = 4096, LINE_BYTES = 64, LINE_FLOATS = 16, MILLION = 1000000 };

/* ---- names ------------------------------------------------------------------------------------------------- */

/* Cuts "@50" or "+3%" off `name`, if it ends so; *value is the number. False with a message when what follows the
 * sign is no such number. */
static bool take_suffix(char *name, char sign, const char *unit, double most, double *value, const char *text,
                        error *e) {
    char *at = strrchr(name, sign), *end = NULL;
    if (at == NULL) return true;
    const double number = strtod(at + 1, &end);
    if (end == at + 1 || strcmp(end, unit) != 0 || !(number >= 0 && number <= most))
        return fail(e, "'%s': behind '%c' comes a number from 0 to %g%s, as in %c%g%s", text, sign, most,
                    unit[0] != '\0' ? " and a percent sign" : "", sign, sign == '@' ? 50.0 : 3.0, unit);
    *value = number;
    *at = '\0';
    return true;
}

static bool runs_here(const char *text, const idp_backend *backend, error *e) {
    char reason[256];
    backend_reason(backend, reason, sizeof reason);
    return reason[0] == '\0' || fail(e, "'%s' can't run here: %s; idp cpu lists what can", text, reason);
}

static bool find_kernel(const char *name, const char *text, idp_layout layout, workload_spec *spec, error *e) {
    spec->backend = idp_backend_find(name);
    if (spec->backend != NULL) {
        if (!runs_here(text, spec->backend, e)) return false;
        spec->kernel = idp_backend_kernel(spec->backend, layout);
        return spec->kernel != NULL || fail(e,
                                            "'%s': this back end has no kernel of the layout %s; idp list tells "
                                            "which it has",
                                            text, idp_layout_name(layout));
    }
    spec->peer = peer_find(name);
    if (spec->peer != NULL) return true;
    spec->kernel = idp_kernel_find(name, &spec->backend);
    if (spec->kernel == NULL)
        return fail(
            e, "'%s': there is no kernel and no back end '%s', nor a peer; idp versus --list tells what there is",
            text, name);
    return runs_here(text, spec->backend, e);
}

bool workload_parse(const char *text, const workload_shape *shape, workload_spec *spec, error *e) {
    char name[WORKLOAD_NAME];
    workload_spec made = {.out = shape->out, .in = shape->in, .m = shape->m, .batch = shape->batch};
    double percent = -1, extra = 0;
    const int length = snprintf(name, sizeof name, "%s", text);
    if (length < 0 || (size_t)length >= sizeof name - 32)
        return fail(e, "'%.40s...' is too long for the name of a kernel or back end", text);
    if (!take_suffix(name, '+', "%", WORKLOAD_MOST_EXTRA, &extra, text, e) ||
        !take_suffix(name, '@', "", 100, &percent, text, e) || !find_kernel(name, text, shape->layout, &made, e))
        return false;
    made.percent = percent >= 0 ? percent : shape->percent;
    made.k = idp_prefix(made.in, made.percent);
    made.extra_ppm = (uint32_t)lround(extra * MILLION / 100);
    if (made.peer != NULL && !workload_peer_serves(&made, e)) return fail_in(e, "'%s'", text);
    int used = snprintf(made.name, sizeof made.name, "%s", made.peer != NULL ? made.peer->name : made.kernel->name);
    if (percent >= 0) used += snprintf(made.name + used, sizeof made.name - (size_t)used, "@%.10g", percent);
    if (extra > 0) snprintf(made.name + used, sizeof made.name - (size_t)used, "+%.10g%%", extra);
    *spec = made;
    return true;
}

const char *workload_backend(const workload_spec *spec) {
    return spec->peer != NULL ? spec->peer->library : spec->backend->name;
}

const char *workload_resolved_isa(const workload_spec *spec) {
    return spec->peer != NULL ? "the library's choice" : backend_isa(spec->backend);
}

void workload_executed_isa(const workload_spec *spec, char *text, size_t text_size) {
    if (spec->peer != NULL)
        snprintf(text, text_size, "unavailable: a library's instructions are not stepped");
    else
        executed_isa_print(spec->kernel, text, text_size);
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

float *workload_floats(size_t count, size_t line, void **memory) {
    *memory = aligned_new(PAGE_BYTES, (count + PEER_SPARE_FLOATS) * sizeof(float) + PAGE_BYTES);
    return *memory != NULL ? (float *)((char *)*memory + line * LINE_BYTES) : NULL;
}

void workload_fill(float *values, size_t count, double low, double high, random_state *random) {
    for (size_t i = 0; i < count; i++) values[i] = (float)(low + (high - low) * random_uniform(random));
}

workload_place workload_place_draw(uint64_t seed, size_t cold_bytes) {
    workload_place place = {.seed = seed, .cold_bytes = cold_bytes};
    random_state random;
    random_seed(&random, seed, RANDOM_PLACES);
    for (size_t i = 0; i < sizeof place.line / sizeof place.line[0]; i++)
        place.line[i] = random_below(&random, WORKLOAD_LINES);
    return place;
}

/* The packed weights, as many times as wanted, and the random order in which they take turns. */
static bool make_weights(const workload_spec *spec, size_t line, workload *w, random_state *random) {
    const double reach = sqrt(3 / (double)spec->in); /* uniform in +-reach has the variance 1 / in */
    float *plain = malloc((spec->out * spec->in + spec->out) * sizeof *plain);
    w->weights = workload_floats(w->copies * w->copy_floats, line, &w->memory[0]);
    w->order = malloc(w->copies * sizeof *w->order);
    const bool whole = plain != NULL && w->weights != NULL && w->order != NULL;
    if (whole) {
        float *bias = plain + spec->out * spec->in;
        workload_fill(plain, spec->out * spec->in, -reach, reach, random);
        workload_fill(bias, spec->out, -0.1, 0.1, random);
        idp_pack(spec->kernel, spec->out, spec->in, plain, spec->in, bias, w->weights);
        for (size_t c = 0; c < w->copies; c++) {
            w->order[c] = (uint32_t)c;
            if (c > 0) memcpy(w->weights + c * w->copy_floats, w->weights, w->copy_floats * sizeof *w->weights);
        }
        random_shuffle(random, w->order, w->copies);
    }
    free(plain);
    return whole;
}

bool workload_make(const workload_spec *spec, const workload_place *place, workload *w, error *e) {
    if (spec->peer != NULL) return workload_peer_make(spec, place, w, e);
    const bool batched = idp_layout_batched(spec->kernel->layout);
    const size_t stride = batched ? round_up(spec->batch, LINE_FLOATS) : 1;
    workload made = {.kernel = spec->kernel,
                     .samples = batched ? 1 : spec->batch,
                     .x_step = batched ? 0 : round_up(spec->in, LINE_FLOATS),
                     .y_step = batched ? 0 : round_up(spec->out, LINE_FLOATS),
                     .copies = 1,
                     .copy_floats = round_up(idp_packed_floats(spec->kernel, spec->out, spec->in), LINE_FLOATS),
                     .extra_ppm = spec->extra_ppm};
    const size_t x_floats = batched ? spec->in * stride : spec->batch * made.x_step,
                 y_floats = batched ? spec->out * stride : spec->batch * made.y_step;
    random_state random;
    random_seed(&random, place->seed, RANDOM_INITIAL_WEIGHTS);
    if (place->cold_bytes > 0) {
        const size_t copy_bytes = made.copy_floats * sizeof(float);
        made.copies = (place->cold_bytes + copy_bytes - 1) / copy_bytes;
        if (made.copies < 2) made.copies = 2;
    }

    const bool packed = make_weights(spec, place->line[0], &made, &random);
    float *x = workload_floats(x_floats, place->line[1], &made.memory[1]);
    float *y = workload_floats(y_floats, place->line[2], &made.memory[2]);
    float *gamma = workload_floats(spec->out, place->line[3], &made.memory[3]);
    if (!packed || x == NULL || y == NULL || gamma == NULL) {
        fail(e, "no memory for %s: a layer of %zu x %zu, %zu samples, %zu copies of the weights",
             spec->kernel->name, spec->out, spec->in, spec->batch, made.copies);
        workload_free(&made);
        return false;
    }
    workload_fill(x, x_floats, 0, 1, &random);
    memset(y, 0, y_floats * sizeof *y);
    for (size_t j = 0; j < spec->out; j++) gamma[j] = 1 - (float)j / (float)spec->out;
    made.fc = (idp_fc){.weights = made.weights,
                       .x = x,
                       .y = y,
                       .gamma = gamma,
                       .out = spec->out,
                       .in = spec->in,
                       .m = spec->m,
                       .k = spec->k,
                       .batch = batched ? spec->batch : 1,
                       .x_stride = spec->kernel->layout == IDP_LAYOUT_SAMPLE ? spec->in : stride,
                       .y_stride = stride,
                       .relu = true};
    const idp_status status = idp_fc_run(made.kernel, &made.fc);
    if (status != IDP_OK) {
        workload_free(&made);
        return fail(e, "%s: %s", spec->kernel->name, idp_status_text(status));
    }
    *w = made;
    return true;
}

void workload_free(workload *w) {
    for (size_t c = 0; w->states != NULL && c < w->copies; c++)
        if (w->states[c] != NULL) w->peer->free(w->states[c]);
    free(w->states);
    for (size_t i = 0; i < sizeof w->memory / sizeof w->memory[0]; i++) free(w->memory[i]);
    free(w->order);
    *w = (workload){0};
}

/* ---- work -------------------------------------------------------------------------------------------------- */

static void run_once(workload *w) {
    if (w->peer != NULL) {
        w->peer->run(w->states[w->order[w->turn]]);
        if (++w->turn == w->copies) w->turn = 0;
        return;
    }
    idp_fc fc = w->fc;
    fc.weights = w->weights + w->order[w->turn] * w->copy_floats;
    if (++w->turn == w->copies) w->turn = 0;
    for (size_t s = 0; s < w->samples; s++, fc.x += w->x_step, fc.y += w->y_step) w->kernel->run(&fc);
}

void workload_run(void *state, uint64_t iterations) {
    workload *w = state;
    for (uint64_t n = 0; n < iterations; n++) {
        run_once(w);
        w->extra_due += w->extra_ppm;
        if (w->extra_due < MILLION) continue;
        w->extra_due -= MILLION;
        run_once(w);
    }
}
