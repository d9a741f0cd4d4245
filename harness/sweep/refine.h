/* refine.h: what going on from a narrower result costs, beside a fresh run: `idp sweep --refine`. */
#ifndef HARNESS_REFINE_H
#define HARNESS_REFINE_H

#include "sweep.h"

/* From each percentage to the next (options: at least two, ascending; where there are none, sweep_percents), with
 * the profiles that serve them, at batch 1 and 128: paired rounds, in this process, of run(from), run(to),
 * start(from), and start(from) followed by refine(to). The time of refine is the difference of the last two within
 * a round; what it should be is that of the first two. Appends one record of kind `refine` for each step and batch
 * to r (may be NULL) and prints a table to `table` (may be NULL). On failure nothing is appended. */
bool refine_model(const model *m, const idp_backend *backend, const sweep_options *options, results *r, FILE *table,
                  error *e);

#endif
