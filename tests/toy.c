#include "toy.h"

#include <string.h>

#include "model/random.h"

static uint8_t pattern[TOY_CLASSES][TOY_PIXELS];
static uint8_t train_pixels[TOY_TRAIN * TOY_PIXELS], train_labels[TOY_TRAIN];
static uint8_t test_pixels[TOY_TEST * TOY_PIXELS], test_labels[TOY_TEST];

static images draw(random_state *r, size_t count, uint8_t *pixels, uint8_t *labels) {
    for (size_t s = 0; s < count; s++) {
        labels[s] = (uint8_t)random_below(r, TOY_CLASSES);
        for (size_t i = 0; i < TOY_PIXELS; i++)
            pixels[s * TOY_PIXELS + i] = (uint8_t)((pattern[labels[s]][i] + random_below(r, 256)) / 2);
    }
    return (images){.count = count, .rows = TOY_SIDE, .columns = TOY_SIDE, .pixels = pixels, .labels = labels};
}

void toy_data(dataset *data) {
    random_state r;
    random_seed(&r, 11, RANDOM_TEST);
    for (size_t c = 0; c < TOY_CLASSES; c++)
        for (size_t i = 0; i < TOY_PIXELS; i++) pattern[c][i] = (uint8_t)random_below(&r, 256);
    memset(data, 0, sizeof *data);
    strcpy(data->name, "toy");
    data->synthetic = true;
    data->classes = TOY_CLASSES;
    data->train = draw(&r, TOY_TRAIN, train_pixels, train_labels);
    data->test = draw(&r, TOY_TEST, test_pixels, test_labels);
}
