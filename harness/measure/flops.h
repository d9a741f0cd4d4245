/* flops.h: the work that a kernel really executes on a layer: counted (measure/executed.h) beside what its tiles
 * predict (measure/work.h) and what the layer wants. */
#ifndef HARNESS_FLOPS_H
#define HARNESS_FLOPS_H

#include "../../kernels/idp.h"
#include "../error.h"
#include "executed.h"
#include "work.h"

/* One kernel on one truncated layer, with ReLU and gamma. */
typedef struct flops_case {
    const idp_backend *backend; /* usable here */
    const idp_kernel *kernel;   /* of that back end */
    size_t out, in, batch;      /* batch: 1 for the layouts panel and row */
    size_t m, k;
} flops_case;

typedef struct flops_counts {
    executed whole;    /* the call */
    executed fixed;    /* the same call at k = 0: what does not depend on k, prologue and epilogue */
    uint64_t stepped;  /* instructions that were stepped to know both */
    bool extrapolated; /* whole is not stepped itself, see flops_count */
} flops_counts;

enum { FLOPS_STEPS = 20000 }; /* about half a second */

/* Why nothing can be counted here, as a message in e; true where it can. Other than executed_available this also
 * refuses builds with sanitizers, whose kernels execute what the sanitizer adds. */
bool flops_available(error *e);

/* Counts. A call of about more than steps_most instructions is not stepped itself: smaller ones are, of a few
 * channels, outputs or samples, at three sizes one period of the tiles apart. Where all counts of the third are
 * exactly what the first two imply, the counts at full size follow by the same rule; where they are not, the call
 * is stepped after all. UINT64_MAX: always step. `fixed`: the counts at k = 0 where they are known, of the same
 * case but for k; NULL: count them too. */
bool flops_count(const flops_case *c, uint64_t steps_most, const executed *fixed, flops_counts *counts, error *e);

double flops_nominal(const flops_case *c); /* 2 m k batch */
work flops_predicted(const flops_case *c);

/* The instruction set that the kernel's arithmetic really uses, "avx2+fma": a small layer is stepped, once for each
 * kernel. NULL where it cannot be told, with the reason in e. Not thread-safe. */
const char *executed_isa_of(const idp_kernel *kernel, error *e);

/* The same as a record says it: the name, or "unavailable: " and the reason. */
void executed_isa_print(const idp_kernel *kernel, char *text, size_t text_size);

#endif
