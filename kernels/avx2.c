/* avx2.c: AVX2 and FMA3. The kernels of one sample; those of many are in avx2_batch.c. The
 * vocabulary (vec_avx2.h) is the same in avx512.c and neon.c, so that the
 * files can be compared line by line.
 *
 * Two FMA ports with a latency of 4 cycles need 8 independent sums in flight; every tile below has at least that
 * many, over its registers or over phases of the channel loop that are added up at the end. */
#include "vec_avx2.h"

/* ---- panel 1x96: one sample; 12 registers of outputs ----------------------------------------------------------
 * Bound by the load ports from L1 (two loads a cycle, one per FMA), by bandwidth from L2 on. */

enum { PANEL = 96, GRANULE = 4, PHASES_MOST = 8 };

/* `vectors` registers of outputs from j0 on, `used` of which are wanted; w: [bias, channel][width]. `ragged`: the
 * last register reaches beyond the panel's width. */
IDP_INLINE void panel_tile(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used, size_t vectors,
                           size_t phases, bool ragged) {
    vec sum[PHASES_MOST][PANEL / LANES];
    const size_t whole = ragged ? vectors - 1 : vectors, rest = width - whole * LANES;
    IDP_UNROLL
    for (size_t p = 1; p < phases; p++) IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) sum[p][v] = zero();
    IDP_UNROLL
    for (size_t v = 0; v < whole; v++) sum[0][v] = load(w + v * LANES);
    if (ragged) sum[0][whole] = load_part(w + whole * LANES, rest);
    w += width;

    const float *x = fc->x, *end = x + fc->k;
    for (; x + phases <= end; x += phases) {
        IDP_UNROLL
        for (size_t p = 0; p < phases; p++, w += width) {
            const vec xi = set1(x[p]);
            IDP_UNROLL
            for (size_t v = 0; v < whole; v++) sum[p][v] = fmadd(xi, load(w + v * LANES), sum[p][v]);
            if (ragged) sum[p][whole] = fmadd(xi, load_part(w + whole * LANES, rest), sum[p][whole]);
        }
    }
    for (; x < end; x++, w += width) {
        const vec xi = set1(*x);
        IDP_UNROLL
        for (size_t v = 0; v < whole; v++) sum[0][v] = fmadd(xi, load(w + v * LANES), sum[0][v]);
        if (ragged) sum[0][whole] = fmadd(xi, load_part(w + whole * LANES, rest), sum[0][whole]);
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

IDP_INLINE void panel_rows(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used, bool ragged) {
    switch ((used + LANES - 1) / LANES) { /* registers x phases >= 8 */
    case 1: panel_tile(fc, w, width, j0, used, 1, 8, ragged); break;
    case 2: panel_tile(fc, w, width, j0, used, 2, 4, ragged); break;
    case 3: panel_tile(fc, w, width, j0, used, 3, 3, ragged); break;
    case 4: panel_tile(fc, w, width, j0, used, 4, 2, ragged); break;
    case 5: panel_tile(fc, w, width, j0, used, 5, 2, ragged); break;
    case 6: panel_tile(fc, w, width, j0, used, 6, 2, ragged); break;
    case 7: panel_tile(fc, w, width, j0, used, 7, 1, ragged); break;
    case 8: panel_tile(fc, w, width, j0, used, 8, 1, ragged); break;
    case 9: panel_tile(fc, w, width, j0, used, 9, 1, ragged); break;
    case 10: panel_tile(fc, w, width, j0, used, 10, 1, ragged); break;
    case 11: panel_tile(fc, w, width, j0, used, 11, 1, ragged); break;
    default: panel_tile(fc, w, width, j0, used, 12, 1, ragged); break;
    }
}

void idp_fc_f32_panel_1x96_avx2(const idp_fc *fc);
void idp_fc_f32_panel_1x96_avx2(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const float *w = fc->weights;
    for (size_t j0 = 0; j0 < fc->m; j0 += PANEL) {
        const size_t width = idp_panel_width(PANEL, GRANULE, fc->out, j0), used = idp_min(width, fc->m - j0);
        if (idp_round_up(used, LANES) <= width)
            panel_rows(fc, w, width, j0, used, false);
        else
            panel_rows(fc, w, width, j0, used, true);
        w += (fc->in + 1) * width;
    }
}

/* ---- row 4x8: row-major dot products; 4 outputs share each load of x, 2 phases of channels ------------------- */

enum { ROWS = 4, ROW_PHASES = 2 };

/* The sums over the lanes of four registers. */
IDP_INLINE __m128 sum4(vec a, vec b, vec c, vec d) {
    const __m256 abcd = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

/* `rows` outputs from j on; w is their first row. */
IDP_INLINE void row_tile(const idp_fc *fc, const float *w, size_t stride, size_t j, size_t rows) {
    vec sum[ROW_PHASES][ROWS];
    IDP_UNROLL
    for (size_t p = 0; p < ROW_PHASES; p++) IDP_UNROLL
    for (size_t r = 0; r < ROWS; r++) sum[p][r] = zero();
    size_t i = 0;
    for (; i + ROW_PHASES * LANES <= fc->k; i += ROW_PHASES * LANES) IDP_UNROLL
    for (size_t p = 0; p < ROW_PHASES; p++) {
        const vec xi = load(fc->x + i + p * LANES);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) sum[p][r] = fmadd(load(w + r * stride + i + p * LANES), xi, sum[p][r]);
    }
    for (; i < fc->k; i += LANES) {
        const size_t n = idp_min(LANES, fc->k - i);
        const vec xi = load_part(fc->x + i, n);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) sum[0][r] = fmadd(load_part(w + r * stride + i, n), xi, sum[0][r]);
    }
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) sum[0][r] = add(sum[0][r], sum[1][r]);

    const __m128i some = _mm_cmpgt_epi32(_mm_set1_epi32((int)rows), _mm_setr_epi32(0, 1, 2, 3));
    __m128 y = _mm_add_ps(sum4(sum[0][0], sum[0][1], sum[0][2], sum[0][3]), _mm_maskload_ps(fc->weights + j, some));
    if (fc->relu) y = _mm_max_ps(_mm_setzero_ps(), y);
    if (fc->gamma != NULL) y = _mm_mul_ps(y, _mm_maskload_ps(fc->gamma + j, some));
    _mm_maskstore_ps(fc->y + j, some, y);
}

void idp_fc_f32_row_4x8_avx2(const idp_fc *fc);
void idp_fc_f32_row_4x8_avx2(const idp_fc *fc) {
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

/* In avx2_batch.c. */
idp_fc_function idp_fc_f32_batch_16x6_avx2, idp_fc_f32_sample_16x6_avx2;

static const idp_kernel kernels[] = {
    {"fc_f32_panel_1x96_avx2", IDP_LAYOUT_PANEL, 1, PANEL, LANES, PANEL, GRANULE, idp_fc_f32_panel_1x96_avx2},
    {"fc_f32_batch_16x6_avx2", IDP_LAYOUT_BATCH, 16, 6, LANES, 6, 1, idp_fc_f32_batch_16x6_avx2},
    {"fc_f32_row_4x8_avx2", IDP_LAYOUT_ROW, ROWS, LANES, LANES, 0, 0, idp_fc_f32_row_4x8_avx2},
    {"fc_f32_sample_16x6_avx2", IDP_LAYOUT_SAMPLE, 16, 6, LANES, 6, 1, idp_fc_f32_sample_16x6_avx2},
};

const idp_backend idp_backend_avx2 = {IDP_HEAD_avx2, kernels, sizeof kernels / sizeof kernels[0]};
