/* network_check.c: the whole network against the oracle: its bound carried from layer to layer. */
#include <math.h>

#include "../../reference/oracle.h"
#include "network.h"

enum { WIDEST = 100 };

/* What a sample's activations are, and how far a float32 evaluation may be off. */
typedef struct known {
    double value[WIDEST], bound[WIDEST];
} known;

/* One layer more. `before`: NULL for the input itself, which is exact. The evaluation reads other numbers than the
 * rounded values that the oracle reads, at most `off` from them: that shifts the sum by |w| off, and the rounding
 * errors' own bound by a thousandth of that at most (n u for n below 2^14). */
static void next_layer(const matrix_network *n, size_t l, double percent, const float *x, const known *before,
                       known *after) {
    const size_t m = matrix_network_used(l + 1, percent), k = matrix_network_used(l, percent);
    float rounded[WIDEST];
    double off[WIDEST];
    for (size_t i = 0; before != NULL && i < k; i++) {
        rounded[i] = (float)before->value[i];
        off[i] = before->bound[i] + fabs(before->value[i] - (double)rounded[i]);
    }
    const oracle_fc fc = {.k = k,
                          .m = m,
                          .batch = 1,
                          .w = n->w[l],
                          .w_stride = matrix_widths[l],
                          .b = n->b[l],
                          .x = before != NULL ? rounded : x,
                          .x_stride = 1,
                          .gamma = n->gamma[l],
                          .relu = l + 1 < NETWORK_LAYERS,
                          .gradual = false};
    oracle_fc_run(&fc, after->value, after->bound);
    for (size_t j = 0; before != NULL && j < m; j++) {
        const double gamma = n->gamma[l] != NULL ? fabs((double)n->gamma[l][j]) : 1;
        double shift = 0;
        for (size_t i = 0; i < k; i++) shift += fabs((double)n->w[l][j * matrix_widths[l] + i]) * off[i];
        after->bound[j] += 1.001 * gamma * shift;
    }
}

bool network_bench_check(const network_bench *b, error *e) {
    const matrix_network *n = b->network;
    const size_t sample[2] = {0, n->batch - 1}, classes = matrix_widths[NETWORK_LAYERS];
    for (size_t s = 0; s < 2; s++) {
        known a, c;
        const float *x = n->x + sample[s] * matrix_widths[0];
        next_layer(n, 0, b->percent, x, NULL, &a);
        next_layer(n, 1, b->percent, x, &a, &c);
        next_layer(n, 2, b->percent, x, &c, &a);
        for (unsigned i = 0; i < b->rows; i++) {
            const matrix_row *row = &b->row[i];
            if (row->role > MATRIX_NAIVE) continue;
            float *y = n->y + sample[s] * classes;
            for (size_t j = 0; j < classes; j++) y[j] = NAN;
            row->variant.run(row->variant.state, 1);
            for (size_t j = 0; j < classes; j++)
                if (!(oracle_error_over_bound(y[j], a.value[j], a.bound[j]) <= 1))
                    return fail(e,
                                "%s computes %.9g for output %zu of the network at %g %%; it is %.9g within %.3g",
                                row->name, (double)y[j], j, b->percent, a.value[j], a.bound[j]);
        }
    }
    return true;
}
