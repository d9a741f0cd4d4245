/* tool.h: runs another program and keeps what it prints. */
#ifndef HARNESS_TOOL_H
#define HARNESS_TOOL_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

/* Runs argv[0], found on the PATH, and waits for it; it reads the file `in`, from its beginning (NULL: nothing), on
 * stdin, *out is what it printed on stdout (*out_size bytes; NULL: nobody asks) and *err what on stderr, both
 * malloc'ed and ended by a NUL. Fails where
 * `in` was not written whole, where it cannot be run, does not end with status 0 (the error has the last line of
 * stderr) or prints more than 256 MiB; then nothing is left to free. */
bool tool_run(const char *const *argv, FILE *in, char **out, size_t *out_size, char **err, error *e);

/* The first of names[] (ended by NULL) that the PATH has, or NULL. */
const char *tool_find(const char *const *names);

#endif
