/* gamma.c: the coefficient profiles, as the authors' code and the forum question define them. */
#include <math.h>
#include <string.h>

#include "model.h"

static double all_one(size_t i, size_t n) {
    (void)i, (void)n;
    return 1;
}

static double harmonic(size_t i, size_t n) {
    (void)n;
    return 1 / ((double)i + 1);
}

static double linear(size_t i, size_t n) { return 1 - (double)i / (double)n; }

static double forum_linear(size_t i, size_t n) { return 1 - ((double)i + 1) / (double)n; }

static double half_exp(size_t i, size_t n) { return i < n / 2 ? 1 : exp(-(double)(i - n / 2)); }

static const struct {
    const char *name;
    double (*coefficient)(size_t i, size_t n);
} kinds[GAMMA_KINDS] = {
    [GAMMA_ALL_ONE] = {"all-one", all_one},    [GAMMA_HARMONIC] = {"harmonic", harmonic},
    [GAMMA_LINEAR] = {"linear", linear},       [GAMMA_FORUM_LINEAR] = {"forum-linear", forum_linear},
    [GAMMA_HALF_EXP] = {"half-exp", half_exp},
};

const char *gamma_name(gamma_kind kind) { return kinds[kind].name; }

bool gamma_parse(const char *name, gamma_kind *kind) {
    for (size_t g = 0; g < GAMMA_KINDS; g++)
        if (strcmp(kinds[g].name, name) == 0) {
            *kind = (gamma_kind)g;
            return true;
        }
    return false;
}

void gamma_fill(gamma_kind kind, size_t n, size_t end, float *gamma) {
    for (size_t i = 0; i < n; i++) gamma[i] = i < end ? (float)kinds[kind].coefficient(i, n) : 0;
}
