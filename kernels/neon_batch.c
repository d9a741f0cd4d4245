/* neon_batch.c: many samples with Advanced SIMD: layouts batch and sample; the loops are in batch.h.
 *
 * Tile: 4 registers of samples x 5 outputs (5 divides the layers of the paper's network, 100 and 10): 20 sums, 4
 * inputs, 5 weights: 9 loads for 20 FMAs. */
#include "vec_neon.h"

enum { OUTPUTS = 5, VECTORS = 4, NARROW = 0, WIDE = 4 };
enum { BLOCK_CHANNELS = 1024, SAMPLE_AHEAD = 0, NEXT_PANEL = 3, X_AHEAD = 0 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_16x5_neon, idp_fc_f32_sample_16x5_neon;
void idp_fc_f32_batch_16x5_neon(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_16x5_neon(const idp_fc *fc) { sample_run(fc); }
