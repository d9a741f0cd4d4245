/* sweep.h: what each percentage costs and yields: accuracy, FLOPs and the time of the whole network, for every
 * profile of a model. `idp sweep` and `idp run` call it. */
#ifndef HARNESS_SWEEP_H
#define HARNESS_SWEEP_H

#include <stdio.h>

#include "../data/dataset.h"
#include "../measure/paired.h"
#include "../model/model.h"
#include "../results/results.h"

enum { SWEEP_MOST_PERCENTS = 101, SWEEP_MOST_PROCESSES = 100 };

typedef struct sweep_options {
    double percent[SWEEP_MOST_PERCENTS]; /* each in [0, 100] */
    unsigned percents;                   /* 0: sweep_percents */
    bool forced;                         /* the user chose the back end: for the record */
    bool latency;                        /* measure times, too */
    double level;                        /* of the intervals */
    size_t rounds;                       /* paired rounds per process, profile and batch size, at most */
    double budget_s;                     /* for all rounds together; fewer rounds when it is over */
    size_t processes;                    /* independent measurements; 0: as many as the level needs, at least 12 */
    const char *model_path;              /* what the processes read; NULL, or one process: measured in this one */
    double slice_ns;                     /* see paired.h */
    const paired_clock *clock;           /* NULL: the machine's */
} sweep_options;

/* Latency at the level 0.99, at most 400 rounds of 200 us slices a process, 12 s of them in all. */
sweep_options sweep_defaults(void);

/* The same for a first look: 3 s. */
sweep_options sweep_quick(void);

/* The percentages that a model's recipe is usually shown at: the authors' twenty, 10 + 90 i / 19, for `authors`; 5,
 * 10 and every tenth otherwise. Returns how many. */
unsigned sweep_percents(const model *m, double *percent);

/* Sweeps every profile over all percentages. The percentages of one profile and batch size (1 and 128) are measured
 * in paired rounds, with 100 % always among them as the baseline of the ratios and of the A/A control, in several
 * processes (sweep_latency.h); one fixed image (batch), weights warm, the thread pinned. Appends one record of kind
 * `sweep` per profile and percentage to r (may be NULL), and prints a table to `table` (may be NULL). On failure
 * nothing is appended. */
bool sweep_model(const model *m, const idp_backend *backend, const dataset *data, const sweep_options *options,
                 results *r, FILE *table, error *e);

#endif
