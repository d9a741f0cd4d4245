/* warnings.h: what threatens the figures of a run, in words that a person understands: what it is, what it does to
 * the figures, what to do about it. docs/environment.md lists all of them. */
#ifndef HARNESS_WARNINGS_H
#define HARNESS_WARNINGS_H

#include <stdio.h>

#include "../machine/environment.h"
#include "build.h"

/* The document's `warnings`: an array of {code, text}. NULL without memory. */
json_t *warnings_json(const environment *env, const build_facts *build);

/* Prints them as a list; nothing where there are none, or where warnings_quiet(true) was said. */
void warnings_print(const json_t *warnings, FILE *file);

/* For commands that run others: these then leave the printing to the outer one. */
void warnings_quiet(bool quiet);

#endif
