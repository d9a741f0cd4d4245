/* environment.h: what a run was measured under: settings of the system, speed of the core, who else was busy,
 * energy. Cannot fail: a fact that can't be had says why. */
#ifndef HARNESS_ENVIRONMENT_H
#define HARNESS_ENVIRONMENT_H

#include <jansson.h>
#include <stdint.h>

#include "../measure/counters.h"
#include "../measure/energy.h"
#include "../measure/fact.h"
#include "../measure/peak.h"
#include "machine.h"

/* Where the facts come from; what is zero or NULL is the machine itself. Tests bring their own. */
typedef struct environment_source {
    const char *proc, *sys;        /* "/proc", "/sys" */
    uint64_t (*now_ns)(void);      /* clock_now_ns */
    const counters_kernel *kernel; /* counters_system */
} environment_source;

/* What the system has counted so far. */
typedef struct environment_usage {
    uint64_t now_ns, ticks;          /* ticks: of the CPU's time counter; 0 without one */
    double own_s;                    /* processor time of this process and of its children that ended */
    double busy_s, steal_s, all_s;   /* of all processors: not idle; stolen; in all, idle and stolen included */
    double waited_s;                 /* this thread, ready but without a processor */
    char no_stat[120], no_wait[120]; /* why busy_s, steal_s, all_s; waited_s are not there; empty where they are */
} environment_usage;

typedef struct environment {
    environment_source source;
    machine machine;
    /* At the start: */
    fact governor, turbo, smt, aslr, transparent_huge_pages, microcode, affinity;
    fact processors_online, page_bytes, memory_available_bytes;
    fact counter[COUNTERS]; /* the word "available", or why not */
    /* Probed at the start and at every sample: */
    fact core_hz_start, core_hz_end, load_start, load_end;
    double core_hz_least, core_hz_greatest;
    fact fma_peak_gflops[PEAK_WIDTHS]; /* the greatest; unavailable where that width may not be used */
    /* From the start to the last sample: */
    double seconds;
    fact tsc_hz, others_processors, waited_percent, steal_percent;
    energy energy;
    environment_usage first;
} environment;

/* Reads the settings, probes the core (some 15 ms; not where it is emulated) and begins to count. source and m may
 * be NULL: this machine. */
void environment_start(environment *env, const environment_source *source, const machine *m);

/* Reads and probes once more what changes (some 15 ms). Between two calls a minute may pass, or two: see
 * energy_sample. */
void environment_sample(environment *env);

/* The document's `environment`, but for `libraries`, and its `run.energy`; NULL without memory. */
json_t *environment_json(const environment *env);
json_t *environment_energy_json(const environment *env);

/* For environment.c; one file each. */
void environment_settings(environment *env);                      /* settings.c */
environment_usage environment_usage_read(const environment *env); /* usage.c */
void environment_usage_since_start(environment *env);             /* usage.c: the facts "from the start" */

#endif
