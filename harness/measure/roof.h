/* roof.h: what this core can do at most, measured: the FMA peak of each vector width, the bandwidth of loads from
 * each cache level and from DRAM, its clock, and what a call and a fenced reading of the time cost. */
#ifndef HARNESS_MEASURE_ROOF_H
#define HARNESS_MEASURE_ROOF_H

#include <stddef.h>
#include <stdint.h>

#include "../error.h"
#include "../progress.h"
#include "paired.h"
#include "stats.h"
#include "stream.h"

/* ---- the best stream over given bytes ------------------------------------------------------------------------ */

typedef struct roof_stream {
    stream_function *load; /* see stream_find */
    stream_block *block;   /* [blocks], the caller's */
    size_t blocks;
    stream_way way; /* chosen by roof_stream_choose */
} roof_stream;

/* Tries every way, in turns of at least slice_ns, `turns` times, and keeps the one whose best turn was
 * the fastest. clock: NULL for the machine's. False, with a message, on Ctrl-C. */
bool roof_stream_choose(roof_stream *s, double slice_ns, unsigned turns, const paired_clock *clock, error *e);

/* A paired_variant's function; state is a roof_stream. An iteration loads everything once. */
void roof_stream_run(void *state, uint64_t iterations);

/* A paired_variant's function for the FMA peak; state is a const unsigned, the width in bits. An iteration does
 * roof_fma_flops(width). */
void roof_fma_run(void *state, uint64_t iterations);
double roof_fma_flops(unsigned width_bits);

/* ---- `idp roof` ------------------------------------------------------------------------------------------------
 */

enum { ROOF_MOST = 16 };

/* One figure. resource: "fma_512", "load_l1", "load_dram", "clock", "call", "timer", ...; unit: "GFLOP/s", "B/ns",
 * "GHz", "ns". */
typedef struct roof_figure {
    char resource[16];
    const char *unit;
    interval value;
    double bytes;   /* of the buffer; 0 where there is none */
    stream_way way; /* the best; of streams */
} roof_figure;

typedef struct roof_options {
    size_t rounds;
    double budget_s, level;
    uint64_t cache_bytes[4]; /* of levels 1, 2, ...; 0: there is none, or its size is not known */
    uint64_t seed;
    const paired_clock *clock; /* NULL: the machine's */
    progress *bar;             /* may be NULL; goes on by 1 */
} roof_options;

/* 200 rounds, 8 s, level 0.99, the caches of this machine, seed 1. quick: 40 rounds, 1.5 s. */
roof_options roof_defaults(bool quick);

typedef struct roof_result {
    roof_figure figure[ROOF_MOST];
    unsigned figures;
    size_t rounds, discarded, disturbed;
} roof_result;

/* Measures them all in interleaved rounds; `clock` is missing where the core's clock can't be told, load_l1 ..
 * where no stream runs here or the cache's size is unknown. */
bool roof_measure(const roof_options *options, roof_result *result, error *e);

#endif
