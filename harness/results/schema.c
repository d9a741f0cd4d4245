#include "schema.h"

#include <stdio.h>
#include <string.h>

#include "results.h"

typedef enum field_type {
    STRING,
    STRING_OR_NULL,
    NUMBER_OR_NULL,
    NUMBER,
    INTEGER,
    BOOLEAN,
    OBJECT,
    ARRAY,
    PAIR,     /* [from, to] */
    INTERVAL, /* {median, low, high} */
    /* Or {"unavailable": reason}: */
    NUMBER_OR_UNAVAILABLE,
    STRING_OR_UNAVAILABLE,
} field_type;

static const char *const type_text[] = {
    [STRING] = "a string",
    [STRING_OR_NULL] = "a string or null",
    [NUMBER_OR_NULL] = "a number or null",
    [NUMBER] = "a number",
    [INTEGER] = "an integer",
    [BOOLEAN] = "true or false",
    [OBJECT] = "an object",
    [ARRAY] = "an array",
    [PAIR] = "a pair [from, to]",
    [INTERVAL] = "an interval {median, low, high}",
    [NUMBER_OR_UNAVAILABLE] = "a number or {unavailable}",
    [STRING_OR_UNAVAILABLE] = "a string or {unavailable}",
};

typedef struct field {
    const char *name;
    field_type type;
    bool optional;
} field;

enum { OPTIONAL = true };

static const field top_fields[] = {
    {"schema", STRING, 0},         {"machine", OBJECT, 0},
    {"build", OBJECT, 0},          {"run", OBJECT, 0},
    {"records", ARRAY, 0},         {"environment", OBJECT, OPTIONAL}, /* older programs did not tell */
    {"warnings", ARRAY, OPTIONAL}, {0},
};

static const field machine_fields[] = {
    {"cpu", STRING, 0},
    {"architecture", STRING, 0},
    {"features", ARRAY, 0},
    {"cores", INTEGER, 0},
    {"caches", ARRAY, 0},
    {"hypervisor", STRING_OR_NULL, 0},
    {"system", STRING, 0},
    {"memory_bytes", INTEGER, 0},
    {"hidden", STRING_OR_NULL, OPTIONAL},
    {0},
};

static const field cache_fields[] = {{"level", INTEGER, 0}, {"type", STRING, 0}, {"bytes", INTEGER, 0}, {0}};

static const field build_fields[] = {
    {"version", STRING, 0}, {"commit", STRING, 0},     {"compiler", STRING, 0},
    {"flags", STRING, 0},   {"sanitized", BOOLEAN, 0}, {0},
};

static const field run_fields[] = {
    {"command", STRING, 0},     {"seed", INTEGER, 0},       {"time", STRING, 0},          {"seconds", NUMBER, 0},
    {"data", OBJECT, OPTIONAL}, {"parts", ARRAY, OPTIONAL}, {"energy", OBJECT, OPTIONAL}, {0},
};

static const field part_fields[] = {
    {"command", STRING, 0}, {"time", STRING, 0},     {"seconds", NUMBER, 0},
    {"first", INTEGER, 0},  {"records", INTEGER, 0}, {0},
};

static const field energy_fields[] = {
    {"package_j", NUMBER_OR_UNAVAILABLE, 0},
    {"dram_j", NUMBER_OR_UNAVAILABLE, 0},
    {0},
};

/* Optional, so that new ones can be added. */
static const field environment_fields[] = {
    {"seconds", NUMBER, OPTIONAL},
    {"core_hz", OBJECT, OPTIONAL},
    {"tsc_hz", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"fma_peak_gflops", OBJECT, OPTIONAL},
    {"load", OBJECT, OPTIONAL},
    {"others_processors", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"waited_percent", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"steal_percent", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"processors_online", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"affinity", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"governor", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"turbo", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"smt", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"aslr", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"transparent_huge_pages", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"page_bytes", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"memory_available_bytes", NUMBER_OR_UNAVAILABLE, OPTIONAL},
    {"microcode", STRING_OR_UNAVAILABLE, OPTIONAL},
    {"libraries", OBJECT, OPTIONAL},
    {"counters", OBJECT, OPTIONAL},
    {0},
};

static const field warning_fields[] = {{"code", STRING, 0}, {"text", STRING, 0}, {0}};

static const field data_fields[] = {
    {"name", STRING, 0},   {"synthetic", BOOLEAN, 0}, {"sha256", STRING, 0},
    {"train", INTEGER, 0}, {"test", INTEGER, 0},      {0},
};

static const field train_fields[] = {
    {"model", STRING, 0},       {"recipe", STRING, 0},
    {"gamma", STRING, 0},       {"profile", INTEGER, 0},
    {"range_percent", PAIR, 0}, {"seed", INTEGER, 0},
    {"epochs", INTEGER, 0},     {"seconds", NUMBER, 0},
    {"loss", NUMBER, 0},        {"accuracy_percent", NUMBER, 0},
    {"backend", STRING, 0},     {0},
};

static const field reproduce_fields[] = {
    {"model", STRING, 0},
    {"recipe", STRING, 0},
    {"gamma", STRING, 0},
    {"profile", INTEGER, 0},
    {"range_percent", PAIR, 0},
    {"inside", BOOLEAN, 0},
    {"percent", NUMBER, 0},
    {"k", INTEGER, 0},
    {"seeds", INTEGER, 0},
    {"mean_percent", NUMBER, 0},
    {"sd_percent", NUMBER, 0},
    {"low_percent", NUMBER_OR_NULL, 0},
    {"high_percent", NUMBER_OR_NULL, 0},
    {"expected_percent", NUMBER_OR_NULL, 0},
    {"expected_sd", NUMBER_OR_NULL, 0},
    {"probability", NUMBER_OR_NULL, 0},
    {"verdict", STRING, 0},
    {"train_seconds", NUMBER, 0},
    {0},
};

static const field sweep_fields[] = {
    {"model", STRING, 0},
    {"recipe", STRING, 0},
    {"gamma", STRING, 0},
    {"profile", INTEGER, 0},
    {"range_percent", PAIR, 0},
    {"percent", NUMBER, 0},
    {"k", INTEGER, 0},
    {"seed", INTEGER, 0},
    {"accuracy_percent", NUMBER, 0},
    {"nominal_flops", NUMBER, 0},
    {"useful_flops", NUMBER, 0},
    {"issued_flops", OBJECT, OPTIONAL}, /* older programs did not tell */
    {"backend", STRING, 0},
    {"requested_isa", STRING, OPTIONAL},
    {"resolved_isa", STRING, OPTIONAL},
    {"executed_isa", STRING, OPTIONAL},
    {"latency_ns", OBJECT, OPTIONAL}, /* a sweep without latency */
    {"counters", OBJECT, OPTIONAL},
    {0},
};

static const field refine_fields[] = {
    {"model", STRING, 0},         {"recipe", STRING, 0},          {"gamma", STRING, 0},
    {"backend", STRING, 0},       {"seed", INTEGER, 0},           {"batch", INTEGER, 0},
    {"from_profile", INTEGER, 0}, {"profile", INTEGER, 0},        {"from_percent", NUMBER, 0},
    {"percent", NUMBER, 0},       {"from_flops", NUMBER, 0},      {"fresh_flops", NUMBER, 0},
    {"refine_flops", NUMBER, 0},  {"from_ns", INTERVAL, 0},       {"fresh_ns", INTERVAL, 0},
    {"refine_ns", INTERVAL, 0},   {"difference_ns", INTERVAL, 0}, {"both_ratio", INTERVAL, 0},
    {"level", NUMBER, 0},         {"rounds", INTEGER, 0},         {0},
};

static const field latency_fields[] = {{"batch_1", INTERVAL, OPTIONAL}, {"batch_128", INTERVAL, OPTIONAL}, {0}};

static const field bench_fields[] = {
    {"kernel", STRING, 0},
    {"backend", STRING, 0},
    {"out", INTEGER, 0},
    {"in", INTEGER, 0},
    {"batch", INTEGER, 0},
    {"percent", NUMBER, 0},
    {"m", INTEGER, 0},
    {"k", INTEGER, 0},
    {"time_ns", INTERVAL, 0},
    {"gflops", NUMBER, 0},
    {"counters", OBJECT, OPTIONAL},
    {"requested_isa", STRING, OPTIONAL},
    {"resolved_isa", STRING, OPTIONAL},
    {"executed_isa", STRING, OPTIONAL},
    {0},
};

static const field verify_fields[] = {
    {"kernel", STRING, 0},
    {"backend", STRING, 0},
    {"status", STRING, 0},
    {"reason", STRING, 0},
    {"cases", INTEGER, 0},
    {"seed", INTEGER, 0},
    {"worst_error_over_bound", NUMBER, OPTIONAL}, /* nothing was compared: skipped */
    {0},
};

static const field control_fields[] = {
    {"command", STRING, 0}, {"cases", INTEGER, 0}, {"ratio", INTERVAL, 0}, {"detectable_percent", NUMBER, 0}, {0},
};

static const field versus_fields[] = {
    {"a", STRING, 0},
    {"b", STRING, 0},
    {"a_backend", STRING, OPTIONAL},
    {"a_executed_isa", STRING, OPTIONAL},
    {"b_executed_isa", STRING, OPTIONAL},
    {"b_backend", STRING, OPTIONAL},
    {"ratio", NUMBER, 0},
    {"low", NUMBER, 0},
    {"high", NUMBER, 0},
    {"verdict", STRING, 0},
    {"rounds", INTEGER, 0},
    {"discarded", INTEGER, 0},
    {"disturbed", INTEGER, OPTIONAL},
    {"processes", INTEGER, 0},
    {"level", NUMBER, 0},
    {"comparisons", INTEGER, OPTIONAL},
    {"interval_level", NUMBER, OPTIONAL},
    {"rank", INTEGER, OPTIONAL},
    {"aa_ratio", INTERVAL, 0},
    {"noise_floor", NUMBER, OPTIONAL},
    {"detectable", NUMBER, 0},
    {"out", INTEGER, 0},
    {"in", INTEGER, 0},
    {"batch", INTEGER, 0},
    {"percent", NUMBER, 0},
    {"m", INTEGER, 0},
    {"k", INTEGER, 0},
    {"a_percent", NUMBER, OPTIONAL},
    {"a_k", INTEGER, OPTIONAL},
    {"warm", BOOLEAN, 0},
    {"cold_bytes", INTEGER, OPTIONAL},
    {"a_time_ns", INTERVAL, 0},
    {"b_time_ns", INTERVAL, 0},
    {"unpaired", INTERVAL, OPTIONAL},
    {"environment", ARRAY, OPTIONAL},
    {"estimates", ARRAY, 0},
    {0},
};

static const field estimate_fields[] = {
    {"process", INTEGER, 0},   {"seed", INTEGER, 0},     {"rounds", INTEGER, 0},
    {"discarded", INTEGER, 0}, {"ratio", NUMBER, 0},     {"aa_ratio", NUMBER, 0},
    {"a_time_ns", NUMBER, 0},  {"b_time_ns", NUMBER, 0}, {0},
};

/* Optional fields: where nothing could be counted the counts are missing; where a back end was skipped, the case
 * too.
 */
static const field comparison_fields[] = {
    {"before", OBJECT, 0},        {"after", OBJECT, 0},
    {"same_machine", BOOLEAN, 0}, {"machines_differ_in", STRING, 0},
    {"level", NUMBER, 0},         {"threshold_percent", NUMBER, 0},
    {"only", STRING_OR_NULL, 0},  {"compared", INTEGER, 0},
    {"tests", INTEGER, 0},        {"verdicts", OBJECT, 0},
    {"warnings", ARRAY, 0},       {0},
};

/* before, after and change are an interval, a number, a word or null. */
static const field compare_fields[] = {
    {"figure", STRING, 0}, {"verdict", STRING, 0}, {"reason", STRING, 0}, {"unit", STRING, 0}, {0},
};

static const field flops_fields[] = {
    {"kernel", STRING, 0},
    {"backend", STRING, 0},
    {"status", STRING, 0},
    {"reason", STRING, 0},
    {"requested_isa", STRING, 0},
    {"resolved_isa", STRING, 0},
    {"out", INTEGER, OPTIONAL},
    {"in", INTEGER, OPTIONAL},
    {"batch", INTEGER, OPTIONAL},
    {"percent", NUMBER, OPTIONAL},
    {"m", INTEGER, OPTIONAL},
    {"k", INTEGER, OPTIONAL},
    {"nominal_flops", NUMBER, OPTIONAL},
    {"predicted_multiply_adds", INTEGER, OPTIONAL},
    {"predicted_padding", OBJECT, OPTIONAL},
    {"footprint_bytes", INTEGER, OPTIONAL},
    {"memory_level", STRING, OPTIONAL},
    {"executed_isa", STRING, OPTIONAL},
    {"method", STRING, OPTIONAL},
    {"stepped_instructions", INTEGER, OPTIONAL},
    {"instructions", INTEGER, OPTIONAL},
    {"fixed_instructions", INTEGER, OPTIONAL},
    {"issued_flops", NUMBER, OPTIONAL},
    {"fixed_flops", NUMBER, OPTIONAL},
    {"padded_lanes", NUMBER, OPTIONAL},
    {"masked_lanes", INTEGER, OPTIONAL},
    {"masked_flops", INTEGER, OPTIONAL},
    {"lanes_by_operation", OBJECT, OPTIONAL},
    {"lanes_by_width", OBJECT, OPTIONAL},
    {"loads", INTEGER, OPTIONAL},
    {"stores", INTEGER, OPTIONAL},
    {"bytes_loaded", INTEGER, OPTIONAL},
    {"bytes_stored", INTEGER, OPTIONAL},
    {"broadcasts", INTEGER, OPTIONAL},
    {"shuffles", INTEGER, OPTIONAL},
    {"histogram", OBJECT, OPTIONAL},
    {0},
};

static const field prediction_fields[] = {
    {"kernel", STRING, 0},
    {"architecture", STRING, 0},
    {"cpu", STRING, 0},
    {"tool", STRING, 0},
    {"tool_version", STRING, 0},
    {"loop_instructions", INTEGER, 0},
    {"loop_fma", INTEGER, 0},
    {"loop_multiply_adds", INTEGER, 0},
    {"instructions_per_multiply_add", NUMBER, 0},
    {"cycles_per_multiply_add", NUMBER, 0},
    {"host", BOOLEAN, 0},
    {"measured_cycles_per_multiply_add", INTERVAL,
     OPTIONAL}, /* of kernels that ran on the CPU that was asked about */
    {0},
};

static const field roof_fields[] = {
    {"resource", STRING, 0},
    {"value", NUMBER, 0},
    {"unit", STRING, 0},
    {"interval", INTERVAL, OPTIONAL},
    {"bytes", INTEGER, OPTIONAL},
    {"prefetch_bytes", INTEGER, OPTIONAL},
    {"streams", INTEGER, OPTIONAL},
    {0},
};

/* Peers and roofs are missing where none was there. */
#define MATRIX_FIELDS                                                                                             \
    {"kernel", STRING, 0}, {"backend", STRING, 0}, {"batch", INTEGER, 0}, {"percent", NUMBER, 0},                 \
        {"k", INTEGER, 0}, {"flops", NUMBER, 0}, {"time_ns", INTERVAL, 0}, {"kernels", OBJECT, 0},                \
        {"peers", OBJECT, 0}, {"best_peer", STRING, OPTIONAL}, {"peer_time_ns", INTERVAL, OPTIONAL},              \
        {"ratio_to_best_peer", NUMBER, OPTIONAL}, {"ratio_interval", INTERVAL, OPTIONAL},                         \
        {"naive_peer", STRING, OPTIONAL}, {"naive_time_ns", INTERVAL, OPTIONAL},                                  \
        {"ratio_to_naive", NUMBER, OPTIONAL}, {"naive_interval", INTERVAL, OPTIONAL},                             \
        {"roof_ns", NUMBER, OPTIONAL}, {"roof_kind", STRING, OPTIONAL}, {"roof_percent", NUMBER, OPTIONAL},       \
        {"roof_percent_interval", INTERVAL, OPTIONAL}, {"above_roof", BOOLEAN, OPTIONAL}, {"rounds", INTEGER, 0}, \
    {                                                                                                             \
        "processes", INTEGER, 0                                                                                   \
    }

static const field matrix_fields[] = {
    MATRIX_FIELDS, {"out", INTEGER, 0}, {"in", INTEGER, 0}, {"m", INTEGER, 0}, {"cut", STRING, 0}, {0},
};

static const field matrix_mlp_fields[] = {
    MATRIX_FIELDS,
    {"recipe", STRING, 0},
    {"widths", ARRAY, 0},
    {"time_share", INTERVAL, 0},
    {"flops_share", NUMBER, 0},
    {"reason", STRING, 0},
    {0},
};

static const field epoch_fields[] = {
    {"implementation", STRING, 0}, {"backend", STRING, OPTIONAL}, {"form", STRING, OPTIONAL},
    {"threads", INTEGER, 0},       {"seconds", INTERVAL, 0},      {"roof_percent", NUMBER, 0},
    {"ratio", INTERVAL, 0},        {"loss", NUMBER, OPTIONAL},    {0},
};

/* A kind that is not here passes: newer programs add kinds, and older readers show what they know. */
static const struct {
    const char *kind;
    const field *fields;
} kinds[] = {{"prediction", prediction_fields}, {"train", train_fields},
             {"sweep", sweep_fields},           {"bench", bench_fields},
             {"control", control_fields},       {"verify", verify_fields},
             {"versus", versus_fields},         {"flops", flops_fields},
             {"comparison", comparison_fields}, {"refine", refine_fields},
             {"compare", compare_fields},       {"roof", roof_fields},
             {"matrix", matrix_fields},         {"matrix_mlp", matrix_mlp_fields},
             {"reproduce", reproduce_fields},   {"epoch", epoch_fields}};

static bool is_pair(const json_t *v) {
    return json_array_size(v) == 2 && json_is_number(json_array_get(v, 0)) && json_is_number(json_array_get(v, 1));
}

static bool is_interval(const json_t *v) {
    return json_is_number(json_object_get(v, "median")) && json_is_number(json_object_get(v, "low")) &&
           json_is_number(json_object_get(v, "high"));
}

static bool is_unavailable(const json_t *v) { return json_is_string(json_object_get(v, "unavailable")); }

static bool has_type(const json_t *v, field_type type) {
    switch (type) {
    case STRING: return json_is_string(v);
    case STRING_OR_NULL: return json_is_string(v) || json_is_null(v);
    case NUMBER_OR_NULL: return json_is_number(v) || json_is_null(v);
    case NUMBER: return json_is_number(v);
    case INTEGER: return json_is_integer(v);
    case BOOLEAN: return json_is_boolean(v);
    case OBJECT: return json_is_object(v);
    case ARRAY: return json_is_array(v);
    case PAIR: return is_pair(v);
    case INTERVAL: return is_interval(v);
    case NUMBER_OR_UNAVAILABLE: return json_is_number(v) || is_unavailable(v);
    case STRING_OR_UNAVAILABLE: return json_is_string(v) || is_unavailable(v);
    }
    return false;
}

static bool fields_check(const json_t *object, const field *fields, const char *path, const char *place, error *e) {
    for (const field *f = fields; f->name != NULL; f++) {
        const json_t *v = json_object_get(object, f->name);
        if (v == NULL && f->optional) continue;
        if (v == NULL)
            return fail(e, "%s: %s has no field '%s' (reports/SCHEMA.md names them)", path, place, f->name);
        if (!has_type(v, f->type))
            return fail(e, "%s: field '%s' of %s is not %s", path, f->name, place, type_text[f->type]);
    }
    return true;
}

static bool machine_check(const json_t *m, const char *path, error *e) {
    if (!fields_check(m, machine_fields, path, "machine", e)) return false;
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(m, "features"), index, item) {
        if (!json_is_string(item)) return fail(e, "%s: machine.features[%zu] is not a string", path, index);
    }
    json_array_foreach(json_object_get(m, "caches"), index, item) {
        char place[64];
        snprintf(place, sizeof place, "machine.caches[%zu]", index);
        if (!fields_check(item, cache_fields, path, place, e)) return false;
    }
    return true;
}

static bool environment_check(const json_t *document, const char *path, error *e) {
    const json_t *environment = json_object_get(document, "environment"),
                 *warnings = json_object_get(document, "warnings"),
                 *energy = json_object_get(json_object_get(document, "run"), "energy");
    if (environment != NULL && !fields_check(environment, environment_fields, path, "environment", e)) return false;
    if (energy != NULL && !fields_check(energy, energy_fields, path, "run.energy", e)) return false;
    size_t index;
    const json_t *warning;
    json_array_foreach(warnings, index, warning) {
        char place[64];
        snprintf(place, sizeof place, "warnings[%zu]", index);
        if (!fields_check(warning, warning_fields, path, place, e)) return false;
    }
    return true;
}

static bool run_check(const json_t *run, const char *path, error *e) {
    if (!fields_check(run, run_fields, path, "run", e)) return false;
    size_t index;
    const json_t *part, *data = json_object_get(run, "data");
    json_array_foreach(json_object_get(run, "parts"), index, part) {
        char place[64];
        snprintf(place, sizeof place, "run.parts[%zu]", index);
        if (!fields_check(part, part_fields, path, place, e)) return false;
    }
    return data == NULL || fields_check(data, data_fields, path, "run.data", e);
}

/* What each process of a versus record measured. */
static bool estimates_check(const json_t *record, const char *path, const char *place, error *e) {
    size_t process;
    const json_t *estimate;
    json_array_foreach(json_object_get(record, "estimates"), process, estimate) {
        char part[160];
        snprintf(part, sizeof part, "%s, estimates[%zu],", place, process);
        if (!fields_check(estimate, estimate_fields, path, part, e)) return false;
    }
    return true;
}

static bool record_check(const json_t *record, size_t index, const char *path, error *e) {
    const char *kind = json_string_value(json_object_get(record, "kind"));
    if (!json_is_object(record)) return fail(e, "%s: records[%zu] is not an object", path, index);
    if (kind == NULL) return fail(e, "%s: records[%zu] has no field 'kind' that is a string", path, index);
    char place[96];
    snprintf(place, sizeof place, "records[%zu] (%.32s)", index, kind);
    for (size_t s = 0; s < sizeof kinds / sizeof kinds[0]; s++) {
        if (strcmp(kind, kinds[s].kind) != 0) continue;
        if (!fields_check(record, kinds[s].fields, path, place, e)) return false;
    }
    if (strcmp(kind, "versus") == 0) return estimates_check(record, path, place, e);
    const json_t *latency = json_object_get(record, "latency_ns");
    if (strcmp(kind, "sweep") != 0 || latency == NULL) return true;
    return fields_check(latency, latency_fields, path, place, e);
}

/* "idp-results/7" is of a newer program; everything else is not known at all. */
static bool version_refuse(const char *schema, const char *path, error *e) {
    static const char name[] = "idp-results/";
    const char *number = schema + sizeof name - 1;
    const bool version = strncmp(schema, name, sizeof name - 1) == 0 && number[0] >= '1' && number[0] <= '9' &&
                         number[strspn(number, "0123456789")] == '\0';
    if (version)
        return fail(e,
                    "%s: field 'schema' is '%.64s', which a newer idp wrote; this one reads '%s': update idp, or "
                    "measure again with this one",
                    path, schema, RESULTS_SCHEMA);
    return fail(e, "%s: field 'schema' is '%.64s', which is not known; this program reads '%s' only", path, schema,
                RESULTS_SCHEMA);
}

bool schema_check(const json_t *document, const char *path, error *e) {
    if (!json_is_object(document))
        return fail(e, "%s: not a results document: the top level is not an object", path);
    const char *schema = json_string_value(json_object_get(document, "schema"));
    if (schema == NULL)
        return fail(e, "%s: not a results document: there is no field 'schema' that is a string", path);
    if (strcmp(schema, RESULTS_SCHEMA) != 0) return version_refuse(schema, path, e);
    if (!fields_check(document, top_fields, path, "the document", e) ||
        !machine_check(json_object_get(document, "machine"), path, e) ||
        !fields_check(json_object_get(document, "build"), build_fields, path, "build", e) ||
        !run_check(json_object_get(document, "run"), path, e) || !environment_check(document, path, e))
        return false;
    size_t index;
    json_t *record;
    json_array_foreach(json_object_get(document, "records"), index, record) {
        if (!record_check(record, index, path, e)) return false;
    }
    return true;
}
