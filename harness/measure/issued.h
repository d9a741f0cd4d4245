/* issued.h: the multiply-adds that a whole network's kernels issue, idle lanes of their tiles included: what stands
 * between the FLOPs of a formula and the time. */
#ifndef HARNESS_ISSUED_H
#define HARNESS_ISSUED_H

#include "../model/model.h"

/* Most samples that a network runs as one block; a larger batch is cut into such blocks. */
enum { ISSUED_MOST_SAMPLES = 128 };

/* FLOPs per sample (two a multiply-add) that `network`, packed from m for `backend`, issues in its layers for one
 * sample or for a batch of up to ISSUED_MOST_SAMPLES, by the arithmetic of the kernels' tiles (measure/work.h; a
 * test holds that to what is executed). What does not grow with the channels is not in it: bias, ReLU, gamma,
 * horizontal sums. NaN for the compiler's own code, whose tiles nobody knows. */
double issued_flops(const model *m, const idp_mlp *network, const idp_backend *backend, double percent,
                    size_t samples);

#endif
