/* blis.c: BLIS through its own typed interface, so that its CBLAS does not meet OpenBLAS's. Like OpenBLAS it packs
 * at every call. */
#include <blis.h>
#include <stdlib.h>

#include "../../kernels/idp.h"
#include "blas.h"

_Static_assert(BLIS_ARCH_SKX == 0 && BLIS_ARCH_HASWELL == 3, "the numbers below and in peer_environment");

/* BLIS 0.9 runs its portable code on a CPU that is newer than itself, unless it is told what to take it for before
 * its first call; the environment's word goes first. */
static void prepare(void) {
#if defined(__x86_64__)
    const uint32_t features = idp_cpu_features();
    if ((features & IDP_CPU_AVX512F) != 0)
        setenv("BLIS_ARCH_TYPE", "0", 0);
    else if ((features & IDP_CPU_AVX2_FMA) != 0)
        setenv("BLIS_ARCH_TYPE", "3", 0);
#endif
    bli_thread_set_num_threads(1);
}

static bool make_slice(const peer_job *job, void **state, error *e) {
    prepare();
    return blas_make_slice(job, state, e);
}

static bool make_rows(const peer_job *job, void **state, error *e) {
    prepare();
    return blas_make_rows(job, state, e);
}

static bool make_channels(const peer_job *job, void **state, error *e) {
    prepare();
    return blas_make_channels(job, state, e);
}

static float one = 1, zero = 0;

static float *variable(const float *values) { return (float *)(uintptr_t)values; } /* BLIS knows no const */

static void gemv(const blas_state *s, const float *w, size_t row_stride, size_t column_stride) {
    const peer_job *job = &s->job;
    bli_sgemv(BLIS_NO_TRANSPOSE, BLIS_NO_CONJUGATE, (dim_t)job->m, (dim_t)job->k, &one, variable(w),
              (inc_t)row_stride, (inc_t)column_stride, variable(job->x), 1, &zero, job->y, 1);
    blas_finish_outputs(s);
}

static void sgemv_slice(void *state) {
    const blas_state *s = state;
    gemv(s, s->job.w, s->job.in, 1);
}

static void sgemv_row_major(void *state) {
    const blas_state *s = state;
    gemv(s, s->packed, s->stride, 1);
}

static void sgemv_channel_major(void *state) {
    const blas_state *s = state;
    gemv(s, s->packed, 1, s->stride);
}

static void sgemm_slice(void *state) {
    const blas_state *s = state;
    const peer_job *job = &s->job;
    bli_sgemm(BLIS_NO_TRANSPOSE, BLIS_TRANSPOSE, (dim_t)job->batch, (dim_t)job->m, (dim_t)job->k, &one,
              variable(job->x), (inc_t)job->x_stride, 1, variable(job->w), (inc_t)job->in, 1, &zero, job->y,
              (inc_t)job->y_stride, 1);
    blas_finish_samples(s);
}

static void sgemm_feature(void *state) {
    const blas_state *s = state;
    const peer_job *job = &s->job;
    bli_sgemm(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, (dim_t)job->m, (dim_t)job->batch, (dim_t)job->k, &one,
              s->packed, (inc_t)s->stride, 1, variable(job->x), (inc_t)job->x_stride, 1, &zero, job->y,
              (inc_t)job->y_stride, 1);
    blas_finish_features(s);
}

/* The small-matrix kernels of BLIS 0.9 for Haswell, which it takes on Zen 1 to 3 as well, load an element of the
 * row behind the last one (flame/blis, issues 635 and 821; mended after 0.9). */
static const peer rows[] = {
    {"blis_sgemv_slice", "BLIS", true, PEER_SINGLE, peer_serves_any, make_slice, sgemv_slice, blas_free,
     PEER_NO_LIBERTY},
    {"blis_sgemv_row_major", "BLIS", false, PEER_SINGLE, peer_serves_any, make_rows, sgemv_row_major, blas_free,
     PEER_NO_LIBERTY},
    {"blis_sgemv_channel_major", "BLIS", false, PEER_SINGLE, peer_serves_any, make_channels, sgemv_channel_major,
     blas_free, PEER_SKIPS_ZERO_INPUTS},
    {"blis_sgemm_slice", "BLIS", true, PEER_SAMPLE, peer_serves_any, make_slice, sgemm_slice, blas_free,
     PEER_READS_BEYOND},
    {"blis_sgemm_feature", "BLIS", false, PEER_FEATURE, peer_serves_any, make_rows, sgemm_feature, blas_free,
     PEER_READS_BEYOND},
};

static const char *version(void) { return bli_info_get_version_str(); }

static const char *target(void) {
    prepare();
    return bli_arch_string(bli_arch_query_id());
}

const peer_table peers_blis = {rows, sizeof rows / sizeof rows[0], version, target};
