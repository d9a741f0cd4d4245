/* registry.c: every back end there is, compiled in or not; finding and choosing one. */
#include <stdlib.h>
#include <string.h>

#include "backend.h"

#define ABSENT(name) \
    &(const idp_backend) { IDP_HEAD_##name, NULL, 0 }
#if defined(__x86_64__)
#define X86(name) &idp_backend_##name
#else
#define X86(name) ABSENT(name)
#endif
#if defined(__aarch64__)
#define ARM(name) &idp_backend_##name
#else
#define ARM(name) ABSENT(name)
#endif

/* Slowest first: the last usable one is the default. */
static const idp_backend *const backends[] = {
    &idp_backend_scalar, X86(autovec_avx2), X86(autovec_avx512f), ARM(autovec_neon), X86(avx2),
    X86(avx512f),        ARM(neon),
};
enum { BACKENDS = sizeof backends / sizeof backends[0] };

size_t idp_backend_count(void) { return BACKENDS; }

const idp_backend *idp_backend_at(size_t index) { return index < BACKENDS ? backends[index] : NULL; }

idp_status idp_backend_status(const idp_backend *backend) {
    if (backend->kernels == NULL) return IDP_NOT_COMPILED;
    return (backend->needs & ~idp_cpu_features()) == 0 ? IDP_OK : IDP_NOT_SUPPORTED;
}

const idp_backend *idp_backend_find(const char *name) {
    for (size_t b = 0; b < BACKENDS; b++)
        if (strcmp(backends[b]->name, name) == 0) return backends[b];
    return NULL;
}

idp_status idp_backend_choose(const char *name, const idp_backend **backend) {
    const char *forced = name != NULL ? name : getenv("IDP_BACKEND");
    if (forced != NULL && (name != NULL || forced[0] != '\0')) {
        *backend = idp_backend_find(forced);
        return *backend != NULL ? idp_backend_status(*backend) : IDP_UNKNOWN_BACKEND;
    }
    for (size_t b = BACKENDS; b-- > 0;) {
        if (idp_backend_status(backends[b]) != IDP_OK) continue;
        *backend = backends[b];
        return IDP_OK;
    }
    *backend = NULL;
    return IDP_NOT_SUPPORTED; /* cannot happen: scalar needs nothing */
}

const idp_kernel *idp_kernel_find(const char *name, const idp_backend **backend) {
    for (size_t b = 0; b < BACKENDS; b++) {
        for (size_t i = 0; i < backends[b]->kernel_count; i++) {
            if (strcmp(backends[b]->kernels[i].name, name) != 0) continue;
            if (backend != NULL) *backend = backends[b];
            return &backends[b]->kernels[i];
        }
    }
    return NULL;
}

const idp_kernel *idp_backend_kernel(const idp_backend *backend, idp_layout layout) {
    for (size_t i = 0; i < backend->kernel_count; i++)
        if (backend->kernels[i].layout == layout) return &backend->kernels[i];
    return NULL;
}

const char *idp_layout_name(idp_layout layout) {
    switch (layout) {
    case IDP_LAYOUT_PANEL: return "panel";
    case IDP_LAYOUT_BATCH: return "batch";
    case IDP_LAYOUT_ROW: return "row";
    case IDP_LAYOUT_SAMPLE: return "sample";
    }
    return "unknown";
}

bool idp_layout_batched(idp_layout layout) { return layout == IDP_LAYOUT_BATCH || layout == IDP_LAYOUT_SAMPLE; }

const char *idp_status_text(idp_status status) {
    switch (status) {
    case IDP_OK: return "no error";
    case IDP_BAD_ARGUMENT: return "an argument is outside its contract";
    case IDP_UNKNOWN_BACKEND: return "there is no back end of that name";
    case IDP_NOT_COMPILED: return "not compiled into this build";
    case IDP_NOT_SUPPORTED:
        return "not supported by this CPU or its operating system, or hidden by IDP_CPU_DISABLE";
    case IDP_NO_MEMORY: return "no memory";
    case IDP_COUPLED: return "a weight that must be zero leads from one part's channels into an earlier part";
    case IDP_BAD_FILE: return "not a model file that can be read";
    }
    return "unknown status";
}
