/* idp_budget.h: a time for every inference, and the percentage that keeps to it.
 *
 * A calibration measures, on this machine, how long an inference takes at each of up to a hundred percentages. A
 * budget chooses from it: of the percentages whose 99th percentile fits the time, the largest. Each inference tells
 * the budget how long it took; where the machine has become slower (other work, a lower clock, another tenant of
 * the core) the calibrated times are stretched until they are right again, and come back when it recovers.
 *
 *     idp_calibration calibration = {.samples = 1, .levels = n, .level = {{percent, profile}, ...}};
 *     idp_calibrate(mlp, x, y, workspace, 0, &calibration);
 *     idp_budget_create(&calibration, &budget);
 *     idp_budget_run(budget, mlp, time_ns, x, y, workspace, &choice);
 */
#ifndef IDP_BUDGET_H
#define IDP_BUDGET_H

#include "idp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { IDP_BUDGET_LEVELS = 100 /* most levels of a calibration */ };

/* One percentage, and how long an inference takes there. */
typedef struct idp_level {
    double percent;   /* within [0, 100] */
    size_t profile;   /* of the network */
    double median_ns; /* of an inference */
    double late_ns;   /* 99th percentile: of a hundred inferences one takes longer */
} idp_level;

/* Plain data: a program may keep it and calibrate only once on a machine. */
typedef struct idp_calibration {
    size_t samples;                     /* of an inference, at least 1 */
    size_t levels;                      /* 1 .. IDP_BUDGET_LEVELS */
    double overhead_ns;                 /* what the budget itself takes of an inference; in the times below */
    idp_level level[IDP_BUDGET_LEVELS]; /* percentages ascend; times never descend */
} idp_calibration;

/* Measures the levels whose percentage and profile are set, in turn, for about `seconds` (0: half a second) but at
 * least 24 times each. x, y and workspace as for idp_mlp_run with calibration->samples samples. Allocates. Run it
 * on the machine, CPU and load that are to be the normal case. */
idp_status idp_calibrate(const idp_mlp *mlp, const float *x, float *y, void *workspace, double seconds,
                         idp_calibration *calibration);

/* Chooses percentages. One budget serves any number of threads at once. */
typedef struct idp_budget idp_budget;

/* Allocates; nothing else here does. Keeps a copy of the calibration. */
idp_status idp_budget_create(const idp_calibration *calibration, idp_budget **budget);

/* Frees it; NULL is fine. */
void idp_budget_destroy(idp_budget *budget);

/* Samples of an inference, as calibrated. */
size_t idp_budget_samples(const idp_budget *budget);

/* What a budget decided. */
typedef struct idp_choice {
    size_t level;   /* of the calibration */
    double percent; /* of that level */
    size_t profile; /* of that level */
    double late_ns; /* its 99th percentile times idp_budget_slowness: 99 of 100 are to take no longer */
    bool fits;      /* false: even the smallest percentage, which this is, takes longer than the time given */
} idp_choice;

/* The largest percentage that fits time_ns. Never waits. */
idp_status idp_budget_choose(const idp_budget *budget, double time_ns, idp_choice *choice);

/* Tells how long the inference of a choice took. Never waits: while another thread tells, this one's is dropped. */
void idp_budget_note(idp_budget *budget, const idp_choice *choice, double elapsed_ns);

/* What calibrated times are multiplied by: how much slower the machine now is than calibrated, less the 5 % that a
 * quiet one shows now and then, times a margin of at least 1.02 that keeps 99 of 100 inferences in time. */
double idp_budget_slowness(const idp_budget *budget);

/* Chooses, runs and tells. x, y and workspace as for idp_mlp_run with the calibration's samples; choice may be
 * NULL. Allocates nothing; each thread needs its own y and workspace. */
idp_status idp_budget_run(idp_budget *budget, const idp_mlp *mlp, double time_ns, const float *x, float *y,
                          void *workspace, idp_choice *choice);

#ifdef __cplusplus
}
#endif
#endif
