#include "records.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON object -> structure, by tables of fields ------------------------------------------------------------
 */

typedef enum field_type { TEXT, INTEGER, NUMBER, PAIR, INTERVAL, FLAG, ANY } field_type;

typedef struct field {
    const char *path; /* "latency_ns.batch_1" */
    field_type type;
    size_t offset;
    bool optional; /* absent or null: NaN, NULL, -1 */
} field;

static const field train_fields[] = {
    {"model", TEXT, offsetof(train_record, model), false},
    {"recipe", TEXT, offsetof(train_record, recipe), false},
    {"gamma", TEXT, offsetof(train_record, gamma), false},
    {"backend", TEXT, offsetof(train_record, backend), false},
    {"profile", INTEGER, offsetof(train_record, profile), false},
    {"seed", INTEGER, offsetof(train_record, seed), false},
    {"epochs", INTEGER, offsetof(train_record, epochs), false},
    {"range_percent", PAIR, offsetof(train_record, range_percent), false},
    {"seconds", NUMBER, offsetof(train_record, seconds), false},
    {"loss", NUMBER, offsetof(train_record, loss), true},
    {"accuracy_percent", NUMBER, offsetof(train_record, accuracy_percent), false},
};
static const field reproduce_fields[] = {
    {"model", TEXT, offsetof(reproduce_record, model), false},
    {"recipe", TEXT, offsetof(reproduce_record, recipe), false},
    {"gamma", TEXT, offsetof(reproduce_record, gamma), false},
    {"verdict", TEXT, offsetof(reproduce_record, verdict), false},
    {"profile", INTEGER, offsetof(reproduce_record, profile), false},
    {"k", INTEGER, offsetof(reproduce_record, k), false},
    {"seeds", INTEGER, offsetof(reproduce_record, seeds), false},
    {"range_percent", PAIR, offsetof(reproduce_record, range_percent), false},
    {"percent", NUMBER, offsetof(reproduce_record, percent), false},
    {"mean_percent", NUMBER, offsetof(reproduce_record, mean_percent), false},
    {"sd_percent", NUMBER, offsetof(reproduce_record, sd_percent), false},
    {"train_seconds", NUMBER, offsetof(reproduce_record, train_seconds), false},
    {"low_percent", NUMBER, offsetof(reproduce_record, low_percent), true},
    {"high_percent", NUMBER, offsetof(reproduce_record, high_percent), true},
    {"expected_percent", NUMBER, offsetof(reproduce_record, expected_percent), true},
    {"expected_sd", NUMBER, offsetof(reproduce_record, expected_sd), true},
    {"inside", FLAG, offsetof(reproduce_record, inside), false},
};
static const field sweep_fields[] = {
    {"model", TEXT, offsetof(sweep_record, model), false},
    {"recipe", TEXT, offsetof(sweep_record, recipe), false},
    {"gamma", TEXT, offsetof(sweep_record, gamma), false},
    {"backend", TEXT, offsetof(sweep_record, backend), false},
    {"profile", INTEGER, offsetof(sweep_record, profile), false},
    {"k", INTEGER, offsetof(sweep_record, k), false},
    {"seed", INTEGER, offsetof(sweep_record, seed), false},
    {"range_percent", PAIR, offsetof(sweep_record, range_percent), false},
    {"percent", NUMBER, offsetof(sweep_record, percent), false},
    {"accuracy_percent", NUMBER, offsetof(sweep_record, accuracy_percent), false},
    {"nominal_flops", NUMBER, offsetof(sweep_record, nominal_flops), false},
    {"useful_flops", NUMBER, offsetof(sweep_record, useful_flops), false},
    {"latency_ns.batch_1", INTERVAL, offsetof(sweep_record, batch_1), true},
    {"latency_ns.batch_128", INTERVAL, offsetof(sweep_record, batch_128), true},
    {"time_ratio.batch_1", INTERVAL, offsetof(sweep_record, trace_1.time_ratio), true},
    {"time_ratio.batch_128", INTERVAL, offsetof(sweep_record, trace_128.time_ratio), true},
    {"aa_ratio.batch_1", INTERVAL, offsetof(sweep_record, trace_1.aa_ratio), true},
    {"aa_ratio.batch_128", INTERVAL, offsetof(sweep_record, trace_128.aa_ratio), true},
    {"core_hz.batch_1", INTERVAL, offsetof(sweep_record, trace_1.core_hz), true},
    {"core_hz.batch_128", INTERVAL, offsetof(sweep_record, trace_128.core_hz), true},
    {"processes.batch_1", NUMBER, offsetof(sweep_record, trace_1.processes), true},
    {"processes.batch_128", NUMBER, offsetof(sweep_record, trace_128.processes), true},
    {"rounds.batch_1", NUMBER, offsetof(sweep_record, trace_1.rounds), true},
    {"rounds.batch_128", NUMBER, offsetof(sweep_record, trace_128.rounds), true},
    {"discarded.batch_1", NUMBER, offsetof(sweep_record, trace_1.discarded), true},
    {"discarded.batch_128", NUMBER, offsetof(sweep_record, trace_128.discarded), true},
    {"disturbed.batch_1", NUMBER, offsetof(sweep_record, trace_1.disturbed), true},
    {"disturbed.batch_128", NUMBER, offsetof(sweep_record, trace_128.disturbed), true},
    {"issued_flops.batch_1", NUMBER, offsetof(sweep_record, trace_1.issued_flops), true},
    {"issued_flops.batch_128", NUMBER, offsetof(sweep_record, trace_128.issued_flops), true},
    {"issued_flops_source", TEXT, offsetof(sweep_record, issued_flops_source), true},
    {"level", NUMBER, offsetof(sweep_record, level), true},
    {"pinned", FLAG, offsetof(sweep_record, pinned), true},
    {"ftz", FLAG, offsetof(sweep_record, ftz), true},
};
static const field bench_fields[] = {
    {"kernel", TEXT, offsetof(bench_record, kernel), false},
    {"backend", TEXT, offsetof(bench_record, backend), false},
    {"out", INTEGER, offsetof(bench_record, out), false},
    {"in", INTEGER, offsetof(bench_record, in), false},
    {"batch", INTEGER, offsetof(bench_record, batch), false},
    {"m", INTEGER, offsetof(bench_record, m), false},
    {"k", INTEGER, offsetof(bench_record, k), false},
    {"percent", NUMBER, offsetof(bench_record, percent), false},
    {"gflops", NUMBER, offsetof(bench_record, gflops), false},
    {"time_ns", INTERVAL, offsetof(bench_record, time_ns), false},
    {"repetitions", NUMBER, offsetof(bench_record, repetitions), true},
    {"ftz", FLAG, offsetof(bench_record, ftz), true},
};
static const field prediction_fields[] = {
    {"kernel", TEXT, offsetof(prediction_record, kernel), false},
    {"architecture", TEXT, offsetof(prediction_record, architecture), false},
    {"cpu", TEXT, offsetof(prediction_record, cpu), false},
    {"tool", TEXT, offsetof(prediction_record, tool), false},
    {"tool_version", TEXT, offsetof(prediction_record, tool_version), false},
    {"instructions_per_multiply_add", NUMBER, offsetof(prediction_record, instructions_per_multiply_add), false},
    {"cycles_per_multiply_add", NUMBER, offsetof(prediction_record, cycles_per_multiply_add), false},
    {"measured_cycles_per_multiply_add", INTERVAL, offsetof(prediction_record, measured), true},
    {"host", FLAG, offsetof(prediction_record, host), false},
};
static const field verify_fields[] = {
    {"kernel", TEXT, offsetof(verify_record, kernel), false},
    {"backend", TEXT, offsetof(verify_record, backend), false},
    {"status", TEXT, offsetof(verify_record, status), false},
    {"reason", TEXT, offsetof(verify_record, reason), false},
    {"cases", INTEGER, offsetof(verify_record, cases), false},
    {"seed", INTEGER, offsetof(verify_record, seed), false},
    {"worst_error_over_bound", NUMBER, offsetof(verify_record, worst_error_over_bound), true},
};

static const field control_fields[] = {
    {"command", TEXT, offsetof(control_record, command), false},
    {"cases", INTEGER, offsetof(control_record, cases), false},
    {"ratio", INTERVAL, offsetof(control_record, ratio), false},
    {"detectable_percent", NUMBER, offsetof(control_record, detectable_percent), false},
};

static const field versus_fields[] = {
    {"a", TEXT, offsetof(versus_record, a), false},
    {"b", TEXT, offsetof(versus_record, b), false},
    {"verdict", TEXT, offsetof(versus_record, verdict), false},
    {"ratio", NUMBER, offsetof(versus_record, ratio), false},
    {"low", NUMBER, offsetof(versus_record, low), false},
    {"high", NUMBER, offsetof(versus_record, high), false},
    {"level", NUMBER, offsetof(versus_record, level), false},
    {"detectable", NUMBER, offsetof(versus_record, detectable), true},
    {"rounds", INTEGER, offsetof(versus_record, rounds), false},
    {"discarded", INTEGER, offsetof(versus_record, discarded), false},
    {"processes", INTEGER, offsetof(versus_record, processes), false},
    {"aa_ratio", INTERVAL, offsetof(versus_record, aa_ratio), true},
    {"a_time_ns", INTERVAL, offsetof(versus_record, a_time_ns), true},
    {"b_time_ns", INTERVAL, offsetof(versus_record, b_time_ns), true},
    {"unpaired", INTERVAL, offsetof(versus_record, unpaired), true},
    {"estimates", ANY, offsetof(versus_record, estimates), true},
    {"warm", FLAG, offsetof(versus_record, warm), true},
    {"ftz", FLAG, offsetof(versus_record, ftz), true},
    {"out", NUMBER, offsetof(versus_record, size.out), true},
    {"in", NUMBER, offsetof(versus_record, size.in), true},
    {"batch", NUMBER, offsetof(versus_record, size.batch), true},
    {"percent", NUMBER, offsetof(versus_record, size.percent), true},
    {"m", NUMBER, offsetof(versus_record, size.m), true},
    {"k", NUMBER, offsetof(versus_record, size.k), true},
};
static const field epoch_fields[] = {
    {"implementation", TEXT, offsetof(epoch_record, implementation), false},
    {"backend", TEXT, offsetof(epoch_record, backend), true},
    {"form", TEXT, offsetof(epoch_record, form), true},
    {"threads", INTEGER, offsetof(epoch_record, threads), false},
    {"seconds", INTERVAL, offsetof(epoch_record, seconds), false},
    {"ratio", INTERVAL, offsetof(epoch_record, ratio), false},
    {"roof_percent", NUMBER, offsetof(epoch_record, roof_percent), false},
};

static const field flops_fields[] = {
    {"kernel", TEXT, offsetof(flops_record, kernel), false},
    {"backend", TEXT, offsetof(flops_record, backend), false},
    {"status", TEXT, offsetof(flops_record, status), true},
    {"reason", TEXT, offsetof(flops_record, reason), true},
    {"requested_isa", TEXT, offsetof(flops_record, requested_isa), true},
    {"resolved_isa", TEXT, offsetof(flops_record, resolved_isa), true},
    {"executed_isa", TEXT, offsetof(flops_record, executed_isa), true},
    {"method", TEXT, offsetof(flops_record, method), true},
    {"memory_level", TEXT, offsetof(flops_record, memory_level), true},
    {"out", NUMBER, offsetof(flops_record, size.out), true},
    {"in", NUMBER, offsetof(flops_record, size.in), true},
    {"batch", NUMBER, offsetof(flops_record, size.batch), true},
    {"percent", NUMBER, offsetof(flops_record, size.percent), true},
    {"m", NUMBER, offsetof(flops_record, size.m), true},
    {"k", NUMBER, offsetof(flops_record, size.k), true},
    {"instructions", NUMBER, offsetof(flops_record, instructions), true},
    {"nominal_flops", NUMBER, offsetof(flops_record, nominal_flops), true},
    {"issued_flops", NUMBER, offsetof(flops_record, issued_flops), true},
    {"fixed_flops", NUMBER, offsetof(flops_record, fixed_flops), true},
    {"fixed_instructions", NUMBER, offsetof(flops_record, fixed_instructions), true},
    {"padded_lanes", NUMBER, offsetof(flops_record, padded_lanes), true},
    {"masked_lanes", NUMBER, offsetof(flops_record, masked_lanes), true},
    {"predicted_padding.outputs", NUMBER, offsetof(flops_record, output_padding), true},
    {"predicted_padding.samples", NUMBER, offsetof(flops_record, sample_padding), true},
    {"predicted_padding.channels", NUMBER, offsetof(flops_record, channel_padding), true},
    {"footprint_bytes", NUMBER, offsetof(flops_record, footprint_bytes), true},
};

static const field refine_fields[] = {
    {"model", TEXT, offsetof(refine_record, model), false},
    {"backend", TEXT, offsetof(refine_record, backend), false},
    {"batch", INTEGER, offsetof(refine_record, batch), false},
    {"rounds", INTEGER, offsetof(refine_record, rounds), false},
    {"from_percent", NUMBER, offsetof(refine_record, from_percent), false},
    {"percent", NUMBER, offsetof(refine_record, percent), false},
    {"from_flops", NUMBER, offsetof(refine_record, from_flops), false},
    {"fresh_flops", NUMBER, offsetof(refine_record, fresh_flops), false},
    {"refine_flops", NUMBER, offsetof(refine_record, refine_flops), false},
    {"level", NUMBER, offsetof(refine_record, level), false},
    {"from_ns", INTERVAL, offsetof(refine_record, from_ns), false},
    {"fresh_ns", INTERVAL, offsetof(refine_record, fresh_ns), false},
    {"refine_ns", INTERVAL, offsetof(refine_record, refine_ns), false},
    {"difference_ns", INTERVAL, offsetof(refine_record, difference_ns), false},
    {"both_ratio", INTERVAL, offsetof(refine_record, both_ratio), false},
};
static const field cell_fields[] = {
    {"kernel", TEXT, offsetof(cell_record, kernel), false},
    {"backend", TEXT, offsetof(cell_record, backend), false},
    {"cut", TEXT, offsetof(cell_record, cut), true},
    {"best_peer", TEXT, offsetof(cell_record, best_peer), true},
    {"naive_peer", TEXT, offsetof(cell_record, naive_peer), true},
    {"roof_kind", TEXT, offsetof(cell_record, roof_kind), true},
    {"reason", TEXT, offsetof(cell_record, reason), true},
    {"batch", INTEGER, offsetof(cell_record, batch), false},
    {"k", INTEGER, offsetof(cell_record, k), false},
    {"percent", NUMBER, offsetof(cell_record, percent), false},
    {"out", NUMBER, offsetof(cell_record, out), true},
    {"in", NUMBER, offsetof(cell_record, in), true},
    {"m", NUMBER, offsetof(cell_record, m), true},
    {"time_ns", INTERVAL, offsetof(cell_record, time_ns), false},
    {"peer_time_ns", INTERVAL, offsetof(cell_record, peer_time_ns), true},
    {"naive_time_ns", INTERVAL, offsetof(cell_record, naive_time_ns), true},
    {"ratio_interval", INTERVAL, offsetof(cell_record, ratio), true},
    {"naive_interval", INTERVAL, offsetof(cell_record, naive_ratio), true},
    {"roof_percent_interval", INTERVAL, offsetof(cell_record, roof_percent), true},
    {"time_share", INTERVAL, offsetof(cell_record, time_share), true},
    {"roof_ns", NUMBER, offsetof(cell_record, roof_ns), true},
    {"flops_share", NUMBER, offsetof(cell_record, flops_share), true},
    {"above_roof", FLAG, offsetof(cell_record, above_roof), true},
};
static const field roof_fields[] = {
    {"resource", TEXT, offsetof(roof_record, resource), false},
    {"unit", TEXT, offsetof(roof_record, unit), false},
    {"value", NUMBER, offsetof(roof_record, value), false},
    {"interval", INTERVAL, offsetof(roof_record, range), true},
    {"bytes", NUMBER, offsetof(roof_record, bytes), true},
    {"prefetch_bytes", NUMBER, offsetof(roof_record, prefetch_bytes), true},
    {"streams", NUMBER, offsetof(roof_record, streams), true},
};

#define FIELDS(table) table, sizeof(table) / sizeof(table)[0]

/* One row for every kind that the report knows. */
static const struct kind {
    const char *name;
    const field *fields;
    size_t field_count, size, array_offset, count_offset;
} kinds[] = {
    {"train", FIELDS(train_fields), sizeof(train_record), offsetof(records, train), offsetof(records, trains)},
    {"reproduce", FIELDS(reproduce_fields), sizeof(reproduce_record), offsetof(records, reproduce),
     offsetof(records, reproduces)},
    {"sweep", FIELDS(sweep_fields), sizeof(sweep_record), offsetof(records, sweep), offsetof(records, sweeps)},
    {"bench", FIELDS(bench_fields), sizeof(bench_record), offsetof(records, bench), offsetof(records, benches)},
    {"verify", FIELDS(verify_fields), sizeof(verify_record), offsetof(records, verify),
     offsetof(records, verifies)},
    {"prediction", FIELDS(prediction_fields), sizeof(prediction_record), offsetof(records, prediction),
     offsetof(records, predictions)},
    {"control", FIELDS(control_fields), sizeof(control_record), offsetof(records, control),
     offsetof(records, controls)},
    {"versus", FIELDS(versus_fields), sizeof(versus_record), offsetof(records, versus),
     offsetof(records, versuses)},
    {"flops", FIELDS(flops_fields), sizeof(flops_record), offsetof(records, flops), offsetof(records, flopses)},
    {"refine", FIELDS(refine_fields), sizeof(refine_record), offsetof(records, refine), offsetof(records, refines)},
    {"matrix", FIELDS(cell_fields), sizeof(cell_record), offsetof(records, cell), offsetof(records, cells)},
    {"matrix_mlp", FIELDS(cell_fields), sizeof(cell_record), offsetof(records, whole), offsetof(records, wholes)},
    {"roof", FIELDS(roof_fields), sizeof(roof_record), offsetof(records, roof), offsetof(records, roofs)},
    {"epoch", FIELDS(epoch_fields), sizeof(epoch_record), offsetof(records, epoch), offsetof(records, epochs)},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const json_t *find(const json_t *object, const char *path) {
    char key[64];
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        const size_t length = (size_t)(dot - path);
        if (length >= sizeof key) return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        object = json_object_get(object, key);
    }
    return json_object_get(object, path);
}

static bool read_numbers(const json_t *value, const char *const keys[], size_t count, double *numbers) {
    for (size_t n = 0; n < count; n++) {
        const json_t *number = keys != NULL ? json_object_get(value, keys[n]) : json_array_get(value, n);
        if (!json_is_number(number)) return false;
        numbers[n] = json_number_value(number);
    }
    return true;
}

static void set_absent(const field *f, char *base) {
    const double nans[3] = {NAN, NAN, NAN};
    const void *nothing = NULL;
    const int no_flag = -1;
    switch (f->type) {
    case TEXT:
    case ANY: memcpy(base + f->offset, &nothing, sizeof nothing); break;
    case FLAG: memcpy(base + f->offset, &no_flag, sizeof no_flag); break;
    case INTERVAL: memcpy(base + f->offset, nans, sizeof nans); break;
    default: memcpy(base + f->offset, nans, sizeof nans[0]);
    }
}

/* Stores the field into the structure at `base`. */
static bool read_field(const field *f, const json_t *record, char *base, error *e) {
    static const char *const wanted[] = {
        "a string", "an integer", "a number", "[from, to]", "an object {median, low, high}", "true or false"};
    static const char *const interval_keys[] = {"median", "low", "high"};
    const json_t *value = find(record, f->path);
    double number[3] = {NAN, NAN, NAN};
    bool good = true;
    if (f->optional && (value == NULL || json_is_null(value))) {
        set_absent(f, base);
        return true;
    }
    switch (f->type) {
    case TEXT: {
        const char *string = json_string_value(value);
        good = string != NULL;
        memcpy(base + f->offset, &string, sizeof string);
        break;
    }
    case INTEGER: {
        const json_int_t integer = json_integer_value(value);
        good = json_is_integer(value);
        memcpy(base + f->offset, &integer, sizeof integer);
        break;
    }
    case NUMBER:
        good = json_is_number(value);
        number[0] = json_number_value(value);
        memcpy(base + f->offset, number, sizeof number[0]);
        break;
    case PAIR:
        good = read_numbers(value, NULL, 2, number);
        memcpy(base + f->offset, number, 2 * sizeof number[0]);
        break;
    case INTERVAL:
        good = read_numbers(value, interval_keys, 3, number);
        memcpy(base + f->offset, number, sizeof number);
        break;
    case FLAG: {
        const int flag = json_is_true(value);
        good = json_is_boolean(value);
        memcpy(base + f->offset, &flag, sizeof flag);
        break;
    }
    case ANY: memcpy(base + f->offset, &value, sizeof value); break;
    }
    return good || fail(e, "its field '%s' must be %s", f->path, wanted[f->type]);
}

static bool read_kind(records *r, const struct kind *kind, const json_t *all, error *e) {
    size_t count = 0, index;
    const json_t *record;
    json_array_foreach(all, index, record) count +=
        strcmp(json_string_value(json_object_get(record, "kind")), kind->name) == 0;
    char *array = calloc(count + 1, kind->size);
    if (array == NULL) return fail(e, "no memory for %zu %s records", count, kind->name);
    memcpy((char *)r + kind->array_offset, &array, sizeof array);
    memcpy((char *)r + kind->count_offset, &count, sizeof count);
    json_array_foreach(all, index, record) {
        if (strcmp(json_string_value(json_object_get(record, "kind")), kind->name) != 0) continue;
        for (size_t f = 0; f < kind->field_count; f++)
            if (!read_field(&kind->fields[f], record, array, e))
                return fail_in(e, "record %zu (%s)", index, kind->name);
        array += kind->size;
    }
    return true;
}

/* ---- sweep records -> networks, curves, points ----------------------------------------------------------------
 */

typedef struct ordered {
    const sweep_record *sweep;
    size_t group; /* index of the first record of the same model and back end */
} ordered;

static bool same_group(const sweep_record *a, const sweep_record *b) {
    return strcmp(a->model, b->model) == 0 && strcmp(a->backend, b->backend) == 0;
}

static int order(const void *left, const void *right) {
    const ordered *a = left, *b = right;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    if (a->sweep->profile != b->sweep->profile) return a->sweep->profile < b->sweep->profile ? -1 : 1;
    if (a->sweep->percent != b->sweep->percent) return a->sweep->percent < b->sweep->percent ? -1 : 1;
    return a->sweep->seed < b->sweep->seed ? -1 : a->sweep->seed > b->sweep->seed;
}

static interval sum(interval a, interval b) {
    return (interval){a.median + b.median, fmin(a.low, b.low), fmax(a.high, b.high)};
}

/* One point of the records run[0 .. count-1], which differ in their seed only. */
static point merge(const ordered *run, size_t count) {
    const sweep_record *first = run[0].sweep;
    point p = {.percent = first->percent,
               .accuracy = first->accuracy_percent,
               .accuracy_low = first->accuracy_percent,
               .accuracy_high = first->accuracy_percent,
               .nominal_flops = first->nominal_flops,
               .useful_flops = first->useful_flops,
               .issued_1 = first->trace_1.issued_flops,
               .issued_128 = first->trace_128.issued_flops,
               .k = first->k,
               .seeds = 1,
               .batch_1 = first->batch_1,
               .batch_128 = first->batch_128,
               .ratio_1 = first->trace_1.time_ratio,
               .ratio_128 = first->trace_128.time_ratio};
    for (size_t s = 1; s < count; s++) {
        const sweep_record *next = run[s].sweep;
        p.seeds += next->seed != run[s - 1].sweep->seed;
        p.accuracy += next->accuracy_percent;
        p.accuracy_low = fmin(p.accuracy_low, next->accuracy_percent);
        p.accuracy_high = fmax(p.accuracy_high, next->accuracy_percent);
        p.batch_1 = sum(p.batch_1, next->batch_1);
        p.batch_128 = sum(p.batch_128, next->batch_128);
        p.ratio_1 = sum(p.ratio_1, next->trace_1.time_ratio);
        p.ratio_128 = sum(p.ratio_128, next->trace_128.time_ratio);
    }
    p.accuracy /= (double)count;
    p.batch_1.median /= (double)count;
    p.batch_128.median /= (double)count;
    p.ratio_1.median /= (double)count;
    p.ratio_128.median /= (double)count;
    return p;
}

/* The sorted records, cut where group, profile or percentage change. The stores have room for one of each a record.
 */
static void cut(records *r, const ordered *sorted) {
    curve *c = r->curve_store;
    point *p = r->point_store;
    for (size_t i = 0, run; i < r->sweeps; i += run) {
        const sweep_record *s = sorted[i].sweep;
        const bool new_network = i == 0 || sorted[i].group != sorted[i - 1].group;
        if (new_network)
            r->network[r->networks++] = (network){
                .model = s->model, .recipe = s->recipe, .gamma = s->gamma, .backend = s->backend, .curve = c};
        network *n = &r->network[r->networks - 1];
        if (new_network || s->profile != sorted[i - 1].sweep->profile) {
            *c++ = (curve){.profile = s->profile,
                           .from_percent = s->range_percent[0],
                           .to_percent = s->range_percent[1],
                           .point = p};
            n->curves++;
        }
        for (run = 1; i + run < r->sweeps; run++) {
            const ordered *next = &sorted[i + run];
            if (next->group != sorted[i].group || next->sweep->profile != s->profile ||
                next->sweep->percent != s->percent)
                break;
        }
        *p++ = merge(&sorted[i], run);
        c[-1].points++;
    }
}

static bool group(records *r, error *e) {
    ordered *sorted = calloc(r->sweeps + 1, sizeof *sorted);
    r->network = calloc(r->sweeps + 1, sizeof *r->network);
    r->curve_store = calloc(r->sweeps + 1, sizeof *r->curve_store);
    r->point_store = calloc(r->sweeps + 1, sizeof *r->point_store);
    if (sorted == NULL || r->network == NULL || r->curve_store == NULL || r->point_store == NULL) {
        free(sorted);
        return fail(e, "no memory to group %zu sweep records", r->sweeps);
    }
    for (size_t i = 0; i < r->sweeps; i++) {
        sorted[i].sweep = &r->sweep[i];
        sorted[i].group = i;
        for (size_t j = i; j-- > 0;) { /* backwards: usually the neighbour is of the same model */
            if (!same_group(&r->sweep[j], &r->sweep[i])) continue;
            sorted[i].group = sorted[j].group;
            break;
        }
    }
    qsort(sorted, r->sweeps, sizeof *sorted, order);
    cut(r, sorted);
    free(sorted);
    for (size_t a = 0; a < r->networks; a++) {
        network *n = &r->network[a];
        n->full = curve_at(network_serving(n, 100), 100);
        for (size_t b = 0; b < r->networks; b++)
            if (a != b && strcmp(n->model, r->network[b].model) == 0) n->backend_matters = true;
    }
    return true;
}

const curve *network_serving(const network *n, double percent) {
    const curve *serving = &n->curve[0];
    for (size_t c = 1; c < n->curves; c++)
        if (n->curve[c].from_percent < percent) serving = &n->curve[c];
    return serving;
}

served *network_served(const network *n, size_t *count) {
    size_t points = 0;
    for (size_t c = 0; c < n->curves; c++) points += n->curve[c].points;
    served *list = malloc((points + 1) * sizeof *list);
    *count = 0;
    if (list == NULL) return NULL;
    for (size_t c = 0; c < n->curves; c++) {
        const curve *one = &n->curve[c];
        for (size_t i = 0; i < one->points; i++)
            if (network_serving(n, one->point[i].percent) == one) list[(*count)++] = (served){one, &one->point[i]};
    }
    return list;
}

static const double same_percent = 1e-9; /* percentages from a linspace may differ in their last bits */

const point *curve_at(const curve *c, double percent) {
    for (size_t p = 0; p < c->points; p++)
        if (fabs(c->point[p].percent - percent) <= same_percent) return &c->point[p];
    return NULL;
}

bool curve_owns(const curve *c, const point *at) {
    return at->percent > c->from_percent && at->percent <= c->to_percent + same_percent;
}

const point *curve_nearest(const curve *c, double percent) {
    const point *nearest = NULL;
    for (size_t p = 0; p < c->points; p++) {
        if (!curve_owns(c, &c->point[p])) continue;
        if (nearest == NULL || fabs(c->point[p].percent - percent) < fabs(nearest->percent - percent))
            nearest = &c->point[p];
    }
    return nearest;
}

static double saved_percent(double part, double whole) { return whole > 0 ? 100 * (1 - part / whole) : NAN; }

static interval saved_exactly(double part, double whole) {
    const double saved = saved_percent(part, whole);
    return (interval){saved, saved, saved};
}

static interval saved_between(interval part, interval whole) {
    return (interval){.median = saved_percent(part.median, whole.median),
                      .low = saved_percent(part.high, whole.low),
                      .high = saved_percent(part.low, whole.high)};
}

interval saved_flops(const point *at, const point *full) {
    return saved_exactly(at->useful_flops, full != NULL ? full->useful_flops : NAN);
}

interval saved_nominal_flops(const point *at, const point *full) {
    return saved_exactly(at->nominal_flops, full != NULL ? full->nominal_flops : NAN);
}

interval saved_issued_1(const point *at, const point *full) {
    return saved_exactly(at->issued_1, full != NULL ? full->issued_1 : NAN);
}

interval saved_issued_128(const point *at, const point *full) {
    return saved_exactly(at->issued_128, full != NULL ? full->issued_128 : NAN);
}

static interval saved_time(interval ratio, interval time, interval whole) {
    return isfinite(ratio.median) ? saved_between(ratio, (interval){1, 1, 1}) : saved_between(time, whole);
}

interval saved_time_1(const point *at, const point *full) {
    if (full == NULL || at == full)
        return saved_exactly(at->batch_1.median, full != NULL ? at->batch_1.median : NAN);
    return saved_time(at->ratio_1, at->batch_1, full->batch_1);
}

interval saved_time_128(const point *at, const point *full) {
    if (full == NULL || at == full)
        return saved_exactly(at->batch_128.median, full != NULL ? at->batch_128.median : NAN);
    return saved_time(at->ratio_128, at->batch_128, full->batch_128);
}

/* ---- the document ---------------------------------------------------------------------------------------------
 */

static bool read_facts(records *r, const json_t *document, error *e) {
    const struct {
        const char *name;
        const json_t **value;
    } facts[] = {{"machine", &r->machine}, {"build", &r->build}, {"run", &r->run}};
    for (size_t f = 0; f < sizeof facts / sizeof facts[0]; f++) {
        *facts[f].value = json_object_get(document, facts[f].name);
        if (!json_is_object(*facts[f].value))
            return fail(e, "the document's '%s' must be an object", facts[f].name);
    }
    r->environment = json_object_get(document, "environment");
    r->warnings = json_object_get(document, "warnings");
    const json_t *data = json_object_get(r->run, "data"), *synthetic = json_object_get(data, "synthetic");
    r->data_name = json_string_value(json_object_get(data, "name"));
    /* Without the flag the name decides: figures of made digits must never pass for figures of MNIST. */
    r->synthetic = json_is_boolean(synthetic) ? json_is_true(synthetic)
                                              : r->data_name != NULL && strncmp(r->data_name, "synthetic", 9) == 0;
    return true;
}

bool records_read(records *r, const json_t *document, error *e) {
    records read = {0};
    const json_t *all = json_object_get(document, "records");
    size_t index;
    const json_t *record;
    bool good = json_is_array(all) || fail(e, "the document's 'records' must be an array");
    good = good && read_facts(&read, document, e);
    read.total = json_array_size(all);
    json_array_foreach(all, index, record) {
        if (good && !json_is_string(json_object_get(record, "kind")))
            good = fail(e, "record %zu: its field 'kind' must be a string", index);
    }
    for (size_t k = 0; good && k < KINDS; k++) good = read_kind(&read, &kinds[k], all, e);
    good = good && group(&read, e);
    if (good)
        *r = read;
    else
        records_free(&read);
    return good;
}

void records_free(records *r) {
    free(r->train);
    free(r->reproduce);
    free(r->sweep);
    free(r->bench);
    free(r->control);
    free(r->prediction);
    free(r->verify);
    free(r->versus);
    free(r->refine);
    free(r->flops);
    free(r->cell);
    free(r->whole);
    free(r->roof);
    free(r->epoch);
    free(r->network);
    free(r->curve_store);
    free(r->point_store);
    *r = (records){0};
}
