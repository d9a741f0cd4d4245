/* sweep.c: see sweep.h. Accuracy first, then the times of both batch sizes, then table and records, profile by
 * profile; records reach the document only when every profile is done. */
#include "sweep.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../backends.h"
#include "../measure/clock.h"
#include "../measure/flops.h"
#include "../measure/issued.h"
#include "../model/train.h"
#include "sweep_latency.h"

typedef struct sweep {
    const model *m;
    const idp_backend *backend;
    const dataset *data;
    sweep_options options;
    bool pinned;
    counters counters;
    progress bar;
    idp_mlp *network;
    sweep_times *latencies; /* [profiles][SWEEP_BATCHES], or NULL */
    /* Of the profile at hand: */
    size_t profile;
    const sweep_times *latency; /* [SWEEP_BATCHES] */
    double accuracy[SWEEP_MOST_PERCENTS];
} sweep;

sweep_options sweep_defaults(void) {
    return (sweep_options){.latency = true, .level = 0.99, .rounds = 400, .budget_s = 12, .slice_ns = 200e3};
}

sweep_options sweep_quick(void) {
    sweep_options o = sweep_defaults();
    o.budget_s = 3;
    return o;
}

unsigned sweep_percents(const model *m, double *percent) {
    unsigned count = 0;
    if (strcmp(m->recipe, "authors") == 0) {
        while (count < 20) {
            percent[count] = 10 + 90.0 * count / 19;
            count++;
        }
    } else {
        percent[count++] = 5;
        for (int tenth = 1; tenth <= 10; tenth++) percent[count++] = 10 * tenth;
    }
    return count;
}

/* Channels used of the first hidden layer that follows the percentage. */
static size_t channels_used(const model *m, double percent) {
    size_t h = 1;
    while (h + 1 < m->layers && !m->incomplete[h]) h++;
    return model_channels(m, h, percent);
}

/* ---- table ------------------------------------------------------------------------------------------------- */

/* "1.234 us" */
static const char *time_text(double ns, char text[static 24]) {
    static const struct {
        double ns;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t u = 0;
    while (units[u].ns > 1 && ns < units[u].ns) u++;
    const double value = ns / units[u].ns;
    snprintf(text, 24, "%.*f %s", value < 10 ? 3 : value < 100 ? 2 : 1, value, units[u].name);
    return text;
}

static void print_latency(FILE *table, const sweep_times *l, size_t row) {
    char median[24], range[64];
    const interval *t = &l->time_ns[row];
    snprintf(range, sizeof range, "%+.2f %+.2f %%", 100 * (t->low / t->median - 1),
             100 * (t->high / t->median - 1));
    fprintf(table, "  %9s  %-15s %5.1f %%", time_text(t->median, median), range, 100 * l->of_full[row].median);
}

/* Per cent of what is issued with all channels. */
static void print_issued(const sweep *s, FILE *table, double percent, size_t samples) {
    const double full = issued_flops(s->m, s->network, s->backend, 100, samples);
    if (isfinite(full))
        fprintf(table, " %6.1f %%", 100 * issued_flops(s->m, s->network, s->backend, percent, samples) / full);
    else
        fprintf(table, " %8s", "-");
}

static void print_profile(const sweep *s, FILE *table) {
    const sweep_options *o = &s->options;
    const model *m = s->m;
    const model_profile *p = &m->profile[s->profile];
    const double full_nominal = model_nominal_flops(m, 100), full_useful = model_useful_flops(m, 100);
    fprintf(table, "\nProfile %zu, trained for %g to %g %% (*)\n", s->profile, p->from_percent, p->to_percent);
    fprintf(table, "%8s %5s %9s %8s %8s %8s %8s", "percent", "k", "accuracy", "nominal", "useful", "issued",
            "of 128");
    for (size_t b = 0; b < SWEEP_BATCHES && o->latency; b++) {
        char heading[24];
        snprintf(heading, sizeof heading, "batch %zu", sweep_batches[b].samples);
        fprintf(table, "  %9s  %-15s %7s", heading, "interval", "of 100");
    }
    fprintf(table, "\n");
    for (size_t i = 0; i < o->percents; i++) {
        const double percent = o->percent[i];
        fprintf(table, "%c%7.2f %5zu %7.2f %% %6.1f %% %6.1f %%",
                model_profile_at(m, percent) == s->profile ? '*' : ' ', percent, channels_used(m, percent),
                s->accuracy[i], 100 * model_nominal_flops(m, percent) / full_nominal,
                100 * model_useful_flops(m, percent) / full_useful);
        for (size_t b = 0; b < SWEEP_BATCHES; b++) print_issued(s, table, percent, sweep_batches[b].samples);
        for (size_t b = 0; b < SWEEP_BATCHES && o->latency; b++) print_latency(table, &s->latency[b], i);
        fprintf(table, "\n");
    }
    for (size_t b = 0; b < SWEEP_BATCHES && o->latency; b++) {
        const sweep_times *l = &s->latency[b];
        fprintf(table, "  batch %zu: %zu processes, %zu rounds, %zu discarded; A/A %+.2f %+.2f %%",
                sweep_batches[b].samples, l->processes, l->rounds, l->discarded, 100 * (l->control.low - 1),
                100 * (l->control.high - 1));
        if (l->disturbed > 0) fprintf(table, "; %zu rounds were disturbed: the machine is busy", l->disturbed);
        fprintf(table, "\n");
    }
}

static void print_heading(const sweep *s, const char *label, FILE *table) {
    static const char *const ftz[] = {[FTZ_OFF] = "off", [FTZ_ON] = "on", [FTZ_UNKNOWN] = "unknown"};
    fprintf(table, "%s, tested on %s, back end %s\n", label, s->data->name, s->backend->name);
    if (strcmp(s->m->data_name, s->data->name) != 0)
        fprintf(table, "It was trained on other data (%s).\n", s->m->data_name);
    fprintf(table,
            "FLOPs: nominal, useful, and issued by the kernels for one sample and in a batch of 128; each in "
            "%% of those at 100 %%.\n");
    if (!s->options.latency) return;
    fprintf(table, "Times: medians, their %g %% intervals, and the paired ratio to the time at 100 %%.\n",
            100 * s->options.level);
    fprintf(table, "Flush to zero: %s. The thread: %s.\n", ftz[clock_ftz()], s->pinned ? "pinned" : "free");
}

/* ---- records ----------------------------------------------------------------------------------------------- */

static json_t *json_interval(interval i) { return results_interval(i.median, i.low, i.high); }

static json_t *json_time(const sweep_times *l, size_t row) { return json_interval(l->time_ns[row]); }
static json_t *json_of_full(const sweep_times *l, size_t row) { return json_interval(l->of_full[row]); }

static json_t *json_control(const sweep_times *l, size_t row) {
    (void)row;
    return json_interval(l->control);
}

static json_t *json_core_hz(const sweep_times *l, size_t row) {
    (void)row;
    return l->core_hz.median > 0 ? json_interval(l->core_hz) : json_null();
}

static json_t *json_counted(const sweep_times *l, size_t row) { return counters_json(l->counted[row]); }

static json_t *json_processes(const sweep_times *l, size_t row) {
    (void)row;
    return json_integer((json_int_t)l->processes);
}

static json_t *json_rounds(const sweep_times *l, size_t row) {
    (void)row;
    return json_integer((json_int_t)l->rounds);
}

static json_t *json_discarded(const sweep_times *l, size_t row) {
    (void)row;
    return json_integer((json_int_t)l->discarded);
}

static json_t *json_disturbed(const sweep_times *l, size_t row) {
    (void)row;
    return json_integer((json_int_t)l->disturbed);
}

/* Each is an object with one member per batch size. */
static const struct {
    const char *name;
    json_t *(*value)(const sweep_times *l, size_t row);
} latency_fields[] = {{"latency_ns", json_time},     {"time_ratio", json_of_full}, {"aa_ratio", json_control},
                      {"processes", json_processes}, {"rounds", json_rounds},      {"discarded", json_discarded},
                      {"disturbed", json_disturbed}, {"core_hz", json_core_hz},    {"counters", json_counted}};

static bool set_latency(const sweep *s, size_t row, json_t *record, error *e) {
    static json_t *(*const flush_to_zero[])(void) = {
        [FTZ_OFF] = json_false, [FTZ_ON] = json_true, [FTZ_UNKNOWN] = json_null};
    bool set = json_object_set_new(record, "level", json_real(s->options.level)) == 0 &&
               json_object_set_new(record, "ftz", flush_to_zero[clock_ftz()]()) == 0 &&
               json_object_set_new(record, "pinned", json_boolean(s->pinned)) == 0;
    for (size_t f = 0; f < sizeof latency_fields / sizeof latency_fields[0] && set; f++) {
        json_t *member = json_object();
        for (size_t b = 0; b < SWEEP_BATCHES && set; b++)
            set = json_object_set_new(member, sweep_batches[b].field,
                                      latency_fields[f].value(&s->latency[b], row)) == 0;
        set = json_object_set_new(record, latency_fields[f].name, member) == 0 && set;
        if (!set) return fail(e, "%s is not finite", latency_fields[f].name);
    }
    return set || fail(e, "no memory for its times");
}

/* {batch_1, batch_128}; null where it cannot be told. */
static json_t *json_issued(const sweep *s, double percent) {
    json_t *object = json_object();
    for (size_t b = 0; b < SWEEP_BATCHES; b++) {
        const double flops = issued_flops(s->m, s->network, s->backend, percent, sweep_batches[b].samples);
        if (json_object_set_new(object, sweep_batches[b].field, isfinite(flops) ? json_real(flops) : json_null()) ==
            0)
            continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The instruction set of the network's arithmetic, asked of its kernels by stepping them: one name, where all
 * layers agree; else those of all, the batched ones last. */
static void executed_isa_text(const sweep *s, char *text, size_t text_size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t n = 0; n < 2 * s->m->layers; n++) {
        error e = {""};
        // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): not in a loop over the layers
        const char *isa = executed_isa_of(idp_mlp_kernel(s->network, n % s->m->layers, n >= s->m->layers), &e);
        if (isa == NULL) {
            snprintf(text, text_size, "unavailable: %s", e.text);
            return;
        }
        if (strstr(text, isa) == NULL && used < text_size)
            used += (size_t)snprintf(text + used, text_size - used, "%s%s", used > 0 ? ", " : "", isa);
    }
}

/* The record of one row; NULL where memory ran out or a figure is not finite. */
static json_t *record_row(const sweep *s, const char *label, size_t row, error *e) {
    const model *m = s->m;
    const model_profile *p = &m->profile[s->profile];
    const double percent = s->options.percent[row];
    char isa[256];
    executed_isa_text(s, isa, sizeof isa);
    json_error_t why;
    json_t *record = json_pack_ex(
        &why, 0, "{s:s, s:s, s:s, s:s, s:I, s:[f, f], s:f, s:I, s:I, s:f, s:f, s:f, s:o, s:s, s:s, s:s, s:s, s:s}",
        "kind", "sweep", "model", label, "recipe", m->recipe, "gamma", gamma_name(m->gamma), "profile",
        (json_int_t)s->profile, "range_percent", p->from_percent, p->to_percent, "percent", percent, "k",
        (json_int_t)channels_used(m, percent), "seed", (json_int_t)m->seed, "accuracy_percent", s->accuracy[row],
        "nominal_flops", model_nominal_flops(m, percent), "useful_flops", model_useful_flops(m, percent),
        "issued_flops", json_issued(s, percent), "issued_flops_source",
        s->backend->origin == IDP_ORIGIN_AUTOVEC ? "unknown" : "tile arithmetic", "backend", s->backend->name,
        "requested_isa", s->options.forced ? s->backend->name : "auto", "resolved_isa", backend_isa(s->backend),
        "executed_isa", isa);
    if (record == NULL) fail(e, "%s", why.text);
    if (record != NULL && s->options.latency && !set_latency(s, row, record, e)) {
        json_decref(record);
        record = NULL;
    }
    return record;
}

static bool append_profile(const sweep *s, const char *label, json_t *records, error *e) {
    for (size_t i = 0; i < s->options.percents; i++)
        if (json_array_append_new(records, record_row(s, label, i, e)) != 0)
            return fail_in(e, "profile %zu at %g %%", s->profile, s->options.percent[i]);
    return true;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

/* The times of all profiles: after the first accuracy, which shows whether model and data fit each other. */
static bool measure(sweep *s, error *e) {
    counters_open(&s->counters, NULL);
    s->latencies = calloc(s->m->profiles * SWEEP_BATCHES, sizeof *s->latencies);
    if (s->latencies == NULL) return fail(e, "no memory for the times of %zu profiles", s->m->profiles);
    return sweep_latencies(s->m, s->backend, &s->options, &s->bar, &s->counters, s->latencies, &s->pinned, e);
}

bool sweep_model(const model *m, const idp_backend *backend, const dataset *data, const sweep_options *options,
                 results *r, FILE *table, error *e) {
    assert(m->profiles > 0 && options->percents <= SWEEP_MOST_PERCENTS);
    bool swept = false;
    char label[256];
    model_label(m, label, sizeof label);
    sweep s = {.m = m, .backend = backend, .data = data, .options = *options};
    if (s.options.percents == 0) s.options.percents = sweep_percents(m, s.options.percent);
    json_t *records = json_array();
    if (records == NULL) {
        fail(e, "no memory for the records");
        goto done;
    }

    if (!model_network(m, backend, &s.network, e)) goto done;
    progress_start(&s.bar, "sweep", (double)(m->profiles * SWEEP_BATCHES));
    for (s.profile = 0; s.profile < m->profiles; s.profile++) {
        if (!model_accuracy(m, backend, &data->test, s.profile, s.options.percent, s.options.percents, s.accuracy,
                            e))
            goto done;
        if (s.options.latency && s.latencies == NULL && !measure(&s, e)) goto done;
        if (s.latencies != NULL) s.latency = &s.latencies[s.profile * SWEEP_BATCHES];
        if (!append_profile(&s, label, records, e)) goto done;
        if (table != NULL && s.profile == 0) print_heading(&s, label, table);
        if (table != NULL) print_profile(&s, table);
    }
    progress_end(&s.bar, NULL);
    for (size_t i = 0; r != NULL && i < json_array_size(records); i++)
        results_add(r, json_incref(json_array_get(records, i)));
    swept = true;
done:
    counters_close(&s.counters);
    json_decref(records);
    idp_mlp_destroy(s.network);
    free(s.latencies);
    return swept;
}
