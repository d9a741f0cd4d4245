/* neon.c: Advanced SIMD of AArch64. The vocabulary (vec, load, fmadd, ...) is the same in avx2.c and avx512.c, so
 * that the files can be compared line by line. NEON has no masks: parts of a register go lane by lane.
 *
 * Up to four FMA pipes (Neoverse V1, V2, Apple) with a latency of 4 cycles need 16 independent sums in flight;
 * every tile below that is not a remainder has at least that many, over its registers or over phases of the channel
 * loop that are added up at the end. */
#include "vec_neon.h"

/* ---- panel 1x96: one sample; 24 registers of outputs ----------------------------------------------------------
 * One load of weights for each FMA, so bound by the load ports: predicted (llvm-mca 19) 0.126 cycles a multiply-add
 * on Neoverse N1, whose two FMA pipes allow 0.125, and 0.084 on V1 and V2, whose three loads a cycle allow 0.083.
 * The panel's width is a multiple of the register: no register is ever ragged. Tried and lost: one load for each
 * register and a broadcast for each channel (0.177 on N1, 0.104 on V1: 0.53 instructions a multiply-add instead of
 * 0.39); four channels a turn without the barrier (gcc 12 lifts the loads of all four and spills the sums: 0.197 on
 * N1). */

enum { PANEL = 96, GRANULE = 4, PHASES_MOST = 4 };

/* The barrier keeps the compiler from loading ahead of the sums that the registers have to hold.
 * sum[] += x times `vectors` registers from w on, x being lane `lane` of xs. */
#define PANEL_STEP(lane)                                                                              \
    do {                                                                                              \
        IDP_UNROLL                                                                                    \
        for (size_t v = 0; v + 4 <= vectors; v += 4) {                                                \
            vec four[4];                                                                              \
            load_four(w + v * LANES, four);                                                           \
            IDP_UNROLL                                                                                \
            for (size_t u = 0; u < 4; u++)                                                            \
                sum[lane % phases][v + u] = FMADD_LANE(four[u], xs, lane, sum[lane % phases][v + u]); \
        }                                                                                             \
        IDP_UNROLL                                                                                    \
        for (size_t v = vectors / 4 * 4; v < vectors; v++)                                            \
            sum[lane % phases][v] = FMADD_LANE(load(w + v * LANES), xs, lane, sum[lane % phases][v]); \
        w += width;                                                                                   \
        __asm__ volatile("" ::: "memory");                                                            \
    } while (0)

/* `vectors` registers of outputs from j0 on, `used` of which are wanted; w: [bias, channel][width]. Four channels a
 * turn share one load of x; they go to 1, 2 or 4 phases of sums. */
IDP_INLINE void panel_tile(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used, size_t vectors,
                           size_t phases) {
    vec sum[PHASES_MOST][PANEL / LANES];
    IDP_UNROLL
    for (size_t p = 1; p < phases; p++) IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) sum[p][v] = zero();
    IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) sum[0][v] = load(w + v * LANES);
    w += width;

    const float *x = fc->x, *end = x + fc->k;
    for (; x + LANES <= end; x += LANES) {
        const vec xs = load(x);
        PANEL_STEP(0);
        PANEL_STEP(1);
        PANEL_STEP(2);
        PANEL_STEP(3);
    }
    for (; x < end; x++, w += width) {
        const vec xi = set1(*x);
        IDP_UNROLL
        for (size_t v = 0; v < vectors; v++) sum[0][v] = fmadd(xi, load(w + v * LANES), sum[0][v]);
    }

    IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        const size_t j = j0 + v * LANES, n = idp_min(LANES, used - v * LANES);
        vec y = sum[0][v];
        IDP_UNROLL
        for (size_t p = 1; p < phases; p++) y = add(y, sum[p][v]);
        if (fc->relu) y = relu(y);
        if (fc->gamma != NULL) y = mul(y, load_part(fc->gamma + j, n));
        store_part(fc->y + j, n, y);
    }
}

/* A panel is run in chunks of at most 24 registers, in steps of a few sizes, so that the code stays small. */
IDP_INLINE void panel_rows(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used) {
    while (used > 0) {
        const size_t vectors = (used + LANES - 1) / LANES;
        const size_t chunk = vectors >= 24 ? 24 : vectors >= 12 ? 12 : vectors >= 6 ? 6 : vectors >= 2 ? 2 : 1;
        const size_t n = idp_min(used, chunk * LANES);
        switch (chunk) { /* registers x phases */
        case 1: panel_tile(fc, w, width, j0, n, 1, 4); break;
        case 2: panel_tile(fc, w, width, j0, n, 2, 4); break;
        case 6: panel_tile(fc, w, width, j0, n, 6, 4); break;
        case 12: panel_tile(fc, w, width, j0, n, 12, 2); break;
        default: panel_tile(fc, w, width, j0, n, 24, 1); break;
        }
        used -= n;
        j0 += n;
        w += n;
    }
}

void idp_fc_f32_panel_1x96_neon(const idp_fc *fc);
void idp_fc_f32_panel_1x96_neon(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const float *w = fc->weights;
    for (size_t j0 = 0; j0 < fc->m; j0 += PANEL) {
        const size_t width = idp_panel_width(PANEL, GRANULE, fc->out, j0);
        panel_rows(fc, w, width, j0, idp_min(width, fc->m - j0));
        w += (fc->in + 1) * width;
    }
}

/* ---- row 4x4: row-major dot products; 4 outputs share each load of x, 4 phases of channels ---------------------
 * Five loads for four FMAs: the load ports bind, predicted (llvm-mca 19) 0.157 cycles a multiply-add on Neoverse N1
 * and 0.104 on V1. Tried and lost: one load for each register (0.65 instructions a multiply-add instead of 0.48).
 */

enum { ROWS = 4, ROW_PHASES = 4 };

/* The sums over the lanes of four registers. */
IDP_INLINE vec sum4(vec a, vec b, vec c, vec d) { return vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)); }

/* `rows` outputs from j on; w is their first row. */
IDP_INLINE void row_tile(const idp_fc *fc, const float *w, size_t stride, size_t j, size_t rows) {
    vec sum[ROW_PHASES][ROWS];
    IDP_UNROLL
    for (size_t p = 0; p < ROW_PHASES; p++) IDP_UNROLL
    for (size_t r = 0; r < ROWS; r++) sum[p][r] = zero();
    size_t i = 0;
    for (; i + ROW_PHASES * LANES <= fc->k; i += ROW_PHASES * LANES) {
        vec xi[ROW_PHASES], wi[ROW_PHASES];
        load_four(fc->x + i, xi);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) {
            load_four(w + r * stride + i, wi);
            IDP_UNROLL
            for (size_t p = 0; p < ROW_PHASES; p++) sum[p][r] = fmadd(wi[p], xi[p], sum[p][r]);
        }
    }
    for (; i < fc->k; i += LANES) {
        const size_t n = idp_min(LANES, fc->k - i);
        const vec xi = load_part(fc->x + i, n);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) sum[0][r] = fmadd(load_part(w + r * stride + i, n), xi, sum[0][r]);
    }
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) sum[0][r] = add(add(sum[0][r], sum[1][r]), add(sum[2][r], sum[3][r]));

    vec y = add(sum4(sum[0][0], sum[0][1], sum[0][2], sum[0][3]), load_part(fc->weights + j, rows));
    if (fc->relu) y = relu(y);
    if (fc->gamma != NULL) y = mul(y, load_part(fc->gamma + j, rows));
    store_part(fc->y + j, rows, y);
}

void idp_fc_f32_row_4x4_neon(const idp_fc *fc);
void idp_fc_f32_row_4x4_neon(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const size_t stride = idp_row_stride(fc->in);
    const float *w = fc->weights + idp_round_up(fc->out, IDP_LINE);
    size_t j = 0;
    for (; j + ROWS <= fc->m; j += ROWS) row_tile(fc, w + j * stride, stride, j, ROWS);
    switch (fc->m - j) {
    case 1: row_tile(fc, w + j * stride, stride, j, 1); break;
    case 2: row_tile(fc, w + j * stride, stride, j, 2); break;
    case 3: row_tile(fc, w + j * stride, stride, j, 3); break;
    }
}

/* ---- the table ------------------------------------------------------------------------------------------------
 */

/* In neon_batch.c. */
idp_fc_function idp_fc_f32_batch_16x5_neon, idp_fc_f32_sample_16x5_neon;

static const idp_kernel kernels[] = {
    {"fc_f32_panel_1x96_neon", IDP_LAYOUT_PANEL, 1, PANEL, LANES, PANEL, GRANULE, idp_fc_f32_panel_1x96_neon},
    {"fc_f32_batch_16x5_neon", IDP_LAYOUT_BATCH, 16, 5, LANES, 5, 1, idp_fc_f32_batch_16x5_neon},
    {"fc_f32_row_4x4_neon", IDP_LAYOUT_ROW, ROWS, LANES, LANES, 0, 0, idp_fc_f32_row_4x4_neon},
    {"fc_f32_sample_16x5_neon", IDP_LAYOUT_SAMPLE, 16, 5, LANES, 5, 1, idp_fc_f32_sample_16x5_neon},
};

const idp_backend idp_backend_neon = {IDP_HEAD_neon, kernels, sizeof kernels / sizeof kernels[0]};
