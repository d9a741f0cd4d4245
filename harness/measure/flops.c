#include "flops.h"

#include <stdio.h>

#include <math.h>
#include <stdlib.h>

#include "../bench/bench_layer.h"
#include "../results/build.h"

static idp_fc shape_of(const flops_case *c) {
    return (idp_fc){.out = c->out, .in = c->in, .m = c->m, .k = c->k, .batch = c->batch};
}

double flops_nominal(const flops_case *c) { return 2.0 * (double)c->m * (double)c->k * (double)c->batch; }

work flops_predicted(const flops_case *c) {
    const idp_fc fc = shape_of(c);
    return work_predict(c->kernel, c->backend->origin, &fc);
}

bool flops_available(error *e) {
    if (build_read().sanitized)
        return fail(e, "executed work cannot be counted in a build with sanitizers: it would count what they add; "
                       "use a release build");
    return executed_available(e);
}

/* ---- one call, stepped -----------------------------------------------------------------------------------------
 */

typedef struct prepared {
    const idp_kernel *kernel;
    idp_fc fc;
} prepared;

static void run(const void *argument) {
    const prepared *p = argument;
    p->kernel->run(&p->fc);
}

enum { PAGE_BYTES = 4096 };

static size_t pages(size_t floats) { return (floats * sizeof(float) / PAGE_BYTES + 2) * PAGE_BYTES; }

/* Copies `count` floats to *arena, and goes on to a page that is neither the last one's nor its neighbour. */
static float *place(unsigned char **arena, const float *from, size_t count) {
    float *to = (float *)(void *)*arena;
    for (size_t i = 0; i < count; i++) to[i] = fabsf(from[i]);
    *arena += pages(count);
    return to;
}

/* What the compiler makes of plain C may branch on the sign of a sum (ReLU) and on whether two buffers are near
 * each other (they might overlap). So that a count depends on the case only, all numbers are positive here, and
 * each buffer has pages of its own. */
static bool step_apart(const bench_layer *layer, const flops_case *c, executed *counts, error *e) {
    const size_t packed = idp_packed_floats(c->kernel, c->out, c->in), x = c->in * layer->stride,
                 y = c->out * layer->stride;
    unsigned char *arena = aligned_alloc(PAGE_BYTES, pages(packed) + pages(x) + pages(y) + pages(c->out)),
                  *at = arena;
    if (arena == NULL) return fail(e, "no memory for a layer of %zu x %zu", c->out, c->in);
    prepared p = {c->kernel, bench_layer_fc(layer, c->m, c->k)};
    p.fc.weights = place(&at, layer->packed, packed);
    p.fc.x = place(&at, layer->x, x);
    p.fc.y = place(&at, layer->y, y);
    p.fc.gamma = place(&at, layer->gamma, c->out);
    const bool ok = executed_count(run, &p, (uintptr_t)c->kernel->run, counts, e);
    free(arena);
    return ok || fail_in(e, "%s", c->kernel->name);
}

static bool step_case(const flops_case *c, executed *counts, error *e) {
    bench_layer layer = {0};
    if (!bench_layer_set(&layer, c->kernel, c->out, c->in, c->batch, e)) return false;
    const bool ok = step_apart(&layer, c, counts, e);
    bench_layer_free(&layer);
    return ok;
}

/* ---- extrapolation ---------------------------------------------------------------------------------------------
 * The counts of a tiled loop nest are affine in each of k, the outputs and the batch, as long as steps of a whole
 * period are taken and every loop is entered. Three points along an axis, each counted by the axes that are left,
 * show whether that is so. */

typedef enum axis { AXIS_CHANNELS, AXIS_OUTPUTS, AXIS_SAMPLES, AXES } axis;

enum { POINTS = 3 };

/* Blocks of the hand-written kernels of many samples (kernels/batch.h): counts are not affine across a block of
 * channels. */
enum { BLOCK_SAMPLES = 256, BLOCK_CHANNELS = 1024, TRANSPOSED_CHANNELS = 392 };

/* Hand-written kernels of one sample read layers beyond L1 in several places at once (IDP_L1_FLOATS in
 * kernels/backend.h): counts are not affine from one way to the other. */
enum { NEAR_FLOATS = 10 << 10 };
static bool far(const flops_case *c) {
    if (c->backend->origin != IDP_ORIGIN_HAND || idp_layout_batched(c->kernel->layout)) return false;
    return c->m * (c->kernel->layout == IDP_LAYOUT_ROW ? c->in : c->k) > NEAR_FLOATS;
}

/* Sizes along the axis after which the tiles repeat. */
static size_t period(const flops_case *c, axis a) {
    const idp_kernel *kernel = c->kernel;
    switch (a) {
    case AXIS_CHANNELS: /* panel: 1, 2, 3, 4 or 8 phases; row: up to 4 registers; a compiler may unroll 8 times */
        return kernel->layout == IDP_LAYOUT_PANEL                          ? 24
               : kernel->layout == IDP_LAYOUT_ROW && 4 * kernel->lanes > 8 ? 4u * kernel->lanes
                                                                           : 8;
    case AXIS_OUTPUTS: /* panel: two at once */
        return kernel->layout == IDP_LAYOUT_ROW     ? kernel->tile_batch
               : kernel->layout == IDP_LAYOUT_PANEL ? 2u * kernel->panel
                                                    : kernel->panel;
    case AXIS_SAMPLES: /* hand-written: tiles of twice the width for few outputs, then blocks of samples */
        return c->batch > BLOCK_SAMPLES ? BLOCK_SAMPLES : 2u * kernel->tile_batch;
    default: return 0;
    }
}

static size_t *size_along(flops_case *c, axis a) {
    return a == AXIS_CHANNELS ? &c->k : a == AXIS_OUTPUTS ? &c->m : &c->batch;
}

/* The smallest point: whole periods on top of what is left over, so that every remainder is there too. Of rows two,
 * for a rest may join the last whole tile. */
static size_t first_point(const flops_case *c, axis a) {
    flops_case copy = *c;
    const size_t periods = a == AXIS_OUTPUTS && c->kernel->layout == IDP_LAYOUT_ROW ? 2 : 1;
    return periods * period(c, a) + *size_along(&copy, a) % period(c, a);
}

/* What stepping the three points costs, as a share of stepping the case itself; `corner` is the case with the axes
 * chosen before at their smallest. */
static double share(const flops_case *c, const flops_case *corner, axis a) {
    if (a == AXIS_SAMPLES && !idp_layout_batched(c->kernel->layout)) return 1;
    if (a == AXIS_CHANNELS && c->kernel->layout == IDP_LAYOUT_BATCH && c->k > BLOCK_CHANNELS) return 1;
    if (a == AXIS_CHANNELS && c->kernel->layout == IDP_LAYOUT_SAMPLE && c->k > TRANSPOSED_CHANNELS) return 1;
    if (a == AXIS_OUTPUTS && c->m != c->out) return 1; /* m cuts into a panel that is packed whole */
    if (a == AXIS_OUTPUTS && idp_layout_batched(c->kernel->layout) && c->batch % c->kernel->tile_batch > 0)
        return 1; /* samples that whole tiles leave over may meet several panels at once */
    flops_case copy = *c, smallest = *corner;
    *size_along(&smallest, a) = first_point(c, a);
    if (far(&smallest) != far(c)) return 1;
    const double points = (double)(POINTS * (first_point(c, a) + period(c, a)));
    return points / (double)*size_along(&copy, a);
}

typedef struct counting {
    bool along[AXES];
    bool bent; /* the counts are not affine */
    uint64_t stepped;
} counting;

static bool count_from(counting *counter, const flops_case *c, unsigned a, executed *counts, error *e);

static bool count_along(counting *counter, const flops_case *c, axis a, executed *counts, error *e) {
    executed point[POINTS], implied;
    flops_case at = *c;
    const size_t size = *size_along(&at, a), first = first_point(c, a), step = period(c, a);
    for (size_t p = 0; p < POINTS; p++) {
        *size_along(&at, a) = first + p * step;
        if (a == AXIS_OUTPUTS) at.out = at.m;
        if (!count_from(counter, &at, a + 1, &point[p], e)) return false;
    }
    counter->bent = !executed_extend(&point[0], &point[1], POINTS - 1, &implied) ||
                    !executed_equal(&implied, &point[POINTS - 1]) ||
                    !executed_extend(&point[0], &point[1], (size - first) / step, counts);
    return !counter->bent || fail(e, "the counts do not follow from those of smaller layers");
}

static bool count_from(counting *counter, const flops_case *c, unsigned a, executed *counts, error *e) {
    while (a < AXES && !counter->along[a]) a++;
    if (a < AXES) return count_along(counter, c, (axis)a, counts, e);
    if (!step_case(c, counts, e)) return false;
    counter->stepped += counts->total.instructions;
    return true;
}

/* Adds the axis that saves most until the rest is little enough. */
static void choose_axes(counting *counter, const flops_case *c, uint64_t steps_most) {
    /* Measured: 1.5 (batch) to 2.5 (row) instructions per vector multiply-add, 4 per scalar one. */
    const work w = flops_predicted(c);
    double steps = 3.0 * (double)work_issued(&w) / c->kernel->lanes;
    flops_case corner = *c;
    while (steps > (double)steps_most) {
        unsigned best = AXES;
        for (unsigned a = 0; a < AXES; a++)
            if (!counter->along[a] && (best == AXES || share(c, &corner, (axis)a) < share(c, &corner, (axis)best)))
                best = a;
        if (best == AXES || share(c, &corner, (axis)best) > 0.7) return;
        counter->along[best] = true;
        steps *= share(c, &corner, (axis)best);
        *size_along(&corner, (axis)best) = first_point(c, (axis)best);
    }
}

static bool extrapolates(const counting *counter) {
    for (unsigned a = 0; a < AXES; a++)
        if (counter->along[a]) return true;
    return false;
}

static bool count_one(const flops_case *c, uint64_t steps_most, executed *counts, bool *extrapolated,
                      uint64_t *stepped, error *e) {
    counting counter = {0};
    choose_axes(&counter, c, steps_most);
    bool ok = count_from(&counter, c, 0, counts, e);
    if (counter.bent) {
        counter = (counting){.stepped = counter.stepped};
        ok = count_from(&counter, c, 0, counts, e);
    }
    *extrapolated = extrapolates(&counter);
    *stepped += counter.stepped;
    return ok;
}

bool flops_count(const flops_case *c, uint64_t steps_most, const executed *fixed, flops_counts *counts, error *e) {
    flops_counts made = {0};
    if (!flops_available(e) || !count_one(c, steps_most, &made.whole, &made.extrapolated, &made.stepped, e))
        return false;
    if (fixed != NULL) {
        made.fixed = *fixed;
    } else {
        flops_case at_0 = *c;
        at_0.k = 0;
        if (!step_case(&at_0, &made.fixed, e)) return false;
        made.stepped += made.fixed.total.instructions;
    }
    *counts = made;
    return true;
}

/* ---- which instruction set -------------------------------------------------------------------------------------
 */

const char *executed_isa_of(const idp_kernel *kernel, error *e) {
    enum { KNOWN = 256, CHANNELS = 64 }; /* channels: several rounds of every channel loop */
    static struct {
        const idp_kernel *kernel;
        executed_isa isa;
    } known[KNOWN];
    static unsigned count;
    for (unsigned i = 0; i < count; i++)
        if (known[i].kernel == kernel) return executed_isa_name(known[i].isa);
    const size_t outputs = kernel->layout == IDP_LAYOUT_ROW ? kernel->tile_batch : kernel->panel;
    const flops_case c = {.kernel = kernel,
                          .out = outputs,
                          .in = CHANNELS,
                          .batch = idp_layout_batched(kernel->layout) ? kernel->tile_batch : 1,
                          .m = outputs,
                          .k = CHANNELS};
    executed counts;
    if (!flops_available(e) || !step_case(&c, &counts, e)) return NULL;
    if (count < KNOWN) {
        known[count].kernel = kernel;
        known[count++].isa = counts.isa;
    }
    return executed_isa_name(counts.isa);
}

void executed_isa_print(const idp_kernel *kernel, char *text, size_t text_size) {
    error e = {""};
    const char *isa = executed_isa_of(kernel, &e);
    snprintf(text, text_size, isa != NULL ? "%s" : "unavailable: %s", isa != NULL ? isa : e.text);
}
