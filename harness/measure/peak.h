/* peak.h: how many float32 operations one core can do at most: the roof that no kernel passes. */
#ifndef HARNESS_MEASURE_PEAK_H
#define HARNESS_MEASURE_PEAK_H

#include <stdbool.h>
#include <stdint.h>

enum { PEAK_WIDTHS = 4 };
extern const unsigned peak_width_bits[PEAK_WIDTHS]; /* 32 (one lane), 128, 256, 512 */

/* Whether registers of that width may be used here: the CPU's own feature bits, less IDP_CPU_DISABLE. */
bool fma_peak_usable(unsigned width_bits);

/* GFLOP/s of the calling thread's core now, with fused multiply-adds (two FLOPs a lane) on registers alone; the
 * best of several short bursts, since everything that disturbs only slows it down. About 3 ms. 0 where that width
 * is not usable. */
double fma_peak_gflops(unsigned width_bits);

/* For measuring the peak beside something else: `turns` (at least 1) short turns of independent chains on registers
 * of a usable width, and the FLOPs of one turn. */
void fma_turns(unsigned width_bits, uint64_t turns);
double fma_turn_flops(unsigned width_bits);

#endif
