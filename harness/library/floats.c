#include "floats.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

float *floats_new(size_t count) {
    if (count > SIZE_MAX / sizeof(float) / 2) return NULL;
    const size_t size_bytes = (count * sizeof(float) / LINE_BYTES + 1) * LINE_BYTES;
    float *floats = aligned_alloc(LINE_BYTES, size_bytes);
    if (floats != NULL) memset(floats, 0, size_bytes);
    return floats;
}
