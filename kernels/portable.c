/* portable.c: the layer in plain C, compiled several times (see CMakeLists.txt): as `scalar` with the vectoriser
 * off, and as `autovec_<isa>` with that ISA's flags and licence to reorder sums: the baseline that hand-written
 * kernels must beat.
 *
 * IDP_VARIANT is the back end's name, IDP_VARIANT_LANES the floats of one of its registers: the tiles below are
 * sized so that the compiler can keep the accumulators in registers. */
#include "backend.h"

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#if IDP_VARIANT_LANES == 1
#define SIMD
#define SIMD_SUM(...)
#define PANEL_TILE 1x8
#define BATCH_TILE 4x2
#define ROW_TILE 4x1
enum { BATCH_OUT = 2, BATCH_LANES = 4 };
#else
#define SIMD _Pragma("omp simd")
#define SIMD_SUM(...) _Pragma(TEXT(omp simd reduction(+ : __VA_ARGS__)))
#if IDP_VARIANT_LANES == 4
#define PANEL_TILE 1x32
#define BATCH_TILE 8x8
#define ROW_TILE 4x4
#elif IDP_VARIANT_LANES == 8
#define PANEL_TILE 1x64
#define BATCH_TILE 16x4
#define ROW_TILE 4x8
#else
#define PANEL_TILE 1x128
#define BATCH_TILE 32x8
#define ROW_TILE 4x16
#endif
enum { BATCH_OUT = IDP_VARIANT_LANES == 8 ? 4 : 8, BATCH_LANES = 2 * IDP_VARIANT_LANES };
#endif

enum { LANES = IDP_VARIANT_LANES, PANEL = 8 * LANES };
enum { ROWS = 4 /* dot products that share each load of x */ };

IDP_INLINE float epilogue(float sum, const idp_fc *fc, size_t j) {
    if (fc->relu) sum = sum < 0 ? 0 : sum; /* NaN stays NaN */
    return fc->gamma != NULL ? sum * fc->gamma[j] : sum;
}

/* ---- panel: [panel][bias, channel][output]; one broadcast input a step, outputs in the lanes ---------------- */

/* `width` is the packed width of the panel; outputs j0 .. j0 + used - 1 are written. */
IDP_INLINE void panel_one(const idp_fc *fc, const float *w, size_t width, size_t j0, size_t used) {
    float sum[PANEL] = {0};
    SIMD for (size_t l = 0; l < width; l++) sum[l] = w[l];
    w += width;
    for (size_t i = 0; i < fc->k; i++, w += width) {
        const float xi = fc->x[i];
        SIMD for (size_t l = 0; l < width; l++) sum[l] += xi * w[l];
    }
    for (size_t l = 0; l < used; l++) fc->y[j0 + l] = epilogue(sum[l], fc, j0 + l);
}

static void panel(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const float *w = fc->weights;
    for (size_t j0 = 0; j0 < fc->m; j0 += PANEL) {
        const size_t width = idp_panel_width(PANEL, LANES, fc->out, j0), used = idp_min(width, fc->m - j0);
        switch (width / LANES) { /* a constant width each, so that the sums can live in registers */
        case 1: panel_one(fc, w, 1 * LANES, j0, used); break;
        case 2: panel_one(fc, w, 2 * LANES, j0, used); break;
        case 3: panel_one(fc, w, 3 * LANES, j0, used); break;
        case 4: panel_one(fc, w, 4 * LANES, j0, used); break;
        case 5: panel_one(fc, w, 5 * LANES, j0, used); break;
        case 6: panel_one(fc, w, 6 * LANES, j0, used); break;
        case 7: panel_one(fc, w, 7 * LANES, j0, used); break;
        default: panel_one(fc, w, PANEL, j0, used); break;
        }
        w += (fc->in + 1) * width;
    }
}

/* ---- batch: [channel][sample]; a tile of outputs x samples in registers, samples in the lanes ---------------- */

/* Channels i0 .. i1 - 1 of a panel; x: of channel i0, [channel][x_stride]. Between such blocks the sums rest in y.
 */
IDP_INLINE void batch_tile(const idp_fc *fc, const float *x, size_t x_stride, size_t i0, size_t i1, const float *w,
                           size_t width, size_t j0, size_t used, size_t s0, size_t lanes) {
    float sum[BATCH_OUT][BATCH_LANES] = {{0}};
    float *y = fc->y + j0 * fc->y_stride + s0;
    if (i0 == 0)
        for (size_t r = 0; r < width; r++) SIMD for (size_t l = 0; l < lanes; l++) sum[r][l] = w[r];
    else
        for (size_t r = 0; r < used; r++)
            SIMD for (size_t l = 0; l < lanes; l++) sum[r][l] = y[r * fc->y_stride + l];
    w += (i0 + 1) * width;
    for (size_t i = i0; i < i1; i++, w += width, x += x_stride)
        for (size_t r = 0; r < width; r++) SIMD for (size_t l = 0; l < lanes; l++) sum[r][l] += w[r] * x[l];
    for (size_t r = 0; r < used; r++)
        for (size_t l = 0; l < lanes; l++)
            y[r * fc->y_stride + l] = i1 == fc->k ? epilogue(sum[r][l], fc, j0 + r) : sum[r][l];
}

/* Those channels against every output, for `lanes` samples from s0 on. */
IDP_INLINE void batch_panels(const idp_fc *fc, const float *x, size_t x_stride, size_t i0, size_t i1, size_t s0,
                             size_t lanes) {
    const float *w = fc->weights;
    for (size_t j0 = 0; j0 < fc->m; j0 += BATCH_OUT) {
        const size_t width = idp_panel_width(BATCH_OUT, 1, fc->out, j0), used = idp_min(width, fc->m - j0);
        if (lanes < BATCH_LANES)
            batch_tile(fc, x, x_stride, i0, i1, w, width, j0, used, s0, lanes);
        else if (width == BATCH_OUT)
            batch_tile(fc, x, x_stride, i0, i1, w, BATCH_OUT, j0, used, s0, BATCH_LANES);
        else if (width == BATCH_OUT / 2)
            batch_tile(fc, x, x_stride, i0, i1, w, BATCH_OUT / 2, j0, used, s0, BATCH_LANES);
        else
            batch_tile(fc, x, x_stride, i0, i1, w, width, j0, used, s0, BATCH_LANES);
        w += (fc->in + 1) * width;
    }
}

static void batch(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    for (size_t s0 = 0; s0 < fc->batch; s0 += BATCH_LANES)
        batch_panels(fc, fc->k > 0 ? fc->x + s0 : NULL, fc->x_stride, 0, fc->k, s0,
                     idp_min(BATCH_LANES, fc->batch - s0));
}

/* ---- sample: x [sample][channel]; blocks of it are transposed on the way --------------------------------------
 */

static void sample(const idp_fc *fc) {
    enum { CHANNELS = 256 };
    float turned[CHANNELS * BATCH_LANES];
    IDP_ASSERT_FC(fc);
    for (size_t s0 = 0; s0 < fc->batch; s0 += BATCH_LANES) {
        const size_t lanes = idp_min(BATCH_LANES, fc->batch - s0);
        size_t i0 = 0, i1;
        do { /* once where k is 0 */
            i1 = idp_min(i0 + CHANNELS, fc->k);
            for (size_t i = i0; i < i1; i++)
                for (size_t l = 0; l < lanes; l++)
                    turned[(i - i0) * BATCH_LANES + l] = fc->x[(s0 + l) * fc->x_stride + i];
            batch_panels(fc, turned, BATCH_LANES, i0, i1, s0, lanes);
            i0 = i1;
        } while (i1 < fc->k);
    }
}

/* ---- row: row-major weights; channels in the lanes, one horizontal sum per output ---------------------------- */

static void row(const idp_fc *fc) {
    IDP_ASSERT_FC(fc);
    const size_t stride = idp_row_stride(fc->in), k = fc->k;
    const float *bias = fc->weights, *w = fc->weights + idp_round_up(fc->out, IDP_LINE), *x = fc->x;
    size_t j = 0;
    for (; j + ROWS <= fc->m; j += ROWS, w += ROWS * stride) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        SIMD_SUM(s0, s1, s2, s3)
        for (size_t i = 0; i < k; i++) {
            s0 += w[i] * x[i];
            s1 += w[stride + i] * x[i];
            s2 += w[2 * stride + i] * x[i];
            s3 += w[3 * stride + i] * x[i];
        }
        fc->y[j] = epilogue(bias[j] + s0, fc, j);
        fc->y[j + 1] = epilogue(bias[j + 1] + s1, fc, j + 1);
        fc->y[j + 2] = epilogue(bias[j + 2] + s2, fc, j + 2);
        fc->y[j + 3] = epilogue(bias[j + 3] + s3, fc, j + 3);
    }
    for (; j < fc->m; j++, w += stride) {
        float s = 0;
        SIMD_SUM(s)
        for (size_t i = 0; i < k; i++) s += w[i] * x[i];
        fc->y[j] = epilogue(bias[j] + s, fc, j);
    }
}

/* ---- the table ------------------------------------------------------------------------------------------------
 */

/* fc_f32_<layout>_<tile>_<variant>: the name, and behind "idp_" the symbol, of each kernel. */
#define NAME_(layout, tile, variant) fc_f32_##layout##_##tile##_##variant
#define NAME(layout, tile, variant) NAME_(layout, tile, variant)
#define SYMBOL(layout, tile) PASTE(idp_, NAME(layout, tile, IDP_VARIANT))
#define EXPORT(layout, tile)                     \
    void SYMBOL(layout, tile)(const idp_fc *fc); \
    void SYMBOL(layout, tile)(const idp_fc *fc) { layout(fc); }

EXPORT(panel, PANEL_TILE)
EXPORT(batch, BATCH_TILE)
EXPORT(row, ROW_TILE)
EXPORT(sample, BATCH_TILE)

#define TITLE_(name) TEXT(name)
#define TITLE(layout, tile) TITLE_(NAME(layout, tile, IDP_VARIANT))
static const idp_kernel kernels[] = {
    {TITLE(panel, PANEL_TILE), IDP_LAYOUT_PANEL, 1, PANEL, IDP_VARIANT_LANES, PANEL, LANES,
     SYMBOL(panel, PANEL_TILE)},
    {TITLE(batch, BATCH_TILE), IDP_LAYOUT_BATCH, BATCH_LANES, BATCH_OUT, IDP_VARIANT_LANES, BATCH_OUT, 1,
     SYMBOL(batch, BATCH_TILE)},
    {TITLE(row, ROW_TILE), IDP_LAYOUT_ROW, ROWS, IDP_VARIANT_LANES, IDP_VARIANT_LANES, 0, 0, SYMBOL(row, ROW_TILE)},
    {TITLE(sample, BATCH_TILE), IDP_LAYOUT_SAMPLE, BATCH_LANES, BATCH_OUT, IDP_VARIANT_LANES, BATCH_OUT, 1,
     SYMBOL(sample, BATCH_TILE)},
};

#define BACKEND(variant) PASTE(idp_backend_, variant)
#define HEAD(variant) PASTE(IDP_HEAD_, variant)
const idp_backend BACKEND(IDP_VARIANT) = {HEAD(IDP_VARIANT), kernels, sizeof kernels / sizeof kernels[0]};
