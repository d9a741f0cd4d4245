/* train.h: what the training kernels' files may use. */
#ifndef IDP_KERNELS_TRAIN_H
#define IDP_KERNELS_TRAIN_H

#include "backend.h"
#include "idp_train.h"

extern const idp_train idp_train_scalar, idp_train_autovec_avx2, idp_train_autovec_avx512f, idp_train_autovec_neon,
    idp_train_avx2, idp_train_avx512f, idp_train_neon;

enum { BLOCK = IDP_TRAIN_BLOCK, LINE = IDP_TRAIN_LINE };

/* Rows of a weight gradient that are all alike but for their place. */
#define IDP_ASSERT_WEIGHTS(o)                                        \
    assert((o)->n <= BLOCK && ((o)->v == NULL) == ((o)->w == NULL)); \
    assert((o)->g != NULL || ((o)->v != NULL && !(o)->add))

#endif
