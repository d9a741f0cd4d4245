/* versus.h: which of several workloads is faster, and how sure that is.
 *
 * What is measured once in one process shares that process's memory layout and its moment. So the unit that counts
 * is a process: the same program is started many times, and each time measures all workloads in paired rounds
 * (paired.h) with memory placed anew. A process's estimate of a ratio is the median over its rounds; the result is
 * the median over processes, with an exact interval (stats.h). The first workload, the baseline, is there twice,
 * the second time with memory of its own: how far this A/A control strays from 1 is the noise floor, and a
 * difference is called only where the ratio's whole interval lies beyond it. docs/measuring.md tells users. */
#ifndef HARNESS_VERSUS_H
#define HARNESS_VERSUS_H

#include <jansson.h>
#include <stdint.h>

#include "../error.h"
#include "../measure/clock.h"
#include "../measure/stats.h"
#include "../measure/workload.h"
#include "../progress.h"

enum { VERSUS_MOST = 16, VERSUS_MOST_PROCESSES = 500, VERSUS_LEAST_ROUNDS = 8, VERSUS_MOST_ROUNDS = 100000 };

typedef struct versus_options {
    workload_spec workload[VERSUS_MOST]; /* alike but for kernel, percentage and extra calls; [0] is the baseline */
    unsigned workloads;                  /* at least 2 */
    double percent;                      /* as workload_shape */
    size_t processes;                    /* at least versus_processes_needed */
    size_t rounds;                       /* undisturbed ones of each process */
    double level;                        /* with which all intervals of the table hold together */
    double limit_s;                      /* for everything; rounds get fewer where they would take longer */
    uint64_t seed;
    size_t cold_bytes;   /* see workload_place */
    bool ftz;            /* take subnormal numbers for zero; else IEEE arithmetic is set */
    bool unpaired;       /* also measure one workload after the other */
    const char *held;    /* libraries are held to this back end's instruction set (see peer_environment); NULL: to
                            the widest that the kernels here are made for; of no effect where no library is named */
    const char *program; /* that is started as `program versus --worker REQUEST`; NULL: this very program */
} versus_options;

/* 20 processes of 250 rounds, level 0.99, 60 s, seed 1, warm. No workloads yet. */
versus_options versus_defaults(void);

/* What the processes get into their environment, for the libraries' sake; NULL where no library is compared. */
const char *const *versus_environment(const versus_options *o);

/* Of each interval, so that all comparisons hold together at options->level. */
double versus_each_level(const versus_options *o);

/* The least number of processes for such intervals. */
size_t versus_processes_needed(const versus_options *o);

/* What one process measured. */
typedef struct versus_process {
    uint64_t seed;
    size_t rounds, discarded, disturbed; /* see paired_samples */
    double core_hz;                      /* median; 0 where it can't be told */
    bool pinned;
    ftz_mode ftz;
    double time_ns[VERSUS_MOST];   /* of one iteration, the median over rounds */
    double log_ratio[VERSUS_MOST]; /* of the workload's time to the baseline's, the median over rounds; [0]: the A/A
                                      control's */
} versus_process;

typedef struct versus_samples {
    versus_process *process; /* [processes], all workloads in paired rounds */
    size_t processes;
    versus_process
        *alone[VERSUS_MOST]; /* [processes] each, one workload after the other; NULL where not asked for */
} versus_samples;

/* Measures. `bar` may be NULL; it advances from 0 to 1. When the time is up, what was measured stands if there are
 * enough processes. Otherwise, and when a process dies or the user stops, it fails; no child is left. On success
 * versus_free the samples. */
bool versus_measure(const versus_options *o, progress *bar, versus_samples *samples, error *e);
void versus_free(versus_samples *samples);

typedef enum versus_verdict { VERSUS_SAME, VERSUS_FASTER, VERSUS_SLOWER } versus_verdict;

/* "no difference", "faster", "slower": of the workload against the baseline. */
const char *versus_verdict_name(versus_verdict verdict);

/* One workload. */
typedef struct versus_figures {
    interval time_ns;
    interval ratio; /* to the baseline; [0]: the A/A control */
    versus_verdict verdict;
    double detectable; /* 0.01: a difference of 1 % was the smallest that could have been called */
    interval unpaired; /* the ratio again, of times measured one workload after the other; 0 where not asked for */
} versus_figures;

typedef struct versus_result {
    size_t processes, rounds, discarded, disturbed; /* rounds: of all processes together */
    double each_level;
    size_t rank;        /* intervals go from the rank-th smallest to the rank-th largest process */
    double noise_floor; /* 0.001: ratios within 0.1 % of 1 are noise */
    versus_figures of[VERSUS_MOST];
} versus_result;

/* From samples to verdicts; pure. */
void versus_judge(const versus_options *o, const versus_samples *samples, versus_result *result);

/* The record of kind `versus` for workload w, from 1; NULL without memory. */
json_t *versus_record(const versus_options *o, const versus_samples *samples, const versus_result *result,
                      unsigned w);

typedef struct versus_trust {
    size_t same, called;   /* comparisons of the baseline with itself; of these, called different */
    size_t planted, found; /* comparisons with a planted slowdown; of these, called slower */
} versus_trust;

/* Tries the measurement itself: `tries` comparisons of workload[0] with itself, and a fifth as many with itself
 * made `planted_percent` slower. Other than in o: two workloads, limit_s for each comparison. Calls `tell` (may be
 * NULL) after each, whose result it may record. */
bool versus_try(const versus_options *o, size_t tries, double planted_percent, progress *bar,
                void (*tell)(void *context, const versus_options *o, const versus_samples *samples,
                             const versus_result *result),
                void *context, versus_trust *trust, error *e);

#endif
