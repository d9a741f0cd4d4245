/* backend.h: what a back-end file may use. A back end is one file per ISA that ends in
 *     const idp_backend idp_backend_<name> = {IDP_HEAD_<name>, kernels, sizeof kernels / sizeof kernels[0]};
 * A new one is that file, a line in CMakeLists.txt, a head here and a row in registry.c. */
#ifndef IDP_BACKEND_H
#define IDP_BACKEND_H

#include <assert.h>

#include "idp.h"

/* Name, architecture, origin, what it needs. */
#define IDP_HEAD_scalar "scalar", "any", IDP_ORIGIN_SCALAR, 0
#define IDP_HEAD_autovec_avx2 "autovec_avx2", "x86-64", IDP_ORIGIN_AUTOVEC, IDP_CPU_AVX2_FMA
#define IDP_HEAD_autovec_avx512f "autovec_avx512f", "x86-64", IDP_ORIGIN_AUTOVEC, IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F
#define IDP_HEAD_autovec_neon "autovec_neon", "aarch64", IDP_ORIGIN_AUTOVEC, IDP_CPU_NEON
#define IDP_HEAD_avx2 "avx2", "x86-64", IDP_ORIGIN_HAND, IDP_CPU_AVX2_FMA
#define IDP_HEAD_avx512f "avx512f", "x86-64", IDP_ORIGIN_HAND, IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F
#define IDP_HEAD_neon "neon", "aarch64", IDP_ORIGIN_HAND, IDP_CPU_NEON

extern const idp_backend idp_backend_scalar, idp_backend_autovec_avx2, idp_backend_autovec_avx512f,
    idp_backend_autovec_neon, idp_backend_avx2, idp_backend_avx512f, idp_backend_neon;

typedef void idp_fc_function(const idp_fc *fc);

enum {
    IDP_ALIGN = 64, /* bytes: one cache line, one zmm register */
    IDP_LINE = 16,  /* floats of one cache line */
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IDP_AS_WRITTEN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define IDP_AS_WRITTEN
#endif

/* IDP_INLINE: every tile gets code of its own, its sizes constants. IDP_OWN: a function of its own, so that its
 * loop has all registers; inlined into a large one, its addresses would be on the stack. IDP_UNROLL: before a loop
 * over the registers of a tile, which must unroll whole, or the sums go through memory. IDP_UNROLL_SOME: before a
 * long loop around such a one. Under AddressSanitizer the loops stay as they are written: the checks see the same
 * there, and checks in every tile take minutes to compile. */
#define IDP_OWN static __attribute__((noinline))
#ifdef IDP_AS_WRITTEN
#define IDP_INLINE static inline
#define IDP_UNROLL
#define IDP_UNROLL_SOME
#else
#define IDP_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define IDP_UNROLL _Pragma("clang loop unroll(full)")
#define IDP_UNROLL_SOME _Pragma("clang loop unroll_count(4)")
#else
#define IDP_UNROLL _Pragma("GCC unroll 32")
#define IDP_UNROLL_SOME _Pragma("GCC unroll 4")
#endif
#endif

IDP_INLINE size_t idp_round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

IDP_INLINE size_t idp_min(size_t a, size_t b) { return a < b ? a : b; }

/* Packed width of the panel that starts at output j0: the last one holds what is left, rounded up. */
IDP_INLINE size_t idp_panel_width(size_t panel, size_t granule, size_t out, size_t j0) {
    return out - j0 < panel ? idp_round_up(out - j0, granule) : panel;
}

/* One sample: packed weights of more floats than this are beyond an L1 cache of 48 KiB, of which x takes a part. */
enum { IDP_L1_FLOATS = 10 << 10 };

/* Of a batch's samples the last ones that batch_few.h runs, where a panel fits a register: one to IDP_FEW_MOST that
 * are left over by whole tiles, to IDP_FEW_TURNED of a narrow layer that would have to turn them; with 16 lanes, of
 * which a register of few samples fills less, to IDP_FEW_WIDE or, of one panel, IDP_FEW_ALONE; or one to
 * IDP_FEW_BESIDE that are left over by a register of samples, too, where there are two panels for them. Not in
 * layers that do not fit the caches: those are best read once, and by the tiles, which prefetch. */
enum {
    IDP_FEW_MOST = 6,
    IDP_FEW_TURNED = 8,
    IDP_FEW_WIDE = 12,
    IDP_FEW_ALONE = 10,
    IDP_FEW_BESIDE = 3,
    IDP_FEW_FLOATS = 1 << 21
};
IDP_INLINE size_t idp_few(size_t tile, size_t lanes, size_t panel, bool turning, const idp_fc *fc) {
    const size_t left = fc->batch % tile, beside = left > lanes ? lanes : 0, rest = left - beside;
    size_t most = turning && fc->m <= 4 * panel ? IDP_FEW_TURNED : IDP_FEW_MOST;
    if (lanes >= 16) most = fc->m >= 2 * panel ? IDP_FEW_WIDE : IDP_FEW_ALONE;
    if (beside > 0) most = fc->m >= 2 * panel ? IDP_FEW_BESIDE : 0;
    return panel > lanes || fc->m * fc->in >= IDP_FEW_FLOATS || rest > most ? 0 : rest;
}

/* The epilogue of four outputs, j, j + apart, ..., whose sums are given: rows that are not neighbours. */
IDP_INLINE void idp_finish_apart(const idp_fc *fc, size_t j, size_t apart, const float sums[4]) {
    IDP_UNROLL
    for (size_t r = 0; r < 4; r++, j += apart) {
        float y = sums[r] + fc->weights[j];
        if (fc->relu && y < 0) y = 0; /* NaN stays */
        fc->y[j] = fc->gamma != NULL ? y * fc->gamma[j] : y;
    }
}

/* The contract that every kernel starts from. */
#define IDP_ASSERT_FC(fc)                                                                 \
    assert((fc)->out > 0 && (fc)->in > 0 && (fc)->m <= (fc)->out && (fc)->k <= (fc)->in); \
    assert((uintptr_t)(fc)->weights % IDP_ALIGN == 0)

#endif
