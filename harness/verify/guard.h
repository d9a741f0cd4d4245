/* guard.h: buffers that notice being overrun, and calls that survive it: forbidden pages on both sides, canaries in
 * what the data leaves free between them, and a trap that turns the signal into a report. Needs no fork. */
#ifndef HARNESS_GUARD_H
#define HARNESS_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../error.h"

float guard_float(uint32_t bits);
uint32_t guard_bits(float value);

enum { GUARD_MAPS = 2 };

/* Forbidden pages, then `room` bytes, then forbidden pages; twice, the same bytes: to write and, elsewhere, only to
 * read. What would change protections before and after each call takes as long as all the rest. {.name = ...,
 * .canary = ...} is an empty one. */
typedef struct guard {
    const char *name; /* for messages: "x", "y", "the packed weights" */
    uint32_t
        canary; /* bits of a float; best a NaN with a payload of its own, so that it is known where it turns up */
    unsigned char *map[GUARD_MAPS];
    size_t map_bytes, room, forbidden;
    float *data; /* as placed last, to write */
    size_t floats;
} guard;

typedef enum guard_place {
    GUARD_AT_END, /* the last float lies before a forbidden page (with an alignment above 4: as close as it allows)
                   */
    GUARD_AT_START, /* the first float lies behind one */
    GUARD_OFFSET,   /* canaries on both sides, `offset` floats from 64-byte alignment */
} guard_place;

/* Lays out `floats` floats and fills them and what is around them with the canary. align_floats: 1 or 16,
 * for the first two places. The data of the last call is gone. */
bool guard_lay(guard *g, size_t floats, guard_place place, size_t offset, size_t align_floats, error *e);

/* Where the first broken canary is, in floats from the start of the data (negative: before it). False when all
 * stand. */
bool guard_broken(const guard *g, ptrdiff_t *at);

/* The data where it may only be read; it changes as `data` is written. NULL before the first guard_lay. */
const float *guard_view(const guard *g);

/* For those who have handed `data` out: forbids or allows writing to it, and to what else is in its pages. */
bool guard_read_only(const guard *g, bool read_only, error *e);

void guard_free(guard *g);

typedef struct trap {
    int signal;
    const void *address; /* NULL where the system does not say */
} trap;

/* Calls call(argument). False where that raised SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGABRT (a failed assert): *t
 * then says which. Not for several threads at once. */
bool trap_call(void (*call)(void *), void *argument, trap *t);

/* "touched byte 400 of x, which has 400 (SIGSEGV)", and the like. True where one of the guards was hit. */
bool trap_describe(const trap *t, const guard *const *guards, size_t count, char *text, size_t text_size);

#endif
