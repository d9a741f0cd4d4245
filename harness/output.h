/* output.h: files that appear whole or not at all: written under a temporary name beside the target, flushed to
 * disk, renamed. */
#ifndef HARNESS_OUTPUT_H
#define HARNESS_OUTPUT_H

#include <stddef.h>
#include <stdio.h>

#include "error.h"

typedef struct output {
    FILE *file;                            /* write here */
    char path[4096], temporary[4096 + 32]; /* temporary is empty where the target is written to directly */
} output;

/* Opens a temporary file beside `path` (whose folder must exist). A link is followed; what exists and is no regular
 * file, such as a pipe or a device, is written to directly instead. */
bool output_open(output *out, const char *path, error *e);

/* Flushes, syncs, closes and renames. On failure the temporary file is gone and the old target untouched. */
bool output_commit(output *out, error *e);

/* Closes and removes the temporary file. Harmless after a commit. */
void output_discard(output *out);

/* The whole thing for a buffer. */
bool output_write(const char *path, const void *bytes, size_t size, error *e);

/* Makes the folder and its parents. */
bool output_folder(const char *path, error *e);

/* Reads a whole file into a malloc'ed buffer, with a NUL after it; refuses more than `limit` bytes. */
bool input_read(const char *path, size_t limit, char **bytes, size_t *size, error *e);

#endif
