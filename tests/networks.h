/* networks.h: random networks of incomplete layers, and what they should answer: a chain of oracle layers. */
#ifndef TESTS_NETWORKS_H
#define TESTS_NETWORKS_H

#include "idp.h"
#include "model/random.h"

enum { /* at most */
       NETWORK_LAYERS = 4,
       NETWORK_WIDTH = 130,
       NETWORK_PROFILES = 3,
       NETWORK_BOUNDARIES = 3,
       NETWORK_BATCH = 300
};

extern random_state network_rng; /* seed it first */

typedef struct network {
    size_t layers, profiles, width[NETWORK_LAYERS + 1];
    bool incomplete[NETWORK_LAYERS + 1];
    float w[NETWORK_PROFILES][NETWORK_LAYERS][NETWORK_WIDTH * NETWORK_WIDTH],
        b[NETWORK_PROFILES][NETWORK_LAYERS][NETWORK_WIDTH],
        gamma[NETWORK_PROFILES][NETWORK_LAYERS + 1][NETWORK_WIDTH];
    const float *w_at[NETWORK_PROFILES][NETWORK_LAYERS], *b_at[NETWORK_PROFILES][NETWORK_LAYERS],
        *gamma_at[NETWORK_PROFILES][NETWORK_LAYERS + 1];
    idp_mlp_profile profile[NETWORK_PROFILES];
    size_t boundaries;
    double boundary[NETWORK_BOUNDARIES];
} network;

/* Borrows n's arrays. */
idp_mlp_spec network_spec(const network *n);

/* True once in n times. */
bool network_one_in(size_t n);

/* Sizes, weights, coefficients, and which layers the profiles share; and all but the sizes. */
void network_random(network *n);
void network_fill(network *n);

/* Draws boundaries for a random network, makes the couplings across them zero, and some profiles' coefficients
 * equal. */
void network_in_parts(network *n);

/* 20-40-40-5, one profile, both hidden activations incomplete, no gamma, no dead channel (inputs in [1/2, 1)). */
void network_plain(network *n);

/* Channels of activation h in use. */
size_t network_used(const network *n, size_t h, double percent);

/* The answer of profile p and its error bound. x: [batch][width[0]]; value, bound: [width[layers]][batch]. */
void network_expected(const network *n, size_t p, double percent, size_t batch, const float *x, double *value,
                      double *bound);

#endif
