/* paired.c: see paired.h. */
#include "paired.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../model/random.h"
#include "clock.h"

enum {
    MOST_ITERATIONS_LOG2 = 40, /* of a slice: an iteration faster than that is no work at all */
    LEAD_IN = 8,       /* an untimed eighth of a slice before each: the variant before it left its own data in
                          the caches, its own history in the branch predictor, and maybe the wide units asleep */
    CALIBRATIONS = 3,  /* the fastest counts */
    MOST_ATTEMPTS = 4, /* rounds tried for each one wanted; on a machine too busy for that, waiting won't help */
};

static uint64_t machine_now_ns(void *context) {
    (void)context;
    return clock_now_ns();
}

static uint64_t machine_preemptions(void *context) {
    (void)context;
    return clock_preemptions();
}

static double machine_core_hz(void *context) {
    (void)context;
    return clock_core_hz(NULL);
}

const paired_clock paired_machine_clock = {machine_now_ns, machine_preemptions, machine_core_hz, NULL};

paired_options paired_defaults(void) {
    return (paired_options){
        .rounds = 100, .budget_s = INFINITY, .slice_ns = 200e3, .warm_up_ns = 10e6, .level = 0.99, .seed = 1};
}

/* ---- one slice --------------------------------------------------------------------------------------------- */

static uint64_t time_ns(const paired_variant *v, uint64_t iterations, const paired_clock *clock) {
    const uint64_t start = clock->now_ns(clock->context);
    v->run(v->state, iterations);
    return clock->now_ns(clock->context) - start;
}

static bool stands_still(uint64_t iterations, error *e) {
    return fail(e, "%llu iterations took no measurable time: the work is empty or the clock stands still",
                (unsigned long long)iterations);
}

/* ns of one iteration, for choosing a number of iterations; 0 on failure. */
static double calibrate(const paired_variant *v, double slice_ns, const paired_clock *clock, error *e) {
    uint64_t iterations = 1, took = time_ns(v, iterations, clock);
    while ((double)took < slice_ns / 4) {
        if (iterations >> MOST_ITERATIONS_LOG2 != 0) {
            stands_still(iterations, e);
            return 0;
        }
        iterations *= 2;
        took = time_ns(v, iterations, clock);
    }
    for (int c = 1; c < CALIBRATIONS; c++) {
        const uint64_t again = time_ns(v, iterations, clock);
        if (again > 0 && again < took) took = again;
    }
    return (double)took / (double)iterations;
}

/* Warms up and fixes the iterations of every slot's slice. */
static bool prepare(const paired_variant *variant, size_t variants, const paired_options *o,
                    const paired_clock *clock, uint64_t *iterations, error *e) {
    const uint64_t start = clock->now_ns(clock->context);
    do {
        if (interrupted()) return fail(e, "interrupted");
        for (size_t v = 0; v < variants; v++) variant[v].run(variant[v].state, 1);
        if (o->control != NULL) o->control->run(o->control->state, 1);
    } while ((double)(clock->now_ns(clock->context) - start) < o->warm_up_ns);

    double slowest_ns = 0;
    for (size_t v = 0; v < variants; v++) {
        if (interrupted()) return fail(e, "interrupted");
        const double ns = calibrate(&variant[v], o->slice_ns, clock, e);
        if (ns == 0) return fail_in(e, "variant %zu", v);
        slowest_ns = fmax(slowest_ns, ns);
        iterations[v] = (uint64_t)fmax(1, round(o->slice_ns / ns));
    }
    for (size_t v = 0; v < variants && o->shared_iterations; v++)
        iterations[v] = (uint64_t)fmax(1, round(o->slice_ns / slowest_ns));
    iterations[variants] = iterations[o->baseline];
    return true;
}

/* ---- the order --------------------------------------------------------------------------------------------- */

/* A cyclic Latin square, row r being symbol[r], symbol[r+1], ..., with its symbols and its rows in random order,
 * and a new one when its rows are used up. */
typedef struct square {
    uint32_t *symbol, *row; /* [size] */
    size_t size, used;      /* rows used */
    random_state random;
} square;

static void square_next_row(square *s) {
    if (++s->used < s->size) return;
    random_shuffle(&s->random, s->symbol, s->size);
    random_shuffle(&s->random, s->row, s->size);
    s->used = 0;
}

static size_t square_slot(const square *s, size_t position) {
    return s->symbol[(s->row[s->used] + position) % s->size];
}

/* ---- rounds ------------------------------------------------------------------------------------------------ */

static const paired_variant *slot_variant(const paired_variant *variant, size_t variants, const paired_options *o,
                                          size_t slot) {
    if (slot < variants) return &variant[slot];
    return o->control != NULL ? o->control : &variant[o->baseline];
}

/* One slice of every slot, in the square's order, into ns[slot]. */
static bool run_round(const paired_variant *variant, size_t variants, const paired_options *o,
                      const paired_clock *clock, const square *order, const uint64_t *iterations, double *ns,
                      error *e) {
    for (size_t position = 0; position <= variants; position++) {
        const size_t slot = square_slot(order, position);
        const paired_variant *v = slot_variant(variant, variants, o, slot);
        v->run(v->state, (iterations[slot] + LEAD_IN - 1) / LEAD_IN);
        const uint64_t took = time_ns(v, iterations[slot], clock);
        if (took == 0) return stands_still(iterations[slot], e);
        ns[slot] = (double)took / (double)iterations[slot];
    }
    return true;
}

/* Keeps the quiet rows only, if they are enough; otherwise all: a median withstands some disturbed rounds, and the
 * samples say how many there are. */
static void keep_quiet(paired_samples *s, const bool *quiet, size_t quiet_count, size_t enough) {
    const size_t slots = s->variants + 1;
    if (quiet_count < enough) {
        s->disturbed = s->rounds - quiet_count;
        return;
    }
    size_t kept = 0;
    for (size_t r = 0; r < s->rounds; r++) {
        if (!quiet[r]) continue;
        memmove(&s->ns[kept * slots], &s->ns[r * slots], slots * sizeof *s->ns);
        s->core_hz[kept++] = s->core_hz[r];
    }
    s->discarded = s->rounds - kept;
    s->rounds = kept;
}

/* Whether to stop after `tried` rounds of which `quiet` were quiet. */
static bool enough_rounds(const paired_options *o, size_t tried, size_t quiet, size_t least, double elapsed_s) {
    if (quiet >= o->rounds) return true;
    if (quiet >= least && elapsed_s >= o->budget_s) return true;
    return tried >= least && (tried >= MOST_ATTEMPTS * o->rounds || elapsed_s >= 2 * o->budget_s);
}

bool paired_measure(const paired_variant *variant, size_t variants, const paired_options *o,
                    paired_samples *samples, error *e) {
    assert(variants > 0 && o->baseline < variants && o->slice_ns > 0 && o->level > 0 && o->level < 1);
    const paired_clock *clock = o->clock != NULL ? o->clock : &paired_machine_clock;
    const size_t slots = variants + 1, most = MOST_ATTEMPTS * o->rounds, least = stats_rounds_needed(o->level);
    if (o->rounds < least)
        return fail(e, "%zu rounds are too few for intervals at the level %g; at least %zu are needed", o->rounds,
                    o->level, least);

    bool measured = false;
    paired_samples s = {.variants = variants, .baseline = o->baseline};
    square order = {.size = slots, .used = slots};
    random_seed(&order.random, o->seed, RANDOM_ROUNDS);
    bool *quiet = malloc(most * sizeof *quiet);
    s.iterations = malloc(slots * sizeof *s.iterations);
    s.ns = malloc(most * slots * sizeof *s.ns);
    s.core_hz = malloc(most * sizeof *s.core_hz);
    s.scratch = malloc(3 * most * sizeof *s.scratch);
    order.symbol = malloc(slots * sizeof *order.symbol);
    order.row = malloc(slots * sizeof *order.row);
    if (quiet == NULL || s.iterations == NULL || s.ns == NULL || s.core_hz == NULL || s.scratch == NULL ||
        order.symbol == NULL || order.row == NULL) {
        fail(e, "no memory for %zu rounds of %zu variants", most, slots);
        goto done;
    }
    for (size_t i = 0; i < slots; i++) order.symbol[i] = order.row[i] = (uint32_t)i;
    if (!prepare(variant, variants, o, clock, s.iterations, e)) goto done;

    const uint64_t start = clock->now_ns(clock->context);
    const double bar_start = o->bar != NULL ? o->bar->done : 0;
    size_t quiet_count = 0;
    double elapsed_s = 0;
    do {
        if (interrupted()) {
            fail(e, "interrupted");
            goto done;
        }
        square_next_row(&order);
        s.core_hz[s.rounds] = clock->core_hz(clock->context);
        const uint64_t before = clock->preemptions(clock->context);
        if (!run_round(variant, variants, o, clock, &order, s.iterations, &s.ns[s.rounds * slots], e)) goto done;
        quiet[s.rounds] = clock->preemptions(clock->context) == before;
        quiet_count += quiet[s.rounds++];
        elapsed_s = 1e-9 * (double)(clock->now_ns(clock->context) - start);
        if (o->bar != NULL) {
            const double part = fmax((double)quiet_count / (double)o->rounds, elapsed_s / o->budget_s);
            progress_at(o->bar, bar_start + o->bar_part * fmin(1, part), o->bar_detail);
        }
    } while (!enough_rounds(o, s.rounds, quiet_count, least, elapsed_s));
    keep_quiet(&s, quiet, quiet_count, least);
    *samples = s;
    s = (paired_samples){0};
    measured = true;
done:
    free(order.row);
    free(order.symbol);
    free(quiet);
    paired_free(&s);
    return measured;
}

void paired_free(paired_samples *samples) {
    free(samples->iterations);
    free(samples->ns);
    free(samples->core_hz);
    free(samples->scratch);
    *samples = (paired_samples){0};
}

/* ---- figures ----------------------------------------------------------------------------------------------- */

/* The slot's column, into scratch row `row`. */
static double *column(paired_samples *s, size_t slot, size_t row) {
    double *values = &s->scratch[row * s->rounds];
    for (size_t r = 0; r < s->rounds; r++) values[r] = s->ns[r * (s->variants + 1) + slot];
    return values;
}

interval paired_time(paired_samples *s, size_t slot, double level) {
    interval time;
    double *values = column(s, slot, 0);
    stats_sort(values, s->rounds);
    stats_median_interval(values, s->rounds, level, &time);
    return time;
}

interval paired_ratio(paired_samples *s, size_t slot, size_t against, double level) {
    interval ratio;
    stats_ratio_interval(column(s, slot, 0), column(s, against, 1), s->rounds, level, &s->scratch[2 * s->rounds],
                         &ratio);
    return ratio;
}

interval paired_control(paired_samples *s, double level) {
    return paired_ratio(s, s->variants, s->baseline, level);
}

interval paired_core_hz(paired_samples *s) {
    double *values = s->scratch;
    memcpy(values, s->core_hz, s->rounds * sizeof *values);
    stats_sort(values, s->rounds);
    return (interval){stats_sorted_median(values, s->rounds), values[0], values[s->rounds - 1]};
}
