/* publish.h: which results documents may stand in reports/results/, and under which name. */
#ifndef HARNESS_RESULTS_PUBLISH_H
#define HARNESS_RESULTS_PUBLISH_H

#include <jansson.h>

#include "../error.h"

enum { PUBLISH_NAME = 256 };

/* Whether others could repeat what the document (as results_read left it) says and compare with it: built from a
 * commit, measured on a real CPU, not in a hurry, accuracy on real images. Else an error that names the file and
 * the field. */
bool publish_check(const json_t *document, const char *path, error *e);

/* "intel-xeon-family6-model207-kvm-c9f7fa5515d7.json": the CPU, what was hidden of it, the commit; or of
 * predictions "predictions-aarch64-c9f7fa5515d7.json". */
void publish_name(const json_t *document, char name[PUBLISH_NAME]);

/* All its records are predictions: of no machine. */
bool publish_predicts_only(const json_t *document);

#endif
