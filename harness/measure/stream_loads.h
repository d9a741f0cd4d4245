/* stream_loads.h: the loops of stream_<isa>.c, which defines before it: vec, LANES, load, load_part (n in
 * [1, LANES)), and touch, which makes the compiler believe that the register is used; after it, the function. */
#include "stream.h"

#define STREAM_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define STREAM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define STREAM_UNROLL _Pragma("GCC unroll 8")
#endif

enum {
    UNROLL = 8, /* independent loads a turn: the loop's own instructions hide behind them */
    LINE_BYTES = 64,
    TURN_BYTES = UNROLL * LANES * 4,
    PAIR_BYTES = 256, /* of each of two places at a time */
};

STREAM_INLINE void prefetch_turn(const float *p, size_t ahead_bytes) {
    STREAM_UNROLL
    for (size_t line = 0; line < TURN_BYTES; line += LINE_BYTES)
        __builtin_prefetch((const char *)p + ahead_bytes + line, 0, 3);
}

STREAM_INLINE void load_vectors(const float *p, size_t vectors) {
    for (size_t v = 0; v < vectors; v++) touch(load(p + v * LANES));
}

/* A row of any length. */
STREAM_INLINE void load_row(const float *p, size_t floats, size_t ahead_bytes) {
    const float *const end = p + floats / (UNROLL * LANES) * (UNROLL * LANES);
    for (; p < end; p += UNROLL * LANES) {
        if (ahead_bytes > 0) prefetch_turn(p, ahead_bytes);
        STREAM_UNROLL
        for (size_t v = 0; v < UNROLL; v++) touch(load(p + v * LANES));
    }
    const size_t left = floats % (UNROLL * LANES), vectors = left / LANES;
    load_vectors(p, vectors);
    if (left % LANES != 0) touch(load_part(p + vectors * LANES, left % LANES));
}

/* Rows of `vectors` (a constant) registers and a part of one: a short row must not cost a loop of its own. */
STREAM_INLINE void load_short_rows(const stream_block *b, size_t vectors) {
    const float *p = b->start;
    const size_t part = b->floats % LANES;
    if (part == 0) {
        for (size_t r = 0; r < b->rows; r++, p += b->stride) {
            STREAM_UNROLL
            for (size_t v = 0; v < vectors; v++) touch(load(p + v * LANES));
        }
    } else {
        for (size_t r = 0; r < b->rows; r++, p += b->stride) {
            STREAM_UNROLL
            for (size_t v = 0; v < vectors; v++) touch(load(p + v * LANES));
            touch(load_part(p + vectors * LANES, part));
        }
    }
}

/* `floats` of two or four rows in turns: places in memory, as kernels with several panels or outputs have them. A
 * register from each of four, some cache lines from each of two. */
STREAM_INLINE void load_turns(const float *p, size_t floats, size_t stride, size_t ahead_bytes, size_t together) {
    const size_t vectors = together == 2 ? PAIR_BYTES / (LANES * 4) : 1, turn = vectors * LANES;
    const float *const end = p + floats / turn * turn;
    for (; p < end; p += turn) {
        STREAM_UNROLL
        for (size_t r = 0; r < together; r++) STREAM_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const float *const q = p + r * stride + v * LANES;
            if (ahead_bytes > 0) __builtin_prefetch((const char *)q + ahead_bytes, 0, 3);
            touch(load(q));
        }
    }
    const size_t left = floats % turn / LANES, part = floats % LANES;
    for (size_t r = 0; r < together; r++, p += stride) {
        load_vectors(p, left);
        if (part != 0) touch(load_part(p + left * LANES, part));
    }
}

STREAM_INLINE void load_block_in_turns(const stream_block *b, size_t ahead_bytes, size_t together) {
    size_t r = 0;
    for (; r + together <= b->rows; r += together)
        load_turns(b->start + r * b->stride, b->floats, b->stride, ahead_bytes, together);
    for (; r < b->rows; r++) { /* a row by itself in so many parts */
        const float *const p = b->start + r * b->stride;
        const size_t part = b->floats / (together * LANES) * LANES;
        load_turns(p, part, part, ahead_bytes, together);
        load_row(p + together * part, b->floats - together * part, 0);
    }
}

STREAM_INLINE void load_block(const stream_block *b, size_t ahead_bytes) {
    if (b->rows == 1) {
        load_row(b->start, b->floats, ahead_bytes);
        return;
    }
    switch (b->floats / LANES) {
    case 0: load_short_rows(b, 0); return;
    case 1: load_short_rows(b, 1); return;
    case 2: load_short_rows(b, 2); return;
    case 3: load_short_rows(b, 3); return;
    case 4: load_short_rows(b, 4); return;
    case 5: load_short_rows(b, 5); return;
    case 6: load_short_rows(b, 6); return;
    case 7: load_short_rows(b, 7); return;
    default: break;
    }
    for (size_t r = 0; r < b->rows; r++) load_row(b->start + r * b->stride, b->floats, ahead_bytes);
}

STREAM_INLINE void load_blocks(const stream_block *block, size_t blocks, stream_way way) {
    if (way.together == 4)
        for (size_t b = 0; b < blocks; b++) load_block_in_turns(&block[b], way.ahead_bytes, 4);
    else if (way.together == 2)
        for (size_t b = 0; b < blocks; b++) load_block_in_turns(&block[b], way.ahead_bytes, 2);
    else if (way.ahead_bytes > 0)
        for (size_t b = 0; b < blocks; b++) load_block(&block[b], way.ahead_bytes);
    else /* its own loop: without a test for prefetching */
        for (size_t b = 0; b < blocks; b++) load_block(&block[b], 0);
}
