#include "floats.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE_BYTES = 64, LARGE_PAGE_BYTES = 2 << 20 };

void *aligned_new(size_t alignment, size_t size_bytes) {
    const size_t granule = size_bytes < LARGE_PAGE_BYTES ? alignment : LARGE_PAGE_BYTES;
    if (size_bytes > SIZE_MAX / 2) return NULL;
    const size_t whole_bytes = (size_bytes / granule + 1) * granule;
    void *memory = aligned_alloc(granule, whole_bytes);
#if defined(MADV_HUGEPAGE)
    /* Where large pages or the memory for them are not to be had, these stay small. */
    if (memory != NULL && granule == LARGE_PAGE_BYTES) (void)madvise(memory, whole_bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

float *floats_new(size_t count) {
    if (count > SIZE_MAX / sizeof(float) / 2) return NULL;
    float *floats = aligned_new(LINE_BYTES, count * sizeof(float));
    if (floats != NULL) memset(floats, 0, (count * sizeof(float) / LINE_BYTES + 1) * LINE_BYTES);
    return floats;
}
