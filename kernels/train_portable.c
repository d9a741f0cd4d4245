/* train_portable.c: the training kernels in plain C: what the hand-written ones are compared with, and what other
 * back ends use. Compiled like portable.c. */
#include <float.h>
#include <math.h>

#include "train.h"

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#if IDP_VARIANT_LANES == 1
#define SIMD
#else
#define SIMD _Pragma("omp simd")
#endif

/* sum[s] += sum over t < steps of a[t * a_step] b[t][s] */
IDP_INLINE void add_products(size_t steps, const float *a, size_t a_step, const float *b, float sum[BLOCK]) {
    for (size_t t = 0; t < steps; t++) {
        const float factor = a[t * a_step];
        SIMD for (size_t s = 0; s < BLOCK; s++) sum[s] += factor * b[t * BLOCK + s];
    }
}

static void forward(const idp_train_forward *f) {
    for (size_t j = 0; j < f->m; j++) {
        float sum[BLOCK], *y = f->y + j * BLOCK;
        SIMD for (size_t s = 0; s < BLOCK; s++) sum[s] = f->b[j];
        if (f->channel == NULL) add_products(f->k, f->w + j * f->w_stride, 1, f->x, sum);
        for (size_t t = 0; f->channel != NULL && t < f->k; t++)
            add_products(1, f->w + j * f->w_stride + f->channel[t], 1, f->x + f->channel[t] * BLOCK, sum);
        SIMD for (size_t s = 0; s < BLOCK; s++) y[s] = f->relu && sum[s] < 0 ? 0 : sum[s];
        if (f->gamma == NULL) continue;
        SIMD for (size_t s = 0; s < BLOCK; s++) f->scaled[j * BLOCK + s] = f->gamma[j] * y[s];
    }
}

static void backward(const idp_train_backward *o) {
    for (size_t i = 0; i < o->m; i++) {
        float sum[BLOCK] = {0}, *y = o->y + i * BLOCK;
        const float gamma = o->gamma != NULL ? o->gamma[i] : 1;
        add_products(o->k, o->w + i, o->w_stride, o->delta, sum);
        SIMD for (size_t s = 0; s < BLOCK; s++) {
            const float passed = o->relu[i * BLOCK + s] > 0 ? gamma * sum[s] : 0;
            y[s] = o->add ? y[s] + passed : passed;
        }
    }
}

static void weights(const idp_train_weights *o) {
    IDP_ASSERT_WEIGHTS(o);
    for (size_t j = 0; j < o->m; j++) {
        float sum[BLOCK] = {0};
        for (size_t t = 0; t < o->terms; t++)
            add_products(o->term[t].samples, o->term[t].delta + j * BLOCK, 1, o->term[t].x, sum);
        for (size_t i = 0; i < o->n; i++) {
            const size_t at = j * o->stride + i;
            if (o->add) sum[i] += o->g[at];
            if (o->v == NULL) {
                o->g[at] = sum[i];
                continue;
            }
            const float next = o->momentum * o->v[at] - o->lr * (sum[i] + o->decay * o->w[at]);
            o->v[at] = fabsf(next) < FLT_MIN ? 0 : next;
            o->w[at] += o->v[at];
        }
    }
}

static double loss(const idp_train_loss *o) {
    double total = 0;
    for (size_t s = 0; s < BLOCK; s++) {
        float highest = o->z[s], sum = 0, nats = 0;
        for (size_t c = 1; c < o->classes; c++) highest = fmaxf(highest, o->z[c * BLOCK + s]);
        for (size_t c = 0; c < o->classes; c++)
            sum += o->softmax[c * BLOCK + s] = expf(o->z[c * BLOCK + s] - highest);
        const float log_sum = logf(sum);
        for (size_t c = 0; c < o->classes; c++) {
            const size_t at = c * BLOCK + s;
            o->softmax[at] /= sum;
            o->delta[at] = s < o->samples ? o->share * (o->softmax[at] - o->target[at]) : 0;
            nats += o->target[at] * (log_sum - (o->z[at] - highest));
        }
        if (s < o->samples) total += nats;
    }
    return total;
}

static void sums(size_t m, const float *delta, float *to) {
    for (size_t j = 0; j < m; j++) {
        float sum = 0;
        for (size_t s = 0; s < BLOCK; s++) sum += delta[j * BLOCK + s];
        to[j] += sum;
    }
}

static void pixels(const uint8_t *pixel, float *y) {
    for (size_t s = 0; s < BLOCK; s++)
        for (size_t c = 0; c < BLOCK; c++) y[s * BLOCK + c] = (float)pixel[s * LINE + c] / 255;
}

static void pixels_turned(const uint8_t *pixel, float *y) {
    for (size_t c = 0; c < LINE; c++)
        for (size_t s = 0; s < BLOCK; s++) y[c * BLOCK + s] = (float)pixel[s * LINE + c] / 255;
}

static void turn(const float *from, float *to) {
    for (size_t r = 0; r < BLOCK; r++)
        for (size_t c = 0; c < BLOCK; c++) to[c * BLOCK + r] = from[r * BLOCK + c];
}

const idp_train PASTE(idp_train_, IDP_VARIANT) = {TEXT(IDP_VARIANT), forward, backward, weights, loss, sums, pixels,
                                                  pixels_turned,     turn};
