/* workload_peer.h: the side of a workload that is another library's; for workload.c. */
#ifndef HARNESS_MEASURE_WORKLOAD_PEER_H
#define HARNESS_MEASURE_WORKLOAD_PEER_H

#include "../model/random.h"
#include "workload.h"

/* Whether the peer can do the job: an error that says which jobs it can. */
bool workload_peer_serves(const workload_spec *spec, error *e);

/* As workload_make: the same numbers, the same places, the same bias, ReLU and gamma. Samples lie close together.
 */
bool workload_peer_make(const workload_spec *spec, const workload_place *place, workload *w, error *e);

/* `count` floats that start at a cache line of a page. */
float *workload_floats(size_t count, size_t line, void **memory);

/* Uniform in [low, high). */
void workload_fill(float *values, size_t count, double low, double high, random_state *random);

#endif
