/* gbench.h: Google Benchmark for C. gbench.cc is the program's only C++ file; no exception leaves it. */
#ifndef HARNESS_GBENCH_H
#define HARNESS_GBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "../error.h"

typedef struct gbench_case {
    const char *name; /* unique; filters and reports know it by this */
    void *state;
    /* Makes the state ready (buffers filled); outside the timed part; called before every run, also when it is
     * ready. */
    bool (*ready)(void *state, error *e);
    void (*run)(void *state, uint64_t iterations); /* the timed part */
    double flops;                                  /* of one iteration: shown as a rate */
} gbench_case;

/* One case, all its repetitions: wall clock of one iteration, their median, least and greatest. */
typedef struct gbench_result {
    size_t index; /* of the case */
    double median_ns, low_ns, high_ns;
    double cpu_ns;       /* median of the CPU time: less than median_ns where other work shared the processor */
    uint64_t iterations; /* of each repetition */
    unsigned repetitions;
} gbench_result;

typedef struct gbench_options {
    unsigned repetitions; /* at least 1 */
    double min_time_s;    /* of one repetition, above 0 */
    bool medians_only;    /* show one line a case, its median, instead of every repetition and statistic */
    int extra_count;      /* further options of Google Benchmark, unchanged; they win */
    char *const *extra;
    bool (*stop)(void); /* asked before every run: true ends the series quietly */
    void (*result)(void *user, const gbench_result *result);
    void *user;
} gbench_options;

/* Runs the cases that the filter lets through, in order, and prints Google Benchmark's table on standard output.
 * *matched (may be NULL): how many cases the filter let through. Fails on an option that Google Benchmark does not
 * know, a filter that matches nothing, and a case that does not get ready. */
bool gbench_run(const gbench_case *cases, size_t count, const gbench_options *options, size_t *matched, error *e);

#ifdef __cplusplus
}
#endif
#endif
