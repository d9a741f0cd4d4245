/* versus_worker.h: the other side of versus_measure: one process that measures. Request and report are JSON, the
 * request as an argument, the report as one line on standard output. */
#ifndef HARNESS_VERSUS_WORKER_H
#define HARNESS_VERSUS_WORKER_H

#include "versus.h"

/* What process number `index` gets to do: all workloads, or only workload `alone` (-1: all), with about budget_s
 * for its rounds; it ends itself after limit_s. free() it; NULL without memory. */
char *versus_request(const versus_options *o, size_t index, int alone, double budget_s, double limit_s);

/* Does it, and makes the report (free() it). Sets the floating-point mode of the calling thread. */
bool versus_work(const char *request, char **report, error *e);

/* Reads the report of a process that had so many workloads. */
bool versus_report(const char *report, unsigned workloads, versus_process *process, error *e);

#endif
