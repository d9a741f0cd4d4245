#include "bench.h"

#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../machine/machine.h"
#include "../measure/clock.h"
#include "../measure/counters.h"
#include "../measure/flops.h"
#include "../measure/stats.h"
#include "../measure/workload.h"
#include "../progress.h"
#include "bench_layer.h"
#include "gbench.h"

struct bench_case;

/* The one peer that is made at a time. */
typedef struct bench_peer {
    const struct bench_case *of; /* NULL: none */
    workload made;
} bench_peer;

typedef struct bench_case {
    const idp_backend *backend; /* NULL, with kernel: a peer */
    const idp_kernel *kernel;
    const peer *peer;
    bench_shape shape;
    size_t batch, m, k;
    double percent;
    bench_layer *layer; /* shared by the series */
    bench_peer *other;  /* likewise */
    char name[192];
    double median_ns, low_ns, high_ns; /* 0 until measured */
    double cpu_ns;
    bool disturbed; /* measured too short to count; median_ns is 0 */
    counters_value counted[COUNTERS];
} bench_case;

typedef struct series {
    bench_case *cases;
    size_t count, room;
    bench_layer layer;
    bench_peer other;
    gbench_case *running; /* what this pass measures; .state is the bench_case */
    double least_ns;      /* of one repetition, for its times to count */
    size_t measured, disturbed;
    unsigned repetitions;
    progress progress;
    bool quiet; /* Google Benchmark's rows on the terminal are progress enough */
    counters counters;
} series;

void bench_defaults(bench_options *options, bool quick) {
    static const bench_shape shapes[] = {{100, 784}, {100, 100}, {10, 100}, {512, 512}};
    static const double percents[] = {10, 25, 50, 75, 100};
    *options = (bench_options){.shapes = sizeof shapes / sizeof shapes[0],
                               .batch = {128},
                               .batches = 1,
                               .percents = sizeof percents / sizeof percents[0],
                               .repetitions = 3,
                               .budget_s = quick ? 5 : 20};
    memcpy(options->shape, shapes, sizeof shapes);
    memcpy(options->percent, percents, sizeof percents);
}

void bench_name_print(const bench_name *name, char *text, size_t text_size) {
    snprintf(text, text_size, "%s/out:%zu/in:%zu/m:%zu/k:%zu/batch:%zu", name->kernel, name->out, name->in, name->m,
             name->k, name->batch);
}

static const char *case_kernel(const bench_case *c) { return c->peer != NULL ? c->peer->name : c->kernel->name; }

/* "avx2", or "OpenBLAS" */
static const char *case_backend(const bench_case *c) {
    return c->peer != NULL ? c->peer->library : c->backend->name;
}

bool bench_name_parse(const char *text, bench_name *name) {
    bench_name found;
    int end = -1;
    if (sscanf(text, "%95[^/]/out:%zu/in:%zu/m:%zu/k:%zu/batch:%zu%n", found.kernel, &found.out, &found.in,
               &found.m, &found.k, &found.batch, &end) != 6 ||
        text[end] != '\0')
        return false;
    *name = found;
    return true;
}

/* ---- the series ------------------------------------------------------------------------------------------------
 */

static bool case_add(series *s, const bench_case *c, error *e) {
    if (s->count == s->room) {
        const size_t room = s->room == 0 ? 256 : 2 * s->room;
        bench_case *grown = realloc(s->cases, room * sizeof *grown);
        if (grown == NULL) return fail(e, "no memory for %zu benchmarks", room);
        s->cases = grown;
        s->room = room;
    }
    s->cases[s->count++] = *c;
    return true;
}

/* One kernel on one shape at one batch size: all percentages, those that come to the same k once. */
static bool percents_add(series *s, const bench_options *o, bench_case c, error *e) {
    const size_t first = s->count;
    for (unsigned p = 0; p < o->percents; p++) {
        c.percent = o->percent[p];
        c.k = idp_prefix(c.shape.in, c.percent);
        bool known = false;
        for (size_t i = first; i < s->count; i++) known = known || s->cases[i].k == c.k;
        if (known) continue;
        bench_name name = {.out = c.shape.out, .in = c.shape.in, .m = c.m, .k = c.k, .batch = c.batch};
        snprintf(name.kernel, sizeof name.kernel, "%s", case_kernel(&c));
        if (c.peer != NULL && c.k == 0) continue; /* nobody calls a library for nothing */
        bench_name_print(&name, c.name, sizeof c.name);
        if (!case_add(s, &c, e)) return false;
    }
    return true;
}

static bool kernel_add(series *s, const bench_options *o, const idp_backend *backend, const idp_kernel *kernel,
                       bench_shape shape, error *e) {
    bench_case c = {
        .backend = backend, .kernel = kernel, .shape = shape, .batch = 1, .m = shape.out, .layer = &s->layer};
    if (!idp_layout_batched(kernel->layout)) return percents_add(s, o, c, e);
    for (unsigned b = 0; b < o->batches; b++) {
        c.batch = o->batch[b];
        if (!percents_add(s, o, c, e)) return false;
    }
    return true;
}

static bool peer_add(series *s, const bench_options *o, const peer *p, bench_shape shape, error *e) {
    bench_case c = {.peer = p, .shape = shape, .batch = 1, .m = shape.out, .other = &s->other};
    if (p->form == PEER_SINGLE) return percents_add(s, o, c, e);
    for (unsigned b = 0; b < o->batches; b++) {
        c.batch = o->batch[b];
        if (!percents_add(s, o, c, e)) return false;
    }
    return true;
}

static bool series_add(series *s, const bench_options *o, const regex_t *wanted, error *e) {
    for (unsigned h = 0; h < o->shapes; h++) {
        for (unsigned b = 0; b < o->backends; b++)
            for (size_t i = 0; i < o->backend[b]->kernel_count; i++) {
                const idp_kernel *kernel = &o->backend[b]->kernels[i];
                if (wanted != NULL && regexec(wanted, kernel->name, 0, NULL, 0) != 0) continue;
                if (!kernel_add(s, o, o->backend[b], kernel, o->shape[h], e)) return false;
            }
        for (size_t i = 0; o->peers && i < peer_count(); i++) {
            if (wanted != NULL && regexec(wanted, peer_at(i)->name, 0, NULL, 0) != 0) continue;
            if (!peer_add(s, o, peer_at(i), o->shape[h], e)) return false;
        }
    }
    if (s->count == 0) return fail(e, "no kernel's name matches '%s'; idp list tells them", o->kernel);
    return true;
}

static bool series_make(series *s, const bench_options *o, error *e) {
    if (o->kernel == NULL) return series_add(s, o, NULL, e);
    regex_t wanted;
    const int status = regcomp(&wanted, o->kernel, REG_EXTENDED | REG_NOSUB);
    if (status != 0) {
        char why[128];
        regerror(status, &wanted, why, sizeof why);
        return fail(e, "--kernel '%s' is not a regular expression: %s", o->kernel, why);
    }
    const bool made = series_add(s, o, &wanted, e);
    regfree(&wanted);
    return made;
}

/* ---- running ---------------------------------------------------------------------------------------------------
 */

static void peer_free(bench_peer *p) {
    if (p->of != NULL) workload_free(&p->made);
    p->of = NULL;
}

/* An untimed run brings the layer into the caches and the vector units to their clock. */
static bool peer_ready(const bench_case *c, error *e) {
    if (c->other->of == c) return true;
    const workload_spec spec = {.peer = c->peer,
                                .out = c->shape.out,
                                .in = c->shape.in,
                                .m = c->m,
                                .k = c->k,
                                .batch = c->batch,
                                .percent = c->percent};
    const workload_place place = {.seed = 1};
    peer_free(c->other);
    if (!workload_make(&spec, &place, &c->other->made, e)) return false;
    c->other->of = c;
    return true;
}

static bool case_ready(void *state, error *e) {
    const bench_case *c = state;
    if (c->peer != NULL) {
        if (!peer_ready(c, e)) return false;
        workload_run(&c->other->made, 1);
        return true;
    }
    if (!bench_layer_set(c->layer, c->kernel, c->shape.out, c->shape.in, c->batch, e)) return false;
    const idp_fc fc = bench_layer_fc(c->layer, c->m, c->k);
    const idp_status status = idp_fc_run(c->kernel, &fc);
    if (status != IDP_OK) return fail(e, "%s: %s", c->name, idp_status_text(status));
    return true;
}

static void case_run(void *state, uint64_t iterations) {
    const bench_case *c = state;
    if (c->peer != NULL) {
        workload_run(&c->other->made, iterations);
        return;
    }
    const idp_fc fc = bench_layer_fc(c->layer, c->m, c->k);
    for (uint64_t i = 0; i < iterations; i++) c->kernel->run(&fc);
}

static double case_flops(const bench_case *c) { return 2.0 * (double)c->m * (double)c->k * (double)c->batch; }

/* About a millisecond of calls, apart from those that are timed. The layer may be another case's by now, where
 * Google Benchmark interleaves them. */
static void case_count(const series *s, bench_case *c) {
    error e;
    const double calls = fmax(1, 1e6 / c->median_ns);
    if (!counters_any(&s->counters) || case_ready(c, &e))
        counters_count(&s->counters, case_run, c, (uint64_t)calls, c->counted);
    else
        for (unsigned i = 0; i < COUNTERS; i++) c->counted[i] = (counters_value){NAN, "no memory"};
}

/* Google Benchmark takes an iteration count for found when the CPU time has reached the minimum, or the wall clock
 * five times that: where another process held the CPU during the first call, the latter makes it one iteration, and
 * the figure worthless. Such a case is measured again. */
static void case_measured(void *user, const gbench_result *result) {
    series *s = user;
    bench_case *c = s->running[result->index].state;
    c->disturbed = (double)result->iterations * result->low_ns < s->least_ns;
    s->disturbed += c->disturbed;
    if (c->disturbed) return;
    c->median_ns = result->median_ns;
    c->low_ns = result->low_ns;
    c->high_ns = result->high_ns;
    c->cpu_ns = result->cpu_ns;
    s->repetitions = result->repetitions;
    s->measured++;
    case_count(s, c);
    if (!s->quiet) progress_at(&s->progress, (double)s->measured, c->name);
}

/* Whether one of the options handed on begins with this. */
static bool google_has(const bench_options *o, const char *beginning) {
    for (int g = 0; g < o->google_count; g++)
        if (strncmp(o->google[g], beginning, strlen(beginning)) == 0) return true;
    return false;
}

/* Whether the user asked Google Benchmark for another display than one line a case. */
static bool shows_otherwise(const bench_options *o) {
    return google_has(o, "--benchmark_display_aggregates_only") ||
           google_has(o, "--benchmark_report_aggregates_only") || google_has(o, "--benchmark_format");
}

/* Google Benchmark leaves the process where it can't write the file of --benchmark_out or does not know a format;
 * such options are refused here first. */
static bool google_check(const bench_options *o, error *e) {
    static const char out[] = "--benchmark_out=", out_format[] = "--benchmark_out_format=",
                      format[] = "--benchmark_format=";
    for (int g = 0; g < o->google_count; g++) {
        const char *word = o->google[g], *value = strchr(word, '=');
        if (value == NULL) continue;
        value++;
        if (strncmp(word, out, sizeof out - 1) == 0) {
            FILE *file = fopen(value, "a");
            if (file == NULL)
                return fail(e, "cannot write the file of '%s'; name one in a folder that exists", word);
            fclose(file);
        } else if (strncmp(word, format, sizeof format - 1) == 0 ||
                   strncmp(word, out_format, sizeof out_format - 1) == 0) {
            if (strcmp(value, "console") != 0 && strcmp(value, "json") != 0 && strcmp(value, "csv") != 0)
                return fail(e, "'%s': the format is console, json or csv", word);
        }
    }
    return true;
}

/* Seconds of one repetition. Google Benchmark also runs shorter trials to find the iteration count, and their
 * overshoot: together they take about as long as 1.7 repetitions (measured: Google Benchmark 1.7.1). */
static double min_time(const bench_options *o, size_t cases) {
    if (o->min_time_s > 0) return o->min_time_s;
    const double share = o->budget_s / ((double)cases * (o->repetitions + 1.7));
    return fmin(fmax(share, 1e-4), 0.5);
}

/* One pass of Google Benchmark: over all cases, or again over those that were disturbed. */
static bool pass_run(series *s, const bench_options *o, gbench_options *options, bool again, error *e) {
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        bench_case *c = &s->cases[i];
        if (again && !c->disturbed) continue;
        s->running[count++] = (gbench_case){
            .name = c->name, .state = c, .ready = case_ready, .run = case_run, .flops = case_flops(c)};
    }
    s->disturbed = 0;
    if (count == 0) return true;
    options->min_time_s = min_time(o, s->count);
    if (!google_has(o, "--benchmark_min_time")) s->least_ns = 0.25e9 * options->min_time_s;
    return gbench_run(s->running, count, options, NULL, e);
}

static bool series_run(series *s, const bench_options *o, error *e) {
    enum { PASSES = 3 };
    s->running = calloc(s->count, sizeof *s->running);
    if (s->running == NULL) return fail(e, "no memory for %zu benchmarks", s->count);
    gbench_options options = {.repetitions = o->repetitions,
                              .medians_only = !shows_otherwise(o),
                              .extra_count = o->google_count,
                              .extra = o->google,
                              .stop = interrupted,
                              .result = case_measured,
                              .user = s};
    s->quiet = isatty(STDOUT_FILENO);
    progress_start(&s->progress, "bench", (double)s->count);
    if (!pass_run(s, o, &options, false, e)) return false;
    for (int pass = 1; pass < PASSES && s->disturbed > 0 && !interrupted(); pass++) {
        printf("\nAgain, for other work held the processor during %zu of them:\n", s->disturbed);
        if (!pass_run(s, o, &options, true, e)) return false;
    }
    return true;
}

/* ---- the A/A control -------------------------------------------------------------------------------------------
 * Some of the cases once more, when all are done: the same code a while later. */

enum { CONTROLS_MOST = 12 };

typedef struct control {
    const bench_case *first[CONTROLS_MOST];
    gbench_case again[CONTROLS_MOST];
    double ratio[CONTROLS_MOST]; /* second time over first */
    size_t wanted, count;
} control;

static void control_measured(void *user, const gbench_result *result) {
    control *a = user;
    a->ratio[a->count++] = result->median_ns / a->first[result->index]->median_ns;
}

/* Evenly spread over what was measured; none where the user asked for another display, whose table it would spoil.
 */
static bool control_run(const series *s, const bench_options *o, control *a, error *e) {
    *a = (control){.count = 0};
    if (shows_otherwise(o) || interrupted()) return true;
    for (size_t n = 0; n < CONTROLS_MOST && n < s->count; n++) {
        bench_case *c = &s->cases[n * s->count / (s->count < CONTROLS_MOST ? s->count : CONTROLS_MOST)];
        if (c->median_ns == 0) continue;
        a->first[a->wanted] = c;
        a->again[a->wanted++] = (gbench_case){
            .name = c->name, .state = c, .ready = case_ready, .run = case_run, .flops = case_flops(c)};
    }
    if (a->wanted == 0) return true;
    printf("\nThe A/A control: %zu of them again:\n", a->wanted);
    const gbench_options options = {.repetitions = o->repetitions,
                                    .min_time_s = min_time(o, s->count),
                                    .medians_only = true,
                                    .extra_count = o->google_count,
                                    .extra = o->google,
                                    .stop = interrupted,
                                    .result = control_measured,
                                    .user = a};
    return gbench_run(a->again, a->wanted, &options, NULL, e);
}

/* How far the control strayed from no difference, percent. */
static double control_floor(const control *a) {
    double worst = 0;
    for (size_t n = 0; n < a->count; n++) worst = fmax(worst, fabs(a->ratio[n] - 1));
    return 100 * worst;
}

static void control_add(results *r, control *a) {
    if (a->count == 0) return;
    stats_sort(a->ratio, a->count);
    results_add(
        r, json_pack("{s:s, s:s, s:I, s:o, s:f}", "kind", "control", "command", "bench", "cases",
                     (json_int_t)a->count, "ratio",
                     results_interval(stats_sorted_median(a->ratio, a->count), a->ratio[0], a->ratio[a->count - 1]),
                     "detectable_percent", control_floor(a)));
}

static void control_print(const control *a) {
    if (a->count == 0) return;
    printf("A/A control: %zu of them, measured again at the end, differ from the first time by up to %.1f %%: rows "
           "that "
           "differ by less are not different. To compare two kernels: idp versus.\n",
           a->count, control_floor(a));
}

/* ---- results ---------------------------------------------------------------------------------------------------
 */

static double gflops(const bench_case *c) { return case_flops(c) / c->median_ns; }

static void record_add(results *r, const series *s, const bench_options *o, const bench_case *c) {
    static json_t *(*const ftz[])(void) = {[FTZ_OFF] = json_false, [FTZ_ON] = json_true, [FTZ_UNKNOWN] = json_null};
    const workload_spec spec = {.kernel = c->kernel, .backend = c->backend, .peer = c->peer};
    char isa[512];
    workload_executed_isa(&spec, isa, sizeof isa);
    results_add(
        r, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:o, s:f, s:f, s:i, s:o, s:o, s:s, s:s, s:s}",
                     "kind", "bench", "kernel", case_kernel(c), "backend", case_backend(c), "out",
                     (json_int_t)c->shape.out, "in", (json_int_t)c->shape.in, "batch", (json_int_t)c->batch,
                     "percent", c->percent, "m", (json_int_t)c->m, "k", (json_int_t)c->k, "time_ns",
                     results_interval(c->median_ns, c->low_ns, c->high_ns), "cpu_ns", c->cpu_ns, "gflops",
                     gflops(c), "repetitions", (int)s->repetitions, "counters", counters_json(c->counted), "ftz",
                     ftz[clock_ftz()](), "requested_isa", o->forced ? case_backend(c) : "auto", "resolved_isa",
                     workload_resolved_isa(&spec), "executed_isa", isa));
}

/* The fastest measured kernel of that back end (or way to call that library) on c's shape and batch at c's
 * percentage; NULL where none was. */
static const bench_case *best_of(const series *s, const bench_case *c, const char *backend) {
    const bench_case *best = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const bench_case *o = &s->cases[i];
        if (strcmp(case_backend(o), backend) != 0 || o->shape.out != c->shape.out || o->shape.in != c->shape.in ||
            o->batch != c->batch || o->k != c->k || o->median_ns <= 0)
            continue;
        if (best == NULL || o->median_ns < best->median_ns) best = o;
    }
    return best;
}

/* Four digits and the unit that suits. */
static const char *time_text(double time_ns, char *text, size_t text_size) {
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t u = 0;
    while (u + 1 < sizeof units / sizeof units[0] && time_ns < units[u].ns) u++;
    snprintf(text, text_size, "%.4g %s", time_ns / units[u].ns, units[u].unit);
    return text;
}

static void print_best(const bench_case *best) {
    char time[32];
    if (best == NULL) return;
    printf("  %-17s %-38s %9s %8.2f GFLOP/s\n", case_backend(best), case_kernel(best),
           time_text(best->median_ns, time, sizeof time), gflops(best));
}

/* One block for each shape and batch: at the largest percentage, the fastest kernel of each back end. */
static void print_block(const series *s, const bench_options *o, const bench_case *c) {
    printf("\n%zu outputs x %zu inputs, k = %zu, batch %zu\n", c->shape.out, c->shape.in, c->k, c->batch);
    for (unsigned b = 0; b < o->backends; b++) print_best(best_of(s, c, o->backend[b]->name));
    for (size_t l = 0; o->peers && l < peer_library_count(); l++)
        print_best(best_of(s, c, peer_library_at(l)->name));
}

static bool is_first_of_block(const series *s, const bench_case *c, double percent) {
    if (c->percent < percent || c->median_ns <= 0) return false;
    for (const bench_case *o = s->cases; o < c; o++)
        if (o->shape.out == c->shape.out && o->shape.in == c->shape.in && o->batch == c->batch && o->k == c->k &&
            o->median_ns > 0)
            return false;
    return true;
}

/* How many took over a tenth longer by the clock than on the processor: other work had it meanwhile. */
static size_t shared_count(const series *s) {
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) count += s->cases[i].median_ns > 1.1 * s->cases[i].cpu_ns;
    return count;
}

static void print_summary(const series *s, const bench_options *o, int processor) {
    static const char *const ftz_text[] = {[FTZ_OFF] = "are not flushed to zero (the default)",
                                           [FTZ_ON] = "are flushed to zero",
                                           [FTZ_UNKNOWN] = "may be flushed to zero or not"};
    double percent = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->cases[i].median_ns > 0) percent = fmax(percent, s->cases[i].percent);
    printf("\nThe fastest kernel of each back end and library at %g %% of the inputs (median of %u):\n", percent,
           s->repetitions);
    for (size_t i = 0; i < s->count; i++)
        if (is_first_of_block(s, &s->cases[i], percent)) print_block(s, o, &s->cases[i]);
    printf("\n%zu benchmarks. Not pinned", s->measured);
    if (processor >= 0) printf("; began on processor %d, ended on %d", processor, machine_processor());
    printf(". Subnormals %s; the data holds none.\n", ftz_text[clock_ftz()]);
    const size_t shared = shared_count(s);
    if (shared > 0)
        printf("Other work had the processor during %zu of them, for more than a tenth of the time: measure again "
               "when it "
               "is idle.\n",
               shared);
    if (s->disturbed > 0)
        printf("%zu more left out: other work held the processor; try again, or a longer --min-time.\n",
               s->disturbed);
}

bool bench_run(const bench_options *o, results *r, error *e) {
    series s = {0};
    control again = {.count = 0};
    bool ok = false;
    const int processor = machine_processor();
    counters_open(&s.counters, NULL);
    if (!google_check(o, e) || !series_make(&s, o, e)) goto done;
    ok = series_run(&s, o, e) && control_run(&s, o, &again, e);
    for (size_t i = 0; i < s.count; i++)
        if (s.cases[i].median_ns > 0) record_add(r, &s, o, &s.cases[i]);
    control_add(r, &again);
    if (s.measured > 0 && !shows_otherwise(o)) {
        print_summary(&s, o, processor);
        control_print(&again);
        results_print_warnings(r, stdout);
    }
    if (ok && interrupted()) ok = fail(e, "interrupted after %zu of %zu benchmarks", s.measured, s.count);
done:
    counters_close(&s.counters);
    bench_layer_free(&s.layer);
    peer_free(&s.other);
    free(s.running);
    free(s.cases);
    return ok;
}
