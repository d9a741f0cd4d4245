/* run.h: `idp matrix`: every cell measured, in processes, beside the peers and the roofs. */
#ifndef HARNESS_MATRIX_RUN_H
#define HARNESS_MATRIX_RUN_H

#include "../progress.h"
#include "../results/results.h"
#include "judge.h"

typedef struct matrix_options {
    const idp_backend *backend[BACKENDS_MOST]; /* usable here */
    unsigned backends;
    matrix_choice choice; /* complete */
    bool quick;
    bool cells, networks; /* what is measured */
    size_t processes;     /* of a series; a layer that takes long has fewer */
    size_t rounds;        /* of a cell in each process, at most */
    double budget_s;      /* for the rounds of a cell in each process */
    uint64_t seed;
    const char *program; /* that is started as `program matrix --worker REQUEST`; NULL: this very program */
} matrix_options;

/* 3 processes, 40 rounds, 0.25 s; quick: 1 process, 20 rounds, 0.05 s. Nothing is chosen yet. */
matrix_options matrix_defaults(bool quick);

/* The hand-written back ends that are usable here; just `named` (may be NULL) where it is not. */
bool matrix_backends(const char *named, matrix_options *options, error *e);

/* Measures all of them, prints tables to `table` (may be NULL) as they come, and a summary: for each bar how many
 * cells hold, and those that do not. Appends the records to r (may be NULL). What was measured before a failure or
 * Ctrl-C is appended too. */
bool matrix_run(const matrix_options *options, progress *bar, results *r, FILE *table, error *e);

#endif
