/* floats.h: aligned memory. */
#ifndef HARNESS_FLOATS_H
#define HARNESS_FLOATS_H

#include <stddef.h>

/* Zeroed, 64-byte aligned, for free(); NULL without memory. count may be 0. */
float *floats_new(size_t count);

#endif
