/* toy.h: a small data set of our own for tests of training: noisy random patterns, one a class. */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "data/dataset.h"

enum { TOY_SIDE = 6, TOY_PIXELS = TOY_SIDE * TOY_SIDE, TOY_CLASSES = 4, TOY_TRAIN = 600, TOY_TEST = 200 };

/* The pixels are static: nothing to free. The same every time. */
void toy_data(dataset *data);

#endif
