#include "loss.h"

#include <math.h>

/* One sample: p = softmax(z), and log sum exp(z). */
static float softmax_one(size_t classes, size_t stride, const float *z, float *p) {
    float highest = z[0], sum = 0;
    for (size_t c = 1; c < classes; c++) highest = fmaxf(highest, z[c * stride]);
    for (size_t c = 0; c < classes; c++) sum += p[c * stride] = expf(z[c * stride] - highest);
    for (size_t c = 0; c < classes; c++) p[c * stride] /= sum;
    return highest + logf(sum);
}

void softmax(size_t classes, size_t batch, size_t stride, const float *z, float *p) {
    for (size_t s = 0; s < batch; s++) softmax_one(classes, stride, z + s, p + s);
}

double label_loss(size_t classes, size_t batch, size_t stride, const float *z, const uint8_t *label, float share,
                  float *delta) {
    double loss = 0;
    for (size_t s = 0; s < batch; s++) {
        loss += (double)(softmax_one(classes, stride, z + s, delta + s) - z[label[s] * stride + s]);
        for (size_t c = 0; c < classes; c++) delta[c * stride + s] *= share;
        delta[label[s] * stride + s] -= share;
    }
    return loss;
}

double soft_loss(size_t classes, size_t batch, size_t stride, const float *z, const float *target, float share,
                 float *delta) {
    double loss = 0;
    for (size_t s = 0; s < batch; s++) {
        const float all = softmax_one(classes, stride, z + s, delta + s);
        for (size_t c = 0; c < classes; c++) {
            const size_t at = c * stride + s;
            loss += (double)(target[at] * (all - z[at]));
            delta[at] = share * (delta[at] - target[at]);
        }
    }
    return loss;
}
