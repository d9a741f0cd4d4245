#include "executed.h"

#include <stdlib.h>
#include <string.h>

uint64_t executed_op_lanes(const executed *counts, executed_op op) {
    uint64_t sum = 0;
    for (unsigned w = 0; w < EXECUTED_WIDTHS; w++) sum += counts->total.lanes[op][w];
    return sum;
}

uint64_t executed_width_lanes(const executed *counts, executed_width width) {
    uint64_t sum = 0;
    for (unsigned o = 0; o < EXECUTED_OPS; o++) sum += counts->total.lanes[o][width];
    return sum;
}

const char *executed_op_name(executed_op op) {
    static const char *const names[EXECUTED_OPS] = {
        [OP_MULTIPLY_ADD] = "multiply_add", [OP_MULTIPLY] = "multiply", [OP_ADD] = "add",
        [OP_HORIZONTAL] = "horizontal",     [OP_MAX] = "max",           [OP_OTHER] = "other"};
    return names[op];
}

const char *executed_width_name(executed_width width) {
    static const char *const names[EXECUTED_WIDTHS] = {
        [WIDTH_SCALAR] = "scalar", [WIDTH_128] = "128", [WIDTH_256] = "256", [WIDTH_512] = "512"};
    return names[width];
}

const char *executed_isa_name(executed_isa isa) {
    static const char *const names[EXECUTED_ISAS] = {
        [ISA_NONE] = "none", [ISA_SCALAR_SSE] = "scalar-sse", [ISA_SSE] = "sse",
        [ISA_AVX] = "avx",   [ISA_AVX2_FMA] = "avx2+fma",     [ISA_AVX512] = "avx512f"};
    return names[isa];
}

/* ---- sums ------------------------------------------------------------------------------------------------------
 */

enum { TOTALS = sizeof(executed_totals) / sizeof(uint64_t) };

/* a + n (b - a); false where it is negative. Counts are far below 2^53, so nothing overflows. */
static bool extend(uint64_t a, uint64_t b, uint64_t n, uint64_t *sum) {
    const int64_t value = (int64_t)a + (int64_t)n * ((int64_t)b - (int64_t)a);
    *sum = (uint64_t)value;
    return value >= 0;
}

static uint64_t count_of(const executed *counts, const char *mnemonic) {
    for (unsigned h = 0; h < counts->mnemonics; h++)
        if (strcmp(counts->histogram[h].mnemonic, mnemonic) == 0) return counts->histogram[h].count;
    return 0;
}

static bool extend_mnemonic(const executed *a, const executed *b, uint64_t n, const char *mnemonic, executed *sum) {
    uint64_t count;
    if (count_of(sum, mnemonic) != 0) return true; /* it is in both, and done */
    if (!extend(count_of(a, mnemonic), count_of(b, mnemonic), n, &count)) return false;
    if (count == 0) return true;
    if (sum->mnemonics == EXECUTED_MNEMONICS) return false;
    sum->histogram[sum->mnemonics++] = (executed_mnemonic){mnemonic, count};
    return true;
}

bool executed_extend(const executed *a, const executed *b, uint64_t n, executed *sum) {
    executed made = {.isa = a->isa};
    uint64_t from[TOTALS], to[TOTALS], total[TOTALS];
    memcpy(from, &a->total, sizeof from);
    memcpy(to, &b->total, sizeof to);
    bool fits = a->isa == b->isa;
    for (unsigned t = 0; t < TOTALS; t++) fits = fits && extend(from[t], to[t], n, &total[t]);
    for (unsigned h = 0; h < a->mnemonics; h++)
        fits = fits && extend_mnemonic(a, b, n, a->histogram[h].mnemonic, &made);
    for (unsigned h = 0; h < b->mnemonics; h++)
        fits = fits && extend_mnemonic(a, b, n, b->histogram[h].mnemonic, &made);
    if (!fits) return false;
    memcpy(&made.total, total, sizeof total);
    executed_sort(&made);
    *sum = made;
    return true;
}

static int by_count_then_name(const void *left, const void *right) {
    const executed_mnemonic *l = left, *r = right;
    if (l->count != r->count) return l->count < r->count ? 1 : -1;
    return strcmp(l->mnemonic, r->mnemonic);
}

void executed_sort(executed *counts) {
    qsort(counts->histogram, counts->mnemonics, sizeof counts->histogram[0], by_count_then_name);
}

bool executed_equal(const executed *a, const executed *b) {
    if (a->isa != b->isa || a->mnemonics != b->mnemonics || memcmp(&a->total, &b->total, sizeof a->total) != 0)
        return false;
    for (unsigned h = 0; h < a->mnemonics; h++)
        if (a->histogram[h].count != b->histogram[h].count ||
            strcmp(a->histogram[h].mnemonic, b->histogram[h].mnemonic) != 0)
            return false;
    return true;
}
