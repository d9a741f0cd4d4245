/* workload.h: one named thing to time: a kernel on a truncated layer, with its own memory, placed at random.
 *
 * A name is KERNEL, BACKEND (then that back end's preferred kernel of the layout) or PEER, with two suffixes:
 * "@50" cuts it to 50 % of the input channels; "+3%" makes 3 % more calls than asked for, spread evenly, which
 * plants a slowdown of known size to test a measurement with. A kernel that takes one sample is called once for
 * each sample of a batch, so that all workloads of a shape do the same job. */
#ifndef HARNESS_MEASURE_WORKLOAD_H
#define HARNESS_MEASURE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/idp.h"
#include "../error.h"
#include "../peers/peers.h"

enum {
    WORKLOAD_NAME = 128,
    WORKLOAD_MOST_WIDTH = 16384, /* outputs, channels */
    WORKLOAD_MOST_BATCH = 65536, /* samples */
    WORKLOAD_MOST_EXTRA = 100,   /* percent */
    WORKLOAD_LINES = 64,         /* places of a buffer: the cache lines of a 4 KiB page */
};

/* What is the same for all workloads that are compared. */
typedef struct workload_shape {
    size_t out, in;    /* of the packed layer */
    size_t m;          /* outputs computed, at most out */
    size_t batch;      /* samples, at least 1 */
    double percent;    /* of the input channels, where the name does not say */
    idp_layout layout; /* of the kernel that a back end's name stands for */
} workload_shape;

typedef struct workload_spec {
    char name[WORKLOAD_NAME];   /* the kernel's, with the suffixes that were given: it parses to the same again */
    const idp_kernel *kernel;   /* NULL: a peer */
    const idp_backend *backend; /* runs here; NULL: a peer */
    const peer *peer;           /* NULL: a kernel */
    size_t out, in, m, k, batch;
    double percent;
    uint32_t extra_ppm; /* of a million calls, how many are done twice */
} workload_spec;

/* What is different in every process, and alike for all workloads in it: buffers start at a cache line (the library
 * gives its kernels that alignment too), each at another one. */
typedef struct workload_place {
    uint64_t seed;     /* of the values and of the order of cold copies */
    size_t line[4];    /* of weights, x, y, gamma in a page; below WORKLOAD_LINES */
    size_t cold_bytes; /* 0: weights warm, one copy. Else as many copies as fill these bytes, at least two, take
                          turns; x and y stay warm */
} workload_place;

typedef struct workload {
    const idp_kernel *kernel;
    idp_fc fc;             /* of the first sample, where the kernel takes one */
    size_t samples;        /* calls that make an iteration */
    size_t x_step, y_step; /* floats from one such sample to the next */
    float *weights;        /* [copies][copy_floats] */
    size_t copies, copy_floats, turn;
    uint32_t *order;               /* [copies], random */
    uint32_t extra_ppm, extra_due; /* due: millionths of a call */
    void *memory[4];
    const peer *peer; /* where it is one: then kernel, fc, samples and weights are unused */
    void **states;    /* [copies], each with weights of its own */
} workload;

/* Understands a name. A back end or kernel that cannot run here, or a peer that cannot do the shape, is an error
 * that says why. */
bool workload_parse(const char *text, const workload_shape *shape, workload_spec *spec, error *e);

/* What records call its back end: the back end's name, or the library's. */
const char *workload_backend(const workload_spec *spec);

/* The instruction sets, in the words of records: the one that the back end is made for, and the one that its
 * arithmetic is executed in. A peer's are its own choice, within what the environment allows. */
const char *workload_resolved_isa(const workload_spec *spec);
void workload_executed_isa(const workload_spec *spec, char *text, size_t text_size);

/* A place drawn from the seed. */
workload_place workload_place_draw(uint64_t seed, size_t cold_bytes);

/* Allocates, fills (weights of variance 1 / in, inputs in [0, 1), gamma linear, no subnormal number) and packs; all
 * memory has been written then. With ReLU and gamma, the whole epilogue of a hidden layer. On success workload_free
 * it. */
bool workload_make(const workload_spec *spec, const workload_place *place, workload *w, error *e);
void workload_free(workload *w);

/* A paired_variant's function; state is a workload. An iteration is the whole batch. */
void workload_run(void *state, uint64_t iterations);

#endif
