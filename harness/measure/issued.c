#include "issued.h"

#include <assert.h>
#include <math.h>

#include "work.h"

double issued_flops(const model *m, const idp_mlp *network, const idp_backend *backend, double percent,
                    size_t samples) {
    assert(samples >= 1 && samples <= ISSUED_MOST_SAMPLES);
    if (backend->origin == IDP_ORIGIN_AUTOVEC) return NAN;
    double multiply_adds = 0;
    for (size_t l = 0; l < m->layers; l++) {
        const idp_fc fc = {.out = m->width[l + 1],
                           .in = m->width[l],
                           .m = model_channels(m, l + 1, percent),
                           .k = model_channels(m, l, percent),
                           .batch = samples};
        const work w = work_predict(idp_mlp_kernel(network, l, samples > 1), backend->origin, &fc);
        multiply_adds += (double)work_issued(&w);
    }
    return 2 * multiply_adds / (double)samples;
}
