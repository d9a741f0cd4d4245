/* refine.c: see refine.h. */
#include "refine.h"

#include <math.h>
#include <stdlib.h>

#include "../measure/clock.h"
#include "../model/matrix.h"
#include "../model/random.h"
#include "sweep_latency.h"

typedef struct bench {
    const model *m;
    idp_mlp *network;
    float *x, *y, *workspace, *state;
} bench;

/* From one percentage to the next. */
typedef struct leap {
    const bench *b;
    size_t samples, from_profile, to_profile;
    double from, to;
} leap;

/* What is timed of a leap. */
enum { RUN_FROM, RUN_TO, START, START_AND_REFINE, WAYS };

static void run_from(void *state, uint64_t iterations) {
    const leap *s = state;
    for (uint64_t n = 0; n < iterations; n++)
        (void)idp_mlp_run(s->b->network, s->from_profile, s->from, s->samples, s->b->x, s->b->y, s->b->workspace);
}

static void run_to(void *state, uint64_t iterations) {
    const leap *s = state;
    for (uint64_t n = 0; n < iterations; n++)
        (void)idp_mlp_run(s->b->network, s->to_profile, s->to, s->samples, s->b->x, s->b->y, s->b->workspace);
}

static void start(void *state, uint64_t iterations) {
    const leap *s = state;
    for (uint64_t n = 0; n < iterations; n++)
        (void)idp_mlp_start(s->b->network, s->from_profile, s->from, s->samples, s->b->x, s->b->y, s->b->state);
}

static void start_and_refine(void *state, uint64_t iterations) {
    const leap *s = state;
    for (uint64_t n = 0; n < iterations; n++) {
        start(state, 1);
        (void)idp_mlp_refine(s->b->network, s->to_profile, s->to, s->b->x, s->b->y, s->b->state);
    }
}

static bool bench_open(bench *b, const model *m, const idp_backend *backend, error *e) {
    *b = (bench){.m = m};
    if (!model_network(m, backend, &b->network, e)) return false;
    b->x = floats_new(SWEEP_MOST_SAMPLES * m->width[0]);
    b->y = floats_new(SWEEP_MOST_SAMPLES * m->width[m->layers]);
    b->workspace = floats_new(idp_mlp_workspace_bytes(b->network, SWEEP_MOST_SAMPLES) / sizeof(float));
    b->state = floats_new(idp_mlp_state_bytes(b->network, SWEEP_MOST_SAMPLES) / sizeof(float));
    if (b->x == NULL || b->y == NULL || b->workspace == NULL || b->state == NULL)
        return fail(e, "no memory for a batch of %d samples", SWEEP_MOST_SAMPLES);
    random_state r;
    random_seed(&r, 1, RANDOM_TEST);
    for (size_t i = 0; i < SWEEP_MOST_SAMPLES * m->width[0]; i++) b->x[i] = (float)random_uniform(&r);
    return true;
}

static void bench_close(bench *b) {
    idp_mlp_destroy(b->network);
    free(b->x);
    free(b->y);
    free(b->workspace);
    free(b->state);
}

/* Per sample, of the refinement: only what is not kept. */
static double refine_flops(const leap *s) {
    const model *m = s->b->m;
    size_t kept[IDP_MAX_LAYERS + 1] = {0};
    double multiply_adds = 0;
    (void)idp_mlp_kept(s->b->network, s->from_profile, s->from, s->to_profile, s->to, kept);
    for (size_t l = 0; l < m->layers; l++)
        multiply_adds +=
            (double)(model_channels(m, l + 1, s->to) - kept[l + 1]) * (double)model_channels(m, l, s->to);
    return 2 * multiply_adds;
}

/* The median of a - b within rounds. */
static bool difference(const paired_samples *samples, size_t a, size_t b, double level, interval *result,
                       error *e) {
    double *value = malloc(samples->rounds * sizeof *value);
    if (value == NULL) return fail(e, "no memory for %zu rounds", samples->rounds);
    const size_t slots = samples->variants + 1;
    for (size_t r = 0; r < samples->rounds; r++) value[r] = samples->ns[r * slots + a] - samples->ns[r * slots + b];
    stats_sort(value, samples->rounds);
    stats_median_interval(value, samples->rounds, level, result);
    free(value);
    return true;
}

static json_t *json_interval(interval i) { return results_interval(i.median, i.low, i.high); }

static bool tell(const leap *s, const idp_backend *backend, const sweep_options *o, paired_samples *samples,
                 size_t first, json_t *records, FILE *table, error *e) {
    const model *m = s->b->m;
    interval refined, gap;
    const interval fresh = paired_time(samples, first + RUN_TO, o->level),
                   narrow = paired_time(samples, first + RUN_FROM, o->level),
                   both = paired_ratio(samples, first + START_AND_REFINE, first + RUN_TO, o->level);
    if (!difference(samples, first + START_AND_REFINE, first + START, o->level, &refined, e) ||
        !difference(samples, first + RUN_TO, first + RUN_FROM, o->level, &gap, e))
        return false;
    if (table != NULL)
        fprintf(table, "%5zu  %6g to %-6g %9.0f  %9.1f %9.1f  %9.1f %9.1f %9.1f  %8.3f\n", s->samples, s->from,
                s->to, refine_flops(s), narrow.median, fresh.median, refined.median, gap.median,
                refined.median - gap.median, both.median);
    char label[256];
    model_label(m, label, sizeof label);
    json_error_t why;
    json_t *record = json_pack_ex(
        &why, 0,
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:f, s:I, "
        "s:I, s:I}",
        "kind", "refine", "model", label, "recipe", m->recipe, "gamma", gamma_name(m->gamma), "backend",
        backend->name, "seed", (json_int_t)m->seed, "batch", (json_int_t)s->samples, "from_profile",
        (json_int_t)s->from_profile, "profile", (json_int_t)s->to_profile, "from_percent", s->from, "percent",
        s->to, "from_flops", model_useful_flops(m, s->from), "fresh_flops", model_useful_flops(m, s->to),
        "refine_flops", refine_flops(s), "from_ns", json_interval(narrow), "fresh_ns", json_interval(fresh),
        "refine_ns", json_interval(refined), "difference_ns", json_interval(gap), "both_ratio", json_interval(both),
        "level", o->level, "rounds", (json_int_t)samples->rounds, "discarded", (json_int_t)samples->discarded,
        "disturbed", (json_int_t)samples->disturbed);
    if (record == NULL) return fail(e, "%g to %g %%: %s", s->from, s->to, why.text);
    return json_array_append_new(records, record) == 0 || fail(e, "no memory for the records");
}

/* All leaps at one batch size, in the same rounds. */
static bool measure_batch(const bench *b, const idp_backend *backend, const sweep_options *o, size_t batch,
                          progress *bar, json_t *records, FILE *table, error *e) {
    static void (*const way[WAYS])(void *, uint64_t) = {run_from, run_to, start, start_and_refine};
    const size_t leaps = o->percents - 1;
    leap s[SWEEP_MOST_PERCENTS];
    paired_variant variant[SWEEP_MOST_PERCENTS * WAYS];
    for (size_t i = 0; i < leaps; i++) {
        s[i] = (leap){b,
                      sweep_batches[batch].samples,
                      model_profile_at(b->m, o->percent[i]),
                      model_profile_at(b->m, o->percent[i + 1]),
                      o->percent[i],
                      o->percent[i + 1]};
        for (size_t w = 0; w < WAYS; w++) variant[i * WAYS + w] = (paired_variant){way[w], &s[i]};
    }
    paired_options paired = paired_defaults();
    paired.rounds = o->rounds;
    paired.budget_s = o->budget_s / SWEEP_BATCHES;
    paired.slice_ns = o->slice_ns;
    paired.level = o->level;
    paired.clock = o->clock;
    paired.bar = bar;
    paired.bar_part = 1;
    paired.bar_detail = sweep_batches[batch].field;
    paired_samples samples;
    if (!paired_measure(variant, leaps * WAYS, &paired, &samples, e)) return false;
    bool told = true;
    for (size_t i = 0; i < leaps && told; i++)
        told = tell(&s[i], backend, o, &samples, i * WAYS, records, table, e);
    paired_free(&samples);
    return told;
}

static bool options_are_good(const sweep_options *o, error *e) {
    if (o->percents < 2) return fail(e, "refining goes from one percentage to the next: give at least two");
    for (unsigned i = 1; i < o->percents; i++)
        if (!(o->percent[i] > o->percent[i - 1]))
            return fail(e, "refining goes up: %g %% after %g %% does not", o->percent[i], o->percent[i - 1]);
    return true;
}

static void print_heading(const model *m, FILE *table) {
    const bool deep = m->layers > 2 && m->incomplete[1] && m->incomplete[2];
    fprintf(table,
            "\nRefining: a result goes on to the next percentage. Times in ns, medians within paired rounds.\n");
    if (deep && !model_uncoupled(m))
        fprintf(table,
                "Its parts are coupled: of the hidden layers only the first can be kept. See coupling=zero.\n");
    fprintf(table, "%5s  %-16s %9s  %9s %9s  %9s %9s %9s  %8s\n", "batch", "percent", "FLOPs", "run from", "run to",
            "refine", "to - from", "more", "both/to");
}

bool refine_model(const model *m, const idp_backend *backend, const sweep_options *options, results *r, FILE *table,
                  error *e) {
    bool refined = false;
    bench b = {.m = m};
    progress bar;
    cpu_pin pin = {.cpu = -1};
    sweep_options o = *options;
    json_t *records = json_array();
    if (o.percents == 0) o.percents = sweep_percents(m, o.percent);
    if (records == NULL) {
        fail(e, "no memory for the records");
        goto done;
    }
    if (!options_are_good(&o, e) || !bench_open(&b, m, backend, e)) goto done;
    cpu_pin_here(&pin, NULL);
    progress_start(&bar, "refine", SWEEP_BATCHES);
    if (table != NULL) print_heading(m, table);
    for (size_t n = 0; n < SWEEP_BATCHES; n++) {
        progress_at(&bar, (double)n, sweep_batches[n].field);
        if (!measure_batch(&b, backend, &o, n, &bar, records, table, e)) goto done;
    }
    progress_end(&bar, NULL);
    for (size_t i = 0; r != NULL && i < json_array_size(records); i++)
        results_add(r, json_incref(json_array_get(records, i)));
    refined = true;
done:
    cpu_pin_release(&pin);
    json_decref(records);
    bench_close(&b);
    return refined;
}
