#include "backends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/cpu.h"

/* What a compiler uses for plain C. */
#if defined(__x86_64__)
#define BASELINE "scalar-sse"
#else
#define BASELINE "scalar"
#endif

const char *backend_origin(const idp_backend *backend) {
    switch (backend->origin) {
    case IDP_ORIGIN_SCALAR: return "scalar";
    case IDP_ORIGIN_AUTOVEC: return "autovec";
    case IDP_ORIGIN_HAND: return "hand";
    }
    return "unknown";
}

void backend_reason(const idp_backend *backend, char *reason, size_t reason_size) {
    const idp_status status = idp_backend_status(backend);
    char lacks[128];
    const char *hidden = getenv("IDP_CPU_DISABLE");
    const bool hides = hidden != NULL && hidden[0] != '\0';
    switch (status) {
    case IDP_OK: snprintf(reason, reason_size, "%s", ""); return;
    case IDP_NOT_COMPILED:
        snprintf(reason, reason_size, "not compiled into this build: it is for %s", backend->architecture);
        return;
    case IDP_NOT_SUPPORTED:
        idp_cpu_feature_names(backend->needs & ~idp_cpu_features(), lacks, sizeof lacks);
        snprintf(reason, reason_size, "the CPU or its operating system lacks %s%s%s", lacks,
                 hides ? ", or it is hidden: IDP_CPU_DISABLE=" : "", hides ? hidden : "");
        return;
    default: snprintf(reason, reason_size, "%s", idp_status_text(status)); return;
    }
}

bool backend_choose(const char *name, const idp_backend **backend, error *e) {
    const idp_backend *chosen = NULL;
    const idp_status status = idp_backend_choose(name, &chosen);
    if (status == IDP_OK) {
        *backend = chosen;
        return true;
    }
    const char *forced = name != NULL ? name : getenv("IDP_BACKEND"),
               *by = name != NULL ? "--backend" : "IDP_BACKEND";
    if (chosen == NULL) return fail(e, "%s: there is no back end '%s'; idp cpu lists them", by, forced);
    char reason[256];
    backend_reason(chosen, reason, sizeof reason);
    return fail(e, "%s: '%s' can't run here: %s; idp cpu lists what can", by, chosen->name, reason);
}

static bool list_add(const idp_backend *backend, const idp_backend *list[BACKENDS_MOST], unsigned *count,
                     error *e) {
    for (unsigned b = 0; b < *count; b++)
        if (list[b] == backend) return fail(e, "--backend names '%s' twice", backend->name);
    list[(*count)++] = backend; /* no name twice, so never more than there are */
    return true;
}

bool backend_list(const char *names, const idp_backend *list[BACKENDS_MOST], unsigned *count, error *e) {
    const idp_backend *found[BACKENDS_MOST], *backend = NULL;
    const char *forced = getenv("IDP_BACKEND");
    unsigned n = 0;
    if (names == NULL && forced != NULL && forced[0] != '\0') {
        if (!backend_choose(NULL, &found[n++], e)) return false;
    } else if (names == NULL) {
        for (size_t b = 0; b < idp_backend_count() && n < BACKENDS_MOST; b++)
            if (idp_backend_status(idp_backend_at(b)) == IDP_OK) found[n++] = idp_backend_at(b);
    } else {
        for (const char *rest = names; rest != NULL;) {
            char name[64];
            const size_t length = strcspn(rest, ",");
            snprintf(name, sizeof name, "%.*s", (int)length, rest);
            if (!backend_choose(name, &backend, e) || !list_add(backend, found, &n, e)) return false;
            rest = rest[length] == ',' ? rest + length + 1 : NULL;
        }
    }
    memcpy(list, found, n * sizeof found[0]);
    *count = n;
    return true;
}

bool backend_require(const char *names, error *e) {
    for (const char *rest = names; rest != NULL;) {
        char name[64], reason[256];
        const size_t length = strcspn(rest, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, rest);
        const idp_backend *backend = idp_backend_find(name);
        if (backend == NULL) return fail(e, "--require-isa: there is no back end '%s'; idp cpu lists them", name);
        backend_reason(backend, reason, sizeof reason);
        if (reason[0] != '\0')
            return fail(e, "--require-isa: '%s' would be skipped: %s; run it where it can, or do not require it",
                        name, reason);
        rest = rest[length] == ',' ? rest + length + 1 : NULL;
    }
    return true;
}

bool backend_forced(const char *names) {
    const char *forced = getenv("IDP_BACKEND");
    return names != NULL || (forced != NULL && forced[0] != '\0');
}

bool backend_hidden_known(error *e) {
    enum { SHOWN = 64 }; /* of a word: the words there are have to fit behind it */
    const char *unknown;
    char words[128] = "";
    size_t used = 0;
    idp_cpu_hidden(getenv("IDP_CPU_DISABLE"), &unknown);
    if (unknown == NULL) return true;
    for (size_t w = 0; idp_cpu_word(w) != NULL && used < sizeof words; w++)
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", w > 0 ? ", " : "", idp_cpu_word(w));
    const size_t length = strcspn(unknown, ",");
    return fail(e, "IDP_CPU_DISABLE: there is no feature '%.*s'; there are %s",
                (int)(length < SHOWN ? length : SHOWN), unknown, words);
}

const char *backend_isa(const idp_backend *backend) {
    static const struct {
        uint32_t needs;
        const char *isa;
    } table[] = {{IDP_CPU_AVX512F, "avx512f"}, {IDP_CPU_AVX2_FMA, "avx2+fma"}, {IDP_CPU_NEON, "neon"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if ((backend->needs & table[i].needs) != 0) return table[i].isa;
    return BASELINE;
}
