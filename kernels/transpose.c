/* transpose.c: batches run feature-major, the user's results are row-major: turns the last layer's sums. (Samples
 * are turned by the layout sample, within its first panel.)
 *
 * Squares of four by four in registers: 4 loads, 8 shuffles, 4 stores; what fills none goes number by number. 10 x
 * 128, in L1, on Zen 3: 0.24 us (all number by number 0.42, memcpy 0.08) of a batch's 50 at 10 %. */
#include <string.h>

#include "network.h"

/* The baseline of every architecture has registers of four floats; the compiler turns this into its shuffles. */
typedef float four __attribute__((vector_size(16)));

IDP_INLINE four load4(const float *p) {
    four a;
    memcpy(&a, p, sizeof a);
    return a;
}

/* b[c][r] = a[r][c] for a square of four by four. */
IDP_INLINE void transpose_square(const float *a, size_t a_stride, float *b, size_t b_stride) {
    const four r0 = load4(a), r1 = load4(a + a_stride), r2 = load4(a + 2 * a_stride), r3 = load4(a + 3 * a_stride);
    const four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5),
               high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    const four low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5),
               high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    const four c0 = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    const four c1 = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    const four c2 = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    const four c3 = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    memcpy(b, &c0, sizeof c0);
    memcpy(b + b_stride, &c1, sizeof c1);
    memcpy(b + 2 * b_stride, &c2, sizeof c2);
    memcpy(b + 3 * b_stride, &c3, sizeof c3);
}

/* b[column][row] = a[row][column]. Sixteen rows at a time fill whole cache lines of b while those of a stay in L1.
 */
void idp_transpose(size_t rows, size_t columns, const float *a, size_t a_stride, float *b, size_t b_stride) {
    const size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
    for (size_t r0 = 0; r0 < whole_rows; r0 += IDP_LINE)
        for (size_t c = 0; c < whole_columns; c += 4)
            for (size_t r = r0; r < idp_min(r0 + IDP_LINE, whole_rows); r += 4)
                transpose_square(a + r * a_stride + c, a_stride, b + c * b_stride + r, b_stride);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            b[c * b_stride + r] = a[r * a_stride + c];
}
