/* xsmm.c: libxsmm, which compiles a small GEMM for each shape at run time. The caller does the blocking: `make`
 * plans the calls of the whole job and compiles their kernels, `run` goes through them.
 *
 * libxsmm's matrices are column-major, C [M][N] = A [M][K] B [K][N], with M in the vector lanes:
 *   one sample  M outputs of a panel, A its weights [channel][output], B is x, N = 1;
 *   batches     M samples, A is x [channel][sample], B the weights [output][channel], N outputs. */
#include <libxsmm.h>
#include <stdlib.h>
#include <string.h>

#include "../library/floats.h"
#include "blas.h"

/* C = A B, or += where it is not the first over the channels. */
typedef struct call {
    libxsmm_smmfunction run;
    const float *a, *b;
    float *c;
    bool last;                      /* over the channels: then these outputs of these samples are complete */
    size_t j, outputs, s0, samples; /* samples from s0 on */
} call;

typedef struct xsmm_state {
    peer_job job;
    epilogue epilogue;
    float *packed; /* blocks in the order of the calls */
    float *sums;   /* of a single sample's outputs, padded: whole vectors are faster than masked ones */
    call *calls;
    size_t count;
} xsmm_state;

enum { LINE_FLOATS = 16, LINE_BYTES = 64 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t pieces(size_t n, size_t block) { return (n + block - 1) / block; }

static size_t round_up(size_t n, size_t granule) { return pieces(n, granule) * granule; }

static libxsmm_smmfunction compile(size_t m, size_t n, size_t k, size_t a_stride, size_t b_stride, size_t c_stride,
                                   bool adds) {
    const libxsmm_blasint lda = (libxsmm_blasint)a_stride, ldb = (libxsmm_blasint)b_stride,
                          ldc = (libxsmm_blasint)c_stride;
    const float alpha = 1, beta = adds ? 1 : 0;
    const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    return libxsmm_smmdispatch((libxsmm_blasint)m, (libxsmm_blasint)n, (libxsmm_blasint)k, &lda, &ldb, &ldc, &alpha,
                               &beta, &flags, &prefetch);
}

static void xsmm_free(void *state) {
    xsmm_state *s = state;
    if (s == NULL) return;
    epilogue_free(&s->epilogue);
    free(s->packed);
    free(s->sums);
    free(s->calls);
    free(s);
}

/* With room for so many calls and packed floats. */
static xsmm_state *xsmm_new(const peer_job *job, size_t calls, size_t floats, error *e) {
    xsmm_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        fail(e, "no memory for a peer");
        return NULL;
    }
    libxsmm_init();
    s->job = *job;
    s->calls = calloc(calls, sizeof *s->calls);
    s->packed = aligned_new(LINE_BYTES, floats * sizeof *s->packed);
    s->sums = aligned_new(LINE_BYTES, job->m * sizeof *s->sums);
    if (epilogue_make(job, &s->epilogue, e) && s->calls != NULL && s->packed != NULL && s->sums != NULL) return s;
    xsmm_free(s);
    fail(e, "no memory for a peer's weights: %zu x %zu", job->m, job->k);
    return NULL;
}

/* Every call has its kernel. Takes s over. */
static bool finish_make(xsmm_state *s, void **state, error *e) {
    for (size_t n = 0; n < s->count; n++) {
        if (s->calls[n].run != NULL) continue;
        fail(e, "libxsmm compiles no kernel for %zu outputs, %zu channels, %zu samples here", s->job.m, s->job.k,
             s->job.batch);
        xsmm_free(s);
        return false;
    }
    *state = s;
    return true;
}

/* ---- one sample -------------------------------------------------------------------------------------------- */

/* Panels [k][width], the last one as wide as what is left, rounded up to a cache line. */
static bool make_panels(const peer_job *job, size_t width, void **state, error *e) {
    const size_t panels = pieces(job->m, width);
    xsmm_state *s = xsmm_new(job, panels, panels * round_up(width, LINE_FLOATS) * job->k, e);
    if (s == NULL) return false;
    float *packed = s->packed;
    for (size_t j = 0; j < job->m; j += width) {
        const size_t outputs = least(width, job->m - j), stride = round_up(outputs, LINE_FLOATS);
        for (size_t i = 0; i < job->k; i++)
            for (size_t l = 0; l < stride; l++)
                packed[i * stride + l] = l < outputs ? job->w[(j + l) * job->in + i] : 0;
        s->calls[s->count++] = (call){.run = compile(stride, 1, job->k, stride, job->k, stride, false),
                                      .a = packed,
                                      .b = job->x,
                                      .c = s->sums + j};
        packed += job->k * stride;
    }
    return finish_make(s, state, e);
}

/* Wider panels stream from farther away at fewer bytes a call, narrower ones waste less beyond m. */
static bool make_panels_32(const peer_job *job, void **state, error *e) { return make_panels(job, 32, state, e); }
static bool make_panels_64(const peer_job *job, void **state, error *e) { return make_panels(job, 64, state, e); }
static bool make_panels_128(const peer_job *job, void **state, error *e) { return make_panels(job, 128, state, e); }

static void run_panels(void *state) {
    const xsmm_state *s = state;
    for (const call *c = s->calls; c < s->calls + s->count; c++) c->run(c->a, c->b, c->c);
    epilogue_outputs(&s->epilogue, 0, s->job.m, s->sums, s->job.y);
}

/* ---- batches ----------------------------------------------------------------------------------------------- */

/* 512 x 128 floats of x take 256 KiB of L2, 48 x 128 of y 24 KiB of L1. (Zen 4, 1024 x 1024, batch 128: 2.40 ms;
 * blocks of 32 x 256: 2.57, of 64 x 256: 2.52, 48 x 256 with 64 samples: 2.98; 128 x 512 with 64 samples: 2.40, but
 * 3 % slower at 512 x 512.) */
enum { OUTPUTS = 48, CHANNELS = 512, SAMPLES = 128 };

/* Blocks of samples, of channels, of outputs, from the outside in: x of a block stays in the L2 cache while the
 * weights stream by once, y of a block in L1. */
static bool make_feature(const peer_job *job, void **state, error *e) {
    const size_t per_samples = pieces(job->k, CHANNELS) * pieces(job->m, OUTPUTS);
    const size_t ks = pieces(job->k, CHANNELS), depth = round_up(pieces(job->k, ks), LINE_FLOATS);
    xsmm_state *s =
        xsmm_new(job, per_samples * pieces(job->batch, SAMPLES), job->m * round_up(job->k, LINE_FLOATS), e);
    if (s == NULL) return false;
    for (size_t s0 = 0; s0 < job->batch; s0 += SAMPLES) {
        const size_t samples = least(SAMPLES, job->batch - s0);
        float *packed = s->packed;
        for (size_t i = 0; i < job->k; i += depth) {
            const size_t channels = least(depth, job->k - i), stride = round_up(channels, LINE_FLOATS);
            for (size_t j = 0; j < job->m; j += OUTPUTS) {
                const size_t outputs = least(OUTPUTS, job->m - j);
                if (s0 == 0)
                    for (size_t n = 0; n < outputs; n++)
                        memcpy(packed + n * stride, job->w + (j + n) * job->in + i, channels * sizeof *packed);
                s->calls[s->count++] =
                    (call){.run = compile(samples, outputs, channels, job->x_stride, stride, job->y_stride, i > 0),
                           .a = job->x + i * job->x_stride + s0,
                           .b = packed,
                           .c = job->y + j * job->y_stride + s0,
                           .last = i + channels == job->k,
                           .j = j,
                           .outputs = outputs,
                           .s0 = s0,
                           .samples = samples};
                packed += outputs * stride;
            }
        }
    }
    return finish_make(s, state, e);
}

static void run_feature(void *state) {
    const xsmm_state *s = state;
    for (const call *c = s->calls; c < s->calls + s->count; c++) {
        c->run(c->a, c->b, c->c);
        for (size_t n = 0; c->last && n < c->outputs; n++)
            epilogue_samples(&s->epilogue, c->j + n, c->samples, c->c + n * s->job.y_stride);
    }
}

static const peer rows[] = {
    {"xsmm_panels_32", "libxsmm", false, PEER_SINGLE, peer_serves_any, make_panels_32, run_panels, xsmm_free,
     PEER_NO_LIBERTY},
    {"xsmm_panels_64", "libxsmm", false, PEER_SINGLE, peer_serves_any, make_panels_64, run_panels, xsmm_free,
     PEER_NO_LIBERTY},
    {"xsmm_panels_128", "libxsmm", false, PEER_SINGLE, peer_serves_any, make_panels_128, run_panels, xsmm_free,
     PEER_NO_LIBERTY},
    {"xsmm_feature", "libxsmm", false, PEER_FEATURE, peer_serves_any, make_feature, run_feature, xsmm_free,
     PEER_NO_LIBERTY},
};

static const char *version(void) { return LIBXSMM_VERSION; }

static const char *target(void) {
    libxsmm_init();
    return libxsmm_get_target_arch();
}

const peer_table peers_xsmm = {rows, sizeof rows / sizeof rows[0], version, target};
