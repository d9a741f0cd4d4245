#include "mlp.h"

#include <math.h>

static size_t channels(const mlp_reference *net, size_t h, size_t k) {
    return net->incomplete[h] ? k : net->width[h];
}

/* z of output j of layer l, from the activation below before gamma. */
static double output(const mlp_reference *net, size_t k, size_t l, size_t j, const double *below) {
    double z = net->b[l][j];
    for (size_t i = 0; i < channels(net, l, k); i++) {
        const double gamma = net->gamma[l] != NULL ? net->gamma[l][i] : 1;
        // NOLINTNEXTLINE(clang-analyzer-core*): the layer before has filled it
        z += net->w[l][j * net->width[l] + i] * gamma * below[i];
    }
    return z;
}

void mlp_reference_forward(const mlp_reference *net, size_t k, const double *x, size_t h, double *a) {
    if (h == 0) {
        for (size_t i = 0; i < net->width[0]; i++) a[i] = x[i];
        return;
    }
    double below[MLP_REFERENCE_WIDTH];
    mlp_reference_forward(net, k, x, h - 1, below);
    for (size_t j = 0; j < net->width[h]; j++) {
        const double z = j < channels(net, h, k) ? output(net, k, h - 1, j, below) : 0;
        a[j] = h < net->layers && z < 0 ? 0 : z;
    }
}

double mlp_reference_loss(const mlp_reference *net, size_t k, const double *x, const uint8_t *label, size_t batch) {
    const size_t classes = net->width[net->layers];
    double z[MLP_REFERENCE_WIDTH], loss = 0;
    for (size_t s = 0; s < batch; s++) {
        mlp_reference_forward(net, k, x + s * net->width[0], net->layers, z);
        // NOLINTBEGIN(clang-analyzer-core*): there is at least one class
        double highest = z[0], sum = 0;
        for (size_t c = 1; c < classes; c++) highest = fmax(highest, z[c]);
        // NOLINTEND(clang-analyzer-core*)
        for (size_t c = 0; c < classes; c++) sum += exp(z[c] - highest);
        loss += log(sum) + highest - z[label[s]];
    }
    return loss / (double)batch;
}
