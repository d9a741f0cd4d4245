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
 * at m = 10.
 *
 * Blocks of channels, measured on Zen 4, 4096x4096, batch 128: 256 channels 79 % of the FMA peak (the sums go to y
 * and back too often), with the next weights prefetched 86 %, 512: 90 %, 1024: 92 %, 2048: 91 %.
 *
 * On a Sapphire Rapids class Xeon (virtual machine), batch 128, medians of interleaved rounds. Prefetching the
 * samples two lines ahead of the transposition: 100x784 0.96 of the time (m = 10), 0.98 (20), 0.99 (50, 100); four
 * lines ahead the same; AVX2 lost by it (1.03, 1.02, 1.00). Lost: squares of eight channels instead of four, with
 * prefetching: 0.98 to 0.99 of that (without: 1.01 to 1.08); fewer address registers: 1.00 to 1.02; blocks of 100,
 * 196, 784 channels instead of 392: 1.04 to 1.06, 1.00 to 1.01, 0.98 to 1.00. The transposition's 20 instructions
 * for 64 numbers on the FMA ports take some 4 of its 8 us.
 * The next panel's weights into L2, not L1: 4096x4096 0.98, 0.98, 0.99 of the time (20, 50, 100 %); no prefetch
 * 1.01, 1.14, 1.12; blocks of 512 channels 1.00 to 1.01, 2048 with L2 0.98, 1.08, 1.04.
 * The next panel asked for by the first tile of samples alone, and not at all of layers under 1 MiB: 100x100 0.96
 * to 0.97, 10x100 0.96, 512x512 0.99 of the time. In larger ones also the samples of two channels ahead, and the
 * sums of the next panel instead of the next tile: 1024x1024 0.97 to 0.98, 4096x4096 0.96 to 0.98. Lost: samples
 * ahead in small layers (1.00 to 1.02 beside the former), 4, 8, 16 channels ahead, all panels for 32 or 64 samples
 * before the next (0.99 to 1.08), blocks of 512, 683 and 2048 channels (1.00, 0.98, 1.08).
 *
 * Few samples (batch_few.h): ten outputs leave six of sixteen lanes idle, a register of 7 to 12 samples nine to
 * four. On a Zen 5 (virtual machine), time over that of the register, 100x784: 7 samples 0.48, 8 0.56, 9 0.60, 10
 * 0.72, 12 0.81, 40 (whole tiles and 8) 0.81; 512x512 8 0.50, 12 0.67; layout sample, m = 10: 8 0.71, 12 0.74; one
 * panel (10x100): 8 0.84, 10 0.99, 12 1.16. Lost: 9 to 12 as two halves (0.70 to 0.85).
 *
 * What max and mul cost: 40 of them follow the 20 k FMAs of a tile on the same ports, so at most k / (k + 2) of the
 * FMA peak: 83 % at k = 10, 91 % at 20, 94 % at 30, 95 % at 40. Without them 10x100 at k = 10 takes 163 ns instead
 * of 179, 100x100 at k = 50 0.98 of the time. */
#include "vec_avx512.h"

enum { OUTPUTS = 10, VECTORS = 2, NARROW = 5, WIDE = 4 };
enum { BLOCK_CHANNELS = 1024, SAMPLE_AHEAD = 32, NEXT_PANEL = 2, X_AHEAD = 2 };
#include "batch.h"

idp_fc_function idp_fc_f32_batch_32x10_avx512f, idp_fc_f32_sample_32x10_avx512f;
void idp_fc_f32_batch_32x10_avx512f(const idp_fc *fc) { batch_run(fc); }
void idp_fc_f32_sample_32x10_avx512f(const idp_fc *fc) { sample_run(fc); }
