/* epilogue.h: what follows a product where the library cannot fuse it: y = gamma * relu(y + b), one pass.
 */
#ifndef HARNESS_PEERS_EPILOGUE_H
#define HARNESS_PEERS_EPILOGUE_H

#include "peers.h"

typedef struct epilogue {
    float *b, *gamma; /* [m], copies; gamma of ones where the job has none */
    float low;        /* outputs below it become it: 0 with ReLU, else -infinity. NaN stays */
    void (*shared)(float *y, size_t count, float b, float gamma, float low);
    void (*each)(float *y, const float *sum, size_t count, const float *b, const float *gamma, float low);
} epilogue;

/* For the widest vectors that may be used here. */
bool epilogue_make(const peer_job *job, epilogue *made, error *e);
void epilogue_free(epilogue *made);

/* y [count]: outputs from j on, of one sample, from their sums (which may be y itself). */
void epilogue_outputs(const epilogue *ep, size_t j, size_t count, const float *sum, float *y);

/* y [count]: output j of so many samples, in place. */
void epilogue_samples(const epilogue *ep, size_t j, size_t count, float *y);

#endif
