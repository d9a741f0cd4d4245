/* verify.h: a kernel against the oracle, as `idp verify` and the tests run it. */
#ifndef HARNESS_VERIFY_H
#define HARNESS_VERIFY_H

#include <stdint.h>

#include "cases.h"

/* What was wrong with the first case that failed. */
typedef enum verify_fault {
    VERIFY_NO_FAULT,
    VERIFY_WRONG_VALUE, /* beyond the bound, not exact on integers, or of another class */
    VERIFY_UNWRITTEN,   /* an output was left as it was */
    VERIFY_STRAY_WRITE, /* something beyond the outputs was written */
    VERIFY_TOUCHED,     /* memory outside the buffers was touched, or an input written: the guard pages saw it */
    VERIFY_CRASHED,     /* any other signal: an illegal instruction, a misaligned access, a failed assert */
    VERIFY_NOT_RUN,     /* the harness itself could not go on: no memory */
} verify_fault;

typedef struct verify_report {
    uint64_t cases; /* done, the failed one included */
    uint64_t seed;
    double worst_error_over_bound; /* over all finite cases; a pass has at most 1 */
    verify_fault fault;
    char failure[512]; /* the first failure: what, where, and the option that replays it; "" if none */
} verify_report;

/* Runs the kernel over shapes, k, m, batch sizes, strides and offsets that break things, then `random_cases` random
 * ones: values within the derived bound, integer inputs bit for bit, special values by class, NaN planted beyond k
 * and m, guard pages and canaries around every buffer. Stops at the first failure. Returns true when every case
 * passed; stopped by interrupted(), the cases done decide. */
bool verify_kernel(const idp_kernel *kernel, uint64_t seed, uint64_t random_cases, verify_report *report);

/* The one case of that number, as verify_kernel with that seed runs it. */
bool verify_one_case(const idp_kernel *kernel, uint64_t seed, uint64_t number, verify_report *report);

/* A case of the caller's making, its values drawn as those of its number and the seed. */
bool verify_given_case(const idp_kernel *kernel, uint64_t seed, const verify_case *c, verify_report *report);

#endif
