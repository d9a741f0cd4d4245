/* facts.h: whether two results documents were measured on the same machine and by the same build, and what
 * a reader of a comparison must be warned of. */
#ifndef HARNESS_COMPARE_FACTS_H
#define HARNESS_COMPARE_FACTS_H

#include "compare.h"

/* Fills same_machine and machines. The identity is what CPU this is, never the host's name: name, family numbers,
 * instruction sets, caches, processors, hypervisor. What only one document knows is no difference. */
void compare_machines(comparison *c, const json_t *before, const json_t *after);

/* True where accuracies may be compared: both were tested on the same images. */
bool compare_same_data(const json_t *before, const json_t *after);

/* Why this document's times mean nothing, a clause of English; NULL where they do. */
const char *compare_times_void(const json_t *document);

/* Warnings about machine, build and data; and, when the verdicts are there, about what moved all times together. */
void compare_warn_facts(comparison *c, const json_t *before, const json_t *after);
void compare_warn_shift(comparison *c, const compare_options *options);

/* Adds one; more than COMPARE_WARNINGS are dropped. */
void compare_warn(comparison *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The string at run.command, build.commit, ...; "unknown" where there is none. */
const char *compare_fact(const json_t *document, const char *object, const char *key);

#endif
