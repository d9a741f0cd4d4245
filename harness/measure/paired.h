/* paired.h: times of several variants of some work that can be compared, on a machine whose speed wanders.
 *
 * The variants are not measured one after the other, where a slow minute would be blamed on whoever ran in it, but
 * in rounds: every variant has one time slice in every round, in an order that a random cyclic Latin square changes
 * from round to round, so that each variant stands at each position equally often. A comparison is made of the
 * ratios within rounds. One variant, the baseline, has two slices: the ratio of its two slices (the A/A control)
 * should be 1, and what it differs from 1 is what this run cannot see. Rounds in which the thread lost its
 * processor are thrown away whole. */
#ifndef HARNESS_MEASURE_PAIRED_H
#define HARNESS_MEASURE_PAIRED_H

#include <stddef.h>
#include <stdint.h>

#include "../error.h"
#include "../progress.h"
#include "stats.h"

/* One thing to measure: run does it `iterations` times. */
typedef struct paired_variant {
    void (*run)(void *state, uint64_t iterations);
    void *state;
} paired_variant;

/* Where time comes from; tests bring their own. */
typedef struct paired_clock {
    uint64_t (*now_ns)(void *context);
    uint64_t (*preemptions)(void *context); /* see clock_preemptions */
    double (*core_hz)(void *context);       /* 0: unavailable */
    void *context;
} paired_clock;

/* clock.h's. */
extern const paired_clock paired_machine_clock;

typedef struct paired_options {
    size_t rounds;     /* undisturbed rounds wanted */
    double budget_s;   /* the rounds end after this time with fewer, if they are enough for `level`; INFINITY: no */
    double slice_ns;   /* time of one variant in one round */
    double warm_up_ns; /* all variants in turn, before the first measurement */
    double level;      /* the least level that any interval is wanted at: decides how few rounds are enough */
    uint64_t seed;     /* of the orders */
    size_t baseline;   /* the variant that has the A/A control */
    const paired_variant *control; /* what runs in the A/A control's slot, made just like the baseline but with
                                      memory of its own; NULL: the baseline itself */
    bool shared_iterations;    /* the same number of iterations a slice for all variants (alike ones): the slowest
                                  fills    its slice. Otherwise each has its own number, fixed in all rounds, and fills
                                  its slice */
    const paired_clock *clock; /* NULL: paired_machine_clock */
    progress *bar;             /* may be NULL; goes on by bar_part until the last round */
    double bar_part;
    const char *bar_detail;
} paired_options;

/* 200 us slices after 10 ms of warm-up: 1000 times what wide vector units take to power up, and long against the
 * clock's own 20 to 50 ns. 100 rounds, level 0.99, no budget, own iterations, baseline 0, seed 1. */
paired_options paired_defaults(void);

/* What was measured: one row per round. Slots 0 .. variants-1 are the variants, slot `variants` the A/A control. */
typedef struct paired_samples {
    size_t variants, baseline;
    size_t rounds;        /* rows kept */
    size_t discarded;     /* rounds thrown away because the thread lost its processor in them */
    size_t disturbed;     /* such rounds that were kept, because there were too few others; then discarded is 0 */
    uint64_t *iterations; /* [variants + 1], of one slice */
    double *ns;           /* [rounds][variants + 1], of one iteration */
    double *core_hz;      /* [rounds], probed before each round; 0 where unavailable */
    double *scratch;      /* [3][rounds], for the functions below */
} paired_samples;

/* Measures. On success paired_free the samples. Fails when memory runs out, when the clock stands still, when the
 * rounds wanted are too few for the level, when a variant can't be told from the clock's resolution, and on Ctrl-C.
 */
bool paired_measure(const paired_variant *variant, size_t variants, const paired_options *options,
                    paired_samples *samples, error *e);
void paired_free(paired_samples *samples);

/* Median ns of one iteration. slot: 0 .. variants. */
interval paired_time(paired_samples *samples, size_t slot, double level);

/* Median of time(slot) / time(against), within rounds. */
interval paired_ratio(paired_samples *samples, size_t slot, size_t against, double level);

/* The A/A control: the baseline against itself. What is smaller than its distance from 1 is noise. */
interval paired_control(paired_samples *samples, double level);

/* Median, least and greatest of the core clock over the rounds, Hz; all 0 where unavailable. */
interval paired_core_hz(paired_samples *samples);

#endif
