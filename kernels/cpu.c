/* cpu.c: which instruction sets may run here. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "cpu.h"

enum { FMA = 1u << 12, OSXSAVE = 1u << 27, AVX = 1u << 28, AVX2 = 1u << 5, AVX512F = 1u << 16 };
enum { YMM_STATE = 0x06 /* SSE, AVX */, ZMM_STATE = 0xe6 /* and opmask, ZMM_Hi256, Hi16_ZMM */ };

uint32_t idp_cpu_decide(const idp_cpu_words *words) {
    const uint32_t c1 = words->leaf1_ecx, b7 = words->leaf7_ebx;
    if (!(c1 & OSXSAVE) || (words->xcr0 & YMM_STATE) != YMM_STATE || !(c1 & AVX) || !(c1 & FMA) || !(b7 & AVX2))
        return 0;
    uint32_t features = IDP_CPU_AVX2_FMA;
    if ((words->xcr0 & ZMM_STATE) == ZMM_STATE && (b7 & AVX512F)) features |= IDP_CPU_AVX512F;
    return features;
}

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static uint32_t detect(void) {
    uint32_t a, b, c, d;
    idp_cpu_words words = {0};
    if (__get_cpuid(1, &a, &b, &c, &d)) words.leaf1_ecx = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) words.leaf7_ebx = b;
    if (words.leaf1_ecx & OSXSAVE) words.xcr0 = xcr0(); /* without it the instruction is not there */
    return idp_cpu_decide(&words);
}

#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static uint32_t detect(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMD) ? IDP_CPU_NEON : 0; }

#elif defined(__aarch64__)

static uint32_t detect(void) {
    return IDP_CPU_NEON;
} /* AArch64 requires Advanced SIMD outside Linux's soft kernels */

#else

static uint32_t detect(void) { return 0; }

#endif

/* Words of IDP_CPU_DISABLE and of idp_cpu_feature_names. Hiding a feature hides what builds on it. */
static const struct {
    const char *word, *name;
    uint32_t bit, hides;
} features[] = {
    {"avx2", "avx2+fma", IDP_CPU_AVX2_FMA, IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F},
    {"avx512f", "avx512f", IDP_CPU_AVX512F, IDP_CPU_AVX512F},
    {"neon", "neon", IDP_CPU_NEON, IDP_CPU_NEON},
};
enum { FEATURES = sizeof features / sizeof features[0] };

/* FEATURES where the word, `length` characters, names none. */
static size_t feature_of(const char *word, size_t length) {
    size_t f = 0;
    while (f < FEATURES && (strlen(features[f].word) != length || memcmp(word, features[f].word, length) != 0)) f++;
    return f;
}

uint32_t idp_cpu_hidden(const char *list, const char **unknown) {
    uint32_t bits = 0;
    *unknown = NULL;
    while (list != NULL && *list != '\0') {
        const size_t length = strcspn(list, ","), f = feature_of(list, length);
        if (f < FEATURES)
            bits |= features[f].hides;
        else if (length > 0 && *unknown == NULL)
            *unknown = list;
        list += length + (list[length] == ',');
    }
    return bits;
}

const char *idp_cpu_word(size_t index) { return index < FEATURES ? features[index].word : NULL; }

uint32_t idp_cpu_features(void) {
    static const uint32_t ASKED = UINT32_C(1) << 31;
    static atomic_uint known; /* what the hardware has, with ASKED set; several threads may find the same answer */
    uint32_t bits = atomic_load_explicit(&known, memory_order_relaxed);
    if (bits == 0) {
        bits = detect() | ASKED;
        atomic_store_explicit(&known, bits, memory_order_relaxed);
    }
    const char *unknown; /* there is nobody to tell; the program `idp` refuses it at its start */
    return bits & ~ASKED & ~idp_cpu_hidden(getenv("IDP_CPU_DISABLE"), &unknown);
}

void idp_cpu_feature_names(uint32_t bits, char *text, size_t text_size) {
    size_t used = 0;
    if (text_size == 0) return;
    text[0] = '\0';
    for (size_t f = 0; f < FEATURES; f++) {
        if (!(bits & features[f].bit)) continue;
        const int added = snprintf(text + used, text_size - used, "%s%s", used > 0 ? ", " : "", features[f].name);
        if (added < 0 || (size_t)added >= text_size - used) return;
        used += (size_t)added;
    }
    if (used == 0) snprintf(text, text_size, "none");
}
