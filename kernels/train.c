/* train.c: the training kernels of every back end; registry.c says which back end may run here. */
#include "train.h"

#include <string.h>

static const idp_train *const tables[] = {
    &idp_train_scalar,
#if defined(__x86_64__)
    &idp_train_autovec_avx2, &idp_train_autovec_avx512f, &idp_train_avx2, &idp_train_avx512f,
#elif defined(__aarch64__)
    &idp_train_autovec_neon,
    &idp_train_neon,
#endif
};

const idp_train *idp_train_of(const idp_backend *backend) {
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        if (strcmp(tables[t]->backend, backend->name) == 0) return tables[t];
    return NULL;
}
