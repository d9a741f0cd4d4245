/* blas.h: what all libraries with a GEMM interface share: the weights of a job packed for it, and its epilogue. */
#ifndef HARNESS_PEERS_BLAS_H
#define HARNESS_PEERS_BLAS_H

#include "epilogue.h"
#include "library.h"

typedef struct blas_state {
    peer_job job;
    epilogue epilogue;
    float *packed; /* [rows][stride], 64-byte aligned; NULL in the naive forms */
    size_t stride;
    void *more; /* the library's own, in one piece of memory; free()d */
} blas_state;

/* Three ways to prepare: nothing (the slice is used as it lies), rows of k channels, columns of m outputs. */
bool blas_make_slice(const peer_job *job, void **state, error *e);
bool blas_make_rows(const peer_job *job, void **state, error *e);     /* packed [m][k padded] */
bool blas_make_channels(const peer_job *job, void **state, error *e); /* packed [k][m padded] */
void blas_free(void *state);

/* y of the whole job, as its form says. */
void blas_finish_outputs(const blas_state *s);  /* PEER_SINGLE */
void blas_finish_features(const blas_state *s); /* PEER_FEATURE */
void blas_finish_samples(const blas_state *s);  /* PEER_SAMPLE */

#endif
