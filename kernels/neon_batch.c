/* neon_batch.c: many samples with Advanced SIMD: layouts batch and sample; the loops are in batch.h.
 *
 * Tile: 4 registers of samples x 5 outputs (5 divides the layers of the paper's network, 100 and 10): 20 sums, 4
 * inputs, 5 weights: 9 loads for 20 FMAs. Bound by the FMA pipes: predicted (llvm-mca 19) 0.131 cycles a
 * multiply-add on Neoverse N1 and N2, whose two pipes allow 0.125, and 0.066 on V1 and V2, whose four allow 0.0625.
 * 3 x 7 and 2 x 10 registers are predicted the same, with more instructions (0.37 and 0.39 a multiply-add for
 * 0.36). No such CPU has measured any. */
#include "vec_neon.h"

enum { OUTPUTS = 5, VECTORS = 4, NARROW = 0, WIDE = 4 };
enum { BLOCK_CHANNELS = 1024, SAMPLE_AHEAD = 0, NEXT_PANEL = 3, X_AHEAD = 0 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_16x5_neon, idp_fc_f32_sample_16x5_neon;
void idp_fc_f32_batch_16x5_neon(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_16x5_neon(const idp_fc *fc) { sample_run(fc); }
