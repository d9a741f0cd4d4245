/* identity.h: what tells a record of a results document from the others of its kind. */
#ifndef HARNESS_RESULTS_IDENTITY_H
#define HARNESS_RESULTS_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>

enum { RECORD_IDENTITY = 1024 };

/* "bench fc_f32_row_4x8_avx2/avx2/out:100/in:784/m:100/k:392/batch:1" into text: two records of the same identity
 * are two measurements of the same thing. False for a kind that has none, such as `control`. */
bool record_identity(const json_t *record, char text[RECORD_IDENTITY]);

#endif
