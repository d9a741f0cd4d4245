/* versus.c: see versus.h: the processes, then what follows from them. */
#include "versus.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../measure/processes.h"
#include "versus_worker.h"

versus_options versus_defaults(void) {
    return (versus_options){
        .percent = 100, .processes = 20, .rounds = 250, .level = 0.99, .limit_s = 60, .seed = 1};
}

/* The widest of the named kernels decides: a library is held to AVX2 where it is compared with nothing wider. */
const char *const *versus_environment(const versus_options *o) {
    bool peers = false;
    const idp_backend *widest = NULL;
    for (unsigned w = 0; w < o->workloads; w++) {
        const idp_backend *own = o->workload[w].backend;
        peers = peers || o->workload[w].peer != NULL;
        if (own != NULL && (widest == NULL || own->needs > widest->needs)) widest = own;
    }
    if (!peers) return NULL;
    const bool avx2 = widest != NULL && widest->needs == IDP_CPU_AVX2_FMA;
    const bool avx512f = (idp_cpu_features() & IDP_CPU_AVX512F) != 0;
    return peer_environment(o->held != NULL ? o->held : avx2 ? "avx2" : avx512f ? "avx512f" : "");
}

double versus_each_level(const versus_options *o) { return stats_bonferroni(o->level, o->workloads - 1); }

size_t versus_processes_needed(const versus_options *o) { return stats_rounds_needed(versus_each_level(o)); }

/* ---- processes --------------------------------------------------------------------------------------------- */

/* Of its share of the time, what a process may spend on its rounds; the rest is for starting, packing, calibrating.
 */
static const double ROUNDS_SHARE = 0.7;

typedef struct series {
    const versus_options *o;
    const char *program;
    progress *bar;
    uint64_t started_ns;
    size_t jobs, done; /* processes in all */
} series;

/* Process `index`, with all workloads or one alone. */
static process_end measure_in_process(series *s, size_t index, int alone, versus_process *process, error *e) {
    const versus_options *o = s->o;
    const double left_s = o->limit_s - 1e-9 * (double)(clock_now_ns() - s->started_ns);
    const double share_s = fmax(0, left_s) / (double)(s->jobs - s->done);
    char *request = versus_request(o, index, alone, ROUNDS_SHARE * share_s, fmax(left_s, 1)), *report = NULL;
    if (request == NULL) {
        fail(e, "no memory for a request");
        return PROCESS_FAILED;
    }
    char *argv[] = {"idp", "versus", "--worker", request, NULL};
    process_end end = process_run_with(s->program, argv, versus_environment(o), left_s, &report, e);
    if (end == PROCESS_DONE && !versus_report(report, alone < 0 ? o->workloads : 1, process, e))
        end = PROCESS_FAILED;
    free(report);
    free(request);
    s->done++;
    if (s->bar != NULL) progress_at(s->bar, (double)s->done / (double)s->jobs, NULL);
    return end;
}

/* o->processes of them into process[]. *count is how many ended in time; fewer than `least` is a failure. */
static bool measure_series(series *s, int alone, size_t least, versus_process *process, size_t *count, error *e) {
    const size_t wanted = s->o->processes;
    size_t n = 0;
    process_end end = PROCESS_DONE;
    while (n < wanted && end == PROCESS_DONE) {
        end = measure_in_process(s, n, alone, &process[n], e);
        n += end == PROCESS_DONE;
    }
    *count = n;
    if (end == PROCESS_DONE || (end == PROCESS_LATE && n >= least)) return true;
    if (end == PROCESS_STOPPED) return false;
    if (end == PROCESS_LATE)
        return fail(e,
                    "%zu of %zu processes ended within %.3g s, and %zu are needed: raise --time-limit or lower "
                    "--rounds",
                    n, wanted, s->o->limit_s, least);
    return fail_in(e, "process %zu of %zu", n + 1, wanted);
}

bool versus_measure(const versus_options *o, progress *bar, versus_samples *samples, error *e) {
    const size_t needed = versus_processes_needed(o), kinds = 1 + (o->unpaired ? o->workloads : 0);
    versus_samples made = {0};
    series s = {
        .o = o, .program = o->program, .bar = bar, .started_ns = clock_now_ns(), .jobs = kinds * o->processes};
    bool ok = false;
    if (o->processes < needed)
        return fail(e, "%zu processes are too few for %u comparison%s at the level %g; at least %zu are needed",
                    o->processes, o->workloads - 1, o->workloads == 2 ? "" : "s", o->level, needed);
    if (s.program == NULL && !process_self(&s.program, e)) return false;
    made.process = calloc(o->processes, sizeof *made.process);
    ok = made.process != NULL || fail(e, "no memory for %zu processes", o->processes);
    if (ok) ok = measure_series(&s, -1, needed, made.process, &made.processes, e);
    for (unsigned w = 0; ok && o->unpaired && w < o->workloads; w++) {
        size_t count;
        made.alone[w] = calloc(o->processes, sizeof *made.alone[w]);
        ok = made.alone[w] != NULL || fail(e, "no memory for %zu processes", o->processes);
        if (ok) ok = measure_series(&s, (int)w, o->processes, made.alone[w], &count, e);
    }
    if (ok)
        *samples = made;
    else
        versus_free(&made);
    return ok;
}

void versus_free(versus_samples *samples) {
    free(samples->process);
    for (unsigned w = 0; w < VERSUS_MOST; w++) free(samples->alone[w]);
    *samples = (versus_samples){0};
}

/* ---- verdicts ---------------------------------------------------------------------------------------------- */

const char *versus_verdict_name(versus_verdict verdict) {
    static const char *const names[] = {
        [VERSUS_SAME] = "no difference", [VERSUS_FASTER] = "faster", [VERSUS_SLOWER] = "slower"};
    return names[verdict];
}

/* The median of n logarithms (sorted here) and its interval, as ratios or times. */
static interval exp_interval(double *logs, size_t n, double level) {
    interval i;
    stats_sort(logs, n);
    stats_median_interval(logs, n, level, &i); /* versus_measure took care that n is enough */
    return (interval){exp(i.median), exp(i.low), exp(i.high)};
}

static interval unpaired_ratio(const versus_samples *s, unsigned w, double level) {
    double logs[VERSUS_MOST_PROCESSES];
    assert(s->alone[0] != NULL && s->alone[w] != NULL);
    for (size_t p = 0; p < s->processes; p++) logs[p] = log(s->alone[w][p].time_ns[0] / s->alone[0][p].time_ns[0]);
    return exp_interval(logs, s->processes, level);
}

/* The ratio's interval against the noise floor (a logarithm). */
static void judge_one(versus_figures *f, double floor) {
    const double low = log(f->ratio.low), high = log(f->ratio.high);
    f->verdict = low > floor ? VERSUS_SLOWER : high < -floor ? VERSUS_FASTER : VERSUS_SAME;
    f->detectable = expm1((high - low) / 2 + floor);
}

void versus_judge(const versus_options *o, const versus_samples *samples, versus_result *result) {
    const size_t n = samples->processes;
    const double each = versus_each_level(o);
    versus_result r = {.processes = n, .each_level = each, .rank = stats_median_rank(n, each)};
    double logs[VERSUS_MOST_PROCESSES];
    for (unsigned w = 0; w < o->workloads; w++) {
        for (size_t p = 0; p < n; p++) logs[p] = log(samples->process[p].time_ns[w]);
        r.of[w].time_ns = exp_interval(logs, n, each);
        for (size_t p = 0; p < n; p++) logs[p] = samples->process[p].log_ratio[w];
        r.of[w].ratio = exp_interval(logs, n, each);
        if (samples->alone[w] != NULL) r.of[w].unpaired = unpaired_ratio(samples, w, each);
    }
    for (size_t p = 0; p < n; p++) {
        r.rounds += samples->process[p].rounds;
        r.discarded += samples->process[p].discarded;
        r.disturbed += samples->process[p].disturbed;
    }
    const double floor = fmax(-log(r.of[0].ratio.low), log(r.of[0].ratio.high));
    r.noise_floor = expm1(fmax(0, floor));
    for (unsigned w = 1; w < o->workloads; w++) judge_one(&r.of[w], fmax(0, floor));
    *result = r;
}

/* ---- records ----------------------------------------------------------------------------------------------- */

/* Not results_interval: ratios of A/A controls differ in the digits that it would round away. */
static json_t *interval_object(interval i) {
    return json_pack("{s:f, s:f, s:f}", "median", i.median, "low", i.low, "high", i.high);
}

static json_t *ftz_value(ftz_mode mode) { return mode == FTZ_UNKNOWN ? json_null() : json_boolean(mode == FTZ_ON); }

static json_t *environment_array(const char *const *environment) {
    json_t *array = json_array();
    for (; *environment != NULL; environment++) json_array_append_new(array, json_string(*environment));
    return array;
}

static json_t *estimates(const versus_samples *s, unsigned w) {
    json_t *array = json_array();
    for (size_t p = 0; p < s->processes; p++) {
        const versus_process *one = &s->process[p];
        json_array_append_new(
            array, json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:f, s:f, s:f, s:f}", "process", (json_int_t)p,
                             "seed", (json_int_t)one->seed, "rounds", (json_int_t)one->rounds, "discarded",
                             (json_int_t)one->discarded, "disturbed", (json_int_t)one->disturbed, "core_hz",
                             one->core_hz > 0 ? json_real(one->core_hz) : json_null(), "pinned", one->pinned,
                             "ratio", exp(one->log_ratio[w]), "aa_ratio", exp(one->log_ratio[0]), "a_time_ns",
                             one->time_ns[0], "b_time_ns", one->time_ns[w]));
    }
    return array;
}

json_t *versus_record(const versus_options *o, const versus_samples *samples, const versus_result *result,
                      unsigned w) {
    const workload_spec *a = &o->workload[0], *b = &o->workload[w];
    const versus_figures *f = &result->of[w];
    char a_isa[512], b_isa[512];
    workload_executed_isa(a, a_isa, sizeof a_isa);
    workload_executed_isa(b, b_isa, sizeof b_isa);
    json_t *record = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:I, "
        "s:o, s:f, s:f}",
        "kind", "versus", "a", a->name, "b", b->name, "a_backend", workload_backend(a), "b_backend",
        workload_backend(b), "a_resolved_isa", workload_resolved_isa(a), "b_resolved_isa", workload_resolved_isa(b),
        "a_executed_isa", a_isa, "b_executed_isa", b_isa, "ratio", f->ratio.median, "low", f->ratio.low, "high",
        f->ratio.high, "verdict", versus_verdict_name(f->verdict), "rounds", (json_int_t)result->rounds,
        "discarded", (json_int_t)result->discarded, "disturbed", (json_int_t)result->disturbed, "processes",
        (json_int_t)result->processes, "level", o->level, "comparisons", (json_int_t)o->workloads - 1,
        "interval_level", result->each_level, "rank", (json_int_t)result->rank, "aa_ratio",
        interval_object(result->of[0].ratio), "noise_floor", result->noise_floor, "detectable", f->detectable);
    json_t *more =
        json_pack("{s:I, s:I, s:I, s:f, s:I, s:I, s:f, s:I, s:b, s:I, s:o, s:o, s:o, s:o}", "out",
                  (json_int_t)b->out, "in", (json_int_t)b->in, "batch", (json_int_t)b->batch, "percent", b->percent,
                  "m", (json_int_t)b->m, "k", (json_int_t)b->k, "a_percent", a->percent, "a_k", (json_int_t)a->k,
                  "warm", o->cold_bytes == 0, "cold_bytes", (json_int_t)o->cold_bytes, "ftz",
                  ftz_value(samples->process[0].ftz), "a_time_ns", interval_object(result->of[0].time_ns),
                  "b_time_ns", interval_object(f->time_ns), "estimates", estimates(samples, w));
    if (record == NULL || more == NULL || json_object_update_missing(record, more) != 0) {
        json_decref(record);
        record = NULL;
    }
    json_decref(more);
    if (record != NULL && samples->alone[w] != NULL)
        json_object_set_new(record, "unpaired", interval_object(f->unpaired));
    if (record != NULL && versus_environment(o) != NULL)
        json_object_set_new(record, "environment", environment_array(versus_environment(o)));
    return record;
}
