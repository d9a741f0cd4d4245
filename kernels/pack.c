/* pack.c: "percent -> k", the packed layouts, and the checked call of one layer. */
#include <string.h>

#include "network.h"

size_t idp_prefix(size_t n, double percent) {
    if (!(percent > 0)) return 0;
    if (percent >= 100) return n;
    return (size_t)(int64_t)(percent * (double)n / 100); /* of a positive number: its floor, without a call */
}

size_t idp_row_stride(size_t in) {
    const size_t stride = idp_round_up(in, IDP_LINE);
    return stride % 256 == 0 ? stride + IDP_LINE : stride;
}

size_t idp_packed_floats(const idp_kernel *kernel, size_t out, size_t in) {
    const size_t most = SIZE_MAX / sizeof(float) / 4; /* leaves room for every rounding below */
    if (out == 0 || in == 0 || out >= most || in >= most || out > most / (in + 2 * IDP_LINE)) return 0;
    if (kernel->layout == IDP_LAYOUT_ROW) return idp_round_up(out, IDP_LINE) + out * idp_row_stride(in);
    const size_t last = (out - 1) / kernel->panel * kernel->panel;
    return (in + 1) * (last + idp_panel_width(kernel->panel, kernel->panel_granule, out, last));
}

static void pack_rows(size_t out, size_t in, const float *w, size_t w_stride, const float *b, float *packed) {
    const size_t head = idp_round_up(out, IDP_LINE), stride = idp_row_stride(in);
    memset(packed, 0, head * sizeof *packed);
    if (b != NULL) memcpy(packed, b, out * sizeof *packed);
    for (size_t j = 0; j < out; j++) {
        float *row = packed + head + j * stride;
        memcpy(row, w + j * w_stride, in * sizeof *row);
        memset(row + in, 0, (stride - in) * sizeof *row);
    }
}

void idp_pack(const idp_kernel *kernel, size_t out, size_t in, const float *w, size_t w_stride, const float *b,
              float *packed) {
    if (kernel->layout == IDP_LAYOUT_ROW) {
        pack_rows(out, in, w, w_stride, b, packed);
        return;
    }
    for (size_t j0 = 0; j0 < out; j0 += kernel->panel) {
        const size_t width = idp_panel_width(kernel->panel, kernel->panel_granule, out, j0);
        const size_t used = idp_min(width, out - j0);
        for (size_t j = 0; j < width; j++) packed[j] = j < used && b != NULL ? b[j0 + j] : 0;
        packed += width;
        for (size_t i = 0; i < in; i++, packed += width)
            for (size_t j = 0; j < width; j++) packed[j] = j < used ? w[(j0 + j) * w_stride + i] : 0;
    }
}

/* ---- rows of which any may be the first ------------------------------------------------------------------------
 * A kernel of the layout row finds the biases at `weights` and the rows behind them, and `weights` is aligned. To
 * start at row 16 t + s, there must be an aligned array of the biases from s on. So all 16 of them stand in front
 * of the rows, s = 15 first: [b from 15 on] ... [b from 1 on][b][rows], of which the last two are the ordinary
 * layer. The distance from the biases to the rows is told to the kernel as the number of outputs. */

size_t idp_rows_floats(size_t out, size_t in) {
    const size_t heads = (IDP_LINE - 1) * idp_round_up(out, IDP_LINE);
    return heads + idp_round_up(out, IDP_LINE) + out * idp_row_stride(in);
}

void idp_rows_pack(size_t out, size_t in, const float *w, const float *b, float *rows) {
    const size_t head = idp_round_up(out, IDP_LINE);
    for (size_t s = IDP_LINE - 1; s > 0; s--, rows += head)
        for (size_t j = 0; j < head; j++) rows[j] = j + s < out ? b[j + s] : 0;
    pack_rows(out, in, w, in, b, rows);
}

const float *idp_rows_whole(const float *rows, size_t out) {
    return rows + (IDP_LINE - 1) * idp_round_up(out, IDP_LINE);
}

void idp_rows_from(idp_fc *fc, const float *rows, size_t first) {
    const size_t head = idp_round_up(fc->out, IDP_LINE), shift = first % IDP_LINE;
    const float *bias = rows + (IDP_LINE - 1 - shift) * head + (first - shift);
    const float *row = rows + IDP_LINE * head + first * idp_row_stride(fc->in);
    fc->weights = bias;
    fc->out = (size_t)(row - bias);
    fc->y += first;
    fc->m -= first;
    if (fc->gamma != NULL) fc->gamma += first;
}

/* ---- the checked call ------------------------------------------------------------------------------------------
 */

/* Whether [a, a + a_floats) and [b, b + b_floats) share memory. */
static bool overlap(const float *a, size_t a_floats, const float *b, size_t b_floats) {
    const uintptr_t a0 = (uintptr_t)a, b0 = (uintptr_t)b;
    return a_floats > 0 && b_floats > 0 && a0 < b0 + b_floats * sizeof *b && b0 < a0 + a_floats * sizeof *a;
}

/* Floats from the first to behind the last of `rows` rows of `columns`; SIZE_MAX where that overflows. */
static size_t extent(size_t rows, size_t columns, size_t stride) {
    if (rows == 0 || columns == 0) return 0;
    if (stride > SIZE_MAX / sizeof(float) / 2 / rows) return SIZE_MAX;
    return (rows - 1) * stride + columns;
}

idp_status idp_fc_run(const idp_kernel *kernel, const idp_fc *fc) {
    if (kernel == NULL || fc == NULL || fc->weights == NULL || (uintptr_t)fc->weights % IDP_ALIGN != 0 ||
        idp_packed_floats(kernel, fc->out, fc->in) == 0 || fc->m > fc->out || fc->k > fc->in)
        return IDP_BAD_ARGUMENT;
    const bool batched = idp_layout_batched(kernel->layout), by_sample = kernel->layout == IDP_LAYOUT_SAMPLE;
    const size_t x_rows = by_sample ? fc->batch : fc->k, x_columns = by_sample ? fc->k : fc->batch;
    if (batched ? fc->x_stride < x_columns || fc->y_stride < fc->batch : fc->batch != 1) return IDP_BAD_ARGUMENT;
    const size_t x_floats = extent(x_rows, x_columns, batched ? fc->x_stride : 1);
    const size_t y_floats = extent(fc->m, fc->batch, batched ? fc->y_stride : 1);
    if (x_floats == SIZE_MAX || y_floats == SIZE_MAX) return IDP_BAD_ARGUMENT;
    if ((x_floats > 0 && fc->x == NULL) || (y_floats > 0 && fc->y == NULL)) return IDP_BAD_ARGUMENT;
    if ((uintptr_t)fc->x % sizeof(float) != 0 || (uintptr_t)fc->y % sizeof(float) != 0 ||
        (uintptr_t)fc->gamma % sizeof(float) != 0 || overlap(fc->x, x_floats, fc->y, y_floats))
        return IDP_BAD_ARGUMENT;
    kernel->run(fc);
    return IDP_OK;
}
