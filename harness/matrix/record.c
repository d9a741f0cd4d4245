/* record.c: a cell's figures as a record; reports/SCHEMA.md names the fields. */
#include "judge.h"

static json_t *interval_object(interval i) {
    return json_pack("{s:f, s:f, s:f}", "median", i.median, "low", i.low, "high", i.high);
}

/* Sets what there is; `name` empty: nothing of the kind was measured. */
static bool set_peer(json_t *record, const char *peer_field, const char *time_field, const char *ratio_field,
                     const char *interval_field, const char *name, interval time_ns, interval ratio) {
    if (name[0] == '\0') return true;
    return json_object_set_new(record, peer_field, json_string(name)) == 0 &&
           json_object_set_new(record, time_field, interval_object(time_ns)) == 0 &&
           json_object_set_new(record, ratio_field, json_real(ratio.median)) == 0 &&
           json_object_set_new(record, interval_field, interval_object(ratio)) == 0;
}

static bool set_roof(json_t *record, const matrix_figure *f) {
    if (f->roof_ns <= 0) return true;
    return json_object_set_new(record, "roof_ns", json_real(f->roof_ns)) == 0 &&
           json_object_set_new(record, "roof_kind", json_string(f->roof_kind)) == 0 &&
           json_object_set_new(record, "roof_percent", json_real(f->roof_percent.median)) == 0 &&
           json_object_set_new(record, "roof_percent_interval", interval_object(f->roof_percent)) == 0 &&
           json_object_set_new(record, "above_roof", json_boolean(f->above_roof)) == 0;
}

static bool set_shape(json_t *record, const matrix_figure *f) {
    json_t *shape = f->network ? json_pack("{s:s, s:[i,i,i,i]}", "recipe", "nested", "widths", 784, 100, 100, 10)
                               : json_pack("{s:I, s:I, s:s, s:I}", "out", (json_int_t)f->cell.of.out, "in",
                                           (json_int_t)f->cell.of.in, "cut", matrix_cut_name[f->cell.of.cut], "m",
                                           (json_int_t)f->cell.m);
    const bool ok = shape != NULL && json_object_update(record, shape) == 0;
    json_decref(shape);
    return ok;
}

static bool set_share(json_t *record, const matrix_figure *f) {
    return !f->network || (json_object_set_new(record, "time_share", interval_object(f->time_share)) == 0 &&
                           json_object_set_new(record, "flops_share", json_real(f->flops_share)) == 0);
}

json_t *matrix_record(const matrix_figure *f) {
    json_t *record = json_pack(
        "{s:s, s:s, s:s, s:I, s:f, s:I, s:f, s:o, s:O, s:O, s:I, s:I, s:I, s:I, s:f, s:f}", "kind",
        f->network ? "matrix_mlp" : "matrix", "kernel", f->kernel, "backend", f->backend->name, "batch",
        (json_int_t)f->cell.of.batch, "percent", f->cell.percent, "k", (json_int_t)f->cell.k, "flops", f->flops,
        "time_ns", interval_object(f->time_ns), "kernels", f->kernels, "peers", f->peers, "processes",
        (json_int_t)f->processes, "rounds", (json_int_t)f->rounds, "discarded", (json_int_t)f->discarded,
        "disturbed", (json_int_t)f->disturbed, "level", 0.95, "core_hz", f->core_hz);
    if (record != NULL && set_shape(record, f) &&
        set_peer(record, "best_peer", "peer_time_ns", "ratio_to_best_peer", "ratio_interval", f->best_peer,
                 f->peer_time_ns, f->ratio) &&
        set_peer(record, "naive_peer", "naive_time_ns", "ratio_to_naive", "naive_interval", f->naive_peer,
                 f->naive_time_ns, f->naive_ratio) &&
        set_roof(record, f) && set_share(record, f))
        return record;
    json_decref(record);
    return NULL;
}
