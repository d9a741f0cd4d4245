#include "random.h"

#include <stdbool.h>

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void random_seed(random_state *r, uint64_t seed, random_stream stream) {
    uint64_t state = seed;
    /* Hashing the seed first keeps (seed, stream) apart from (seed + 1, stream - 1). */
    state = splitmix64(&state) + (uint64_t)stream;
    for (int i = 0; i < 4; i++) r->s[i] = splitmix64(&state);
}

static uint64_t rotate_left(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

uint64_t random_next(random_state *r) {
    uint64_t *s = r->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_uniform(random_state *r) { return (double)(random_next(r) >> 11) * 0x1p-53; }

size_t random_below(random_state *r, size_t n) {
    const uint64_t tail = (UINT64_MAX % n + 1) % n; /* values beyond the last whole multiple of n: drawn again */
    uint64_t x;
    do x = random_next(r);
    while (x > UINT64_MAX - tail);
    return (size_t)(x % n);
}

/* True with probability exp(-t), t in [0, 1] (von Neumann): a run of descending uniforms below t has n or more
 * members with probability t^n / n!, so it ends at an even length with probability 1 - t + t^2/2 - ... */
static bool exp_minus(random_state *r, double t) {
    bool even = true;
    for (double last = t;;) {
        const double u = random_uniform(r);
        if (u >= last) return even;
        last = u;
        even = !even;
    }
}

/* k + x has the density exp(-(k + x)^2 / 2) = exp(-k / 2) exp(-k (k - 1) / 2) exp(-x (2k + x) / 2). */
static bool normal_attempt(random_state *r, double *y) {
    int k = 0;
    while (exp_minus(r, 0.5)) k++;
    for (int trial = 0; trial < k * (k - 1); trial++)
        if (!exp_minus(r, 0.5)) return false;
    const double x = random_uniform(r), t = x * (2 * k + x) / (2 * k + 2);
    for (int trial = 0; trial <= k; trial++)
        if (!exp_minus(r, t)) return false;
    *y = k + x;
    return true;
}

double random_normal(random_state *r) {
    double y;
    while (!normal_attempt(r, &y)) continue;
    return random_next(r) >> 63 ? -y : y;
}

void random_shuffle(random_state *r, uint32_t *values, size_t n) {
    for (size_t i = n; i > 1; i--) {
        const size_t j = random_below(r, i);
        const uint32_t value = values[i - 1];
        values[i - 1] = values[j];
        values[j] = value;
    }
}
