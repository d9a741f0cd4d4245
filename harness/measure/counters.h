/* counters.h: hardware counters around a call: cycles, instructions, cache misses, float32 arithmetic. A counter
 * that can't be read says why; it is never 0. Linux only (perf_event_open); elsewhere all say so. */
#ifndef HARNESS_MEASURE_COUNTERS_H
#define HARNESS_MEASURE_COUNTERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum counter {
    COUNTER_CYCLES,
    COUNTER_INSTRUCTIONS,
    COUNTER_CACHE_MISSES, /* of the last level */
    /* Float32 arithmetic instructions by register width, a fused multiply-add counted twice, so that lanes times
     * count is FLOPs (FP_ARITH_INST_RETIRED.*_SINGLE). Intel's large cores from Broadwell on. */
    COUNTER_FP_SCALAR,
    COUNTER_FP_128,
    COUNTER_FP_256,
    COUNTER_FP_512,
    COUNTERS
} counter;

typedef struct counters_sample {
    uint64_t count, enabled_ns, running_ns; /* running less than enabled: several groups shared the hardware */
} counters_sample;

/* What the operating system offers; tests bring their own. open, control and read return -1, with errno, on
 * failure.
 */
typedef struct counters_kernel {
    int (*open)(void *context, counter which, int group); /* descriptor; group: the leader's, or -1 for a leader */
    int (*control)(void *context, int group, bool on);    /* of the whole group */
    int (*read)(void *context, int descriptor, counters_sample *sample);
    void (*close)(void *context, int descriptor);
    bool (*named)(void *context, counter which); /* the event is known for this core by its name; NULL: none is */
    void *context;
    const char *proc, *sys; /* "/proc", "/sys": where settings and the core's name are read */
} counters_kernel;

extern const counters_kernel counters_system;

typedef struct counters {
    const counters_kernel *kernel;
    struct {
        int descriptor;        /* -1: not open */
        char unavailable[160]; /* why; empty while it is open */
    } counter[COUNTERS];
} counters;

typedef struct counters_value {
    double count;            /* of one iteration; NAN where there is none */
    const char *unavailable; /* why there is none, else NULL; lives as long as the counters are open */
} counters_value;

/* Opens what there is, for the calling thread, user mode only. Cannot fail: see counters_any. kernel NULL:
 * counters_system. */
void counters_open(counters *c, const counters_kernel *kernel);
void counters_close(counters *c);

/* Whether at least one counter is open. */
bool counters_any(const counters *c);

/* Calls run(state, iterations) once for each group of counters: all that is in one group is counted in the same
 * call. The calls should take about a millisecond, against which switching the counters on is nothing. */
void counters_count(const counters *c, void (*run)(void *state, uint64_t iterations), void *state,
                    uint64_t iterations, counters_value value[COUNTERS]);

/* The object `counters` of a record, as reports/SCHEMA.md has it; NULL without memory. */
json_t *counters_json(const counters_value value[COUNTERS]);

const char *counter_name(counter which); /* "cycles", ... */

/* Why it can't be counted; NULL where it can. */
const char *counter_unavailable(const counters *c, counter which);

#endif
