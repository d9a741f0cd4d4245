/* avx512_batch.c: many samples with AVX-512 Foundation: layouts batch and sample; the loops are in batch.h.
 *
 * Tile: 2 registers of samples x 10 outputs (10 divides the layers of the paper's network, 100 and 10): 20 sums, 12
 * loads for 20 FMAs. Bound by the FMA pipes. A remainder of at most 5 outputs has 4 registers of samples.
 *
 * Measured on Zen 4, one thread, batch 128, percent of the FMA peak in the same run, the machine not idle
 * (libxsmm 1.17, which does neither bias nor ReLU nor gamma, beside it): 100x784 97 to 99 (97 to 99), 100x100 96
 * (98), at k = 55 93 (97), 10x100 at k = 10 74 (87 to 91), 512x512 96 to 98 (96 to 99), 1024x1024 96 (94),
 * 4096x4096 92 (81 to 92). A tile costs some 20 ns besides its FMAs, which shows below k = 50; gamma's
 * multiplications alone take a k-th of the FMA pipes' time. Lost: 64 x 5 and 64 x 6: the same within 2 %
 * everywhere. The channel loop unrolled whole for k = 10: 82 % for 79. Layout sample, 100x784: over batch it
 * costs 6.7 us of 17 (m = 10), 8.5 of 86 (m = 50), 12 of 175 (m = 100); transposing all of x first costs 9 to 10,
 * 11 to 14, 12 to 20. Lost: transposing a block before the tiles, not within those of the first panel: 9 to 11 us
 * at m = 10. */
#include "vec_avx512.h"

enum { OUTPUTS = 10, VECTORS = 2, NARROW = 5, WIDE = 4 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_32x10_avx512f, idp_fc_f32_sample_32x10_avx512f;
void idp_fc_f32_batch_32x10_avx512f(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_32x10_avx512f(const idp_fc *fc) { sample_run(fc); }
