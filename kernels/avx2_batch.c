/* avx2_batch.c: many samples with AVX2 and FMA3: layouts batch and sample; the loops are in batch.h.
 *
 * Tile: 2 registers of samples x 5 outputs (5 divides the layers of the paper's network, 100 and 10): 10 sums, 7
 * loads for 10 FMAs. Bound by the FMA pipes. A panel of at most 2 outputs has 4 registers of samples.
 *
 * STORY2
 */
#include "vec_avx2.h"

enum { OUTPUTS = 5, VECTORS = 2, NARROW = 2, WIDE = 4 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_16x5_avx2, idp_fc_f32_sample_16x5_avx2;
void idp_fc_f32_batch_16x5_avx2(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_16x5_avx2(const idp_fc *fc) { sample_run(fc); }
