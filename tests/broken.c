#include "broken.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

#define ROW(name, layouts, faults) {#name, layouts, faults},
const defect_facts defects[DEFECT_COUNT] = {{"NO_DEFECT", IN_ALL, 0}, DEFECTS(ROW)};
#undef ROW

enum { VECTOR = 8, PANEL = 24, BATCH_SAMPLES = 16, BATCH_OUTPUTS = 5, ROWS = 4 };

static const idp_kernel geometry[] = {
    {"fc_f32_panel_1x24_broken", IDP_LAYOUT_PANEL, 1, PANEL, VECTOR, PANEL, VECTOR, NULL},
    {"fc_f32_batch_16x5_broken", IDP_LAYOUT_BATCH, BATCH_SAMPLES, BATCH_OUTPUTS, VECTOR, BATCH_OUTPUTS, 1, NULL},
    {"fc_f32_row_4x8_broken", IDP_LAYOUT_ROW, ROWS, VECTOR, VECTOR, 0, 0, NULL},
    {"fc_f32_sample_16x5_broken", IDP_LAYOUT_SAMPLE, BATCH_SAMPLES, BATCH_OUTPUTS, VECTOR, BATCH_OUTPUTS, 1, NULL},
};

static const idp_kernel *like; /* the geometry of the kernel handed out last, */
static defect with;            /* and its defect */

/* ---- where things are ------------------------------------------------------------------------------------- */

/* The bias of output j, and how far its weights are from it and from each other. */
typedef struct column {
    const float *bias, *first;
    size_t step;
} column;

static column column_of(const idp_fc *fc, size_t j) {
    if (like->layout == IDP_LAYOUT_ROW)
        return (column){fc->weights + j, fc->weights + idp_round_up(fc->out, IDP_LINE) + j * idp_row_stride(fc->in),
                        1};
    const size_t j0 = j / like->panel * like->panel;
    const size_t width = idp_panel_width(like->panel, like->panel_granule, fc->out, j0);
    const float *bias = fc->weights + j0 * (fc->in + 1) + (j - j0);
    return (column){bias, bias + width, width};
}

static bool batched(void) { return idp_layout_batched(like->layout); }

static const float *x_at(const idp_fc *fc, size_t i, size_t sample) {
    if (!batched()) return fc->x + i;
    const bool by_sample = like->layout == IDP_LAYOUT_SAMPLE;
    const size_t stride = with == IGNORES_THE_STRIDE_OF_X ? by_sample ? fc->k : fc->batch : fc->x_stride;
    if (with == LAST_SAMPLE_TWICE && sample == BATCH_SAMPLES) sample--;
    return fc->x + (by_sample ? sample * stride + i : i * stride + sample);
}

static float *y_at(const idp_fc *fc, size_t j, size_t sample) {
    if (!batched()) return fc->y + j;
    return fc->y + j * (with == IGNORES_THE_STRIDE_OF_Y ? fc->batch : fc->y_stride) + sample;
}

/* ---- the sum ---------------------------------------------------------------------------------------------- */

static size_t channels(const idp_fc *fc) {
    switch (with) {
    case ONE_CHANNEL_TOO_FEW: return fc->k > 0 ? fc->k - 1 : 0;
    case ONE_CHANNEL_TOO_MANY: return fc->k < fc->in ? fc->k + 1 : fc->k;
    case DROPS_THE_CHANNEL_TAIL: return fc->k / 4 * 4;
    case COUNTS_CHANNELS_IN_A_BYTE: return fc->k & 0xff;
    default: return fc->k;
    }
}

/* Rounded towards zero to so many bits of significand. */
static float cut(float value, unsigned bits) {
    uint32_t pattern;
    memcpy(&pattern, &value, sizeof pattern);
    pattern &= ~((UINT32_C(1) << (FLT_MANT_DIG - bits)) - 1);
    memcpy(&value, &pattern, sizeof value);
    return value;
}

static float flushed(float value) { return fabsf(value) < FLT_MIN ? 0 : value; }

static float product(float w, float x, size_t i) {
    switch (with) {
    case HALF_PRECISION_PRODUCTS: return cut(w * x, 11);
    case ONE_PRODUCT_CUT_TO_22_BITS: return i == 0 ? cut(w * x, 22) : w * x;
    case FLUSHES_SUBNORMALS: return flushed(flushed(w) * flushed(x));
    default: return w * x;
    }
}

/* As a kernel may ask that means to read or write a little too far without being caught. */
static bool same_page(const float *a, const float *b) {
    enum { PAGE = 4096 }; /* or a multiple of it */
    return (uintptr_t)a / PAGE == (uintptr_t)b / PAGE;
}

static float sum(const idp_fc *fc, size_t j, size_t sample) {
    const column w = column_of(fc, j);
    const size_t k = channels(fc);
    float total = with == NO_BIAS || with == BIAS_BEHIND_GAMMA ? 0 : *w.bias;
    for (size_t i = 0; i < k; i++) {
        const float xi = *x_at(fc, i, sample);
        if (with == SKIPS_ZERO_INPUTS && xi == 0) continue;
        total += product(w.first[i * w.step], xi, i);
    }
    if (k == fc->in) return total;
    const float *next = x_at(fc, k, sample);
    if (with == MULTIPLIES_X_BEYOND_K_BY_ZERO) total += 0 * *next;
    if (with == MULTIPLIES_X_WITHIN_THE_PAGE_BY_ZERO && k > 0 && same_page(x_at(fc, k - 1, sample), next))
        total += 0 * *next;
    if (with == MULTIPLIES_WEIGHTS_BEYOND_K_BY_ZERO) total += 0 * w.first[k * w.step];
    return total;
}

/* ---- the epilogue ----------------------------------------------------------------------------------------- */

static float relu(float value) {
    if (with == RELU_OF_NAN_IS_ZERO) return value > 0 ? value : 0;
    return value < 0 ? 0 : value;
}

static float output(const idp_fc *fc, size_t j, size_t sample) {
    const bool no_gamma = fc->gamma == NULL || with == NO_GAMMA;
    const float bias = *column_of(fc, j).bias, gamma = no_gamma ? 1 : fc->gamma[j];
    float y = sum(fc, j, sample);
    if (with == BIAS_TIMES_GAMMA_TWICE) y += bias * gamma - bias;
    if (with == RELU_BEHIND_GAMMA) return fc->relu ? relu(gamma * y) : gamma * y;
    if (with == RELU_ALWAYS || (fc->relu && with != NO_RELU)) y = relu(y);
    if (!no_gamma) y *= gamma;
    if (with == BIAS_BEHIND_GAMMA) y += bias;
    if (with == CLAMPS_INFINITY) return y > FLT_MAX ? FLT_MAX : y < -FLT_MAX ? -FLT_MAX : y;
    return y;
}

/* ---- what is touched besides ------------------------------------------------------------------------------ */

static void load(const float *from) {
    const volatile float value = *(const volatile float *)from;
    (void)value;
}

/* As a vector store would do it: whole vectors of outputs, or of samples. */
static void store_whole_vectors(const idp_fc *fc) {
    if (batched())
        for (size_t s = fc->batch; s < idp_round_up(fc->batch, VECTOR); s++) *y_at(fc, fc->m - 1, s) = 0;
    else
        for (size_t j = fc->m; j < idp_round_up(fc->m, VECTOR); j++) *y_at(fc, j, 0) = 0;
}

static void touch(const idp_fc *fc) {
    const size_t last = fc->batch - 1;
    float *const behind_y = y_at(fc, fc->m - 1, last) + 1;
    switch (with) {
    case LOADS_X_BEYOND_K: load(fc->k > 0 ? x_at(fc, fc->k - 1, last) + 1 : fc->x); break;
    case LOADS_X_BEFORE_ITS_START: load(fc->x - 1); break;
    case LOADS_WEIGHTS_BEYOND_THE_LAST: load(fc->weights + idp_packed_floats(like, fc->out, fc->in)); break;
    case LOADS_GAMMA_BEYOND_M:
        if (fc->gamma != NULL) load(fc->gamma + fc->m);
        break;
    case WRITES_X:
        if (fc->k > 0) *(volatile float *)(uintptr_t)fc->x = 0;
        break;
    case STORES_WHOLE_VECTORS: store_whole_vectors(fc); break;
    case STORES_BEHIND_Y_WITHIN_THE_PAGE:
        if (same_page(behind_y - 1, behind_y)) *behind_y = 0;
        break;
    case STORES_BEFORE_Y_WITHIN_THE_PAGE:
        if (same_page(fc->y - 1, fc->y)) fc->y[-1] = 0;
        break;
    case STORES_BETWEEN_THE_OUTPUTS:
        if (fc->m > 1 && fc->y_stride > fc->batch) *y_at(fc, 0, fc->batch) = 0;
        break;
    case STORES_BEYOND_THE_BATCH: *y_at(fc, 0, fc->batch) = 0; break;
    case SCRATCH_BEYOND_Y: *behind_y = 0; break;
    case SCRATCH_BEYOND_Y_RESTORED: {
        const float before = *behind_y;
        *(volatile float *)behind_y = 0;
        *behind_y = before;
        break;
    }
    case ABORTS: abort();
    default: break;
    }
}

/* ---- the kernel ------------------------------------------------------------------------------------------- */

static bool stored(const idp_fc *fc, size_t j, size_t sample) {
    const size_t at = batched() ? sample : j, count = batched() ? fc->batch : fc->m;
    if (with == SKIPS_THE_TAIL) return at < count / VECTOR * VECTOR;
    if (with == WRONG_TAIL_MASK) return count % VECTOR == 0 || at + 1 < count;
    return true;
}

static void run(const idp_fc *given) {
    idp_fc fc = *given;
    if (fc.m == 0 || fc.batch == 0) return;
    if (with == ASSUMES_ALIGNED_X) fc.x = (const float *)((uintptr_t)fc.x / 16 * 16);
    for (size_t j = 0; j < fc.m; j++) {
        for (size_t s = 0; s < fc.batch; s++) {
            if (!stored(&fc, j, s)) continue;
            const float before = with == ADDS_TO_Y ? *y_at(&fc, j, s) : -0.0f; /* the zero that changes nothing */
            *y_at(&fc, j, s) = before + output(&fc, j, s);
        }
    }
    touch(&fc);
}

idp_kernel broken_kernel(idp_layout layout, defect wanted) {
    like = &geometry[layout];
    with = wanted;
    idp_kernel kernel = *like;
    kernel.run = run;
    return kernel;
}
