/* avx512_batch.c: many samples with AVX-512 Foundation: layouts batch and sample; the loops are in batch.h.
 *
 * Tile: 2 registers of samples x 10 outputs (10 divides the layers of the paper's network, 100 and 10): 20 sums, 12
 * loads for 20 FMAs. Bound by the FMA pipes. A panel of at most 5 outputs has 4 registers of samples, so that there
 * are 8 sums and more from 2 outputs on.
 *
 * STORY512
 */
#include "vec_avx512.h"

enum { OUTPUTS = 10, VECTORS = 2, NARROW = 5, WIDE = 4 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_32x10_avx512f, idp_fc_f32_sample_32x10_avx512f;
void idp_fc_f32_batch_32x10_avx512f(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_32x10_avx512f(const idp_fc *fc) { sample_run(fc); }
