/* stream.h: load-only streams: what reading bytes costs at least, in the buffers where they lie. The roof of every
 * kernel that is bound by memory. */
#ifndef HARNESS_MEASURE_STREAM_H
#define HARNESS_MEASURE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* `rows` runs of `floats` floats, `stride` floats from one to the next. Exactly these bytes are loaded. */
typedef struct stream_block {
    const float *start;
    size_t rows, floats, stride;
} stream_block;

/* How far ahead of the loads each cache line is prefetched into L1, in bytes; [0] is 0: not at all. Which is best
 * depends on where the bytes lie, so all are tried (stream_choose in roof.h). */
enum { STREAM_WAYS = 6 };
extern const size_t stream_ahead_bytes[STREAM_WAYS];

/* Register widths in bits that streams exist for, widest first; those that can run here: stream_usable. */
enum { STREAM_WIDTHS = 3 };
extern const unsigned stream_width_bits[STREAM_WIDTHS];
bool stream_usable(unsigned width_bits);

/* Loads everything once, with registers of that (usable) width. */
void stream_load(unsigned width_bits, const stream_block *block, size_t blocks, size_t ahead_bytes);

/* A single row, or one row where the rows follow each other without a gap: the same bytes with less to do. */
stream_block stream_block_of(const float *start, size_t rows, size_t floats, size_t stride);

/* Bytes of all blocks. */
double stream_bytes(const stream_block *block, size_t blocks);

/* One file an instruction set, with its flags. */
void stream_load_avx512f(const stream_block *block, size_t blocks, size_t ahead_bytes);
void stream_load_avx2(const stream_block *block, size_t blocks, size_t ahead_bytes);
void stream_load_neon(const stream_block *block, size_t blocks, size_t ahead_bytes);

#endif
