/* avx512.c: AVX-512 Foundation. The kernels of one sample; those of many are in avx512_batch.c. The
 * vocabulary (vec_avx512.h) is the same in avx2.c and neon.c, so that
 * the files can be compared line by line.
 *
 * Two FMA ports with a latency of 4 cycles need 8 independent sums in flight; every tile below has at least that
 * many, over its registers or over phases of the channel loop that are added up at the end. */
#include "vec_avx512.h"

/* ---- panel 1x96: one sample; 6 registers of outputs, fewer x phases of channels --------------------------------
 * Bound by the load ports from L1 (Zen 4: one zmm load a cycle, Intel: two) and by bandwidth from L2 on. Hence one
 * load of x for four channels, and a last panel of 4, 8 or 12 outputs whose registers hold several channels.
 *
 * On a Sapphire Rapids class Xeon (virtual machine) no loop of loads that feed FMAs runs as fast as either alone:
 * in L1 20 FMAs on registers take 10.0 cycles, 20 loads 10.0, 20 FMAs with an operand in memory 12.4, 20 loads and
 * 20 FMAs 12.9, in any of 20 orders, from one cache line or twenty; with 16 loads 11.6, with 10 to 12 10.0. With
 * 256 bits both together take 10.0, and additions instead of FMAs 11.1. So the core does 3.1 operations of 512 bits
 * a cycle, and 81 % of the roof is the limit there. From L2 (784 channels of 96 outputs) the best stream of loads
 * takes 1.52 us, bare loops of FMAs without an epilogue 1.66 (the next channel loaded while one is added), 1.68
 * (rows of six), 1.70 (two phases of sums): 90 to 92 %. Tried there, as time over that of two phases: the next
 * channel loaded while one is added 0.95 to 0.98; that with two phases 0.99; a constant width alone 0.98 to 0.99;
 * prefetcht0 1 to 8 KiB ahead 1.05 to 1.45; a broadcast load for each channel 0.98 to 1.03 (in L1 0.95, but see Zen
 * 4); a load far ahead of each line 1.25; more phases of the narrow panel 1.00.
 *
 * Lost, on Zen 4, interleaved with this kernel in one process, medians:
 * - a broadcast load for each channel: 147 ns against 137 (80 of 100 outputs and channels);
 * - a narrow last panel as one masked register: 184 ns against 155 (100x100, k = 70), 59 against 44 (10x100);
 * - prefetcht0 8 channels ahead: 166 ns against 133 in L1 (100x100, k = 60), 11.1 us against 10.8 in L2 (512x512),
 *   56 us against 44 in L3 (1024x1024), where prefetcht1 is no better: 55;
 * - prefetchnta for what exceeds L1: 299 ns against 274 (100x100, k = 90);
 * - all tiles in one function, whose constants then spill: 13.8 ns against 12.6 (10 of 100 outputs and channels).
 *
 * Beyond L1 two places of memory at once: a panel's two halves or, where there are, two panels. On a Zen 5 (virtual
 * machine) one stream from L2 has 110 to 165 bytes a nanosecond, two in different pages up to 220, after a pattern
 * that no reckoning explains: bare loops over one stream 160 in steps of six lines, 110 in steps of twelve; three
 * panels of 166 KB 119, two of 250 KB 214. Time over that of one stream (the next channel loaded while one is
 * added), interleaved in one process, A/A 0.99 to 1.02: two halves 0.93, 0.93, 0.92 (100x784 at 100, 50, 20 %), two
 * panels 0.72, 0.69, 0.96 (512x512 at 10, 50, 100 %), 0.75, 0.97, 0.99 (1024x1024), 0.81 (200x200, k = 40, in L1).
 * Lost there: halves with the next channels loaded 1.20 to 1.24, with sums of their own 1.06 to 1.08: six sums hold
 * the loads back, and L2 answers with more; in L1, where it does not, two phases of one stream take 0.88 to 0.92.
 * Four places of a panel 0.95 to 1.02 (100x784), 0.74 to 0.84 (512x512); three panels 0.70 to 0.79 there.
 *
 * Two panels on the Xeon, 4096x4096, weights in no cache, large pages, a broadcast for each channel: 0.99, 0.96,
 * 0.98 of the time (10, 50, 100 %); from L3 1.00 (1024x1024 too), from L2 1.01. Lost there: prefetcht1 4 to 32 KiB
 * ahead of one stream 1.03 to 1.21, of two 0.97 to 1.03. Two halves have not been measured there.
 *
 * Where the panels' first channels lie 1.5 MiB apart (4096x4096, k = 10 %) they share, presumably, sets of the TLB:
 * 118 us, and 95 us with the weights in huge pages. */

enum { PANEL = 96, GRANULE = 4, PHASES_MOST = 8, QUAD = 4 };

/* Four channels of x in every 128-bit block; one of them in every lane. */
IDP_INLINE vec load_quad(const float *x) { return _mm512_broadcast_f32x4(_mm_loadu_ps(x)); }
IDP_INLINE vec spread(vec quad, size_t q) {
    switch (q) {
    case 0: return _mm512_permute_ps(quad, 0x00);
    case 1: return _mm512_permute_ps(quad, 0x55);
    case 2: return _mm512_permute_ps(quad, 0xaa);
    default: return _mm512_permute_ps(quad, 0xff);
    }
}

/* The epilogue of n outputs from j on. */
IDP_INLINE void finish(const idp_fc *fc, size_t j, size_t n, vec y) {
    if (fc->relu) y = relu(y);
    if (fc->gamma != NULL) y = mul(y, load_part(fc->gamma + j, n));
    store_part(fc->y + j, n, y);
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

/* A panel with all its registers, of a layer beyond L1: its two halves in turns, so that it is read in two places
 * at once. Six sums are enough: six loads from there take longer than the latency of a sum. */
IDP_INLINE void whole_tile(const idp_fc *fc, const float *w, size_t j0, size_t used) {
    enum { VECTORS = PANEL / LANES };
    const size_t half = fc->k / (2 * QUAD) * QUAD;
    vec sum[VECTORS], rest[VECTORS]; /* rest: as many sums to add as two phases have */
    IDP_UNROLL
    for (size_t v = 0; v < VECTORS; v++) {
        sum[v] = load(w + v * LANES);
        rest[v] = zero();
    }
    w += PANEL;
    const float *x = fc->x;
    size_t i = 0;
    for (; i < half; i += QUAD) {
        const vec quad = load_quad(x + i), far = load_quad(x + half + i);
        IDP_UNROLL
        for (size_t q = 0; q < QUAD; q++, w += PANEL) {
            panel_channel(sum, w, spread(quad, q), VECTORS, LANES);
            panel_channel(sum, w + half * PANEL, spread(far, q), VECTORS, LANES);
        }
    }
    w += half * PANEL;
    for (i += half; i < fc->k; i++, w += PANEL) panel_channel(rest, w, set1(x[i]), VECTORS, LANES);
    IDP_UNROLL
    for (size_t v = 0; v < VECTORS; v++)
        finish(fc, j0 + v * LANES, idp_min(LANES, used - v * LANES), add(sum[v], rest[v]));
}

/* Two whole panels at once: each a stream of its own. */
static __attribute__((noinline)) void panel_pair(const idp_fc *fc, const float *w, size_t j0) {
    enum { VECTORS = PANEL / LANES };
    vec sum[2 * VECTORS];
    const float *second = w + (fc->in + 1) * PANEL;
    IDP_UNROLL
    for (size_t v = 0; v < VECTORS; v++) {
        sum[v] = load(w + v * LANES);
        sum[v + VECTORS] = load(second + v * LANES);
    }
    w += PANEL;
    second += PANEL;
    const float *x = fc->x, *end = x + fc->k;
    for (; x + QUAD <= end; x += QUAD) {
        const vec quad = load_quad(x);
        IDP_UNROLL
        for (size_t q = 0; q < QUAD; q++, w += PANEL, second += PANEL) {
            panel_channel(sum, w, spread(quad, q), VECTORS, LANES);
            panel_channel(sum + VECTORS, second, spread(quad, q), VECTORS, LANES);
        }
    }
    for (; x < end; x++, w += PANEL, second += PANEL) {
        panel_channel(sum, w, set1(*x), VECTORS, LANES);
        panel_channel(sum + VECTORS, second, set1(*x), VECTORS, LANES);
    }
    IDP_UNROLL
    for (size_t v = 0; v < 2 * VECTORS; v++) finish(fc, j0 + v * LANES, LANES, sum[v]);
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
#undef PANEL_TILE

static __attribute__((noinline)) void panel_6(const idp_fc *fc, const float *w, size_t width, size_t j0,
                                              size_t used) {
    (void)width;
    if (fc->m * fc->k > IDP_L1_FLOATS)
        whole_tile(fc, w, j0, used);
    else
        panel_tile(fc, w, PANEL, j0, used, PANEL / LANES, 2, LANES);
}
static __attribute__((noinline)) void ragged_6(const idp_fc *fc, const float *w, size_t width, size_t j0,
                                               size_t used) {
    panel_tile(fc, w, width, j0, used, 6, 2, width % LANES);
}

/* ---- the last panel, narrow: 4, 8 or 12 outputs -----------------------------------------------------------------
 * Four channels make a group of `blocks` registers. The bias is the channel before the first, so that groups are
 * whole cache lines. Masks that are constants, whole groups without one, and blocks put together in two steps
 * instead of three took 0.77, 0.90, 0.84, 0.97 of the time (10x100 at k = 10, 20, 50, 100; Zen 5). Per register:
 * which of a group's channels each lane holds. */

enum { GROUP = LANES / GRANULE, BLOCKS_MOST = LANES / GRANULE - 1, NARROW_PHASES = 2 };

static const int32_t channel_of[BLOCKS_MOST][BLOCKS_MOST][LANES] = {
    {{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}, {2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1},
     {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2},
     {2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}}};

/* Channels [from, to) of the group at w; x: 0 where it has none. */
IDP_INLINE void narrow_group(vec *sum, const float *w, const __m512i *channel, vec x, size_t from, size_t to,
                             size_t blocks) {
    const size_t width = blocks * GRANULE;
    const uint64_t lanes = (UINT64_C(1) << to * width) - (UINT64_C(1) << from * width);
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) {
        const vec wr = _mm512_maskz_loadu_ps((__mmask16)(lanes >> r * LANES), w + r * LANES);
        sum[r] = fmadd(_mm512_permutexvar_ps(channel[r], x), wr, sum[r]);
    }
}

/* All four channels of the group at w. */
IDP_INLINE void whole_group(vec *sum, const float *w, const __m512i *channel, const float *x, size_t blocks) {
    const vec quad = load_quad(x);
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++)
        sum[r] = fmadd(_mm512_permutevar_ps(quad, channel[r]), load(w + r * LANES), sum[r]);
}

IDP_INLINE void narrow_tile(const idp_fc *fc, const float *w, size_t j0, size_t used, size_t blocks) {
    const size_t width = blocks * GRANULE;
    __m512i channel[BLOCKS_MOST];
    vec sum[NARROW_PHASES][BLOCKS_MOST];
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) channel[r] = _mm512_loadu_si512(channel_of[blocks - 1][r]);
    IDP_UNROLL
    for (size_t p = 0; p < NARROW_PHASES; p++) IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) sum[p][r] = zero();
    sum[0][0] = load_part(w, width);

    if (fc->k > 0) {
        const __m512i up = _mm512_set_epi32(14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15);
        if (fc->k >= GROUP - 1) /* constant masks */
            narrow_group(sum[0], w, channel, _mm512_permutexvar_ps(up, load_part(fc->x, GROUP - 1)), 1, GROUP,
                         blocks);
        else
            narrow_group(sum[0], w, channel, _mm512_permutexvar_ps(up, load_part(fc->x, fc->k)), 1, fc->k + 1,
                         blocks);
    }
    w += GROUP * width;
    size_t i = GROUP - 1;
    for (; i + NARROW_PHASES * GROUP <= fc->k; i += NARROW_PHASES * GROUP) IDP_UNROLL
    for (size_t p = 0; p < NARROW_PHASES; p++, w += GROUP * width)
        whole_group(sum[p], w, channel, fc->x + i + p * GROUP, blocks);
    if (i + GROUP <= fc->k) {
        whole_group(sum[0], w, channel, fc->x + i, blocks);
        i += GROUP;
        w += GROUP * width;
    }
    if (i < fc->k) narrow_group(sum[1], w, channel, load_part(fc->x + i, fc->k - i), 0, fc->k - i, blocks);

    /* Registers by the four outputs P, Q, R that their blocks hold: PPPP; PQPQ PQPQ; PQRP QRPQ RPQR. */
    IDP_UNROLL
    for (size_t r = 0; r < blocks; r++) sum[0][r] = add(sum[0][r], sum[1][r]);
    vec y = sum[0][0];
    if (blocks == 1) {
        y = add(y, _mm512_shuffle_f32x4(y, y, 0x4e));
        y = add(y, _mm512_shuffle_f32x4(y, y, 0xb1));
    } else if (blocks == 2) {
        y = add(y, sum[0][1]);
        y = add(y, _mm512_shuffle_f32x4(y, y, 0x4e));
    } else {
        const vec b = sum[0][1], c = sum[0][2];
        const __m512i fourth = _mm512_setr_epi32(0, 0, 0, 0, 12, 13, 14, 15, 28, 29, 30, 31, 0, 0, 0, 0);
        y = add(y, _mm512_mask_shuffle_f32x4(zero(), 0x000f, y, y, 0xff)); /* the fourth blocks: P; Q and R */
        y = add(add(y, _mm512_shuffle_f32x4(c, c, 0x09)),
                add(_mm512_maskz_permutex2var_ps(0x0ff0, b, fourth, c), _mm512_shuffle_f32x4(b, b, 0x12)));
    }
    finish(fc, j0, used, y);
}

#define NARROW_TILE(blocks)                                                                               \
    static __attribute__((noinline)) void narrow_##blocks(const idp_fc *fc, const float *w, size_t width, \
                                                          size_t j0, size_t used) {                       \
        (void)width;                                                                                      \
        narrow_tile(fc, w, j0, used, blocks);                                                             \
    }
NARROW_TILE(1)
NARROW_TILE(2)
NARROW_TILE(3)
#undef NARROW_TILE

/* Direct calls, so that whoever reads the machine code (idp mca) finds them. */
static void panel_run(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used) {
    const size_t vectors = idp_round_up(used, LANES) / LANES;
    if (width < LANES) {
        switch (width / GRANULE) {
        case 1: narrow_1(fc, w, width, j0, used); break;
        case 2: narrow_2(fc, w, width, j0, used); break;
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
        }
    } else {
        switch (vectors) {
        case 1: ragged_1(fc, w, width, j0, used); break;
        case 2: ragged_2(fc, w, width, j0, used); break;
        case 3: ragged_3(fc, w, width, j0, used); break;
        case 4: ragged_4(fc, w, width, j0, used); break;
        case 5: ragged_5(fc, w, width, j0, used); break;
        case 6: ragged_6(fc, w, width, j0, used); break;
        }
    }
}

void idp_fc_f32_panel_1x96_avx512f(const idp_fc *fc);
void idp_fc_f32_panel_1x96_avx512f(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const float *w = fc->weights;
    size_t j0 = 0;
    for (; j0 + 2 * PANEL <= fc->m; j0 += 2 * PANEL) {
        panel_pair(fc, w, j0);
        w += 2 * (fc->in + 1) * PANEL;
    }
    for (; j0 < fc->m; j0 += PANEL) {
        const size_t width = idp_panel_width(PANEL, GRANULE, fc->out, j0), used = idp_min(width, fc->m - j0);
        panel_run(fc, w, width, j0, used);
        w += (fc->in + 1) * width;
    }
}

/* ---- row 4x16: row-major dot products; 4 outputs share each load of x, 2 phases of channels -------------------
 * Bound by bandwidth from L2 on, where a cut in outputs leaves it one contiguous stream: 98 % of the load-only
 * stream at 100x784 with m = 40, the panel 81 %. With all outputs they are alike (97 %), with a cut in inputs the
 * panel is faster (100x100 at k = 50: 116 ns against 248). Lost, on Zen 4: 5 to 8 rows in flight, one phase
 * (100x784: m = 10 in L1 198 ns against 219, but m = 40 in L2 1137 against 1094).
 *
 * On a Sapphire Rapids class Xeon, 100x784: rows are faster than panels up to m = 70 (146 ns against 601 at m = 10,
 * 1041 against 1299 at 50, 1458 against 1599 at 70), slower from 80 on (1616 against 1579, 2080 against 1892 at
 * 100). The next sixteen channels loaded while some are added: m = 10 0.96 of the time, L2 1.00. A rest of one or
 * two rows together with the last four: m = 10 0.93. Lost: all tiles of 5, 6 or 8 rows (1.09, 1.00, 1.05 of the
 * time in L2), prefetcht0 (1.17 to 1.30); tiles of up to ten rows, one phase, nothing loaded ahead: 0.98 to 1.00 at
 * m = 10, 20, 40, 70, 100, 0.87 at 7, but 1.07 to 1.10 at 3, 5, 6 and at 30 of 100x100. A bare loop of ten rows
 * takes 349 cycles for m = 10 (490 loads alone: 253), so the tile's beginning and end are what is left: 40 to 60.
 *
 * Beyond L1 the four rows of a tile are a quarter of the layer apart: on a Zen 5 (virtual machine) neighbours, of
 * which several lie in a page, come from L2 with 105 to 110 bytes a nanosecond, rows of other pages with 150: 0.76,
 * 0.78, 0.78, 0.77, 0.75 of the time (m = 16, 20, 50, 70, 100 of 100x784), from L3 1.01 (512 of 1024x1024). Lost:
 * rows one by one, each in eight registers, 0.72 to 0.75 in L2, but 1.6 in L1 and a load of x for each of weights;
 * four neighbours in bursts of 4, 8 or 16 lines 0.89 to 1.01; prefetcht0 512 bytes or 1 KiB ahead 1.05 to 1.31. */

enum { ROWS = 4, ROWS_MOST = ROWS + 2, ROW_PHASES = 2 };

/* The sums over the lanes of four registers. */
IDP_INLINE __m128 sum4(vec a, vec b, vec c, vec d) {
#define HALVES(v) \
    _mm256_add_ps(_mm512_castps512_ps256(v), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)))
    const __m256 ab = _mm256_hadd_ps(HALVES(a), HALVES(b)), cd = _mm256_hadd_ps(HALVES(c), HALVES(d));
#undef HALVES
    const __m256 abcd = _mm256_hadd_ps(ab, cd);
    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

/* The epilogue of up to four outputs from j on. */
IDP_INLINE void finish_rows(const idp_fc *fc, size_t j, size_t rows, const vec *sum) {
    const __m128i some = _mm_cmpgt_epi32(_mm_set1_epi32((int)rows), _mm_setr_epi32(0, 1, 2, 3));
    __m128 y = _mm_add_ps(sum4(sum[0], sum[1], sum[2], sum[3]), _mm_maskload_ps(fc->weights + j, some));
    if (fc->relu) y = _mm_max_ps(_mm_setzero_ps(), y);
    if (fc->gamma != NULL) y = _mm_mul_ps(y, _mm_maskload_ps(fc->gamma + j, some));
    store_part(fc->y + j, rows, _mm512_castps128_ps512(y));
}

/* `rows` outputs from j on, `apart` from one to the next; w is their first row, `stride` floats before their
 * second. */
IDP_INLINE void row_tile(const idp_fc *fc, const float *w, size_t stride, size_t j, size_t apart, size_t rows) {
    vec sum[ROW_PHASES][2 * ROWS];
    IDP_UNROLL
    for (size_t p = 0; p < ROW_PHASES; p++) IDP_UNROLL
    for (size_t r = 0; r < 2 * ROWS; r++) sum[p][r] = zero();
    size_t i = 0;
    if (fc->k >= LANES) { /* sixteen channels are loaded while those before are added */
        vec next[2 * ROWS];
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) next[r] = load(w + r * stride);
        for (i = LANES; i + ROW_PHASES * LANES <= fc->k; i += ROW_PHASES * LANES) IDP_UNROLL
        for (size_t p = 0; p < ROW_PHASES; p++) {
            const vec xi = load(fc->x + i + p * LANES - LANES);
            IDP_UNROLL
            for (size_t r = 0; r < rows; r++) {
                sum[p][r] = fmadd(next[r], xi, sum[p][r]);
                next[r] = load(w + r * stride + i + p * LANES);
            }
        }
        const vec xi = load(fc->x + i - LANES);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) sum[0][r] = fmadd(next[r], xi, sum[0][r]);
    }
    for (; i < fc->k; i += LANES) {
        const size_t n = idp_min(LANES, fc->k - i);
        const vec xi = load_part(fc->x + i, n);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) sum[0][r] = fmadd(load_part(w + r * stride + i, n), xi, sum[0][r]);
    }
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) sum[0][r] = add(sum[0][r], sum[1][r]);

    if (apart > 1) {
        float sums[ROWS];
        _mm_storeu_ps(sums, sum4(sum[0][0], sum[0][1], sum[0][2], sum[0][3]));
        idp_finish_apart(fc, j, apart, sums);
        return;
    }
    IDP_UNROLL
    for (size_t r = 0; r < rows; r += ROWS) finish_rows(fc, j + r, idp_min(ROWS, rows - r), sum[0] + r);
}

/* A multiple of four rows, quarters of them in turns. */
static __attribute__((noinline)) size_t rows_far(const idp_fc *fc, const float *w, size_t stride) {
    const size_t apart = fc->m / ROWS;
    for (size_t j = 0; j < apart; j++) row_tile(fc, w + j * stride, apart * stride, j, apart, ROWS);
    return ROWS * apart;
}

void idp_fc_f32_row_4x16_avx512f(const idp_fc *fc);
void idp_fc_f32_row_4x16_avx512f(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const size_t stride = idp_row_stride(fc->in);
    const float *w = fc->weights + idp_round_up(fc->out, IDP_LINE);
    size_t j = fc->m * fc->in > IDP_L1_FLOATS && fc->m >= 2 * ROWS ? rows_far(fc, w, stride) : 0;
    for (; fc->m - j > ROWS_MOST; j += ROWS) row_tile(fc, w + j * stride, stride, j, 1, ROWS);
    switch (fc->m - j) { /* one or two rows left join the last four: alone they would wait for their sums */
    case 1: row_tile(fc, w + j * stride, stride, j, 1, 1); break;
    case 2: row_tile(fc, w + j * stride, stride, j, 1, 2); break;
    case 3: row_tile(fc, w + j * stride, stride, j, 1, 3); break;
    case 4: row_tile(fc, w + j * stride, stride, j, 1, 4); break;
    case 5: row_tile(fc, w + j * stride, stride, j, 1, 5); break;
    case 6: row_tile(fc, w + j * stride, stride, j, 1, 6); break;
    }
}

/* ---- the table ------------------------------------------------------------------------------------------------
 */

/* In avx512_batch.c. */
idp_fc_function idp_fc_f32_batch_32x10_avx512f, idp_fc_f32_sample_32x10_avx512f;

static const idp_kernel kernels[] = {
    {"fc_f32_panel_1x96_avx512f", IDP_LAYOUT_PANEL, 1, PANEL, LANES, PANEL, GRANULE, idp_fc_f32_panel_1x96_avx512f},
    {"fc_f32_batch_32x10_avx512f", IDP_LAYOUT_BATCH, 32, 10, LANES, 10, 1, idp_fc_f32_batch_32x10_avx512f},
    {"fc_f32_row_4x16_avx512f", IDP_LAYOUT_ROW, ROWS, LANES, LANES, 0, 0, idp_fc_f32_row_4x16_avx512f},
    {"fc_f32_sample_32x10_avx512f", IDP_LAYOUT_SAMPLE, 32, 10, LANES, 10, 1, idp_fc_f32_sample_32x10_avx512f},
};

const idp_backend idp_backend_avx512f = {IDP_HEAD_avx512f, kernels, sizeof kernels / sizeof kernels[0]};
