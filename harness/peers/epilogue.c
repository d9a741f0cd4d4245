#include "epilogue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/idp.h"

#define LOOPS(isa)                                                                                         \
    void epilogue_shared_##isa(float *y, size_t count, float b, float gamma, float low);                   \
    void epilogue_each_##isa(float *y, const float *sum, size_t count, const float *b, const float *gamma, \
                             float low);
LOOPS(baseline)
LOOPS(avx2)
LOOPS(avx512f)

static void choose(epilogue *made) {
    made->shared = epilogue_shared_baseline;
    made->each = epilogue_each_baseline;
#ifdef EPILOGUE_X86
    const uint32_t features = idp_cpu_features();
    if ((features & IDP_CPU_AVX2_FMA) != 0) {
        made->shared = epilogue_shared_avx2;
        made->each = epilogue_each_avx2;
    }
    if ((features & IDP_CPU_AVX512F) != 0) {
        made->shared = epilogue_shared_avx512f;
        made->each = epilogue_each_avx512f;
    }
#endif
}

bool epilogue_make(const peer_job *job, epilogue *made, error *e) {
    epilogue ep = {.low = job->relu ? 0 : -INFINITY};
    choose(&ep);
    ep.b = malloc(job->m * sizeof *ep.b);
    ep.gamma = malloc(job->m * sizeof *ep.gamma);
    if (ep.b == NULL || ep.gamma == NULL) {
        epilogue_free(&ep);
        return fail(e, "no memory for a peer's bias of %zu outputs", job->m);
    }
    memcpy(ep.b, job->b, job->m * sizeof *ep.b);
    for (size_t j = 0; j < job->m; j++) ep.gamma[j] = job->gamma != NULL ? job->gamma[j] : 1;
    *made = ep;
    return true;
}

void epilogue_free(epilogue *made) {
    free(made->b);
    free(made->gamma);
    *made = (epilogue){0};
}

void epilogue_outputs(const epilogue *ep, size_t j, size_t count, const float *sum, float *y) {
    ep->each(y, sum, count, ep->b + j, ep->gamma + j, ep->low);
}

void epilogue_samples(const epilogue *ep, size_t j, size_t count, float *y) {
    ep->shared(y, count, ep->b[j], ep->gamma[j], ep->low);
}
