/* openblas.c: OpenBLAS through CBLAS. It packs both operands at every call of sgemm (but for its small-matrix
 * path), so no form of the weights is prepacked in its own layout: rows or channels, contiguous, is the best that
 * it can be given. */
#include <cblas.h>
#include <stdio.h>

#include "blas.h"

static bool one_thread(bool (*make)(const peer_job *, void **, error *), const peer_job *job, void **state,
                       error *e) {
    openblas_set_num_threads(1);
    return make(job, state, e);
}

static bool make_slice(const peer_job *job, void **state, error *e) {
    return one_thread(blas_make_slice, job, state, e);
}

static bool make_rows(const peer_job *job, void **state, error *e) {
    return one_thread(blas_make_rows, job, state, e);
}

static bool make_channels(const peer_job *job, void **state, error *e) {
    return one_thread(blas_make_channels, job, state, e);
}

/* ---- one sample -------------------------------------------------------------------------------------------- */

static void gemv(const blas_state *s, enum CBLAS_ORDER order, const float *w, size_t stride) {
    const peer_job *job = &s->job;
    cblas_sgemv(order, CblasNoTrans, (blasint)job->m, (blasint)job->k, 1, w, (blasint)stride, job->x, 1, 0, job->y,
                1);
    blas_finish_outputs(s);
}

static void sgemv_slice(void *state) {
    const blas_state *s = state;
    gemv(s, CblasRowMajor, s->job.w, s->job.in);
}

static void sgemv_row_major(void *state) {
    const blas_state *s = state;
    gemv(s, CblasRowMajor, s->packed, s->stride);
}

static void sgemv_channel_major(void *state) {
    const blas_state *s = state;
    gemv(s, CblasColMajor, s->packed, s->stride); /* [k][m], read as an m x k matrix by columns */
}

/* ---- batches ----------------------------------------------------------------------------------------------- */

/* y = w x, feature-major. */
static void sgemm_feature(void *state) {
    const blas_state *s = state;
    const peer_job *job = &s->job;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)job->m, (blasint)job->batch, (blasint)job->k, 1,
                s->packed, (blasint)s->stride, job->x, (blasint)job->x_stride, 0, job->y, (blasint)job->y_stride);
    blas_finish_features(s);
}

/* y = x w', row-major: w by rows (transposed) or by channels. */
static void gemm_samples(const blas_state *s, enum CBLAS_TRANSPOSE transpose, const float *w, size_t stride) {
    const peer_job *job = &s->job;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose, (blasint)job->batch, (blasint)job->m, (blasint)job->k, 1,
                job->x, (blasint)job->x_stride, w, (blasint)stride, 0, job->y, (blasint)job->y_stride);
    blas_finish_samples(s);
}

static void sgemm_slice(void *state) {
    const blas_state *s = state;
    gemm_samples(s, CblasTrans, s->job.w, s->job.in);
}

static void sgemm_channel_major(void *state) {
    const blas_state *s = state;
    gemm_samples(s, CblasNoTrans, s->packed, s->stride);
}

static const peer rows[] = {
    {"openblas_sgemv_slice", "OpenBLAS", true, PEER_SINGLE, peer_serves_any, make_slice, sgemv_slice, blas_free,
     PEER_NO_LIBERTY},
    {"openblas_sgemv_row_major", "OpenBLAS", false, PEER_SINGLE, peer_serves_any, make_rows, sgemv_row_major,
     blas_free, PEER_NO_LIBERTY},
    {"openblas_sgemv_channel_major", "OpenBLAS", false, PEER_SINGLE, peer_serves_any, make_channels,
     sgemv_channel_major, blas_free, PEER_NO_LIBERTY},
    {"openblas_sgemm_slice", "OpenBLAS", true, PEER_SAMPLE, peer_serves_any, make_slice, sgemm_slice, blas_free,
     PEER_NO_LIBERTY},
    {"openblas_sgemm_channel_major", "OpenBLAS", false, PEER_SAMPLE, peer_serves_any, make_channels,
     sgemm_channel_major, blas_free, PEER_NO_LIBERTY},
    {"openblas_sgemm_feature", "OpenBLAS", false, PEER_FEATURE, peer_serves_any, make_rows, sgemm_feature,
     blas_free, PEER_NO_LIBERTY},
};

/* "OpenBLAS 0.3.21 NO_LAPACK ..." */
static const char *version(void) {
    static char text[32];
    if (text[0] == '\0') (void)sscanf(openblas_get_config(), "%*s %31s", text);
    return text;
}

static const char *target(void) { return openblas_get_corename(); }

const peer_table peers_openblas = {rows, sizeof rows / sizeof rows[0], version, target};
