/* idp.h: incomplete dot products. Fully-connected float32 layers that may stop early.
 *
 * A layer of `out` outputs and `in` input channels is truncated in two ways: to its first k channels
 * (the incomplete dot product) and to its first m outputs:
 *
 *     y[j] = gamma[j] * relu(b[j] + sum over i < k of w[j][i] * x[i]),   j < m
 *
 * gamma is the profile of the layer that reads y, so one packed copy of the weights serves every profile and
 * every percentage. Method: McDanel, Teerapittayanon, Kung, "Incomplete Dot Products for Dynamic Computation
 * Scaling in Neural Network Inference", ICMLA 2017 (arXiv 1710.07830).
 *
 * Vocabulary everywhere: w weights, x input, b bias, y output, i channel, j output, k channels used,
 * m outputs used. The library needs libc only; it allocates in the functions that say so and nowhere else.
 */
#ifndef IDP_H
#define IDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status ------------------------------------------------------------------------------------------------ */

/* What a function returns that can refuse. */
typedef enum idp_status {
    IDP_OK = 0,          /* done */
    IDP_BAD_ARGUMENT,    /* a size, percentage, pointer or alignment outside its contract */
    IDP_UNKNOWN_BACKEND, /* no back end of that name exists on any machine */
    IDP_NOT_COMPILED,    /* the back end exists, but not in this build (another architecture or compiler) */
    IDP_NOT_SUPPORTED,   /* compiled in, but this CPU or its operating system cannot run it */
    IDP_NO_MEMORY,       /* an allocation failed */
    IDP_COUPLED,  /* a weight leads from beyond a boundary, where the network's specification says there is none */
    IDP_BAD_FILE, /* libidp_model: a model file that cannot be read, or is not one */
} idp_status;

/* One clause of English, without a full stop. Never NULL. */
const char *idp_status_text(idp_status status);

/* ---- percentages ------------------------------------------------------------------------------------------- */

/* Number of leading channels used at `percent` of `n`: floor(percent * n / 100), multiplied first because
 * 0.29 * 100 is 28.99... in floating point. percent in [0, 100]; outside it, and for NaN, it is clamped. */
size_t idp_prefix(size_t n, double percent);

/* ---- one layer --------------------------------------------------------------------------------------------- */

/* How a kernel wants its weights, and what its lanes hold. */
typedef enum idp_layout {
    IDP_LAYOUT_PANEL,  /* one sample; outputs in the lanes; the first k channels are a prefix of each panel */
    IDP_LAYOUT_BATCH,  /* many samples, feature-major [channel][sample]; samples in the lanes */
    IDP_LAYOUT_ROW,    /* one sample; row-major weights, channels in the lanes: the literal dot product */
    IDP_LAYOUT_SAMPLE, /* many samples, x row-major [sample][channel] as users have it, y as in batch; weights
                          packed as for the same back end's batch kernel: one copy serves both */
} idp_layout;
enum { IDP_LAYOUTS = IDP_LAYOUT_SAMPLE + 1 /* number of layouts */ };

/* "panel", "batch", "row" or "sample". */
const char *idp_layout_name(idp_layout layout);

/* Whether kernels of the layout take many samples at once: batch and sample. */
bool idp_layout_batched(idp_layout layout);

/* One truncated layer, ready to run. Floats are float32; strides count floats. */
typedef struct idp_fc {
    const float *weights; /* packed by idp_pack for the kernel that runs; 64-byte aligned */
    const float
        *x;   /* batch: [k][x_stride]; sample: [batch][x_stride]; else [k]. Nothing beyond channel k - 1 is read */
    float *y; /* batch, sample: [m][y_stride]; else [m]. Nothing else is written. Must not overlap x */
    const float *gamma; /* [m], or NULL for all ones */
    size_t out;         /* outputs of the packed layer, at least 1 */
    size_t in;          /* input channels of the packed layer, at least 1 */
    size_t m;           /* outputs used: m <= out; may be 0 */
    size_t k;           /* channels used: k <= in; may be 0 */
    size_t batch;       /* samples; 1 for the layouts panel and row; may be 0 for batch and sample */
    size_t x_stride;    /* batch: floats from one channel to the next, at least batch; sample: from one sample to
                           the next, at least k */
    size_t y_stride;    /* batch, sample: floats from one output to the next, at least batch */
    bool relu;          /* max(0, .) before gamma. relu(NaN) is NaN on every back end */
} idp_fc;

/* One measurable variant. */
typedef struct idp_kernel {
    const char *name;       /* "fc_f32_<layout>_<tile>_<isa>[_<detail>]"; its C symbol is "idp_" and this */
    idp_layout layout;      /* of its weights */
    uint16_t tile_batch;    /* samples of one register tile, as in the name; row: rows */
    uint16_t tile_out;      /* outputs of one register tile; row: channels */
    uint16_t lanes;         /* floats of one vector register; 1 for scalar code */
    uint16_t panel;         /* outputs of one packed panel; row: 0 */
    uint16_t panel_granule; /* the last panel's outputs are rounded up to a multiple of this */
    /* Pure: no allocation, no state, no failure; contracts are asserts. idp_fc_run checks them. */
    void (*run)(const idp_fc *fc);
} idp_kernel;

/* Floats that the packed layer takes, padding included; 0 when out or in is 0 or the size overflows. */
size_t idp_packed_floats(const idp_kernel *kernel, size_t out, size_t in);

/* Packs w ([out][in], rows w_stride floats apart) and b ([out], or NULL for zeros) into `packed`, 64-byte aligned
 * and of idp_packed_floats floats; padding is zeroed. Layouts: panel, batch, sample: [panel][bias, channel 0 ..
 * in-1][outputs of the panel] row:          [bias, rounded up to 16][output][in, rounded up to 16]; see
 * idp_row_stride */
void idp_pack(const idp_kernel *kernel, size_t out, size_t in, const float *w, size_t w_stride, const float *b,
              float *packed);

/* Floats from one row to the next in the layout row: `in` rounded up to 16, and one cache line more where that is a
 * multiple of 1 KiB, so that neighbouring rows do not share the sets of the L1 cache. */
size_t idp_row_stride(size_t in);

/* Checks every contract above, then runs. IDP_BAD_ARGUMENT leaves y untouched. */
idp_status idp_fc_run(const idp_kernel *kernel, const idp_fc *fc);

/* ---- back ends --------------------------------------------------------------------------------------------- */

/* What a back end needs of the CPU and of the operating system (saved registers included). */
enum {
    IDP_CPU_AVX2_FMA = 1 << 0, /* AVX2, FMA3, ymm state enabled by the OS */
    IDP_CPU_AVX512F = 1 << 1,  /* AVX-512 Foundation, zmm and opmask state enabled by the OS */
    IDP_CPU_NEON = 1 << 2,     /* Advanced SIMD with float32 FMA: every AArch64 */
};

/* Features usable here, from CPUID and XGETBV or hwcaps, never from a model name; decided once. The environment
 * variable IDP_CPU_DISABLE (a comma-separated list of avx2, avx512f, neon) hides features, for tests and
 * comparisons; hiding avx2 hides avx512f too. Any other word hides nothing: the library ignores it, the program
 * `idp` refuses it. */
uint32_t idp_cpu_features(void);

/* "avx2+fma, avx512f" into text (always terminated); "none" for 0. */
void idp_cpu_feature_names(uint32_t features, char *text, size_t text_size);

/* Who made the machine code. */
typedef enum idp_origin {
    IDP_ORIGIN_SCALAR,  /* plain C, vectoriser off */
    IDP_ORIGIN_AUTOVEC, /* the same C, vectorised by the compiler with that ISA's flags: the honest baseline */
    IDP_ORIGIN_HAND,    /* hand-written intrinsics */
} idp_origin;

/* The kernels for one instruction set. */
typedef struct idp_backend {
    const char *name;          /* "scalar", "autovec_avx2", "avx512f", ... */
    const char *architecture;  /* "any", "x86-64" or "aarch64" */
    idp_origin origin;         /* by hand, or by a compiler */
    uint32_t needs;            /* IDP_CPU_... bits */
    const idp_kernel *kernels; /* NULL when not compiled into this build */
    size_t kernel_count;       /* of kernels */
} idp_backend;

/* Every back end the project has, compiled in or not, in a fixed order: slowest first, so that the last one usable
 * is the default. */
size_t idp_backend_count(void);

/* The back end at that place, or NULL beyond the last. */
const idp_backend *idp_backend_at(size_t index);

/* IDP_OK, IDP_NOT_COMPILED or IDP_NOT_SUPPORTED. */
idp_status idp_backend_status(const idp_backend *backend);

/* The back end of that name, or NULL. */
const idp_backend *idp_backend_find(const char *name);

/* The back end to use: `name` if not NULL, else the environment variable IDP_BACKEND if set and not empty, else the
 * last usable one. Forcing what this machine cannot run is an error, never a silent fallback; *backend is then the
 * one refused (NULL if unknown), for the message. */
idp_status idp_backend_choose(const char *name, const idp_backend **backend);

/* The kernel of that name in any compiled back end, or NULL; *backend (may be NULL) is its back end. */
const idp_kernel *idp_kernel_find(const char *name, const idp_backend **backend);

/* The back end's first kernel of that layout (its preferred one), or NULL. */
const idp_kernel *idp_backend_kernel(const idp_backend *backend, idp_layout layout);

/* ---- a whole network --------------------------------------------------------------------------------------- */

enum { IDP_MAX_LAYERS = 16 /* of a network */ };

/* One profile: a part of the percentage range with its own gamma and, where it has them, its own layers.
 * Arrays are indexed by layer l = 0 .. layers-1 or by activation h = 0 .. layers (0 the input, layers the output).
 */
typedef struct idp_mlp_profile {
    const float *const *w; /* w[l]: [width[l+1]][width[l]]; a pointer that several profiles share is packed once */
    const float *const *b; /* b[l]: [width[l+1]] */
    const float *const *gamma; /* gamma[h]: [width[h]] or NULL; only hidden activations (0 < h < layers) have one */
} idp_mlp_profile;

/* A network as it was trained, to be packed. */
typedef struct idp_mlp_spec {
    size_t layers;          /* 1 .. IDP_MAX_LAYERS */
    const size_t *width;    /* [layers + 1] */
    const bool *incomplete; /* [layers + 1]: hidden activations that follow the percentage: what is not read is not
                               computed. The first and the last must be false */
    size_t profiles;        /* at least 1 */
    const idp_mlp_profile *profile; /* [profiles] */
    const idp_layout *layout; /* [layers], panel or row: of each layer at batch 1. NULL: by how the layer is cut */
    bool refinable;           /* for idp_mlp_start and idp_mlp_refine; the hidden layers take twice the memory */
    size_t boundaries;        /* for refining; may be 0 */
    const double *boundary; /* [boundaries], percentages between 0 and 100, ascending: where a layer reads and makes
                               incomplete activations, w[j][i] = 0 for all outputs j below a boundary and channels i
                               beyond it, as `coupling=zero` trains it between its parts */
} idp_mlp_spec;

/* A network, packed. Read-only: any number of threads may run it at once. */
typedef struct idp_mlp idp_mlp;

/* Packs the network for a back end (allocates; nothing of spec is kept). IDP_COUPLED: a boundary is none. */
idp_status idp_mlp_create(const idp_mlp_spec *spec, const idp_backend *backend, idp_mlp **mlp);

/* Bytes that idp_mlp_create has allocated when it holds most of them: a little more than the network keeps, the
 * allocator's own not counted. 0 where it refuses the specification or the back end; SIZE_MAX: more than there can
 * be. Reads no weights and allocates nothing. */
size_t idp_mlp_bytes(const idp_mlp_spec *spec, const idp_backend *backend);

/* Frees it; NULL is fine. */
void idp_mlp_destroy(idp_mlp *mlp);

/* Bytes of scratch memory that idp_mlp_run needs for up to `batch` samples. */
size_t idp_mlp_workspace_bytes(const idp_mlp *mlp, size_t batch);

/* Runs `batch` samples of profile `profile` at `percent`. x: [batch][width[0]], y: [batch][width[layers]], both
 * row-major; workspace: 64-byte aligned, one per thread. No allocation; the percentage may change at every call. */
idp_status idp_mlp_run(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x, float *y,
                       void *workspace);

/* Bytes of the state of `batch` samples. */
size_t idp_mlp_state_bytes(const idp_mlp *mlp, size_t batch);

/* As idp_mlp_run, and keeps in `state` (64-byte aligned) what idp_mlp_refine goes on from. */
idp_status idp_mlp_start(const idp_mlp *mlp, size_t profile, double percent, size_t batch, const float *x, float *y,
                         void *state);

/* The result of the state's samples, x unchanged, at a percentage not below the state's, which becomes the state's.
 * Computes only what differs: of layer 1 the new outputs; of the other hidden layers those beyond the last boundary
 * at or below the state's percentage; the last layer. Between profiles, hidden layers are kept up to the first
 * whose arrays or coefficients differ. For finite x, y keeps the error bound of a fresh run, and equals it bit for
 * bit where sums are exact; otherwise kernels may add in another order. */
idp_status idp_mlp_refine(const idp_mlp *mlp, size_t profile, double percent, const float *x, float *y,
                          void *state);

/* The leading channels of each activation (kept: [layers + 1]) that refining leaves as they are, from one profile
 * and percentage to another: its multiply-adds are the sum over the layers l of (outputs used - kept[l + 1]) *
 * inputs used. In batches, panels that are kept in part are computed whole. */
idp_status idp_mlp_kept(const idp_mlp *mlp, size_t from_profile, double from_percent, size_t profile,
                        double percent, size_t *kept);

/* The kernel that layer l runs with at batch 1 (and a few samples, which run one by one) or, otherwise, batched. */
const idp_kernel *idp_mlp_kernel(const idp_mlp *mlp, size_t layer, bool batched);

#ifdef __cplusplus
}
#endif
#endif
