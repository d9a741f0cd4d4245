#include "blas.h"

#include <stdlib.h>
#include <string.h>

#include "../library/floats.h"

enum { LINE_FLOATS = 16, LINE_BYTES = 64 };

static size_t round_up(size_t n, size_t granule) { return (n + granule - 1) / granule * granule; }

bool peer_serves_any(const peer_job *job) { return job->m > 0 && job->k > 0 && job->batch > 0; }

/* With room for [rows][columns], rows beginning at a cache line; an odd number of lines apart, so that they do not
 * share the sets of a cache. No rows: nothing is packed. */
static blas_state *make(const peer_job *job, size_t rows, size_t columns, error *e) {
    blas_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        fail(e, "no memory for a peer");
        return NULL;
    }
    s->job = *job;
    if (!epilogue_make(job, &s->epilogue, e)) {
        free(s);
        return NULL;
    }
    if (rows > 0) {
        s->stride = columns <= LINE_FLOATS ? LINE_FLOATS : (round_up(columns, LINE_FLOATS) | LINE_FLOATS);
        s->packed = aligned_new(LINE_BYTES, (rows + 1) * s->stride * sizeof *s->packed); /* see PEER_READS_BEYOND */
        if (s->packed == NULL) {
            blas_free(s);
            fail(e, "no memory for a peer's weights: %zu x %zu", rows, columns);
            return NULL;
        }
        memset(s->packed, 0, (rows + 1) * s->stride * sizeof *s->packed);
    }
    return s;
}

bool blas_make_slice(const peer_job *job, void **state, error *e) {
    blas_state *s = make(job, 0, 0, e);
    if (s == NULL) return false;
    *state = s;
    return true;
}

bool blas_make_rows(const peer_job *job, void **state, error *e) {
    blas_state *s = make(job, job->m, job->k, e);
    if (s == NULL) return false;
    for (size_t j = 0; j < job->m; j++)
        memcpy(s->packed + j * s->stride, job->w + j * job->in, job->k * sizeof *s->packed);
    *state = s;
    return true;
}

bool blas_make_channels(const peer_job *job, void **state, error *e) {
    blas_state *s = make(job, job->k, job->m, e);
    if (s == NULL) return false;
    for (size_t j = 0; j < job->m; j++)
        for (size_t i = 0; i < job->k; i++) s->packed[i * s->stride + j] = job->w[j * job->in + i];
    *state = s;
    return true;
}

void blas_free(void *state) {
    blas_state *s = state;
    if (s == NULL) return;
    epilogue_free(&s->epilogue);
    free(s->packed);
    free(s->more);
    free(s);
}

void blas_finish_outputs(const blas_state *s) { epilogue_outputs(&s->epilogue, 0, s->job.m, s->job.y, s->job.y); }

void blas_finish_features(const blas_state *s) {
    const peer_job *job = &s->job;
    for (size_t j = 0; j < job->m; j++) epilogue_samples(&s->epilogue, j, job->batch, job->y + j * job->y_stride);
}

void blas_finish_samples(const blas_state *s) {
    const peer_job *job = &s->job;
    for (size_t i = 0; i < job->batch; i++) {
        float *y = job->y + i * job->y_stride;
        epilogue_outputs(&s->epilogue, 0, job->m, y, y);
    }
}
