/* epoch_peers.c: the training loop as one writes it over a library's matrix product, as well as that can be done:
 * activations row-major, the update's momentum in the product itself (v = momentum v - lr g is a product with
 * beta = momentum and alpha = -lr), every other loop vectorised (see CMakeLists.txt), the loss by our own kernel.
 * Weights are stored as [out][in] or as [in][out]: libraries differ in which they like. */
#include <stdlib.h>
#include <string.h>

#include "../../kernels/idp_train.h"
#include "../model/matrix.h"
#include "epoch.h"

#ifdef EPOCH_OPENBLAS
#include <cblas.h>
#endif
#ifdef EPOCH_ONEDNN
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#endif

/* c = alpha op(a) op(b) + beta c, row-major; op(a): m x k, op(b): k x n. */
typedef void product_function(bool turn_a, bool turn_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                              size_t a_stride, const float *b, size_t b_stride, float beta, float *c,
                              size_t c_stride);

#ifdef EPOCH_OPENBLAS
static void openblas_start(void) { openblas_set_num_threads(1); }

static void openblas(bool turn_a, bool turn_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                     size_t a_stride, const float *b, size_t b_stride, float beta, float *c, size_t c_stride) {
    cblas_sgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans, turn_b ? CblasTrans : CblasNoTrans, (blasint)m,
                (blasint)n, (blasint)k, alpha, a, (blasint)a_stride, b, (blasint)b_stride, beta, c,
                (blasint)c_stride);
}
#endif

#ifdef EPOCH_ONEDNN
static void onednn_start(void) { /* its threads are OpenMP's */
    void *found = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    void (*set_threads)(int);
    memcpy(&set_threads, &found, sizeof set_threads);
    if (found != NULL) set_threads(1);
}

static void onednn(bool turn_a, bool turn_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                   size_t a_stride, const float *b, size_t b_stride, float beta, float *c, size_t c_stride) {
    dnnl_sgemm(turn_a ? 'T' : 'N', turn_b ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, alpha, a,
               (dnnl_dim_t)a_stride, b, (dnnl_dim_t)b_stride, beta, c, (dnnl_dim_t)c_stride);
}
#endif

static const struct {
    const char *name;
    void (*start)(void);
    product_function *product;
} libraries[] = {
#ifdef EPOCH_OPENBLAS
    {"openblas", openblas_start, openblas},
#endif
#ifdef EPOCH_ONEDNN
    {"onednn", onednn_start, onednn},
#endif
    {NULL, NULL, NULL},
};

enum { LAYERS = 3, BLOCK = IDP_TRAIN_BLOCK, LINE_BYTES = 64 };

typedef struct peer {
    product_function *product;
    const idp_train *kernels; /* for the loss */
    bool in_first;            /* weights are [in][out] */
    size_t width[LAYERS + 1];
    float *w[LAYERS], *v[LAYERS], *b[LAYERS], *v_b[LAYERS];
    float *x[LAYERS + 1]; /* activations, [batch][width]; x[LAYERS]: logits */
    float *delta[LAYERS + 1];
    float *z, *target, *softmax, *turned; /* [classes][32] */
} peer;

static void peer_destroy(void *state) {
    peer *p = state;
    for (size_t l = 0; l < LAYERS; l++) {
        free(p->w[l]);
        free(p->v[l]);
        free(p->b[l]);
        free(p->v_b[l]);
    }
    for (size_t h = 0; h <= LAYERS; h++) {
        free(p->x[h]);
        free(p->delta[h]);
    }
    free(p->z);
    free(p->target);
    free(p->softmax);
    free(p->turned);
    free(p);
}

static void forward(const peer *p, size_t l) {
    const size_t in = p->width[l], out = p->width[l + 1];
    const float *restrict b = p->b[l];
    float *restrict y = p->x[l + 1];
    p->product(false, !p->in_first, EPOCH_BATCH, out, in, 1, p->x[l], in, p->w[l], p->in_first ? out : in, 0, y,
               out);
    for (size_t s = 0; s < EPOCH_BATCH; s++, y += out) {
        if (l + 1 < LAYERS)
            for (size_t j = 0; j < out; j++) y[j] = y[j] + b[j] > 0 ? y[j] + b[j] : 0;
        else
            for (size_t j = 0; j < out; j++) y[j] += b[j];
    }
}

static double loss(const peer *p, const uint8_t *label) {
    const size_t classes = p->width[LAYERS];
    double sum = 0;
    for (size_t s0 = 0; s0 < EPOCH_BATCH; s0 += BLOCK) {
        const float *logits = p->x[LAYERS] + s0 * classes;
        float *delta = p->delta[LAYERS] + s0 * classes;
        memset(p->target, 0, classes * BLOCK * sizeof(float));
        for (size_t s = 0; s < BLOCK; s++) {
            p->target[label[s0 + s] * BLOCK + s] = 1;
            for (size_t c = 0; c < classes; c++) p->z[c * BLOCK + s] = logits[s * classes + c];
        }
        sum += p->kernels->loss(&(idp_train_loss){.classes = classes,
                                                  .samples = BLOCK,
                                                  .z = p->z,
                                                  .target = p->target,
                                                  .share = 1.f / EPOCH_BATCH,
                                                  .delta = p->turned,
                                                  .softmax = p->softmax});
        for (size_t s = 0; s < BLOCK; s++)
            for (size_t c = 0; c < classes; c++) delta[s * classes + c] = p->turned[c * BLOCK + s];
    }
    return sum / EPOCH_BATCH;
}

static void backward(const peer *p, size_t l) {
    const size_t in = p->width[l], out = p->width[l + 1];
    float *restrict delta = p->delta[l];
    const float *restrict x = p->x[l];
    p->product(false, p->in_first, EPOCH_BATCH, in, out, 1, p->delta[l + 1], out, p->w[l], p->in_first ? out : in,
               0, delta, in);
    for (size_t i = 0; i < EPOCH_BATCH * in; i++) delta[i] = x[i] > 0 ? delta[i] : 0;
}

static void update(const peer *p, size_t l) {
    const size_t in = p->width[l], out = p->width[l + 1];
    const float *restrict delta = p->delta[l + 1];
    float *restrict v = p->v[l], *restrict w = p->w[l], *restrict v_b = p->v_b[l], *restrict b = p->b[l];
    if (p->in_first)
        p->product(true, false, in, out, EPOCH_BATCH, -epoch_lr, p->x[l], in, delta, out, epoch_momentum, v, out);
    else
        p->product(true, false, out, in, EPOCH_BATCH, -epoch_lr, delta, out, p->x[l], in, epoch_momentum, v, in);
    for (size_t i = 0; i < in * out; i++) {
        v[i] = v[i] < 0x1p-126f && v[i] > -0x1p-126f ? 0 : v[i]; /* or subnormal velocities slow the product down */
        w[i] += v[i];
    }
    for (size_t j = 0; j < out; j++) v_b[j] *= epoch_momentum;
    for (size_t s = 0; s < EPOCH_BATCH; s++, delta += out)
        for (size_t j = 0; j < out; j++) v_b[j] -= epoch_lr * delta[j];
    for (size_t j = 0; j < out; j++) b[j] += v_b[j];
}

static double peer_step(void *state, const uint8_t *const *image, const uint8_t *label, size_t left) {
    const peer *p = state;
    const size_t inputs = p->width[0];
    for (size_t s = 0; s < EPOCH_BATCH; s++) {
        const uint8_t *restrict pixel = image[s];
        float *restrict x = p->x[0] + s * inputs;
        for (size_t i = 0; i < inputs; i++) x[i] = (float)pixel[i] * (1.f / 255);
    }
    for (size_t s = EPOCH_BATCH; s < 2 * EPOCH_BATCH && s < left; s++) /* as ours looks ahead */
        for (size_t i = 0; i < inputs; i += LINE_BYTES) __builtin_prefetch(image[s] + i, 0, 2);
    for (size_t l = 0; l < LAYERS; l++) forward(p, l);
    const double mean = loss(p, label);
    for (size_t l = LAYERS; l-- > 0;) {
        if (l > 0) backward(p, l);
        update(p, l);
    }
    return mean;
}

static bool allocate(peer *p, const model *m) {
    bool allocated = true;
    for (size_t h = 0; h <= LAYERS; h++) {
        p->width[h] = m->width[h];
        allocated = allocated && (p->x[h] = floats_new(EPOCH_BATCH * m->width[h])) &&
                    (h == 0 || (p->delta[h] = floats_new(EPOCH_BATCH * m->width[h])));
    }
    for (size_t l = 0; l < LAYERS; l++) {
        const size_t weights = m->width[l] * m->width[l + 1];
        allocated = allocated && (p->w[l] = floats_new(weights)) && (p->v[l] = floats_new(weights)) &&
                    (p->b[l] = floats_new(m->width[l + 1])) && (p->v_b[l] = floats_new(m->width[l + 1]));
    }
    const size_t classes = m->width[LAYERS] * BLOCK;
    return allocated && (p->z = floats_new(classes)) && (p->target = floats_new(classes)) &&
           (p->softmax = floats_new(classes)) && (p->turned = floats_new(classes));
}

bool epoch_peer(epoch_loop *loop, size_t index, const model *m, error *e) {
    static const char *const forms[] = {"weights [out][in]", "weights [in][out]"};
    const size_t library = index / 2, count = sizeof libraries / sizeof libraries[0] - 1;
    const idp_backend *backend;
    if (library >= count || idp_backend_choose(NULL, &backend) != IDP_OK) return false;
#if defined(__AVX2__)
    if (!(idp_cpu_features() & IDP_CPU_AVX2_FMA)) return false; /* this file is compiled for it */
#endif
    peer *p = calloc(1, sizeof *p);
    if (p == NULL || !allocate(p, m)) {
        if (p != NULL) peer_destroy(p);
        return fail(e, "no memory");
    }
    p->product = libraries[library].product;
    p->in_first = index % 2 == 1;
    p->kernels = idp_train_of(backend);
    for (size_t l = 0; l < LAYERS; l++) {
        const model_layer *layer = m->profile[0].layer[l];
        memcpy(p->b[l], layer->b, layer->out * sizeof(float));
        if (p->in_first)
            transpose(layer->out, layer->in, layer->w, layer->in, p->w[l], layer->out);
        else
            memcpy(p->w[l], layer->w, layer->out * layer->in * sizeof(float));
    }
    libraries[library].start();
    *loop = (epoch_loop){.implementation = libraries[library].name,
                         .form = forms[index % 2],
                         .threads = 1,
                         .step = peer_step,
                         .destroy = peer_destroy,
                         .state = p};
    return true;
}
