/* avx2_batch.c: many samples with AVX2 and FMA3: layouts batch and sample; the loops are in batch.h.
 *
 * Tile: 2 registers of samples x 6 outputs: 12 sums (8 would just do), 8 loads for 12 FMAs. Bound by the FMA pipes.
 * A remainder of at most 2 outputs has 4 registers of samples.
 *
 * Measured on Zen 4, one thread, batch 128, percent of the FMA peak in the same run, the machine not idle
 * (libxsmm 1.17 held to AVX2, which does neither bias nor ReLU nor gamma, beside it): 100x784 97 (98), m = 10: 95
 * (95), 100x100 at k = 55: 93 (98), 10x100 at k = 10: 76 (96): there the epilogue is a fifth of the work. Lost: 16
 * x 5, which leaves no outputs over in layers of 10 and 100: 93 % at 100x784, m = 10 and 100: 10 sums wait for each
 * other. Masked stores of whole registers: 27 % at 10x100, k = 10: they are microcode on Zen 4.
 *
 * On Zen 3 (virtual machine, L2 of 512 KiB; its neighbours halve the caches for seconds on end), batch 128, medians
 * of interleaved rounds. Blocks of 392 channels instead of 1024, whose 512 KiB of samples leave L2 no room for
 * weights: 100x784 0.94 to 0.98 of the time (m = 100), 0.96 to 0.97 (m = 20), 1024x1024 0.91 to 0.96, 4096x4096
 * 0.89 to 0.94, 512x512 and 100x784 at k = 470 0.99 to 1.02. Blocks of 512: 0.95 to 1.0, of 300 as of 392 but 1 %
 * slower at 100x784 when the neighbours are quiet (94.5 % of the FMA peak for 95.5). Lost: copying 16 or 32 samples
 * into a buffer, so that a tile finds its own in L1: 1.07 at k = 392, 0.92 to 1.03 at 784; prefetching samples 4 to
 * 32 channels ahead: 0.94 to 1.04.
 *
 * Samples left over (Zen 3, before and after in turn, 41 rounds each; 100x784). One to four with the outputs in the
 * lanes (batch_few.h): alone 0.22, 0.30, 0.35 and 0.45 of the time that a register of samples takes. Five and six,
 * too: 0.66 and 0.75 to 0.77. Seven and eight: one register of samples against two panels, 12 sums for 6: 0.85 and
 * 0.80. Nine to eleven, which half fill a second register, as eight and one to three: 0.81 to 0.86, 0.88 to 0.90,
 * 0.95 to 0.96. Lost: twelve as eight and four, 1.03 to 1.12. Layout sample at m = 10 and 20: 0.64 to 0.70
 * and 0.82 to 0.83 for seven and eight, as two halves of few; turned for two panels instead: 0.94 and 0.89. Each
 * count of few in a function of its own: inlined, the addresses are on the stack, 1.1 to 1.2. Few in 2048x2048,
 * which nothing prefetches: 1.7 and 1.8 of one panel at a time at five and six samples, 2.2 of two panels at four.
 * The panels that a group leaves over as groups of four and two, not one by one: 0.26 to 0.52 at one and two
 * samples, m = 10 and 20. */
#include "vec_avx2.h"

enum { OUTPUTS = 6, VECTORS = 2, NARROW = 2, WIDE = 4 };
enum { BLOCK_CHANNELS = 392, SAMPLE_AHEAD = 0, NEXT_PANEL = 3, X_AHEAD = 0 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_16x6_avx2, idp_fc_f32_sample_16x6_avx2;
void idp_fc_f32_batch_16x6_avx2(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_16x6_avx2(const idp_fc *fc) { sample_run(fc); }
