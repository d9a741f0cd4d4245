/* peers.h: other people's libraries doing the work of our kernels, to be measured and verified beside them.
 *
 * A peer is one way to call one library: in its best forms (weights packed for the job outside the timing, the
 * layout that suits it) or in the naive one, a slice W[:m, :k] of the row-major matrix. All of them do the whole
 * job,
 *
 *     y[j] = gamma[j] * relu(b[j] + sum over i < k of w[j][i] * x[i]),   j < m,
 *
 * on the calling thread alone. What a library cannot fuse is done by a vectorised loop of ours (epilogue.h).
 * Each library is optional when the program is built; docs/measuring.md describes the forms. */
#ifndef HARNESS_PEERS_PEERS_H
#define HARNESS_PEERS_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "../error.h"

/* How x and y lie. */
typedef enum peer_form {
    PEER_SINGLE,  /* one sample: x [k], y [m]; strides unused */
    PEER_FEATURE, /* feature-major: x [k][x_stride], y [m][y_stride]; strides at least batch */
    PEER_SAMPLE,  /* row-major: x [batch][x_stride], y [batch][y_stride]; strides at least k and m */
} peer_form;

/* One truncated layer. Floats are float32; strides count floats. Nothing beyond m, k and batch is used. */
typedef struct peer_job {
    size_t out, in, m, k, batch;
    const float *w; /* [out][in], row-major, the whole layer; must outlive the state (naive forms read it) */
    const float *b, *gamma; /* [out]; gamma may be NULL: all ones. Copied by `make` */
    bool relu;              /* relu(NaN) is NaN, but for a library's liberties */
    const float *x;         /* as `form` says; best 64-byte aligned. Its values may change between runs */
    size_t x_stride;
    float *y; /* as `form` says; best 64-byte aligned; must not overlap x. Only its m x batch outputs are written */
    size_t y_stride;
} peer_job;

/* Where a library departs from IEEE arithmetic, from relu(NaN) = NaN, or from its inputs' bounds. Verification
 * excuses these and no others. */
typedef enum peer_liberty {
    PEER_NO_LIBERTY = 0,
    PEER_RELU_OF_NAN_IS_ZERO = 1 << 0,
    PEER_RELU_OF_MINUS_INFINITY_IS_NAN = 1 << 1,
    PEER_SKIPS_ZERO_INPUTS = 1 << 2, /* so that 0 times infinity is 0 */
    PEER_READS_BEYOND = 1 << 3, /* up to a row behind a matrix is read, and dropped: it must be readable memory */
} peer_liberty;

enum {
    PEER_SPARE_FLOATS = 1 << 16 /* to be had behind x, y and the weights: a row of any layer that is measured */
};

typedef struct peer {
    const char *name;    /* unique: "openblas_sgemv_channel_major", "openblas_sgemm_slice", ... */
    const char *library; /* "OpenBLAS", ...: see peer_library_find */
    bool naive;          /* what users write: a slice of the row-major matrix; else a best form */
    peer_form form;
    /* Whether this form can do the job; none does a job of which m, k or batch is 0. */
    bool (*serves)(const peer_job *job);
    /* Packs the weights, compiles, creates primitives: outside the timing. On success `free` the state. */
    bool (*make)(const peer_job *job, void **state, error *e);
    void (*run)(void *state); /* the whole job: bias, ReLU and gamma included */
    void (*free)(void *state);
    unsigned liberties; /* peer_liberty */
} peer;

/* The rows of this build, the libraries one after the other. */
size_t peer_count(void);
const peer *peer_at(size_t index);
const peer *peer_find(const char *name); /* NULL: there is none of that name in this build */

/* A library that the project knows, in this build or not. */
typedef struct peer_library {
    const char *name;    /* "OpenBLAS" */
    const char *id;      /* what its rows' names begin with: "openblas" */
    const char *package; /* Debian's name of what the build needs */
    const char *absent;  /* why it is not in this build, one clause; NULL where it is */
} peer_library;

size_t peer_library_count(void);
const peer_library *peer_library_at(size_t index);

/* The loaded library's version, "0.3.21"; "" where it is absent or tells none. */
const char *peer_library_version(const char *library);

/* The kind of processor or instruction set that the library takes this one for, in its own words: "Haswell", "skx";
 * "" where it is absent. */
const char *peer_library_target(const char *library);

/* What holds the libraries to an instruction set, "NAME=value" up to a NULL: for "avx2" all of them to AVX2; for
 * any other back end no more than one thread each and what BLIS needs to be told. They read it when they are
 * loaded, so it must be in the environment of a new process (process_run_with). Ends in NULL; never NULL itself. */
const char *const *peer_environment(const char *backend);

#endif
