/* fuzz_idx.c: an IDX file, of images and of labels, plain or gzip. */
#include <stdlib.h>

#include "../../harness/data/dataset.h"
#include "input.h"

static unsigned sum(const uint8_t *bytes, size_t size) {
    unsigned total = 0;
    for (size_t i = 0; i < size; i++) total += bytes[i];
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = input_file(data, size);
    images part = {.count = 0};
    error e;
    if (idx_read_images(path, &part, &e)) {
        claim(part.count > 0 && part.rows > 0 && part.columns > 0, "an empty set of images");
        (void)sum(part.pixels, part.count * part.rows * part.columns);
        free(part.pixels);
    }
    /* Labels must be as many as the images: as many as the header says. */
    part = (images){
        .count = size >= 8 ? (size_t)data[4] << 24 | (size_t)data[5] << 16 | (size_t)data[6] << 8 | data[7] : 10};
    if (idx_read_labels(path, &part, &e)) {
        for (size_t i = 0; i < part.count; i++)
            claim(part.labels[i] < DATASET_MAX_CLASSES, "label %u", part.labels[i]);
        free(part.labels);
    }
    return 0;
}
