/* stream.h: load-only streams: what reading bytes costs at least, in the buffers where they lie. The roof of every
 * kernel that is bound by memory. */
#ifndef HARNESS_MEASURE_STREAM_H
#define HARNESS_MEASURE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* `rows` runs of `floats` floats, `stride` floats from one to the next. */
typedef struct stream_block {
    const float *start;
    size_t rows, floats, stride;
} stream_block;

/* A way to load them. Which is best depends on where the bytes lie, so all are tried (roof_stream_choose). */
typedef struct stream_way {
    size_t ahead_bytes; /* how far ahead of the loads each cache line is prefetched into L1; 0: not at all */
    size_t together;    /* rows, or equal parts of a single row, that are loaded in turns: 1, 2 or 4 */
} stream_way;
enum { STREAM_WAYS = 11 };
extern const stream_way stream_ways[STREAM_WAYS];

typedef void stream_function(const stream_block *block, size_t blocks, stream_way way);

/* Register widths in bits that streams exist for, widest first. */
enum { STREAM_WIDTHS = 3 };
extern const unsigned stream_width_bits[STREAM_WIDTHS];

/* What loads everything once with registers of that width; NULL where that cannot run here. */
stream_function *stream_find(unsigned width_bits);

/* The block, as one row where its rows follow each other with gaps of less than a cache line: the lines are the
 * same, and there is less to do. */
stream_block stream_block_of(const float *start, size_t rows, size_t floats, size_t stride);

/* Bytes of all blocks. */
double stream_bytes(const stream_block *block, size_t blocks);

/* One file an instruction set, with its flags. */
stream_function stream_load_avx512f, stream_load_avx2, stream_load_neon;

#endif
