/* records.h: a results document as C structures, and what the report derives from them: networks with a curve per
 * profile, benches by shape. Strings are borrowed from the document. Percentages run from 0 to 100, times are
 * nanoseconds, an absent optional figure is NaN, an absent optional text NULL, an absent optional flag -1. */
#ifndef REPORTS_RECORDS_H
#define REPORTS_RECORDS_H

#include <jansson.h>

#include "../harness/error.h"
#include "../harness/measure/stats.h" /* interval */

/* ---- the records themselves, field by field as in SCHEMA.md -------------------------------------------------- */

typedef struct train_record {
    const char *model, *recipe, *gamma, *backend;
    json_int_t profile, seed, epochs;
    double range_percent[2], seconds, loss, accuracy_percent;
} train_record;

typedef struct reproduce_record {
    const char *model, *recipe, *gamma, *verdict;
    json_int_t profile, k, seeds;
    double range_percent[2], percent, mean_percent, sd_percent, train_seconds;
    double low_percent, high_percent, expected_percent, expected_sd; /* NaN where there is none */
    int inside;
} reproduce_record;

/* How the times of one sweep record at one batch size were measured; all optional. */
typedef struct sweep_trace {
    interval time_ratio, aa_ratio, core_hz;
    double processes, rounds, discarded, disturbed, issued_flops;
} sweep_trace;

typedef struct sweep_record {
    const char *model, *recipe, *gamma, *backend;
    json_int_t profile, k, seed;
    double range_percent[2], percent, accuracy_percent, nominal_flops, useful_flops;
    interval batch_1, batch_128; /* latency_ns; optional */
    sweep_trace trace_1, trace_128;
    double level; /* optional, like the rest */
    const char *issued_flops_source;
    int pinned, ftz;
} sweep_record;

typedef struct bench_record {
    const char *kernel, *backend;
    json_int_t out, in, batch, m, k;
    double percent, gflops, repetitions; /* repetitions: optional */
    interval time_ns;
    int ftz; /* optional */
} bench_record;

typedef struct prediction_record {
    const char *kernel, *architecture, *cpu, *tool, *tool_version;
    double instructions_per_multiply_add, cycles_per_multiply_add;
    interval measured;
    int host;
} prediction_record;

typedef struct verify_record {
    const char *kernel, *backend, *status, *reason;
    json_int_t cases, seed;
    double worst_error_over_bound; /* optional */
} verify_record;

/* Shape and size of what versus compares and flops counts; all optional. */
typedef struct layer_size {
    double out, in, batch, percent, m, k;
} layer_size;

typedef struct versus_record {
    const char *a, *b, *verdict;
    double ratio, low, high, level, detectable; /* detectable: optional */
    json_int_t rounds, discarded, processes;
    interval aa_ratio, a_time_ns, b_time_ns, unpaired; /* optional */
    const json_t *estimates;                           /* optional: one object a process */
    layer_size size;
    int warm, ftz; /* optional */
} versus_record;

typedef struct epoch_record {
    const char *implementation, *backend, *form; /* backend, form: optional */
    json_int_t threads;
    interval seconds, ratio;
    double roof_percent;
} epoch_record;

typedef struct control_record {
    const char *command;
    json_int_t cases;
    interval ratio;
    double detectable_percent;
} control_record;

typedef struct flops_record {
    const char *kernel, *backend;
    const char *status, *reason, *requested_isa, *resolved_isa, *executed_isa, *method,
        *memory_level; /* optional */
    layer_size size;
    /* All optional: absent where nothing could be counted. FLOPs count a multiply-add as two. */
    double instructions, nominal_flops, issued_flops, fixed_flops, fixed_instructions, padded_lanes, masked_lanes;
    double output_padding, sample_padding, channel_padding; /* multiply-adds, predicted */
    double footprint_bytes;
} flops_record;

typedef struct refine_record {
    const char *model, *backend;
    json_int_t batch, rounds;
    double from_percent, percent, from_flops, fresh_flops, refine_flops, level;
    interval from_ns, fresh_ns, refine_ns, difference_ns, both_ratio;
} refine_record;
/* A cell of `matrix`, or the whole network of `matrix_mlp` at one percentage. What is optional is absent where no
 * peer was there or no roof could be measured. */
typedef struct cell_record {
    const char *kernel, *backend;
    const char *cut, *best_peer, *naive_peer, *roof_kind, *reason; /* optional; reason: of a network */
    json_int_t batch, k;
    double percent;
    double out, in, m; /* optional: a network has none */
    interval time_ns;
    interval peer_time_ns, naive_time_ns, ratio, naive_ratio, roof_percent, time_share; /* optional */
    double roof_ns, flops_share;                                                        /* optional */
    int above_roof;                                                                     /* optional */
} cell_record;

typedef struct roof_record {
    const char *resource, *unit;
    double value;
    interval range; /* optional, like the rest */
    double bytes, prefetch_bytes, streams;
} roof_record;

/* ---- sweep records, grouped ---------------------------------------------------------------------------------- */

/* One profile at one percentage; over the seeds: the mean, and the least and greatest. */
typedef struct point {
    double percent, accuracy, accuracy_low, accuracy_high, nominal_flops, useful_flops;
    double issued_1, issued_128; /* FLOPs per sample that the kernels issue; NaN where not told */
    json_int_t k;
    size_t seeds;
    interval batch_1, batch_128; /* time; over the seeds: mean of the medians, least low, greatest high */
    interval ratio_1, ratio_128; /* likewise, to the profile's own time at 100 %, paired; NaN: not told */
} point;

typedef struct curve {
    json_int_t profile;
    double from_percent, to_percent; /* the profile's own part of the range */
    const point *point;              /* [points], percent ascending */
    size_t points;
} curve;

/* The sweep of one model (that is, of the networks of that name, one per seed) on one back end. */
typedef struct network {
    const char *model, *recipe, *gamma, *backend;
    bool backend_matters; /* the document has this model on another back end as well */
    const curve *curve;   /* [curves], profile ascending */
    size_t curves;
    const point *full; /* 100 % with the profile that serves it: what savings are measured against; or NULL */
} network;

/* The curve whose part holds `percent`: the last one that begins below it; at 0 the first. */
const curve *network_serving(const network *n, double percent);

/* One percentage as the network would be used there. */
typedef struct served {
    const curve *curve;
    const point *point;
} served;

/* At each percentage the profile that serves it, ascending. The caller frees; NULL without memory. */
served *network_served(const network *n, size_t *count);

/* The curve's point at `percent`, or NULL. */
const point *curve_at(const curve *c, double percent);

/* Whether the point lies inside the curve's own part. */
bool curve_owns(const curve *c, const point *at);

/* The curve's point inside its own part that is nearest to `percent`, or NULL. */
const point *curve_nearest(const curve *c, double percent);

/* Per cent of the full network's cost that a point saves: 100 (1 - cost / cost of full). NaN where `full` is NULL
 * or a cost is not known. Exact figures have low = median = high. Time is measured against the profile's own 100 %
 * in the same rounds, and has the interval of that; where it is not told, low and high are the least and the
 * greatest that the intervals of the two times allow. Full itself saves exactly 0. */
interval saved_flops(const point *at, const point *full); /* the useful count */
interval saved_nominal_flops(const point *at, const point *full);
interval saved_issued_1(const point *at, const point *full);
interval saved_issued_128(const point *at, const point *full);
interval saved_time_1(const point *at, const point *full); /* batch 1 */
interval saved_time_128(const point *at, const point *full);

/* ---- all of them --------------------------------------------------------------------------------------------- */

typedef struct records {
    const json_t *machine, *build, *run; /* objects, possibly empty */
    json_t *environment, *warnings;      /* or NULL */
    bool synthetic;                      /* accuracy is on the built-in digits */
    const char *data_name;               /* or NULL when the run used no data */
    train_record *train;
    reproduce_record *reproduce;
    sweep_record *sweep;
    bench_record *bench;
    control_record *control;
    prediction_record *prediction;
    verify_record *verify;
    versus_record *versus;
    flops_record *flops;
    refine_record *refine;
    cell_record *cell, *whole; /* whole: networks */
    roof_record *roof;
    epoch_record *epoch;
    size_t trains, sweeps, benches, controls, verifies, predictions, versuses, flopses, refines, cells, wholes,
        roofs, reproduces, epochs;
    network *network; /* [networks], in order of first appearance */
    size_t networks;
    size_t total; /* of all kinds, those unknown to the report included */

    curve *curve_store; /* what network[] and curve[] point into */
    point *point_store;
} records;

/* Reads the document, which must outlive r. A record that lacks a field, or has one of another type, is an error
 * that names record and field. */
bool records_read(records *r, const json_t *document, error *e);
void records_free(records *r);

#endif
