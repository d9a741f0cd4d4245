/* energy.h: joules that the processor sockets and their memory took, from the counters that Linux shows as powercap
 * (RAPL). They move in coarse steps, so only spans of a second or more mean anything. */
#ifndef HARNESS_MEASURE_ENERGY_H
#define HARNESS_MEASURE_ENERGY_H

#include <stdint.h>

#include "fact.h"

typedef enum energy_domain { ENERGY_PACKAGE, ENERGY_DRAM, ENERGY_DOMAINS } energy_domain;

enum { ENERGY_ZONES = 32 };

typedef struct energy {
    struct {
        char folder[300];
        energy_domain domain;
        uint64_t last_uj, range_uj; /* of the counter: it goes from 0 to range_uj and begins again */
    } zone[ENERGY_ZONES];           /* one per socket and domain */
    unsigned zones;
    double joules[ENERGY_DOMAINS];          /* since the start, all zones of the domain */
    fact trouble[ENERGY_DOMAINS];           /* unavailable: that domain's joules mean nothing */
    uint64_t start_ns, last_ns, longest_ns; /* longest_ns: no counter can wrap twice in that time */
} energy;

/* sys: "/sys". now_ns: of any clock that does not go back. */
void energy_start(energy *m, const char *sys, uint64_t now_ns);

/* Adds what was used since the last call. Call it every minute or so: a counter may wrap once
 * between two calls. */
void energy_sample(energy *m, uint64_t now_ns);

/* Joules from the start to the last sample. */
fact energy_joules(const energy *m, energy_domain domain);

/* "package_j", "dram_j" */
const char *energy_name(energy_domain domain);

#endif
