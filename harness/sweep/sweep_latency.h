/* sweep_latency.h: the times of a whole network at every percentage, for every profile and both batch sizes. The
 * independent unit is a process: the program starts itself again several times, and what one process says (the
 * medians of its paired rounds) is one number. */
#ifndef HARNESS_SWEEP_LATENCY_H
#define HARNESS_SWEEP_LATENCY_H

#include <jansson.h>

#include "../measure/counters.h"
#include "sweep.h"

enum { SWEEP_BATCHES = 2, SWEEP_MOST_SAMPLES = 128 };

typedef struct sweep_batch {
    const char *field; /* in the record */
    size_t samples;
} sweep_batch;
extern const sweep_batch sweep_batches[SWEEP_BATCHES];

/* The times of one profile at one batch size. */
typedef struct sweep_times {
    interval time_ns[SWEEP_MOST_PERCENTS], of_full[SWEEP_MOST_PERCENTS]; /* of_full: over the time at 100 % */
    interval control;                                                    /* the A/A control: 100 % against itself */
    interval core_hz;                                                    /* all 0 where unavailable */
    size_t processes, rounds, discarded, disturbed;                      /* rounds of all processes */
    counters_value counted[SWEEP_MOST_PERCENTS][COUNTERS];               /* of one inference */
} sweep_times;

/* Measures all profiles; latencies: [profiles][SWEEP_BATCHES]. Where options->model_path is NULL, or with one
 * process, in this process; the intervals are then over its rounds. What
 * c lacks points into it: it must stay open as long as latencies are read. *pinned: whether the measuring threads
 * were held on a processor. */
bool sweep_latencies(const model *m, const idp_backend *backend, const sweep_options *options, progress *bar,
                     const counters *c, sweep_times *latencies, bool *pinned, error *e);

/* What a started process does: measures as the request (JSON) says and prints its answer (JSON) to standard output.
 * Returns an exit status. */
int sweep_worker(const char *request, error *e);

/* The answers of several processes, each an array over profiles of arrays over batches, joined into latencies.
 * False, naming the process, where an answer is not what sweep_worker prints. */
bool sweep_join(const json_t *const *answer, size_t answers, size_t profiles, const sweep_options *options,
                sweep_times *latencies, error *e);

#endif
