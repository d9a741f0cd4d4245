/* bench.h: microbenchmarks of kernels with Google Benchmark: kernel x layer shape x batch x percentage. */
#ifndef HARNESS_BENCH_H
#define HARNESS_BENCH_H

#include <stdio.h>

#include "../backends.h"
#include "../results/results.h"

enum {
    BENCH_SHAPES = 64,
    BENCH_BATCHES = 16,
    BENCH_PERCENTS = 101,
    BENCH_MAX_WIDTH = 16384,
    BENCH_MAX_BATCH = 65536
};

typedef struct bench_shape {
    size_t out, in;
} bench_shape;

typedef struct bench_options {
    const idp_backend *backend[BACKENDS_MOST]; /* usable here; see backend_list */
    unsigned backends;
    bool forced;        /* the user named the back ends: see backend_forced */
    bool peers;         /* other libraries too: those of one sample, and the others at every batch size */
    const char *kernel; /* POSIX extended regular expression that a kernel's or peer's name must match; NULL: all */
    bench_shape shape[BENCH_SHAPES];
    unsigned shapes;
    size_t batch[BENCH_BATCHES]; /* of the batch kernels; the layouts panel and row take one sample */
    unsigned batches;
    double percent[BENCH_PERCENTS]; /* of the input channels; all outputs are computed */
    unsigned percents;
    unsigned repetitions; /* at least 1 */
    double min_time_s;    /* of one repetition; 0: what makes the whole series take about budget_s */
    double budget_s;
    char *const *google; /* options passed on to Google Benchmark unchanged */
    int google_count;
} bench_options;

/* The default series, of about a minute; quick: of about ten seconds. No back ends yet: see backend_list. */
void bench_defaults(bench_options *options, bool quick);

/* Measures, prints Google Benchmark's table on standard output, then a summary there, and appends records of the
 * kind bench. Interrupted, it keeps what was measured and fails. */
bool bench_run(const bench_options *options, results *r, error *e);

/* The name of one benchmark, as Google Benchmark shows it, and back. */
typedef struct bench_name {
    char kernel[96];
    size_t out, in, m, k, batch;
} bench_name;
void bench_name_print(const bench_name *name, char *text, size_t text_size);
bool bench_name_parse(const char *text, bench_name *name);

#endif
