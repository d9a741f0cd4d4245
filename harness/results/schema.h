/* schema.h: reports/SCHEMA.md as tables that a document is checked against. */
#ifndef HARNESS_SCHEMA_H
#define HARNESS_SCHEMA_H

#include <jansson.h>

#include "../error.h"

/* The message names `path`, the place ("records[3] (bench)") and the field. */
bool schema_check(const json_t *document, const char *path, error *e);

#endif
