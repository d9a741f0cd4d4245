/* loss.h: softmax cross-entropy with labels and with soft targets. Arrays are feature-major: [classes][stride]. */
#ifndef HARNESS_LOSS_H
#define HARNESS_LOSS_H

#include <stddef.h>
#include <stdint.h>

/* p = softmax(z) of every sample. */
void softmax(size_t classes, size_t batch, size_t stride, const float *z, float *p);

/* Sum over the samples of the cross-entropy of softmax(z) with the labels, in nats; delta = share (softmax(z) -
 * one-hot label). label: [batch], each below classes. */
double label_loss(size_t classes, size_t batch, size_t stride, const float *z, const uint8_t *label, float share,
                  float *delta);

/* The same with probabilities to reach: - sum of target log softmax(z); delta = share (softmax(z) - target). */
double soft_loss(size_t classes, size_t batch, size_t stride, const float *z, const float *target, float share,
                 float *delta);

#endif
