/* avx2.c: AVX2 and FMA3. The kernels of one sample; those of many are in avx2_batch.c. The
 * vocabulary (vec_avx2.h) is the same in avx512.c and neon.c, so that the
 * files can be compared line by line.
 *
 * Two FMA ports with a latency of 4 cycles need 8 independent sums in flight; every tile below has at least that
 * many, over its registers or over phases of the channel loop that are added up at the end. */
#include "vec_avx2.h"

/* ---- panel 1x96: one sample; 12 registers of outputs ----------------------------------------------------------
 * Bound by the load ports from L1 (two loads a cycle, one per FMA) and by bandwidth from L2 on. Hence one load of x
 * for four channels, and a last panel of 4 or 12 outputs whose registers hold two channels.
 *
 * Lost, on Zen 4: vmaskmovps stores of y, microcoded there (100x100 at k = 10: 83 ns against 39). What else was
 * tried is in avx512.c.
 *
 * Whole panels of layers beyond L1 are read in four places at once: at the end of each page of 4 KB the prefetcher
 * starts anew, and meanwhile the others go on. Zen 3 (virtual machine), medians of interleaved rounds, of the time
 * of one place: 4096x4096 from memory 0.78 to 0.87, 1024x1024 0.75 to 0.98 at 60 and 100 %, 0.86 to 0.88 at 10,
 * 0.98 to 1.01 at 20, 512x512 0.87 to 1.00, 100x784 0.95 to 1.01. Two places 0.80 to 0.86 and, at 1024x1024, 0.86
 * to 0.90, eight 1.07 to 1.4, four channels at a time instead of one 0.91 to 0.96. Lost: two to eight panels at
 * once (1.06 to 1.47), prefetching 8 to 128 channels ahead (1.13 to 1.27). Within L1 it has its x by broadcasts,
 * not by permutations, and takes 0.86 to 0.93 (100x100); not done there: a core of two loads a cycle pays for them,
 * by reckoning 6 %, and none was to be had. On a Zen 5 from 40 KiB on instead of 256: 0.95, 0.94 (100x784 at k =
 * 156, 235), 1.00 (110), 512x512 at 10 % 0.98. */

enum { PANEL = 96, GRANULE = 4, PHASES_MOST = 8, QUAD = 4, PLACES = 4 };

/* Four channels of x in both 128-bit blocks; one of them in every lane. */
IDP_INLINE vec both(__m128 a) { return _mm256_insertf128_ps(_mm256_castps128_ps256(a), a, 1); }
IDP_INLINE vec load_quad(const float *x) { return both(_mm_loadu_ps(x)); }
IDP_INLINE vec spread(vec quad, size_t q) {
    switch (q) {
    case 0: return _mm256_permute_ps(quad, 0x00);
    case 1: return _mm256_permute_ps(quad, 0x55);
    case 2: return _mm256_permute_ps(quad, 0xaa);
    default: return _mm256_permute_ps(quad, 0xff);
    }
}

/* The first n lanes, n in [0, 4]. */
IDP_INLINE void store_low(float *p, size_t n, __m128 a) {
    if (n == 4) {
        _mm_storeu_ps(p, a);
        return;
    }
    if ((n & 2) != 0) {
        _mm_storel_pi((__m64 *)p, a);
        p += 2;
        a = _mm_movehl_ps(a, a);
    }
    if ((n & 1) != 0) _mm_store_ss(p, a);
}

/* The epilogue of n outputs from j on. */
IDP_INLINE void finish(const idp_fc *fc, size_t j, size_t n, vec y) {
    if (fc->relu) y = relu(y);
    if (fc->gamma != NULL) y = mul(y, n == LANES ? load(fc->gamma + j) : load_part(fc->gamma + j, n));
    if (n == LANES) {
        _mm256_storeu_ps(fc->y + j, y);
        return;
    }
    store_low(fc->y + j, idp_min(n, 4), _mm256_castps256_ps128(y));
    if (n > 4) store_low(fc->y + j + 4, n - 4, _mm256_extractf128_ps(y, 1));
}

/* One channel of `vectors` registers of outputs; the last one has `rest` lanes. */
IDP_INLINE void panel_channel(vec *sum, const float *w, vec xi, size_t vectors, size_t rest) {
    IDP_UNROLL
    for (size_t v = 0; v + 1 < vectors; v++) sum[v] = fmadd(xi, load(w + v * LANES), sum[v]);
    const float *last = w + (vectors - 1) * LANES;
    sum[vectors - 1] = fmadd(xi, rest == LANES ? load(last) : load_part(last, rest), sum[vectors - 1]);
}

/* `vectors` registers of outputs from j0 on, `used` of which are wanted; w: [bias, channel][width]. `rest`: how
 * many lanes of the last register the panel has. */
IDP_INLINE void panel_tile(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used, size_t vectors,
                           size_t phases, size_t rest) {
    vec sum[PHASES_MOST][PANEL / LANES];
    IDP_UNROLL
    for (size_t p = 1; p < phases; p++) IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) sum[p][v] = zero();
    IDP_UNROLL
    for (size_t v = 0; v + 1 < vectors; v++) sum[0][v] = load(w + v * LANES);
    sum[0][vectors - 1] = load_part(w + (vectors - 1) * LANES, rest);
    w += width;

    const size_t step = phases > QUAD ? phases : QUAD;
    const float *x = fc->x, *end = x + fc->k;
    for (; x + step <= end; x += step) {
        IDP_UNROLL
        for (size_t p = 0; p < step; p += QUAD) {
            const vec quad = load_quad(x + p);
            IDP_UNROLL
            for (size_t q = 0; q < QUAD; q++, w += width)
                panel_channel(sum[(p + q) % phases], w, spread(quad, q), vectors, rest);
        }
    }
    for (; x < end; x++, w += width) panel_channel(sum[0], w, set1(*x), vectors, rest);

    IDP_UNROLL
    for (size_t half = phases / 2; half > 0; half /= 2) IDP_UNROLL
    for (size_t p = 0; p < half; p++) IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) sum[p][v] = add(sum[p][v], sum[p + half][v]);
    IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) finish(fc, j0 + v * LANES, idp_min(LANES, used - v * LANES), sum[0][v]);
}

/* Not inlined into one function, where the compiler would hoist and spill the constants of all of them. */
#define PANEL_TILE(vectors, phases) /* registers x phases >= 8 */                                          \
    static __attribute__((noinline)) void panel_##vectors(const idp_fc *fc, const float *w, size_t width,  \
                                                          size_t j0, size_t used) {                        \
        panel_tile(fc, w, width, j0, used, vectors, phases, LANES);                                        \
    }                                                                                                      \
    static __attribute__((noinline)) void ragged_##vectors(const idp_fc *fc, const float *w, size_t width, \
                                                           size_t j0, size_t used) {                       \
        panel_tile(fc, w, width, j0, used, vectors, phases, width % LANES);                                \
    }
PANEL_TILE(1, 8)
PANEL_TILE(2, 4)
PANEL_TILE(3, 4)
PANEL_TILE(4, 2)
PANEL_TILE(5, 2)
PANEL_TILE(6, 2)
PANEL_TILE(7, 1)
PANEL_TILE(8, 1)
PANEL_TILE(9, 1)
PANEL_TILE(10, 1)
PANEL_TILE(11, 1)
PANEL_TILE(12, 1)
#undef PANEL_TILE

/* ---- the last panel, narrow: 4 or 12 outputs --------------------------------------------------------------------
 * Two channels make a group of `blocks` registers. The bias is the channel before the first, so that groups are
 * aligned. Per register: which of a group's channels each lane holds. */

enum { GROUP = LANES / GRANULE, BLOCKS_MOST = 3, NARROW_PHASES_MOST = 4 };

static const int32_t channel_of[BLOCKS_MOST][BLOCKS_MOST][LANES] = {
    {{0, 0, 0, 0, 1, 1, 1, 1}},
    {{0}}, /* 8 outputs are a whole register */
    {{0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}}};

/* x: the two channels of the group at w, in either half. */
IDP_INLINE void narrow_group(vec *sum, const float *w, const __m256i *channel, vec x, size_t blocks) {
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++)
        sum[r] = fmadd(_mm256_permutevar_ps(x, channel[r]), load(w + r * LANES), sum[r]);
}

/* Channel c of the group alone. */
IDP_INLINE void narrow_channel(vec *sum, const float *w, const __m256i *channel, float x, int c, size_t blocks) {
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) {
        const __m256i lanes = _mm256_cmpeq_epi32(channel[r], _mm256_set1_epi32(c));
        const vec xr = _mm256_and_ps(set1(x), _mm256_castsi256_ps(lanes));
        sum[r] = fmadd(xr, _mm256_maskload_ps(w + r * LANES, lanes), sum[r]);
    }
}

IDP_INLINE void narrow_tile(const idp_fc *fc, const float *w, size_t j0, size_t used, size_t blocks) {
    const size_t width = blocks * GRANULE, phases = blocks == 1 ? 4 : 2;
    const float *x = fc->x, *end = x + fc->k;
    __m256i channel[BLOCKS_MOST];
    vec sum[NARROW_PHASES_MOST][BLOCKS_MOST];
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) channel[r] = _mm256_loadu_si256((const __m256i *)channel_of[blocks - 1][r]);
    IDP_UNROLL
    for (size_t p = 0; p < phases; p++) IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) sum[p][r] = zero();
    sum[0][0] = load_part(w, idp_min(width, LANES));
    if (width > LANES) sum[0][1] = load_part(w + LANES, width - LANES);

    if (x < end) narrow_channel(sum[0], w, channel, *x++, 1, blocks);
    w += GROUP * width;
    for (; x + phases * GROUP <= end; x += phases * GROUP) IDP_UNROLL
    for (size_t p = 0; p < phases; p += 2, w += 2 * GROUP * width) {
        const vec quad = load_quad(x + p * GROUP);
        narrow_group(sum[p], w, channel, quad, blocks);
        narrow_group(sum[p + 1], w + GROUP * width, channel, _mm256_permute_ps(quad, 0xee), blocks);
    }
    for (; x + GROUP <= end; x += GROUP, w += GROUP * width) {
        const __m128 pair = _mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)x);
        narrow_group(sum[1], w, channel, both(pair), blocks);
    }
    if (x < end) narrow_channel(sum[1], w, channel, *x, 0, blocks);

    /* Registers by the four outputs P, Q, R that their halves hold: PP; PQ RP QR. */
    IDP_UNROLL
    for (size_t half = phases / 2; half > 0; half /= 2) IDP_UNROLL
    for (size_t p = 0; p < half; p++) IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) sum[p][r] = add(sum[p][r], sum[p + half][r]);
    const vec a = sum[0][0];
    if (blocks == 1) {
        finish(fc, j0, used, add(a, _mm256_permute2f128_ps(a, a, 0x01)));
    } else {
        const vec b = sum[0][1], c = sum[0][2];
        finish(fc, j0, idp_min(used, LANES), add(a, _mm256_permute2f128_ps(b, c, 0x21)));
        if (used > LANES) finish(fc, j0 + LANES, used - LANES, add(b, _mm256_permute2f128_ps(c, c, 0x01)));
    }
}

#define NARROW_TILE(blocks)                                                                               \
    static __attribute__((noinline)) void narrow_##blocks(const idp_fc *fc, const float *w, size_t width, \
                                                          size_t j0, size_t used) {                       \
        (void)width;                                                                                      \
        narrow_tile(fc, w, j0, used, blocks);                                                             \
    }
NARROW_TILE(1)
NARROW_TILE(3)
#undef NARROW_TILE

/* Direct calls, so that whoever reads the machine code (idp mca) finds them. */
static void panel_run(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used) {
    const size_t vectors = idp_round_up(used, LANES) / LANES;
    if (width <= BLOCKS_MOST * GRANULE) {
        switch (width / GRANULE) {
        case 1: narrow_1(fc, w, width, j0, used); break;
        case 2: panel_1(fc, w, width, j0, used); break;
        case 3: narrow_3(fc, w, width, j0, used); break;
        }
    } else if (vectors * LANES <= width) {
        switch (vectors) {
        case 1: panel_1(fc, w, width, j0, used); break;
        case 2: panel_2(fc, w, width, j0, used); break;
        case 3: panel_3(fc, w, width, j0, used); break;
        case 4: panel_4(fc, w, width, j0, used); break;
        case 5: panel_5(fc, w, width, j0, used); break;
        case 6: panel_6(fc, w, width, j0, used); break;
        case 7: panel_7(fc, w, width, j0, used); break;
        case 8: panel_8(fc, w, width, j0, used); break;
        case 9: panel_9(fc, w, width, j0, used); break;
        case 10: panel_10(fc, w, width, j0, used); break;
        case 11: panel_11(fc, w, width, j0, used); break;
        case 12: panel_12(fc, w, width, j0, used); break;
        }
    } else {
        switch (vectors) {
        case 1: ragged_1(fc, w, width, j0, used); break;
        case 2: ragged_2(fc, w, width, j0, used); break;
        case 3: ragged_3(fc, w, width, j0, used); break;
        case 4: ragged_4(fc, w, width, j0, used); break;
        case 5: ragged_5(fc, w, width, j0, used); break;
        case 6: ragged_6(fc, w, width, j0, used); break;
        case 7: ragged_7(fc, w, width, j0, used); break;
        case 8: ragged_8(fc, w, width, j0, used); break;
        case 9: ragged_9(fc, w, width, j0, used); break;
        case 10: ragged_10(fc, w, width, j0, used); break;
        case 11: ragged_11(fc, w, width, j0, used); break;
        case 12: ragged_12(fc, w, width, j0, used); break;
        }
    }
}

/* A whole panel of a layer beyond L1. */
static __attribute__((noinline)) void panel_far(const idp_fc *fc, const float *w, size_t j0) {
    enum { VECTORS = PANEL / LANES };
    const size_t part = fc->k / PLACES;
    vec sum[VECTORS];
    IDP_UNROLL
    for (size_t v = 0; v < VECTORS; v++) sum[v] = load(w + v * LANES);
    w += PANEL;
    const float *x = fc->x;
    for (size_t i = 0; i < part; i++) IDP_UNROLL
    for (size_t p = 0; p < PLACES; p++)
        panel_channel(sum, w + (p * part + i) * PANEL, set1(x[p * part + i]), VECTORS, LANES);
    for (size_t i = PLACES * part; i < fc->k; i++) panel_channel(sum, w + i * PANEL, set1(x[i]), VECTORS, LANES);
    IDP_UNROLL
    for (size_t v = 0; v < VECTORS; v++) finish(fc, j0 + v * LANES, LANES, sum[v]);
}

void idp_fc_f32_panel_1x96_avx2(const idp_fc *fc);
void idp_fc_f32_panel_1x96_avx2(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const float *w = fc->weights;
    size_t j0 = 0;
    for (; fc->m * fc->k > IDP_L1_FLOATS && j0 + PANEL <= fc->m; j0 += PANEL, w += (fc->in + 1) * PANEL)
        panel_far(fc, w, j0);
    for (; j0 < fc->m; j0 += PANEL) {
        const size_t width = idp_panel_width(PANEL, GRANULE, fc->out, j0), used = idp_min(width, fc->m - j0);
        panel_run(fc, w, width, j0, used);
        w += (fc->in + 1) * width;
    }
}

/* ---- row 4x8: row-major dot products; 4 outputs share each load of x, 2 phases of channels -------------------
 * Bound by bandwidth from L2 on; for a cut in outputs: see avx512.c. So for rows a quarter of the layer apart
 * beyond L1: 0.76, 0.75, 0.77 of the time on a Zen 5 (m = 20, 50, 100 of 100x784). */

enum { ROWS = 4, ROW_PHASES = 2 };

/* The sums over the lanes of four registers. */
IDP_INLINE __m128 sum4(vec a, vec b, vec c, vec d) {
    const __m256 abcd = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

/* `rows` outputs from j on, `apart` from one to the next; w is their first row, `stride` floats before their
 * second. */
IDP_INLINE void row_tile(const idp_fc *fc, const float *w, size_t stride, size_t j, size_t apart, size_t rows) {
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

    __m128 y = sum4(sum[0][0], sum[0][1], sum[0][2], sum[0][3]);
    if (apart > 1) {
        float sums[ROWS];
        _mm_storeu_ps(sums, y);
        idp_finish_apart(fc, j, apart, sums);
        return;
    }
    const __m128i some = _mm_cmpgt_epi32(_mm_set1_epi32((int)rows), _mm_setr_epi32(0, 1, 2, 3));
    y = _mm_add_ps(y, _mm_maskload_ps(fc->weights + j, some));
    if (fc->relu) y = _mm_max_ps(_mm_setzero_ps(), y);
    if (fc->gamma != NULL) y = _mm_mul_ps(y, _mm_maskload_ps(fc->gamma + j, some));
    store_low(fc->y + j, rows, y);
}

/* A multiple of four rows, quarters of them in turns. */
static __attribute__((noinline)) size_t rows_far(const idp_fc *fc, const float *w, size_t stride) {
    const size_t apart = fc->m / ROWS;
    for (size_t j = 0; j < apart; j++) row_tile(fc, w + j * stride, apart * stride, j, apart, ROWS);
    return ROWS * apart;
}

void idp_fc_f32_row_4x8_avx2(const idp_fc *fc);
void idp_fc_f32_row_4x8_avx2(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const size_t stride = idp_row_stride(fc->in);
    const float *w = fc->weights + idp_round_up(fc->out, IDP_LINE);
    size_t j = fc->m * fc->in > IDP_L1_FLOATS && fc->m >= 2 * ROWS ? rows_far(fc, w, stride) : 0;
    for (; j + ROWS <= fc->m; j += ROWS) row_tile(fc, w + j * stride, stride, j, 1, ROWS);
    switch (fc->m - j) {
    case 1: row_tile(fc, w + j * stride, stride, j, 1, 1); break;
    case 2: row_tile(fc, w + j * stride, stride, j, 1, 2); break;
    case 3: row_tile(fc, w + j * stride, stride, j, 1, 3); break;
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
