/* neon_sample.c: layout sample with Advanced SIMD: the tile of the batch kernel in neon.c (16 samples x 5 outputs,
 * whose packing it shares), with x transposed on the way (batch.h). */
#include "vec_neon.h"

enum { OUTPUTS = 5, VECTORS = 4, NARROW = 0, WIDE = 4 };
#include "batch.h"

idp_fc_function idp_fc_f32_sample_16x5_neon;
void idp_fc_f32_sample_16x5_neon(const idp_fc *fc) { sample_run(fc); }
