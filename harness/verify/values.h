/* values.h: what the buffers of a case hold. */
#ifndef HARNESS_VERIFY_VALUES_H
#define HARNESS_VERIFY_VALUES_H

#include "cases.h"

/* A case's inputs, to be filled. Used are w[j][i], b[j], gamma[j], x[i][s] with i < k, j < m, s < batch; everything
 * else becomes poison. */
typedef struct case_inputs {
    float *w; /* [out][w_stride], the last row only `in` long */
    float *b; /* [out] or NULL */
    float *x; /* x_floats from x[0][0] on */
    size_t x_floats;
    float *gamma; /* gamma_floats, or NULL */
    size_t gamma_floats;
} case_inputs;

void case_fill(const verify_case *c, random_state *r, const case_inputs *inputs);

#endif
