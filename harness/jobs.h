/* jobs.h: independent computations in child processes, several at a time, each giving a row of numbers. Processes
 * rather than threads: training draws its progress and may use threads of its own. */
#ifndef HARNESS_JOBS_H
#define HARNESS_JOBS_H

#include "progress.h"

#include "error.h"
#include <stddef.h>

enum { JOBS_MOST_VALUES = 256, JOBS_MOST_PARALLEL = 64 };

typedef struct jobs {
    size_t count, values; /* jobs; numbers that each gives, at most JOBS_MOST_VALUES */
    size_t parallel;      /* children at a time, 1 .. JOBS_MOST_PARALLEL; jobs start in their order */
    bool (*run)(const void *context, size_t job, double *value, error *e); /* in the child; value: [values] */
    const void *context;
    double (*cost)(const void *context, size_t job); /* of the bar, in any unit */
    void (*name)(const void *context, size_t job, char *text, size_t text_size);
} jobs;

/* Runs them all. results: [count][values]. At the first failure, and when interrupted, the children still running
 * are ended, and the error names the job. `what` stands before the bar. */
bool jobs_run(const jobs *j, const char *what, double *results, error *e);

#endif
