/* broken.h: a naive kernel of each layout with one defect built in, to show that verification notices it. */
#ifndef TESTS_BROKEN_H
#define TESTS_BROKEN_H

#include "idp.h"
#include "verify/verify.h"

enum {
    IN_PANEL = 1u << IDP_LAYOUT_PANEL,
    IN_BATCH = 1u << IDP_LAYOUT_BATCH,
    IN_ROW = 1u << IDP_LAYOUT_ROW,
    IN_SAMPLE = 1u << IDP_LAYOUT_SAMPLE,
    IN_MANY = IN_BATCH | IN_SAMPLE,
    IN_ALL = IN_PANEL | IN_ROW | IN_MANY,
};

#define FAULT(name) (1u << VERIFY_##name)

/* X(defect, layouts that can have it, faults that verification may rightly call it) */
#define DEFECTS(X)                                                                                  \
    X(ONE_CHANNEL_TOO_FEW, IN_ALL, FAULT(WRONG_VALUE))                                              \
    X(ONE_CHANNEL_TOO_MANY, IN_ALL, FAULT(WRONG_VALUE) | FAULT(TOUCHED))                            \
    X(DROPS_THE_CHANNEL_TAIL, IN_ALL, FAULT(WRONG_VALUE))                                           \
    X(COUNTS_CHANNELS_IN_A_BYTE, IN_ALL, FAULT(WRONG_VALUE))                                        \
    X(MULTIPLIES_X_BEYOND_K_BY_ZERO, IN_ALL, FAULT(WRONG_VALUE) | FAULT(TOUCHED))                   \
    X(MULTIPLIES_X_WITHIN_THE_PAGE_BY_ZERO, IN_ALL, FAULT(WRONG_VALUE))                             \
    X(MULTIPLIES_WEIGHTS_BEYOND_K_BY_ZERO, IN_ALL, FAULT(WRONG_VALUE))                              \
    X(LOADS_X_BEYOND_K, IN_ALL, FAULT(TOUCHED))                                                     \
    X(LOADS_X_BEFORE_ITS_START, IN_ALL, FAULT(TOUCHED))                                             \
    X(ASSUMES_ALIGNED_X, IN_ALL, FAULT(WRONG_VALUE) | FAULT(TOUCHED))                               \
    X(LOADS_WEIGHTS_BEYOND_THE_LAST, IN_ALL, FAULT(TOUCHED))                                        \
    X(LOADS_GAMMA_BEYOND_M, IN_ALL, FAULT(TOUCHED))                                                 \
    X(WRITES_X, IN_ALL, FAULT(TOUCHED))                                                             \
    X(STORES_WHOLE_VECTORS, IN_ALL, FAULT(STRAY_WRITE) | FAULT(TOUCHED))                            \
    X(STORES_BEHIND_Y_WITHIN_THE_PAGE, IN_ALL, FAULT(STRAY_WRITE))                                  \
    X(STORES_BEFORE_Y_WITHIN_THE_PAGE, IN_ALL, FAULT(STRAY_WRITE))                                  \
    X(SKIPS_THE_TAIL, IN_ALL, FAULT(UNWRITTEN))                                                     \
    X(WRONG_TAIL_MASK, IN_ALL, FAULT(UNWRITTEN))                                                    \
    X(SCRATCH_BEYOND_Y, IN_ALL, FAULT(STRAY_WRITE) | FAULT(TOUCHED))                                \
    X(SCRATCH_BEYOND_Y_RESTORED, IN_ALL, FAULT(TOUCHED))                                            \
    X(ADDS_TO_Y, IN_ALL, FAULT(WRONG_VALUE) | FAULT(UNWRITTEN))                                     \
    X(NO_BIAS, IN_ALL, FAULT(WRONG_VALUE))                                                          \
    X(BIAS_TIMES_GAMMA_TWICE, IN_ALL, FAULT(WRONG_VALUE))                                           \
    X(BIAS_BEHIND_GAMMA, IN_ALL, FAULT(WRONG_VALUE))                                                \
    X(NO_GAMMA, IN_ALL, FAULT(WRONG_VALUE))                                                         \
    X(NO_RELU, IN_ALL, FAULT(WRONG_VALUE))                                                          \
    X(RELU_ALWAYS, IN_ALL, FAULT(WRONG_VALUE))                                                      \
    X(RELU_BEHIND_GAMMA, IN_ALL, FAULT(WRONG_VALUE))                                                \
    X(RELU_OF_NAN_IS_ZERO, IN_ALL, FAULT(WRONG_VALUE))                                              \
    X(SKIPS_ZERO_INPUTS, IN_ALL, FAULT(WRONG_VALUE))                                                \
    X(HALF_PRECISION_PRODUCTS, IN_ALL, FAULT(WRONG_VALUE))                                          \
    X(ONE_PRODUCT_CUT_TO_22_BITS, IN_ALL, FAULT(WRONG_VALUE))                                       \
    X(FLUSHES_SUBNORMALS, IN_ALL, FAULT(WRONG_VALUE))                                               \
    X(CLAMPS_INFINITY, IN_ALL, FAULT(WRONG_VALUE))                                                  \
    X(IGNORES_THE_STRIDE_OF_X, IN_MANY, FAULT(WRONG_VALUE))                                         \
    X(IGNORES_THE_STRIDE_OF_Y, IN_MANY, FAULT(WRONG_VALUE) | FAULT(UNWRITTEN) | FAULT(STRAY_WRITE)) \
    X(LAST_SAMPLE_TWICE, IN_MANY, FAULT(WRONG_VALUE))                                               \
    X(STORES_BEYOND_THE_BATCH, IN_MANY, FAULT(STRAY_WRITE) | FAULT(TOUCHED))                        \
    X(STORES_BETWEEN_THE_OUTPUTS, IN_MANY, FAULT(STRAY_WRITE))                                      \
    X(ABORTS, IN_ALL, FAULT(CRASHED))

#define ROW(name, layouts, faults) name,
typedef enum defect { NO_DEFECT, DEFECTS(ROW) DEFECT_COUNT } defect;
#undef ROW

typedef struct defect_facts {
    const char *name;
    unsigned layouts, faults;
} defect_facts;

extern const defect_facts defects[DEFECT_COUNT];

/* The naive kernel with that defect. It is one function with one defect at a time: the last one asked for. */
idp_kernel broken_kernel(idp_layout layout, defect wanted);

#endif
