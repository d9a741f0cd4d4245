/* mlp.h: a network of incomplete layers as its formulas say it, in double precision: the forward pass and the loss.
 * What a trainer's gradient must agree with by finite differences. Naive on purpose; knows nothing of the kernels.
 */
#ifndef REFERENCE_MLP_H
#define REFERENCE_MLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MLP_REFERENCE_LAYERS = 16, MLP_REFERENCE_WIDTH = 1024 /* at most, of any activation but the input */ };

/* Activation h = 0 is the input, h = layers the output; hidden ones are gamma[h] relu(z). */
typedef struct mlp_reference {
    size_t layers; /* 1 .. MLP_REFERENCE_LAYERS */
    size_t width[MLP_REFERENCE_LAYERS + 1];
    bool incomplete[MLP_REFERENCE_LAYERS + 1]; /* hidden activations of which only the first k channels exist */
    double *w[MLP_REFERENCE_LAYERS];           /* w[l]: [width[l+1]][width[l]] */
    double *b[MLP_REFERENCE_LAYERS];           /* b[l]: [width[l+1]] */
    double *gamma[MLP_REFERENCE_LAYERS + 1];   /* [width[h]] for hidden h, or NULL for all ones */
} mlp_reference;

/* Activation h of one sample, before gamma; h = layers gives the outputs. x: [width[0]], a: [width[h]], of which
 * the channels that do not exist are set to 0. */
void mlp_reference_forward(const mlp_reference *net, size_t k, const double *x, size_t h, double *a);

/* Mean over the samples of the cross-entropy of softmax(outputs), in nats. x: [batch][width[0]], label: [batch] */
double mlp_reference_loss(const mlp_reference *net, size_t k, const double *x, const uint8_t *label, size_t batch);

#endif
