/* worker.h: one process of `idp matrix`: it measures a series, all its percentages one after the other, or a whole
 * network. Request and answer are JSON, the request as an argument, the answer as one line on standard output. */
#ifndef HARNESS_MATRIX_WORKER_H
#define HARNESS_MATRIX_WORKER_H

#include <jansson.h>

#include "layer.h"

/* What a process gets to do. */
typedef struct matrix_request {
    const idp_backend *backend;
    bool network;         /* 784-100-100-10, nested; else the series */
    matrix_series series; /* of a network only the batch counts */
    double percent[MATRIX_PERCENTS];
    unsigned percents;
    size_t rounds;   /* undisturbed ones of each cell, at most */
    double budget_s; /* for the rounds of a cell; the least number of rounds may take longer */
    double limit_s;  /* the process ends itself */
    uint64_t seed;
} matrix_request;

/* free() it; NULL without memory. */
char *matrix_request_write(const matrix_request *request);
bool matrix_request_read(const char *text, matrix_request *request, error *e);

/* Answer: [{"percent", "rounds", "discarded", "disturbed", "core_hz", "rows": [{"name", "role", "rough_ns",
 * "ns": [one a round, or none where it was left out]}]}], a cell for each percentage that leaves something. */
bool matrix_work(const char *request, char **answer, error *e);

/* Times the rows in paired rounds: rows that are left out are not run. *samples' variants are the others, in order.
 */
bool matrix_measure(matrix_row *const *row, size_t rows, const matrix_request *request, paired_samples *samples,
                    error *e);

/* A cell of the answer. `rows`, the samples and *slot, the number of the first row's variant, which moves on. */
json_t *matrix_answer(double percent, matrix_row *const *row, size_t rows, paired_samples *samples, size_t *slot);

/* Where rounds of all rows would take longer than budget_s allows, leaves out the peers that a first look
 * (rough_ns) found clearly behind the fastest one. Of the naive rows those near the fastest of them stay: another
 * process may find another one fastest, and a row counts only where all processes have it. */
void matrix_leave_out(matrix_row *const *row, size_t rows, double budget_s);

/* A network's answer: mlp.c. NULL on failure. */
json_t *matrix_network_work(const matrix_request *request, error *e);

#endif
