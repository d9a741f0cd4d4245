/* mnist.h: what MNIST is (LeCun, Cortes, Burges: 60,000 training and 10,000 test images of 28 x 28) and where it
 * is. */
#ifndef HARNESS_MNIST_H
#define HARNESS_MNIST_H

#include "fetch.h"

enum { MNIST_TRAIN = 60000, MNIST_TEST = 10000, MNIST_SIDE = 28 };

extern const fetch_manifest mnist_manifest;

/* dataset.sha256 of the set whose four files have the manifest's sums (test_idx shows that it follows from them).
 */
#define MNIST_SHA256 "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"

#endif
