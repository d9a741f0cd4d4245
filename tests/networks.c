#include "networks.h"

#include <math.h>
#include <string.h>

#include "oracle.h"

random_state network_rng;

/* ---- random networks -------------------------------------------------------------------------------------- */

idp_mlp_spec network_spec(const network *n) {
    return (idp_mlp_spec){.layers = n->layers,
                          .width = n->width,
                          .incomplete = n->incomplete,
                          .profiles = n->profiles,
                          .profile = n->profile,
                          .boundaries = n->boundaries,
                          .boundary = n->boundary};
}

bool network_one_in(size_t n) { return random_below(&network_rng, n) == 0; }

static void fill_profile(network *n, size_t p) {
    for (size_t l = 0; l < n->layers; l++) {
        const size_t in = n->width[l], out = n->width[l + 1];
        const double deviation = sqrt(2 / (double)in);
        for (size_t i = 0; i < in * out; i++) n->w[p][l][i] = (float)(deviation * random_normal(&network_rng));
        for (size_t j = 0; j < out; j++) n->b[p][l][j] = (float)(0.1 * random_normal(&network_rng));
        const size_t from = network_one_in(2) ? 0 : p; /* profiles may share their layers */
        n->w_at[p][l] = n->w[from][l];
        n->b_at[p][l] = n->b[from][l];
    }
    for (size_t h = 0; h <= n->layers; h++) {
        const bool hidden = h > 0 && h < n->layers;
        for (size_t i = 0; i < n->width[h]; i++) n->gamma[p][h][i] = (float)(1 - random_uniform(&network_rng));
        n->gamma_at[p][h] = hidden && !network_one_in(3) ? n->gamma[p][h] : NULL;
    }
    n->profile[p] = (idp_mlp_profile){n->w_at[p], n->b_at[p], n->gamma_at[p]};
}

void network_fill(network *n) {
    n->boundaries = 0;
    for (size_t p = 0; p < n->profiles; p++) fill_profile(n, p);
}

void network_random(network *n) {
    n->layers = 1 + random_below(&network_rng, NETWORK_LAYERS);
    n->profiles = 1 + random_below(&network_rng, NETWORK_PROFILES);
    for (size_t h = 0; h <= n->layers; h++) {
        n->width[h] = 1 + random_below(&network_rng, NETWORK_WIDTH);
        n->incomplete[h] = h > 0 && h < n->layers && !network_one_in(4);
    }
    network_fill(n);
}

static void uncouple(network *n, size_t l, float *w, double boundary) {
    const size_t in = n->width[l];
    for (size_t j = 0; j < idp_prefix(n->width[l + 1], boundary); j++)
        for (size_t i = idp_prefix(in, boundary); i < in; i++) w[j * in + i] = 0;
}

void network_in_parts(network *n) {
    n->boundaries = random_below(&network_rng, NETWORK_BOUNDARIES + 1);
    double from = 0;
    for (size_t t = 0; t < n->boundaries; t++)
        from = n->boundary[t] = from + (100 - from) * (0.1 + 0.8 * random_uniform(&network_rng));
    for (size_t t = 0; t < n->boundaries; t++)
        for (size_t p = 0; p < n->profiles; p++)
            for (size_t l = 1; l + 1 < n->layers; l++)
                if (n->incomplete[l] && n->incomplete[l + 1]) uncouple(n, l, n->w[p][l], n->boundary[t]);
    for (size_t p = 1; p < n->profiles; p++)
        for (size_t h = 1; h < n->layers; h++)
            if (!network_one_in(4)) { /* equal coefficients, wherever they are */
                memcpy(n->gamma[p][h], n->gamma[0][h], sizeof n->gamma[0][h]);
                n->gamma_at[p][h] = n->gamma_at[0][h] != NULL ? n->gamma[p][h] : NULL;
            }
}

/* Weights in [1/2, 1) / in and biases in [0, 1/10): from inputs in [1/2, 1) every channel is at least 1/20 and
 * every sum at most 2, so no channel is dead, and four channels more add at least 1/1000, a hundred times the
 * bound. */
static void fill_positive(network *n, size_t p) {
    for (size_t l = 0; l < n->layers; l++) {
        const size_t in = n->width[l], out = n->width[l + 1];
        for (size_t i = 0; i < in * out; i++)
            n->w[p][l][i] = (float)((0.5 + 0.5 * random_uniform(&network_rng)) / (double)in);
        for (size_t j = 0; j < out; j++) n->b[p][l][j] = (float)(0.1 * random_uniform(&network_rng));
        n->w_at[p][l] = n->w[p][l];
        n->b_at[p][l] = n->b[p][l];
    }
    memset(n->gamma_at[p], 0, sizeof n->gamma_at[p]);
    n->profile[p] = (idp_mlp_profile){n->w_at[p], n->b_at[p], n->gamma_at[p]};
}

/* 20-40-40-5, one profile, both hidden activations incomplete, no gamma. */
void network_plain(network *n) {
    static const size_t width[] = {20, 40, 40, 5};
    n->boundaries = 0;
    n->layers = 3;
    n->profiles = 1;
    for (size_t h = 0; h <= n->layers; h++) {
        n->width[h] = width[h];
        n->incomplete[h] = h > 0 && h < n->layers;
    }
    fill_positive(n, 0);
}

size_t network_used(const network *n, size_t h, double percent) {
    return n->incomplete[h] ? idp_prefix(n->width[h], percent) : n->width[h];
}

/* ---- a chain of oracle layers ----------------------------------------------------------------------------- */

/* What is known of an activation: the float32 values it is near, and how near. */
typedef struct activation {
    float value[NETWORK_WIDTH * NETWORK_BATCH]; /* [channel][sample] */
    double error[NETWORK_WIDTH * NETWORK_BATCH];
} activation;

/* The network's activation x^ is within e of our x, so its layer, f with roundings, is within
 *   |f^(x^) - f(x)| <= |f^(x^) - f(x^)| + |f(x^) - f(x)| <= B(x^) + |gamma| |W| e,
 * relu being 1-Lipschitz, and the oracle's bound grows by B(x^) - B(x) <= (n u / (1 - n u) + u) |gamma| |W| e,
 * here, with n <= NETWORK_WIDTH + 3, less than 2^-16 |gamma| |W| e. */
static void layer_expected(const network *n, size_t p, size_t l, double percent, size_t batch, const activation *x,
                           double *value, double *bound) {
    const size_t k = network_used(n, l, percent), m = network_used(n, l + 1, percent), in = n->width[l];
    const float *w = n->w_at[p][l], *gamma = n->gamma_at[p][l + 1];
    const oracle_fc fc = {.k = k,
                          .m = m,
                          .batch = batch,
                          .w = w,
                          .w_stride = in,
                          .b = n->b_at[p][l],
                          .x = x->value,
                          .x_stride = batch,
                          .gamma = gamma,
                          .relu = l + 1 < n->layers};
    oracle_fc_run(&fc, value, bound);
    for (size_t j = 0; j < m; j++)
        for (size_t s = 0; s < batch; s++) {
            double spread = 0;
            for (size_t i = 0; i < k; i++) spread += fabs((double)w[j * in + i]) * x->error[i * batch + s];
            bound[j * batch + s] += (1 + 0x1p-16) * (gamma != NULL ? fabs((double)gamma[j]) : 1) * spread;
        }
}

/* x: [batch][width[0]]. value, bound: [width[layers]][batch]. */
void network_expected(const network *n, size_t p, double percent, size_t batch, const float *x, double *value,
                      double *bound) {
    static activation a;
    for (size_t i = 0; i < n->width[0]; i++)
        for (size_t s = 0; s < batch; s++) {
            a.value[i * batch + s] = x[s * n->width[0] + i];
            a.error[i * batch + s] = 0;
        }
    for (size_t l = 0; l < n->layers; l++) {
        layer_expected(n, p, l, percent, batch, &a, value, bound);
        for (size_t i = 0; i < network_used(n, l + 1, percent) * batch; i++) {
            a.value[i] = (float)value[i];
            a.error[i] = bound[i] + fabs(value[i] - (double)a.value[i]);
        }
    }
}
