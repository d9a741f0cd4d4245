/* sweep_latency.c: see sweep_latency.h. */
#include "sweep_latency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../data/dataset.h"
#include "../measure/clock.h"
#include "../measure/processes.h"
#include "../model/matrix.h"
#include "../model/random.h"

const sweep_batch sweep_batches[SWEEP_BATCHES] = {{"batch_1", 1}, {"batch_128", SWEEP_MOST_SAMPLES}};

/* ---- one process -------------------------------------------------------------------------------------------- */

typedef struct bench {
    const model *m;
    const sweep_options *options;
    idp_mlp *network;
    float *memory, *x, *y, *workspace; /* the others lie in memory */
    cpu_pin pin;
    progress *bar;
} bench;

typedef struct inference {
    const bench *b;
    size_t profile, samples;
    double percent;
} inference;

static idp_status infer(const inference *i) {
    const bench *b = i->b;
    return idp_mlp_run(b->network, i->profile, i->percent, i->samples, b->x, b->y, b->workspace);
}

/* A paired_variant; measure_batch has seen it succeed. */
static void infer_many(void *state, uint64_t iterations) {
    for (uint64_t n = 0; n < iterations; n++) (void)infer(state);
}

/* Built-in digits where the network reads such images, else pixels at random: the times do not depend on the values
 * as long as none is subnormal, and a process has its input without reading a data set. */
static bool fill_input(const bench *b, uint64_t seed, error *e) {
    const size_t inputs = b->m->width[0];
    dataset digits = {0};
    if (!digits_render(&digits, 1, SWEEP_MOST_SAMPLES, DIGITS_SEED, e)) return false;
    if (digits.test.rows * digits.test.columns == inputs) {
        pixels_to_floats(SWEEP_MOST_SAMPLES * inputs, digits.test.pixels, b->x);
    } else {
        random_state r;
        random_seed(&r, seed, RANDOM_TEST);
        for (size_t i = 0; i < SWEEP_MOST_SAMPLES * inputs; i++) b->x[i] = (float)random_uniform(&r);
    }
    dataset_free(&digits);
    return true;
}

/* x, y and workspace, each from a random cache line of a page on: where they lie is a part of what a process
 * draws at random. */
static bool bench_open(bench *b, const model *m, const idp_backend *backend, const sweep_options *options,
                       uint64_t seed, progress *bar, error *e) {
    enum { PAGE = 1024, LINE = 16 }; /* floats */
    *b = (bench){.m = m, .options = options, .pin = {.cpu = -1}, .bar = bar};
    if (!model_network(m, backend, &b->network, e)) return false;
    const size_t x = SWEEP_MOST_SAMPLES * m->width[0], y = SWEEP_MOST_SAMPLES * m->width[m->layers];
    const size_t workspace = idp_mlp_workspace_bytes(b->network, SWEEP_MOST_SAMPLES) / sizeof(float);
    b->memory = floats_new(x + y + workspace + 6 * PAGE);
    if (b->memory == NULL) return fail(e, "no memory for a batch of %d samples", SWEEP_MOST_SAMPLES);
    random_state r;
    random_seed(&r, seed, RANDOM_PLACES);
    float *const place[] = {b->memory, b->memory + x / PAGE * PAGE + 2 * PAGE,
                            b->memory + x / PAGE * PAGE + 2 * PAGE + y / PAGE * PAGE + 2 * PAGE};
    b->x = place[0] + LINE * random_below(&r, PAGE / LINE);
    b->y = place[1] + LINE * random_below(&r, PAGE / LINE);
    b->workspace = place[2] + LINE * random_below(&r, PAGE / LINE);
    if (!fill_input(b, seed, e)) return false;
    cpu_pin_here(&b->pin, NULL);
    return true;
}

static void bench_close(bench *b) {
    cpu_pin_release(&b->pin);
    idp_mlp_destroy(b->network);
    free(b->memory);
}

/* All percentages of a profile, and 100 % where it is not one of them, in paired rounds. level: of the intervals
 * that the caller wants of the samples. */
typedef struct round_set {
    inference state[SWEEP_MOST_PERCENTS + 1];
    size_t full; /* the variant at 100 % */
    paired_samples samples;
} round_set;

static bool measure_batch(const bench *b, size_t profile, size_t batch, double level, uint64_t seed, round_set *set,
                          error *e) {
    const sweep_options *o = b->options;
    const size_t samples = sweep_batches[batch].samples;
    paired_variant variant[SWEEP_MOST_PERCENTS + 1];
    size_t variants = 0;
    set->full = o->percents;
    for (size_t i = 0; i < o->percents; i++) {
        if (o->percent[i] == 100) set->full = i;
        set->state[variants++] = (inference){b, profile, samples, o->percent[i]};
    }
    if (set->full == o->percents) set->state[variants++] = (inference){b, profile, samples, 100};
    for (size_t v = 0; v < variants; v++) {
        variant[v] = (paired_variant){infer_many, &set->state[v]};
        const idp_status status = infer(&set->state[v]);
        if (status != IDP_OK)
            return fail(e, "profile %zu at %g %%: %s", profile, set->state[v].percent, idp_status_text(status));
    }
    paired_options paired = paired_defaults();
    paired.rounds = o->rounds;
    paired.budget_s = o->budget_s / (double)(b->m->profiles * SWEEP_BATCHES);
    paired.slice_ns = o->slice_ns;
    paired.level = level;
    paired.baseline = set->full;
    paired.clock = o->clock;
    paired.seed = seed;
    paired.bar = b->bar;
    paired.bar_part = 1;
    paired.bar_detail = sweep_batches[batch].field;
    return paired_measure(variant, variants, &paired, &set->samples, e);
}

/* ---- here, in one process ------------------------------------------------------------------------------------ */

enum { COUNTED_NS = 1000000 }; /* hardware counters are read over about so long, after the rounds */

/* The ratios of one table are read together, so they hold together. */
static double ratio_level(const sweep_options *o) { return stats_bonferroni(o->level, o->percents); }

static void count(const counters *c, const sweep_options *o, round_set *set, sweep_times *l) {
    for (size_t i = 0; i < o->percents; i++) {
        const double calls = fmax(1, COUNTED_NS / l->time_ns[i].median);
        counters_count(c, infer_many, &set->state[i], (uint64_t)calls, l->counted[i]);
    }
}

static void analyse(const sweep_options *o, round_set *set, sweep_times *l) {
    for (size_t i = 0; i < o->percents; i++) {
        l->time_ns[i] = paired_time(&set->samples, i, o->level);
        l->of_full[i] = paired_ratio(&set->samples, i, set->full, ratio_level(o));
    }
    l->control = paired_control(&set->samples, o->level);
    l->core_hz = paired_core_hz(&set->samples);
    l->processes = 1;
    l->rounds = set->samples.rounds;
    l->discarded = set->samples.discarded;
    l->disturbed = set->samples.disturbed;
}

static bool measure_here(const model *m, const idp_backend *backend, const sweep_options *o, progress *bar,
                         const counters *c, sweep_times *latencies, bool *pinned, error *e) {
    bench b;
    bool measured = false;
    if (!bench_open(&b, m, backend, o, 1, bar, e)) goto done;
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t n = 0; n < SWEEP_BATCHES; n++) {
            round_set set;
            sweep_times *l = &latencies[p * SWEEP_BATCHES + n];
            if (bar != NULL) progress_at(bar, (double)(p * SWEEP_BATCHES + n), sweep_batches[n].field);
            if (!measure_batch(&b, p, n, ratio_level(o), 1, &set, e)) goto done;
            analyse(o, &set, l);
            count(c, o, &set, l);
            paired_free(&set.samples);
        }
    *pinned = b.pin.cpu >= 0;
    measured = true;
done:
    bench_close(&b);
    return measured;
}

/* ---- a started process ----------------------------------------------------------------------------------------
 */

/* Of a process only the medians count: any interval will do. */
static const double ANY_LEVEL = 0.5;

static json_t *answer_batch(const sweep_options *o, round_set *set) {
    json_t *time = json_array(), *ratio = json_array();
    for (size_t i = 0; i < o->percents; i++) {
        json_array_append_new(time, json_real(paired_time(&set->samples, i, ANY_LEVEL).median));
        json_array_append_new(ratio, json_real(paired_ratio(&set->samples, i, set->full, ANY_LEVEL).median));
    }
    return json_pack("{s:o, s:o, s:f, s:f, s:I, s:I, s:I}", "time_ns", time, "of_full", ratio, "control",
                     paired_control(&set->samples, ANY_LEVEL).median, "core_hz",
                     paired_core_hz(&set->samples).median, "rounds", (json_int_t)set->samples.rounds, "discarded",
                     (json_int_t)set->samples.discarded, "disturbed", (json_int_t)set->samples.disturbed);
}

static bool request_read(const char *text, json_t **request, sweep_options *o, error *e) {
    json_t *percents;
    json_int_t rounds;
    *request = json_loads(text, 0, NULL);
    if (*request == NULL ||
        json_unpack(*request, "{s:o, s:I, s:F, s:F}", "percents", &percents, "rounds", &rounds, "budget_s",
                    &o->budget_s, "slice_ns", &o->slice_ns) != 0 ||
        json_array_size(percents) > SWEEP_MOST_PERCENTS)
        return fail(e, "--worker is for the program's own use");
    o->rounds = (size_t)rounds;
    o->percents = (unsigned)json_array_size(percents);
    for (size_t i = 0; i < o->percents; i++) o->percent[i] = json_number_value(json_array_get(percents, i));
    return true;
}

static json_t *answer_all(const bench *b, uint64_t seed, error *e) {
    json_t *answer = json_array();
    for (size_t p = 0; p < b->m->profiles; p++) {
        json_t *batches = json_array();
        json_array_append_new(answer, batches);
        for (size_t n = 0; n < SWEEP_BATCHES; n++) {
            round_set set;
            if (!measure_batch(b, p, n, ANY_LEVEL, seed, &set, e)) {
                json_decref(answer);
                return NULL;
            }
            json_array_append_new(batches, answer_batch(b->options, &set));
            paired_free(&set.samples);
        }
    }
    if (answer == NULL) fail(e, "no memory for the times");
    return answer;
}

int sweep_worker(const char *text, error *e) {
    int status = 2;
    sweep_options o = sweep_defaults();
    json_t *request = NULL, *answer = NULL;
    model m = {0};
    bench b = {.pin = {.cpu = -1}};
    const idp_backend *backend = NULL;
    if (!request_read(text, &request, &o, e)) goto done;
    const uint64_t seed = (uint64_t)json_integer_value(json_object_get(request, "seed"));
    const char *path = json_string_value(json_object_get(request, "model"));
    const char *name = json_string_value(json_object_get(request, "backend"));
    if (path == NULL || name == NULL || (backend = idp_backend_find(name)) == NULL) {
        fail(e, "--worker is for the program's own use");
        goto done;
    }
    if (!model_read(&m, path, e) || !bench_open(&b, &m, backend, &o, seed, NULL, e)) goto done;
    answer = answer_all(&b, seed, e);
    if (answer == NULL) goto done;
    if (json_dumpf(answer, stdout, JSON_COMPACT) == 0)
        status = 0;
    else
        fail(e, "no memory to write the times, or nobody reads them");
done:
    bench_close(&b);
    model_free(&m);
    json_decref(answer);
    json_decref(request);
    return status;
}

/* ---- many processes ---------------------------------------------------------------------------------------------
 */

/* One number of every process: its interval over processes. */
static interval over_processes(const double *value, size_t n, double level) {
    double sorted[SWEEP_MOST_PROCESSES];
    interval result;
    memcpy(sorted, value, n * sizeof *sorted);
    stats_sort(sorted, n);
    stats_median_interval(sorted, n, level, &result);
    return result;
}

/* Fetches a number of one batch's answer; row: SIZE_MAX where the field is no array. NaN if it is not there. */
static double fetch(const json_t *answer, size_t profile, size_t batch, const char *field, size_t row) {
    const json_t *value = json_object_get(json_array_get(json_array_get(answer, profile), batch), field);
    if (row != SIZE_MAX) value = json_array_get(value, row);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The interval of one number over all answers; false where one of them lacks it. */
static bool fetch_all(const json_t *const *answer, size_t answers, size_t profile, size_t batch, const char *field,
                      size_t row, double level, interval *result, error *e) {
    double value[SWEEP_MOST_PROCESSES];
    for (size_t a = 0; a < answers; a++) {
        value[a] = fetch(answer[a], profile, batch, field, row);
        if (isnan(value[a])) return fail(e, "process %zu measured no '%s' of profile %zu", a, field, profile);
    }
    *result = over_processes(value, answers, level);
    return true;
}

static bool join_batch(const json_t *const *answer, size_t answers, size_t p, size_t n, const sweep_options *o,
                       sweep_times *l, error *e) {
    for (size_t i = 0; i < o->percents; i++)
        if (!fetch_all(answer, answers, p, n, "time_ns", i, o->level, &l->time_ns[i], e) ||
            !fetch_all(answer, answers, p, n, "of_full", i, ratio_level(o), &l->of_full[i], e))
            return false;
    if (!fetch_all(answer, answers, p, n, "control", SIZE_MAX, o->level, &l->control, e) ||
        !fetch_all(answer, answers, p, n, "core_hz", SIZE_MAX, o->level, &l->core_hz, e))
        return false;
    l->processes = answers;
    l->rounds = l->discarded = l->disturbed = 0;
    for (size_t a = 0; a < answers; a++) {
        const double rounds = fetch(answer[a], p, n, "rounds", SIZE_MAX);
        const double discarded = fetch(answer[a], p, n, "discarded", SIZE_MAX);
        const double disturbed = fetch(answer[a], p, n, "disturbed", SIZE_MAX);
        if (!(rounds >= 0 && discarded >= 0 && disturbed >= 0))
            return fail(e, "process %zu counted no rounds of profile %zu", a, p);
        l->rounds += (size_t)rounds;
        l->discarded += (size_t)discarded;
        l->disturbed += (size_t)disturbed;
    }
    return true;
}

bool sweep_join(const json_t *const *answer, size_t answers, size_t profiles, const sweep_options *options,
                sweep_times *latencies, error *e) {
    for (size_t p = 0; p < profiles; p++)
        for (size_t n = 0; n < SWEEP_BATCHES; n++)
            if (!join_batch(answer, answers, p, n, options, &latencies[p * SWEEP_BATCHES + n], e)) return false;
    return true;
}

/* Starts one process and reads its answer. */
static json_t *ask(const char *program, const sweep_options *o, const idp_backend *backend, size_t process,
                   error *e) {
    enum {
        LONGEST_S = 86400, /* where the budget is infinite */
        SLACK_S = 60,      /* reading the model, packing, rendering; and a machine that is busy */
    };
    json_t *percents = json_array(), *answer = NULL;
    for (size_t i = 0; i < o->percents; i++) json_array_append_new(percents, json_real(o->percent[i]));
    json_t *request =
        json_pack("{s:s, s:s, s:I, s:o, s:I, s:f, s:f}", "model", o->model_path, "backend", backend->name, "seed",
                  (json_int_t)(process + 1), "percents", percents, "rounds", (json_int_t)o->rounds, "budget_s",
                  fmin(o->budget_s / (double)o->processes, LONGEST_S), "slice_ns", o->slice_ns);
    char *text = json_dumps(request, JSON_COMPACT), *output = NULL;
    if (text == NULL) {
        fail(e, "no memory for a process's request");
    } else {
        char sweep[] = "sweep", worker[] = "--worker", idp[] = "idp";
        char *argv[] = {idp, sweep, worker, text, NULL};
        if (process_run(program, argv, fmin(o->budget_s, LONGEST_S) + SLACK_S, &output, e) == PROCESS_DONE) {
            answer = json_loads(output, 0, NULL);
            if (answer == NULL) fail(e, "process %zu did not answer in JSON", process);
        }
    }
    free(output);
    free(text);
    json_decref(request);
    return answer;
}

static bool measure_in_processes(const model *m, const idp_backend *backend, const sweep_options *o, progress *bar,
                                 sweep_times *latencies, error *e) {
    const char *program;
    json_t *answer[SWEEP_MOST_PROCESSES] = {NULL};
    bool measured = false;
    if (!process_self(&program, e)) return false;
    for (size_t p = 0; p < o->processes; p++) {
        char detail[64];
        snprintf(detail, sizeof detail, "process %zu of %zu", p + 1, o->processes);
        if (bar != NULL) progress_at(bar, (double)(m->profiles * SWEEP_BATCHES * p) / (double)o->processes, detail);
        answer[p] = ask(program, o, backend, p, e);
        if (answer[p] == NULL) goto done;
    }
    measured = sweep_join((const json_t *const *)answer, o->processes, m->profiles, o, latencies, e);
done:
    for (size_t p = 0; p < o->processes; p++) json_decref(answer[p]);
    return measured;
}

/* Counters of the hardware are read here: they count instructions, which do not differ between processes. */
static bool count_here(const model *m, const idp_backend *backend, const sweep_options *o, const counters *c,
                       sweep_times *latencies, bool *pinned, error *e) {
    bench b;
    bool counted = false;
    if (!bench_open(&b, m, backend, o, 1, NULL, e)) goto done;
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t n = 0; n < SWEEP_BATCHES; n++) {
            round_set set;
            for (size_t i = 0; i < o->percents; i++)
                set.state[i] = (inference){&b, p, sweep_batches[n].samples, o->percent[i]};
            count(c, o, &set, &latencies[p * SWEEP_BATCHES + n]);
        }
    *pinned = b.pin.cpu >= 0;
    counted = true;
done:
    bench_close(&b);
    return counted;
}

bool sweep_latencies(const model *m, const idp_backend *backend, const sweep_options *options, progress *bar,
                     const counters *c, sweep_times *latencies, bool *pinned, error *e) {
    enum { PROCESSES = 12 };
    if (options->model_path == NULL || options->processes == 1)
        return measure_here(m, backend, options, bar, c, latencies, pinned, e);
    sweep_options o = *options;
    const size_t needed = stats_rounds_needed(ratio_level(&o));
    if (o.processes == 0) o.processes = needed > PROCESSES ? needed : PROCESSES;
    if (o.processes < needed || o.processes > SWEEP_MOST_PROCESSES)
        return fail(e, "%zu processes are too few for %u percentages at the level %g: take %zu to %d, or 1",
                    o.processes, o.percents, o.level, needed, SWEEP_MOST_PROCESSES);
    return measure_in_processes(m, backend, &o, bar, latencies, e) &&
           count_here(m, backend, &o, c, latencies, pinned, e);
}
