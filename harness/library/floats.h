/* floats.h: aligned memory. What is larger than 2 MiB asks for large pages: read in any other order than from first
 * to last, small ones cost a miss of the address translation each, which under a hypervisor is as dear as the data.
 */
#ifndef HARNESS_FLOATS_H
#define HARNESS_FLOATS_H

#include <stddef.h>

/* Aligned to `alignment` bytes, a power of two, at most 2 MiB; for free(); NULL without memory. size_bytes may be
 * 0. */
void *aligned_new(size_t alignment, size_t size_bytes);

/* The same of floats: zeroed, 64-byte aligned. */
float *floats_new(size_t count);

#endif
