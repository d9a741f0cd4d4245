#include "versus_worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measure/paired.h"
#include "../model/random.h"

enum { SEED_BITS = 53 }; /* what every JSON reader keeps */

/* ---- request ----------------------------------------------------------------------------------------------- */

static uint64_t process_seed(uint64_t seed, size_t index, int alone) {
    random_state random;
    random_seed(&random, seed, RANDOM_PLACES);
    const size_t skip = index * (VERSUS_MOST + 1) + (size_t)(alone + 1);
    for (size_t i = 0; i < skip; i++) (void)random_next(&random);
    return random_next(&random) >> (64 - SEED_BITS);
}

char *versus_request(const versus_options *o, size_t index, int alone, double budget_s, double limit_s) {
    const workload_spec *first = &o->workload[0];
    json_t *names = json_array();
    for (unsigned w = 0; w < o->workloads; w++)
        if (alone < 0 || (unsigned)alone == w) json_array_append_new(names, json_string(o->workload[w].name));
    json_t *request =
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:f, s:I, s:I, s:b}", "workloads", names, "out",
                  (json_int_t)first->out, "in", (json_int_t)first->in, "m", (json_int_t)first->m, "batch",
                  (json_int_t)first->batch, "percent", o->percent, "rounds", (json_int_t)o->rounds, "budget_s",
                  budget_s, "limit_s", limit_s, "seed", (json_int_t)process_seed(o->seed, index, alone),
                  "cold_bytes", (json_int_t)o->cold_bytes, "ftz", o->ftz);
    char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    return text;
}

/* A request, understood. */
typedef struct job {
    workload_spec spec[VERSUS_MOST];
    unsigned workloads;
    size_t rounds, cold_bytes;
    double budget_s, limit_s;
    uint64_t seed;
    bool ftz;
} job;

static bool job_read(const char *request, job *j, error *e) {
    json_error_t at;
    json_t *names = NULL;
    json_int_t out, in, m, batch, rounds, seed, cold_bytes;
    double percent;
    int ftz;
    json_t *root = json_loads(request, 0, &at);
    bool ok = json_unpack_ex(root, &at, 0, "{s:o, s:I, s:I, s:I, s:I, s:F, s:I, s:F, s:F, s:I, s:I, s:b}",
                             "workloads", &names, "out", &out, "in", &in, "m", &m, "batch", &batch, "percent",
                             &percent, "rounds", &rounds, "budget_s", &j->budget_s, "limit_s", &j->limit_s, "seed",
                             &seed, "cold_bytes", &cold_bytes, "ftz", &ftz) == 0;
    if (!ok) {
        fail(e, "not a worker's request: %s", at.text);
        goto done;
    }
    const size_t count = json_array_size(names);
    ok = count >= 1 && count <= VERSUS_MOST && out >= 1 && out <= WORKLOAD_MOST_WIDTH && in >= 1 &&
         in <= WORKLOAD_MOST_WIDTH && m >= 0 && m <= out && batch >= 1 && batch <= WORKLOAD_MOST_BATCH &&
         percent >= 0 && percent <= 100 && rounds >= VERSUS_LEAST_ROUNDS && rounds <= VERSUS_MOST_ROUNDS &&
         cold_bytes >= 0 && seed >= 0 && j->budget_s >= 0 && j->limit_s > 0;
    if (!ok) {
        fail(e, "not a worker's request: a value is out of its range");
        goto done;
    }
    const workload_shape shape = {(size_t)out, (size_t)in, (size_t)m, (size_t)batch, percent, IDP_LAYOUT_PANEL};
    for (j->workloads = 0; ok && j->workloads < count; j->workloads++) {
        const char *name = json_string_value(json_array_get(names, j->workloads));
        ok = workload_parse(name != NULL ? name : "", &shape, &j->spec[j->workloads], e);
    }
    j->rounds = (size_t)rounds;
    j->cold_bytes = (size_t)cold_bytes;
    j->seed = (uint64_t)seed;
    j->ftz = ftz != 0;
done:
    json_decref(root);
    return ok;
}

/* ---- work -------------------------------------------------------------------------------------------------- */

/* All workloads and, last, the control, in random order: what is allocated first must not always be the same one.
 * Made ones have a kernel. */
static bool make_workloads(const job *j, workload *made, error *e) {
    const workload_place place = workload_place_draw(j->seed, j->cold_bytes);
    uint32_t order[VERSUS_MOST + 1];
    random_state random;
    random_seed(&random, j->seed, RANDOM_SHUFFLE);
    for (unsigned i = 0; i <= j->workloads; i++) order[i] = i;
    random_shuffle(&random, order, j->workloads + 1);
    for (unsigned i = 0; i <= j->workloads; i++) {
        const unsigned w = order[i];
        if (!workload_make(&j->spec[w < j->workloads ? w : 0], &place, &made[w], e)) return false;
    }
    return true;
}

static json_t *array_of(const double *values, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(array, json_real(values[i]));
    return array;
}

/* log(time of the slot / time of the baseline), round by round. */
static json_t *log_ratios(const paired_samples *s, size_t slot) {
    json_t *array = json_array();
    for (size_t r = 0; r < s->rounds; r++) {
        const double *row = &s->ns[r * (s->variants + 1)];
        json_array_append_new(array, json_real(log(row[slot] / row[s->baseline])));
    }
    return array;
}

static char *make_report(const job *j, paired_samples *s, bool pinned) {
    static json_t *(*const ftz[])(void) = {[FTZ_OFF] = json_false, [FTZ_ON] = json_true, [FTZ_UNKNOWN] = json_null};
    double time_ns[VERSUS_MOST];
    json_t *ratios = json_array();
    for (unsigned w = 0; w < j->workloads; w++) {
        time_ns[w] = paired_time(s, w, 0.5).median;
        json_array_append_new(ratios, log_ratios(s, w == 0 ? s->variants : w));
    }
    json_t *report =
        json_pack("{s:I, s:I, s:I, s:I, s:f, s:b, s:o, s:o, s:o}", "seed", (json_int_t)j->seed, "rounds",
                  (json_int_t)s->rounds, "discarded", (json_int_t)s->discarded, "disturbed",
                  (json_int_t)s->disturbed, "core_hz", paired_core_hz(s).median, "pinned", pinned, "ftz",
                  ftz[clock_ftz()](), "time_ns", array_of(time_ns, j->workloads), "log_ratio", ratios);
    char *text = report != NULL ? json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    json_decref(report);
    return text;
}

bool versus_work(const char *request, char **report, error *e) {
    job j = {0};
    workload made[VERSUS_MOST + 1] = {0};
    paired_variant variant[VERSUS_MOST], control;
    paired_samples samples = {0};
    cpu_pin pin = {.cpu = -1};
    bool ok = job_read(request, &j, e);
    if (!ok) return false;
    /* Nobody may be left to end it. */
    alarm((unsigned)fmin(ceil(j.limit_s) + 1, 1e6));
    clock_set_ftz(j.ftz);
    const bool pinned = cpu_pin_here(&pin, NULL);
    ok = make_workloads(&j, made, e);
    if (!ok) goto done;
    for (unsigned w = 0; w < j.workloads; w++) variant[w] = (paired_variant){workload_run, &made[w]};
    control = (paired_variant){workload_run, &made[j.workloads]};

    paired_options paired = paired_defaults();
    paired.rounds = j.rounds;
    paired.budget_s = j.budget_s;
    paired.seed = j.seed;
    paired.control = &control;
    paired.shared_iterations = true;
    ok = paired_measure(variant, j.workloads, &paired, &samples, e);
    if (!ok) goto done;
    char *text = make_report(&j, &samples, pinned);
    ok = text != NULL || fail(e, "no memory for the report");
    if (ok) *report = text;
done:
    alarm(0);
    cpu_pin_release(&pin);
    paired_free(&samples);
    for (unsigned w = 0; w <= j.workloads; w++) workload_free(&made[w]);
    return ok;
}

/* ---- report ------------------------------------------------------------------------------------------------ */

/* The median of an array of `count` numbers. */
static bool median_of(const json_t *array, size_t count, double *median) {
    if (json_array_size(array) != count || count == 0) return false;
    double *values = malloc(count * sizeof *values);
    bool ok = values != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        const json_t *value = json_array_get(array, i);
        ok = json_is_number(value);
        values[i] = json_number_value(value);
    }
    if (ok) {
        stats_sort(values, count);
        *median = stats_sorted_median(values, count);
    }
    free(values);
    return ok;
}

bool versus_report(const char *report, unsigned workloads, versus_process *process, error *e) {
    json_error_t at;
    json_t *ftz = NULL, *times = NULL, *ratios = NULL;
    json_int_t seed, rounds, discarded, disturbed;
    int pinned;
    versus_process made = {0};
    json_t *root = json_loads(report, 0, &at);
    bool ok = json_unpack_ex(root, &at, 0, "{s:I, s:I, s:I, s:I, s:F, s:b, s:o, s:o, s:o}", "seed", &seed, "rounds",
                             &rounds, "discarded", &discarded, "disturbed", &disturbed, "core_hz", &made.core_hz,
                             "pinned", &pinned, "ftz", &ftz, "time_ns", &times, "log_ratio", &ratios) == 0;
    if (!ok) {
        fail(e, "its report is damaged: %s", at.text);
        goto done;
    }
    ok = rounds >= 1 && discarded >= 0 && disturbed >= 0 && disturbed <= rounds && seed >= 0 &&
         json_array_size(times) == workloads && json_array_size(ratios) == workloads;
    for (unsigned w = 0; ok && w < workloads; w++) {
        made.time_ns[w] = json_number_value(json_array_get(times, w));
        ok = made.time_ns[w] > 0 && median_of(json_array_get(ratios, w), (size_t)rounds, &made.log_ratio[w]);
    }
    if (!ok) {
        fail(e, "its report is damaged: counts and numbers do not fit together");
        goto done;
    }
    made.seed = (uint64_t)seed;
    made.rounds = (size_t)rounds;
    made.discarded = (size_t)discarded;
    made.disturbed = (size_t)disturbed;
    made.pinned = pinned != 0;
    made.ftz = json_is_null(ftz) ? FTZ_UNKNOWN : json_is_true(ftz) ? FTZ_ON : FTZ_OFF;
    *process = made;
done:
    json_decref(root);
    return ok;
}
