/* source.h: the bytes of a file, decompressed where the file is gzip, judged by its first two bytes. */
#ifndef HARNESS_SOURCE_H
#define HARNESS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../error.h"

typedef struct source source;

/* NULL on failure. */
source *source_open(const char *path, error *e);

/* Reads up to `want` bytes; *got is less only at the end. Damaged and truncated gzip data, and bytes behind it, are
 * errors. */
bool source_read(source *s, void *bytes, size_t want, size_t *got, error *e);

/* Harmless for NULL. */
void source_close(source *s);

/* SHA-256 of the (decompressed) bytes, in lower-case hexadecimal. Stops at `limit` bytes, with an error. */
bool source_sha256(const char *path, uint64_t limit, char sha256[65], error *e);

#endif
